"""Reload (HUP) of the whole daemon on loopback, under clients that notice when anything is dropped."""

from __future__ import annotations

import signal
import socket
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.network.daemon import Daemon, WebServer, ask, daemon, free_port, wait_for, web_servers

pytestmark = pytest.mark.network

VIP = "127.0.0.78"


@pytest.fixture
def vport() -> int:
    return free_port(VIP)


@pytest.fixture
def servers() -> Iterator[dict[str, WebServer]]:
    with web_servers("one", "two", "three") as made:
        yield made


def real(server: WebServer, weight: int = 1, check: str = "TCP_CHECK {\n connect_timeout 2\n }") -> str:
    return f"""
    real_server 127.0.0.1 {server.port} {{
        weight {weight}
        {check}
    }}"""


def pool(vport: int, *servers: str, lines: str = "") -> str:
    return f"""
virtual_server {VIP} {vport} {{
    delay_loop 1
    lb_algo wrr
    lb_kind NAT
    protocol TCP
    {lines}
    {"".join(servers)}
}}
"""


def reload(running: Daemon, text: str, ends: str = "Reload complete") -> str:
    """Reload with another file; the log since then."""
    before = len(running.log)
    # At once, as editors do it: a reload that is under way must not see half of a file.
    new = running.scratch / "new.conf"
    new.write_text(text)
    new.rename(running.scratch / "keepalived.conf")
    running.process.send_signal(signal.SIGHUP)
    wait_for(lambda: ends in running.log[before:], ends)
    return running.log[before:]


class Clients:
    """Clients one after the other in a thread; ``failed``: what went wrong, ``served``: by whom."""

    def __init__(self, vport: int) -> None:
        self._vport = vport
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.served: Counter[str] = Counter()
        self.failed: list[str] = []

    def __enter__(self) -> Clients:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._ending.is_set():
            try:
                self.served[ask(VIP, self._vport)] += 1
            except Exception as error:
                self.failed.append(repr(error))


def started(running: Daemon, server: WebServer) -> int:
    return running.log.count(f"Activating healthchecker for service [127.0.0.1]:tcp:{server.port} ")


def test_an_unchanged_file_restarts_nothing(
    tmp_path: Path, vport: int, servers: dict[str, WebServer]
) -> None:
    told = tmp_path / "told"
    script = tmp_path / "tell"
    script.write_text(f"#!/bin/sh\necho quorum >>{told}\n")
    script.chmod(0o755)
    text = pool(vport, real(servers["one"]), real(servers["two"]), lines=f"quorum_up {script}")
    with daemon(text, tmp_path, "--data-plane=userspace") as running:
        running.says(f"TCP connection to [127.0.0.1]:tcp:{servers['one'].port} success.")
        running.says(f"TCP connection to [127.0.0.1]:tcp:{servers['two'].port} success.")
        wait_for(told.exists, "quorum_up at the start")
        with socket.create_connection((VIP, vport)) as held:
            said = reload(running, "# only a comment more\n" + text)
            held.sendall(b"GET / HTTP/1.0\r\n\r\n")
            assert b"200 OK" in held.recv(1000)
        assert "Nothing has changed" in said
        for word in ("healthchecker", "service [", "Gained"):
            assert word not in said
        assert {started(running, server) for server in servers.values()} == {0, 1}
        assert told.read_text() == "quorum\n"


def test_weights_and_servers_change_under_clients_of_whom_none_fails(
    tmp_path: Path, vport: int, servers: dict[str, WebServer]
) -> None:
    one, two, three = servers["one"], servers["two"], servers["three"]
    with daemon(pool(vport, real(one), real(two)), tmp_path, "--data-plane=userspace") as running:
        running.says("Startup complete")
        with Clients(vport) as clients:
            wait_for(lambda: sum(clients.served.values()) > 50, "clients are served")
            reload(running, pool(vport, real(one, 3), real(two)))
            reload(running, pool(vport, real(one, 3), real(two), real(three)))
            wait_for(lambda: clients.served["three"] > 10, "the new server serves")
            reload(running, pool(vport, real(two), real(three)))
            served = clients.served["one"]
            wait_for(lambda: clients.served["two"] > 100, "clients are still served")
            assert clients.served["one"] - served <= 1, "a connection of before, and no other"
        assert clients.failed == []
        reload(running, pool(vport, real(two, 3), real(three)))
        assert Counter(ask(VIP, vport) for _ in range(40)) == {"two": 30, "three": 10}
        assert started(running, two) == 1
        assert f"service [127.0.0.1]:tcp:{one.port} no longer exist" in running.log


