"""The bare data plane carries traffic: every forwarding method, both families, marks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import attrs
import pytest
import pytest_twisted
from twisted.internet import reactor

from kaltwisted.config.model import Forwarding, ForwardingMethod, Protocol
from kaltwisted.lvs.ipvs import IpvsDataPlane
from kaltwisted.lvs.table import Applied, Destination, DestinationKey, Service, ServiceKey

from . import topology
from .topology import Address, Site

NAT, DR, TUN = Forwarding.NAT, Forwarding.DR, Forwarding.TUN
PORT = dict(zip((NAT, DR, TUN), topology.PORTS, strict=True))


def by_address(method: Forwarding) -> ServiceKey:
    return ServiceKey(False, Protocol.TCP, topology.VIP, PORT[method])


def by_address6(method: Forwarding) -> ServiceKey:
    return ServiceKey(True, Protocol.TCP, topology.VIP6, PORT[method])


def by_mark(method: Forwarding) -> ServiceKey:
    return ServiceKey(False, fwmark=topology.MARK)


def by_mark6(method: Forwarding) -> ServiceKey:
    return ServiceKey(True, fwmark=topology.MARK)


@pytest.fixture
def plane(site: Site, tmp_path: Path) -> Iterator[IpvsDataPlane]:
    made = IpvsDataPlane(reactor, tmp_path / "ipvs", connect=site.connect)
    pytest_twisted.blockon(made.start())
    yield made
    pytest_twisted.blockon(made.stop(keep=False))


def pool(
    site: Site,
    key: ServiceKey,
    method: Forwarding,
    *,
    ipv6: bool | None = None,
    weights: tuple[int, ...] = (1, 1, 1),
) -> Service:
    """A service with the site's servers; a weight below 0 leaves one out."""
    six = key.ipv6 if ipv6 is None else ipv6
    there: list[Address] = [server.address6 if six else server.address for server in site.servers]
    destinations = [
        Destination(DestinationKey(address, PORT[method]), weight, ForwardingMethod(method))
        for address, weight in zip(there, weights, strict=True)
        if weight >= 0
    ]
    return Service(key, "wrr", destinations={each.key: each for each in destinations})


def target_of(key: ServiceKey, method: Forwarding) -> tuple[Address, Address]:
    """Where a client goes for the service, and from which of its addresses."""
    marked = topology.MARKED6 if key.ipv6 else topology.MARKED
    through = topology.THROUGH6 if key.ipv6 else topology.THROUGH
    direct = topology.DIRECT6 if key.ipv6 else topology.DIRECT
    return key.address or marked, through if method is NAT else direct


def shares(site: Site, key: ServiceKey, method: Forwarding, requests: int = 12) -> Counter[str]:
    """Who answered how often."""
    address, source = target_of(key, method)
    return Counter(site.client.get(address, source, PORT[method]) for _ in range(requests))


@pytest.mark.parametrize("method", [NAT, DR, TUN], ids=lambda method: method.name)
@pytest.mark.parametrize("key_for", [by_address, by_address6, by_mark, by_mark6])
@pytest_twisted.ensureDeferred
async def test_traffic_goes_where_the_table_says(
    site: Site, plane: IpvsDataPlane, key_for: Callable[[Forwarding], ServiceKey], method: Forwarding
) -> None:
    key = key_for(method)
    await plane.apply({key: pool(site, key, method)})
    assert shares(site, key, method) == {"server1": 4, "server2": 4, "server3": 4}
    await plane.apply({key: pool(site, key, method, weights=(1, 3, 0))})
    assert shares(site, key, method) == {"server1": 3, "server2": 9}
    await plane.apply({key: pool(site, key, method, weights=(-1, -1, 1))})
    assert shares(site, key, method) == {"server3": 12}


@pytest_twisted.ensureDeferred
async def test_an_ipv4_service_with_ipv6_real_servers(site: Site, plane: IpvsDataPlane) -> None:
    key = by_address(TUN)
    await plane.apply({key: pool(site, key, TUN, ipv6=True)})
    assert shares(site, key, TUN) == {"server1": 4, "server2": 4, "server3": 4}


@pytest_twisted.ensureDeferred
async def test_persistence_keeps_a_client_with_its_server(site: Site, plane: IpvsDataPlane) -> None:
    key = by_address(DR)
    await plane.apply({key: attrs.evolve(pool(site, key, DR), persistence_timeout_s=60)})
    assert len(shares(site, key, DR)) == 1


@pytest.mark.parametrize("method", [NAT, DR, TUN], ids=lambda method: method.name)
@pytest_twisted.ensureDeferred
async def test_a_download_outlives_the_daemon_and_its_servers_weight(
    site: Site, plane: IpvsDataPlane, method: Forwarding, tmp_path: Path
) -> None:
    key = by_address(method)
    address, source = target_of(key, method)
    desired = {key: pool(site, key, method, weights=(1, -1, -1))}
    await plane.apply(desired)
    download = site.client.download(address, source, PORT[method])
    assert download.grows()
    # As after kill -9: another life finds the table and the file, and adopts.
    heir = IpvsDataPlane(reactor, tmp_path / "ipvs", connect=site.connect)
    await heir.start()
    assert await heir.apply({key: pool(site, key, method, weights=(1, -1, -1))}) == Applied(0)
    assert download.grows()
    assert await heir.apply({key: pool(site, key, method, weights=(0, 2, -1))}) == Applied(2)
    assert shares(site, key, method, 4) == {"server2": 4}
    assert download.grows(20)
    await heir.stop(keep=False)
    assert not download.grows(500)
    download.close()
