"""What is wanted is brought to the kernel, whatever it has, refuses or loses."""

from __future__ import annotations

import errno
import json
from collections.abc import Callable, Iterable
from pathlib import Path

from twisted.logger import LogEvent, capturedLogs, formatEvent
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from kaltwisted.config.model import Route, RoutingItem
from kaltwisted.kernel import routes
from kaltwisted.kernel.boot_file import boot_id
from kaltwisted.kernel.messages import HEADER_SIZE, Message, Request
from kaltwisted.kernel.remembered_routing import RoutingRecord
from kaltwisted.kernel.routing import PAUSE_S, SLICE, SOON_S, Routing
from kaltwisted.ports import IRouting, Link
from kaltwisted.testing.netlink import FakeNetlinkSocket, ReaderClock, acknowledgement, message
from kaltwisted.testing.vrrp import FakeRouting
from tests.unit.test_config_routes import route, rule

ONE, TWO = route("10.1.0.0/16 via 192.0.2.1"), route("10.2.0.0/16 dev eth0")
RULE = rule("from 10.1.0.0/16 table 3 priority 5")
GROUP = (1, 7)
"""A sender whose messages are multicast."""


class Kernel(SynchronousTestCase):
    """A kernel that keeps the requests' payloads as its tables."""

    def setUp(self) -> None:
        self.reactor = ReaderClock()
        self.links = {"eth0": Link(2, "eth0")}
        self.tables: dict[bytes, int] = {}
        self.refuse = 0
        self.asked: list[tuple[int, bytes]] = []
        self.events = FakeNetlinkSocket()
        self.before: Callable[[], object] = lambda: None
        self.routing = self.life(None)

    def life(self, path: Path | None) -> Routing:
        """A process' own."""
        record = RoutingRecord(path)
        return Routing(self.reactor, self.links.get, record, self.connect, lambda: self.events)

    def connect(self) -> FakeNetlinkSocket:
        return FakeNetlinkSocket(self.answer)

    def answer(self, asked: Message) -> Iterable[bytes]:
        payload = asked.data[HEADER_SIZE:]
        self.before()
        self.asked.append((asked.type, payload))
        adds = asked.type in (routes.RTM_NEWROUTE, routes.RTM_NEWRULE)
        if adds and payload in self.tables:
            return [acknowledgement(asked, errno.EEXIST)]
        if adds and self.refuse:
            return [acknowledgement(asked, self.refuse)]
        if adds:
            self.tables[payload] = asked.type
        elif self.tables.pop(payload, None) is None:
            return [acknowledgement(asked, errno.ESRCH)]
        return [acknowledgement(asked)]

    def request(self, item: RoutingItem) -> Request:
        return routes.add_item(item, self.links.get)

    def has(self, *items: RoutingItem) -> bool:
        return set(self.tables) == {self.request(item).payload for item in items}

    def others_remove(self, item: RoutingItem) -> None:
        """Somebody else does, and the kernel tells."""
        request = self.request(item)
        del self.tables[request.payload]
        type_ = routes.RTM_DELROUTE if isinstance(item, Route) else routes.RTM_DELRULE
        self.events.inbox.append((message(type_, 0, request.payload), (0, 1 << 6)))

    def wait(self, seconds: float) -> None:
        self.reactor.advance(seconds)
        self.reactor.spin(10)

    def tearDown(self) -> None:
        self.routing.stop()
        self.assertEqual((self.reactor.readers, self.reactor.getDelayedCalls()), ([], []))

    def lines(self, logged: list[LogEvent]) -> list[str | None]:
        return [formatEvent(event) for event in logged]

    def test_the_fake_provides_the_same(self) -> None:
        verifyObject(IRouting, self.routing)
        verifyObject(IRouting, FakeRouting())

    def test_nothing_is_opened_before_something_is_wanted(self) -> None:
        self.successResultOf(self.routing.want("X", ()))
        self.routing.look_again()
        self.wait(10)
        self.assertEqual(self.reactor.readers, [])

    def test_wants_come_and_go_rules_first(self) -> None:
        done = self.routing.want("X", (ONE, TWO, RULE))
        self.assertEqual(self.asked, [])  # not in this turn: adverts go first
        self.wait(0)
        self.successResultOf(done)
        self.assertTrue(self.has(ONE, TWO, RULE))
        self.asked.clear()
        done = self.routing.want("X", ())
        self.wait(0)
        self.successResultOf(done)
        self.assertTrue(self.has())
        self.assertEqual(
            [kind for kind, _ in self.asked],
            [routes.RTM_DELRULE, routes.RTM_DELROUTE, routes.RTM_DELROUTE],
        )

    def test_a_change_is_only_what_differs_the_new_before_the_old(self) -> None:
        self.routing.want("X", (ONE, TWO))
        self.wait(0)
        self.asked.clear()
        self.routing.want("X", (TWO, RULE))
        self.wait(0)
        self.assertEqual([kind for kind, _ in self.asked], [routes.RTM_NEWRULE, routes.RTM_DELROUTE])
        self.assertTrue(self.has(TWO, RULE))

    def test_what_two_want_goes_with_the_last(self) -> None:
        self.routing.want("X", (ONE,))
        self.routing.want("Y", (ONE,))
        self.wait(0)
        self.routing.want("X", ())
        self.wait(0)
        self.assertTrue(self.has(ONE))
        self.routing.want("Y", ())
        self.wait(0)
        self.assertTrue(self.has())

    def test_who_changes_his_mind_in_time_leaves_no_trace(self) -> None:
        first = self.routing.want("X", (ONE,))
        second = self.routing.want("X", ())
        self.wait(0)
        self.successResultOf(first)
        self.successResultOf(second)
        self.assertTrue(self.has())

    def test_many_go_a_slice_per_turn(self) -> None:
        items = [route(f"10.{number}.0.0/16 dev eth0") for number in range(2 * SLICE + 1)]
        done = self.routing.want("X", items)
        self.reactor.turn()
        self.assertEqual(len(self.asked), SLICE)
        self.assertNoResult(done)
        self.wait(0)
        self.successResultOf(done)
        self.assertEqual(len(self.tables), len(items))

    def test_what_others_remove_is_set_again_but_not_faster_than_they_can(self) -> None:
        self.routing.want("X", (ONE, RULE))
        self.wait(0)
        with capturedLogs() as logged:
            for item in (ONE, RULE):
                self.others_remove(item)
                self.wait(0)
                self.assertFalse(self.has(ONE, RULE))
                self.wait(SOON_S)
                if item is RULE:
                    self.assertFalse(self.has(ONE, RULE))
                    self.wait(PAUSE_S)
                self.assertTrue(self.has(ONE, RULE))
        self.assertEqual(
            self.lines(logged),
            [
                "(X) 10.1.0.0/16 via 192.0.2.1 was gone, and is set again",
                "(X) 5: from 10.1.0.0/16 lookup 3 was gone, and is set again",
            ],
        )

    def test_no_track_is_left_to_others(self) -> None:
        free = route("10.1.0.0/16 via 192.0.2.1 no_track")
        self.routing.want("X", (free,))
        self.wait(0)
        self.others_remove(free)
        self.wait(0)
        self.wait(PAUSE_S)
        self.assertTrue(self.has())

    def test_what_nobody_here_wants_wakes_nobody(self) -> None:
        self.routing.want("X", (ONE,))
        self.wait(0)
        self.asked.clear()
        payload = self.request(route("10.9.0.0/16 dev eth0")).payload
        self.events.inbox.append((message(routes.RTM_DELROUTE, 0, payload), (0, 1 << 6)))
        self.events.inbox.append((message(routes.RTM_NEWRULE, 0, payload), (0, 1 << 6)))
        self.wait(0)
        self.wait(PAUSE_S)
        self.assertEqual(self.asked, [])

    def test_a_refusal_is_told_once_and_tried_again_when_the_network_changed(self) -> None:
        self.refuse = errno.ENETUNREACH
        with capturedLogs() as logged:
            done = self.routing.want("X", (ONE,))
            self.wait(0)
            self.successResultOf(done)
            for _ in range(3):
                self.routing.look_again()
                self.wait(PAUSE_S)
            self.refuse = 0
            self.routing.look_again()
            self.wait(PAUSE_S)
        self.assertTrue(self.has(ONE))
        refused, now = self.lines(logged)
        assert refused is not None
        self.assertIn("(X) cannot set 10.1.0.0/16 via 192.0.2.1: Network is unreachable", refused)
        self.assertEqual(now, "(X) 10.1.0.0/16 via 192.0.2.1 is set now")

    def test_an_interface_that_comes_later(self) -> None:
        self.links.clear()
        with capturedLogs() as logged:
            self.successResultOf_after(self.routing.want("X", (TWO,)))
            self.links["eth0"] = Link(2, "eth0")
            self.routing.look_again()
            self.wait(PAUSE_S)
        self.assertTrue(self.has(TWO))
        self.assertIn("there is no interface eth0", str(self.lines(logged)[0]))

    def test_a_vrf_that_comes_goes_and_has_another_table(self) -> None:
        """What stands is always in the table that it has, and nothing is left in the one it had."""
        item = route("10.1.0.0/16 dev eth0 vrf red")
        with capturedLogs() as logged:
            self.successResultOf_after(self.routing.want("X", (item,)))
            self.assertTrue(self.has())
            for table in (10, 11):
                self.links["red"] = Link(5, "red", kind="vrf", table=table)
                self.routing.look_again()
                self.wait(PAUSE_S)
                self.assertTrue(self.has(item))
        self.assertIn("there is no VRF red", str(self.lines(logged)[0]))
        del self.links["red"]
        self.successResultOf_after(self.routing.want("X", ()))
        self.assertEqual(self.tables, {})

    def successResultOf_after(self, done: object) -> None:
        self.wait(0)
        self.successResultOf(done)  # type: ignore[arg-type]

    def another_life(self, path: Path | None) -> Routing:
        """What follows this one's sudden death."""
        self.routing.stop()
        self.routing = self.life(path)
        self.asked.clear()
        return self.routing

    def begin(self, kept: Iterable[RoutingItem] = (), unwanted: Iterable[RoutingItem] = ()) -> None:
        started = self.routing.start(tuple(kept), tuple(unwanted))
        self.wait(0)
        self.successResultOf(started)

    def test_what_an_earlier_life_left_goes_but_what_is_wanted_stays(self) -> None:
        path = Path(self.mktemp())
        self.routing = self.life(path)
        self.routing.want("X", (ONE, TWO, RULE))
        self.wait(0)
        anothers = route("10.9.0.0/16 dev eth0"), rule("from 10.9.0.0/16 table 9 priority 9")
        for item in anothers:
            self.tables[self.request(item).payload] = self.request(item).type
        self.another_life(path)
        with capturedLogs() as logged:
            self.begin(kept=[ONE])
        self.assertTrue(self.has(ONE, *anothers))
        self.assertEqual([kind for kind, _ in self.asked], [routes.RTM_DELRULE, routes.RTM_DELROUTE])
        self.assertEqual(self.lines(logged), ["Removed 2 routes and rules, left by an earlier life"])
        self.another_life(path)
        self.begin()
        self.assertTrue(self.has(*anothers))  # what was kept is ours still

    def test_what_is_put_is_recorded_before_and_forgotten_once_removed(self) -> None:
        path = Path(self.mktemp())
        self.routing = self.life(path)
        recorded: list[bool] = []
        self.before = lambda: recorded.append(path.exists())
        self.routing.want("X", (ONE, RULE))
        self.wait(0)
        self.assertEqual(recorded, [True, True])
        self.routing.want("X", ())
        self.wait(0)
        self.assertFalse(path.exists())
        self.another_life(path)
        self.begin()
        self.assertEqual(self.asked, [])

    def test_what_is_configured_and_stands_goes_though_nobody_recorded_it(self) -> None:
        """As a keepalived that was killed, or a life whose record is lost, leaves it."""
        self.tables[self.request(ONE).payload] = routes.RTM_NEWROUTE
        with capturedLogs() as logged:
            self.begin(unwanted=[ONE, TWO, route("10.3.0.0/16 dev eth7")])
        self.assertTrue(self.has())
        self.assertEqual(self.lines(logged), ["Removed 1 routes and rules, left by an earlier life"])

    def test_a_record_that_is_none_is_told_of_and_passed_over(self) -> None:
        path = Path(self.mktemp())
        for text in ("00", "zz"):
            path.write_text(json.dumps({"boot": boot_id(), "route": [text], "rule": []}))
            with capturedLogs() as logged:
                self.another_life(path)
                self.begin()
            self.assertIn("is of no use", str(self.lines(logged)))
            self.assertEqual(self.asked, [])

    def test_a_stop_answers_everybody(self) -> None:
        waiting = self.routing.want("X", (ONE,))
        self.routing.stop()
        self.successResultOf(waiting)
        self.successResultOf(self.routing.want("X", (TWO,)))
