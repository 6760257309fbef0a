"""The host's network as virtual routers are told of it: links, own addresses, addresses that others took."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import assert_never

from twisted.logger import Logger

from kaltwisted.config.model import Address, VirtualIpAddress, VrrpInstance
from kaltwisted.ports import (
    AddressAppeared,
    AddressChanged,
    AddressVanished,
    ILinks,
    Link,
    LinkAddress,
    LinkChanged,
    LinkEvent,
    LinkVanished,
)
from kaltwisted.vrrp import events
from kaltwisted.vrrp.addresses import VirtualAddresses
from kaltwisted.vrrp.dispatcher import Dispatcher
from kaltwisted.vrrp.report_words import Interface
from kaltwisted.vrrp.timers import OWNER_PRIORITY
from kaltwisted.vrrp.vmac import own_interface, source_interface


class Surroundings:
    """Turns changes of the network into events of instances, and keeps the dispatcher's interfaces open.

    :param held: every instance's virtual addresses.
    :param tell: gets the name of an instance, None for all, and the event.
    """

    _log = Logger()

    def __init__(
        self,
        instances: Iterable[VrrpInstance],
        links: ILinks,
        dispatcher: Dispatcher,
        held: Mapping[str, VirtualAddresses],
        tell: Callable[[str | None, events.Event], None],
    ) -> None:
        self._links = links
        self._dispatcher = dispatcher
        self._held = held
        self._tell = tell
        self._up: dict[str, bool] = {}
        self._sources: dict[str, Address | None] = {}
        # Who held an address before the last reload, and may just be taking it away.
        self._former: dict[Address, list[str]] = {}
        self._look_after(instances)

    def _look_after(self, instances: Iterable[VrrpInstance]) -> None:
        self._instances = {each.name: each for each in instances}
        self._vips = frozenset(vip.address for each in self._instances.values() for vip in _vips(each))
        self._holders: dict[Address, list[str]] = {}
        for name, config in self._instances.items():
            for vip in _vips(config):
                self._holders.setdefault(vip.address, []).append(name)
        self._interfaces = {name for each in self._instances.values() for name in _interfaces(each)}
        # Addresses that instances need to have (track_src_ip): whether they are there.
        self.needed = {
            each.configured_source: self._links.holds(each.configured_source)
            for each in self._instances.values()
            if each.track_src_ip and each.configured_source is not None
        }

    def begin(self) -> None:
        """Tell how things are, and every change from now on.

        :raises WireError: raw sockets cannot be opened.
        """
        self._links.watch(self._changed)
        for name in sorted(self._interfaces):
            link = self._links.link(name)
            if link is not None:
                self._dispatcher.open(link)
            self._tell_link(name, link is not None and link.works)
        for name in self._instances:
            self._tell_source(name)
        self._look_for_needed(self.needed, begin=True)

    @property
    def interfaces(self) -> tuple[Interface, ...]:
        """The interfaces that instances have to do with, in the kernel's order; the missing come last."""
        found = []
        for name in sorted(self._interfaces):
            link = self._links.link(name)
            if link is None:
                found.append(Interface(name))
            else:
                ipv4, ipv6 = (
                    self._links.source(link.index, ipv6=ipv6, but=self._vips) for ipv6 in (False, True)
                )
                vrf = None if link.vrf is None else self._links.by_index(link.vrf)
                found.append(Interface(name, link, ipv4, ipv6, None if vrf is None else vrf.name))
        return tuple(sorted(found, key=_kernel_order))

    def vrf_table(self, name: str) -> int | None:
        """The routing table of a VRF; None while there is none of that name."""
        link = self._links.link(name)
        return None if link is None else link.table

    @property
    def virtual(self) -> frozenset[Address]:
        """The virtual addresses of all instances: what no router has for its own."""
        return self._vips

    # --- a reload ----------------------------------------------------------------------

    @property
    def up(self) -> Mapping[str, bool]:
        """Whether interfaces work."""
        return self._up

    def reconfigure(self, instances: Iterable[VrrpInstance]) -> None:
        """Look after these from now on.  Nobody is told: ``up`` has what is new, ``introduce`` tells it."""
        before, holders = self._interfaces, self._holders
        self._look_after(instances)
        self._former = {}
        for address, names in holders.items():
            staying = [name for name in names if name in self._instances]
            self._former[address] = [name for name in staying if name not in self._holders.get(address, ())]
        for name in before - self._interfaces:
            self._dispatcher.close(name)
            self._up.pop(name, None)
        for name in sorted(self._interfaces):
            link = self._links.link(name)
            if link is not None:
                self._dispatcher.refresh(link)
            if name not in self._up:
                self._up[name] = link is not None and link.works
                if not self._up[name]:
                    self._log.info("Netlink reports {name} down", name=name)
        self._sources = {name: each for name, each in self._sources.items() if name in self._instances}

    def introduce(self, name: str) -> None:
        """Tell an instance how things are."""
        for interface in sorted(_interfaces(self._instances[name])):
            self._tell(name, events.LinkChanged(interface, self._up[interface]))
        self._sources.pop(name, None)  # another may have had this name
        self._tell_source(name)

    def look_again(self) -> None:
        """Tell the source addresses that are others now: which ones are virtual may have changed."""
        for name in self._instances:
            self._tell_source(name)

    # --- what happens ------------------------------------------------------------------

    def _changed(self, event: LinkEvent) -> None:
        match event:
            case LinkChanged(link):
                if link.name in self._interfaces:
                    self._dispatcher.try_open(link)
                    self._tell_link(link.name, link.works)
                    self._tell_sources(link)
            case LinkVanished(link):
                if link.name in self._interfaces:
                    self._dispatcher.close(link.name)
                    self._tell_link(link.name, False)
                    self._tell_sources(link)
                self._look_for_needed(self.needed)  # its addresses are gone with it
            case AddressAppeared(address) | AddressChanged(address):
                self._tell_duplicate(address)
                self._tell_sources_of(address)
                self._look_for_needed([address.address])
            case AddressVanished(address):
                self._tell_loss(address)
                self._tell_sources_of(address)
                self._look_for_needed([address.address])
            case _:
                assert_never(event)

    def _tell_link(self, name: str, up: bool) -> None:
        known = self._up.get(name)
        if known is up:
            return
        self._up[name] = up
        if known is not None or not up:
            self._log.info("Netlink reports {name} {state}", name=name, state="up" if up else "down")
        self._tell(None, events.LinkChanged(name, up))

    def _tell_loss(self, address: LinkAddress) -> None:
        """Somebody may have removed a virtual address under its master's hands."""
        if any(self._held[name].foresaw(address) for name in self._former.get(address.address, ())):
            return
        for name in self._holders.get(address.address, ()):
            if self._held[name].vanished(address):
                self._log.warn(
                    "({name}) ip address {address} was removed by somebody else",
                    name=name,
                    address=address.address,
                )
                self._tell(name, events.AddressLost(address.address))

    def _look_for_needed(self, addresses: Iterable[Address], *, begin: bool = False) -> None:
        """Tell what of these, if they are needed, is there now and was not, or the other way round."""
        for address in [each for each in addresses if each in self.needed]:
            there = self._links.holds(address)
            if begin or there is not self.needed[address]:
                self.needed[address] = there
                self._tell(None, events.Turned(events.FaultKind.SOURCE, str(address), int(there)))

    def _tell_duplicate(self, address: LinkAddress) -> None:
        """The kernel has found a virtual address of ours at another host, and does not use it."""
        if not address.dad_failed:
            return
        for name in self._holders.get(address.address, ()):
            self._log.warn(
                "({name}) {address} is a duplicate: another host on the link has it (DAD failed), so it"
                " answers nobody here; is there a second master that does not hear us?",
                name=name,
                address=address.address,
            )

    def _tell_sources_of(self, address: LinkAddress) -> None:
        if address.address in self._vips:
            return
        for name in self._interfaces:
            link = self._links.link(name)
            if link is not None and link.index == address.index:
                # IPv6 may have been switched on for it only now.
                self._dispatcher.try_open(link)
                self._tell_sources(link)

    def _tell_sources(self, link: Link) -> None:
        for name, config in self._instances.items():
            if source_interface(config) == link.name:
                self._tell_source(name)

    def _tell_source(self, name: str) -> None:
        source = self._source(self._instances[name])
        if name in self._sources and self._sources[name] == source:
            return
        self._sources[name] = source
        self._tell(name, events.SourceChanged(source))

    def _source(self, config: VrrpInstance) -> Address | None:
        """The interface's own address; an owner may have none but the first virtual one."""
        links = self._links
        link = links.link(source_interface(config) or "")
        if link is None:
            return None
        # To peers behind a router nothing gets from a link-local address.
        routed = any(not address.is_link_local for address in config.peers)
        own = links.source(link.index, ipv6=config.ip_version == 6, but=self._vips, routed=routed)
        if own is None and config.priority == OWNER_PRIORITY and config.virtual_ipaddress:
            return config.virtual_ipaddress[0].address
        return own


def _vips(config: VrrpInstance) -> tuple[VirtualIpAddress, ...]:
    return config.virtual_ipaddress + config.virtual_ipaddress_excluded


def _kernel_order(interface: Interface) -> tuple[bool, int]:
    return interface.link is None, 0 if interface.link is None else interface.link.index


def _interfaces(config: VrrpInstance) -> set[str]:
    """All interfaces that an instance has to do with."""
    named = {name for vip in _vips(config) for name in (vip.dev, vip.base)}
    named |= {config.interface, own_interface(config)}
    return {name for name in named if name is not None} | {each.name for each in config.track_interface}
