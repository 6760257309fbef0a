"""VRRP's part of the data file (``keepalived.data``, SIGUSR1), as keepalived 2.2.7 lays it out.  Pure.

Lines come one at a time, so that a large configuration can be gone through in
slices; what is told is how things are when a line is made.  What keepalived
tells of its own insides (file descriptors, sysctls that it changes, queues of
gratuitous ARP) is left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from kaltwisted.config.model import SECOND_US, IpvlanType, LinkbeatMethod, LinkDelay, VrrpInstance
from kaltwisted.config.report import command, script_line, true, yes
from kaltwisted.ports import Link, VirtualLink
from kaltwisted.vrrp.announce import Paces
from kaltwisted.vrrp.events import FaultKind
from kaltwisted.vrrp.group import SyncGroup
from kaltwisted.vrrp.instance import Instance
from kaltwisted.vrrp.report_instance import instance_lines
from kaltwisted.vrrp.report_tracked import group_lines, tracked_lines, tracking_lines
from kaltwisted.vrrp.report_words import SCRIPTS, Interface, Topology, titled, trackers
from kaltwisted.vrrp.track import ScriptState, Weighing
from kaltwisted.vrrp.vmac import address_interface, link_plan, own_interface

NOT_TRACKED: Final = 255
"""The weight that keepalived shows for an instance's own interface under ``dont_track_primary``."""


_NIC: Final = {
    LinkbeatMethod.MII: "support MII regs",
    LinkbeatMethod.ETHTOOL: "support ETHTOOL GLINK interface",
    LinkbeatMethod.IOCTL: "ioctl refresh polling",
    None: "netlink status update",
}


def data(topology: Topology, paces: Paces) -> Iterator[str]:
    """All sections after ``Global definitions``."""
    instances = tuple(topology.router.instances.values())
    yield "------< VRRP Topology >------"
    for instance in instances:
        yield from instance_lines(instance, topology)
    if topology.router.groups:
        yield "------< VRRP Sync groups >------"
        for group in tuple(topology.router.groups):
            yield from _group(group, topology)
    yield from titled("------< VRRP Scripts >------", _scripts(topology))
    yield from tracked_lines(topology)
    yield "------< Interfaces >------"
    links = {each.name: each.link for each in topology.interfaces}
    made = {each.name: each for each in link_plan(each.config for each in instances).links}
    for interface in topology.interfaces:
        own = made.get(interface.name)
        below = () if own is None else _below(own, links.get(own.parent))
        yield from _interface(interface, below, instances, paces)


# --- sync groups -------------------------------------------------------------------------


def _group(group: SyncGroup, topology: Topology) -> Iterator[str]:
    config = group.config
    faulty = sum(member.has_own_faults for member in group.members)
    pending = sum(member.tracking.is_pending for member in group.members)
    yield f" VRRP Sync Group = {config.name}, {group.state.value}"
    yield f"   Num member fault {faulty}, num member init {pending}"
    yield "   VRRP member instances :"
    for member in group.members:
        yield f"     {member.name}"
    if config.sync_group_tracking_weight:
        yield "   sync group tracking weight set"
    yield f"   Using smtp notification = {yes(config.smtp_alert)}"
    yield from group_lines(config, topology.configuration)
    for keyword, words, _ in SCRIPTS:
        script = config.notify.get(keyword)
        if script is not None:
            yield f"   {words} transition script = {script_line(script, topology.owner)}"


# --- scripts -----------------------------------------------------------------------------


def _scripts(topology: Topology) -> Iterator[str]:
    for script in topology.scripts:
        found = trackers(topology, FaultKind.SCRIPT, script.script.name)
        if found:
            yield from _script(script, found, topology)


def _script(state: ScriptState, found: list[tuple[Instance, Weighing]], topology: Topology) -> Iterator[str]:
    script = state.script
    yield f" VRRP Script = {script.name}"
    yield f"   Command = {command(script.script)}"
    yield f"   Interval = {script.interval_us / SECOND_US:g} sec"
    yield f"   Timeout = {(script.timeout_us or 0) / SECOND_US:g} sec"
    yield f"   Weight = {script.weight}"
    yield f"   Rise = {script.rise}"
    yield f"   Fall = {script.fall}"
    yield f"   Result = {state.result}"
    yield "   Insecure = no"
    yield f"   Init state = {'unknown' if state.has_run else 'INIT'}"
    yield f"   Status = {'GOOD' if state.good else 'BAD'}"
    yield f"   Script uid:gid = {topology.owner(script.script)}"
    yield "   VRRP instances :"
    yield from tracking_lines(found)
    yield f"   State = {'running' if state.is_running else 'idle'}"


