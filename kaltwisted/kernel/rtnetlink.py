"""Messages of rtnetlink about interfaces and addresses (linux/rtnetlink.h, if_addr.h, if_link.h).  Pure.

Only what VRRP needs is read; attributes that are not known are passed over, so
that a newer kernel does no harm.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from ipaddress import IPv4Address, IPv4Interface, IPv6Address

from kaltwisted.config.model import Address, VirtualIpAddress
from kaltwisted.config.model_vrrp import FOREVER
from kaltwisted.kernel.messages import HEADER_SIZE, MalformedError, Message, Request, attribute, attributes
from kaltwisted.ports import Link, LinkAddress

NETLINK_ROUTE = 0
#: Multicast groups of interfaces, IPv4 addresses and IPv6 addresses.
RTNLGRP_LINK = 1
RTNLGRP_IPV4_IFADDR = 5
RTNLGRP_IPV6_IFADDR = 9

RTM_NEWLINK = 16
RTM_DELLINK = 17
RTM_GETLINK = 18
RTM_NEWADDR = 20
RTM_DELADDR = 21
RTM_GETADDR = 22

AF_UNSPEC = 0
AF_INET = 2
AF_INET6 = 10

IFF_UP = 0x1
IFF_LOOPBACK = 0x8
IFF_RUNNING = 0x40

_NLM_F_EXCL = 0x200
_NLM_F_CREATE = 0x400

_IFLA_ADDRESS = 1
_IFLA_IFNAME = 3
_IFLA_MTU = 4
_IFLA_MASTER = 10
_IFLA_LINKINFO = 18
_IFLA_INFO_KIND, _IFLA_INFO_DATA, _IFLA_INFO_SLAVE_KIND = 1, 2, 4
_IFLA_VRF_TABLE = 1

_IFA_ADDRESS = 1
_IFA_LOCAL = 2
_IFA_LABEL = 3
_IFA_BROADCAST = 4
_IFA_CACHEINFO = 6
_IFA_FLAGS = 8

_IFA_F_SECONDARY = 0x01
_IFA_F_NODAD = 0x02
_IFA_F_OPTIMISTIC = 0x04
_IFA_F_DADFAILED = 0x08
_IFA_F_HOMEADDRESS = 0x10
_IFA_F_DEPRECATED = 0x20
_IFA_F_TENTATIVE = 0x40
_IFA_F_MANAGETEMPADDR = 0x100
_IFA_F_NOPREFIXROUTE = 0x200
_IFA_F_MCAUTOJOIN = 0x400

_VRF = "vrf"

# family, pad, type, index, flags, change
_IFINFO = struct.Struct("=BxHiII")
# family, prefix length, flags, scope, index
_IFADDR = struct.Struct("=BBBBi")
_CACHEINFO = struct.Struct("=IIII")
_U32 = struct.Struct("=I")

_LINK_ATTRIBUTES = HEADER_SIZE + _IFINFO.size
_ADDRESS_ATTRIBUTES = HEADER_SIZE + _IFADDR.size

#: Scopes by name, as iproute2 gives them (``/etc/iproute2/rt_scopes``); a number is taken as it is.
SCOPES: Mapping[str, int] = {"global": 0, "nowhere": 255, "host": 254, "link": 253, "site": 200}


def links_request() -> Request:
    """Ask (as a dump) for all interfaces."""
    return Request(RTM_GETLINK, _IFINFO.pack(AF_UNSPEC, 0, 0, 0, 0), attempted="list interfaces")


def addresses_request() -> Request:
    """Ask (as a dump) for all addresses of both families."""
    return Request(RTM_GETADDR, _IFADDR.pack(AF_UNSPEC, 0, 0, 0, 0), attempted="list addresses")


def parse_link(message: Message) -> Link | None:
    """The interface that a NEWLINK or DELLINK tells of.

    None for what is no interface's own news: a bridge tells about its ports
    by the same message with another family, and its DELLINK only means that
    the port left the bridge.
    """
    data = message.data
    if len(data) < _LINK_ATTRIBUTES:
        raise MalformedError("a link message that is too short")
    family, _, index, flags, _ = _IFINFO.unpack_from(data, HEADER_SIZE)
    if family != AF_UNSPEC:
        return None
    found = attributes(data, _LINK_ATTRIBUTES)
    try:
        name = found[_IFLA_IFNAME].rstrip(b"\0").decode("utf-8", "surrogateescape")
        (mtu,) = _U32.unpack(found.get(_IFLA_MTU, bytes(4)))
        info = attributes(found.get(_IFLA_LINKINFO, b""), 0)
        kind, slave = (
            info.get(each, b"").rstrip(b"\0").decode("ascii", "replace")
            for each in (_IFLA_INFO_KIND, _IFLA_INFO_SLAVE_KIND)
        )
        vrf = table = None
        if slave == _VRF:
            (vrf,) = _U32.unpack(found[_IFLA_MASTER])
        if kind == _VRF:
            (table,) = _U32.unpack(attributes(info[_IFLA_INFO_DATA], 0)[_IFLA_VRF_TABLE])
    except (KeyError, struct.error) as error:
        raise MalformedError("a link without name, or with odd numbers") from error
    return Link(
        index=index,
        name=name,
        up=bool(flags & IFF_UP),
        running=bool(flags & IFF_RUNNING),
        mac=found.get(_IFLA_ADDRESS, b""),
        mtu=mtu,
        loopback=bool(flags & IFF_LOOPBACK),
        kind=kind,
        vrf=vrf,
        table=table,
    )


def parse_address(message: Message) -> LinkAddress | None:
    """The address that a NEWADDR or DELADDR tells of; None when it is of a family that is not IP."""
    data = message.data
    if len(data) < _ADDRESS_ATTRIBUTES:
        raise MalformedError("an address message that is too short")
    family, prefix, flags, scope, index = _IFADDR.unpack_from(data, HEADER_SIZE)
    found = attributes(data, _ADDRESS_ATTRIBUTES)
    # On a point-to-point link ADDRESS is the other end; LOCAL is always ours where there is one.
    packed = found.get(_IFA_LOCAL) or found.get(_IFA_ADDRESS)
    if packed is None:
        raise MalformedError("an address message without address")
    try:
        (wide,) = _U32.unpack(found.get(_IFA_FLAGS) or _U32.pack(flags))
    except struct.error as error:
        raise MalformedError("an address with odd flags") from error
    address: Address
    if family == AF_INET and len(packed) == 4:
        address = IPv4Address(packed)
    elif family == AF_INET6 and len(packed) == 16:
        address = IPv6Address(packed)
    else:
        return None
    if family == AF_INET:
        return LinkAddress(index, address, prefix, secondary=bool(wide & _IFA_F_SECONDARY), scope=scope)
    # The bit that means secondary means temporary here (RFC 8981): an address that soon is another.
    return LinkAddress(
        index,
        address,
        prefix,
        scope=scope,
        # An optimistic address (RFC 4429) may be sent from while it is looked after.
        tentative=bool(wide & _IFA_F_TENTATIVE) and not wide & _IFA_F_OPTIMISTIC,
        dad_failed=bool(wide & _IFA_F_DADFAILED),
        deprecated=bool(wide & (_IFA_F_DEPRECATED | _IFA_F_SECONDARY)),
    )


def add_address(index: int, vip: VirtualIpAddress) -> Request:
    """Put ``vip`` on the interface ``index``; EEXIST when it is there.

    An IPv6 address gets no duplicate address detection unless asked for:
    another router may have it until our announcement arrives, and it must
    answer at once.

    :raises ValueError: scope or broadcast address make no sense.
    """
    payload = _address(index, vip)
    flags = vip.noprefixroute * _IFA_F_NOPREFIXROUTE | vip.autojoin * _IFA_F_MCAUTOJOIN
    if isinstance(vip.address, IPv4Address):
        broadcast = _broadcast(vip)
        if broadcast is not None:
            payload += attribute(_IFA_BROADCAST, broadcast.packed)
        if vip.label is not None:
            payload += attribute(_IFA_LABEL, vip.label.encode("utf-8", "surrogateescape") + b"\0")
    else:
        flags |= vip.home * _IFA_F_HOMEADDRESS | vip.mngtmpaddr * _IFA_F_MANAGETEMPADDR
        flags |= 0 if vip.dad else _IFA_F_NODAD
        if vip.preferred != FOREVER:
            payload += attribute(_IFA_CACHEINFO, _CACHEINFO.pack(vip.preferred, FOREVER, 0, 0))
    if flags:
        payload += attribute(_IFA_FLAGS, _U32.pack(flags))
    return Request(RTM_NEWADDR, payload, _NLM_F_CREATE | _NLM_F_EXCL, f"add {vip.address}/{vip.prefix}")


def remove_address(index: int, vip: VirtualIpAddress) -> Request:
    """Take ``vip`` from the interface ``index``; EADDRNOTAVAIL when it is not there."""
    return Request(RTM_DELADDR, _address(index, vip), 0, f"remove {vip.address}/{vip.prefix}")


def _address(index: int, vip: VirtualIpAddress) -> bytes:
    packed = vip.address.packed
    family = AF_INET if isinstance(vip.address, IPv4Address) else AF_INET6
    payload = _IFADDR.pack(family, vip.prefix, 0, scope_number(vip.scope), index)
    payload += attribute(_IFA_LOCAL, packed)
    if vip.peer is not None:
        return payload + attribute(_IFA_ADDRESS, vip.peer.packed)
    return payload + attribute(_IFA_ADDRESS, packed) if family == AF_INET else payload


def scope_number(scope: str | None) -> int:
    """``scope`` as a number; ValueError when it is none and no name we know."""
    if scope is None:
        return 0
    known = SCOPES.get(scope)
    number = known if known is not None else int(scope, 0)
    if not 0 <= number <= 255:
        raise ValueError(f"scope {scope} is out of range")
    return number


def _broadcast(vip: VirtualIpAddress) -> IPv4Address | None:
    """``brd``: an address, ``+`` for all host bits set, ``-`` for all of them clear."""
    if vip.brd is None:
        return None
    if vip.brd in "+-":
        network = IPv4Interface((str(vip.address), vip.prefix)).network
        return network.broadcast_address if vip.brd == "+" else network.network_address
    return IPv4Address(vip.brd)
