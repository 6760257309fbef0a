"""What differs between two configurations, by keepalived's rules of what is the same thing.

A virtual server is its address, port and protocol, its mark, or its group and protocol; a real server
its address and port; a VRRP instance its VRID, interface and family, whatever
its name; a sync group, script, tracked file or BFD session its name.  What is equal keeps the old
object, so that whoever compares again has only to look at identities.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from typing import Any, Final, Generic, TypeVar

import attrs

from kaltwisted.config.model import (
    BfdInstance,
    Check,
    Configuration,
    FirewallMark,
    GarpGroup,
    LinkbeatInterface,
    LinkDelay,
    RealServer,
    Route,
    Rule,
    ServerGroup,
    TrackFile,
    TrackGroup,
    VirtualIpAddress,
    VirtualServer,
    VirtualServerGroup,
    VrrpInstance,
    VrrpScript,
    VrrpSyncGroup,
    VrrpTrackProcess,
)
from kaltwisted.config.model_checks import kind

T = TypeVar("T")


@attrs.frozen
class Changed(Generic[T]):
    """One thing, as it was and as it shall be."""

    old: T
    new: T


@attrs.frozen
class Part(Generic[T]):
    """The differences between two sequences of things that have keys."""

    added: tuple[T, ...] = ()
    removed: tuple[T, ...] = ()
    changed: tuple[Changed[T], ...] = ()

    def __bool__(self) -> bool:
        return bool(self.added or self.removed or self.changed)


@attrs.frozen
class Changes:
    """All differences.  ``configuration``: the new one, with the old objects for all that is equal.

    ``global_defs``: the names of its fields that differ.
    """

    configuration: Configuration
    global_defs: tuple[Changed[tuple[str, Any]], ...] = ()
    virtual_servers: Part[VirtualServer] = Part()
    vrrp_scripts: Part[VrrpScript] = Part()
    vrrp_instances: Part[VrrpInstance] = Part()
    vrrp_sync_groups: Part[VrrpSyncGroup] = Part()
    vrrp_track_processes: Part[VrrpTrackProcess] = Part()
    garp_groups: Part[GarpGroup] = Part()
    interface_up_down_delays: Part[LinkDelay] = Part()
    linkbeat_interfaces: Part[LinkbeatInterface] = Part()
    track_files: Part[TrackFile] = Part()
    track_groups: Part[TrackGroup] = Part()
    static_ipaddress: Part[VirtualIpAddress] = Part()
    static_routes: Part[Route] = Part()
    static_rules: Part[Rule] = Part()
    virtual_server_groups: Part[VirtualServerGroup] = Part()
    bfd_instances: Part[BfdInstance] = Part()

    def __bool__(self) -> bool:
        return bool(self.global_defs) or any(getattr(self, block) for block in BLOCKS)

    @property
    def vrrp(self) -> bool:
        """Whether anything about the virtual routers differs."""
        parts = (
            self.vrrp_scripts,
            self.vrrp_instances,
            self.vrrp_sync_groups,
            self.statics,
            self.interface_up_down_delays,
            self.linkbeat_interfaces,
        )
        return any(parts) or any(change.new[0] in _OF_VRRP for change in self.global_defs)

    @property
    def statics(self) -> bool:
        """Whether anything differs that is there from start to stop."""
        parts = (self.static_ipaddress, self.static_routes, self.static_rules, self.track_groups)
        return any(parts)

    @property
    def refusal(self) -> str | None:
        """Why only a restart can carry them out, in keepalived's words."""
        names = {change.new[0] for change in self.global_defs}
        return next((f"Cannot change {_AT_RESTART[name]}" for name in _AT_RESTART if name in names), None)

    def words(self) -> Iterator[str]:
        """One line for each change, as ``diff_words`` has them; passwords do not show."""
        from kaltwisted.config.diff_words import words

        return words(self)


_AT_RESTART: Final = {"instance": "instance name at a reload - please restart keepalived"}

_OF_VRRP: Final = frozenset(
    (
        "fifo_write_vrrp_states_on_reload",
        "linkbeat_use_polling",
        "log_unknown_vrids",
        "lvs_sync_daemon",
        "no_email_faults",
        "rx_bufs",
    )
)
"""Settings of ``global_defs`` that VRRP goes by and that are in no instance."""

BLOCKS: Final = frozenset(field.name for field in attrs.fields(Configuration)) - {"global_defs"}
"""The fields of a configuration that hold blocks; ``Changes`` has a ``Part`` of the same name for each."""


def compare(old: Configuration, new: Configuration) -> Changes:
    """What turns ``old`` into ``new``."""
    kept: dict[str, Any] = {}
    parts: dict[str, Any] = {}
    for block in BLOCKS:
        key, keep = _KEYS.get(block, _name), _KEEP.get(block, _as_it_is)
        parts[block], kept[block] = _compare(getattr(old, block), getattr(new, block), key, keep)
    if old.global_defs == new.global_defs:
        kept["global_defs"] = old.global_defs
    return Changes(
        attrs.evolve(new, **kept),
        tuple(
            Changed((name, before), (name, after))
            for name, before, after in differing(old.global_defs, new.global_defs)
        ),
        **parts,
    )


