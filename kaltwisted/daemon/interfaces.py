"""The interfaces that a configuration names, looked for on this machine.

keepalived does not start with one that is missing, a name misspelt being
likelier than a network card to come; who has such says ``dynamic_interfaces``.
"""

from __future__ import annotations

import linecache
import socket
from collections.abc import Iterator
from ipaddress import IPv4Interface, IPv6Interface, ip_interface

from kaltwisted.config.findings import Consequence, Finding, Severity, masked
from kaltwisted.config.model import Configuration, Position, VrrpInstance
from kaltwisted.vrrp.vmac import own_interface, with_vmacs

_PATIENCE_S = 5.0
_LARGEST_ANSWER = 1 << 16


def missing_interfaces(configuration: Configuration) -> tuple[Finding, ...]:
    """A finding for each interface of each instance that is not there now: fatal, or else a warning.

    Of others that are named for how their links are taken, an ordinary error.
    """
    there = {name for _, name in socket.if_nameindex()}
    # Those that will be made.
    instances = with_vmacs(configuration.vrrp_instances, configuration.global_defs.vmac_prefix)
    there |= {name for each in instances if (name := own_interface(each)) is not None}
    dynamic = configuration.global_defs.dynamic_interfaces
    missing = [
        _finding(instance.where, name, f"of instance `{instance.name}`", log, dynamic=dynamic)
        for instance in configuration.vrrp_instances
        for name, log in _named(instance)
        if name not in there
    ]
    there |= {name for instance in configuration.vrrp_instances for name, _ in _named(instance)}
    missing += [
        _finding(where, name, f"of {what}", log, dynamic=dynamic, consequence=Consequence.LOGGED)
        for where, name, what, log in _others(configuration)
        if name not in there
    ]
    return tuple(missing)


def _named(instance: VrrpInstance) -> Iterator[tuple[str, str]]:
    """The interfaces that an instance has to do with, and how keepalived names each."""
    name, named = instance.name, dict[str, str]()
    if instance.interface is not None:
        named[instance.interface] = f"WARNING - interface {{}} for vrrp_instance {name} doesn't exist"
    for vip in instance.virtual_ipaddress + instance.virtual_ipaddress_excluded:
        if vip.dev is not None:
            named.setdefault(vip.dev, f"WARNING - interface {{}} for ip address {vip.address} doesn't exist")
    for tracked in instance.track_interface:
        named.setdefault(tracked.name, f"({name}) tracked interface {{}} doesn't exist")
    yield from ((interface, log.format(interface)) for interface, log in named.items())


def _others(configuration: Configuration) -> Iterator[tuple[Position | None, str, str, str]]:
    """Interfaces that are named by themselves: where, which, for what, and how keepalived names each."""
    for delay in configuration.interface_up_down_delays:
        log = f"unknown interface {delay.name} specified for up/down delay"
        yield delay.where, delay.name, "interface_up_down_delays", log
    for each in configuration.linkbeat_interfaces:
        log = f"unknown interface {each.name} specified for linkbeat interface"
        yield each.where, each.name, "linkbeat_interfaces", log


def _finding(
    where: Position | None,
    name: str,
    whose: str,
    log: str,
    *,
    dynamic: bool,
    consequence: Consequence = Consequence.FATAL,
) -> Finding:
    where = where or Position("", 0)
    line = linecache.getline(where.file, where.line).rstrip("\n")
    if dynamic:
        log = f"Configuration specifies interface {name} which doesn't currently exist - will use if created"
    return Finding(
        Severity.WARNING if dynamic else Severity.ERROR,
        where,
        f"interface `{name}` {whose} does not exist",
        expected=None if dynamic else "one of this machine's, or `dynamic_interfaces` in global_defs",
        consequence=Consequence.NONE if dynamic else consequence,
        source_line=masked(line) if line else None,
        log=log,
    )


def networks() -> dict[str, tuple[IPv4Interface | IPv6Interface, ...]]:
    """The addresses that this machine has now, with their prefixes, by interface; none where it fails."""
    # Only who is asked for advice needs the kernel's language.
    from kaltwisted.kernel.messages import NLM_F_DUMP, NLM_F_REQUEST, NLMSG_DONE, NLMSG_ERROR, pack, split
    from kaltwisted.kernel.rtnetlink import NETLINK_ROUTE, addresses_request, parse_address

    names = dict(socket.if_nameindex())
    found: dict[str, tuple[IPv4Interface | IPv6Interface, ...]] = {}
    try:
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, NETLINK_ROUTE) as asking:
            asking.settimeout(_PATIENCE_S)
            asking.send(pack(addresses_request(), NLM_F_REQUEST | NLM_F_DUMP, 1))
            while True:
                for message in split(asking.recv(_LARGEST_ANSWER)):
                    if message.type in (NLMSG_DONE, NLMSG_ERROR):
                        return found
                    address = parse_address(message)
                    name = names.get(address.index) if address is not None else None
                    if address is not None and name is not None:
                        there = ip_interface(f"{address.address}/{address.prefix}")
                        found[name] = (*found.get(name, ()), there)
    except (OSError, ValueError):
        return {}
