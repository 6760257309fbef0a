"""A status document for what makes numbers of one: a master, with a bit of all that is counted."""

from __future__ import annotations

from typing import Any, Final

from tests.unit.status_documents import check, document, instance, real_server, virtual_server

_COUNTED: Final = (
    *("advert_rcvd", "advert_sent", "become_master", "release_master", "packet_len_err"),
    *("advert_interval_err", "ip_ttl_err", "invalid_type_rcvd", "addr_list_err", "invalid_authtype"),
    *("authtype_mismatch", "auth_failure", "pri_zero_rcvd", "pri_zero_sent"),
)
_POOL: Final = "tcp/192.0.2.80:80"


def _master() -> dict[str, Any]:
    made = instance(
        name="VI_1",
        state="MASTER",
        since=1004.0,
        priority=1,
        base_priority=150,
        addresses=[{"address": "192.0.2.80/24", "interface": "eth0", "set": True}],
    )
    made["counters"] |= {
        "split_brains": 1,
        "keepalived": dict.fromkeys(_COUNTED, 0) | {"advert_sent": 12, "auth_failure": 3},
        "packet_errors": {"password": 3},
    }
    return made


def _pool() -> dict[str, Any]:
    """One server that was checked, and one that was not yet."""
    checked = check(True, target="10.0.0.1:80", latency_ms=2.5, last_run=1020.0)
    unchecked = check(False, target="10.0.0.2:80", latency_ms=None, last_run=None)
    servers = (("10.0.0.1", True, checked), ("10.0.0.2", False, unchecked))
    return virtual_server(
        id=_POOL,
        weight=3,
        sorry_server={"address": "10.0.0.3", "port": 80, "in_use": False},
        real_servers=[
            real_server(address, alive, None, ran, id=f"{_POOL}/{address}:80", effective_weight=3)
            for address, alive, ran in servers
        ],
    )


def _status() -> dict[str, Any]:
    made = document()
    made["daemon"] |= {"version": "1.0", "started": 1000.0}
    made["daemon"]["configuration"]["read"] = 1000.0
    [vrrp] = made["daemon"]["roles"]
    vrrp["restarts"] = 0
    vrrp["timer_lateness"]["worst_ms"] = 1.5
    vrrp["turns"]["over_5_ms"] = 3
    checkers = {"name": "checkers", "restarts": 2, "timer_lateness": None, "turns": None}
    made["daemon"]["roles"].append(vrrp | checkers)
    made["overrides"][0] |= {"kind": "instance", "target": "VI_1", "action": "yield", "at": 1010.0}
    made["vrrp"]["instances"] = [_master()]
    made["vrrp"]["groups"][0] |= {"name": "VG", "state": "MASTER"}
    [script] = made["vrrp"]["trackers"]
    script["running"] = True
    made["vrrp"]["trackers"].append(script | {"kind": "process", "name": "web", "up": None, "running": False})
    made["checkers"]["virtual_servers"] = [_pool()]
    made["bfd"]["sessions"][0] |= {"neighbor": "192.0.2.9", "sent": 5, "received": 6}
    return made


STATUS: Final = _status()
