"""The userspace data plane driven by hand: a reactor of memory, a clock, and sockets of this process."""

from __future__ import annotations

import errno
import random
import socket
from collections.abc import Iterable
from hashlib import sha256
from ipaddress import ip_address
from typing import Any
from unittest import mock

import attrs
from twisted.internet.testing import MemoryReactorClock
from twisted.logger import LogLevel, capturedLogs
from twisted.python.failure import Failure as TwistedFailure
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from kaltwisted.config.model import ForwardingMethod, Protocol
from kaltwisted.lvs import userspace_tcp, userspace_udp
from kaltwisted.lvs.schedulers import Client
from kaltwisted.lvs.table import AddService, Destination, DestinationKey, Service, ServiceKey
from kaltwisted.lvs.userspace import UserspaceDataPlane
from kaltwisted.lvs.userspace_listen import RETRY_S
from kaltwisted.lvs.userspace_pool import Pool
from kaltwisted.lvs.userspace_splice import BUFFER_SIZE, Splice
from kaltwisted.ports import IDataPlane

HERE = ip_address("127.0.0.1")


def destination(port: int, weight: int = 1, **more: int) -> Destination:
    return Destination(DestinationKey(HERE, port), weight, ForwardingMethod(), **more)


def service(key: ServiceKey, *destinations: Destination, scheduler: str = "rr", **more: Any) -> Service:
    return Service(key, scheduler, destinations={each.key: each for each in destinations}, **more)


def listening(kind: int = socket.SOCK_STREAM) -> socket.socket:
    made = socket.socket(socket.AF_INET, kind)
    made.bind(("127.0.0.1", 0))
    return made


def free_key(protocol: Protocol = Protocol.TCP) -> ServiceKey:
    with listening(socket.SOCK_DGRAM if protocol is Protocol.UDP else socket.SOCK_STREAM) as probe:
        return ServiceKey(False, protocol, HERE, probe.getsockname()[1])


def turn(reactor: MemoryReactorClock) -> None:
    """What a reactor does with what is ready; descriptors of ours cope with being called in vain."""
    for reader in list(reactor.getReaders()):
        if reader in reactor.getReaders():
            reader.doRead()
    for writer in list(reactor.getWriters()):
        if writer in reactor.getWriters():
            writer.doWrite()


class PoolTests(SynchronousTestCase):
    """Who gets a connection."""

    client = Client(ip_address("198.51.100.7"), 4000, HERE)

    def pool(self, **settings: Any) -> Pool:
        pool = Pool(service(free_key(), **settings))
        for each in (destination(1), destination(2)):
            pool.set_destination(each)
        return pool

    def ports(self, pool: Pool, count: int) -> list[int]:
        picked = [pool.assign(self.client, 0.0) for _ in range(count)]
        return [each.target.destination.key.port for each in picked if each is not None]

    def test_a_persistent_client_stays_even_at_weight_0_but_not_with_who_refuses(self) -> None:
        pool = self.pool(persistence_timeout_s=60)
        self.assertEqual(self.ports(pool, 2), [1, 1])
        pool.set_destination(destination(1, 0))
        self.assertEqual(self.ports(pool, 1), [1])
        refused = pool.assign(self.client, 0.0)
        assert refused is not None
        pool.refused(refused)
        other = pool.assign(self.client, 0.0, (refused.target.destination.key,))
        assert other is not None
        self.assertEqual(other.target.destination.key.port, 2)
        self.assertEqual(self.ports(pool, 1), [2])

    def test_a_persistent_client_of_a_removed_server_is_scheduled_anew(self) -> None:
        pool = self.pool(persistence_timeout_s=60)
        self.ports(pool, 1)
        pool.remove_destination(destination(1).key)
        self.assertEqual(self.ports(pool, 2), [2, 2])

    def test_a_destination_that_comes_back_still_has_its_connections(self) -> None:
        pool = self.pool()
        held = pool.assign(self.client, 0.0)
        assert held is not None
        pool.remove_destination(held.target.destination.key)
        pool.set_destination(destination(1, uthreshold=1))
        self.assertEqual(self.ports(pool, 2), [2, 2])
        pool.release(held)
        self.assertEqual(dict(pool.counters())[destination(1).key].active, 0)

    def test_a_removed_destination_is_forgotten_with_its_last_connection(self) -> None:
        pool = self.pool()
        held = pool.assign(self.client, 0.0)
        assert held is not None
        key = held.target.destination.key
        pool.remove_destination(key)
        self.assertIn(key, dict(pool.counters()))
        pool.release(held)
        self.assertNotIn(key, dict(pool.counters()))

    def test_changed_settings_keep_turns_and_persistence(self) -> None:
        pool = self.pool(persistence_timeout_s=60)
        self.ports(pool, 1)
        pool.set_service(attrs.evolve(pool.service, persistence_timeout_s=120))
        self.assertEqual(self.ports(pool, 2), [1, 1])
        pool.set_service(attrs.evolve(pool.service, persistence_timeout_s=0))
        self.assertEqual(self.ports(pool, 2), [2, 1])


