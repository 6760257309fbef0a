"""Debian's keepalived and ours on the same file: the same tables, and the same lines in the log."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from pathlib import Path

import attrs

from tests.network.daemon import Daemon, wait_for

from .daemons import debians, lines, ours
from .topology import Server, Site
from .ways import DR, NAT, TIMING, TUN, Way, real_server, virtual_server

SCHEDULERS = ["rr", "wrr", "lc", "wlc", "lblc", "lblcr", "sh", "mh", "dh", "fo", "ovf", "sed", "nq"]
#: What pools and checkers say.
TOLD = re.compile(
    r"(Adding|Removing|Enabling|Disabling|Changing|Shutting|Starting with|Gained|Lost|Activating"
    r"|TCP|HTTP|Remote|Misc) .*"
)

VIP, VIP6 = "192.0.2.10", "2001:db8::10"


def services() -> Iterator[str]:
    """Virtual servers of every kind.  Their servers have no checks: they are simply there."""

    def real(*settings: str, address: str = "192.0.2.11", port: int = 80) -> str:
        return f"real_server {address} {port} {{\n" + "".join(f"{each}\n" for each in settings) + "}\n"

    def virtual(listen: str, *settings: str, servers: tuple[str, ...] = ()) -> str:
        body = "".join(f"{each}\n" for each in settings)
        return f"virtual_server {listen} {{\ndelay_loop 1\n{body}{''.join(servers or (real(),))}}}\n"

    six = real(address="2001:db8::11")
    tcp = "protocol TCP"
    for port, scheduler in enumerate(SCHEDULERS, 100):
        yield virtual(f"{VIP} {port}", f"lb_algo {scheduler}", "lb_kind DR", tcp)
    yield virtual(f"{VIP} 120", "lvs_sched wlc", "lvs_method NAT", tcp)
    yield virtual(f"{VIP} 130", "lb_algo sh", "sh-port", "sh-fallback", "lb_kind DR", tcp)
    yield virtual(f"{VIP} 131", "lb_algo mh", "mh-port", "mh-fallback", "lb_kind DR", tcp)
    yield virtual(f"{VIP} 132", "lb_algo wrr", "flag-1", "lb_kind DR", tcp)
    yield virtual(f"{VIP} 140", "lb_algo rr", "lb_kind NAT", tcp, "persistence_timeout 300")
    yield virtual(f"{VIP} 141", "lb_algo rr", "lb_kind NAT", tcp, "persistence_timeout")
    yield virtual(
        f"{VIP} 142", "lb_algo rr", "lb_kind NAT", tcp, "persistence_timeout 60",
        "persistence_granularity 255.255.255.0",
    )  # fmt: skip
    yield virtual(
        f"{VIP6} 143", "lb_algo rr", "lb_kind NAT", tcp, "persistence_timeout 60",
        "persistence_granularity 64", servers=(six,),
    )  # fmt: skip
    yield virtual(
        f"{VIP} 5060", "lb_algo rr", "lb_kind NAT", "protocol UDP", "persistence_timeout 60",
        "persistence_engine sip",
    )  # fmt: skip
    yield virtual(
        f"{VIP} 0", "lb_algo rr", "lb_kind DR", tcp, "persistence_timeout 9", servers=(real(port=0),)
    )
    yield virtual(f"{VIP} 53", "lb_algo rr", "lb_kind NAT", "protocol UDP", "ops")
    yield virtual(f"{VIP} 99", "lb_algo rr", "lb_kind NAT", "protocol SCTP")
    yield virtual(f"{VIP6} 150", "lb_algo wrr", "lb_kind DR", tcp, servers=(six, six.replace("11", "12")))
    yield virtual("fwmark 7", "lb_algo wrr", "lb_kind DR")
    yield virtual("fwmark 8", "lb_algo wrr", "lb_kind NAT", "persistence_timeout 77")
    yield virtual("fwmark 7", "lb_algo wrr", "lb_kind DR", "ip_family inet6", servers=(six,))
    yield virtual(
        f"{VIP} 160", "lb_algo wrr", "lb_kind NAT", tcp,
        servers=(
            real("weight 0"),
            real("weight 65535", port=81),
            real("uthreshold 100", "lthreshold 50", port=82),
            real("lb_kind DR", address="192.0.2.12", port=160),
            real("lvs_method TUN", address="192.0.2.13", port=99),
            real("lvs_method TUN type gue port 6080", address="192.0.2.14", port=160),
            real("lvs_method TUN type gre", address="192.0.2.15", port=160),
        ),
    )  # fmt: skip
    yield virtual(f"{VIP} 170", "lb_algo rr", "lb_kind NAT", tcp, "sorry_server 192.0.2.13 80")
    yield virtual(
        f"{VIP} 171", "lb_algo rr", "lb_kind NAT", tcp, "sorry_server 192.0.2.13 80", "sorry_server_inhibit"
    )
    yield virtual(
        f"{VIP} 172",
        "lb_algo rr",
        "lb_kind NAT",
        tcp,
        "quorum 9",
        "hysteresis 3",
        "sorry_server 192.0.2.13 80",
    )
    yield "virtual_server_group web {\n192.0.2.30 80\n192.0.2.31-33 81\n192.0.2.40/31 82\nfwmark 21\n}\n"
    yield virtual("group web", "lb_algo wrr", "lb_kind NAT", tcp, "sorry_server 192.0.2.13 80")
    yield virtual("group web", "lb_algo wrr", "lb_kind NAT", "protocol UDP", servers=(real(port=53),))
    yield "virtual_server_group six {\n2001:db8::30 80\n2001:db8::31-33 0\nfwmark 21 inet6\n}\n"
    yield virtual("group six", "lb_algo rr", "lb_kind DR", tcp, "persistence_timeout 9", servers=(six,))
    yield "virtual_server_group marks {\nfwmark 31\nfwmark 32\n}\n"
    yield virtual("group marks", "lb_algo rr", "lb_kind DR", servers=(six.replace("80", "0"),))
    yield virtual(f"{VIP} 173", "alpha", "lb_algo rr", "lb_kind NAT", tcp, "sorry_server 192.0.2.13 80")


def table(site: Site) -> list[str]:
    """The director's whole table: as to be restored, and the thresholds, which that leaves out."""
    return sorted(site.ipvsadm("-Sn")) + site.ipvsadm("-Ln", "--thresholds")[3:]