# --- interfaces --------------------------------------------------------------------------


def _below(own: VirtualLink, parent: Link | None) -> tuple[str, ...]:
    """What an interface that we made is on."""
    if parent is None:
        return ("   I/f created by keepalived",)
    kind = "VMAC type private"
    if own.ipvlan is not None:
        kind = f"IPVLAN type L2 {IpvlanType(own.ipvlan).name.lower()}"
    return (
        f"   {kind}, underlying interface = {own.parent}, state = {_state(parent)}",
        "   I/f created by keepalived",
    )


def _state(link: Link) -> str:
    return f"{'' if link.up else 'not '}UP, {'' if link.running else 'not '}RUNNING"


def _interface(
    interface: Interface, below: tuple[str, ...], instances: tuple[Instance, ...], paces: Paces
) -> Iterator[str]:
    link = interface.link
    yield f" Name = {interface.name}"
    yield f"   index = {'0 (deleted)' if link is None else link.index}"
    yield f"   IPv4 address = {interface.ipv4 or '(none)'}"
    yield f"   IPv6 address = {interface.ipv6 or '(none)'}"
    if link is None:
        yield "   State = not UP, not RUNNING, no broadcast, no multicast"
        yield from _delays(interface)
        yield "   MTU = 0"
        yield "   HW Type = UNKNOWN (0)"
    else:
        ethernet = len(link.mac) == 6 and not link.loopback
        if ethernet:
            yield f"   MAC = {link.mac.hex(':')}"
            yield "   MAC broadcast = ff:ff:ff:ff:ff:ff"
        yield f"   State = {_state(link)}{', no broadcast, loopback, no multicast' if link.loopback else ''}"
        yield from _delays(interface)
        yield from below
        yield f"   MTU = {link.mtu}"
        if ethernet or link.loopback:
            yield f"   HW Type = {'LOOPBACK' if link.loopback else 'ETHERNET'}"
    yield f"   NIC {_NIC[interface.method]}"
    if interface.vrf is not None:
        yield f"   VRF slave of {interface.vrf}"
    yield from _pace(interface.name, instances, paces)
    weights = ((each.name, _weight(each.config, interface.name)) for each in instances)
    tracking = (f"     {name}, weight {weight}" for name, weight in weights if weight is not None)
    yield from titled("   Tracking VRRP instances :", tracking)


def _delays(interface: Interface) -> Iterator[str]:
    delay = interface.delay or LinkDelay(interface.name)
    yield f"   Seen up = {interface.has_been_up:d}"
    yield f"   Delayed state change running = {true(interface.waits)}"
    yield f"   Up debounce timer = {delay.up_us}us"
    yield f"   Down debounce timer = {delay.down_us}us"


def _pace(name: str, instances: tuple[Instance, ...], paces: Paces) -> Iterator[str]:
    grouped, lanes = paces.is_grouped(name), paces.lanes(name)
    if grouped or any(_announces(each.config, name) for each in instances):
        for what, lane in zip(("ARP", "NA"), lanes, strict=True):
            if lane.interval_us:
                yield f"   Gratuitous {what} interval {lane.interval_us // 1000}ms"
    if grouped and isinstance(lanes[0].name, int):
        yield f"   Gratuitous ARP aggregation group {lanes[0].name}"


def _weight(config: VrrpInstance, interface: str) -> int | None:
    """The configured weight of an interface for an instance; None: it has nothing to do with it."""
    if interface in (config.interface, own_interface(config)):
        return NOT_TRACKED if config.dont_track_primary else 0
    for tracked in config.track_interface:
        if tracked.name == interface:
            return tracked.weight or 0
    vips = config.virtual_ipaddress + config.virtual_ipaddress_excluded
    return 0 if any(vip.dev == interface and not vip.no_track for vip in vips) else None


def _announces(config: VrrpInstance, interface: str) -> bool:
    """Whether an instance has addresses to announce on an interface."""
    vips = config.virtual_ipaddress + config.virtual_ipaddress_excluded
    return address_interface(config) == interface or any(vip.dev == interface for vip in vips)