class SpliceTests(SynchronousTestCase):
    """Two socket pairs; the splice has the inner two."""

    def setUp(self) -> None:
        self.reactor = MemoryReactorClock()
        self.client, inner_client = socket.socketpair()
        self.server, inner_server = socket.socketpair()
        for each in (self.client, inner_client, self.server, inner_server):
            each.setblocking(False)
            self.addCleanup(each.close)
        self.ended: list[tuple[int, int]] = []
        self.sent, self.received = sha256(), sha256()
        view = memoryview(bytearray(BUFFER_SIZE))
        self.splice = Splice(self.reactor, inner_client, inner_server, view, self.done)
        self.splice.start()

    def done(self, splice: Splice) -> None:
        self.ended.append((splice.client.received, splice.server.received))

    def fill(self) -> int:
        """Let the server send until nobody takes more."""
        total = 0
        for number in range(200):
            data = random.Random(number).randbytes(65536)
            try:
                count = self.server.send(data)
                self.sent.update(data[:count])
                total += count
            except BlockingIOError:
                before = self.splice.server.received
                turn(self.reactor)
                if self.splice.server.received == before:
                    return total
        raise AssertionError("without a reader it took everything")

    def drain(self) -> int:
        total = 0
        while True:
            try:
                data = self.client.recv(1 << 20)
            except BlockingIOError:
                return total
            except ConnectionResetError:
                return total
            if not data:
                return total
            self.received.update(data)
            total += len(data)

    def test_a_slow_receiver_stops_the_sender_with_one_buffer_held(self) -> None:
        sent = self.fill()
        end = self.splice.client
        assert end.pending is not None
        self.assertLessEqual(len(end.pending), BUFFER_SIZE)
        self.assertNotIn(self.splice.server, self.reactor.getReaders())
        self.assertIn(end, self.reactor.getWriters())
        received = 0
        for _ in range(100):
            received += self.drain()
            turn(self.reactor)
        self.assertEqual(received + self.drain(), sent)
        self.assertEqual(self.received.digest(), self.sent.digest())
        self.assertEqual(self.reactor.getWriters(), [])
        self.assertIn(self.splice.server, self.reactor.getReaders())

    def test_the_other_direction_goes_on_meanwhile(self) -> None:
        self.fill()
        self.client.send(b"still here")
        turn(self.reactor)
        self.assertEqual(self.server.recv(100), b"still here")

    def test_when_both_have_finished_both_are_closed(self) -> None:
        self.client.send(b"question")
        self.client.shutdown(socket.SHUT_WR)
        for _ in range(2):
            turn(self.reactor)
        self.assertEqual((self.server.recv(100), self.server.recv(100)), (b"question", b""))
        self.assertTrue(self.splice.half_closed)
        self.server.send(b"answer")
        self.server.close()
        for _ in range(2):
            turn(self.reactor)
        self.assertEqual((self.client.recv(100), self.client.recv(100)), (b"answer", b""))
        self.assertEqual(self.ended, [(8, 6)])
        self.assertEqual(self.reactor.getReaders() + self.reactor.getWriters(), [])

    def test_a_server_that_stops_listening_can_still_say_why(self) -> None:
        self.server.send(b"413 too large")
        self.server.shutdown(socket.SHUT_RD)
        self.client.send(b"x" * 100)
        self.splice.client.doRead()
        self.assertEqual(self.ended, [])
        self.splice.server.doRead()
        self.assertEqual(self.client.recv(100), b"413 too large")

    def test_finish_sends_what_was_read_before_it_closes(self) -> None:
        self.fill()
        received = self.splice.server.received
        self.splice.finish()
        self.assertEqual(self.ended, [])
        got = 0
        for _ in range(100):
            got += self.drain()
            turn(self.reactor)
        self.assertEqual(got, received)
        self.assertEqual(len(self.ended), 1)

    def test_a_hang_up_meant_for_another_socket_changes_nothing(self) -> None:
        for end in (self.splice.client, self.splice.server):
            self.reactor.removeReader(end)
            end.connectionLost(TwistedFailure(ConnectionError()))
        self.client.send(b"hello")
        turn(self.reactor)
        self.assertEqual(self.server.recv(100), b"hello")

    def test_a_hang_up_ends_it(self) -> None:
        self.fill()
        self.client.close()
        self.splice.client.connectionLost(TwistedFailure(ConnectionError()))
        self.assertEqual(len(self.ended), 1)


