"""IPVS messages of generic netlink (family ``IPVS`` version 1, linux/ip_vs.h), as bytes.  Pure.

What is sent often, a destination, is packed by one template; the rest is built
attribute by attribute.  Answers have the same attributes as requests, so one
parser reads both.
"""

from __future__ import annotations

import struct
from enum import IntEnum
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address

import attrs

from kaltwisted.config.model import Address, Forwarding, ForwardingMethod, LvsTimeouts, Protocol, TunnelType
from kaltwisted.kernel.messages import HEADER_SIZE, NLA_F_NESTED, MalformedError, attribute, attributes
from kaltwisted.lvs.table import Destination, DestinationKey, Service, ServiceKey

FAMILY_NAME = "IPVS"
_VERSION = 1
_ATTRIBUTES_AT = HEADER_SIZE + 4  # after the netlink and the generic header

AF_INET = 2
AF_INET6 = 10


class Command(IntEnum):
    """What can be asked (``IPVS_CMD_*``)."""

    NEW_SERVICE = 1
    SET_SERVICE = 2
    DEL_SERVICE = 3
    GET_SERVICE = 4
    NEW_DEST = 5
    SET_DEST = 6
    DEL_DEST = 7
    GET_DEST = 8
    NEW_DAEMON = 9
    DEL_DAEMON = 10
    SET_CONFIG = 12
    GET_CONFIG = 13
    GET_INFO = 15
    FLUSH = 17


class _Top(IntEnum):
    SERVICE = 1
    DEST = 2
    TIMEOUT_TCP = 4
    TIMEOUT_TCP_FIN = 5
    TIMEOUT_UDP = 6


class _Svc(IntEnum):
    AF = 1
    PROTOCOL = 2
    ADDR = 3
    PORT = 4
    FWMARK = 5
    SCHED_NAME = 6
    FLAGS = 7
    TIMEOUT = 8
    NETMASK = 9
    PE_NAME = 11


class _Dest(IntEnum):
    ADDR = 1
    PORT = 2
    FWD_METHOD = 3
    WEIGHT = 4
    U_THRESH = 5
    L_THRESH = 6
    ADDR_FAMILY = 11
    TUN_TYPE = 13
    TUN_PORT = 14
    TUN_FLAGS = 15


_PERSISTENT = 0x1
_ONE_PACKET = 0x4
_ALL_FLAGS = 0xFFFFFFFF
# sched-1..3 mean something else to each scheduler; keepalived and ipvsadm give these names.
_GENERAL_FLAGS = {"flag-1": 0x8, "flag-2": 0x10, "flag-3": 0x20}
_NAMED_FLAGS = {
    "sh": {"sh-fallback": 0x8, "sh-port": 0x10},
    "mh": {"mh-fallback": 0x8, "mh-port": 0x10},
}
_FLAG_BITS = {name: bit for names in (_GENERAL_FLAGS, *_NAMED_FLAGS.values()) for name, bit in names.items()}

_METHODS = {Forwarding.NAT: 0, Forwarding.TUN: 2, Forwarding.DR: 3}
_LOCAL_NODE = 1
_TUNNELS = {TunnelType.IPIP: 0, TunnelType.GUE: 1, TunnelType.GRE: 2}
_PLAIN = {method: ForwardingMethod(method) for method in Forwarding}
_METHOD_OF = {number: _PLAIN[method] for method, number in _METHODS.items()}
_TUNNEL_OF = {number: tunnel for tunnel, number in _TUNNELS.items()}

_U8 = struct.Struct("=B")
_U16 = struct.Struct("=H")
_U32 = struct.Struct("=I")
_S32 = struct.Struct("=i")
_TWO_U32 = struct.Struct("=II")
_BE16 = struct.Struct(">H")


@attrs.frozen
class Found:
    """A destination as the kernel reports it.

    ``local_node``: the kernel delivers to itself, whatever method was asked
    for; ``destination`` then says NAT.
    """

    destination: Destination
    local_node: bool = False


# --- Asking ------------------------------------------------------------------------------


@lru_cache(maxsize=1024)
def _key_attributes(key: ServiceKey) -> bytes:
    """What the kernel finds a service by."""
    family = attribute(_Svc.AF, _U16.pack(AF_INET6 if key.ipv6 else AF_INET))
    if key.address is None or key.protocol is None:
        return family + attribute(_Svc.FWMARK, _U32.pack(key.fwmark))
    return (
        family
        + attribute(_Svc.PROTOCOL, _U16.pack(key.protocol.value))
        + attribute(_Svc.ADDR, key.address.packed.ljust(16, b"\0"))
        + attribute(_Svc.PORT, _BE16.pack(key.port))
    )


