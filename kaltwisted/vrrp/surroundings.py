"""The host's network as virtual routers are told of it: links, own addresses, addresses that others took."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import assert_never

import attrs
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from kaltwisted.config.model import Address, Configuration, VirtualIpAddress, VrrpInstance
from kaltwisted.ports import (
    AddressAppeared,
    AddressChanged,
    AddressVanished,
    ILinkbeat,
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
from kaltwisted.vrrp.link_delays import by_interface
from kaltwisted.vrrp.link_states import LinkStates
from kaltwisted.vrrp.linkbeat import Polling, polled, unpolled
from kaltwisted.vrrp.report_words import Interface
from kaltwisted.vrrp.timers import OWNER_PRIORITY
from kaltwisted.vrrp.vmac import own_interface, source_interface


class Surroundings:
    """Turns changes of the network into events of instances, and keeps the dispatcher's interfaces open.

    :param linkbeat: asks the interfaces that are polled.
    :param held: every instance's virtual addresses.
    :param tell: gets the name of an instance, None for all, and the event.
    """

    _log = Logger()

    def __init__(
        self,
        configuration: Configuration,
        clock: IReactorTime,
        links: ILinks,
        linkbeat: ILinkbeat | None,
        dispatcher: Dispatcher,
        held: Mapping[str, VirtualAddresses],
        tell: Callable[[str | None, events.Event], None],
    ) -> None:
        self._links = links
        self._dispatcher = dispatcher
        self._held = held
        self._tell = tell
        self._sources: dict[str, Address | None] = {}
        # Who held an address before the last reload, and may just be taking it away.
        self._former: dict[Address, list[str]] = {}
        self._look_after(configuration)
        self.states = LinkStates(by_interface(configuration), clock, self._tell_link)
        self._polling = Polling(linkbeat, clock, self._beat)

    def _look_after(self, configuration: Configuration) -> None:
        self._configuration = configuration
        self._instances = {each.name: each for each in configuration.vrrp_instances}
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
            self._look_first(name, link)
            self._tell(None, events.LinkChanged(name, self.up[name]))
        for name in self._instances:
            self._tell_source(name)
        self._look_for_needed(self.needed, begin=True)
        self._poll()

    @property
    def interfaces(self) -> tuple[Interface, ...]:
        """The interfaces that instances have to do with, in the kernel's order; the missing come last."""
        return tuple(sorted(map(self._interface, self._interfaces), key=_kernel_order))

    def _interface(self, name: str) -> Interface:
        delays = self.states.delays
        found = Interface(
            name,
            delay=delays.delays.get(name),
            waits=delays.is_waiting(name),
            has_been_up=delays.has_been_up(name),
            method=None if name not in self._polling.beats else self._polling.beats[name].method,
        )
        link = self._links.link(name)
        if link is None:
            return found
        ipv4, ipv6 = (self._links.source(link.index, ipv6=ipv6, but=self._vips) for ipv6 in (False, True))
        vrf = None if link.vrf is None else self._links.by_index(link.vrf)
        return attrs.evolve(found, link=link, ipv4=ipv4, ipv6=ipv6, vrf=None if vrf is None else vrf.name)

    def vrf_table(self, name: str) -> int | None:
        """The routing table of a VRF; None while there is none of that name."""
        link = self._links.link(name)
        return None if link is None else link.table

    @property
    def virtual(self) -> frozenset[Address]:
        """The virtual addresses of all instances: what no router has for its own."""
        return self._vips

    def stop(self) -> None:
        """Nobody is told of anything any more."""
        self.states.stop()
        self._polling.stop()

    # --- a reload ----------------------------------------------------------------------

    @property
    def up(self) -> Mapping[str, bool]:
        """Whether interfaces count as up."""
        return self.states.up

    def reconfigure(self, configuration: Configuration) -> None:
        """Look after these from now on.  Nobody is told: ``up`` has what is new, ``introduce`` tells it."""
        before, holders = self._interfaces, self._holders
        self._look_after(configuration)
        self.states.reconfigure(by_interface(configuration))
        self._former = {}
        for address, names in holders.items():
            staying = [name for name in names if name in self._instances]
            self._former[address] = [name for name in staying if name not in self._holders.get(address, ())]
        for name in before - self._interfaces:
            self._dispatcher.close(name)
            self.states.forget(name)
        for name in sorted(self._interfaces):
            link = self._links.link(name)
            if link is not None:
                self._dispatcher.refresh(link)
            if name not in self.up:
                self._look_first(name, link)
        self._sources = {name: each for name, each in self._sources.items() if name in self._instances}

    def introduce(self, name: str) -> None:
        """Tell an instance how things are."""
        for interface in sorted(_interfaces(self._instances[name])):
            self._tell(name, events.LinkChanged(interface, self.up[interface]))
        self._sources.pop(name, None)  # another may have had this name
        self._tell_source(name)

    def look_again(self) -> None:
        """Tell the source addresses that a reload changed, as others are virtual now; poll who wants it."""
        for name in self._instances:
            self._tell_source(name)
        self._poll()

    # --- what happens ------------------------------------------------------------------

    def _changed(self, event: LinkEvent) -> None:
        match event:
            case LinkChanged(link):
                if link.name in self._interfaces:
                    self._dispatcher.try_open(link)
                    if link.name not in self._polling.beats:
                        self.states.seen(link)
                    self._tell_sources(link)
            case LinkVanished(link):
                if link.name in self._interfaces:
                    self._dispatcher.close(link.name)
                    self.states.gone(link.name)
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

    def _look_first(self, name: str, link: Link | None) -> None:
        self.states.first(name, link)
        if not self.up[name]:
            self._log_link(name, False)

    def _tell_link(self, name: str, up: bool) -> None:
        self._log_link(name, up)
        self._tell(None, events.LinkChanged(name, up))

    def _log_link(self, name: str, up: bool, who: str = "Netlink") -> None:
        self._log.info("{who} reports {name} {state}", who=who, name=name, state="up" if up else "down")

    def _poll(self) -> None:
        """Ask those interfaces that want it; of others that were asked netlink has told since."""
        before = tuple(self._polling.beats)
        for line in unpolled(self._configuration, self._interfaces):
            self._log.info("{line}", line=line)
        self._polling.poll(polled(self._configuration, self._interfaces))
        for name in before:
            link = self._links.link(name)
            if link is not None and name in self._interfaces and name not in self._polling.beats:
                self.states.seen(link)

    def _beat(self, name: str, up: bool) -> None:
        if self.states.heard(name, up):
            self._log_link(name, up, "Linkbeat")
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


def _kernel_order(interface: Interface) -> tuple[bool, int, str]:
    return interface.link is None, 0 if interface.link is None else interface.link.index, interface.name


def _interfaces(config: VrrpInstance) -> set[str]:
    """All interfaces that an instance has to do with."""
    named = {name for vip in _vips(config) for name in (vip.dev, vip.base)}
    named |= {config.interface, own_interface(config)}
    return {name for name in named if name is not None} | {each.name for each in config.track_interface}
