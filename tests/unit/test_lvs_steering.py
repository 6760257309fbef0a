"""What operators override of real servers, in pools: drained, disabled, another weight; given back."""

from __future__ import annotations

from typing import Any

import attrs
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from kaltwisted.alerts.notify import NotifyQueue
from kaltwisted.config.identity import ServerId
from kaltwisted.config.model import CheckTiming, MiscCheck, RealServer, Script, VirtualServer
from kaltwisted.lvs.pool import Pool, QuorumTurned, ServerTurned
from kaltwisted.lvs.service import Alerts, LvsService
from kaltwisted.lvs.steering import UNSTEERED, Steering, Steerings
from kaltwisted.lvs.table import DestinationKey
from kaltwisted.ports import SERVICE_OF_SERVER, WEIGHT_OF_SERVER, Fact, ScriptResult, ServiceState
from kaltwisted.testing.alerts import FakeMailer, FakeScripts
from kaltwisted.testing.lvs import FakeDataPlane
from tests.unit.test_lvs_pool import SORRY, key, lines, real, virtual, weights

DRAINED = Steering(ServiceState.DRAINED)
DISABLED = Steering(ServiceState.DISABLED)
NAME = ServerId.of(virtual())


def name(last: int) -> str:
    address = key(last).address
    return str(NAME.with_real(address, 80))


class Steered:
    """A pool and what is overridden in it."""

    def __init__(self, server: VirtualServer, **known: Any) -> None:
        self.steering: dict[DestinationKey, Steering] = known.pop("steering", {})
        self.pool = Pool(server, known.pop("adopted", None), self.steering)

    def steer(self, last: int, steering: Steering) -> list[Any]:
        self.steering[key(last)] = steering
        return self.pool.steer(key(last))

    @property
    def weights(self) -> dict[int, int]:
        return weights(self.pool)


