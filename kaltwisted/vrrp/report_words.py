"""What the data file and its JSON both say of an instance: states, scripts, virtual addresses."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from ipaddress import IPv4Address, ip_network
from typing import Final, TypeAlias

import attrs

from kaltwisted.config.model import SECOND_US, Address, Configuration, Tracked, VirtualIpAddress, VrrpInstance
from kaltwisted.config.model_vrrp import FOREVER
from kaltwisted.config.report import Owner
from kaltwisted.ports import Link
from kaltwisted.vrrp.actions import State
from kaltwisted.vrrp.events import FaultKind
from kaltwisted.vrrp.group import Router
from kaltwisted.vrrp.instance import Instance
from kaltwisted.vrrp.processes import Quorum
from kaltwisted.vrrp.track import ScriptState, Weighing
from kaltwisted.vrrp.vmac import vmac_interface

Stands: TypeAlias = Callable[[str, VirtualIpAddress], bool]
"""Whether an instance, by name, has put this address on its interface."""

VrfTable: TypeAlias = Callable[[str], int | None]
"""The routing table of a VRF, by name; None: there is none of that name."""

SCRIPTS: Final = (
    ("notify_backup", "Backup state", "script_backup"),
    ("notify_master", "Master state", "script_master"),
    ("notify_fault", "Fault state", "script_fault"),
    ("notify_stop", "Stop state", "script_stop"),
    ("notify_deleted", "Deleted state", "script_deleted"),
    ("notify", "Generic state", "script"),
    ("notify_master_rx_lower_pri", "Master rx lower pri state", "script_master_rx_lower_pri"),
)
"""The notify scripts in keepalived's order: keyword, words of the data file, key of the JSON."""

_FIELDS: Final = {
    FaultKind.SCRIPT: "track_script",
    FaultKind.FILE: "track_file",
    FaultKind.PROCESS: "track_process",
    FaultKind.BFD: "track_bfd",
    FaultKind.VIRTUAL_SERVER: "track_virtual_server",
}
_SCOPES: Final[Mapping[str, str]] = {
    "0": "global",
    "200": "site",
    "253": "link",
    "254": "host",
    "255": "nowhere",
}


@attrs.frozen
class Interface:
    """An interface that instances have to do with; ``link`` None: there is none of that name.

    ``vrf``: the name of the VRF that it is in.
    """

    name: str
    link: Link | None = None
    ipv4: Address | None = None
    ipv6: Address | None = None
    vrf: str | None = None


@attrs.frozen
class Topology:
    """All that VRRP's reports are made of.  What is in it goes on changing: a report is no snapshot.

    ``configuration``: what it says of what is tracked; ``quorums``: of processes, by name.
    ``vrf_table``: a VRF's routing table, by name.
    ``epoch_us``: the time of day (µs since 1970) at which the instances' clock was 0.
    """

    router: Router
    scripts: tuple[ScriptState, ...]
    interfaces: tuple[Interface, ...]
    stands: Stands
    owner: Owner
    vrf_table: VrfTable
    epoch_us: int
    configuration: Configuration = Configuration()
    quorums: Mapping[str, Quorum] = attrs.field(factory=dict)


def wanted_state(instance: Instance) -> State:
    """Where it would be, were it not for the rest of its sync group."""
    if instance.state is State.FAULT and not instance.has_own_faults:
        return State.BACKUP
    return State.MASTER if instance.wants_master else instance.state


def lower_priority_burst(config: VrrpInstance) -> tuple[int, int]:
    """Delay in seconds and repeat of the gratuitous ARPs after a lower priority was heard."""
    delay_us, repeat = config.garp_lower_prio_delay_us, config.garp_lower_prio_repeat
    return (
        (config.garp_master_delay_us if delay_us is None else delay_us) // SECOND_US,
        config.garp_master_repeat if repeat is None else repeat,
    )


def own_place(config: VrrpInstance) -> str:
    """Where its addresses are that name no interface: ``eth0``, or ``vrrp.51@eth0``."""
    vmac, base = vmac_interface(config), config.interface or ""
    return base if vmac is None else f"{vmac}@{base}"


