"""Advice on virtual routers: whom they talk to, whose addresses they have, how they authenticate."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from kaltwisted.config.advice.kinds import FIRST_ADDRESS, MIXED_GROUP, OWN_PEER, SHARED_ADDRESS
from kaltwisted.config.findings import Related

if TYPE_CHECKING:
    from kaltwisted.config.findings import Finding
    from kaltwisted.config.model import Address, Configuration, VrrpInstance
    from kaltwisted.config.written import Spot, Written


def own_peers(configuration: Configuration, written: Written) -> Iterator[Finding]:
    """``unicast_peer`` has the address of ``unicast_src_ip``: a list that was copied whole."""
    for instance in configuration.vrrp_instances:
        own = instance.unicast_src_ip
        if own is not None and own in instance.peers and written.is_sound(instance.where):
            source = written.spot(instance.where, "unicast_src_ip", word=1)
            yield written.advise(
                OWN_PEER,
                written.spot(instance.where, "unicast_peer", own),
                f"peer {own} of `{instance.name}` is this router itself",
                expected="the other routers' addresses",
                related=(Related(source.position, "its own address"),),
            )


def shared_addresses(configuration: Configuration, written: Written) -> Iterator[Finding]:
    """A virtual address that stands in two instances, or twice in one."""
    seen: dict[tuple[Address, str | None], VrrpInstance] = {}
    for instance in configuration.vrrp_instances:
        for vip in instance.virtual_ipaddress + instance.virtual_ipaddress_excluded:
            key = (vip.address, vip.dev or instance.interface)
            first = seen.setdefault(key, instance)
            # Twice in one instance does no harm.
            if first is instance or not (written.is_sound(instance.where) and written.is_sound(first.where)):
                continue
            before = _address(written, first, vip.address)
            yield written.advise(
                SHARED_ADDRESS,
                _address(written, instance, vip.address),
                f"`{instance.name}` and `{first.name}` both have {vip.address}: "
                "each takes it away when it becomes backup, whatever the other is",
                expected="one instance for each virtual address",
                related=(Related(before.position, f"that of `{first.name}`"),),
            )


def first_addresses(configuration: Configuration, written: Written) -> Iterator[Finding]:
    """An IPv6 virtual router that begins with another address than a link-local one (RFC 9568 §5.2.9)."""
    for instance in configuration.vrrp_instances:
        first = next((vip.address for vip in instance.virtual_ipaddress), None)
        if first is None or first.version == 4 or first.is_link_local:
            continue
        # In strict mode it is an error, and told already.
        if instance.strict_mode or not written.is_sound(instance.where):
            continue
        yield written.advise(
            FIRST_ADDRESS,
            _address(written, instance, first),
            f"{first} is the first address of the IPv6 virtual router `{instance.name}`,"
            " and not a link-local one",
            expected="an address of fe80::/10 in the first line",
        )


def mixed_groups(configuration: Configuration, written: Written) -> Iterator[Finding]:
    """AH or auth_hmac in one member of a sync group, PASS or nothing in another."""
    instances = {instance.name: instance for instance in configuration.vrrp_instances}
    for group in configuration.vrrp_sync_groups:
        # Version 3 has none but auth_hmac, and cannot be blamed for that.
        members = [instances[name] for name in group.group if name in instances]
        if not any(member.auth_hmac for member in members):
            members = [member for member in members if member.version == 2]
        for member in members[1:]:
            ours, theirs = _kind(members[0]), _kind(member)
            if ours == theirs or not (written.is_sound(member.where) and written.is_sound(members[0].where)):
                continue
            before = written.spot(members[0].where, *_said(members[0]))
            yield written.advise(
                MIXED_GROUP,
                written.spot(member.where, *_said(member)),
                f"`{member.name}` has {theirs}, `{members[0].name}` of the same sync group has {ours}",
                expected="one kind of authentication in a group",
                related=(Related(before.position, f"that of `{members[0].name}`"),),
            )
            break


def _kind(instance: VrrpInstance) -> str:
    if instance.auth_hmac is not None:
        return "auth_hmac"
    authentication = instance.authentication
    return "no authentication" if authentication is None else f"auth_type {authentication.type.name}"


def _said(instance: VrrpInstance) -> tuple[str, ...]:
    """Where that stands."""
    return ("auth_hmac",) if instance.auth_hmac is not None else ("authentication", "auth_type")


def _address(written: Written, instance: VrrpInstance, address: Address) -> Spot:
    """The line of a virtual address."""
    excluded = all(vip.address != address for vip in instance.virtual_ipaddress)
    block = "virtual_ipaddress_excluded" if excluded else "virtual_ipaddress"
    return written.spot(instance.where, block, address)


RULES = (own_peers, shared_addresses, first_addresses, mixed_groups)