def settled(site: Site) -> list[str]:
    """The table, once it no longer changes."""
    before, now = None, table(site)
    while now != before:
        time.sleep(0.2)
        before, now = now, table(site)
    return now


def becomes(site: Site, expected: list[str], what: str) -> None:
    """Wait for the table to be like this; at the end tell the difference."""
    try:
        wait_for(lambda: table(site) == expected, what, limit=10)
    except AssertionError:
        found = table(site)
        wrong = [line for line in found if line not in expected]
        missing = [line for line in expected if line not in found]
        assert not wrong and not missing, f"{what}: {wrong=} {missing=}"
        assert found == expected, what


def test_the_same_file_makes_the_same_table(site: Site, tmp_path: Path) -> None:
    text = "".join(services())
    with debians(text, tmp_path) as running:
        running.says("Startup complete")
        expected = settled(site)
        running.stop()
    assert len(expected) > 2 * len(list(services())), "Debian's took them all"
    assert site.ipvsadm("-Sn") == [], "and left nothing"
    with ours(text, tmp_path) as running:
        running.says("Startup complete")
        becomes(site, expected, "all services")


@attrs.frozen
class Pools:
    """Pools with checks of several kinds and all that a pool can be told."""

    site: Site
    scratch: Path
    sorry = Way(NAT, port=9001)
    scripted = Way(NAT, port=9002)
    inhibited = Way(DR)
    alpha = Way(TUN)
    marked = Way(NAT, marked=True, ipv6=True)

    def text(self) -> str:
        first, second, third = self.site.servers
        pair = (first, second)
        to_sorry = f"sorry_server {third.address}"
        pages = [
            real_server(
                server.address,
                self.inhibited.port,
                "inhibit_on_failure",
                f"weight {weight}",
                check=f"HTTP_GET {{\nurl {{\npath /\nstatus_code 200\n}}\n{TIMING}}}\n",
            )
            for weight, server in enumerate(pair, 1)
        ]
        script = self.scratch / "script"
        script.write_text(f"#!/bin/sh\nread status <{self.scratch}/status\nexit $status\n")
        script.chmod(0o755)
        self.script_ends(0)
        misc = f"MISC_CHECK {{\nmisc_path {script}\nmisc_timeout 5\nmisc_dynamic\nretry 0\n}}\n"
        listen = f"{self.inhibited.target} {self.inhibited.port}"
        return "".join(
            [
                f"global_defs {{\nlvs_notify_fifo {self.scratch}/events root\n}}\n",
                self.sorry.configured(pair, "quorum 2", f"{to_sorry} 80"),
                virtual_server(listen, DR, f"{to_sorry} 81", "sorry_server_inhibit", servers=pages),
                self.alpha.configured((first,), "alpha", f"{to_sorry} 82"),
                self.scripted.configured((first,), f"{to_sorry} 80", check=misc),
                self.marked.configured(pair, "quorum 3", "hysteresis 1", weights=(2, 2)),
            ]
        )

    def script_ends(self, status: int) -> None:
        """What MISC_CHECK's script returns from now on."""
        (self.scratch / "status.new").write_text(f"{status}\n")
        (self.scratch / "status.new").rename(self.scratch / "status")

    def life(self, running: Daemon) -> Iterator[str]:
        """What happens to the servers; yields at every rest."""
        first, second, third = self.site.servers
        running.says(f"Adding alive servers to the pool for VS {self.alpha.name}")
        running.says(f"Adding service {self.alpha.service(first)} to VS {self.alpha.name}")
        running.says(f"Remote Web server {self.inhibited.service(first)} succeed")
        running.says(f"Remote Web server {self.inhibited.service(second)} succeed")
        yield "all are well"
        scripted = f"{self.scripted.service(first)} of VS {self.scripted.name}"
        self.script_ends(11)
        running.says(f"Changing weight from 1 to 9 for active service {scripted}")
        yield "a script asks for weight 9"
        self.script_ends(1)
        running.says(f"Adding sorry server {self.scripted.service(third)} to VS {self.scripted.name}")
        yield "a script fails"
        self.script_ends(0)
        running.says(f"Adding alive servers to the pool for VS {self.scripted.name}")
        yield "a script is well again"
        for server, what in ((second, "the second dies"), (first, "the first dies, too")):
            server.stop()
            for way in self.removing(server):
                running.says(f"Removing service {way.service(server)} from VS {way.name}")
            running.says(f"Disabling service {self.inhibited.service(server)} of VS {self.inhibited.name}")
            yield what
        before = running.log
        for server, what in ((first, "the first is back"), (second, "all are back")):
            server.start()
            for way in self.removing(server):
                said = f"Adding service {way.service(server)} to VS {way.name}"
                wait_for(lambda said=said: running.log.count(said) > before.count(said), said)
            running.says(f"Enabling service {self.inhibited.service(server)} of VS {self.inhibited.name}")
            yield what

    def removing(self, server: Server) -> list[Way]:
        """The pools that have the server, check its port and remove it."""
        return [self.sorry, self.marked] + ([self.alpha] if server is self.site.servers[0] else [])

    def events(self) -> dict[str, list[str]]:
        """What the FIFO was told, by virtual server."""
        descriptor = os.open(self.scratch / "events", os.O_RDONLY | os.O_NONBLOCK)
        told = os.read(descriptor, 1 << 16).decode().splitlines(keepends=True)
        os.close(descriptor)
        return {name: [line for line in told if f" {name} " in line] for name in self.names()}

    def names(self) -> list[str]:
        return [way.name for way in (self.sorry, self.inhibited, self.alpha, self.scripted, self.marked)]


def story(running: Daemon, name: str) -> list[str]:
    """What was said of a virtual server, in order."""
    return [line for line in lines(running) if TOLD.match(line) and line.endswith(f"VS {name}")]


def test_the_same_happenings_make_the_same_tables_and_lines(site: Site, tmp_path: Path) -> None:
    pools = Pools(site, tmp_path)
    with debians(pools.text(), tmp_path) as running:
        expected = [(what, settled(site)) for what in pools.life(running)]
        events = pools.events()
        running.stop()
        stories = {name: story(running, name) for name in pools.names()}
        told = {line for line in lines(running) if TOLD.match(line)}
    with ours(pools.text(), tmp_path) as running:
        for what, (_, there) in zip(pools.life(running), expected, strict=True):
            becomes(site, there, what)
        assert all(events.values()) and pools.events() == events
        running.stop()
        for name in pools.names():
            assert story(running, name) == stories[name]
        assert {line for line in lines(running) if TOLD.match(line)} <= told
