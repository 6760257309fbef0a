"""The userspace data plane on real sockets: servers, clients and the balancer on loopback addresses."""

from __future__ import annotations

import socket
from collections import Counter
from collections.abc import Callable, Iterator
from ipaddress import ip_address
from typing import Any

import attrs
import pytest
import pytest_twisted
from twisted.internet import reactor as _reactor
from twisted.internet.defer import Deferred, DeferredList, maybeDeferred
from twisted.internet.protocol import ClientFactory, DatagramProtocol, Factory, Protocol
from twisted.internet.task import deferLater

from kaltwisted.config import model
from kaltwisted.config.model import ForwardingMethod
from kaltwisted.lvs.table import Destination, DestinationKey, Service, ServiceKey
from kaltwisted.lvs.userspace import UserspaceDataPlane

pytestmark = pytest.mark.network

reactor: Any = _reactor
MEGABYTE = 1024 * 1024


def free_port(address: str, kind: int = socket.SOCK_STREAM) -> int:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, kind) as probe:
        probe.bind((address, 0))
        return int(probe.getsockname()[1])


class Server(Protocol):
    """Says its factory's name and the first line it got, then closes."""

    def dataReceived(self, data: bytes) -> None:
        self.factory.requests += 1  # type: ignore[attr-defined, union-attr]
        self.transport.write(self.factory.name + b" " + data)
        self.transport.loseConnection()


class NamedFactory(Factory):
    protocol = Server
    noisy = False

    def __init__(self, name: str) -> None:
        self.name = name.encode()
        self.requests = 0
        self.here: set[Protocol] = set()


class Asking(Protocol):
    """A client: sends, collects until the end."""

    def __init__(self, request: bytes, done: Deferred[bytes]) -> None:
        self.request, self.done, self.received = request, done, []

    def connectionMade(self) -> None:
        if self.request:
            self.transport.write(self.request)

    def dataReceived(self, data: bytes) -> None:
        self.received.append(data)

    def connectionLost(self, reason: Any = None) -> None:
        done, self.done = self.done, None
        if done is not None:
            done.callback(b"".join(self.received))


def connect(address: str, port: int, protocol: Protocol) -> None:
    factory = ClientFactory()
    factory.noisy = False
    factory.buildProtocol = lambda _: protocol
    factory.clientConnectionFailed = lambda _, reason: protocol.connectionLost(reason)
    reactor.connectTCP(address, port, factory)


def ask(site: Site, request: bytes = b"hello") -> Deferred[bytes]:
    done: Deferred[bytes] = Deferred()
    connect(site.address, site.port, Asking(request, done))
    return done


class Site:
    """A virtual service with its servers, and what to clean up."""

    def __init__(self, address: str = "127.0.0.9", scheduler: str = "wrr", **plane: Any) -> None:
        self.address = address
        self.port = free_port(address)
        self.scheduler = scheduler
        self.settings: dict[str, Any] = {}
        self.protocol = model.Protocol.TCP
        self.plane = UserspaceDataPlane(reactor, **plane)
        self.ports: list[Any] = []
        self.destinations: dict[DestinationKey, Destination] = {}

    @property
    def key(self) -> ServiceKey:
        return ServiceKey(":" in self.address, self.protocol, ip_address(self.address), self.port)

    def serve(self, factory: Any, address: str = "127.0.0.1", weight: int = 1) -> Destination:
        if isinstance(factory, DatagramProtocol):
            port = reactor.listenUDP(0, factory, interface=address)
        else:
            port = reactor.listenTCP(0, factory, interface=address)
        self.ports.append(port)
        return self.add(address, port.getHost().port, weight)

    def add(self, address: str, port: int, weight: int = 1) -> Destination:
        destination = Destination(DestinationKey(ip_address(address), port), weight, ForwardingMethod())
        self.destinations[destination.key] = destination
        return destination

    def apply(self) -> None:
        service = Service(self.key, self.scheduler, destinations=dict(self.destinations), **self.settings)
        self.plane.apply({self.key: service})

    def weigh(self, destination: Destination, weight: int) -> None:
        self.destinations[destination.key] = attrs.evolve(destination, weight=weight)
        self.apply()

    def counters(self, destination: Destination) -> Any:
        return self.plane.statistics()[self.key, destination.key]

    async def close(self) -> None:
        await self.plane.stop(keep=False)
        for port in self.ports:
            await maybeDeferred(port.stopListening)