def tracked_interfaces(config: VrrpInstance) -> list[str]:
    """The lines of ``track_interface`` that count: its own interface is none of them, nor the group's."""
    own = (each for each in config.track_interface if not each.by_group)
    return [each.name for each in own if each.name != config.interface]


def own_lines(instance: Instance, kind: FaultKind) -> dict[str, Weighing]:
    """What an instance tracks by lines of its own: the sync group's are told of there."""
    names = {each.name for each in _lines(instance, kind) if not each.by_group}
    return {name: each for name, each in instance.tracking.of(kind).items() if name in names}


def trackers(topology: Topology, kind: FaultKind, name: str) -> list[tuple[Instance, Weighing]]:
    """For which instances a thing counts, and how: by lines of their own, then by sync groups."""
    grouped = [member for group in topology.router.groups for member in group.config.group]
    found: dict[bool, dict[str, tuple[Instance, Weighing]]] = {False: {}, True: {}}
    for each in dict.fromkeys((*grouped, *topology.router.instances)):
        instance = topology.router.instances.get(each)
        weighing = None if instance is None else instance.tracking.of(kind).get(name)
        if instance is not None and weighing is not None:
            by_group = any(line.by_group for line in _lines(instance, kind) if line.name == name)
            found[by_group][each] = instance, weighing
    own = [found[False][each] for each in topology.router.instances if each in found[False]]
    return [*own, *found[True].values()]


def _lines(instance: Instance, kind: FaultKind) -> tuple[Tracked, ...]:
    lines: tuple[Tracked, ...] = getattr(instance.config, _FIELDS[kind])
    return lines


def titled(title: str, lines: Iterable[str]) -> Iterator[str]:
    """``title`` above the first of these lines, and nothing where there is none."""
    for line in lines:
        if title:
            yield title
        title = ""
        yield line


def virtual_address(vip: VirtualIpAddress, interface: str, *, stands: bool, accepted: bool = True) -> str:
    """``192.0.2.80/24 brd 192.0.2.255 dev eth0 scope global label eth0:1 set``."""
    address = vip.address
    ipv4 = isinstance(address, IPv4Address)
    single = vip.peer is not None or vip.prefix == address.max_prefixlen
    words = [str(address) if single else f"{address}/{vip.prefix}"]
    if vip.brd is not None and ipv4:
        words += ["brd", _broadcast(vip)]
    scope = vip.scope or "global"
    words += ["dev", f"{vip.dev}@{vip.base}" if vip.base else vip.dev or interface]
    if vip.use_vmac:
        words.append("use_vmac")
    words += ["scope", _SCOPES.get(scope, scope)]
    if vip.label is not None:
        words += ["label", vip.label]
    if vip.peer is not None:
        words += ["peer", f"{vip.peer}/{vip.prefix}"]
    words += [word for word, is_on in _flags(vip) if is_on]
    words += [] if vip.track_group is None else ["track_group", vip.track_group]
    if not ipv4:
        words += _preferred(vip.preferred)
    if stands:
        words.append("set")
        if not accepted:
            words.append("nftable_set")
    return " ".join(words)


def _flags(vip: VirtualIpAddress) -> tuple[tuple[str, bool], ...]:
    """In keepalived's order."""
    return (
        ("home", vip.home),
        ("-nodad", vip.dad),
        ("mngtmpaddr", vip.mngtmpaddr),
        ("noprefixroute", vip.noprefixroute),
        ("autojoin", vip.autojoin),
        ("no_track", vip.no_track),
    )


def _preferred(lifetime: int) -> list[str]:
    if not lifetime:
        return ["deprecated"]
    return ["preferred_lft", "forever" if lifetime == FOREVER else str(lifetime)]


def _broadcast(vip: VirtualIpAddress) -> str:
    """``+`` and ``-`` stand for the network's last and first address."""
    if vip.brd not in ("+", "-"):
        return str(vip.brd)
    network = ip_network(f"{vip.address}/{vip.prefix}", strict=False)
    return str(network.broadcast_address if vip.brd == "+" else network.network_address)
