"""The pool's rules: alive servers, quorum with hysteresis, sorry server, inhibit, alpha, adoption."""

from __future__ import annotations

from ipaddress import ip_address

import attrs
from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from kaltwisted.config.model import (
    CheckTiming,
    Connection,
    FirewallMark,
    MiscCheck,
    RealServer,
    Script,
    SorryServer,
    TcpCheck,
    VirtualAddress,
    VirtualServer,
)
from kaltwisted.lvs.entries import pool_key
from kaltwisted.lvs.pool import Log, Pool, QuorumTurned, ServerTurned
from kaltwisted.lvs.table import DestinationKey

VIP = VirtualAddress(ip_address("192.168.200.15"), 80)
SORRY = SorryServer(ip_address("192.168.100.100"), 80)


def key(last: int) -> DestinationKey:
    return DestinationKey(ip_address(f"192.168.100.{last}"), 80)


def real(last: int, *, checks: int = 1, **fields: object) -> RealServer:
    address = ip_address(f"192.168.100.{last}")
    check = TcpCheck(CheckTiming(), Connection(address, 80))
    return RealServer(address, 80, checks=(check,) * checks, **fields)  # type: ignore[arg-type]


def virtual(*servers: RealServer, **fields: object) -> VirtualServer:
    return VirtualServer(VIP, real_servers=servers, **fields)  # type: ignore[arg-type]


def weights(pool: Pool) -> dict[int, int]:
    """Last octet -> weight, of what the data plane should hold."""
    return {int(str(k.address).rsplit(".", 1)[1]): d.weight for k, d in pool.service.destinations.items()}


def lines(events: list[object]) -> list[str]:
    return [event.line for event in events if isinstance(event, Log)]


class Servers(SynchronousTestCase):
    def test_without_alpha_all_are_in_at_once(self) -> None:
        pool = Pool(virtual(real(2, weight=2), real(3)))
        words = "Gained quorum 1+0=1 <= 3"
        self.assertEqual(
            pool.start(),
            [Log(f"{words} for VS [192.168.200.15]:tcp:80"), QuorumTurned(True, f"=> {words} <=")],
        )
        self.assertEqual(weights(pool), {2: 2, 3: 1})

    def test_with_alpha_a_server_waits_for_all_its_checkers(self) -> None:
        pool = Pool(virtual(real(2, alpha=True, checks=2), real(3)))
        self.assertEqual(weights(pool), {3: 1})
        self.assertEqual(pool.passed(key(2), 0), [])
        self.assertEqual(
            lines(pool.passed(key(2), 1)),
            ["Adding service [192.168.100.2]:tcp:80 to VS [192.168.200.15]:tcp:80"],
        )
        self.assertEqual(weights(pool), {2: 1, 3: 1})

    def test_any_failed_checker_takes_a_server_out_and_only_the_last_brings_it_back(self) -> None:
        pool = Pool(virtual(real(2, checks=2), real(3)))
        down = pool.failed(key(2), 0)
        self.assertEqual(
            lines(down), ["Removing service [192.168.100.2]:tcp:80 from VS [192.168.200.15]:tcp:80"]
        )
        self.assertIn(ServerTurned(pool.server(key(2)), up=False), down)
        self.assertEqual(pool.failed(key(2), 1), [])
        self.assertEqual(pool.passed(key(2), 0), [])
        self.assertEqual(weights(pool), {3: 1})
        self.assertIn(ServerTurned(pool.server(key(2)), up=True), pool.passed(key(2), 1))

    def test_a_verdict_told_twice_changes_nothing(self) -> None:
        pool = Pool(virtual(real(2), real(3)))
        pool.failed(key(2), 0)
        before = pool.service
        self.assertEqual(pool.failed(key(2), 0), [])
        self.assertEqual(pool.passed(key(3), 0), [])
        self.assertIs(pool.service, before)

    def test_inhibit_on_failure_keeps_a_dead_server_at_weight_zero(self) -> None:
        pool = Pool(virtual(real(2, weight=5, inhibit_on_failure=True), real(3)))
        down = pool.failed(key(2), 0)
        self.assertEqual(
            lines(down), ["Disabling service [192.168.100.2]:tcp:80 of VS [192.168.200.15]:tcp:80"]
        )
        self.assertEqual(weights(pool), {2: 0, 3: 1})
        self.assertEqual(
            lines(pool.passed(key(2), 0)),
            ["Enabling service [192.168.100.2]:tcp:80 of VS [192.168.200.15]:tcp:80"],
        )
        self.assertEqual(weights(pool), {2: 5, 3: 1})

    def test_a_dynamic_weight_is_edited_in_place_and_survives_a_failure(self) -> None:
        pool = Pool(virtual(real(2), real(3)))
        self.assertEqual(
            lines(pool.weigh(key(2), 9)),
            ["Changing weight from 1 to 9 for active service [192.168.100.2]:tcp:80"
             " of VS [192.168.200.15]:tcp:80"],
        )  # fmt: skip
        pool.failed(key(2), 0)
        self.assertIn("for inactive service", lines(pool.weigh(key(2), 4))[0])
        pool.passed(key(2), 0)
        self.assertEqual(weights(pool), {2: 4, 3: 1})

    def test_a_dynamic_checker_that_fails_takes_its_weight_back(self) -> None:
        check = MiscCheck(CheckTiming(), Script(("/check",)), 1_000_000, dynamic=True)
        dynamic = attrs.evolve(real(2), checks=(check, *real(2).checks))
        pool = Pool(virtual(dynamic, real(3)))
        pool.weigh(key(2), 9)
        pool.failed(key(2), 1)
        pool.passed(key(2), 1)
        self.assertEqual(weights(pool), {2: 9, 3: 1}, "the other checker says nothing of the weight")
        pool.failed(key(2), 0)
        pool.passed(key(2), 0)
        self.assertEqual(weights(pool), {2: 1, 3: 1})

    def test_unchanged_destinations_keep_their_identity(self) -> None:
        pool = Pool(virtual(real(2), real(3)))
        before = pool.service.destinations[key(3)]
        pool.failed(key(2), 0)
        self.assertIs(pool.service.destinations[key(3)], before)

    def test_a_server_without_checkers_is_always_in(self) -> None:
        server = virtual(real(2, checks=0, alpha=True))
        self.assertEqual(weights(Pool(server)), {2: 1})


