"""A pool through a reload: states stay, the rest is as if it had always been configured so."""

from __future__ import annotations

from ipaddress import ip_address

import attrs
from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from kaltwisted.config.model import (
    Check,
    CheckTiming,
    Connection,
    MiscCheck,
    RealServer,
    Script,
    SorryServer,
    TcpCheck,
    VirtualServer,
)
from kaltwisted.lvs.pool import Pool, QuorumTurned, ServerTurned
from kaltwisted.lvs.table import steps_between
from tests.unit.test_lvs_pool import SORRY, key, lines, real, virtual, weights

VS = "[192.168.200.15]:tcp:80"
TIMING = CheckTiming()


def name(last: int) -> str:
    return f"[192.168.100.{last}]:tcp:80"


def tcp(port: int = 80) -> TcpCheck:
    return TcpCheck(TIMING, Connection(ip_address("192.168.100.2"), port))


def dynamic(word: str = "/w") -> MiscCheck:
    return MiscCheck(TIMING, Script((word,)), 1_000_000, dynamic=True)


def with_checks(last: int, *checks: Check, **fields: object) -> RealServer:
    return attrs.evolve(real(last, **fields), checks=checks)


class Reconfigured(SynchronousTestCase):
    def test_a_server_that_is_down_stays_down_and_others_notice_nothing(self) -> None:
        one, two = real(2), real(3)
        pool = Pool(virtual(one, two))
        pool.failed(key(2), 0)
        before = pool.service
        self.assertEqual(pool.reconfigure(virtual(real(2), two, alpha=True)), [])
        self.assertEqual(weights(pool), {3: 1})
        self.assertIs(pool.service.destinations[key(3)], before.destinations[key(3)])

    def test_settings_change_in_place(self) -> None:
        pool = Pool(virtual(real(2)))
        before = {pool.key: pool.service}
        pool.reconfigure(virtual(real(2), lb_algo="rr", persistence_timeout_s=50))
        [step] = steps_between(before, {pool.key: pool.service})
        self.assertEqual(
            (step.service.scheduler, step.service.persistence_timeout_s),  # type: ignore[union-attr]
            ("rr", 50),
        )

    def test_a_changed_weight_is_told_and_counted(self) -> None:
        pool = Pool(virtual(real(2), real(3), quorum=3))
        self.assertFalse(pool.has_quorum)
        events = pool.reconfigure(virtual(real(2, weight=2), real(3), quorum=3))
        self.assertEqual(
            lines(events),
            [
                f"Changing weight from 1 to 2 for active service {name(2)} of VS {VS}",
                f"Gained quorum 3+0=3 <= 3 for VS {VS}",
            ],
        )
        self.assertEqual(weights(pool), {2: 2, 3: 1})

    def test_a_new_server_is_in_at_once_or_with_alpha_waits(self) -> None:
        pool = Pool(virtual(real(2)))
        pool.reconfigure(virtual(real(2), real(3, weight=7), real(4, alpha=True)))
        self.assertEqual(weights(pool), {2: 1, 3: 7})
        pool.passed(key(4), 0)
        self.assertEqual(weights(pool), {2: 1, 3: 7, 4: 1})

    def test_a_server_that_is_gone_leaves_with_a_line_and_no_script(self) -> None:
        pool = Pool(virtual(real(2), real(3)))
        events = pool.reconfigure(virtual(real(3)))
        self.assertEqual(lines(events), [f"service {name(2)} no longer exist"])
        self.assertEqual(len(events), 1)
        self.assertEqual(weights(pool), {3: 1})

    def test_with_omega_it_is_told_to_be_down(self) -> None:
        pool = Pool(virtual(real(2), real(3), omega=True))
        self.assertIn(ServerTurned(real(2), up=False), pool.reconfigure(virtual(real(3), omega=True)))

    def test_a_quorum_that_is_now_out_of_reach_is_lost(self) -> None:
        pool = Pool(virtual(real(2), real(3), sorry_server=SORRY))
        events = pool.reconfigure(virtual(real(2), real(3), sorry_server=SORRY, quorum=5))
        self.assertIn(QuorumTurned(False, "=> Lost quorum 5-0=5 > 2 <="), events)
        self.assertEqual(weights(pool), {100: 1})

    def test_the_sorry_server_that_stands_in_is_replaced(self) -> None:
        pool = Pool(virtual(real(2), sorry_server=SORRY))
        pool.failed(key(2), 0)
        other = SorryServer(ip_address("192.168.100.101"), 80)
        events = pool.reconfigure(virtual(real(2), sorry_server=other))
        self.assertEqual(
            lines(events),
            [
                f"Removing sorry server {name(100)} from VS {VS}",
                f"Adding sorry server {name(101)} to VS {VS}",
            ],
        )
        self.assertEqual(weights(pool), {101: 1})

    def test_a_checker_of_another_kind_begins_as_the_server_was(self) -> None:
        down = Pool(virtual(with_checks(2, tcp()), real(3)))
        down.failed(key(2), 0)
        down.reconfigure(virtual(with_checks(2, dynamic()), real(3)))
        self.assertFalse(down.is_up(key(2), 0))
        up = Pool(virtual(with_checks(2, tcp())))
        up.reconfigure(virtual(with_checks(2, dynamic(), alpha=True)))
        self.assertTrue(up.is_up(key(2), 0))

    def test_a_checker_that_moves_takes_its_state_along(self) -> None:
        pool = Pool(virtual(with_checks(2, tcp(1), tcp(2)), real(3)))
        pool.failed(key(2), 1)
        pool.reconfigure(virtual(with_checks(2, tcp(2), tcp(1)), real(3)))
        self.assertEqual([pool.is_up(key(2), index) for index in (0, 1)], [False, True])

    def test_without_its_failing_checker_a_server_comes_back(self) -> None:
        pool = Pool(virtual(with_checks(2, tcp(1), tcp(2)), real(3)))
        pool.failed(key(2), 1)
        events = pool.reconfigure(virtual(with_checks(2, tcp(1)), real(3)))
        self.assertEqual(lines(events), [f"Adding service {name(2)} to VS {VS}"])
        self.assertIn(ServerTurned(pool.server(key(2)), up=True), events)

    def test_a_weight_that_a_checker_has_set_stays_while_it_may_set_it(self) -> None:
        pool = Pool(virtual(with_checks(2, dynamic())))
        pool.weigh(key(2), 50)
        self.assertEqual(pool.reconfigure(virtual(with_checks(2, dynamic(), weight=3))), [])
        self.assertEqual(weights(pool), {2: 50})
        pool.reconfigure(virtual(with_checks(2, tcp(), weight=3)))
        self.assertEqual(weights(pool), {2: 3})


