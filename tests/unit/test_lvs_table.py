"""The steps between two tables."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import ip_address

import attrs
from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from kaltwisted.config.model import Forwarding, ForwardingMethod, Protocol
from kaltwisted.lvs.table import (
    AddDestination,
    AddService,
    DeleteDestination,
    DeleteService,
    Destination,
    DestinationKey,
    Service,
    ServiceKey,
    SetDestination,
    SetService,
    Step,
    Table,
    steps_between,
)

KEYS = [ServiceKey(False, Protocol.TCP, ip_address("10.0.0.1"), port) for port in (80, 81, 82)]
DESTINATION_KEYS = [DestinationKey(ip_address(f"10.0.1.{number}"), 80) for number in range(3)]


def build_service(key: ServiceKey, scheduler: str, weights: dict[DestinationKey, int]) -> Service:
    method = ForwardingMethod(Forwarding.DR)
    return Service(
        key,
        scheduler,
        destinations={each: Destination(each, weight, method) for each, weight in weights.items()},
    )


# Few keys and values, so that tables have much in common.
SERVICES = st.builds(
    build_service,
    st.sampled_from(KEYS),
    st.sampled_from(["rr", "wlc"]),
    st.dictionaries(st.sampled_from(DESTINATION_KEYS), st.integers(0, 2)),
)
TABLES = st.lists(SERVICES, max_size=3).map(lambda services: {each.key: each for each in services})
OURS = st.frozensets(st.sampled_from(KEYS))


def carried_out(table: Table, steps: Iterable[Step]) -> dict[ServiceKey, Service]:
    """What a kernel makes of the steps; it refuses (KeyError, AssertionError) what does not apply."""
    now = dict(table)
    for step in steps:
        match step:
            case AddService(service):
                assert service.key not in now
                now[service.key] = attrs.evolve(service, destinations={})
            case SetService(service):
                now[service.key] = attrs.evolve(service, destinations=now[service.key].destinations)
            case DeleteService(key):
                del now[key]
            case AddDestination(key, destination) | SetDestination(key, destination):
                held = now[key].destinations
                assert (destination.key in held) == isinstance(step, SetDestination)
                now[key] = attrs.evolve(now[key], destinations={**held, destination.key: destination})
            case DeleteDestination(key, gone):
                left = dict(now[key].destinations)
                del left[gone]
                now[key] = attrs.evolve(now[key], destinations=left)
    return now


class StepsBetweenTests(SynchronousTestCase):
    """steps_between."""

    @given(TABLES, TABLES, OURS)
    def test_the_steps_lead_there_and_spare_what_is_foreign(
        self, actual: Table, desired: Table, ours: frozenset[ServiceKey]
    ) -> None:
        foreign = {key: each for key, each in actual.items() if key not in desired and key not in ours}
        steps = list(steps_between(actual, desired, ours))
        self.assertEqual(carried_out(actual, steps), {**foreign, **desired})

    @given(TABLES, TABLES)
    def test_no_step_more_than_there_are_differences(self, actual: Table, desired: Table) -> None:
        def differences() -> int:
            count = sum(1 for key in actual if key not in desired)
            for key, wanted in desired.items():
                present = actual.get(key)
                count += present is None or present.scheduler != wanted.scheduler
                held = {} if present is None else present.destinations
                count += sum(
                    held.get(each) != wanted.destinations.get(each) for each in {*held, *wanted.destinations}
                )
            return count

        steps = list(steps_between(actual, desired, set(KEYS)))
        self.assertEqual(len(steps), differences())

    @given(TABLES, TABLES)
    def test_in_a_service_additions_come_before_deletions(self, actual: Table, desired: Table) -> None:
        deleted: set[ServiceKey] = set()
        for step in steps_between(actual, desired, set(KEYS)):
            if isinstance(step, DeleteDestination):
                deleted.add(step.service)
            elif isinstance(step, AddDestination | SetDestination):
                self.assertNotIn(step.service, deleted)

    @given(TABLES)
    def test_nothing_to_do(self, table: Table) -> None:
        same = {key: attrs.evolve(service) for key, service in table.items()}
        self.assertEqual(list(steps_between(table, same, set(KEYS))), [])
