"""What is said where raw sockets are not allowed, and what is done with packets of an interface."""

from __future__ import annotations

import errno
import fcntl
import socket
import struct
import time
from collections.abc import Callable
from ipaddress import ip_address
from types import SimpleNamespace

from twisted.internet.error import ConnectionDone
from twisted.internet.task import Clock
from twisted.logger import capturedLogs, formatEvent
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from kaltwisted.ports import Ipv6Message, IWire, Link, Listening, WireError
from kaltwisted.testing.netlink import ReaderClock
from kaltwisted.testing.vrrp import FakeWire
from kaltwisted.vrrp import packet, wire
from kaltwisted.vrrp.dispatcher import Dispatcher
from kaltwisted.vrrp.silent import SilentPort
from kaltwisted.vrrp.strangers import Strangers
from kaltwisted.vrrp.wire import RawWire, why_not
from tests.unit.vrrp_helpers import config

ETH0 = Link(2, "eth0")
GROUP = ip_address("224.0.0.18")
SOURCE = bytes((10, 0, 0, 1))
ME = ip_address(SOURCE)


def advert(vrid: int) -> bytes:
    message = packet.encode(packet.Expected(vrid), 100, SOURCE, SOURCE, packet.IPV4_GROUP)
    return packet.ipv4_packet(message, SOURCE, packet.IPV4_GROUP, 1)


class Refused(SynchronousTestCase):
    def refuse(self, number: int) -> None:
        def no_socket(*_: object) -> socket.socket:
            raise OSError(number, "no")

        self.patch(socket, "socket", no_socket)

    def test_who_may_not_is_told_what_helps(self) -> None:
        verifyObject(IWire, RawWire(None))
        self.refuse(errno.EPERM)
        words = why_not()
        assert words is not None
        for needed in ("Operation not permitted", "root", "CAP_NET_RAW", "CAP_NET_ADMIN"):
            self.assertIn(needed, words)
        with self.assertRaises(WireError) as raised:
            RawWire(None).open(ETH0, Listening(4, frozenset((51,))), lambda *_: None)
        self.assertIn("eth0", str(raised.exception))

    def test_other_errors_get_no_wrong_advice(self) -> None:
        self.refuse(errno.EMFILE)
        words = why_not()
        assert words is not None
        self.assertIn("Too many open files", words)
        self.assertNotIn("CAP_NET_RAW", words)


class Waiting(SynchronousTestCase):
    def setUp(self) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.addCleanup(self.socket.close)
        self.socket.bind(("127.0.0.1", 0))
        self.waited: list[int] = []
        self.receiver = wire._Receiver(lambda _, waited_us: self.waited.append(waited_us))
        self.receiver.transport = SimpleNamespace(socket=self.socket)

    def receive(self) -> None:
        self.socket.sendto(b"x", self.socket.getsockname())
        self.receiver.datagramReceived(self.socket.recv(1), None)

    def test_each_packet_comes_with_how_long_it_waited(self) -> None:
        for _ in range(2):  # of the very first one the kernel has no note
            self.receive()
        stamp = fcntl.ioctl(self.socket, wire._SIOCGSTAMPNS, bytes(16))
        seconds, nanoseconds = struct.unpack("ll", stamp)
        came_in = seconds * 1_000_000_000 + nanoseconds
        for later_us, waited_us in ((0, 0), (30_000, 30_000), (3_600_000_000, 0), (-1000, 0)):
            self.patch(time, "time_ns", lambda later_us=later_us: came_in + later_us * 1000)
            self.receiver.datagramReceived(b"x", None)
            self.assertEqual(self.waited[-1], waited_us)


