"""A status document, small and whole, for who reads one."""

from __future__ import annotations

from typing import Any, Final

_COUNTED: Final = (
    *("advert_rcvd", "advert_sent", "become_master", "release_master", "packet_len_err"),
    *("advert_interval_err", "ip_ttl_err", "invalid_type_rcvd", "addr_list_err", "invalid_authtype"),
    *("authtype_mismatch", "auth_failure", "pri_zero_rcvd", "pri_zero_sent"),
)

STATUS: Final[dict[str, Any]] = {
    "schema": 1,
    "daemon": {
        "version": "1.0",
        "started": 1000.0,
        "ready": True,
        "live": True,
        "configuration": {"read": 1000.0, "errors": 0, "warnings": 1, "reload": None},
        "roles": [
            {
                "name": "vrrp",
                "state": "running",
                "restarts": 0,
                "timer_lateness": {"worst_ms": 1.5},
                "turns": {"over_5_ms": 3},
            },
            {"name": "checkers", "state": "running", "restarts": 2, "timer_lateness": None, "turns": None},
        ],
    },
    "overrides": [{"target": "VI_1", "action": "yield", "at": 1010.0}],
    "vrrp": {
        "instances": [
            {
                "name": "VI_1",
                "interface": "eth0",
                "vrid": 51,
                "state": "MASTER",
                "since": 1004.0,
                "priority": 1,
                "base_priority": 150,
                "addresses": [{"address": "192.0.2.80/24", "interface": "eth0", "set": True}],
                "split_brain": None,
                "counters": {
                    "split_brains": 1,
                    "keepalived": dict.fromkeys(_COUNTED, 0) | {"advert_sent": 12, "auth_failure": 3},
                    "packet_errors": {"password": 3},
                },
            }
        ],
        "groups": [{"name": "VG", "state": "MASTER"}],
        "trackers": [
            {"kind": "script", "name": "chk", "up": False, "running": True},
            {"kind": "process", "name": "web", "up": None, "running": False},
        ],
    },
    "checkers": {
        "virtual_servers": [
            {
                "id": "tcp/192.0.2.80:80",
                "quorum": 1,
                "quorum_up": True,
                "weight": 3,
                "sorry_server": {"in_use": False},
                "real_servers": [
                    {
                        "id": f"tcp/192.0.2.80:80/10.0.0.{n}:80",
                        "alive": n == 1,
                        "in_pool": n == 1,
                        "effective_weight": 3,
                        "checks": [
                            {
                                "kind": "TCP_CHECK",
                                "target": f"10.0.0.{n}:80",
                                "up": n == 1,
                                "latency_ms": 2.5 if n == 1 else None,
                                "last_run": 1020.0 if n == 1 else None,
                                "paused": False,
                            }
                        ],
                    }
                    for n in (1, 2)
                ],
            }
        ]
    },
    "bfd": {"sessions": [{"name": "far", "neighbor": "192.0.2.9", "state": "Up", "sent": 5, "received": 6}]},
}
