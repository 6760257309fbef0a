"""The whole daemon on loopback, with the userspace data plane: servers die, lie and come back."""

from __future__ import annotations

import hashlib
import signal
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.network.daemon import Daemon, WebServer, ask, daemon, free_port, wait_for, web_servers

pytestmark = pytest.mark.network

VIP = "127.0.0.77"
GOOD = hashlib.md5(b"all is well\n").hexdigest()


@pytest.fixture
def vport() -> int:
    return free_port(VIP)


@pytest.fixture
def servers() -> Iterator[dict[str, WebServer]]:
    with web_servers("one", "two", "sorry") as made:
        yield made


def configuration(vport: int, servers: dict[str, WebServer]) -> str:
    def real(name: str, weight: int) -> str:
        return f"""
    real_server 127.0.0.1 {servers[name].port} {{
        weight {weight}
        HTTP_GET {{
            url {{
                path /check
                digest {GOOD}
            }}
            connect_timeout 2
            retry 1
            delay_before_retry 1
        }}
    }}"""

    return f"""
global_defs {{
    router_id test
}}
virtual_server {VIP} {vport} {{
    delay_loop 1
    lb_algo wrr
    lb_kind NAT
    protocol TCP
    sorry_server 127.0.0.1 {servers["sorry"].port}
    {real("one", 2)}
    {real("two", 1)}
}}
"""


def name_of(server: WebServer) -> str:
    return f"[127.0.0.1]:tcp:{server.port}"


def test_a_pool_lives(tmp_path: Path, vport: int, servers: dict[str, WebServer]) -> None:
    with daemon(configuration(vport, servers), tmp_path, "--data-plane=userspace") as running:
        running.says("Data plane: userspace (as asked for)")
        running.says(f"Remote Web server {name_of(servers['one'])} succeed on service.")
        running.says(f"Remote Web server {name_of(servers['two'])} succeed on service.")
        shares = Counter(ask(VIP, vport) for _ in range(30))
        assert shares == {"one": 20, "two": 10}

        servers["one"].stop()
        assert {ask(VIP, vport) for _ in range(10)} == {"two"}, "no client fails before the check does"
        running.says(f"HTTP_CHECK on service {name_of(servers['one'])} failed after 1 retries.")
        running.says(f"Removing service {name_of(servers['one'])} from VS [{VIP}]:tcp:{vport}")

        servers["two"].page = b"something else\n"
        running.says(f"Removing service {name_of(servers['two'])} from VS [{VIP}]:tcp:{vport}")
        running.says(f"Lost quorum 1-0=1 > 0 for VS [{VIP}]:tcp:{vport}")
        running.says(f"Adding sorry server {name_of(servers['sorry'])} to VS [{VIP}]:tcp:{vport}")
        wait_for(lambda: ask(VIP, vport) == "sorry", "the sorry server answers")

        servers["one"].start()
        servers["two"].page = b"all is well\n"
        running.says(f"Adding service {name_of(servers['one'])} to VS [{VIP}]:tcp:{vport}")
        running.says(f"Adding service {name_of(servers['two'])} to VS [{VIP}]:tcp:{vport}")
        wait_for(lambda: {ask(VIP, vport) for _ in range(6)} == {"one", "two"}, "both serve again")

        assert running.stop() == -signal.SIGTERM, "twistd's own way to end"
        assert f"Shutting down service {name_of(servers['one'])} from VS" in running.log
        with pytest.raises(OSError):
            ask(VIP, vport)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_stops_at_once_and_cleanly(
    tmp_path: Path, vport: int, servers: dict[str, WebServer], number: int
) -> None:
    with daemon(configuration(vport, servers), tmp_path, "--data-plane=userspace") as running:
        running.says("Startup complete")
        assert running.stop(number) == -number
        assert "Traceback" not in running.log
        assert not (tmp_path / "twistd.pid").exists()


def scripts_told(running: Daemon) -> list[str]:
    told = running.scratch / "told"
    return told.read_text().split() if told.exists() else []


def test_scripts_are_told_in_order(tmp_path: Path, vport: int, servers: dict[str, WebServer]) -> None:
    tell = tmp_path / "tell"
    tell.write_text(f'#!/bin/sh\necho "$1" >>{tmp_path}/told\n')
    tell.chmod(0o755)
    text = configuration(vport, servers).replace(
        "lb_algo wrr",
        f'lb_algo wrr\n    quorum_up "{tell} quorum-up"\n    quorum_down "{tell} quorum-down"',
    )
    for event in ("up", "down"):
        text = text.replace(
            "        weight 2\n", f'        weight 2\n        notify_{event} "{tell} {event}"\n'
        )
    with daemon(text, tmp_path, "--data-plane=userspace") as running:
        running.says(f"Remote Web server {name_of(servers['two'])} succeed on service.")
        wait_for(lambda: scripts_told(running) == ["quorum-up"], "quorum_up at the start")
        servers["one"].stop()
        wait_for(lambda: scripts_told(running)[1:] == ["down"], "notify_down")
        servers["two"].stop()
        wait_for(lambda: scripts_told(running)[1:] == ["down", "quorum-down"], "quorum_down")
        servers["one"].start()
        wait_for(lambda: set(scripts_told(running)[3:]) == {"up", "quorum-up"}, "notify_up and quorum_up")
