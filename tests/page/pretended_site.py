"""What a pretended daemon tells of: status documents of a small site and of one as large as it may get."""

from __future__ import annotations

import random
import time
from typing import Any


def check(
    kind: str = "TCP_CHECK", latency_ms: float | None = 1.2, up: bool = True, **more: Any
) -> dict[str, Any]:
    """A check as the status tells it."""
    result = "success" if up else "connection refused"
    return {
        "kind": kind,
        "target": None,
        "up": up,
        "has_run": True,
        "last_result": result,
        "last_run": time.time(),
        "latency_ms": latency_ms if up else None,
        "next_in_s": 3.0,
        "retries_left": 0,
        "paused": False,
    } | more


def real_server(virtual: str, address: str, port: int = 80, weight: int = 1, **more: Any) -> dict[str, Any]:
    """A real server that is in its pool."""
    host = f"[{address}]" if ":" in address else address
    return {
        "id": f"{virtual}/{host}:{port}",
        "address": address,
        "port": port,
        "forwarding": "NAT",
        "weight": weight,
        "effective_weight": weight,
        "alive": True,
        "in_pool": True,
        "inhibited": False,
        "since": time.time() - 5 * 3600,
        "why": None,
        "checks": [check(target=f"{host}:{port}")],
    } | more


def virtual_server(address: str, port: int, servers: list[str], **more: Any) -> dict[str, Any]:
    """A virtual server whose real servers are all in the pool."""
    host = f"[{address}]" if ":" in address else address
    name = f"tcp/{host}:{port}"
    return {
        "id": name,
        "name": f"[{address}]:tcp:{port}",
        "address": address,
        "port": port,
        "protocol": "TCP",
        "fwmark": None,
        "scheduler": "wrr",
        "forwarding": "NAT",
        "quorum": 1,
        "quorum_up": True,
        "since": time.time() - 5 * 3600,
        "weight": len(servers),
        "sorry_server": None,
        "real_servers": [real_server(name, each, port) for each in servers],
    } | more


def instance(name: str, state: str, addresses: list[str], **more: Any) -> dict[str, Any]:
    """A VRRP instance."""
    return {
        "name": name,
        "group": None,
        "interface": "eth0",
        "vrid": 51,
        "family": "inet6" if ":" in addresses[0] else "inet",
        "version": 3,
        "state": state,
        "since": time.time() - 2 * 86400,
        "wanted": state,
        "priority": 150 if state == "MASTER" else 100,
        "base_priority": 150 if state == "MASTER" else 100,
        "reasons": [],
        "faults": [],
        "preempt": True,
        "master": None if state == "MASTER" else {"address": "10.0.0.2", "priority": 150},
        "interval_s": 1.0,
        "master_down_s": 3.4,
        "next": {"what": "advert" if state == "MASTER" else "master_down", "in_s": 0.6},
        "addresses": [{"address": each, "interface": "eth0", "set": state == "MASTER"} for each in addresses],
        "split_brain": None,
        "counters": {"advertisements_sent": 172800, "advertisements_received": 3, "became_master": 1},
    } | more


def status(instances: list[Any], virtual_servers: list[Any], **more: Any) -> dict[str, Any]:
    """A status document."""
    started = time.time() - 2 * 86400
    return {
        "schema": 1,
        "daemon": {
            "version": "0.1.0",
            "pid": 4711,
            "host": "lb1",
            "started": started,
            "uptime_s": time.time() - started,
            "ready": True,
            "live": True,
            "configuration": {
                "file": "/etc/keepalived/keepalived.conf",
                "read": started,
                "errors": 0,
                "warnings": 0,
                "reload": {"at": time.time() - 3600, "result": "applied", "why": None},
            },
            "roles": [
                {
                    "name": name,
                    "pid": 4712 + index,
                    "state": "running",
                    "since": started,
                    "restarts": 0,
                    "timer_lateness": {"worst_ms": 1.9, "p99_ms": 0.3},
                }
                for index, name in enumerate(("vrrp", "checkers"))
            ],
            "warnings": [],
        },
        "overrides": [],
        "vrrp": {"instances": instances, "groups": [], "trackers": []},
        "checkers": {"data_plane": "ipvs", "virtual_servers": virtual_servers},
        "bfd": None,
    } | more


def small_site() -> dict[str, Any]:
    """Two directors, two virtual routers, four virtual servers: with one of most states."""
    web = virtual_server("192.0.2.10", 80, [f"10.1.0.{n}" for n in range(1, 5)])
    tls = virtual_server("192.0.2.10", 443, [f"10.1.0.{n}" for n in range(1, 5)], scheduler="wlc")
    db = virtual_server("192.0.2.20", 5432, ["10.2.0.1", "10.2.0.2", "10.2.0.3"], forwarding="DR")
    six = virtual_server("2001:db8::80", 80, ["2001:db8:1::1", "2001:db8:1::2"])
    for server, weight in zip(db["real_servers"], (10, 10, 5), strict=True):
        server["weight"] = server["effective_weight"] = weight
    tls["sorry_server"] = {"address": "10.9.0.9", "port": 443, "in_use": False}
    document = status(
        [
            instance("VI_web", "MASTER", ["192.0.2.10/24", "2001:db8::80/64"]),
            instance("VI_db", "BACKUP", ["192.0.2.20/24"], vrid=52),
        ],
        [web, tls, db, six],
    )
    document["vrrp"]["trackers"] = [
        {
            "kind": "script",
            "name": "chk_haproxy",
            "value": 0,
            "up": True,
            "last_run": time.time(),
            "next_in_s": 1.2,
            "last_result": "exited with 0",
            "running": False,
        }
    ]
    return document


def large_site(services: int = 200, servers: int = 50) -> dict[str, Any]:
    """As large as it may get."""
    addresses = [f"192.0.2.{n}" for n in range(1, 21)]
    chance = random.Random(7)
    found = []
    for n in range(services):
        found.append(
            virtual_server(
                addresses[n % 20], 8000 + n // 20, [f"10.{n}.0.{m}" for m in range(1, servers + 1)]
            )
        )
        for each in found[-1]["real_servers"]:
            if chance.random() < 0.01:
                down(each)
    return status([instance("VI_all", "MASTER", [f"{each}/24" for each in addresses])], found)


def down(server: dict[str, Any], why: str = "connection refused") -> None:
    """A real server fails."""
    told = f"TCP_CHECK {server['checks'][0]['target']} fails: {why}"
    server.update(alive=False, in_pool=False, effective_weight=0, why=told, since=time.time())
    server["checks"] = [check(up=False, target=each["target"], last_result=why) for each in server["checks"]]


def up(server: dict[str, Any]) -> None:
    """It is back."""
    server.update(alive=True, in_pool=True, effective_weight=server["weight"], why=None, since=time.time())
    server["checks"] = [check(target=each["target"]) for each in server["checks"]]
