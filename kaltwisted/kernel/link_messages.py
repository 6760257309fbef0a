"""Messages of rtnetlink that make, set up and remove interfaces (linux/if_link.h, inetdevice.h).  Pure.

Interfaces go by their names here.  Settings of IPv4 are those of
/proc/sys/net/ipv4/conf; by netlink they can be set where /proc is read-only.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import Final

from kaltwisted.kernel.messages import NLA_F_NESTED, Request, attribute
from kaltwisted.kernel.rtnetlink import AF_INET, AF_INET6, AF_UNSPEC, IFF_UP, RTM_DELLINK, RTM_NEWLINK

RTM_SETLINK = 19

IPV4_SETTINGS: Final[Mapping[str, int]] = {
    "rp_filter": 8,
    "arp_filter": 13,
    "arp_ignore": 19,
    "promote_secondaries": 20,
    "accept_local": 23,
}
"""The kernel's numbers of the settings that VRRP has to do with (IPV4_DEVCONF_*)."""

_NLM_F_EXCL = 0x200
_NLM_F_CREATE = 0x400
_IFLA_ADDRESS, _IFLA_IFNAME, _IFLA_LINK, _IFLA_LINKINFO, _IFLA_AF_SPEC, _IFLA_GROUP = 1, 3, 5, 18, 26, 27
_IFLA_INFO_KIND, _IFLA_INFO_DATA = 1, 2
_IFLA_MACVLAN_MODE = 1
_MACVLAN_PRIVATE = 1
_IFLA_IPVLAN_MODE, _IFLA_IPVLAN_FLAGS = 1, 2
_IPVLAN_L2 = 0
_IFLA_MASTER = 10
_IFLA_INET_CONF = 1
_IFLA_INET6_ADDR_GEN_MODE = 8
_NO_ADDRESSES = b"\1"

# family, pad, type, index, flags, change
_IFINFO = struct.Struct("=BxHiII")
_U16 = struct.Struct("=H")
_U32 = struct.Struct("=I")


def create_macvlan(name: str, parent: int, mac: bytes, group: int | None = None) -> Request:
    """A macvlan in mode private: those of one interface do not meet; EEXIST when the name is taken."""
    data = attribute(_IFLA_MACVLAN_MODE, _U32.pack(_MACVLAN_PRIVATE))
    return _create(name, parent, group, attribute(_IFLA_ADDRESS, mac), b"macvlan\0", data)


def create_ipvlan(name: str, parent: int, type_: int, group: int | None = None) -> Request:
    """An ipvlan in mode L2; ``type_``: 0 bridge, 1 private, 2 VEPA."""
    data = attribute(_IFLA_IPVLAN_MODE, _U16.pack(_IPVLAN_L2))
    data += attribute(_IFLA_IPVLAN_FLAGS, _U16.pack(type_))
    return _create(name, parent, group, b"", b"ipvlan\0", data)


def _create(name: str, parent: int, group: int | None, more: bytes, kind: bytes, data: bytes) -> Request:
    info = attribute(_IFLA_INFO_KIND, kind) + attribute(_IFLA_INFO_DATA | NLA_F_NESTED, data)
    payload = _named(name) + attribute(_IFLA_LINK, _U32.pack(parent)) + more
    if group is not None:
        payload += attribute(_IFLA_GROUP, _U32.pack(group))
    payload += attribute(_IFLA_LINKINFO | NLA_F_NESTED, info)
    return Request(RTM_NEWLINK, payload, _NLM_F_CREATE | _NLM_F_EXCL, f"create interface {name}")


def set_vrf(name: str, vrf: int | None) -> Request:
    """Put an interface into the VRF of that number, or take it out of the one that it is in."""
    payload = _named(name) + attribute(_IFLA_MASTER, _U32.pack(vrf or 0))
    return Request(RTM_SETLINK, payload, 0, f"set the VRF of {name}")


def no_own_addresses(name: str) -> Request:
    """Let the kernel make no IPv6 address of the interface's MAC, which two routers share."""
    inner = attribute(AF_INET6 | NLA_F_NESTED, attribute(_IFLA_INET6_ADDR_GEN_MODE, _NO_ADDRESSES))
    return Request(
        RTM_SETLINK,
        _named(name) + attribute(_IFLA_AF_SPEC | NLA_F_NESTED, inner),
        0,
        f"set addrgenmode of {name}",
    )


def ipv4_settings(name: str, settings: Mapping[str, int]) -> Request:
    """Set some of ``IPV4_SETTINGS``."""
    values = b"".join(attribute(IPV4_SETTINGS[each], _U32.pack(value)) for each, value in settings.items())
    inner = attribute(AF_INET | NLA_F_NESTED, attribute(_IFLA_INET_CONF | NLA_F_NESTED, values))
    said = ", ".join(f"{each}={value}" for each, value in settings.items())
    return Request(
        RTM_SETLINK,
        _named(name) + attribute(_IFLA_AF_SPEC | NLA_F_NESTED, inner),
        0,
        f"set {said} of {name}",
    )


def set_up(name: str) -> Request:
    """Switch an interface on."""
    return Request(RTM_SETLINK, _named(name, IFF_UP), 0, f"set {name} up")


def remove_link(name: str) -> Request:
    """Remove an interface; ENODEV when it is not there."""
    return Request(RTM_DELLINK, _named(name), 0, f"remove interface {name}")


def _named(name: str, flags: int = 0) -> bytes:
    header = _IFINFO.pack(AF_UNSPEC, 0, 0, flags, flags)
    return header + attribute(_IFLA_IFNAME, name.encode("utf-8", "surrogateescape") + b"\0")
