"""The kernel's process connector as bytes: which processes come, change their program, and go.  Pure.

Shapes are those of linux/connector.h and linux/cn_proc.h: a netlink header, a
``cn_msg`` of 20 bytes, and a ``proc_event`` of which the first 16 bytes are the
same for all events: what it is, the CPU, and when.
"""

from __future__ import annotations

import struct
from typing import Final

import attrs

from kaltwisted.kernel.messages import HEADER_SIZE, NLMSG_DONE, MalformedError, Message, Request, pack
from kaltwisted.ports import ProcessChanged, ProcessEvent, ProcessForked, ProcessGone

NETLINK_CONNECTOR: Final = 11
CN_IDX_PROC: Final = 1
_CN_VAL_PROC: Final = 1
_LISTEN, _IGNORE = 1, 2

_NONE, _FORK, _EXEC, _COMM, _EXIT = 0, 0x1, 0x2, 0x200, 0x80000000

_CONNECTOR = struct.Struct("=IIIIHH")
_EVENT = struct.Struct("=IIQ")
_PIDS = struct.Struct("=ii")
_FORK_PIDS = struct.Struct("=iiii")
_ERROR = struct.Struct("=I")


@attrs.frozen
class Answer:
    """The kernel's answer to ``LISTEN``, heard by every listener: whose ``key`` it has; 0: no error."""

    key: int
    errno: int


def listening(key: int, *, listen: bool) -> bytes:
    """Begin to hear of processes, or end.  ``key``: what the answer is to be known by.

    The kernel has numbers of its own in answers, but gives back the ``ack`` it was sent, plus one.
    """
    operation = _LISTEN if listen else _IGNORE
    payload = _CONNECTOR.pack(CN_IDX_PROC, _CN_VAL_PROC, 0, key, _ERROR.size, 0) + _ERROR.pack(operation)
    return pack(Request(NLMSG_DONE, payload), 0, 0)


def parse(message: Message) -> ProcessEvent | Answer | None:
    """What a message tells; None: of a thread, or of nothing that matters here.

    :raises MalformedError: it is too short to be one.
    """
    data, offset = message.data, HEADER_SIZE
    if len(data) < offset + _CONNECTOR.size:
        raise MalformedError("a connector message without its header")
    index, value, _, acknowledged, _, _ = _CONNECTOR.unpack_from(data, offset)
    if (index, value) != (CN_IDX_PROC, _CN_VAL_PROC):
        return None
    offset += _CONNECTOR.size
    what, _, _ = _unpack(_EVENT, data, offset)
    offset += _EVENT.size
    if what == _FORK:
        _, parent, thread, child = _unpack(_FORK_PIDS, data, offset)
        return ProcessForked(parent, child) if thread == child else None
    if what in (_EXEC, _COMM):
        thread, pid = _unpack(_PIDS, data, offset)
        return ProcessChanged(pid) if what == _EXEC or thread == pid else None
    if what == _EXIT:
        thread, pid = _unpack(_PIDS, data, offset)
        return ProcessGone(pid) if thread == pid else None
    if what == _NONE:
        (errno,) = _unpack(_ERROR, data, offset)
        return Answer((acknowledged - 1) & 0xFFFFFFFF, errno)
    return None


def _unpack(of: struct.Struct, data: bytes, offset: int) -> tuple[int, ...]:
    if len(data) < offset + of.size:
        raise MalformedError("a process event that is cut off")
    return of.unpack_from(data, offset)
