"""IpvsDataPlane against a played kernel."""

from __future__ import annotations

import errno
import json
from collections.abc import Callable
from ipaddress import ip_address
from pathlib import Path
from typing import TypeVar

import attrs
from hypothesis import given, settings
from twisted.internet.defer import Deferred
from twisted.internet.error import ProcessDone
from twisted.internet.interfaces import IProcessProtocol
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from kaltwisted.config.model import (
    FlushOnStop,
    Forwarding,
    ForwardingMethod,
    GlobalDefs,
    Protocol,
)
from kaltwisted.kernel.messages import Message
from kaltwisted.lvs.ipvs import IpvsDataPlane, IpvsUnavailableError
from kaltwisted.lvs.ipvs_messages import Command, as_reported
from kaltwisted.lvs.ownership import dump_keys, load_keys
from kaltwisted.lvs.table import (
    AddDestination,
    AddService,
    Applied,
    Destination,
    DestinationKey,
    Service,
    ServiceKey,
    Table,
)
from kaltwisted.ports import IDataPlane
from kaltwisted.testing.lvs import FakeDataPlane, FakeIpvsKernel
from kaltwisted.testing.netlink import FakeNetlinkSocket, ReaderClock

from .lvs_tables import tables

T = TypeVar("T")
DR = ForwardingMethod(Forwarding.DR)
PLAIN_READS = {Command.GET_SERVICE, Command.GET_DEST}


def service(port: int = 80, servers: int = 2, weight: int = 1, scheduler: str = "wlc") -> Service:
    key = ServiceKey(False, Protocol.TCP, ip_address("10.0.0.1"), port)
    there = [DestinationKey(ip_address(0x0A010000 + number), port) for number in range(servers)]
    return Service(key, scheduler, destinations={each: Destination(each, weight, DR) for each in there})


def table(*services: Service) -> dict[ServiceKey, Service]:
    return {each.key: each for each in services}


class PlaneTestCase(SynchronousTestCase):
    """A plane, its kernel and its state file."""

    def setUp(self) -> None:
        self.kernel = FakeIpvsKernel()
        self.reactor = ReaderClock()
        self.state_file = Path(self.mktemp()) / "ipvs.json"
        self.plane = self.new_plane()

    def new_plane(self) -> IpvsDataPlane:
        return IpvsDataPlane(self.reactor, self.state_file, connect=self.kernel.connect)

    def result(self, deferred: Deferred[T]) -> T:
        self.reactor.spin()
        return self.successResultOf(deferred)  # type: ignore[no-any-return]

    def start(self) -> Table:
        return self.result(self.plane.start())

    def apply(self, desired: Table) -> Applied:
        return self.result(self.plane.apply(desired))

    def kill(self) -> IpvsDataPlane:
        """The daemon dies by kill -9; its heir is started."""
        self.reactor.readers.clear()
        self.plane = self.new_plane()
        self.start()
        return self.plane

    def writes(self) -> list[Command]:
        """What was asked of the kernel to change since last asked."""
        commands = [each for each in self.kernel.commands if each not in PLAIN_READS]
        self.kernel.commands.clear()
        return commands

    def interfere_once(self, command: Command, act: Callable[[], int | None]) -> None:
        """Have ``act`` done just before the kernel carries out the first such command."""
        acts = [act]

        def interfere(asked: Command, message: Message) -> int | None:
            return acts.pop()() if asked is command and acts else None

        self.kernel.interfere = interfere


