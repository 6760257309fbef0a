"""The whole daemon on a real kernel: clients, servers that die and return, kill -9, changes by hand."""

from __future__ import annotations

import hashlib
import signal
from ipaddress import IPv4Address
from pathlib import Path

from tests.network.daemon import wait_for

from .daemons import ours
from .topology import Site, entered
from .ways import BY_ADDRESS, BY_ADDRESS6, BY_MARK, NAT, TIMING, Way, real_server, virtual_server

FOREIGN = ["-A -t 192.0.2.99:99 -s lc -p 77", "-a -t 192.0.2.99:99 -r 192.0.2.13:99 -m -w 8"]


def destinations(site: Site, way: Way) -> dict[str, int]:
    """The servers that the kernel has for the service, by name, with their weights."""
    listen = "-f 7" if way.marked else f"-t {bracketed(way)}:{way.port}"
    found = {}
    for line in site.ipvsadm("-Sn"):
        if line.startswith(f"-a {listen} ") and (("-6" in line.split()) == (way.marked and way.ipv6)):
            words = line.split()
            address = words[words.index("-r") + 1].rpartition(":")[0].strip("[]")
            [name] = [each.name for each in site.servers if str(way.address(each)) == address]
            found[name] = int(words[words.index("-w") + 1])
    return found


def services_with(address: IPv4Address) -> set[int]:
    """The ports of the services that have this real server; so quick that it can be asked all the time."""
    with entered("director"):
        table = Path("/proc/thread-self/net/ip_vs").read_text()
    ports, port = set(), 0
    for kind, where, *_ in map(str.split, table.splitlines()):
        if kind == "TCP":
            port = int(where.partition(":")[2], 16)
        elif kind == "->" and where.startswith(address.packed.hex().upper()):
            ports.add(port)
    return ports


def page_check(page: bytes) -> str:
    """A check that the server's page is this one."""
    digest = hashlib.md5(page).hexdigest()
    return f"HTTP_GET {{\nurl {{\npath /\ndigest {digest}\n}}\n{TIMING}}}\n"


def bracketed(way: Way) -> str:
    return f"[{way.target}]" if way.ipv6 else str(way.target)


def test_clients_are_served_by_weight_and_only_by_the_living(site: Site, tmp_path: Path) -> None:
    ways = [*BY_ADDRESS, *BY_ADDRESS6, *BY_MARK]
    second = site.servers[1]
    text = "".join(way.configured(site.servers, weights=(1, 2, 3)) for way in ways)
    everybody = {"server1": 1, "server2": 2, "server3": 3}
    with ours(text, tmp_path) as running:
        for way in ways:
            running.says(f"Gained quorum 1+0=1 <= 6 for VS {way.name}")
            wait_for(lambda way=way: destinations(site, way) == everybody, f"{way}: in the table")
            assert way.shares(site, 12) == {"server1": 2, "server2": 4, "server3": 6}, way

        second.stop()
        for way in ways:
            running.says(f"Removing service {way.service(second)} from VS {way.name}")
            wait_for(lambda way=way: "server2" not in destinations(site, way), f"{way}: out")
            assert way.shares(site, 8) == {"server1": 2, "server3": 6}, way

        second.start()
        for way in ways:
            running.says(f"Adding service {way.service(second)} to VS {way.name}")
            wait_for(lambda way=way: destinations(site, way) == everybody, f"{way}: in again")
            assert way.shares(site, 12) == {"server1": 2, "server2": 4, "server3": 6}, way

        assert running.stop() == -signal.SIGTERM
        assert site.ipvsadm("-Sn") == []
        assert "Traceback" not in running.log


def test_sorry_server_quorum_inhibit_and_alpha(site: Site, tmp_path: Path) -> None:
    first, second, third = site.servers
    pair = (first, second)
    quorum, inhibit, alpha = (Way(NAT, port=port) for port in (8001, 8002, 8003))
    text = quorum.configured(pair, "quorum 2", f"sorry_server {third.address} {quorum.real_port}")
    text += alpha.configured(pair, "alpha")
    inhibited = [
        real_server(server.address, inhibit.real_port, "inhibit_on_failure", check=page_check(server.page))
        for server in pair
    ]
    text += virtual_server(f"{inhibit.target} {inhibit.port}", NAT, servers=inhibited)

    second.stop()
    with ours(text, tmp_path) as running:
        # Who is down at the start: without alpha in and out, with alpha never in; quorum is never reached.
        running.says(f"Removing service {quorum.service(second)} from VS {quorum.name}")
        running.says(f"Lost quorum 2-0=2 > 1 for VS {quorum.name}")
        running.says(f"Adding sorry server {quorum.service(third)} to VS {quorum.name}")
        running.says(f"Adding service {alpha.service(first)} to VS {alpha.name}")
        wait_for(lambda: destinations(site, quorum) == {"server3": 1}, "the sorry server stands in")
        assert quorum.shares(site, 3) == {"server3": 3}
        assert alpha.shares(site, 3) == {"server1": 3}
        running.says(f"Disabling service {inhibit.service(second)} of VS {inhibit.name}")
        wait_for(lambda: destinations(site, inhibit) == {"server1": 1, "server2": 0}, "inhibited")

        second.start()
        running.says(f"Adding service {alpha.service(second)} to VS {alpha.name}")
        assert f"Removing service {alpha.service(second)} from VS {alpha.name}" not in running.log
        running.says(f"Gained quorum 2+0=2 <= 2 for VS {quorum.name}")
        running.says(f"Removing sorry server {quorum.service(third)} from VS {quorum.name}")
        wait_for(
            lambda: destinations(site, quorum) == {"server1": 1, "server2": 1}, "the sorry server leaves"
        )
        assert quorum.shares(site, 4) == {"server1": 2, "server2": 2}

        # A page that is not as it should be: no new clients, but those that are there may stay.
        running.says(f"Enabling service {inhibit.service(second)} of VS {inhibit.name}")
        wait_for(lambda: destinations(site, inhibit) == {"server1": 1, "server2": 1}, "both serve")
        downloads = [inhibit.download(site) for _ in pair]  # one from each
        first.page = b"defaced"
        running.says(f"Disabling service {inhibit.service(first)} of VS {inhibit.name}")
        wait_for(lambda: destinations(site, inhibit) == {"server1": 0, "server2": 1}, "weight 0")
        assert inhibit.shares(site, 4) == {"server2": 4}
        assert all(download.grows(20) for download in downloads)
        first.page = first.name.encode()
        running.says(f"Enabling service {inhibit.service(first)} of VS {inhibit.name}")
        wait_for(lambda: destinations(site, inhibit) == {"server1": 1, "server2": 1}, "both serve again")
        assert all(download.grows(20) for download in downloads)
        assert inhibit.shares(site, 4) == {"server1": 2, "server2": 2}
        for download in downloads:
            download.close()


