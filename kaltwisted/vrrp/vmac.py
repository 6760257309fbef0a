"""Virtual MACs: what interface an instance has of its own, and what the host has to be like for it.  Pure.

The MAC is the virtual router's (RFC 5798 §7.3), whoever is master: a switch
sees it move from port to port, and no neighbour has to learn another one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

import attrs

from kaltwisted.config.iproute import read_names
from kaltwisted.config.model import VirtualIpAddress, VrrpInstance
from kaltwisted.ports import LinkPlan, VirtualLink

DEFAULT_PREFIX: Final = "vrrp"
_RFC_MAC = {4: bytes.fromhex("00005e0001"), 6: bytes.fromhex("00005e0002")}
_WHOLE_MAC = 6
#: What keepalived sets on the interface below: it must not answer for addresses that are on another.
_BASE_SETTINGS = (("arp_filter", 1), ("arp_ignore", 1))
_PROMOTE = ("promote_secondaries", 1)


def with_vmacs(instances: Iterable[VrrpInstance], prefix: str | None = None) -> tuple[VrrpInstance, ...]:
    """The instances, each VMAC with its name and whole MAC.

    A name that is not given is ``PREFIX.VRID``; where that is taken
    ``PREFIX6.VRID`` for IPv6, else ``PREFIX1.VRID`` and so on.
    """
    instances = tuple(instances)
    taken = {each.use_vmac.ifname for each in instances if each.use_vmac is not None}
    prefix = prefix or DEFAULT_PREFIX
    found = []
    for config in instances:
        vmac = config.use_vmac
        if vmac is not None:
            name = vmac.ifname
            if name is None:
                name = next(each for each in _names(config, prefix) if each not in taken)
                taken.add(name)
            mac = vmac.mac or _RFC_MAC[config.ip_version]
            if len(mac) < _WHOLE_MAC:
                mac += bytes((config.virtual_router_id,))
            config = attrs.evolve(config, use_vmac=attrs.evolve(vmac, ifname=name, mac=mac))
        found.append(config)
    return tuple(found)


def _names(config: VrrpInstance, prefix: str) -> Iterator[str]:
    vrid = config.virtual_router_id
    yield f"{prefix}.{vrid}"
    if config.ip_version == 6:
        yield f"{prefix}6.{vrid}"
    number = 1
    while True:
        yield f"{prefix}{number}.{vrid}"
        number += 1


def vmac_interface(config: VrrpInstance) -> str | None:
    """The interface of its VMAC, if it has one."""
    return None if config.use_vmac is None else config.use_vmac.ifname


def address_interface(config: VrrpInstance) -> str:
    """Where its addresses go that name no interface."""
    return vmac_interface(config) or config.interface or ""


def receiving_interface(config: VrrpInstance) -> str | None:
    """Where the adverts of others come in.

    A macvlan gets all multicast of the interface below it, and that one gets
    none with the MAC of a macvlan on it for a source, which is the MAC of the
    other routers too.  Unicast goes to the interface below.
    """
    return config.interface if config.unicast_peer else vmac_interface(config) or config.interface


def sending_interface(config: VrrpInstance) -> str | None:
    """Where its adverts go out."""
    return config.interface if config.vmac_xmit_base else vmac_interface(config) or config.interface


def extra_addresses(config: VrrpInstance) -> tuple[VirtualIpAddress, ...]:
    """One address of each interface that no adverts go out of, for ``garp_extra_if``.

    With ``all``; without, they are those of interfaces for an address alone (``use_vmac_addr``), which
    there are not yet.
    """
    if config.garp_extra_if is None or not config.garp_extra_if.every:
        return ()
    first: dict[str, VirtualIpAddress] = {}
    for vip in config.virtual_ipaddress + config.virtual_ipaddress_excluded:
        first.setdefault(vip.dev or address_interface(config), vip)
    return tuple(vip for name, vip in first.items() if name != sending_interface(config))


def link_plan(instances: Iterable[VrrpInstance]) -> LinkPlan:
    """The interfaces that instances with names need, and the settings of those below."""
    links: list[VirtualLink] = []
    settings: dict[str, set[tuple[str, int]]] = {}
    for config in instances:
        vmac, base = config.use_vmac, config.interface
        if base is None:
            continue
        if vmac is None or vmac.ifname is None or vmac.mac is None:
            if config.promote_secondaries:
                settings.setdefault(base, set()).add(_PROMOTE)
            continue
        ipv6 = config.ip_version == 6
        links.append(VirtualLink(vmac.ifname, base, vmac.mac, ipv6, _group(vmac.group)))
        if not ipv6:
            settings.setdefault(base, set()).update(_BASE_SETTINGS)
    return LinkPlan(
        tuple(links), tuple((name, tuple(sorted(each))) for name, each in sorted(settings.items()))
    )


def _group(group: str | None) -> int | None:
    """By number or by its name in iproute2's file ``group``."""
    if group is None:
        return None
    return int(group) if group.isdecimal() and len(group) < 10 else read_names().group.get(group)