# -- what is the same thing ------------------------------------------------------------


def virtual_server_key(server: VirtualServer) -> Hashable:
    """Address, port and protocol, or the mark with its family: a mark has no protocol in the kernel.

    A group is the same one whatever is in it.
    """
    listen = server.listen
    if isinstance(listen, FirewallMark):
        return listen
    return listen.name if isinstance(listen, ServerGroup) else listen, server.protocol


def real_server_key(server: RealServer) -> Hashable:
    """Address and port."""
    return server.address, server.port


def vrrp_key(instance: VrrpInstance) -> Hashable:
    """VRID, interface, family (4 or 6), and the interface of its own that it may have."""
    own = instance.use_vmac or instance.use_ipvlan
    return instance.virtual_router_id, instance.interface, instance.ip_version, own


def predecessors(old: Sequence[Check], new: Sequence[Check]) -> tuple[int | None, ...]:
    """For each check of ``new`` the index of the one in ``old`` that it goes on from, None: it is new.

    Equal checks go on as they are, then those that differ only in their
    timing, then those of one kind: they take over whether they were good.
    """
    if old == new:
        return tuple(range(len(new)))
    found: list[int | None] = [None] * len(new)
    free = list(range(len(old)))
    for alike in (_equal, same_but_timing, _same_kind):
        for index, check in enumerate(new):
            if found[index] is None:
                match = next((each for each in free if alike(old[each], check)), None)
                if match is not None:
                    free.remove(match)
                    found[index] = match
    return tuple(found)


def same_but_timing(old: Check, new: Check) -> bool:
    """Whether two checks ask the same question, if not as often."""
    return type(old) is type(new) and attrs.evolve(old, timing=new.timing) == new


def _equal(old: Check, new: Check) -> bool:
    return old == new


def _same_kind(old: Check, new: Check) -> bool:
    return kind(old) == kind(new)


def _name(named: Any) -> Hashable:
    name: str = named.name
    return name


def _itself(value: Hashable) -> Hashable:
    return value


_KEYS: Final[Mapping[str, Callable[[Any], Hashable]]] = {
    "virtual_servers": virtual_server_key,
    "vrrp_instances": vrrp_key,
    "garp_groups": _itself,
    # An address with other options is another one; so is a route or rule.
    "static_ipaddress": _itself,
    "static_routes": _itself,
    "static_rules": _itself,
}
"""What tells the blocks of a field apart, where it is not their name."""


# -- comparing -------------------------------------------------------------------------


def compare_real_servers(old: VirtualServer, new: VirtualServer) -> Part[RealServer]:
    """The differences between two pools of one virtual server."""
    return _compare(old.real_servers, new.real_servers, real_server_key, _as_it_is)[0]


def _compare(
    old: Sequence[T],
    new: Sequence[T],
    key: Callable[[T], Hashable],
    keep: Callable[[T, T], T],
) -> tuple[Part[T], tuple[T, ...]]:
    """The differences, and ``new`` with the old objects where they are equal.

    ``keep`` makes the best of one that has changed: old objects for its unchanged parts.
    """
    # Most are where they were, and are the same object where the caller has kept them.
    before_ids = {id(each) for each in old}
    after_ids = {id(each) for each in new}
    before = {key(each): each for each in old if id(each) not in after_ids}
    added: list[T] = []
    changed: list[Changed[T]] = []
    result: list[T] = []
    for each in new:
        if id(each) in before_ids:
            result.append(each)
            continue
        was = before.pop(key(each), None)
        if was is None:
            added.append(each)
        elif was == each:
            each = was
        else:
            each = keep(was, each)
            changed.append(Changed(was, each))
        result.append(each)
    return Part(tuple(added), tuple(before.values()), tuple(changed)), tuple(result)


def _as_it_is(old: T, new: T) -> T:
    return new


def _keep_real_servers(old: VirtualServer, new: VirtualServer) -> VirtualServer:
    _, kept = _compare(old.real_servers, new.real_servers, real_server_key, _as_it_is)
    return attrs.evolve(new, real_servers=kept)


_KEEP: Final[Mapping[str, Callable[[Any, Any], Any]]] = {"virtual_servers": _keep_real_servers}


def differing(old: Any, new: Any, but: Sequence[str] = ()) -> Iterator[tuple[str, Any, Any]]:
    """The fields in which two values of one class differ: name, old and new; none in ``but``."""
    for field in attrs.fields(type(new)):
        if field.eq and field.name not in but:
            before, after = getattr(old, field.name), getattr(new, field.name)
            if before != after:
                yield field.name, before, after