class InPools(SynchronousTestCase):
    def test_a_drained_server_stays_with_weight_0_and_does_not_count(self) -> None:
        steered = Steered(virtual(real(2, weight=2), real(3)))
        events = steered.steer(2, DRAINED)
        self.assertEqual(steered.weights, {2: 0, 3: 1})
        self.assertEqual(
            lines(events),
            [
                "Service [192.168.100.2]:tcp:80 of VS [192.168.200.15]:tcp:80 is drained:"
                " it keeps its connections, and gets no others"
            ],
        )
        self.assertEqual(sum(steered.pool.alive.values()), 1)
        events = steered.steer(2, UNSTEERED)
        self.assertEqual(steered.weights, {2: 2, 3: 1})
        self.assertEqual(
            lines(events),
            ["Service [192.168.100.2]:tcp:80 of VS [192.168.200.15]:tcp:80 is in service again"],
        )

    def test_a_disabled_server_is_out_whatever_its_checks_say_and_nobody_is_notified(self) -> None:
        steered = Steered(virtual(real(2), real(3, inhibit_on_failure=True)))
        for last in (3, 2):
            events = steered.steer(last, DISABLED)
            self.assertFalse([each for each in events if isinstance(each, ServerTurned)])
        self.assertEqual(steered.weights, {})
        failed, passed = steered.pool.failed(key(3), 0), steered.pool.passed(key(3), 0)
        # Its health is told to who wants to know: it is not what is overridden.
        self.assertEqual(
            [each.up for each in failed + passed if isinstance(each, ServerTurned)], [False, True]
        )
        words = "Service [192.168.100.3]:tcp:80 of VS [192.168.200.15]:tcp:80"
        self.assertEqual(
            lines(failed + passed), [f"{words} fails, and is disabled", f"{words} is alive, and is disabled"]
        )
        self.assertEqual(steered.weights, {})

    def test_quorum_counts_without_them(self) -> None:
        steered = Steered(virtual(real(2), real(3), quorum=2))
        events = steered.steer(3, DRAINED)
        self.assertEqual(
            [each for each in events if isinstance(each, QuorumTurned)],
            [QuorumTurned(False, "=> Lost quorum 2-0=2 > 1 <=")],
        )
        self.assertFalse(steered.pool.has_quorum)
        steered.steer(3, UNSTEERED)
        self.assertTrue(steered.pool.has_quorum)

    def test_drained_connections_live_on_beside_the_sorry_server(self) -> None:
        steered = Steered(virtual(real(2), real(3), sorry_server=SORRY, quorum=1))
        steered.steer(2, DRAINED)
        steered.steer(3, DISABLED)
        self.assertEqual(steered.weights, {2: 0, 100: 1})
        steered.steer(3, UNSTEERED)
        self.assertEqual(steered.weights, {2: 0, 3: 1})

    def test_a_drained_server_that_dies_goes_as_any(self) -> None:
        steered = Steered(virtual(real(2), real(3), real(4, inhibit_on_failure=True)))
        for last in (2, 4):
            steered.steer(last, DRAINED)
            steered.pool.failed(key(last), 0)
        self.assertEqual(steered.weights, {3: 1, 4: 0})
        steered.steer(2, UNSTEERED)
        self.assertEqual(steered.weights, {3: 1, 4: 0})
        steered.pool.passed(key(2), 0)
        self.assertEqual(steered.weights, {2: 1, 3: 1, 4: 0})

    def test_a_weight_goes_before_the_configured_and_the_checked_one(self) -> None:
        timing = CheckTiming()
        dynamic = MiscCheck(timing, Script(("/x",)), 1, dynamic=True)
        server = RealServer(key(2).address, 80, weight=3, checks=(dynamic,))
        steered = Steered(virtual(server, real(3)))
        self.assertEqual(
            lines(steered.steer(2, Steering(weight=9))),
            [
                "Changing weight from 3 to 9 for active service [192.168.100.2]:tcp:80"
                " of VS [192.168.200.15]:tcp:80"
            ],
        )
        self.assertEqual(steered.pool.weigh(key(2), 5), [])
        self.assertEqual(steered.weights, {2: 9, 3: 1})
        steered.steer(2, UNSTEERED)
        self.assertEqual(steered.weights, {2: 5, 3: 1})

    def test_drained_with_a_weight_is_drained_and_then_has_it(self) -> None:
        steered = Steered(virtual(real(2), real(3)))
        steered.steer(2, Steering(ServiceState.DRAINED, 7))
        self.assertEqual(steered.weights[2], 0)
        steered.steer(2, Steering(weight=7))
        self.assertEqual(steered.weights[2], 7)

    def test_a_reload_keeps_them(self) -> None:
        steered = Steered(virtual(real(2), real(3), real(4)))
        steered.steer(2, DRAINED)
        steered.steer(3, Steering(weight=7))
        steered.steer(4, DISABLED)
        steered.pool.reconfigure(virtual(real(2, weight=5), real(3, weight=5), real(4, weight=5)))
        self.assertEqual(steered.weights, {2: 0, 3: 7})
        steered.steering.clear()
        for last in (2, 3, 4):
            steered.pool.steer(key(last))
        self.assertEqual(steered.weights, {2: 5, 3: 5, 4: 5})

    def test_one_that_a_reload_brings_has_what_was_overridden_before(self) -> None:
        steered = Steered(virtual(real(3)))
        self.assertEqual(steered.steer(2, DISABLED), [])
        steered.pool.reconfigure(virtual(real(2), real(3)))
        self.assertEqual(steered.weights, {3: 1})
        self.assertEqual(sum(steered.pool.alive.values()), 1)

    def test_what_is_adopted_says_nothing_of_a_server_that_was_overridden(self) -> None:
        servers = [real(last, inhibit_on_failure=last == 4) for last in (2, 3, 4, 5)]
        steering = {key(2): DISABLED, key(4): DRAINED, key(5): DRAINED}
        earlier = Steered(virtual(*servers), steering=dict(steering))
        earlier.pool.failed(key(3), 0)
        earlier.pool.failed(key(5), 0)
        later = Steered(virtual(*servers), adopted=earlier.pool.service, steering=dict(steering))
        self.assertEqual(later.weights, {4: 0})
        for last in (2, 4, 5):
            later.steer(last, UNSTEERED)
        # 3 and 5 were missing, and nothing but their checks can have taken them out.
        self.assertEqual(later.weights, {2: 1, 4: 1})

    def test_what_would_cost_the_quorum_is_foreseen(self) -> None:
        pool = Steered(virtual(real(2, weight=3), real(3), quorum=2)).pool
        self.assertEqual(pool.quorum_lost_by(key(2), DRAINED), 1)
        self.assertEqual(pool.quorum_lost_by(key(2), Steering(weight=0)), 1)
        self.assertIsNone(pool.quorum_lost_by(key(2), Steering(weight=1)))
        self.assertIsNone(pool.quorum_lost_by(key(3), DISABLED))
        self.assertIsNone(pool.quorum_lost_by(key(9), DISABLED))
        pool.failed(key(2), 0)
        # It is lost already, and who is dead costs none.
        self.assertIsNone(pool.quorum_lost_by(key(3), DRAINED))


STEERINGS = st.builds(Steering, st.sampled_from([None, *ServiceState]), st.sampled_from([None, 0, 1, 5]))
HAPPENINGS = st.lists(
    st.tuples(st.sampled_from(["pass", "fail", "reload"]), st.integers(2, 4))
    | st.tuples(STEERINGS, st.integers(2, 4)),
    max_size=20,
)


