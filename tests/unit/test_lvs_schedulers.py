"""The schedulers' decisions: exact sequences where IPVS documents them, and what holds for any pool."""

from __future__ import annotations

from collections import Counter
from ipaddress import IPv4Address

import attrs
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from kaltwisted.config.model import ForwardingMethod
from kaltwisted.lvs.schedulers import Client, Scheduler, Target, scheduler_named
from kaltwisted.lvs.table import Destination, DestinationKey

NAMES = ("rr", "wrr", "lc", "wlc", "sed", "nq", "sh", "dh", "mh", "lblc", "fo", "ovf", "twos")
VIRTUAL = IPv4Address("192.0.2.1")
SOMEBODY = Client(IPv4Address("198.51.100.7"), 40000, VIRTUAL)


def destination(index: int, weight: int = 1, **more: int) -> Destination:
    key = DestinationKey(IPv4Address("10.0.0.0") + index, 80)
    return Destination(key, weight, ForwardingMethod(), **more)


def pool(*weights: int) -> tuple[Target, ...]:
    return tuple(Target(destination(index, weight)) for index, weight in enumerate(weights))


def changed(targets: tuple[Target, ...]) -> tuple[Target, ...]:
    """The same targets as a new tuple: how a scheduler learns of a change."""
    return (*targets,)


def named(name: str, *flags: str) -> Scheduler:
    scheduler = scheduler_named(name, flags)
    assert scheduler is not None
    return scheduler


def letter(target: Target) -> str:
    return "ABCDEFGH"[int(target.destination.key.address) - int(IPv4Address("10.0.0.0"))]


def clients(count: int) -> list[Client]:
    return [Client(IPv4Address("198.51.0.0") + number, 1024 + number, VIRTUAL) for number in range(count)]


def sequence(scheduler: Scheduler, targets: tuple[Target, ...], count: int, opens: bool = False) -> str:
    letters = []
    for _ in range(count):
        target = scheduler.pick(targets, SOMEBODY)
        letters.append("-" if target is None else letter(target))
        if opens and target is not None:
            target.opened()
    return "".join(letters)


class SequenceTests(SynchronousTestCase):
    """One connection after the other."""

    def test_rr_takes_each_in_turn_whatever_the_weight(self) -> None:
        self.assertEqual(sequence(named("rr"), pool(1, 5, 0, 2), 7), "ABDABDA")

    def test_wrr_interleaves_as_ipvs_documents(self) -> None:
        self.assertEqual(sequence(named("wrr"), pool(4, 3, 2), 18), "AABABCABC" * 2)

    def test_wrr_with_a_common_divisor_has_the_shortest_cycle(self) -> None:
        self.assertEqual(sequence(named("wrr"), pool(200, 100), 6), "AABAAB")

    def test_wlc_fills_by_weight(self) -> None:
        self.assertEqual(Counter(sequence(named("wlc"), pool(3, 1), 40, opens=True)), {"A": 30, "B": 10})

    def test_lc_fills_evenly(self) -> None:
        self.assertEqual(Counter(sequence(named("lc"), pool(3, 1), 40, opens=True)), {"A": 20, "B": 20})

    def test_least_loaded_shares_by_weight_when_connections_end_at_once(self) -> None:
        self.assertEqual(Counter(sequence(named("wlc"), pool(3, 1), 40)), {"A": 30, "B": 10})

    def test_sed_starts_with_the_strong_server_and_nq_with_every_idle_one(self) -> None:
        self.assertEqual(sequence(named("sed"), pool(1, 3), 4, opens=True), "BBAB")
        self.assertEqual(sequence(named("nq"), pool(1, 3), 4, opens=True), "BABB")

    def test_fo_takes_the_heaviest_and_ovf_lets_it_overflow(self) -> None:
        self.assertEqual(sequence(named("fo"), pool(1, 3), 6, opens=True), "BBBBBB")
        self.assertEqual(sequence(named("ovf"), pool(1, 3), 7, opens=True), "BBBBAA-")

    def test_lblc_stays_until_overloaded_while_another_is_nearly_idle(self) -> None:
        scheduler, targets = named("lblc"), pool(2, 4)
        self.assertEqual(sequence(scheduler, targets, 5, opens=True), "BBBBB")
        self.assertEqual(sequence(scheduler, targets, 2, opens=True), "AA")

    def test_an_unknown_name_is_nobody(self) -> None:
        self.assertIsNone(scheduler_named("lbhc"))


