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


def with_vmacs(
    instances: Iterable[VrrpInstance], prefix: str | None = None, address_prefix: str | None = None
) -> tuple[VrrpInstance, ...]:
    """The instances, each VMAC with its name and whole MAC, and each address on the interface it belongs on.

    A name that is not given is ``PREFIX.VRID``; where that is taken
    ``PREFIX6.VRID`` for IPv6, else ``PREFIX1.VRID`` and so on.  Interfaces that
    are for addresses only begin with ``address_prefix``, None: with ``prefix``.
    """
    instances = tuple(instances)
    prefix = prefix or DEFAULT_PREFIX
    names = _Names(own_interface(each) for each in instances)
    return tuple(
        _with_addresses(_with_own(config, names, prefix), names, address_prefix or prefix)
        for config in instances
    )


class _Names:
    """The names that are taken."""

    def __init__(self, taken: Iterable[str | None]) -> None:
        self._taken = set(taken)

    def free(self, prefix: str, vrid: int, ip_version: int) -> str:
        """Take one that is free."""
        name = next(each for each in _candidates(prefix, vrid, ip_version) if each not in self._taken)
        self._taken.add(name)
        return name


def _candidates(prefix: str, vrid: int, ip_version: int) -> Iterator[str]:
    yield f"{prefix}.{vrid}"
    if ip_version == 6:
        yield f"{prefix}6.{vrid}"
    number = 1
    while True:
        yield f"{prefix}{number}.{vrid}"
        number += 1


def _with_own(config: VrrpInstance, names: _Names, prefix: str) -> VrrpInstance:
    """Its own VMAC with name and MAC, or its ipvlan with its name, by whose address it sends."""
    vmac, vrid = config.use_vmac, config.virtual_router_id
    if config.use_ipvlan is not None:
        ipvlan = config.use_ipvlan
        name = ipvlan.ifname or names.free(prefix, vrid, config.ip_version)
        source = config.mcast_src_ip or (None if ipvlan.address is None else ipvlan.address.ip)
        return attrs.evolve(config, use_ipvlan=attrs.evolve(ipvlan, ifname=name), mcast_src_ip=source)
    if vmac is None:
        return config
    mac = vmac.mac or _RFC_MAC[config.ip_version]
    if len(mac) < _WHOLE_MAC:
        mac += bytes((vrid,))
    name = vmac.ifname or names.free(prefix, vrid, config.ip_version)
    return attrs.evolve(config, use_vmac=attrs.evolve(vmac, ifname=name, mac=mac))


def _with_addresses(config: VrrpInstance, names: _Names, prefix: str) -> VrrpInstance:
    """Its addresses, each on its interface: those of one interface and family share a VMAC."""
    if config.interface is None:
        return config
    found: dict[tuple[str, int], str] = {}

    def on_its_interface(vip: VirtualIpAddress) -> VirtualIpAddress:
        version, base = vip.address.version, vip.dev or config.interface or ""
        if _has_own(vip, config):
            if (base, version) not in found:
                found[base, version] = names.free(prefix, config.virtual_router_id, version)
            return attrs.evolve(vip, dev=found[base, version], base=base)
        if config.use_vmac is None:
            return vip
        if (base, version) == (config.interface, config.ip_version):
            return attrs.evolve(vip, dev=None, use_vmac=False)
        # What is not of the family of its instance's VMAC is on the interface below.
        return attrs.evolve(vip, dev=base)

    return attrs.evolve(
        config,
        virtual_ipaddress=tuple(map(on_its_interface, config.virtual_ipaddress)),
        virtual_ipaddress_excluded=tuple(map(on_its_interface, config.virtual_ipaddress_excluded)),
    )


def _has_own(vip: VirtualIpAddress, config: VrrpInstance) -> bool:
    """Whether an address is on a VMAC that is not its instance's, which is for one interface and family."""
    elsewhere = (vip.dev or config.interface, vip.address.version) != (config.interface, config.ip_version)
    if elsewhere:
        return config.use_vmac_addr or vip.use_vmac
    return vip.use_vmac and config.use_vmac is None