@given(HAPPENINGS, st.booleans(), st.integers(1, 4))
def test_table_and_quorum_follow_from_what_is_known_and_overridden(
    happenings: list[tuple[Any, int]], sorry: bool, quorum: int
) -> None:
    def configured(weight: int) -> VirtualServer:
        servers = [real(2, weight=weight), real(3), real(4, inhibit_on_failure=True)]
        return virtual(*servers, quorum=quorum, sorry_server=SORRY if sorry else None)

    steered = Steered(configured(2))
    alive, weight = {2: True, 3: True, 4: True}, {2: 2, 3: 1, 4: 1}
    for what, last in happenings:
        if isinstance(what, Steering):
            steered.steer(last, what)
        elif what == "reload":
            weight[2] = last
            steered.pool.reconfigure(configured(last))
        else:
            alive[last] = what == "pass"
            (steered.pool.passed if alive[last] else steered.pool.failed)(key(last), 0)
    steering = {last: steered.steering.get(key(last), UNSTEERED) for last in alive}
    effective = {last: steering[last].weight_of(weight[last]) for last in alive}
    total = sum(effective[last] for last in alive if alive[last])
    assert sum(steered.pool.alive.values()) == total
    assert steered.pool.has_quorum == (total >= quorum)
    expected = {}
    for last in alive:
        if steering[last].is_disabled:
            continue
        if alive[last] and (total >= quorum or not sorry or steering[last].is_drained):
            expected[last] = effective[last]
        elif last == 4:
            expected[last] = 0
    assert steered.weights == expected | ({100: 1} if sorry and total < quorum else {})


class Names(SynchronousTestCase):
    def test_facts_are_kept_by_server_whether_it_is_there_or_not(self) -> None:
        steerings = Steerings()
        pool = Pool(virtual(real(2)))
        live = steerings.of(pool.key)
        for fact in (
            Fact(SERVICE_OF_SERVER, name(2), ServiceState.DRAINED),
            Fact(WEIGHT_OF_SERVER, name(2), 4),
            Fact(SERVICE_OF_SERVER, "fwmark6/7/[2001:db8::2]:0", ServiceState.DISABLED),
        ):
            steerings.learn(fact)
        self.assertEqual(live, {key(2): Steering(ServiceState.DRAINED, 4)})
        self.assertEqual(steerings.learn(Fact(SERVICE_OF_SERVER, name(2), None)), (pool.key, key(2)))
        self.assertEqual(live, {key(2): Steering(weight=4)})
        steerings.learn(Fact(WEIGHT_OF_SERVER, name(2), None))
        self.assertEqual(live, {})


class InTheService(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.plane = FakeDataPlane()
        alerts = Alerts(NotifyQueue(FakeScripts(ScriptResult(status=0))), FakeMailer())
        self.lvs = LvsService([virtual(real(2), real(3))], self.plane, alerts, self.clock)

    def table(self) -> dict[str, int]:
        self.clock.advance(0)
        (service,) = self.plane.table.values()
        return {str(each.address): known.weight for each, known in service.destinations.items()}

    def test_before_the_beginning_and_later(self) -> None:
        self.lvs.steer(Fact(SERVICE_OF_SERVER, name(2), ServiceState.DISABLED))
        self.successResultOf(self.lvs.begin())
        self.assertEqual(self.table(), {"192.168.100.3": 1})
        self.lvs.steer(Fact(WEIGHT_OF_SERVER, name(3), 40))
        self.lvs.steer(Fact(SERVICE_OF_SERVER, name(2), ServiceState.DRAINED))
        self.assertEqual(self.table(), {"192.168.100.2": 0, "192.168.100.3": 40})
        self.lvs.change(virtual(real(3), real(4)))
        self.lvs.add(attrs.evolve(virtual(real(2)), protocol=virtual().protocol.UDP))
        self.assertEqual(self.lvs.pools[Pool(virtual()).key].service.destinations.keys(), {key(3), key(4)})

    def test_what_it_would_cost(self) -> None:
        fact = Fact(SERVICE_OF_SERVER, name(2), ServiceState.DRAINED)
        self.assertEqual(self.lvs.quorum_lost_by(fact), "")
        self.successResultOf(self.lvs.begin())
        self.assertEqual(self.lvs.quorum_lost_by(fact), "")
        self.lvs.steer(fact)
        fact = Fact(WEIGHT_OF_SERVER, name(3), 0)
        self.assertEqual(self.lvs.quorum_lost_by(fact), "weight 0 is left, quorum is 1")
        self.assertEqual(self.lvs.quorum_lost_by(Fact(WEIGHT_OF_SERVER, name(9), 0)), "")
