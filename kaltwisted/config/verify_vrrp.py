"""Rules of VRRP across places: names, virtual router ids, members of groups, what each version allows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import attrs

from kaltwisted.config.findings import Consequence, Severity
from kaltwisted.config.model import (
    SECOND_US,
    Address,
    AuthType,
    BfdInstance,
    Tracked,
    TrackFile,
    VrrpInstance,
    VrrpScript,
    VrrpSyncGroup,
    VrrpTrackProcess,
)
from kaltwisted.config.model_vrrp import OWNER_PRIORITY
from kaltwisted.config.verify_report import error, report, warn

if TYPE_CHECKING:
    from kaltwisted.config.reader import Reader

LONGEST_V3_ADVERT_US = 40_950_000
_MUST_BE = (
    "Configuration error: VRRP instance[{name}] and {kind} address[{address}] MUST be of the same family"
    " !!! Skipping..."
)

T = TypeVar("T", VrrpScript, VrrpTrackProcess, TrackFile)
Owner = TypeVar("Owner", VrrpInstance, VrrpSyncGroup)

Trackable = Mapping[str, tuple[str, frozenset[str]]]
"""To each ``track_*`` field the block that defines what it names, and the names there are."""


def trackable(
    scripts: tuple[VrrpScript, ...],
    processes: tuple[VrrpTrackProcess, ...],
    files: tuple[TrackFile, ...],
    sessions: tuple[BfdInstance, ...],
) -> Trackable:
    """What instances and groups may track by name."""
    return {
        "track_script": ("vrrp_script", frozenset(each.name for each in scripts)),
        "track_process": ("vrrp_track_process", frozenset(each.name for each in processes)),
        "track_file": ("track_file", frozenset(each.name for each in files)),
        "track_bfd": ("bfd_instance", frozenset(each.name for each in sessions if each.vrrp)),
    }


def verify_tracked(block: str, tracked: tuple[T, ...], reader: Reader) -> tuple[T, ...]:
    """Scripts, processes or files by name; of two the first counts, in keepalived without a word."""
    names: dict[str, T] = {}
    for each in tracked:
        first = names.setdefault(each.name, each)
        if first is not each:
            message = f"{block} `{each.name}` stands here a second time: the first one counts"
            report(reader, Severity.WARNING, each, message, first)
    return tuple(names.values())


def verify_instances(
    instances: tuple[VrrpInstance, ...], may_track: Trackable, reader: Reader
) -> tuple[VrrpInstance, ...]:
    """Instances by name, each once, each as its version allows, tracking what there is."""
    names: dict[str, VrrpInstance] = {}
    routers: dict[tuple[int, int, str], VrrpInstance] = {}
    for instance in instances:
        first = names.setdefault(instance.name, instance)
        if first is not instance:
            error(
                reader,
                instance,
                f"vrrp_instance `{instance.name}` stands here a second time and is left out",
                first,
                log=f"vrrp instance {instance.name} already defined",
            )
            continue
        names[instance.name] = _track(_instance(instance, reader), may_track, reader)
        if not instance.virtual_router_id or instance.interface is None:
            continue
        key = (instance.virtual_router_id, instance.ip_version, instance.interface)
        other = routers.setdefault(key, instance)
        if other is not instance:
            family = f"IPv{instance.ip_version}"
            error(
                reader,
                instance,
                f"`{other.name}` and `{instance.name}` both use virtual_router_id "
                f"{instance.virtual_router_id} on {instance.interface}",
                other,
                consequence=Consequence.FATAL,
                log=f"{other.name} and {instance.name} both use VRID {instance.virtual_router_id} "
                f"with {family} on interface {instance.interface}",
            )
    return tuple(names.values())


def _instance(instance: VrrpInstance, reader: Reader) -> VrrpInstance:
    for rule in (
        _family,
        _own_family,
        _unicast,
        _addressless,
        _interval,
        _one_authentication,
        _authentication,
        _preemption,
        _vmac,
        _ipvlan,
        _unicast_ttl,
    ):
        instance = rule(instance, reader)
    return instance


def _track(owner: Owner, may_track: Trackable, reader: Reader) -> Owner:
    """What is tracked has to be defined."""
    for field, (block, there) in may_track.items():
        tracked: tuple[Tracked, ...] = getattr(owner, field)
        if all(each.name in there for each in tracked):
            continue
        kind = field.removeprefix("track_")
        for each in tracked:
            if each.name not in there:
                error(
                    reader,
                    owner,
                    f"`{owner.name}` tracks {kind} `{each.name}`, which is not defined: it is left out",
                    expected=f"{block} {each.name} {{ … }}",
                    log=f"({owner.name}) track {kind} {each.name} not found, ignoring...",
                )
        kept: dict[str, Any] = {field: tuple(each for each in tracked if each.name in there)}
        owner = attrs.evolve(owner, **kept)
    return owner


def _family(instance: VrrpInstance, reader: Reader) -> VrrpInstance:
    """The first virtual address tells the family; the adverts hold no other."""
    version = instance.ip_version
    kept = tuple(address for address in instance.virtual_ipaddress if address.address.version == version)
    if len(kept) < len(instance.virtual_ipaddress):
        other = next(address for address in instance.virtual_ipaddress if address.address.version != version)
        error(
            reader,
            instance,
            f"virtual address {other.address} of `{instance.name}` is not IPv{version} as its first, "
            "and is left out",
            expected="addresses of the other family in virtual_ipaddress_excluded",
            log=f"({instance.name}): address family must match VRRP instance [{other.address}] - ignoring",
        )
        instance = attrs.evolve(instance, virtual_ipaddress=kept)
    return instance


def _own_family(instance: VrrpInstance, reader: Reader) -> VrrpInstance:
    """Whom adverts come from and go to is of the family they go over."""
    version = instance.ip_version
    foreign = f"is not IPv{version} as the virtual router is, and is left out"
    for keyword in ("mcast_src_ip", "unicast_src_ip", "mcast_dst_ip"):
        address: Address | None = getattr(instance, keyword)
        if address is not None and address.version != version:
            kind = "mcast dst" if keyword == "mcast_dst_ip" else "src"
            error(
                reader,
                instance,
                f"{keyword} {address} of `{instance.name}` {foreign}",
                log=_MUST_BE.format(name=instance.name, kind=kind, address=address),
            )
            left_out: dict[str, Any] = {keyword: None}
            instance = attrs.evolve(instance, **left_out)
    kept = tuple(peer for peer in instance.unicast_peer if peer.address.version == version)
    for peer in instance.unicast_peer:
        if peer not in kept:
            error(
                reader,
                instance,
                f"unicast peer {peer.address} of `{instance.name}` {foreign}",
                log=_MUST_BE.format(name=instance.name, kind="unicast peer", address=peer.address),
            )
    return attrs.evolve(instance, unicast_peer=kept) if len(kept) < len(instance.unicast_peer) else instance


def _unicast(instance: VrrpInstance, reader: Reader) -> VrrpInstance:
    """Adverts go to peers or to a group, not to both."""
    if instance.unicast_peer and instance.mcast_dst_ip is not None:
        report(
            reader,
            Severity.WARNING,
            instance,
            f"`{instance.name}` has unicast peers: its mcast_dst_ip {instance.mcast_dst_ip} is left out",
            log=f"({instance.name}) multicast destination specified with unicast - ignoring",
        )
        instance = attrs.evolve(instance, mcast_dst_ip=None)
    return instance


def _addressless(instance: VrrpInstance, reader: Reader) -> VrrpInstance:
    """The RFC has no virtual router of version 3 without an address (RFC 5798 §5.2.5); nor has strict."""
    if instance.no_virtual_ipaddress and not instance.strict_mode:
        return instance
    if (instance.version == 3 or instance.strict_mode) and not instance.virtual_ipaddress:
        error(
            reader,
            instance,
            f"`{instance.name}` has no virtual_ipaddress",
            expected="at least one, or no_virtual_ipaddress",
            consequence=Consequence.FATAL,
            log=f"({instance.name}) No VIP specified; at least one is required",
        )
    return instance


def _interval(instance: VrrpInstance, reader: Reader) -> VrrpInstance:
    """Version 2 counts whole seconds, version 3 hundredths up to 40.95 s."""
    interval = instance.advert_int_us
    if instance.version == 2 and interval % SECOND_US:
        rounded = max(SECOND_US, (interval + SECOND_US // 2) // SECOND_US * SECOND_US)
        message = f"advert_int of VRRP version 2 is whole seconds: {rounded // SECOND_US} is used"
        expected = "whole seconds, or version 3"
    elif instance.version == 3 and interval > LONGEST_V3_ADVERT_US:
        rounded = LONGEST_V3_ADVERT_US
        message, expected = "advert_int of VRRP version 3 is at most 40.95 seconds", "0.01 to 40.95"
    elif instance.version == 3 and interval % 10_000:
        rounded = (interval + 5_000) // 10_000 * 10_000
        message, expected = "advert_int of VRRP version 3 is in hundredths of seconds", "0.01 to 40.95"
    else:
        return instance
    error(reader, instance, message, expected=expected)
    return attrs.evolve(instance, advert_int_us=rounded)


def _one_authentication(instance: VrrpInstance, reader: Reader) -> VrrpInstance:
    """``auth_hmac`` stands in for ``authentication``."""
    if instance.auth_hmac is None or instance.authentication is None:
        return instance
    error(
        reader,
        instance,
        f"`{instance.name}` has auth_hmac; its authentication is left out",
        expected="one of the two",
        log=f"({instance.name}) authentication does not go with auth_hmac. Ignoring authentication.",
    )
    return attrs.evolve(instance, authentication=None)


def _authentication(instance: VrrpInstance, reader: Reader) -> VrrpInstance:
    if instance.version == 3 and instance.authentication is not None:
        error(
            reader,
            instance,
            f"VRRP version 3 has no authentication; that of `{instance.name}` is left out",
            log=f"({instance.name}) VRRP version 3 does not support authentication. Ignoring.",
        )
        return attrs.evolve(instance, authentication=None)
    if (
        instance.ip_version == 6
        and instance.authentication is not None
        and instance.authentication.type is AuthType.AH
    ):
        error(
            reader,
            instance,
            f"there is no auth_type AH with IPv6; the authentication of `{instance.name}` is left out",
            log=f"({instance.name}) Cannot use AH authentication with IPv6. ignoring",
        )
        return attrs.evolve(instance, authentication=None)
    return instance


def _preemption(instance: VrrpInstance, reader: Reader) -> VrrpInstance:
    """``state MASTER``, or priority 255, cancels what would keep it from becoming master."""
    if instance.priority == OWNER_PRIORITY and instance.state != "MASTER" and instance.nopreempt:
        error(
            reader,
            instance,
            f"nopreempt does not go with priority 255; that of `{instance.name}` is left out",
            expected="priority 1 to 254",
            log=f"({instance.name}) nopreempt is incompatible with priority 255. resetting nopreempt",
        )
        instance = attrs.evolve(instance, nopreempt=False)
    if instance.state == "MASTER" and instance.nopreempt:
        error(
            reader,
            instance,
            f"nopreempt does not go with state MASTER; that of `{instance.name}` is left out",
            expected="state BACKUP on both routers",
        )
        instance = attrs.evolve(instance, nopreempt=False)
    if instance.state == "MASTER" and instance.preempt_delay_us:
        error(
            reader,
            instance,
            f"preempt_delay does not go with state MASTER; that of `{instance.name}` is left out",
            expected="state BACKUP on both routers",
            log=f"({instance.name}) Warning - preempt delay will not work "
            "with initial state MASTER - clearing",
        )
        instance = attrs.evolve(instance, preempt_delay_us=0)
    if instance.nopreempt and instance.preempt_delay_us:
        error(
            reader,
            instance,
            f"`{instance.name}` has nopreempt, so it has nothing to delay: preempt_delay is left out",
            expected="one of the two",
            log=f"({instance.name}) preempt_delay is incompatible with nopreempt mode - resetting",
        )
        instance = attrs.evolve(instance, preempt_delay_us=0)
    return instance


def _vmac(instance: VrrpInstance, reader: Reader) -> VrrpInstance:
    """Unicast adverts cannot come from a VMAC; and only where there is one is another interface the base."""
    if instance.vmac_xmit_base and instance.use_vmac is None:
        error(
            reader,
            instance,
            f"vmac_xmit_base of `{instance.name}` is for use_vmac, and is left out",
            expected="use_vmac",
            log=f"({instance.name}) vmac_xmit_base is only valid with a vmac",
        )
        return attrs.evolve(instance, vmac_xmit_base=False)
    if instance.use_vmac is not None and instance.unicast_peer and not instance.vmac_xmit_base:
        error(
            reader,
            instance,
            f"unicast_peer of `{instance.name}` with use_vmac needs vmac_xmit_base, which is set",
            expected="vmac_xmit_base",
            log=f"({instance.name}) unicast with use_vmac requires vmac_xmit_base - setting",
        )
        return attrs.evolve(instance, vmac_xmit_base=True)
    return instance


def _ipvlan(instance: VrrpInstance, reader: Reader) -> VrrpInstance:
    """One interface of its own is enough, with an address that can be the source of its adverts."""
    ipvlan = instance.use_ipvlan
    if ipvlan is None:
        return instance
    if instance.use_vmac is not None:
        message = f"`{instance.name}` has use_vmac already: use_ipvlan is left out"
        warn(reader, instance, message, expected="one of the two")
        return attrs.evolve(instance, use_ipvlan=None)
    if ipvlan.address is not None and ipvlan.address.version != instance.ip_version:
        error(
            reader,
            instance,
            f"{ipvlan.address} in use_ipvlan of `{instance.name}` is not IPv{instance.ip_version}"
            " as its virtual addresses, and is left out",
        )
        instance = attrs.evolve(instance, use_ipvlan=attrs.evolve(ipvlan, address=None))
    return instance


def _unicast_ttl(instance: VrrpInstance, reader: Reader) -> VrrpInstance:
    if instance.unicast_ttl == 255 or instance.unicast_peer:
        return instance
    error(
        reader,
        instance,
        f"unicast_ttl of `{instance.name}` is for unicast_peer, and is left out",
        log=f"({instance.name}): Cannot use unicast_ttl without unicast peers - resetting",
    )
    return attrs.evolve(instance, unicast_ttl=255)


def verify_sync_groups(
    groups: tuple[VrrpSyncGroup, ...],
    instances: tuple[VrrpInstance, ...],
    may_track: Trackable,
    reader: Reader,
) -> tuple[VrrpSyncGroup, ...]:
    """Groups by name, each once, with the members that there are."""
    there = {instance.name for instance in instances}
    some = ", ".join(sorted(there)[:8])
    names: dict[str, VrrpSyncGroup] = {}
    for group in groups:
        first = names.setdefault(group.name, group)
        if first is not group:
            message = f"vrrp_sync_group `{group.name}` stands here a second time and is left out"
            error(reader, group, message, first)
            continue
        members = tuple(member for member in group.group if member in there)
        unknown = [member for member in group.group if member not in there]
        for member in unknown:
            error(
                reader,
                group,
                f"member `{member}` of vrrp_sync_group `{group.name}` is no vrrp_instance, and is left out",
                expected=f"one of {some}" if there else "a vrrp_instance of that name",
                log=f"Virtual router {member} specified in sync group {group.name} doesn't exist - ignoring",
            )
        if len(members) < 2 and not unknown:
            count = "one member" if members else "no members"
            log = f"Sync group {group.name} has no virtual router(s). removing"
            if members:
                log = f"Sync group {group.name} has only 1 virtual router(s)"
                log += " - this probably isn't what you want"
            error(
                reader,
                group,
                f"vrrp_sync_group `{group.name}` has {count}, with nothing to keep in step",
                expected="two instances or more",
                log=log,
            )
        group = attrs.evolve(group, group=members) if unknown else group
        names[group.name] = _track(group, may_track, reader)
    return tuple(group for group in names.values() if group.group)