class PlaneCase(SynchronousTestCase):
    """A plane with a clock, stopped in the end."""

    def setUp(self) -> None:
        self.reactor = MemoryReactorClock()
        self.plane = UserspaceDataPlane(self.reactor, connections=10)
        self.addCleanup(self.stop)

    def stop(self) -> None:
        stopped = self.plane.stop(keep=False)
        self.reactor.advance(1)
        self.successResultOf(stopped)
        self.assertEqual(self.reactor.getDelayedCalls(), [])
        self.assertEqual(self.reactor.getReaders() + self.reactor.getWriters(), [])

    def apply(self, *services: Service) -> Any:
        return self.successResultOf(self.plane.apply({each.key: each for each in services}))

    def snapshot(self) -> Any:
        return self.successResultOf(self.plane.snapshot())

    def server(self, backlog: int = 5) -> socket.socket:
        made = listening()
        made.listen(backlog)
        made.setblocking(False)
        self.addCleanup(made.close)
        return made

    def client(self, key: ServiceKey) -> socket.socket:
        made = socket.create_connection(("127.0.0.1", key.port), 5)
        made.setblocking(False)
        self.addCleanup(made.close)
        return made

    def counters(self, key: ServiceKey, server: socket.socket) -> Any:
        return self.plane.statistics()[key, DestinationKey(HERE, server.getsockname()[1])]