class ChangeTests(SynchronousTestCase):
    """The pool changes while the scheduler works."""

    def test_rr_goes_on_where_it_was_when_others_come_and_go(self) -> None:
        scheduler, targets = named("rr"), pool(1, 1, 1, 1)
        sequence(scheduler, targets, 2)
        without_b = (targets[0], *targets[2:])
        self.assertEqual(sequence(scheduler, without_b, 3), "CDA")
        self.assertEqual(sequence(scheduler, (*without_b, targets[1]), 4), "CDBA")

    def test_wrr_keeps_exact_shares_after_a_change_of_weight(self) -> None:
        scheduler, targets = named("wrr"), pool(4, 3, 2)
        sequence(scheduler, targets, 4)
        targets[0].destination = attrs.evolve(targets[0].destination, weight=8)
        self.assertEqual(Counter(sequence(scheduler, changed(targets), 26)[13:]), {"A": 8, "B": 3, "C": 2})

    def test_a_newcomer_gets_its_share_and_not_all(self) -> None:
        scheduler, (first, second) = named("wlc"), pool(1, 1)
        sequence(scheduler, (first,), 50)
        self.assertEqual(sequence(scheduler, (first, second), 4), "ABAB")

    def test_hashing_moves_only_the_clients_of_a_removed_server(self) -> None:
        scheduler, targets = named("sh"), pool(1, 1, 1, 1)
        before = {client: scheduler.pick(targets, client) for client in clients(400)}
        for client, target in before.items():
            after = scheduler.pick(targets[1:], client)
            if target is not targets[0]:
                self.assertIs(after, target)
            else:
                self.assertIsNot(after, target)

    def test_hashing_looks_at_the_port_only_when_asked(self) -> None:
        targets = pool(1, 1, 1, 1)
        ports = [attrs.evolve(SOMEBODY, port=port) for port in range(2000, 2050)]
        self.assertEqual(len({named("sh").pick(targets, client) for client in ports}), 1)
        self.assertGreater(len({named("sh", "sh-port").pick(targets, client) for client in ports}), 1)

    def test_dh_is_one_server_for_a_virtual_address(self) -> None:
        targets = pool(1, 1, 1)
        self.assertEqual(len({named("dh").pick(targets, client) for client in clients(50)}), 1)


class ThresholdTests(SynchronousTestCase):
    """``uthreshold`` and ``lthreshold``."""

    def levels(self, target: Target, steps: str) -> str:
        marks = []
        for step in steps:
            target.opened() if step == "+" else target.closed()
            marks.append("x" if target.overloaded else ".")
        return "".join(marks)

    def test_overloaded_from_the_upper_until_below_the_lower(self) -> None:
        target = Target(destination(0, uthreshold=4, lthreshold=2))
        self.assertEqual(self.levels(target, "++++---"), "...xxx.")

    def test_without_a_lower_one_until_below_three_quarters(self) -> None:
        target = Target(destination(0, uthreshold=4))
        self.assertEqual(self.levels(target, "++++--"), "...xx.")

    def test_an_overloaded_server_is_passed_over_by_all(self) -> None:
        for name in NAMES:
            targets = pool(1, 1)
            targets[0].overloaded = True
            self.assertIs(named(name).pick(targets, SOMEBODY), targets[1], name)


class AnyPoolTests(SynchronousTestCase):
    """What holds whatever the pool."""

    @given(
        name=st.sampled_from(NAMES),
        weights=st.lists(st.integers(0, 9), max_size=6),
        excluded=st.sets(st.integers(0, 5)),
        count=st.integers(1, 40),
    )
    def test_somebody_usable_or_nobody(
        self, name: str, weights: list[int], excluded: set[int], count: int
    ) -> None:
        targets = pool(*weights)
        out = {destination(index).key for index in excluded}
        usable = [index for index, weight in enumerate(weights) if weight and index not in excluded]
        scheduler = named(name)
        for client in clients(count):
            target = scheduler.pick(targets, client, out)
            if target is None:
                self.assertEqual(usable, [])
            else:
                self.assertIn(targets.index(target), usable)

    @given(
        weights=st.lists(st.integers(0, 12), min_size=1, max_size=6).filter(any),
        changes=st.lists(st.tuples(st.integers(0, 5), st.integers(0, 12)), max_size=4),
        warm=st.integers(0, 30),
    )
    def test_wrr_shares_are_exactly_the_weights_after_any_changes(
        self, weights: list[int], changes: list[tuple[int, int]], warm: int
    ) -> None:
        scheduler, targets = named("wrr"), pool(*weights)
        for index, weight in changes:
            sequence(scheduler, targets, warm)
            if index < len(targets):
                targets[index].destination = attrs.evolve(targets[index].destination, weight=weight)
            targets = changed(targets)
        cycle = sum(target.weight for target in targets)
        if not cycle:
            return
        sequence(scheduler, targets, cycle)
        picked = Counter(sequence(scheduler, targets, cycle))
        wanted = {letter(target): target.weight for target in targets if target.weight}
        self.assertEqual(picked, wanted)

    @settings(max_examples=20, deadline=None)
    @given(
        name=st.sampled_from(("wlc", "sed", "sh", "mh", "twos")),
        weights=st.lists(st.integers(1, 8), min_size=1, max_size=4),
    )
    def test_shares_approach_the_weights(self, name: str, weights: list[int]) -> None:
        scheduler, targets = named(name, f"{name}-port"), pool(*weights)
        picked: Counter[str] = Counter()
        for client in clients(2000):
            target = scheduler.pick(targets, client)
            assert target is not None
            if name in ("wlc", "sed", "twos"):
                target.opened()
            picked[letter(target)] += 1
        for target in targets:
            share = picked[letter(target)] / 2000
            self.assertLess(abs(share - target.weight / sum(weights)), 0.06)