class Quorum(SynchronousTestCase):
    def test_lost_and_gained_with_hysteresis(self) -> None:
        pool = Pool(virtual(*(real(n) for n in range(2, 7)), quorum=3, hysteresis=1))
        told = []
        for last in (2, 3, 4):
            told += pool.failed(key(last), 0)
        self.assertTrue(pool.has_quorum, "2 left: 3-1=2 is still reached")
        told = pool.failed(key(5), 0)
        self.assertIn("Lost quorum 3-1=2 > 1 for VS [192.168.200.15]:tcp:80", lines(told))
        self.assertIn(QuorumTurned(False, "=> Lost quorum 3-1=2 > 1 <="), told)
        self.assertEqual(weights(pool), {6: 1}, "without a sorry server the living go on serving")
        pool.passed(key(2), 0)
        pool.passed(key(3), 0)
        self.assertFalse(pool.has_quorum, "3 alive: gaining takes 3+1")
        told = pool.passed(key(4), 0)
        self.assertIn("Gained quorum 3+1=4 <= 4 for VS [192.168.200.15]:tcp:80", lines(told))

    def test_weights_count_towards_quorum(self) -> None:
        pool = Pool(virtual(real(2, weight=3), real(3), quorum=3))
        self.assertTrue(pool.has_quorum)
        self.assertIn(QuorumTurned(False, "=> Lost quorum 3-0=3 > 2 <="), pool.weigh(key(2), 1))

    def test_a_start_without_it_is_silent_where_no_sorry_server_stands_in(self) -> None:
        self.assertEqual(Pool(virtual(real(2), real(3), quorum=2, hysteresis=1)).start(), [])

    def test_a_weight_sum_of_zero_is_no_quorum_whatever_the_hysteresis(self) -> None:
        pool = Pool(virtual(real(2), quorum=1, hysteresis=0))
        pool.failed(key(2), 0)
        self.assertFalse(pool.has_quorum)


