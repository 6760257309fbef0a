"""Generic netlink: families are found by name (linux/genetlink.h)."""

from __future__ import annotations

import errno
import socket
import struct

from kaltwisted.kernel.messages import (
    HEADER_SIZE,
    MalformedError,
    Message,
    NetlinkError,
    Request,
    attribute,
    attributes,
)
from kaltwisted.kernel.netlink import Netlink
from kaltwisted.kernel.netlink_socket import open_socket

NETLINK_GENERIC = 16
#: Where the attributes begin in a message of a generic family.
GENERIC_HEADER_SIZE = HEADER_SIZE + 4

_GENERIC_HEADER = struct.Struct("=BBxx")
_CONTROL_FAMILY = 16
_CTRL_CMD_GETFAMILY = 3
_CTRL_ATTR_FAMILY_ID = 1
_CTRL_ATTR_FAMILY_NAME = 2
_ID = struct.Struct("=H")


def generic_header(command: int, version: int = 1) -> bytes:
    """The header that a generic family's payload begins with."""
    return _GENERIC_HEADER.pack(command, version)


def families_request() -> Request:
    """Ask (as a dump) for all families there are.  Unlike asking for one by name it loads no module."""
    return Request(_CONTROL_FAMILY, generic_header(_CTRL_CMD_GETFAMILY, 2), attempted="list netlink families")


def parse_family(message: Message) -> tuple[str, int]:
    """A family's name and number."""
    found = attributes(message.data, GENERIC_HEADER_SIZE)
    try:
        (number,) = _ID.unpack(found[_CTRL_ATTR_FAMILY_ID])
        name = found[_CTRL_ATTR_FAMILY_NAME].rstrip(b"\0").decode("ascii")
    except (KeyError, struct.error, UnicodeDecodeError) as error:
        raise MalformedError("a netlink family without name or number") from error
    return name, number


async def find_family(netlink: Netlink, name: str) -> int | None:
    """The number to address a family by; None where the kernel has none of that name.

    The kernel may load a module that declares itself the family's.
    """
    payload = generic_header(_CTRL_CMD_GETFAMILY, 2) + attribute(
        _CTRL_ATTR_FAMILY_NAME, name.encode("ascii") + b"\0"
    )
    asked = Request(_CONTROL_FAMILY, payload, attempted=f"find netlink family {name}")
    try:
        answers = await netlink.request(asked)
    except NetlinkError as error:
        if error.errno == errno.ENOENT:
            return None
        raise
    for answer in answers:
        found, number = parse_family(answer)
        if found == name:
            return number
    return None


def open_generic() -> socket.socket:
    """A socket for generic netlink, as ``Netlink`` wants it."""
    return open_socket(NETLINK_GENERIC)
