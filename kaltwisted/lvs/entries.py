"""The services that a virtual server is in the data plane: one, or all that is in its group.  Pure."""

from __future__ import annotations

from collections.abc import Iterator

from kaltwisted.config.identity import ServerId
from kaltwisted.config.model import (
    Address,
    AddressRange,
    FirewallMark,
    Forwarding,
    ForwardingMethod,
    Protocol,
    ServerGroup,
    VirtualAddress,
    VirtualServer,
)
from kaltwisted.lvs.steering import keys_of
from kaltwisted.lvs.table import DestinationKey, PoolKey, ServiceKey


def pool_key(server: VirtualServer) -> PoolKey:
    """What its pool is found by."""
    return keys_of(ServerId.of(server))[0]


def service_keys(server: VirtualServer) -> tuple[ServiceKey, ...]:
    """The data plane's keys, in the order of the file; none twice."""
    listen = server.listen
    if not isinstance(listen, ServerGroup):
        return (ServiceKey.of(listen, server.protocol),)
    keys = (key for entry in listen.entries for key in _entry_keys(entry, server.protocol))
    return tuple(dict.fromkeys(keys))


def _entry_keys(entry: AddressRange | FirewallMark, protocol: Protocol) -> Iterator[ServiceKey]:
    """Those of one line of a group."""
    if isinstance(entry, FirewallMark):
        yield ServiceKey.of(entry, protocol)
    else:
        for address in _addresses(entry):
            yield ServiceKey(entry.ipv6, protocol, address, entry.port)


def listens_on(server: VirtualServer, address: Address) -> bool:
    """Whether a virtual server, or an entry of its group, has this address."""
    match server.listen:
        case VirtualAddress():
            return server.listen.address == address
        case ServerGroup():
            version, number = address.version, int(address)
            return any(
                isinstance(each, AddressRange)
                and each.first.version == version
                and int(each.first) <= number <= int(each.last)
                for each in server.listen.entries
            )
        case FirewallMark():
            return False


def within(key: ServiceKey, destination: DestinationKey, forwarding: ForwardingMethod) -> DestinationKey:
    """A server's key in one of a group's services: but for NAT packets keep the port that they came to."""
    if forwarding.method is Forwarding.NAT or destination.port == key.port:
        return destination
    return DestinationKey(destination.address, key.port)


def entry_name(entry: AddressRange | FirewallMark, protocol: Protocol) -> str:
    """One line of a group as keepalived writes it: ``[192.0.2.20]:tcp:81-192.0.2.22``, ``FWM 9``."""
    if isinstance(entry, FirewallMark):
        return entry.format(protocol)
    end = "" if entry.first == entry.last else f"-{entry.last}"
    return f"[{entry.first}]:{protocol}:{entry.port}{end}"


def _addresses(entry: AddressRange) -> Iterator[Address]:
    """All of a range."""
    kind, first = type(entry.first), int(entry.first)
    return (kind(first + offset) for offset in range(entry.size))
