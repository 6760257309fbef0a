"""A pair of directors that is asked for its state, by the commands and by HTTP, while things happen."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.network.vrrp_lan import Host, Router, lan, needs_lan, wait_for
from tests.unit.test_status_schema import validator

pytestmark = needs_lan
MAIN = "import sys; from kaltwisted.daemon.command import main; sys.exit(main())"
PAIR = """
vrrp_script chk {{
    script "/usr/bin/test -e {scratch}/ok"
    interval 1
    weight 20
}}
vrrp_sync_group G {{
    group {{
        one
        two
    }}
}}
vrrp_instance one {{
    interface eth0
    virtual_router_id 51
    priority {priority}
    virtual_ipaddress {{
        10.77.0.100/24
    }}
}}
vrrp_instance two {{
    interface eth1
    virtual_router_id 52
    priority {priority}
    virtual_ipaddress {{
        10.78.0.100/24
    }}
}}
vrrp_instance alone {{
    interface eth0
    virtual_router_id 53
    priority {priority}
    track_script {{
        chk
    }}
    virtual_ipaddress {{
        10.77.0.101/24
    }}
}}
bfd_instance far {{
    neighbor_ip 10.77.0.{other}
    source_ip 10.77.0.{number}
    min_rx 50
    min_tx 50
}}
virtual_server 10.77.0.100 80 {{
    delay_loop 1
    lb_algo rr
    lb_kind NAT
    protocol TCP
    real_server 10.77.0.{number} 81 {{
        TCP_CHECK {{
            connect_timeout 1
            warmup 0
        }}
    }}
}}
"""


class Director:
    """One of them, and the ways to ask it."""

    def __init__(self, host: Host, scratch: Path, priority: int) -> None:
        self.host = host
        configuration = PAIR.format(
            scratch=scratch, priority=priority, number=host.number, other=3 - host.number
        )
        options = ("--data-plane", "userspace")
        self.daemon: Router = host.daemon(configuration, options=options)
        self.path = self.daemon.configuration.with_suffix(".run") / "api.sock"

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-c", MAIN, *words, "--socket", str(self.path)]
        return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)

    def status(self) -> Any:
        done = self.run("status", "--json")
        return json.loads(done.stdout) if done.returncode == 0 else None

    def instance(self, name: str) -> Any:
        document = self.status()
        instances = ((document or {}).get("vrrp") or {}).get("instances", ())
        return next((each for each in instances if each["name"] == name), {"state": None})

    def explained(self, name: str) -> str:
        return self.run("explain", name).stdout


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Director, Director]]:
    scratch = tmp_path_factory.mktemp("status")
    with lan(2) as (one, two):
        first, second = Director(one, scratch, 150), Director(two, scratch, 100)
        wait_for(lambda: first.run("status", "--ready").returncode == 0)
        wait_for(lambda: first.instance("one")["state"] == "MASTER")
        wait_for(lambda: second.instance("one").get("master") is not None)
        yield first, second


def test_the_document_keeps_to_its_schema(pair: tuple[Director, Director]) -> None:
    for director in pair:
        document = director.status()
        assert [error.message for error in validator().iter_errors(document)] == []
        assert {role["name"] for role in document["daemon"]["roles"]} == {"vrrp", "checkers", "bfd"}
        wait_for(lambda asked=director: asked.status()["bfd"]["sessions"][0]["state"] == "Up")


def test_so_it_does_with_overrides(pair: tuple[Director, Director]) -> None:
    first = pair[0]
    server = "tcp/10.77.0.100:80/10.77.0.1:81"
    done = [
        first.run("drain", server, "--force", "--reason", "new disk"),
        first.run("pause", server),
        first.run("prefer", "alone"),
    ]
    assert [each.returncode for each in done] == [0, 0, 0], done
    document = first.status()
    assert [error.message for error in validator().iter_errors(document)] == []
    assert len(document["overrides"]) == 3
    words = first.explained(server)
    assert "drain: new disk." in words
    assert "an operator has paused it" in words
    assert "an operator prefers it" in first.explained("alone")
    assert "Overridden" in first.run("status").stdout
    for word in ("enable", "resume"):
        assert first.run(word, server).returncode == 0
    assert first.run("release", "alone").returncode == 0


def test_both_tell_why_they_are_what_they_are(pair: tuple[Director, Director]) -> None:
    first, second = pair
    assert "one is MASTER" in first.explained("one")
    assert "It holds 10.77.0.100/24 on eth0." in first.explained("one")
    words = second.explained("one")
    assert "The master is 10.77.0.1 with priority 150, and ours is 100" in words
    assert "together with two, by sync group G" in words
    wait_for(lambda: "TCP_CHECK 10.77.0.1:81: failed" in first.explained("10.77.0.1:81"))
    wait_for(lambda: "the 20 are not added" in first.run("status", "alone").stdout)


def test_things_happen_and_are_told(pair: tuple[Director, Director]) -> None:
    first, second = pair
    command = [sys.executable, "-c", MAIN, "events", "--follow", "--json", "--socket", str(second.path)]
    told: list[Any] = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as following:
        assert following.stdout is not None
        lines = following.stdout
        reader = threading.Thread(target=lambda: told.extend(json.loads(line) for line in lines))
        reader.start()

        def saw(kind: str, name: str, to: str) -> Any:
            found = (each for each in told if (each["kind"], each["name"], each["to"]) == (kind, name, to))
            return next(found, None)

        try:
            second.host.ip("link", "set", "eth1", "down")
            wait_for(lambda: saw("instance", "two", "FAULT"))
            assert saw("instance", "two", "FAULT")["why"] == "interface eth1 down"
            wait_for(lambda: saw("group", "G", "FAULT"))
            assert "a member of sync group G failed" in second.explained("one")
            second.host.ip("link", "set", "eth1", "up")
            first.daemon.stop()
            wait_for(lambda: saw("instance", "one", "MASTER"))
            assert first.run("status").returncode == 3
            pid = int((second.path.parent / "checkers.pid").read_text())
            os.kill(pid, 9)
            wait_for(lambda: saw("role", "checkers", "dead"))
            wait_for(
                lambda: saw("role", "checkers", "running") and second.run("status", "--ready").returncode == 0
            )
            assert second.status()["daemon"]["roles"][1]["restarts"] == 1
            second.daemon.reload("vrrp_instance x {\n")
            wait_for(lambda: any(each["kind"] == "reload" for each in told))
            assert "the last reload was refused" in second.run("status").stdout
        finally:
            following.terminate()
            reader.join()


def test_slow_and_many_clients_hurt_nobody(pair: tuple[Director, Director]) -> None:
    second = pair[1]
    crowd = []
    for number in range(1000):
        client = socket.socket(socket.AF_UNIX)
        client.connect(str(second.path))
        if number % 2:
            client.send(b"GET /api/v1/sta")
        crowd.append(client)
    began = time.monotonic()
    assert second.run("status", "--live").returncode == 0
    assert time.monotonic() - began < 10
    for client in crowd:
        client.close()
    assert "Traceback" not in second.daemon.lines
