"""A kernel's end of a netlink socket, for tests without one."""

from __future__ import annotations

import struct
from collections import deque
from collections.abc import Callable, Iterable

from twisted.internet.interfaces import IReadDescriptor
from twisted.internet.task import Clock

from kaltwisted.kernel.messages import NLM_F_CAPPED, NLMSG_DONE, NLMSG_ERROR, Message, split

_HEADER = struct.Struct("=IHHII")
_NLM_F_MULTI = 0x2


def message(type_: int, sequence: int, payload: bytes, flags: int = 0) -> bytes:
    """A message as the kernel sends it."""
    return _HEADER.pack(16 + len(payload), type_, flags, sequence, 0) + payload + bytes(-len(payload) % 4)


def acknowledgement(asked: Message, errno: int = 0) -> bytes:
    """The kernel's word on a request."""
    return message(NLMSG_ERROR, asked.sequence, struct.pack("=i", -errno) + asked.data[:16], NLM_F_CAPPED)


def listing(asked: Message, payloads: Iterable[bytes]) -> list[bytes]:
    """The datagrams of a dump, one message each."""
    parts = [message(asked.type, asked.sequence, payload, _NLM_F_MULTI) for payload in payloads]
    return [*parts, message(NLMSG_DONE, asked.sequence, bytes(4), _NLM_F_MULTI)]


class FakeNetlinkSocket:
    """What ``Netlink`` asks of a socket.

    ``answer`` turns each message sent into the datagrams that come back.
    ``sent`` keeps every send as it was; an OSError among ``inbox`` is raised
    when its turn to be read comes.
    """

    def __init__(self, answer: Callable[[Message], Iterable[bytes]] = lambda _: ()) -> None:
        self.answer = answer
        self.sent: list[bytes] = []
        self.inbox: deque[bytes | OSError | tuple[bytes, tuple[int, int]]] = deque()
        self.closed = False

    def fileno(self) -> int:
        return -1

    def send(self, data: bytes) -> int:
        self.sent.append(data)
        for each in split(data):
            self.inbox.extend(self.answer(each))
        return len(data)

    def recvfrom_into(self, buffer: bytearray) -> tuple[int, object]:
        if not self.inbox:
            raise BlockingIOError
        data = self.inbox.popleft()
        if isinstance(data, OSError):
            raise data
        sender = (0, 0)
        if isinstance(data, tuple):
            data, sender = data
        buffer[: len(data)] = data
        return len(data), sender

    def close(self) -> None:
        self.closed = True
        self.inbox.clear()


class ReaderClock(Clock):
    """Time driven by hand, and readers that are read when told: a reactor for netlink."""

    def __init__(self) -> None:
        super().__init__()
        self.readers: list[IReadDescriptor] = []

    def addReader(self, reader: IReadDescriptor) -> None:
        if reader not in self.readers:
            self.readers.append(reader)

    def removeReader(self, reader: IReadDescriptor) -> None:
        if reader in self.readers:
            self.readers.remove(reader)

    def turn(self) -> None:
        """Make the calls that are due and read every reader once."""
        self.advance(0)
        for reader in list(self.readers):
            reader.doRead()

    def spin(self, turns: int = 1000) -> None:
        """Read until all has been said."""
        for _ in range(turns):
            self.turn()
