"""Who is where: the directors, their interfaces, and the LANs between them.  Pure.

Configurations name interfaces and not what they lead to, so that much is inferred: two interfaces are
on one LAN where they have a virtual router or a virtual address in common, or else the same name.  What
a scenario says of the site comes first.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from ipaddress import (
    IPv4Interface,
    IPv4Network,
    IPv6Interface,
    IPv6Network,
    ip_address,
    ip_interface,
    ip_network,
)
from typing import Final, TypeAlias

import attrs

from kaltwisted.config.model import Address, Configuration, VirtualIpAddress, VrrpInstance

Own: TypeAlias = IPv4Interface | IPv6Interface
"""An address that an interface has for its own, with its network."""
Network: TypeAlias = IPv4Network | IPv6Network
End: TypeAlias = tuple[str, str]
"""A director and one of its interfaces."""

USUAL_PREFIX: Final = {4: 24, 6: 64}
"""What a network is taken to be where an address comes without one."""
_NOWHERE: Final = ip_network("192.0.2.0/24")
_FIRST_CHOICE: Final = 241
"""Own addresses that are made up are at the end of a network, where gateways seldom are."""


@attrs.frozen
class Plug:
    """An interface as it is built in: where it leads to, and the addresses that it has for its own."""

    lan: str
    addresses: tuple[Own, ...]


@attrs.frozen
class Site:
    """What a scenario says of where directors are."""

    lans: tuple[tuple[str, tuple[End, ...]], ...] = ()
    addresses: tuple[tuple[End, Own], ...] = ()

    def __or__(self, other: Site) -> Site:
        """What both say."""
        return Site(self.lans + other.lans, self.addresses + other.addresses)


@attrs.frozen
class Place:
    """A director, its configuration and its interfaces.  ``made_up``: the interfaces with such addresses."""

    name: str
    configuration: Configuration
    plugs: Mapping[str, Plug]
    made_up: frozenset[str] = frozenset()


@attrs.frozen
class Topology:
    """The directors in the order in which they were given."""

    places: tuple[Place, ...]

    @property
    def lans(self) -> dict[str, list[End]]:
        """The LANs with what is plugged in."""
        found: dict[str, list[End]] = {}
        for place in self.places:
            for interface, plug in place.plugs.items():
                found.setdefault(plug.lan, []).append((place.name, interface))
        return found

    @property
    def addresses(self) -> list[Address]:
        """The virtual addresses of all, in the order in which they are configured."""
        return list(self._instances)

    def instances(self, address: Address) -> Sequence[tuple[Place, VrrpInstance]]:
        """The instances that have a virtual address."""
        return self._instances.get(address, [])

    @cached_property
    def _instances(self) -> dict[Address, list[tuple[Place, VrrpInstance]]]:
        """By address: a judgement asks for each of them again and again."""
        found: dict[Address, list[tuple[Place, VrrpInstance]]] = {}
        for place in self.places:
            for instance in place.configuration.vrrp_instances:
                for address in dict.fromkeys(vip.address for vip in virtual_addresses(instance)):
                    found.setdefault(address, []).append((place, instance))
        return found


def virtual_addresses(instance: VrrpInstance) -> tuple[VirtualIpAddress, ...]:
    """All addresses that an instance moves."""
    return instance.virtual_ipaddress + instance.virtual_ipaddress_excluded


def interfaces(configuration: Configuration) -> list[str]:
    """The interfaces that a configuration names."""
    return list(dict.fromkeys(_named(configuration)))


def _named(configuration: Configuration) -> Iterator[str]:
    groups = configuration.vrrp_sync_groups
    for instance in configuration.vrrp_instances:
        if instance.interface is not None:
            yield instance.interface
        yield from (vip.dev for vip in virtual_addresses(instance) if vip.dev is not None)
        yield from (each.name for each in instance.track_interface)
    yield from (each.name for group in groups for each in group.track_interface)
    yield from (vip.dev for vip in configuration.static_ipaddress if vip.dev is not None)


def lay_out(configurations: Mapping[str, Configuration], site: Site = Site()) -> Topology:
    """Plug the directors together."""
    lans = _lans(configurations, site)
    own = _own_addresses(configurations, site, lans)
    made_up = _made_up(configurations, lans, own)
    places = []
    for number, (name, configuration) in enumerate(configurations.items(), 1):
        plugs = {}
        for interface in interfaces(configuration):
            end = (name, interface)
            addresses = own.get(end, []) + made_up.get(end, [])
            if not any(each.version == 6 and each.is_link_local for each in addresses):
                addresses.append(ip_interface(f"fe80::{number:x}/64"))
            plugs[interface] = Plug(lans[end], tuple(addresses))
        invented = frozenset(interface for director, interface in made_up if director == name)
        places.append(Place(name, configuration, plugs, invented))
    return Topology(tuple(places))


# -- which LANs there are ------------------------------------------------------------------


def _lans(configurations: Mapping[str, Configuration], site: Site) -> dict[End, str]:
    """The LAN of each interface."""
    lans = {end: name for name, ends in site.lans for end in ends}
    ends = [
        (name, each) for name, configuration in configurations.items() for each in interfaces(configuration)
    ]
    open_ends = [end for end in ends if end not in lans]
    marks = {end: set(_marks(configurations[end[0]], end[1])) for end in open_ends}
    segments: list[list[End]] = []
    for end in open_ends:
        fitting = [
            segment
            for segment in segments
            if any(not marks[end].isdisjoint(marks[other]) for other in segment)
        ]
        segments = [segment for segment in segments if segment not in fitting]
        segments.append([other for segment in fitting for other in segment] + [end])
    alone = [segment[0] for segment in segments if len(segment) == 1]
    segments = [segment for segment in segments if len(segment) > 1]
    for name in dict.fromkeys(interface for _, interface in alone):
        segments.append([end for end in alone if end[1] == name])
    taken = set(lans.values())
    segments.sort(key=lambda segment: min(map(ends.index, segment)))
    for segment in segments:
        plain = "/".join(dict.fromkeys(interface for _, interface in segment))
        name, number = plain, 2
        while name in taken:
            name, number = f"{plain}-{number}", number + 1
        taken.add(name)
        lans |= dict.fromkeys(segment, name)
    return lans


def _marks(configuration: Configuration, interface: str) -> Iterator[object]:
    """What tells the LAN of an interface: addresses that move there, virtual routers by name and number."""
    for instance in configuration.vrrp_instances:
        for vip in virtual_addresses(instance):
            if (vip.dev or instance.interface) == interface:
                yield vip.address
        if instance.interface == interface:
            yield instance.name, instance.virtual_router_id, instance.ip_version


# -- which addresses interfaces have -------------------------------------------------------


def _own_addresses(
    configurations: Mapping[str, Configuration], site: Site, lans: Mapping[End, str]
) -> dict[End, list[Own]]:
    """What is said, in the scenario or a configuration, or follows from what peers say."""
    own: dict[End, list[Own]] = {}
    for end, address in site.addresses:
        own.setdefault(end, []).append(address)
    said = set(own)
    for name, configuration in configurations.items():
        for instance in configuration.vrrp_instances:
            source = instance.unicast_src_ip if instance.unicast_peer else instance.mcast_src_ip
            end = (name, instance.interface or "")
            if source is not None and end not in said:
                _have(own, end, source, _network_of(configuration, end[1], source.version))
    _reckon_peers(configurations, own, lans)
    return own


def _reckon_peers(
    configurations: Mapping[str, Configuration], own: dict[End, list[Own]], lans: Mapping[End, str]
) -> None:
    """An instance that does not say where it sends from is the peer that only the others name."""
    for name, configuration in configurations.items():
        for instance in configuration.vrrp_instances:
            end = (name, instance.interface or "")
            version = instance.ip_version
            if not instance.unicast_peer or any(each.version == version for each in own.get(end, ())):
                continue
            named = {
                peer
                for other_name, other in configurations.items()
                for each in other.vrrp_instances
                if other_name != name and each.virtual_router_id == instance.virtual_router_id
                for peer in each.peers
                if peer.version == version
            }
            known = {each.ip for addresses in own.values() for each in addresses}
            candidates = named - set(instance.peers) - known
            if len(candidates) == 1:
                _have(own, end, candidates.pop(), _network_of(configuration, end[1], version))


def _have(own: dict[End, list[Own]], end: End, address: Address, prefix: int) -> None:
    addresses = own.setdefault(end, [])
    if all(each.ip != address for each in addresses):
        addresses.append(ip_interface(f"{address}/{prefix}"))


def _network_of(configuration: Configuration, interface: str, version: int) -> int:
    vip = next(_vips_on(configuration, interface, version), None)
    return USUAL_PREFIX[version] if vip is None else _prefix(vip)


def _prefix(vip: VirtualIpAddress) -> int:
    whole = vip.prefix in (0, vip.address.max_prefixlen)
    return USUAL_PREFIX[vip.address.version] if whole else vip.prefix


def _vips_on(configuration: Configuration, interface: str, version: int) -> Iterator[VirtualIpAddress]:
    for instance in configuration.vrrp_instances:
        for vip in virtual_addresses(instance):
            if (vip.dev or instance.interface) == interface and vip.address.version == version:
                yield vip


def _made_up(
    configurations: Mapping[str, Configuration], lans: Mapping[End, str], own: Mapping[End, Iterable[Own]]
) -> dict[End, list[Own]]:
    """An IPv4 address for each interface that has none, in the order of the directors.

    Of equal priorities the higher address wins, so that what is made up follows the order of the files.
    Where there is nothing of IPv4 none is made up; for IPv6 every interface has a link-local one.
    """
    taken = {each.ip for addresses in own.values() for each in addresses} | _mentioned(configurations)
    found: dict[End, list[Own]] = {}
    for end, lan in lans.items():
        beside = [other for other, name in lans.items() if name == lan]
        networks = [_ipv4_network(configurations[name], interface) for name, interface in beside]
        network = next((each for each in networks if each is not None), None)
        if network is None or any(each.version == 4 for each in own.get(end, ())):
            continue
        address = _free(network, taken)
        taken.add(address)
        found[end] = [ip_interface(f"{address}/{network.prefixlen}")]
    return found


def _ipv4_network(configuration: Configuration, interface: str) -> Network | None:
    """The network that IPv4 is spoken in on an interface; None: it is not spoken there."""
    vip = next(_vips_on(configuration, interface, 4), None)
    if vip is not None:
        return ip_network(f"{vip.address}/{_prefix(vip)}", strict=False)
    instances = configuration.vrrp_instances
    spoken = any(each.interface == interface and each.ip_version == 4 for each in instances)
    return _NOWHERE if spoken else None


def _free(network: Network, taken: set[Address]) -> Address:
    for each in (network, _NOWHERE):
        size = min(each.num_addresses, 256)
        first = min(_FIRST_CHOICE, size - 1)
        for offset in (*range(first, size - 1), *range(1, first)):
            address = ip_address(int(each.network_address) + offset)
            if address not in taken:
                return address
    raise ValueError("no address is left in 192.0.2.0/24")


def _mentioned(configurations: Mapping[str, Configuration]) -> set[Address]:
    """Addresses that somebody has already."""
    found: set[Address] = set()
    for configuration in configurations.values():
        for instance in configuration.vrrp_instances:
            found |= {vip.address for vip in virtual_addresses(instance)} | set(instance.peers)
        for service in configuration.virtual_servers:
            found |= {server.address for server in service.real_servers}
    return found