class Closing(SynchronousTestCase):
    """The kernel takes its time over the end of a packet socket, and the reactor has none for that."""

    def test_a_packet_socket_is_closed_by_another_thread(self) -> None:
        reactor, heard = ThreadsLater(), []
        ours, theirs = socket.socketpair(type=socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        self.addCleanup(ours.close)
        self.addCleanup(theirs.close)

        def received(data: bytes | Ipv6Message, waited_us: int) -> None:
            heard.append(data)
            port.stopListening()

        port = SilentPort(reactor, ours, received, lambda _: 0, 100)
        self.assertEqual(reactor.readers, [port])
        for data in (b"one", b"two"):
            theirs.send(data)
        port.doRead()
        port.stopListening()
        self.assertEqual((heard, reactor.readers, port.fileno()), ([b"one"], [], -1))
        self.assertNotEqual(ours.fileno(), -1)
        (close,) = reactor.calls
        close()
        self.assertEqual(ours.fileno(), -1)

    def test_it_outlives_what_the_reactor_takes_for_its_end(self) -> None:
        reactor, heard = ThreadsLater(), []
        ours, theirs = socket.socketpair(type=socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        self.addCleanup(theirs.close)
        port = SilentPort(reactor, ours, lambda data, _: heard.append(data), lambda _: 0, 100)
        reactor.removeReader(port)
        port.connectionLost(Failure(ConnectionDone()))
        theirs.send(b"one")
        reactor.turn()
        self.assertEqual(heard, [b"one"])
        port.stopListening()
        port.connectionLost(Failure(ConnectionDone()))
        self.assertEqual(reactor.readers, [])
        reactor.calls.pop()()


class ThreadsLater(ReaderClock):
    """A reactor whose threads run when the test calls them."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[Callable[[], object]] = []

    def callInThread(self, call: Callable[[], object]) -> None:
        self.calls.append(call)


class Dispatching(SynchronousTestCase):
    def setUp(self) -> None:
        self.wire = FakeWire()
        self.dispatcher = Dispatcher(self.wire)
        self.heard: list[tuple[str, bytes]] = []
        for name, vrid in (("eth0", 51), ("eth0", 52), ("eth1", 51)):
            self.dispatcher.register(
                config(interface=name, virtual_router_id=vrid),
                lambda data, _, to=f"{name}/{vrid}": self.hear(to, data),
            )

    def hear(self, to: str, data: bytes) -> None:
        self.heard.append((to, data))

    def test_by_interface_and_vrid(self) -> None:
        for link in (ETH0, Link(3, "eth1"), Link(4, "eth2")):
            self.dispatcher.open(link)
        self.assertEqual(set(self.wire.ports), {"eth0", "eth1"})
        listening = Listening(4, frozenset((51, 52)), frozenset((GROUP,)))
        self.assertEqual(self.wire.ports["eth0"].listening, listening)
        for name, vrid in (("eth0", 52), ("eth1", 51), ("eth1", 52), ("eth0", 99)):
            self.wire.ports[name].receive(advert(vrid))
        self.wire.ports["eth0"].receive(b"\x45")
        self.assertEqual([to for to, _ in self.heard], ["eth0/52", "eth1/51"])

    def test_one_socket_an_interface_and_a_new_one_for_a_new_number(self) -> None:
        self.dispatcher.open(ETH0)
        first = self.wire.ports["eth0"]
        self.dispatcher.open(Link(2, "eth0", running=False))
        self.assertIs(self.wire.ports["eth0"], first)
        self.dispatcher.open(Link(7, "eth0"))
        self.assertTrue(first.closed)
        self.assertEqual(self.wire.ports["eth0"].link.index, 7)
        self.dispatcher.close_all()
        self.assertTrue(self.wire.ports["eth0"].closed)

    def test_what_cannot_be_sent_is_told_once_until_it_can(self) -> None:
        self.dispatcher.open(ETH0)
        port = self.wire.ports["eth0"]
        with capturedLogs() as logs:
            for broken in ("Network is down", "Network is down", None, "Network is down"):
                port.broken = broken
                self.dispatcher.send("eth0", advert(51), ME, GROUP, 255)
            self.dispatcher.send("eth9", advert(51), ME, GROUP, 255)
        self.assertEqual(len(port.sent), 1)
        self.assertEqual([event["line"].endswith("Network is down") for event in logs], [True, True])

    def test_an_interface_that_cannot_be_opened_is_told_once_and_tried_again(self) -> None:
        self.wire.broken = "no memory"
        with capturedLogs() as logs:
            self.dispatcher.try_open(ETH0)
            self.dispatcher.try_open(ETH0)
        self.assertEqual([event["line"] for event in logs], ["no memory"])
        self.wire.broken = None
        self.dispatcher.try_open(ETH0)
        self.assertIn("eth0", self.wire.ports)


class StrangersTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.wire, self.clock = FakeWire(), Clock()
        self.dispatcher = Dispatcher(self.wire, Strangers(self.clock))
        self.heard: list[bytes] = []
        self.dispatcher.register(config(), lambda data, _: self.heard.append(data))
        self.dispatcher.open(ETH0)

    def hear_of(self, *vrids: int) -> list[str]:
        with capturedLogs() as logs:
            for vrid in vrids:
                self.wire.ports["eth0"].receive(advert(vrid))
        return [formatEvent(event) for event in logs]

    def test_they_are_let_in_and_told_in_keepalived_s_words(self) -> None:
        self.assertEqual(self.wire.ports["eth0"].listening.vrids, frozenset(range(1, 256)))
        line = "Unknown VRID(99) received on interface(eth0). ignoring..."
        self.assertEqual(self.hear_of(99, 51), [line])
        self.assertEqual(self.heard, [advert(51)])

    def test_each_once_a_minute_and_nonsense_not_at_all(self) -> None:
        self.assertEqual(len(self.hear_of(99, 99, 100, 0)), 2)
        self.clock.advance(59.9)
        self.assertEqual(self.hear_of(99, 100), [])
        self.clock.advance(0.2)
        self.assertEqual(len(self.hear_of(99, 99)), 1)

    def test_a_reload_ends_it_and_the_kernel_drops_them_again(self) -> None:
        self.dispatcher.strangers = None
        self.dispatcher.refresh(ETH0)
        self.assertEqual(self.wire.ports["eth0"].listening.vrids, frozenset((51,)))
        self.assertEqual(self.hear_of(99), [])