def test_kill_9_and_another_configuration_during_downloads(site: Site, tmp_path: Path) -> None:
    first, second, _ = site.servers
    gone, new = Way(NAT, port=8009), Way(NAT, port=8010)
    stay = "".join(way.configured(site.servers) for way in BY_ADDRESS)
    site.ipvsadm(*FOREIGN[0].split())
    site.ipvsadm(*FOREIGN[1].split())
    second.stop()
    with ours(stay + gone.configured(site.servers), tmp_path) as running:
        for way in (*BY_ADDRESS, gone):
            running.says(f"Removing service {way.service(second)} from VS {way.name}")
            wait_for(
                lambda way=way: destinations(site, way) == {"server1": 1, "server3": 1}, f"{way}: two serve"
            )
        downloads = [way.download(site) for way in BY_ADDRESS]
        assert all(download.grows() for download in downloads)
        assert running.stop(signal.SIGKILL) == -signal.SIGKILL
    assert all(download.grows() for download in downloads)
    left = site.ipvsadm("-Sn")
    assert any(f":{gone.port} " in line for line in left), "nobody tidied"

    with ours(stay + new.configured((first,)), tmp_path) as running:

        def begun() -> bool:
            assert services_with(second.address) == set()
            return f"Activating healthchecker for service {new.service(first)}" in running.log

        assert services_with(first.address) == {*(way.port for way in BY_ADDRESS), gone.port}
        wait_for(begun, "the next life, with a dead server never in the table")
        assert all(download.grows(20) for download in downloads)
        assert destinations(site, gone) == {}
        assert destinations(site, new) == {"server1": 1}
        table = site.ipvsadm("-Sn")
        assert set(FOREIGN) <= set(table)
        assert not any(f":{gone.port} " in line for line in table)
        running.says(f"TCP_CHECK on service {BY_ADDRESS[0].service(second)} failed.")
        for way in BY_ADDRESS:
            assert destinations(site, way) == {"server1": 1, "server3": 1}
            assert f"Removing service {way.service(second)}" not in running.log

        second.start()
        for way in BY_ADDRESS:
            running.says(f"Adding service {way.service(second)} to VS {way.name}")
            wait_for(lambda way=way: len(destinations(site, way)) == 3, f"{way}: all three serve")
            assert way.shares(site, 3) == {"server1": 1, "server2": 1, "server3": 1}
        assert all(download.grows() for download in downloads)
        running.stop()
        assert site.ipvsadm("-Sn") == FOREIGN
    for download in downloads:
        download.close()


def test_changes_by_hand_are_repaired_and_the_table_can_outlive_us(site: Site, tmp_path: Path) -> None:
    one, other = Way(NAT, port=8011), Way(NAT, port=8012)
    text = "".join(way.configured(site.servers, weights=(1, 2, 3)) for way in (one, other))
    with ours(text, tmp_path, "--dont-release-ipvs") as running:
        wait_for(lambda: len(destinations(site, other)) == 3, "the table")
        right = site.ipvsadm("-Sn")
        at = f"-t {one.target}:{one.port}"
        site.ipvsadm(*f"-d {at} -r {site.servers[0].address}:80".split())
        site.ipvsadm(*f"-e {at} -r {site.servers[1].address}:80 -m -w 9".split())
        site.ipvsadm(*f"-a {at} -r 192.0.2.77:80 -m -w 1".split())
        site.ipvsadm(*f"-E {at} -s lc -p 60".split())
        site.ipvsadm("-D", "-t", f"{other.target}:{other.port}")
        wait_for(lambda: sorted(site.ipvsadm("-Sn")) == sorted(right), "it is put right", limit=60)
        running.stop()
        assert sorted(site.ipvsadm("-Sn")) == sorted(right)
        assert "Traceback" not in running.log