class ApplyTests(PlaneTestCase):
    """From one table to the next."""

    def test_it_is_a_data_plane(self) -> None:
        verifyObject(IDataPlane, self.plane)
        verifyObject(IDataPlane, FakeDataPlane())

    def test_the_fewest_changes(self) -> None:
        self.assertEqual(self.start(), {})
        self.assertEqual(self.apply(table(service(80), service(81))), Applied(6))
        self.assertEqual(self.kernel.table, table(service(80), service(81)))
        self.writes()
        changed = table(service(80, weight=5), service(81, servers=3))
        self.assertEqual(self.apply(changed), Applied(3))
        self.assertEqual(self.writes(), [Command.SET_DEST, Command.SET_DEST, Command.NEW_DEST])
        self.assertEqual(self.apply(changed), Applied(0))
        self.assertEqual(self.apply(table(service(81, servers=1))), Applied(3))
        self.assertEqual(self.kernel.table, table(service(81, servers=1)))

    @given(tables(), tables())
    @settings(max_examples=30)
    def test_any_table_after_any_other(self, first: Table, second: Table) -> None:
        kernel = FakeIpvsKernel({"rr", "wrr", "sh", "mh", "something-new"})
        reactor = ReaderClock()
        plane = IpvsDataPlane(reactor, connect=kernel.connect)
        results = [plane.start(), *map(plane.apply, (first, second, second))]
        reactor.spin(100)
        values = [self.successResultOf(each) for each in results]
        refusable = any(
            each.lthreshold > each.uthreshold
            for one in (*first.values(), *second.values())
            for each in one.destinations.values()
        )
        if not refusable:
            self.assertEqual(kernel.table, second)
            self.assertEqual(values[3], Applied(0))

    def test_thousands_go_out_a_hundred_at_a_time(self) -> None:
        self.start()
        self.assertEqual(self.apply(table(service(servers=1000))).steps, 1001)
        sends = self.kernel.sockets[0].sent
        self.assertTrue(all(each.count(b"wlc\0") + each.count(b"\x06\x0b") <= 100 for each in sends))
        self.assertLess(len(sends), 20)
        self.assertEqual(self.kernel.table, table(service(servers=1000)))

    def test_what_the_kernel_spells_otherwise_is_no_difference(self) -> None:
        asked = attrs.evolve(service(), granularity=32, scheduler_flags=frozenset({"flag-1"}))
        self.start()
        self.apply(table(asked))
        self.writes()
        self.result(self.plane.snapshot())
        self.assertEqual(self.apply(table(attrs.evolve(asked))), Applied(0))
        self.assertEqual(self.kernel.table, table(as_reported(asked)))

    def test_thousands_are_adopted_some_per_turn(self) -> None:
        self.kernel.table = table(service(servers=3000))
        self.start()
        self.writes()
        applying = self.plane.apply(table(service(servers=3000)))
        self.assertNoResult(applying)
        self.assertEqual(self.result(applying), Applied(0))
        self.assertEqual(self.writes(), [])

    def test_calls_wait_for_one_another(self) -> None:
        started = self.plane.start()
        first, second = self.plane.apply(table(service(80))), self.plane.apply(table(service(81)))
        shot = self.plane.snapshot()
        self.result(started)
        self.assertEqual(
            (self.successResultOf(first), self.successResultOf(second)), (Applied(3), Applied(4))
        )
        self.assertEqual(self.successResultOf(shot), table(service(81)))


