"""Advice on where virtual addresses are: on which interface, and on which director."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from ipaddress import IPv4Interface, IPv6Interface, ip_network
from typing import TYPE_CHECKING

from kaltwisted.config.advice.kinds import FOREIGN_ADDRESS, UNHELD_ADDRESS
from kaltwisted.config.model import Address, VirtualAddress, VirtualIpAddress

if TYPE_CHECKING:
    from kaltwisted.config.findings import Finding
    from kaltwisted.config.model import Configuration
    from kaltwisted.config.written import Written

# What a network is taken to be where an address comes without one.
_USUAL_PREFIX = {4: 24, 6: 64}


def foreign_addresses(
    configuration: Configuration,
    written: Written,
    networks: Mapping[str, tuple[IPv4Interface | IPv6Interface, ...]],
) -> Iterator[Finding]:
    """A virtual address outside all networks of the interface it would be put on.

    An interface without a network has nothing to go by: there the virtual
    address brings its own.  Virtual addresses that are on an interface just
    now do not count, so that a master and a backup are told the same.
    """
    virtual = {vip.address for each in configuration.vrrp_instances for vip in each.virtual_ipaddress}
    virtual |= {
        vip.address for each in configuration.vrrp_instances for vip in each.virtual_ipaddress_excluded
    }
    there = {
        name: [each.network for each in found if each.ip not in virtual and not each.ip.is_link_local]
        for name, found in networks.items()
    }
    for instance in configuration.vrrp_instances:
        for block in ("virtual_ipaddress", "virtual_ipaddress_excluded"):
            vips: tuple[VirtualIpAddress, ...] = getattr(instance, block)
            for vip in vips:
                dev = vip.dev or instance.interface or ""
                version, address = vip.address.version, vip.address
                around = [
                    each for each in there.get(dev, ()) if each.version == version and each.num_addresses > 1
                ]
                if not around or dev == "lo" or any(address in each for each in around):
                    continue
                if address.is_link_local or not written.is_sound(instance.where):
                    continue
                better = next(
                    (name for name, all_ in there.items() if any(address in each for each in all_)), None
                )
                yield written.advise(
                    FOREIGN_ADDRESS,
                    written.spot(instance.where, block, address),
                    f"{address} is put on {dev}, whose networks do not hold it: "
                    f"{', '.join(map(str, around[:4]))}",
                    expected=f"{address} dev {better}"
                    if better is not None
                    else f"an address of {dev}'s networks",
                )


def unheld_addresses(
    configuration: Configuration, written: Written, local: Container[object] = frozenset()
) -> Iterator[Finding]:
    """A ``virtual_server`` on an address that no instance has, though one has its neighbour.

    Without a neighbour nothing is told: the address may be routed to a
    virtual one, or be the director's own.

    :param local: addresses of this machine, of which nothing is told either.
    """
    vips = [
        vip
        for instance in configuration.vrrp_instances
        for vip in instance.virtual_ipaddress + instance.virtual_ipaddress_excluded
    ]
    if not vips or any(statement.words[0] == "static_ipaddress" for statement in written.statements):
        return
    held = {vip.address for vip in vips}
    told: set[Address] = set()
    for service in configuration.virtual_servers:
        listen = service.listen
        if not isinstance(listen, VirtualAddress) or listen.address in held or listen.address in local:
            continue
        near = next((vip for vip in vips if neighbours(listen.address, vip)), None)
        if near is None or listen.address in told or not written.is_sound(service.where):
            continue
        told.add(listen.address)
        yield written.advise(
            UNHELD_ADDRESS,
            written.spot(service.where, word=1),
            f"no vrrp_instance has {listen.address}, as one has {near.address}: "
            "it does not move with the others",
            expected=f"{listen.address} in a virtual_ipaddress block",
        )


def neighbours(address: Address, vip: VirtualIpAddress) -> bool:
    """Whether an address is in the network of a virtual one; in the usual one where that has none."""
    if address.version != vip.address.version:
        return False
    whole = vip.prefix in (0, vip.address.max_prefixlen)
    prefix = _USUAL_PREFIX[address.version] if whole else vip.prefix
    return address in ip_network(f"{vip.address}/{prefix}", strict=False)