def _payload(command: Command, attributes_: bytes = b"") -> bytes:
    return bytes((command, _VERSION, 0, 0)) + attributes_


@lru_cache(maxsize=1024)
def _service_prefix(command: Command, key: ServiceKey) -> bytes:
    return _payload(command, attribute(_Top.SERVICE | NLA_F_NESTED, _key_attributes(key)))


def flag_bits(service: Service) -> int:
    """The service's flags as the kernel has them; unknown words count nothing."""
    flags = _PERSISTENT if service.persistence_timeout_s else 0
    if service.ops:
        flags |= _ONE_PACKET
    for word in service.scheduler_flags:
        flags |= _FLAG_BITS.get(word, 0)
    return flags


def put_service(command: Command, service: Service) -> bytes:
    """NEW_SERVICE or SET_SERVICE.  The kernel wants all of it, each time."""
    key = service.key
    bits = 128 if key.ipv6 else 32
    prefix = service.granularity or bits
    mask = (0xFFFFFFFF << (32 - prefix)) & 0xFFFFFFFF if prefix <= 32 else 0
    netmask = _U32.pack(prefix) if key.ipv6 else mask.to_bytes(4, "big")
    parts = [
        _key_attributes(key),
        attribute(_Svc.SCHED_NAME, service.scheduler.encode("ascii", "replace") + b"\0"),
        attribute(_Svc.FLAGS, _TWO_U32.pack(flag_bits(service), _ALL_FLAGS)),
        attribute(_Svc.TIMEOUT, _U32.pack(service.persistence_timeout_s)),
        attribute(_Svc.NETMASK, netmask),
    ]
    if service.persistence_engine:
        parts.append(attribute(_Svc.PE_NAME, service.persistence_engine.encode("ascii", "replace") + b"\0"))
    return _payload(command, attribute(_Top.SERVICE | NLA_F_NESTED, b"".join(parts)))


def delete_service(key: ServiceKey) -> bytes:
    """DEL_SERVICE: its destinations go with it."""
    return _service_prefix(Command.DEL_SERVICE, key)


def get_service(key: ServiceKey | None) -> bytes:
    """GET_SERVICE: one, or (as a dump) all."""
    return _payload(Command.GET_SERVICE) if key is None else _service_prefix(Command.GET_SERVICE, key)


def get_destinations(key: ServiceKey) -> bytes:
    """GET_DEST: a dump of a service's destinations; empty where there is no such service."""
    return _service_prefix(Command.GET_DEST, key)


def get_info() -> bytes:
    """GET_INFO: harmless, and for the privileged only."""
    return _payload(Command.GET_INFO)


def flush() -> bytes:
    """FLUSH: every service goes, whosever it is."""
    return _payload(Command.FLUSH)


def set_timeouts(timeouts: LvsTimeouts) -> bytes:
    """SET_CONFIG: how long connections are kept; what is 0 stays as it is."""
    return _payload(
        Command.SET_CONFIG,
        attribute(_Top.TIMEOUT_TCP, _U32.pack(timeouts.tcp))
        + attribute(_Top.TIMEOUT_TCP_FIN, _U32.pack(timeouts.tcpfin))
        + attribute(_Top.TIMEOUT_UDP, _U32.pack(timeouts.udp)),
    )


def get_timeouts() -> bytes:
    """GET_CONFIG: how long connections are kept."""
    return _payload(Command.GET_CONFIG)


def parse_timeouts(data: bytes) -> LvsTimeouts:
    """What ``set_timeouts`` has packed, or the answer to ``get_timeouts``.

    :raises MalformedError: it is none.
    """
    found = attributes(data, _ATTRIBUTES_AT)
    names = (_Top.TIMEOUT_TCP, _Top.TIMEOUT_TCP_FIN, _Top.TIMEOUT_UDP)
    try:
        return LvsTimeouts(*(_U32.unpack(found[name])[0] for name in names))
    except (KeyError, struct.error) as error:
        raise MalformedError("IPVS timeouts that are none") from error