class SurpriseTests(PlaneTestCase):
    """The table is not as believed."""

    def setUp(self) -> None:
        super().setUp()
        self.start()
        self.apply(table(service()))

    def test_a_change_by_hand_is_repaired_after_a_snapshot(self) -> None:
        (key,) = self.kernel.table
        by_hand = attrs.evolve(service(servers=3, weight=9), scheduler="rr")
        self.kernel.table[key] = by_hand
        self.assertEqual(self.apply(table(service())), Applied(0))
        self.assertEqual(self.result(self.plane.snapshot()), table(by_hand))
        self.assertEqual(self.apply(table(service())), Applied(4))
        self.assertEqual(self.kernel.table, table(service()))

    def test_a_service_deleted_by_somebody_comes_back_with_its_destinations(self) -> None:
        self.kernel.table.clear()
        applied = self.apply(table(service(servers=3)))
        self.assertEqual((self.kernel.table, applied.failures), (table(service(servers=3)), ()))

    def test_what_is_there_already_or_gone_already_is_no_failure(self) -> None:
        (key,) = self.kernel.table
        self.kernel.table[key] = service(servers=3, weight=7)
        self.kernel.table[service(81).key] = service(81, weight=4)
        applied = self.apply(table(service(servers=3), service(81)))
        self.assertEqual(applied.failures, ())
        self.assertEqual(self.kernel.table, table(service(servers=3), service(81)))
        self.kernel.table[key] = service(servers=1)
        self.assertEqual(self.apply(table(service(servers=1), service(81))).failures, ())
        self.kernel.table.clear()
        self.assertEqual(self.apply({}).failures, ())
        self.assertEqual(self.apply(table(service())).steps, 3)

    def test_somebody_who_changes_it_as_we_do(self) -> None:
        def delete() -> None:
            self.kernel.table.clear()

        self.interfere_once(Command.NEW_DEST, delete)
        self.assertEqual(self.apply(table(service(servers=4))).failures, ())
        self.assertEqual(self.kernel.table, table(service(servers=4)))

    def test_somebody_who_never_stops_is_a_failure_in_the_end(self) -> None:
        def interfere(command: Command, message: Message) -> int | None:
            return errno.EEXIST if command is Command.NEW_DEST else None

        self.kernel.interfere = interfere
        applied = self.apply(table(service(servers=3)))
        self.assertEqual([failure.reason for failure in applied.failures], ["File exists (EEXIST)"])
        self.kernel.interfere = lambda command, message: None
        self.assertEqual(self.apply(table(service(servers=3))), Applied(1))

    def test_lost_answers_are_made_good(self) -> None:
        def lose() -> None:
            self.kernel.sockets[-1].inbox.append(OSError(errno.ENOBUFS, "no room"))

        self.interfere_once(Command.NEW_DEST, lose)
        applied = self.apply(table(service(servers=300)))
        self.assertEqual(applied.failures, ())
        self.assertEqual(self.kernel.table, table(service(servers=300)))
        self.assertEqual(self.apply(table(service(servers=300))), Applied(0))

    def test_a_listing_that_was_lost_is_asked_for_again(self) -> None:
        def lose() -> None:
            self.kernel.sockets[-1].inbox.append(OSError(errno.ENOBUFS, "no room"))

        for command in (Command.GET_SERVICE, Command.GET_DEST):
            self.interfere_once(command, lose)
            self.assertEqual(self.result(self.plane.snapshot()), table(service()))


class RefusalTests(PlaneTestCase):
    """What the kernel will not do."""

    def test_an_unknown_scheduler_is_one_failure_and_the_rest_goes_on(self) -> None:
        self.start()
        applied = self.apply(table(service(80, servers=300, scheduler="xyz"), service(81)))
        (failure,) = applied.failures
        self.assertIsInstance(failure.step, AddService)
        self.assertEqual(failure.reason, "no scheduler 'xyz' in this kernel")
        self.assertEqual(self.kernel.table, table(service(81)))
        self.assertEqual(self.apply(table(service(80), service(81))), Applied(3))

    def test_a_service_keeps_its_scheduler_where_the_new_one_is_unknown(self) -> None:
        self.start()
        self.apply(table(service()))
        applied = self.apply(table(service(servers=3, scheduler="xyz")))
        self.assertEqual(
            [failure.reason for failure in applied.failures], ["no scheduler 'xyz' in this kernel"]
        )
        self.assertEqual(self.kernel.table, table(service(servers=3)))

    def test_one_bad_destination(self) -> None:
        self.start()
        bad = Destination(DestinationKey(ip_address("10.9.9.9"), 80), 1, DR, uthreshold=1, lthreshold=2)
        wanted = service()
        wanted = attrs.evolve(wanted, destinations={bad.key: bad, **wanted.destinations})
        (failure,) = self.apply(table(wanted)).failures
        self.assertEqual(failure.step, AddDestination(wanted.key, bad))
        self.assertEqual(failure.reason, "lthreshold 2 is above uthreshold 1")
        self.assertEqual(self.kernel.table, table(service()))

    def test_other_family_and_no_permission_in_words(self) -> None:
        self.start()
        far = Destination(DestinationKey(ip_address("2001:db8::1"), 80), 1, DR)
        for number, expected in (
            (errno.EINVAL, "a real server of the other address family is reached by lb_kind TUN only"),
            (errno.EPERM, "not permitted: the daemon needs CAP_NET_ADMIN"),
        ):
            self.kernel.table.clear()
            self.result(self.plane.snapshot())
            self.interfere_once(Command.NEW_DEST, lambda number=number: number)  # type: ignore[misc]
            (failure,) = self.apply(table(attrs.evolve(service(), destinations={far.key: far}))).failures
            self.assertEqual(failure.reason, expected)


