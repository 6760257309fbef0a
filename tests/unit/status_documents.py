"""A status document to look at: a pair's second director, with a bit of everything."""

from __future__ import annotations

from typing import Any

STARTED = 1_795_532_000.0
NOW = STARTED + 100.0


def document() -> dict[str, Any]:
    """The whole."""
    return {
        "schema": 1,
        "daemon": {
            "version": "0.1.0",
            "pid": 100,
            "host": "lvs2",
            "started": STARTED,
            "uptime_s": 100.0,
            "ready": True,
            "live": True,
            "configuration": {
                "file": "/etc/keepalived/keepalived.conf",
                "read": STARTED,
                "errors": 0,
                "warnings": 1,
                "findings": ["(f: Line 1) a word"],
                "reload": None,
            },
            "warnings": [],
            "roles": [
                {
                    "name": "vrrp",
                    "pid": 101,
                    "state": "running",
                    "since": STARTED,
                    "restarts": 2,
                    "timer_lateness": {"count": 9, "mean_ms": 0.1, "p99_ms": 0.4, "worst_ms": 0.4},
                    "turns": {"since": STARTED, "count": 9, "over_5_ms": 0, "worst_ms": 1.0},
                }
            ],
        },
        "overrides": [
            {
                "kind": "real_server",
                "target": "tcp/192.0.2.1:80/10.0.0.2:80",
                "action": "drain",
                "value": None,
                "by": "root",
                "at": NOW - 600,
                "reason": "new disk",
                "configured": True,
            }
        ],
        "vrrp": {
            "instances": [instance()],
            "groups": [
                {
                    "name": "G",
                    "state": "BACKUP",
                    "since": NOW - 60,
                    "instances": ["one", "two"],
                    "faults": [],
                }
            ],
            "trackers": [
                {
                    "kind": "script",
                    "name": "chk",
                    "value": 0,
                    "up": False,
                    "last_run": NOW - 1,
                    "next_in_s": 1.0,
                    "last_result": "exited with status 1",
                    "running": False,
                }
            ],
        },
        "checkers": {"data_plane": "ipvs", "virtual_servers": [virtual_server()]},
        "bfd": {
            "sessions": [
                {
                    "name": "far",
                    "neighbor": "10.0.0.9",
                    "local": None,
                    "state": "Up",
                    "remote_state": "Up",
                    "since": NOW - 3600,
                    "diagnostic": "No Diagnostic",
                    "remote_diagnostic": "No Diagnostic",
                    "interval_ms": 10.0,
                    "multiplier": 3,
                    "detection_ms": 30.0,
                    "last_seen": NOW,
                    "sent": 1,
                    "received": 1,
                }
            ]
        },
    }


def instance(**fields: Any) -> dict[str, Any]:
    """A backup of a master with a higher priority."""
    return {
        "name": "one",
        "group": None,
        "interface": "eth0",
        "vrid": 51,
        "family": "inet",
        "version": 2,
        "state": "BACKUP",
        "since": NOW - 60,
        "wanted": "BACKUP",
        "priority": 100,
        "base_priority": 100,
        "reasons": [],
        "faults": [],
        "waits_for": [],
        "preempt": True,
        "preempt_delay_s": 0.0,
        "source": "10.0.0.2",
        "peers": [],
        "master": {"address": "10.0.0.1", "priority": 150},
        "interval_s": 1.0,
        "master_down_s": 3.6,
        "next": {"what": "master_down", "in_s": 3.1},
        "addresses": [{"address": "192.0.2.1/24", "interface": "eth0", "set": False}],
        "split_brain": None,
        "counters": {
            "adverts_received": 1,
            "adverts_sent": 0,
            "became_master": 0,
            "released_master": 0,
            "priority_zero_received": 0,
            "priority_zero_sent": 0,
            "address_list_errors": 0,
            "interval_mismatches": 0,
            "split_brains": 0,
            "keepalived": {"advert_rcvd": 1},
            "packet_errors": {},
        },
        **fields,
    }


def virtual_server(**fields: Any) -> dict[str, Any]:
    """One server up, one down."""
    return {
        "id": "tcp/192.0.2.1:80",
        "name": "[192.0.2.1]:tcp:80",
        "address": "192.0.2.1",
        "port": 80,
        "protocol": "tcp",
        "fwmark": None,
        "group": None,
        "suspended": False,
        "scheduler": "rr",
        "forwarding": "NAT",
        "persistence_s": None,
        "quorum": 1,
        "hysteresis": 0,
        "quorum_up": True,
        "since": NOW - 90,
        "weight": 1,
        "sorry_server": None,
        "real_servers": [
            real_server("10.0.0.1", True, None, check(True)),
            real_server("10.0.0.2", False, "TCP_CHECK 10.0.0.2:80: timeout", check(False)),
        ],
        **fields,
    }


def real_server(address: str, alive: bool, why: str | None, *checks: Any, **fields: Any) -> dict[str, Any]:
    """A server of the pool."""
    return {
        "id": f"tcp/192.0.2.1:80/{address}:80",
        "address": address,
        "port": 80,
        "forwarding": "NAT",
        "weight": 1,
        "effective_weight": int(alive),
        "alive": alive,
        "in_pool": alive,
        "inhibited": False,
        "since": NOW - 30,
        "why": why,
        "override": None,
        "checks": list(checks),
        **fields,
    }


def check(up: bool, **fields: Any) -> dict[str, Any]:
    """A check that has run."""
    return {
        "kind": "TCP_CHECK",
        "target": "10.0.0.1:80",
        "up": up,
        "has_run": True,
        "last_result": "success" if up else "timeout",
        "last_run": NOW - 2,
        "latency_ms": 1.25,
        "next_in_s": 4.0,
        "retries_left": 1,
        "paused": False,
        **fields,
    }
