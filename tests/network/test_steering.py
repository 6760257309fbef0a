"""Operators steer running daemons: clients over the userspace plane, and addresses between two routers."""

from __future__ import annotations

import http.client
import os
import re
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import pytest

from tests.network.daemon import ask, daemon, free_port, wait_for, web_servers
from tests.network.steering import Console
from tests.network.test_reload import reload
from tests.network.vrrp_lan import Host, Router, lan, needs_keepalived, needs_lan

pytestmark = pytest.mark.network

VIP = "10.77.0.100"


# -- clients --------------------------------------------------------------------------------


class Kept:
    """A connection that is kept, to a server that says its name each time."""

    def __init__(self, address: str, port: int) -> None:
        self._connection = http.client.HTTPConnection(address, port, timeout=10)
        self._connection.connect()
        # A new connection for each request would be no news of the old one.
        self._connection.auto_open = 0

    def server(self) -> str:
        """Who is at its other end; empty: nobody any more."""
        try:
            self._connection.request("GET", "/")
            return self._connection.getresponse().read().decode()
        except (OSError, http.client.HTTPException):
            return ""


def configuration(address: str, port: int, servers: dict[str, int], weight: int = 1) -> str:
    check = "TCP_CHECK {\nretry 0\nconnect_timeout 2\n}\n"
    checked = "".join(
        f"real_server 127.0.0.1 {real} {{\nweight {weight}\n{check}}}\n" for real in servers.values()
    )
    settings = "delay_loop 1\nlb_algo wrr\nlb_kind NAT\nprotocol TCP\n"
    return f"virtual_server {address} {port} {{\n{settings}{checked}}}\n"


def test_servers_are_drained_disabled_weighted_and_given_back(tmp_path: Path) -> None:
    address = "127.0.0.9"
    with web_servers("a", "b", "c", keeps_alive=True) as servers:
        port = free_port(address)
        ports = {name: server.port for name, server in servers.items()}
        names = {name: f"tcp/{address}:{port}/127.0.0.1:{real}" for name, real in ports.items()}

        def shares(clients: int = 8) -> Counter[str]:
            return Counter(ask(address, port) for _ in range(clients))

        console = Console(tmp_path / "run")
        with daemon(configuration(address, port, ports), tmp_path, "--data-plane=userspace") as running:
            running.says("Startup complete")
            kept = {each.server(): each for each in [Kept(address, port) for _ in range(3)]}
            assert set(kept) == {"a", "b", "c"}
            # A user's own words: the command as it is installed, and a name that is no more than needed.
            done = subprocess.run(
                [Path(sys.executable).parent / "kaltwisted", "drain", f"127.0.0.1:{ports['a']}"],
                env={**os.environ, "RUNTIME_DIRECTORY": str(tmp_path / "run")},
                capture_output=True,
                text=True,
                check=False,
            )
            assert (done.returncode, done.stdout, done.stderr) == (0, f"drain {names['a']}\n", "")
            console(f"weight 127.0.0.1:{ports['b']} 3 --reason measured")
            wait_for(lambda: shares() == {"b": 6, "c": 2}, "drained and weighted")
            assert kept["a"].server() == "a"
            console(f"disable 127.0.0.1:{ports['c']}")
            wait_for(lambda: shares() == {"b": 8}, "disabled")
            assert kept["a"].server() == "a"
            assert "no quorum" in console(f"drain {names['b']}", status=1)

            reload(running, configuration(address, port, ports, weight=2))
            assert shares() == {"b": 8}
            assert kept["a"].server() == "a"
            os.kill(int((tmp_path / "run" / "checkers.pid").read_text()), signal.SIGKILL)
            running.says("Respawning")
            wait_for(lambda: _serves(address, port), "the next life of the role")
            assert shares() == {"b": 8}
            assert running.stop(signal.SIGKILL) == -signal.SIGKILL

        with daemon(configuration(address, port, ports), tmp_path, "--data-plane=userspace") as running:
            running.says("Override: kept from before: root (uid 0) gives weight 3 to")
            running.says("Startup complete")
            wait_for(lambda: _serves(address, port), "the next life of the daemon")
            assert shares() == {"b": 8}
            [server] = console.status("checkers")["virtual_servers"]
            assert [each["override"]["service"] for each in server["real_servers"][::2]] == [
                "drained",
                "disabled",
            ]
            console(f"release {names['a']}")
            console(f"enable {names['c']}")
            wait_for(lambda: shares(10) == {"a": 2, "b": 6, "c": 2}, "given back")
            # Kept while its server is not configured, and there again with it.
            reload(running, configuration(address, port, {name: ports[name] for name in "ac"}))
            assert "without target" in console("overrides")
            assert shares() == {"a": 4, "c": 4}
            reload(running, configuration(address, port, ports))
            wait_for(lambda: shares(10) == {"a": 2, "b": 6, "c": 2}, "it is there again")

            console(f"pause {names['a']}")
            servers["a"].stop()
            console(f"run-check {names['a']}", status=1)
            [server] = console.status("checkers")["virtual_servers"]
            assert [each["alive"] for each in server["real_servers"]] == [True, True, True]
            console(f"resume {names['a']}")
            wait_for(lambda: shares() == {"b": 6, "c": 2}, "it is seen to be dead")
            assert console.overridden() == [f"weight {names['b']}"]
            running.stop()
            assert "Traceback" not in running.log


def _serves(address: str, port: int) -> bool:
    try:
        return bool(ask(address, port))
    except OSError:
        return False