def vmac_interface(config: VrrpInstance) -> str | None:
    """The interface of its VMAC, if it has one."""
    return None if config.use_vmac is None else config.use_vmac.ifname


def own_interface(config: VrrpInstance) -> str | None:
    """The interface of its VMAC or its ipvlan."""
    return vmac_interface(config) if config.use_ipvlan is None else config.use_ipvlan.ifname


def source_interface(config: VrrpInstance) -> str | None:
    """Whose address its adverts come from: its ipvlan's, else that of its interface."""
    return config.interface if config.use_ipvlan is None else config.use_ipvlan.ifname


def address_interface(config: VrrpInstance) -> str:
    """Where its addresses go that name no interface, once ``with_vmacs`` has been over them."""
    return vmac_interface(config) or config.interface or ""


def receiving_interface(config: VrrpInstance) -> str | None:
    """Where the adverts of others come in.

    A macvlan gets all multicast of the interface below it, and that one gets
    none with the MAC of a macvlan on it for a source, which is the MAC of the
    other routers too.  Unicast goes to the interface below.
    """
    if config.unicast_peer:
        return source_interface(config)
    return own_interface(config) or config.interface


def sending_interface(config: VrrpInstance) -> str | None:
    """Where its adverts go out."""
    return config.interface if config.vmac_xmit_base else own_interface(config) or config.interface


def extra_addresses(config: VrrpInstance) -> tuple[VirtualIpAddress, ...]:
    """One address of each interface that no adverts go out of, for ``garp_extra_if``.

    Without ``all`` only of those that are there for addresses alone (``use_vmac_addr``).
    """
    extra = config.garp_extra_if
    if extra is None:
        return ()
    first: dict[str, VirtualIpAddress] = {}
    for vip in config.virtual_ipaddress + config.virtual_ipaddress_excluded:
        if extra.every or vip.base is not None:
            first.setdefault(vip.dev or address_interface(config), vip)
    return tuple(vip for name, vip in first.items() if name != sending_interface(config))


def link_plan(instances: Iterable[VrrpInstance]) -> LinkPlan:
    """The interfaces that instances with names need, and the settings of those below."""
    links: dict[str, VirtualLink] = {}
    settings: dict[str, set[tuple[str, int]]] = {}
    for config in instances:
        base = config.interface
        if base is None:
            continue
        if config.use_vmac is None and config.promote_secondaries:
            settings.setdefault(base, set()).add(_PROMOTE)
        for link in _links(config, base):
            links.setdefault(link.name, link)
            if not link.ipv6 and link.ipvlan is None:
                settings.setdefault(link.parent, set()).update(_BASE_SETTINGS)
    return LinkPlan(
        tuple(links.values()), tuple((name, tuple(sorted(each))) for name, each in sorted(settings.items()))
    )


def _links(config: VrrpInstance, base: str) -> Iterator[VirtualLink]:
    """The instance's own, then those of its addresses."""
    vmac = config.use_vmac
    if vmac is not None and vmac.ifname is not None and vmac.mac is not None:
        yield VirtualLink(
            vmac.ifname, base, vmac.mac, config.ip_version == 6, _group(vmac.group), owner=config.name
        )
    ipvlan = config.use_ipvlan
    if ipvlan is not None and ipvlan.ifname is not None:
        yield VirtualLink(
            ipvlan.ifname,
            base,
            b"",
            config.ip_version == 6,
            _group(ipvlan.group),
            ipvlan.type.value,
            None if ipvlan.address is None else str(ipvlan.address),
            config.name,
        )
    for vip in config.virtual_ipaddress + config.virtual_ipaddress_excluded:
        if vip.dev is not None and vip.base is not None:
            version = vip.address.version
            mac = _RFC_MAC[version] + bytes((config.virtual_router_id,))
            if vmac is not None and vmac.mac is not None and version == config.ip_version:
                mac = vmac.mac
            yield VirtualLink(vip.dev, vip.base, mac, version == 6, owner=config.name)


def _group(group: str | None) -> int | None:
    """By number or by its name in iproute2's file ``group``."""
    if group is None:
        return None
    return int(group) if group.isdecimal() and len(group) < 10 else read_names().group.get(group)
