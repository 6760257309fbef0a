"""A ``virtual_server_group``: Debian's keepalived and ours tell and do the same, and it serves clients."""

from __future__ import annotations

import re
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from tests.network.daemon import Daemon, wait_for

from .daemons import debians, lines, ours
from .topology import MARK, Server, Site, entered
from .ways import NAT, TIMING, Way, real_server

WAYS = [Way(NAT, port=8001), Way(NAT, port=8002), Way(NAT, marked=True)]
TOLD = re.compile(r"(Adding|Removing|Shutting|Gained|Lost|TCP|VS \[).*")


def text(servers: tuple[Server, ...], *entries: str) -> str:
    target = WAYS[0].target
    lines = entries or (f"{target} 8001", f"{target} 8002", f"fwmark {MARK}", f"{target}/32 8003")
    body = "".join(f"    {line}\n" for line in lines)
    pool = "".join(real_server(server.address, WAYS[0].real_port) for server in servers)
    settings = "delay_loop 1\nlb_algo wrr\nlb_kind NAT\nprotocol TCP\nquorum 2\n"
    return f"virtual_server_group web {{\n{body}}}\nvirtual_server group web {{\n{settings}{pool}}}\n"


def life(site: Site, running: Daemon) -> Iterator[list[str]]:
    """What happens to it, with the table at every rest."""
    first, second, _ = site.servers
    name = WAYS[0].service(second)
    running.says("Startup complete")
    running.says("Gained quorum 2+0=2 <= 2 for VS [web]:0")
    yield table(site, 8)
    for way in WAYS:
        assert way.shares(site, 4) == {first.name: 2, second.name: 2}, way
    second.stop()
    running.says(f"Removing service {name} from VS [web]:0")
    running.says("Lost quorum 2-0=2 > 1 for VS [web]:0")
    yield table(site, 4)
    for way in WAYS:
        assert way.shares(site, 2) == {first.name: 2}, way
    second.start()
    running.says(f"Adding service {name} to VS [web]:0")
    yield table(site, 8)


def table(site: Site, destinations: int) -> list[str]:
    """The director's table, once it has so many destinations."""
    found: list[str] = []

    def stands() -> bool:
        found[:] = sorted(site.ipvsadm("-Sn"))
        return sum(line.startswith("-a") for line in found) == destinations

    wait_for(stands, f"{destinations} destinations in the table")
    return found


def told(running: Daemon) -> set[str]:
    return {line for line in lines(running) if TOLD.match(line)}


def test_it_lives_as_debian_s_does(site: Site, tmp_path: Path) -> None:
    whole = text(site.servers[:2])
    with debians(whole, tmp_path) as running:
        wanted = list(life(site, running))
        running.stop()
        expected = told(running)
    with ours(whole, tmp_path) as running:
        found = list(life(site, running))
        running.stop()
        assert "Traceback" not in running.log
    assert found == wanted
    assert told(running) == expected
    assert site.ipvsadm("-Sn") == []


def test_a_reload_changes_what_is_in_it_and_connections_go_on(site: Site, tmp_path: Path) -> None:
    servers = site.servers[:2]
    target = WAYS[0].target
    with ours(text(servers), tmp_path) as running:
        running.says("Startup complete")
        table(site, 8)
        download = WAYS[0].download(site)
        assert download.grows()
        changed = text(servers, f"{target} 8001", f"{target} 8004", f"fwmark {MARK}")
        (tmp_path / "keepalived.conf").write_text(changed)
        running.process.send_signal(signal.SIGHUP)
        running.says(f"VS [[{target}]:tcp:8002] in group web no longer exists")
        running.says(f"VS [[{target}]:tcp:8004] added into group web")
        heads = [line for line in table(site, 6) if line.startswith("-A")]
        assert heads == [
            f"-A -f {MARK} -s wrr",
            f"-A -t {target}:8001 -s wrr",
            f"-A -t {target}:8004 -s wrr",
        ]
        assert download.grows(20)
        download.close()
        assert Way(NAT, port=8004).shares(site, 4) == {server.name: 2 for server in servers}


def test_checks_wait_for_the_address_as_debian_s_do(site: Site, tmp_path: Path) -> None:
    """``ha_suspend``: what is told when an address comes, has company, and goes."""
    [server, *_] = site.servers
    way, late = WAYS[0], "192.0.2.77"
    pool = f"real_server {server.address} {way.real_port} {{\nTCP_CHECK {{\n{TIMING}warmup 0\n}}\n}}\n"
    settings = f"delay_loop 1\nlb_algo rr\nlb_kind NAT\nprotocol TCP\nha_suspend\n{pool}"
    whole = f"virtual_server {late} 80 {{\n{settings}}}\nvirtual_server {way.target} 80 {{\n{settings}}}\n"
    name = f"healthchecker for service {way.service(server)} for VS [{late}]:tcp:80"

    def lived(running: Daemon) -> list[str]:
        running.says(f"Deactivating {name}")
        running.says("Startup complete")
        address("add", f"{late}/32")
        running.says(f"Activating {name}")
        running.says(f"TCP connection to {way.service(server)} success")
        address("add", f"{late}/31")
        address("del", f"{late}/32")
        time.sleep(0.5)
        assert f"Suspending {name}" not in running.log
        address("del", f"{late}/31")
        running.says(f"Suspending {name}")
        running.stop()
        return [line for line in lines(running) if name in line]

    with debians(whole, tmp_path) as running:
        expected = lived(running)
    with ours(whole, tmp_path) as running:
        assert lived(running) == expected
        assert running.log.count(f"Activating {name.replace(late, str(way.target))}") == 1
        assert f"Netlink reflector reports IP {late} added" in running.log


def address(*words: str) -> None:
    with entered("director"):
        subprocess.run(["ip", "address", *words, "dev", "lo"], check=True)