def test_a_broken_file_changes_nothing(tmp_path: Path, vport: int, servers: dict[str, WebServer]) -> None:
    text = pool(vport, real(servers["one"]))
    refused = f"New config failed validation, see {tmp_path}/keepalived.conf for details"
    with daemon(text, tmp_path, "--data-plane=userspace") as running:
        running.says("Startup complete")
        said = reload(running, text.replace("lb_algo wrr", "lb_algo none_such_at_all {"), refused)
        assert "Reload complete" not in said
        assert "keepalived.conf:" in said, "the finding has its place"
        reload(running, text[: len(text) // 2], refused)
        reload(running, "", refused)
        assert ask(VIP, vport) == "one"
        reload(running, pool(vport, real(servers["two"])))
        assert ask(VIP, vport) == "two"
        assert running.stop() == -signal.SIGTERM


def test_a_server_known_to_be_down_stays_out_when_its_check_changes(
    tmp_path: Path, vport: int, servers: dict[str, WebServer]
) -> None:
    one, two = servers["one"], servers["two"]
    good = "HTTP_GET {\n url {\n path /check\n status_code 200\n }\n retry 0\n }"
    with daemon(pool(vport, real(one), real(two)), tmp_path, "--data-plane=userspace") as running:
        one.stop()
        running.says(f"Removing service [127.0.0.1]:tcp:{one.port} from VS")
        said = reload(running, pool(vport, real(one, check=good), real(two, check=good)))
        assert "TCP_CHECK removed" in said
        assert "HTTP_GET added" in said
        assert {ask(VIP, vport) for _ in range(6)} == {"two"}
        running.says(f"Remote Web server [127.0.0.1]:tcp:{two.port} succeed on service.")
        one.start()
        running.says(f"Adding service [127.0.0.1]:tcp:{one.port} to VS")
        wait_for(lambda: ask(VIP, vport) == "one", "it serves again")
        # One check each: the old ones do not run beside the new.
        assert started(running, two) == 2


def test_a_storm_of_reloads_under_clients_loses_nothing(
    tmp_path: Path, vport: int, servers: dict[str, WebServer]
) -> None:
    one, two, three = servers.values()
    texts = [pool(vport, real(one, 2), real(two)), pool(vport, real(one), real(three), real(two))]
    file = tmp_path / "keepalived.conf"
    with daemon(texts[0], tmp_path, "--data-plane=userspace") as running:
        running.says("Startup complete")
        with Clients(vport) as clients:
            wait_for(lambda: sum(clients.served.values()) > 20, "clients are served")
            for number in range(20):
                new = tmp_path / "new.conf"
                new.write_text(texts[number % 2])
                new.rename(file)
                running.process.send_signal(signal.SIGHUP)
            before = clients.served["three"]
            said = reload(running, texts[1])
            wait_for(lambda: clients.served["three"] > before + 10, "the last file is in effect")
        assert clients.failed == []
        assert "failed validation" not in said
        wait_for(
            lambda: running.log.count("Reloading ...") == running.log.count("Reload complete"),
            "all are through",
        )
        assert Counter(ask(VIP, vport) for _ in range(30)) == {"one": 10, "two": 10, "three": 10}
        assert running.stop() == -signal.SIGTERM
        assert "Traceback" not in running.log


def test_virtual_servers_come_and_go(tmp_path: Path, vport: int, servers: dict[str, WebServer]) -> None:
    with socket.socket() as probe:
        probe.bind((VIP, 0))
        other = probe.getsockname()[1]
    first = pool(vport, real(servers["one"]))
    with daemon(first, tmp_path, "--data-plane=userspace") as running:
        running.says("Startup complete")
        reload(running, first + pool(other, real(servers["two"])))
        assert (ask(VIP, vport), ask(VIP, other)) == ("one", "two")
        reload(running, pool(other, real(servers["two"])))
        assert ask(VIP, other) == "two"
        with pytest.raises(OSError):
            ask(VIP, vport)