class OwnershipTests(PlaneTestCase):
    """Which services are ours, across lives."""

    def test_what_was_there_is_adopted_and_not_emptied(self) -> None:
        self.kernel.table = table(service(servers=3))
        self.assertEqual(self.start(), table(service(servers=3)))
        self.assertEqual(self.plane.ours, frozenset())
        self.assertEqual(self.apply(table(service(servers=3, weight=2))), Applied(3))
        self.assertEqual(set(self.writes()), {Command.SET_DEST})

    def test_with_lvs_flush_nothing_is_adopted_and_nobody_s_services_stay(self) -> None:
        self.kernel.table = table(service(80), service(8080))
        self.plane = IpvsDataPlane(self.reactor, flush_first=True, connect=self.kernel.connect)
        self.assertEqual(self.start(), {})
        self.assertEqual(self.kernel.table, {})
        self.assertEqual(self.apply(table(service(80))), Applied(3))
        self.assertEqual(
            self.writes(), [Command.FLUSH, Command.NEW_SERVICE, Command.NEW_DEST, Command.NEW_DEST]
        )

    def test_with_lvs_flush_on_stop_nobody_s_services_stay_unless_the_table_is_kept(self) -> None:
        for how, keep, left in (
            (FlushOnStop.ALL, False, ()),
            (FlushOnStop.ALL, True, (80, 8080)),
            (FlushOnStop.OURS, False, (8080,)),
            (None, False, (8080,)),
        ):
            self.kernel.table = table(service(8080))
            self.plane = self.new_plane()
            self.start()
            self.apply(table(service(80)))
            self.result(self.plane.configure(GlobalDefs(lvs_flush_on_stop=how)))
            self.result(self.plane.stop(keep=keep))
            self.assertEqual({key.port for key in self.kernel.table}, set(left), (how, keep))
            self.assertEqual(self.state_file.exists(), keep)

    def test_after_a_sudden_death_ours_go_and_foreign_ones_stay(self) -> None:
        foreign = service(8080)
        self.kernel.table = table(foreign)
        self.start()
        self.apply(table(service(80), service(81)))
        self.assertEqual(self.state_file.stat().st_mode & 0o777, 0o600)
        plane = self.kill()
        self.assertEqual(plane.ours, table(service(80), service(81)).keys())
        self.writes()
        self.assertEqual(self.apply(table(service(80))), Applied(1))
        self.assertEqual(self.kernel.table, table(foreign, service(80)))

    def test_death_half_way_through_the_first_table(self) -> None:
        self.start()

        class DiedError(Exception):
            pass

        def die() -> None:
            raise DiedError

        self.interfere_once(Command.NEW_DEST, die)
        pending = self.plane.apply(table(service(80)))
        self.reactor.spin()
        self.failureResultOf(pending, DiedError)
        self.kill()
        self.apply({})
        self.assertEqual(self.kernel.table, {})

    def test_a_clean_stop_removes_ours_and_the_file(self) -> None:
        self.kernel.table = table(service(8080))
        self.start()
        self.apply(table(service(80, servers=200), service(81)))
        self.writes()
        self.result(self.plane.stop(keep=False))
        self.assertEqual(self.writes(), [Command.DEL_SERVICE, Command.DEL_SERVICE])
        self.assertEqual(self.kernel.table, table(service(8080)))
        self.assertFalse(self.state_file.exists())
        self.assertEqual((self.reactor.readers, self.reactor.getDelayedCalls()), ([], []))

    def test_stopping_does_not_wait_for_a_long_apply(self) -> None:
        self.start()
        applying = self.plane.apply(table(service(servers=5000)))
        self.reactor.turn()
        self.result(self.plane.stop(keep=False))
        self.assertLess(self.successResultOf(applying).steps, 1000)
        self.assertEqual(self.kernel.table, {})

    def test_a_stop_whose_answers_are_lost_stops_all_the_same(self) -> None:
        self.start()
        self.apply(table(service(80), service(81)))
        lost: list[Command] = []

        def lose(command: Command, message: Message) -> int | None:
            if command is Command.DEL_SERVICE and not lost:
                lost.append(command)
                return errno.ENOBUFS
            return None

        self.kernel.interfere = lose
        self.result(self.plane.stop(keep=False))
        self.assertEqual((self.kernel.table, self.state_file.exists()), ({}, False))

    def test_kept_services_are_ours_again(self) -> None:
        self.start()
        self.apply(table(service()))
        self.result(self.plane.stop(keep=True))
        self.assertEqual(self.kernel.table, table(service()))
        self.assertEqual(self.kill().ours, {service().key})

    def test_a_state_file_of_no_use_is_said_and_ignored(self) -> None:
        self.state_file.parent.mkdir()
        for text in ("", "{", '{"boot": 1}', "[]", '{"boot": "x", "services": [{"address": 7}]}', "\xff"):
            self.state_file.write_text(text, encoding="latin-1")
            self.kernel.table = table(service())
            self.kill()
            self.assertEqual(self.plane.ours, frozenset())

    def test_a_state_file_that_cannot_be_written_stops_nothing(self) -> None:
        self.state_file.parent.write_text("no directory")
        self.start()
        self.assertEqual(self.apply(table(service())), Applied(3))
        self.result(self.plane.stop(keep=False))
        self.assertEqual(self.kernel.table, {})

    @given(tables())
    def test_keys_come_back(self, found: Table) -> None:
        self.assertEqual(load_keys(json.loads(json.dumps(dump_keys(found)))), found.keys())


class StartTests(PlaneTestCase):
    """Finding IPVS."""

    def test_the_module_is_asked_for_and_then_missed_in_words(self) -> None:
        asked: list[tuple[str, ...]] = []

        def spawn(protocol: IProcessProtocol, executable: str, args: tuple[str, ...], *rest: object) -> None:
            asked.append(args)
            protocol.processEnded(Failure(ProcessDone(256)))

        self.reactor.spawnProcess = spawn  # type: ignore[attr-defined]
        self.kernel.present = False
        started = self.plane.start()
        self.reactor.spin()
        error = self.failureResultOf(started, IpvsUnavailableError).value
        self.assertIn("modprobe ip_vs", str(error))
        self.assertEqual(asked, [("/sbin/modprobe", "-q", "ip_vs")])
        self.assertEqual(self.reactor.readers, [])

    def test_no_socket(self) -> None:
        def connect() -> FakeNetlinkSocket:
            raise OSError(errno.EPROTONOSUPPORT, "Protocol not supported")

        started = IpvsDataPlane(self.reactor, connect=connect).start()
        self.assertIn("netlink", str(self.failureResultOf(started, IpvsUnavailableError).value))
