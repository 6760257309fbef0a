"""The sockets that BFD has, for tests without any."""

from __future__ import annotations

from collections.abc import Callable

from zope.interface import implementer

from kaltwisted.config.model import BfdInstance
from kaltwisted.ports import Datagram, IBfdListener, IBfdSender, IBfdWire, WireError


@implementer(IBfdListener)
class FakeBfdListener:
    """Holds what comes in until it is read: ``waiting``."""

    def __init__(self, received: Callable[[Datagram], object]) -> None:
        self.received = received
        self.waiting: list[Datagram] = []
        self.closed = False

    def read(self) -> None:
        waiting, self.waiting = self.waiting, []
        for datagram in waiting:
            self.received(datagram)

    def close(self) -> None:
        self.closed = True


@implementer(IBfdSender)
class FakeBfdSender:
    """Remembers what is ``sent``; ``refusal``: why it cannot be."""

    def __init__(self, session: BfdInstance) -> None:
        self.session = session
        self.sent: list[bytes] = []
        self.refusal: str | None = None
        self.closed = False

    def send(self, packet: bytes) -> str | None:
        if self.refusal is None:
            self.sent.append(packet)
        return self.refusal

    def close(self) -> None:
        self.closed = True


@implementer(IBfdWire)
class FakeBfdWire:
    """Listeners by port and family, senders by session; ``refusal``: why nothing can be listened on."""

    def __init__(self) -> None:
        self.listeners: dict[tuple[int, bool], FakeBfdListener] = {}
        self.senders: dict[str, FakeBfdSender] = {}
        self.refusal: str | None = None

    def listen(self, port: int, received: Callable[[Datagram], object], *, ipv6: bool) -> FakeBfdListener:
        if self.refusal is not None:
            raise WireError(self.refusal)
        self.listeners[port, ipv6] = FakeBfdListener(received)
        return self.listeners[port, ipv6]

    def sender(self, session: BfdInstance) -> FakeBfdSender:
        self.senders[session.name] = FakeBfdSender(session)
        return self.senders[session.name]