@pytest.fixture
def sites() -> Iterator[Callable[..., Site]]:
    made: list[Site] = []

    def make(*args: Any, **kwargs: Any) -> Site:
        made.append(Site(*args, **kwargs))
        return made[-1]

    yield make
    for site in made:
        pytest_twisted.blockon(Deferred.fromCoroutine(site.close()))


async def until(condition: Callable[[], bool]) -> None:
    for _ in range(1500):
        if condition():
            return
        await deferLater(reactor, 0.01)
    raise AssertionError("it did not happen within 15 seconds")


async def pause(seconds: float) -> None:
    await deferLater(reactor, seconds)


@pytest_twisted.ensureDeferred
async def test_clients_are_shared_by_weight(sites: Any) -> None:
    site = sites()
    factories = {name: NamedFactory(name) for name in ("a", "b")}
    heavy = site.serve(factories["a"], weight=3)
    light = site.serve(factories["b"], address="127.0.0.2", weight=1)
    site.apply()
    answers = Counter([(await ask(site)) for _ in range(40)])
    assert answers == {b"a hello": 30, b"b hello": 10}
    await until(lambda: not site.counters(heavy).active and not site.counters(light).active)
    assert site.counters(heavy).connections == 30
    assert (site.counters(light).bytes_in, site.counters(light).bytes_out) == (50, 70)


@pytest_twisted.ensureDeferred
async def test_a_server_that_dies_fails_no_client(sites: Any) -> None:
    site = sites(scheduler="rr")
    site.serve(NamedFactory("a"))
    dead = site.serve(NamedFactory("b"), address="127.0.0.2")
    site.apply()
    assert {await ask(site) for _ in range(2)} == {b"a hello", b"b hello"}
    await site.ports[1].stopListening()
    many = await DeferredList([ask(site) for _ in range(50)])
    assert {answer for _, answer in many} == {b"a hello"}
    assert site.counters(dead).refused > 0
    del site.destinations[dead.key]
    site.apply()
    assert await ask(site) == b"a hello"


@pytest_twisted.ensureDeferred
async def test_with_nobody_left_the_client_is_reset_at_once(sites: Any) -> None:
    site = sites()
    site.add("127.0.0.1", free_port("127.0.0.1"))
    site.apply()
    assert await ask(site) == b""


class Fountain(Protocol):
    """Sends ``size`` bytes as the receiver takes them, then closes."""

    size = 64 * MEGABYTE

    def connectionMade(self) -> None:
        self.left = self.size
        self.transport.registerProducer(self, True)
        self.going = True
        self.produce()

    def produce(self) -> None:
        while self.going and self.left:
            chunk = min(self.left, 65536)
            self.left -= chunk
            self.transport.write(b"x" * chunk)
        if not self.left:
            self.transport.unregisterProducer()
            self.transport.loseConnection()

    def pauseProducing(self) -> None:
        self.going = False

    def resumeProducing(self) -> None:
        self.going = True
        self.produce()

    def stopProducing(self) -> None:
        self.going = False
        self.left = 0


class Counting(Protocol):
    """A client that counts, and can be held."""

    def __init__(self) -> None:
        self.count = 0
        self.done = False
        self.reason: Any = None

    def dataReceived(self, data: bytes) -> None:
        self.count += len(data)

    def connectionLost(self, reason: Any = None) -> None:
        self.done, self.reason = True, reason


def fountain() -> Factory:
    factory = Factory.forProtocol(Fountain)
    factory.noisy = False
    return factory