# Attributes by the template: length, type, value; the values are padded to 4 bytes.
_DESTINATION_KEY = struct.Struct("= HH16s HH2s2x HHH2x")  # ADDR, PORT, ADDR_FAMILY
_DESTINATION_REST = struct.Struct("= HHI HHi HHI HHI")  # FWD_METHOD, WEIGHT, U_THRESH, L_THRESH
_DESTINATION_TUNNEL = struct.Struct("= HHB3x HH2s2x HHH2x")  # TUN_TYPE, TUN_PORT, TUN_FLAGS
_NESTED = struct.Struct("=HH")
_NESTED_DEST = _Top.DEST | NLA_F_NESTED
# Plain integers: looking up an enum's member costs more than packing it.
_ADDR, _PORT, _ADDR_FAMILY = int(_Dest.ADDR), int(_Dest.PORT), int(_Dest.ADDR_FAMILY)
_FWD_METHOD, _WEIGHT = int(_Dest.FWD_METHOD), int(_Dest.WEIGHT)
_U_THRESH, _L_THRESH = int(_Dest.U_THRESH), int(_Dest.L_THRESH)


def _destination_key(key: DestinationKey) -> bytes:
    address = key.address
    family = AF_INET if address.version == 4 else AF_INET6
    port = key.port.to_bytes(2, "big")
    return _DESTINATION_KEY.pack(20, _ADDR, address.packed, 6, _PORT, port, 6, _ADDR_FAMILY, family)


def _tunnel(forwarding: ForwardingMethod) -> bytes:
    port = forwarding.tunnel_port if forwarding.tunnel_type is TunnelType.GUE else 0
    return _DESTINATION_TUNNEL.pack(
        *(5, _Dest.TUN_TYPE, _TUNNELS[forwarding.tunnel_type]),
        *(6, _Dest.TUN_PORT, port.to_bytes(2, "big")),
        *(6, _Dest.TUN_FLAGS, 0),
    )


def put_destination(command: Command, service: ServiceKey, destination: Destination) -> bytes:
    """NEW_DEST or SET_DEST.  The kernel wants all of it, each time."""
    forwarding = destination.forwarding
    value = _destination_key(destination.key) + _DESTINATION_REST.pack(
        *(8, _FWD_METHOD, _METHODS[forwarding.method]),
        *(8, _WEIGHT, destination.weight),
        *(8, _U_THRESH, destination.uthreshold),
        *(8, _L_THRESH, destination.lthreshold),
    )
    if forwarding.method is Forwarding.TUN:
        value += _tunnel(forwarding)
    return _service_prefix(command, service) + _NESTED.pack(4 + len(value), _NESTED_DEST) + value


def delete_destination(service: ServiceKey, key: DestinationKey) -> bytes:
    """DEL_DEST."""
    value = _destination_key(key)
    return _service_prefix(Command.DEL_DEST, service) + _NESTED.pack(4 + len(value), _NESTED_DEST) + value


# --- Answers -----------------------------------------------------------------------------


def _address(value: bytes, family: int) -> Address:
    if family == AF_INET6:
        return IPv6Address(value)
    return IPv4Address(value[:4])


def _name(value: bytes) -> str:
    return value.rstrip(b"\0").decode("ascii")


def _parse_service_key(found: dict[int, bytes]) -> ServiceKey:
    family = _U16.unpack(found[_Svc.AF])[0]
    if family not in (AF_INET, AF_INET6):
        raise ValueError(f"address family {family}")
    ipv6 = family == AF_INET6
    if _Svc.FWMARK in found:
        return ServiceKey(ipv6, fwmark=_U32.unpack(found[_Svc.FWMARK])[0])
    return ServiceKey(
        ipv6,
        Protocol(_U16.unpack(found[_Svc.PROTOCOL])[0]),
        _address(found[_Svc.ADDR], family),
        _BE16.unpack(found[_Svc.PORT])[0],
    )


def _nested(data: bytes, type_: _Top) -> dict[int, bytes]:
    value = attributes(data, _ATTRIBUTES_AT).get(type_)
    if value is None:
        raise MalformedError(f"an IPVS message without {type_.name}")
    return attributes(value)


def parse_service(data: bytes) -> Service:
    """A service, without destinations, from a whole message; else MalformedError."""
    found = _nested(data, _Top.SERVICE)
    try:
        key = _parse_service_key(found)
        flags = _TWO_U32.unpack(found[_Svc.FLAGS])[0]
        timeout_s = _U32.unpack(found[_Svc.TIMEOUT])[0]
        netmask = found[_Svc.NETMASK]
        prefix = _U32.unpack(netmask)[0] if key.ipv6 else int.from_bytes(netmask, "big").bit_count()
        scheduler = _name(found[_Svc.SCHED_NAME])
        engine = _name(found[_Svc.PE_NAME]) if _Svc.PE_NAME in found else None
    except (KeyError, ValueError, struct.error) as error:
        raise MalformedError(f"an IPVS service that makes no sense: {error}") from error
    return Service(
        key,
        scheduler,
        persistence_timeout_s=timeout_s if flags & _PERSISTENT else 0,
        granularity=_granularity(prefix, key.ipv6),
        persistence_engine=engine or None,
        ops=bool(flags & _ONE_PACKET),
        scheduler_flags=_flag_words(scheduler, flags),
    )