class Sorry(SynchronousTestCase):
    def test_it_stands_in_for_all_and_leaves_when_quorum_is_back(self) -> None:
        pool = Pool(virtual(real(2), real(3), sorry_server=SORRY, quorum=2))
        told = pool.failed(key(2), 0)
        self.assertEqual(
            lines(told)[1:],
            [
                "Lost quorum 2-0=2 > 1 for VS [192.168.200.15]:tcp:80",
                "Adding sorry server [192.168.100.100]:tcp:80 to VS [192.168.200.15]:tcp:80",
                "Removing alive servers from the pool for VS [192.168.200.15]:tcp:80",
            ],
        )
        self.assertEqual(weights(pool), {100: 1})
        told = pool.passed(key(2), 0)
        self.assertEqual(
            lines(told)[1:],
            [
                "Gained quorum 2+0=2 <= 2 for VS [192.168.200.15]:tcp:80",
                "Removing sorry server [192.168.100.100]:tcp:80 from VS [192.168.200.15]:tcp:80",
                "Adding alive servers to the pool for VS [192.168.200.15]:tcp:80",
            ],
        )
        self.assertEqual(weights(pool), {2: 1, 3: 1})

    def test_inhibited_it_waits_at_weight_zero(self) -> None:
        pool = Pool(virtual(real(2), sorry_server=attrs.evolve(SORRY, inhibit=True)))
        self.assertEqual(weights(pool), {2: 1, 100: 0})
        told = pool.failed(key(2), 0)
        self.assertIn(
            "Enabling sorry server [192.168.100.100]:tcp:80 to VS [192.168.200.15]:tcp:80", lines(told)
        )
        self.assertEqual(weights(pool), {100: 1})

    def test_with_alpha_it_serves_from_the_start(self) -> None:
        pool = Pool(virtual(real(2, alpha=True), sorry_server=SORRY))
        told = pool.start()
        self.assertEqual(
            lines(told),
            [
                "Starting with quorum down 1-0=1 > 0 for VS [192.168.200.15]:tcp:80",
                "Adding sorry server [192.168.100.100]:tcp:80 to VS [192.168.200.15]:tcp:80",
                "Removing alive servers from the pool for VS [192.168.200.15]:tcp:80",
            ],
        )
        self.assertEqual(told[-1], QuorumTurned(False, "=> Starting with quorum down 1-0=1 > 0 <="))
        self.assertEqual(weights(pool), {100: 1})
        pool.passed(key(2), 0)
        self.assertEqual(weights(pool), {2: 1})

    def test_a_sorry_server_that_is_a_real_server_too(self) -> None:
        sorry = SorryServer(ip_address("192.168.100.3"), 80)
        pool = Pool(virtual(real(2), real(3, weight=7), sorry_server=sorry))
        pool.failed(key(2), 0)
        self.assertEqual(weights(pool), {3: 7}, "alive as a real server")
        pool.failed(key(3), 0)
        self.assertEqual(weights(pool), {3: 1}, "serving as the sorry server")


class Adoption(SynchronousTestCase):
    def test_a_server_that_an_earlier_life_had_removed_stays_out_until_it_is_good(self) -> None:
        server = virtual(real(2), real(3), real(4, checks=0))
        earlier = Pool(server)
        earlier.failed(key(2), 0)
        pool = Pool(server, earlier.service)
        self.assertEqual(weights(pool), {3: 1, 4: 1})
        pool.passed(key(2), 0)
        self.assertEqual(weights(pool), {2: 1, 3: 1, 4: 1})

    def test_a_server_at_weight_zero_was_inhibited(self) -> None:
        server = virtual(real(2, inhibit_on_failure=True), real(3))
        earlier = Pool(server)
        earlier.failed(key(2), 0)
        self.assertEqual(weights(Pool(server, earlier.service)), {2: 0, 3: 1})

    def test_a_sorry_server_found_serving_goes_on_until_a_server_is_good(self) -> None:
        server = virtual(real(2), sorry_server=SORRY)
        earlier = Pool(server)
        earlier.failed(key(2), 0)
        pool = Pool(server, earlier.service)
        self.assertEqual(weights(pool), {100: 1})
        pool.passed(key(2), 0)
        self.assertEqual(weights(pool), {2: 1})

    def test_a_quorum_within_its_hysteresis_is_not_handed_to_the_sorry_server(self) -> None:
        server = virtual(real(2), real(3), real(4), quorum=2, hysteresis=1, sorry_server=SORRY)
        earlier = Pool(server)
        earlier.failed(key(2), 0)
        earlier.failed(key(3), 0)
        self.assertTrue(earlier.has_quorum)
        pool = Pool(server, earlier.service)
        self.assertEqual(weights(pool), {4: 1})
        self.assertIn("Gained quorum 2-1=1 <= 1 for VS [192.168.200.15]:tcp:80", lines(pool.start()))
        pool.failed(key(4), 0)
        self.assertEqual(weights(pool), {100: 1})


