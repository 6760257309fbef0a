"""Netlink messages as bytes: headers, attributes, errors.  Pure.

Shapes are those of linux/netlink.h (RFC 3549): every message is a header of 16
bytes and a payload, every attribute a header of 4 bytes and a value, both
padded to 4 bytes and in the machine's byte order.  What a payload means is its
family's business.
"""

from __future__ import annotations

import errno as errno_names
import os
import struct
from collections.abc import Iterator

import attrs

HEADER_SIZE = 16

# Message types below the families' own.
NLMSG_NOOP = 1
NLMSG_ERROR = 2
NLMSG_DONE = 3
NLMSG_OVERRUN = 4

# Flags of a request.
NLM_F_REQUEST = 0x1
NLM_F_ACK = 0x4
NLM_F_DUMP = 0x300
# Flags of an answer.
NLM_F_DUMP_INTR = 0x10
NLM_F_CAPPED = 0x100
NLM_F_ACK_TLVS = 0x200

NLA_F_NESTED = 0x8000
_NLA_TYPE_MASK = 0x3FFF
_NLMSGERR_ATTR_MSG = 1

_HEADER = struct.Struct("=IHHII")
_ATTRIBUTE = struct.Struct("=HH")
_ERRNO = struct.Struct("=i")
_LENGTH = struct.Struct("=I")


# Buffer overrun, no answer in time, an answer that makes no sense, a listing that changed meanwhile.
_LOST = frozenset({errno_names.ENOBUFS, errno_names.ETIMEDOUT, errno_names.EBADMSG, errno_names.EINTR})


class MalformedError(ValueError):
    """Bytes that are no netlink message, or not the one they should be."""


class NetlinkError(Exception):
    """The kernel refused a request, or its answer was lost.

    ``errno`` is the kernel's (positive); ``attempted`` is whatever the request
    named as its purpose; ``message`` is the kernel's own explanation
    (extended acknowledgement), where it gave one.
    """

    def __init__(self, errno: int, attempted: object = "", message: str | None = None) -> None:
        super().__init__(errno, attempted, message)
        self.errno = errno
        self.attempted = attempted
        self.message = message

    @property
    def answer_lost(self) -> bool:
        """Whether no more is known: the request may have been carried out, or half of a listing come."""
        return self.errno in _LOST

    @property
    def symbol(self) -> str:
        """``EEXIST`` and the like."""
        return errno_names.errorcode.get(self.errno, str(self.errno))

    def __str__(self) -> str:
        told = self.message or os.strerror(self.errno)
        what = f"{self.attempted}: " if self.attempted else ""
        return f"{what}{told} ({self.symbol})"


@attrs.frozen
class Request:
    """What to ask of the kernel: a message without the numbers that only the socket knows.

    ``flags`` come on top of REQUEST and ACK (or DUMP).  ``attempted`` is put
    into words by ``str`` when an error is shown, and not before.
    """

    type: int
    payload: bytes
    flags: int = 0
    attempted: object = ""


@attrs.frozen
class Message:
    """A message from the kernel; ``data`` is all of it, header included."""

    type: int
    flags: int
    sequence: int
    data: bytes


def pack(request: Request, flags: int, sequence: int) -> bytes:
    """The request as it goes over the socket, padded so that another may follow."""
    size = HEADER_SIZE + len(request.payload)
    header = _HEADER.pack(size, request.type, request.flags | flags, sequence, 0)
    return header + request.payload + bytes(-size % 4)


def split(data: bytes) -> Iterator[Message]:
    """The messages of one datagram, or MalformedError."""
    offset, end = 0, len(data)
    while offset < end:
        if end - offset < HEADER_SIZE:
            raise MalformedError(f"{end - offset} bytes where a message should begin")
        length, type_, flags, sequence, _ = _HEADER.unpack_from(data, offset)
        if length < HEADER_SIZE or offset + length > end:
            raise MalformedError(f"message of {length} bytes in {end - offset}")
        yield Message(type_, flags, sequence, data[offset : offset + length])
        offset += (length + 3) & ~3


def attribute(type_: int, value: bytes) -> bytes:
    """One attribute, padded."""
    return _ATTRIBUTE.pack(4 + len(value), type_) + value + bytes(-len(value) % 4)


def attributes(data: bytes, offset: int = 0) -> dict[int, bytes]:
    """The attributes of ``data`` from ``offset`` on, by type; of several alike the last counts."""
    found = {}
    end = len(data)
    unpack = _ATTRIBUTE.unpack_from
    while offset < end:
        if end - offset < 4:
            raise MalformedError(f"{end - offset} bytes where an attribute should begin")
        length, type_ = unpack(data, offset)
        if length < 4 or offset + length > end:
            raise MalformedError(f"attribute of {length} bytes in {end - offset}")
        found[type_ & _NLA_TYPE_MASK] = data[offset + 4 : offset + length]
        offset += (length + 3) & ~3
    return found


def error_of(message: Message, attempted: object = "") -> NetlinkError | None:
    """What an ERROR or DONE message says: None when all went well.

    An ERROR repeats the request's header (and its payload, unless CAPPED)
    before the extended acknowledgement; a DONE does not.
    """
    data = message.data
    if len(data) < HEADER_SIZE + 4:
        if message.type == NLMSG_DONE:
            return None
        raise MalformedError("an error without a number")
    (number,) = _ERRNO.unpack_from(data, HEADER_SIZE)
    if number == 0 or (message.type == NLMSG_DONE and number > 0):
        return None
    return NetlinkError(abs(number), attempted, _explanation(message))


def _explanation(message: Message) -> str | None:
    if not message.flags & NLM_F_ACK_TLVS:
        return None
    data, offset = message.data, HEADER_SIZE + 4
    if message.type == NLMSG_ERROR:
        if len(data) < offset + HEADER_SIZE:
            raise MalformedError("an error without the request's header")
        (length,) = _LENGTH.unpack_from(data, offset)
        offset += HEADER_SIZE if message.flags & NLM_F_CAPPED else max(HEADER_SIZE, (length + 3) & ~3)
    text = attributes(data, offset).get(_NLMSGERR_ATTR_MSG)
    return None if text is None else text.rstrip(b"\0").decode("utf-8", "replace")