def test_a_broken_file_is_told_and_set_aside(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir(mode=0o700)
    (tmp_path / "run" / "overrides.json").write_text("{")
    with web_servers("a") as servers:
        port = free_port("127.0.0.9")
        text = configuration("127.0.0.9", port, {"a": servers["a"].port})
        with daemon(text, tmp_path, "--data-plane=userspace") as running:
            running.says("Startup complete")
            running.says("is no file of overrides: nothing is overridden; the file is set aside as")
            assert ask("127.0.0.9", port) == "a"
            running.stop()


# -- addresses --------------------------------------------------------------------------------


def instance(priority: int, more: str = "", advert_int: float = 1) -> str:
    return f"""
vrrp_instance VI_1 {{
    state BACKUP
    interface eth0
    virtual_router_id 51
    priority {priority}
    advert_int {advert_int}
    {more}
    virtual_ipaddress {{
        {VIP}
    }}
}}
"""


class Holdings:
    """When each host had the address, by what their kernels tell."""

    _LINE = re.compile(r"\[(?P<at>\S+)\] (?P<gone>Deleted )?\d+: eth0 +inet " + re.escape(VIP) + "/")

    def __init__(self, hosts: tuple[Host, ...]) -> None:
        self._monitors = [host.run("ip", "-ts", "-o", "-4", "monitor", "address") for host in hosts]
        self._held = [host.holds(VIP) for host in hosts]

    def unheld_s(self) -> float:
        """How long nobody had it, until now; ends the monitors."""
        changes: list[tuple[datetime, int, bool]] = []
        for number, monitor in enumerate(self._monitors):
            monitor.terminate()
            for line in monitor.communicate(timeout=10)[0].decode().splitlines():
                if found := self._LINE.match(line):
                    changes.append((datetime.fromisoformat(found["at"]), number, not found["gone"]))
        assert changes, "nothing has changed"
        held, total, since = list(self._held), 0.0, None
        for at, number, has in sorted(changes):
            held[number] = has
            if since is not None and any(held):
                total += (at - since).total_seconds()
                since = None
            elif since is None and not any(held):
                since = at
        assert since is None, "nobody has it"
        return total


@contextmanager
def steered(*hosts: Host) -> Iterator[Holdings]:
    """Measure meanwhile: nobody has the address for far less than the 0.6 s of a router that stops.

    It is milliseconds: who takes over sends his advert before he sets addresses.
    """
    holdings = Holdings(hosts)
    try:
        yield holdings
    finally:
        unheld = holdings.unheld_s()
    print(f"for {unheld * 1000:.3f} ms nobody had {VIP}")
    assert unheld < 0.3


def console_of(router: Router) -> Console:
    return Console(router.configuration.with_suffix(".run"))


def moved(to: Host, other: Host) -> None:
    wait_for(lambda: to.holds(VIP) and not other.holds(VIP), f"{VIP} is at {to.number}")


@needs_lan
def test_two_of_ours_yield_and_are_preferred(tmp_path: Path) -> None:
    with lan(2) as (one, two):
        first = one.daemon(instance(150, "nopreempt"))
        wait_for(lambda: one.holds(VIP), "the first master")
        second = two.daemon(instance(100, "nopreempt"))
        wait_for(lambda: second.says("Entering BACKUP STATE"), "a backup")
        # It must have heard its master.
        wait_for(lambda: second.says("master set to 10.77.0.1"), "it follows")
        here, there = console_of(first), console_of(second)
        with steered(one, two):
            here("yield VI_1 --reason kernel")
            moved(two, one)
        assert first.says("Override: root (uid 0) has VI_1 yield: kernel")
        [reason] = here.status("vrrp")["instances"][0]["reasons"]
        assert (reason["kind"], reason["points"]) == ("override", -149)
        # Kept over kill -9 of the role, and of everything.
        role = int((here.runtime / "vrrp.pid").read_text())
        os.kill(role, signal.SIGKILL)
        wait_for(lambda: first.lines.count("Entering BACKUP STATE (init)") == 2, "the next life of the role")
        assert here.status("vrrp")["instances"][0]["priority"] == 1
        with steered(one, two):
            here("release VI_1")
            here("prefer VI_1")
            moved(one, two)
        with steered(one, two):
            here("release VI_1")
            there("prefer VI_1")
            moved(two, one)
        assert there.status("vrrp")["instances"][0]["priority"] == 254


@needs_lan
@needs_keepalived
def test_beside_keepalived(tmp_path: Path) -> None:
    with lan(2) as (one, two):
        ours = one.daemon(instance(150))
        wait_for(lambda: one.holds(VIP), "we are master")
        theirs = two.keepalived(instance(100))
        wait_for(lambda: theirs.says("Entering BACKUP STATE"), "keepalived is backup")
        console = console_of(ours)
        with steered(one, two):
            console("yield VI_1")
            moved(two, one)
        assert theirs.says("Backup received priority 0 advertisement")
        with steered(one, two):
            console("release VI_1")
            moved(one, two)
        ours.stop()
        wait_for(lambda: two.holds(VIP), "keepalived takes over")
        again = one.daemon(instance(50))
        wait_for(lambda: again.says("master set to"), "we follow")
        with steered(one, two):
            console_of(again)("prefer VI_1")
            moved(one, two)
        with steered(one, two):
            console_of(again)("release VI_1")
            moved(two, one)
        for complaint in ("Traceback", "Unhandled"):
            assert not again.says(complaint)