@pytest_twisted.ensureDeferred
async def test_a_slow_reader_holds_one_buffer_and_then_gets_everything(sites: Any) -> None:
    site = sites()
    server = site.serve(fountain())
    site.apply()
    client = Counting()
    connect(site.address, site.port, client)
    await until(lambda: client.count > 0)
    client.transport.pauseProducing()
    [service] = site.plane._services.values()
    [splice] = service._splices
    await until(lambda: splice.client.pending is not None)
    taken = site.counters(server).bytes_out
    await pause(0.2)
    # Nothing more is read from the server: what it sends stays with it.
    assert site.counters(server).bytes_out == taken
    assert taken < Fountain.size / 2
    assert len(splice.client.pending) <= 128 * 1024
    client.transport.resumeProducing()
    await until(lambda: client.done)
    assert client.count == Fountain.size


@pytest_twisted.ensureDeferred
async def test_draining_and_removal_leave_a_download_alone(sites: Any) -> None:
    site = sites()
    server = site.serve(fountain())
    other = site.serve(NamedFactory("b"), address="127.0.0.2", weight=0)
    site.apply()
    client = Counting()
    connect(site.address, site.port, client)
    await until(lambda: client.count > 0)
    client.transport.pauseProducing()
    site.weigh(server, 0)
    site.weigh(other, 1)
    assert await ask(site) == b"b hello"
    del site.destinations[server.key]
    site.apply()
    assert await ask(site) == b"b hello"
    assert site.counters(server).active == 1
    client.transport.resumeProducing()
    await until(lambda: client.done)
    assert client.count == Fountain.size
    await until(lambda: (site.key, server.key) not in site.plane.statistics())


@pytest_twisted.ensureDeferred
async def test_a_removed_service_finishes_what_it_carries(sites: Any) -> None:
    site = sites()
    site.serve(fountain())
    site.apply()
    client = Counting()
    connect(site.address, site.port, client)
    await until(lambda: client.count > 0)
    client.transport.pauseProducing()
    site.plane.apply({})
    refused: Deferred[bytes] = Deferred()
    connect(site.address, site.port, Asking(b"x", refused))
    assert await refused == b""
    client.transport.resumeProducing()
    await until(lambda: client.done)
    assert client.count == Fountain.size