class ApplyTests(PlaneCase):
    """The table and what is made of it."""

    def test_it_is_a_data_plane_and_starts_empty(self) -> None:
        verifyObject(IDataPlane, self.plane)
        self.assertEqual(self.successResultOf(self.plane.start()), {})

    def test_what_is_applied_is_there_and_applying_it_again_is_no_step(self) -> None:
        wanted = service(free_key(), destination(1), destination(2, 0), scheduler="wrr")
        self.assertEqual(self.apply(wanted).steps, 3)
        self.assertEqual(self.snapshot(), {wanted.key: wanted})
        self.assertEqual(self.apply(attrs.evolve(wanted)).steps, 0)
        changed = service(wanted.key, destination(2, 5), destination(3), scheduler="lc")
        self.assertEqual(self.apply(changed).steps, 4)
        self.assertEqual(self.snapshot(), {wanted.key: changed})
        self.assertEqual(self.apply().steps, 1)
        self.assertEqual(self.snapshot(), {})

    def test_what_userspace_cannot_do_fails_once_in_words_and_the_rest_works(self) -> None:
        good = service(free_key(), destination(1))
        impossible = [
            service(ServiceKey(False, fwmark=7), destination(1)),
            service(ServiceKey(False, Protocol.SCTP, HERE, 80), destination(1)),
            service(ServiceKey(False, Protocol.TCP, HERE, 0), destination(1)),
        ]
        applied = self.apply(good, *impossible)
        self.assertEqual([failure.step for failure in applied.failures], [AddService(s) for s in impossible])
        for failure in applied.failures:
            self.assertIn("the kernel's IPVS", failure.reason)
        self.assertEqual(self.snapshot(), {good.key: good})
        self.assertEqual(self.apply(good, *impossible).failures, ())
        self.apply(good)
        self.assertEqual(len(self.apply(good, impossible[0]).failures), 1)

    def test_an_unknown_scheduler_is_wlc_with_one_warning(self) -> None:
        with capturedLogs() as logs:
            wanted = service(free_key(), destination(1), scheduler="lbhc")
            self.apply(wanted)
            self.apply(attrs.evolve(wanted, destinations={}))
        warnings = [event for event in logs if event["log_level"] is LogLevel.warn]
        self.assertEqual([event["scheduler"] for event in warnings], ["lbhc"])


class ListenTests(PlaneCase):
    """The virtual address cannot be had, at first."""

    def errors(self, logs: Iterable[Any]) -> list[str]:
        return [event["remedy"] for event in logs if event["log_level"] is LogLevel.error]

    def test_a_port_in_use_is_said_once_and_tried_again(self) -> None:
        other = self.server()
        key = ServiceKey(False, Protocol.TCP, HERE, other.getsockname()[1])
        with capturedLogs() as logs:
            self.apply(service(key, destination(1)))
            self.reactor.advance(RETRY_S)
            self.reactor.advance(RETRY_S)
        [remedy] = self.errors(logs)
        self.assertIn("another program has this port", remedy)
        self.assertEqual(self.reactor.getReaders(), [])
        other.close()
        self.reactor.advance(RETRY_S)
        self.assertEqual(len(self.reactor.getReaders()), 1)
        self.client(key)

    def test_no_right_to_the_port_is_said_with_its_remedy(self) -> None:
        denied = OSError(errno.EACCES, "Permission denied")
        with capturedLogs() as logs, mock.patch.object(socket.socket, "bind", side_effect=denied):
            self.apply(service(ServiceKey(False, Protocol.TCP, HERE, 80)))
        [remedy] = self.errors(logs)
        self.assertIn("CAP_NET_BIND_SERVICE", remedy)

    def test_an_address_that_is_not_here_yet_is_listened_on_all_the_same(self) -> None:
        key = ServiceKey(False, Protocol.TCP, ip_address("192.0.2.77"), 8099)
        with capturedLogs() as logs:
            self.apply(service(key, destination(1)))
        self.assertEqual(self.errors(logs), [])
        self.assertEqual(len(self.reactor.getReaders()), 1)