def parse_key(data: bytes) -> ServiceKey:
    """The service that a whole message is about; else MalformedError."""
    try:
        return _parse_service_key(_nested(data, _Top.SERVICE))
    except (KeyError, ValueError, struct.error) as error:
        raise MalformedError(f"an IPVS service that makes no sense: {error}") from error


def parse_destination_key(data: bytes) -> DestinationKey:
    """The destination that a whole message is about; else MalformedError."""
    try:
        return _parse_destination_key(_nested(data, _Top.DEST))
    except (KeyError, ValueError, struct.error) as error:
        raise MalformedError(f"an IPVS destination that makes no sense: {error}") from error


def _parse_destination_key(found: dict[int, bytes]) -> DestinationKey:
    # Kernels before 3.18 know no family of a destination's own; nor any IPv6 one that it would tell from.
    family = _U16.unpack(found[_Dest.ADDR_FAMILY])[0] if _Dest.ADDR_FAMILY in found else AF_INET
    return DestinationKey(_address(found[_Dest.ADDR], family), _BE16.unpack(found[_Dest.PORT])[0])


def parse_destination(data: bytes) -> Found:
    """A destination from a whole message; else MalformedError."""
    found = _nested(data, _Top.DEST)
    try:
        method = _U32.unpack(found[_Dest.FWD_METHOD])[0] & 0x7
        forwarding = _METHOD_OF.get(method, _PLAIN[Forwarding.NAT])
        if forwarding.method is Forwarding.TUN and found.get(_Dest.TUN_TYPE, b"\0") != b"\0":
            forwarding = ForwardingMethod(
                Forwarding.TUN,
                _TUNNEL_OF[_U8.unpack(found[_Dest.TUN_TYPE])[0]],
                _BE16.unpack(found[_Dest.TUN_PORT])[0],
            )
        destination = Destination(
            _parse_destination_key(found),
            _S32.unpack(found[_Dest.WEIGHT])[0],
            forwarding,
            _U32.unpack(found[_Dest.U_THRESH])[0],
            _U32.unpack(found[_Dest.L_THRESH])[0],
        )
    except (KeyError, ValueError, struct.error) as error:
        raise MalformedError(f"an IPVS destination that makes no sense: {error}") from error
    return Found(destination, local_node=method == _LOCAL_NODE)


# --- One spelling of what is the same ------------------------------------------------------


def _granularity(prefix: int | None, ipv6: bool) -> int | None:
    return None if prefix in (None, 128 if ipv6 else 32) else prefix


def _flag_words(scheduler: str, flags: int) -> frozenset[str]:
    words = {bit: name for name, bit in _GENERAL_FLAGS.items()}
    words |= {bit: name for name, bit in _NAMED_FLAGS.get(scheduler, {}).items()}
    return frozenset(name for bit, name in words.items() if flags & bit)


def _forwarding_as_reported(forwarding: ForwardingMethod) -> ForwardingMethod:
    if forwarding.method is not Forwarding.TUN or forwarding.tunnel_type is TunnelType.IPIP:
        return _PLAIN[forwarding.method]
    if forwarding.tunnel_type is TunnelType.GRE:
        return attrs.evolve(forwarding, tunnel_port=0)
    return forwarding


def as_reported(service: Service) -> Service:
    """The service as the kernel will report it, so that the two compare equal.

    A granularity of single clients is None, flags have the names their
    scheduler gives them, and what a forwarding method ignores is left out.
    The service itself where nothing differs.
    """
    # Thousands of destinations share a few forwarding methods: looked at once each.
    methods = {id(each.forwarding): each.forwarding for each in service.destinations.values()}
    spelled = {number: _forwarding_as_reported(method) for number, method in methods.items()}
    odd = {number: spelled[number] for number, method in methods.items() if spelled[number] != method}
    changed = {
        key: attrs.evolve(each, forwarding=odd[id(each.forwarding)])
        for key, each in (service.destinations.items() if odd else ())
        if id(each.forwarding) in odd
    }
    reported = attrs.evolve(
        service,
        granularity=_granularity(service.granularity, service.key.ipv6),
        persistence_engine=service.persistence_engine or None,
        scheduler_flags=_flag_words(service.scheduler, flag_bits(service)),
        destinations={**service.destinations, **changed} if changed else service.destinations,
    )
    return service if not changed and service.same_settings(reported) else reported