class Stop(SynchronousTestCase):
    def test_each_server_is_named(self) -> None:
        pool = Pool(virtual(real(2), real(3), real(4, inhibit_on_failure=True)))
        pool.failed(key(3), 0)
        pool.failed(key(4), 0)
        self.assertEqual(
            lines(pool.stop()),
            [
                "Shutting down service [192.168.100.2]:tcp:80 from VS [192.168.200.15]:tcp:80",
                "Shutting down service [192.168.100.3]:tcp:80 from VS [192.168.200.15]:tcp:80",
                "Shutting down (inhibited) service [192.168.100.4]:tcp:80 from VS [192.168.200.15]:tcp:80",
            ],
        )

    def test_omega_tells_the_living_and_the_quorum_down(self) -> None:
        pool = Pool(virtual(real(2), real(3), omega=True))
        pool.failed(key(3), 0)
        told = [event for event in pool.stop() if not isinstance(event, Log)]
        self.assertEqual(
            told,
            [ServerTurned(pool.server(key(2)), up=False), QuorumTurned(False, "=> Shutting down <=")],
        )


class Keys(SynchronousTestCase):
    def test_a_firewall_mark_has_no_protocol_in_the_kernel(self) -> None:
        marked = pool_key(VirtualServer(FirewallMark(7, ipv6=True)))
        self.assertEqual((marked.fwmark, marked.protocol, marked.ipv6), (7, None, True))
        self.assertEqual(str(marked), "FWM 7")


class AnyHistory(SynchronousTestCase):
    @given(
        st.lists(
            st.tuples(st.sampled_from([2, 3, 4]), st.integers(0, 1), st.booleans(), st.integers(0, 5)),
            max_size=40,
        ),
        st.integers(1, 6),
        st.booleans(),
        st.booleans(),
    )
    def test_the_table_follows_from_who_is_alive(
        self, history: list[tuple[int, int, bool, int]], quorum: int, sorry: bool, inhibit: bool
    ) -> None:
        pool = Pool(
            virtual(
                *(real(n, checks=2, inhibit_on_failure=inhibit) for n in (2, 3, 4)),
                quorum=quorum,
                sorry_server=SORRY if sorry else None,
            )
        )
        failed: set[tuple[int, int]] = set()
        told_quorum = pool.has_quorum
        for last, checker, good, weight in history:
            events = (pool.passed if good else pool.failed)(key(last), checker)
            events += pool.weigh(key(last), weight)
            (failed.discard if good else failed.add)((last, checker))
            for event in events:
                if isinstance(event, QuorumTurned):
                    told_quorum = event.up
        alive = {n for n in (2, 3, 4) if not {(n, 0), (n, 1)} & failed}
        total = sum(pool.alive.values())
        self.assertEqual({int(str(k.address)[-1]) for k in pool.alive}, alive)
        self.assertEqual(told_quorum, pool.has_quorum)
        self.assertEqual(pool.has_quorum, total >= quorum)
        serving = {last for last, weight in weights(pool).items() if last == 100 or last in alive}
        if sorry and not pool.has_quorum:
            self.assertEqual(weights(pool).get(100), 1)
            self.assertFalse(any(weight for last, weight in weights(pool).items() if last != 100))
        else:
            self.assertEqual(serving, alive)
        self.assertEqual(set(weights(pool)) - serving, {2, 3, 4} - serving if inhibit else set())