class TcpTests(PlaneCase):
    """Connections, turn by turn."""

    def test_a_server_that_does_not_answer_is_given_up_for_the_next(self) -> None:
        silent, server = self.server(backlog=0), self.server()
        full = [socket.socket() for _ in range(3)]  # fills the queue: further SYNs are dropped
        for each in full:
            each.setblocking(False)
            each.connect_ex(silent.getsockname())
            self.addCleanup(each.close)
        key = free_key()
        self.apply(service(key, *(destination(each.getsockname()[1]) for each in (silent, server))))
        client = self.client(key)
        client.send(b"hello")
        turn(self.reactor)
        self.assertEqual(self.counters(key, silent).active, 1)
        self.reactor.advance(userspace_tcp.CONNECT_TIMEOUT_S)
        self.assertEqual(self.counters(key, silent).active, 0)
        self.assertEqual(self.counters(key, silent).refused, 1)
        turn(self.reactor)
        accepted, _ = server.accept()
        self.addCleanup(accepted.close)
        self.assertEqual(accepted.recv(10), b"hello")

    def test_idle_connections_end_and_busy_ones_do_not(self) -> None:
        server, key = self.server(), free_key()
        self.apply(service(key, destination(server.getsockname()[1])))
        idle, busy = self.client(key), self.client(key)
        turn(self.reactor)
        for _ in range(int(userspace_tcp.IDLE_S / userspace_tcp.SWEEP_S) + 2):
            busy.send(b"x")
            turn(self.reactor)
            self.reactor.advance(userspace_tcp.SWEEP_S)
        self.assertEqual(self.counters(key, server).active, 1)
        with self.assertRaises(ConnectionResetError):
            idle.recv(1)
        with self.assertRaises(BlockingIOError):
            busy.recv(1)

    def test_out_of_descriptors_it_pauses_and_goes_on(self) -> None:
        server, key = self.server(), free_key()
        self.apply(service(key, destination(server.getsockname()[1])))
        self.client(key)
        too_many = OSError(errno.EMFILE, "Too many open files")
        with capturedLogs() as logs, mock.patch.object(socket.socket, "accept", side_effect=too_many):
            turn(self.reactor)
        self.assertEqual(self.reactor.getReaders(), [])
        self.assertIn("open files", logs[-1]["log_format"])
        self.reactor.advance(1)
        turn(self.reactor)
        self.assertEqual(self.counters(key, server).connections, 1)

    def test_stop_ends_also_who_still_waits_for_a_server(self) -> None:
        silent, key = self.server(backlog=0), free_key()
        for _ in range(3):
            each = socket.socket()
            each.setblocking(False)
            each.connect_ex(silent.getsockname())
            self.addCleanup(each.close)
        self.apply(service(key, destination(silent.getsockname()[1])))
        client = self.client(key)
        turn(self.reactor)
        self.stop()
        with self.assertRaises(ConnectionResetError):
            client.recv(1)


class UdpTests(PlaneCase):
    """Sessions, turn by turn."""

    def setUp(self) -> None:
        super().setUp()
        self.server_socket = listening(socket.SOCK_DGRAM)
        self.server_socket.setblocking(False)
        self.addCleanup(self.server_socket.close)
        self.key = free_key(Protocol.UDP)

    def send(self, count: int) -> None:
        for _ in range(count):
            client = listening(socket.SOCK_DGRAM)
            self.addCleanup(client.close)
            client.sendto(b"x", ("127.0.0.1", self.key.port))
        turn(self.reactor)

    def wanted(self, **more: Any) -> Service:
        return service(self.key, destination(self.server_socket.getsockname()[1]), **more)

    def test_sessions_end_when_unused(self) -> None:
        self.apply(self.wanted())
        self.send(3)
        self.assertEqual(self.counters(self.key, self.server_socket).active, 3)
        self.reactor.advance(userspace_udp.SESSION_S - 10)
        self.send(1)
        self.reactor.pump([userspace_udp.SWEEP_S] * 10)
        counters = self.counters(self.key, self.server_socket)
        self.assertEqual((counters.active, counters.connections, counters.bytes_in), (1, 4, 4))

    def test_with_ops_an_answer_is_waited_for_only_shortly(self) -> None:
        self.apply(self.wanted(ops=True))
        self.send(2)
        self.assertEqual(self.counters(self.key, self.server_socket).active, 2)
        self.reactor.pump([userspace_udp.SWEEP_S] * 6)
        self.assertEqual(self.counters(self.key, self.server_socket).active, 0)

    def test_at_the_limit_the_longest_unused_gives_way(self) -> None:
        self.apply(self.wanted())
        self.send(25)
        counters = self.counters(self.key, self.server_socket)
        self.assertEqual((counters.active, counters.connections), (10, 25))