async def raw(address: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    connection = socket.socket(family)
    connection.setblocking(False)
    connection.connect_ex((address, port))
    await until(lambda: connection.connect_ex((address, port)) in (0, 106))
    return connection


async def receive(connection: socket.socket) -> bytes:
    received: list[bytes] = []

    def ready() -> bool:
        try:
            received.append(connection.recv(65536))
        except BlockingIOError:
            return False
        return True

    await until(ready)
    return received[0]


@pytest_twisted.ensureDeferred
async def test_half_close_passes_both_ways_and_reset_too(sites: Any) -> None:
    site = sites("::1")
    with socket.socket(socket.AF_INET6) as listening:
        listening.bind(("::1", 0))
        listening.listen()
        listening.setblocking(False)
        site.add("::1", listening.getsockname()[1])
        site.apply()

        async def pair() -> tuple[socket.socket, socket.socket]:
            client = await raw(site.address, site.port)
            accepted: list[socket.socket] = []

            def arrived() -> bool:
                try:
                    accepted.append(listening.accept()[0])
                except BlockingIOError:
                    return False
                return True

            await until(arrived)
            accepted[0].setblocking(False)
            return client, accepted[0]

        for first, second in ((0, 1), (1, 0)):
            ends = await pair()
            ends[first].sendall(b"question")
            ends[first].shutdown(socket.SHUT_WR)
            assert await receive(ends[second]) == b"question"
            assert await receive(ends[second]) == b""
            ends[second].sendall(b"answer")
            assert await receive(ends[first]) == b"answer"
            ends[second].close()
            assert await receive(ends[first]) == b""
            ends[first].close()

        for first, second in ((0, 1), (1, 0)):
            ends = await pair()
            ends[first].sendall(b"x")
            assert await receive(ends[second]) == b"x"
            ends[first].setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            ends[first].close()
            with pytest.raises(ConnectionResetError):
                await receive(ends[second])
            ends[second].close()
        [service] = site.plane._services.values()
        await until(lambda: service.connections == 0)


@pytest_twisted.ensureDeferred
async def test_at_the_limit_clients_wait_and_are_served_later(sites: Any) -> None:
    site = sites(connections=2)
    site.serve(NamedFactory("a"))
    site.apply()
    idle = [await raw(site.address, site.port) for _ in range(2)]
    [service] = site.plane._services.values()
    await until(lambda: service.connections == 2)
    waiting = ask(site)
    await pause(0.1)
    assert not waiting.called
    for connection in idle:
        connection.close()
    assert await waiting == b"a hello"


@pytest_twisted.ensureDeferred
async def test_stop_closes_at_once_even_with_a_client_that_does_not_read(sites: Any) -> None:
    site = sites()
    site.serve(fountain())
    site.apply()
    clients = [Counting() for _ in range(3)]
    for client in clients:
        connect(site.address, site.port, client)
    await until(lambda: all(client.count for client in clients))
    clients[0].transport.pauseProducing()
    await site.plane.stop(keep=False)
    clients[0].transport.resumeProducing()
    await until(lambda: all(client.done for client in clients))
    assert await site.plane.snapshot() == {}


class UdpEcho(DatagramProtocol):
    def __init__(self, name: str) -> None:
        self.name = name.encode()

    def datagramReceived(self, datagram: bytes, addr: Any) -> None:
        self.transport.write(self.name + b" " + datagram, addr)


class UdpAsking(DatagramProtocol):
    def __init__(self) -> None:
        self.answers: list[bytes] = []

    def datagramReceived(self, datagram: bytes, addr: Any) -> None:
        self.answers.append(datagram)


async def udp_ask(site: Site, count: int = 1, patient: bool = True) -> list[bytes]:
    client = UdpAsking()
    port = reactor.listenUDP(0, client, interface="127.0.0.1")
    for number in range(count):
        client.transport.write(b"%d" % number, (site.address, site.port))
        if patient:
            await until(lambda expected=number + 1: len(client.answers) >= expected)
        else:
            await pause(0.05)
    await port.stopListening()
    return client.answers


def udp_site(sites: Any, **settings: Any) -> Site:
    site: Site = sites(scheduler="rr")
    site.protocol = model.Protocol.UDP
    site.port = free_port(site.address, socket.SOCK_DGRAM)
    site.settings = settings
    return site


@pytest_twisted.ensureDeferred
async def test_udp_clients_keep_their_session_and_with_ops_they_do_not(sites: Any) -> None:
    site = udp_site(sites)
    site.serve(UdpEcho("a"))
    site.serve(UdpEcho("b"))
    site.apply()
    assert await udp_ask(site, 3) == [b"a 0", b"a 1", b"a 2"]
    assert await udp_ask(site, 2) == [b"b 0", b"b 1"]
    site.settings = {"ops": True}
    site.apply()
    assert await udp_ask(site, 4) == [b"a 0", b"b 1", b"a 2", b"b 3"]


@pytest_twisted.ensureDeferred
async def test_udp_persistence_keeps_a_client_with_its_server(sites: Any) -> None:
    site = udp_site(sites, persistence_timeout_s=60, granularity=24)
    site.serve(UdpEcho("a"))
    site.serve(UdpEcho("b"))
    site.apply()
    assert {(await udp_ask(site))[0] for _ in range(4)} == {b"a 0"}


@pytest_twisted.ensureDeferred
async def test_udp_goes_on_with_another_server_after_an_icmp_refusal(sites: Any) -> None:
    site = udp_site(sites)
    site.add("127.0.0.1", free_port("127.0.0.1", socket.SOCK_DGRAM))
    site.serve(UdpEcho("b"))
    site.apply()
    assert await udp_ask(site, 3, patient=False) == [b"b 1", b"b 2"]