def pools(draw: st.DrawFn) -> VirtualServer:
    servers = draw(
        st.lists(
            st.builds(
                real,
                st.integers(2, 6),
                checks=st.integers(1, 2),
                weight=st.integers(0, 3),
                inhibit_on_failure=st.booleans(),
            ),
            max_size=4,
            unique_by=lambda server: server.address,
        )
    )
    return virtual(
        *servers,
        quorum=draw(st.integers(1, 4)),
        hysteresis=draw(st.integers(0, 1)),
        sorry_server=draw(st.sampled_from((None, SORRY, SorryServer(SORRY.address, 80, inhibit=True)))),
        lb_algo=draw(st.sampled_from(("rr", "wlc"))),
    )


CONFIGURED = st.composite(pools)()


@given(CONFIGURED, CONFIGURED, st.sets(st.tuples(st.integers(2, 6), st.integers(0, 1))))
def test_afterwards_it_wants_what_a_new_pool_with_the_same_failures_would(
    old: VirtualServer, new: VirtualServer, failures: set[tuple[int, int]]
) -> None:
    """Only within the hysteresis may the two differ: there the quorum stays as it was."""
    pool, fresh = Pool(old), Pool(new)
    for last, checker in sorted(failures):
        for each in (pool, fresh):
            servers = {int(str(s.address).rsplit(".", 1)[1]): s for s in each.virtual_server.real_servers}
            was = {int(str(s.address).rsplit(".", 1)[1]): s for s in old.real_servers}
            # What has failed is what has been checked before the reload.
            if (
                last in servers
                and last in was
                and checker < min(len(servers[last].checks), len(was[last].checks))
            ):
                each.failed(key(last), checker)
    had_quorum = pool.has_quorum
    pool.reconfigure(new)
    assert pool.alive == fresh.alive
    total = sum(pool.alive.values())
    if total >= new.quorum + new.hysteresis:
        assert pool.has_quorum
    elif not total or total < new.quorum - new.hysteresis:
        assert not pool.has_quorum
    else:
        assert pool.has_quorum is had_quorum
    if pool.has_quorum is fresh.has_quorum:
        assert pool.service == fresh.service
