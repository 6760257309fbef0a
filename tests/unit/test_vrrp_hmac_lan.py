"""``auth_hmac`` among several routers on a LAN: keys that change under way, clocks apart, replays."""

from __future__ import annotations

import random

import attrs
from twisted.trial.unittest import SynchronousTestCase

from kaltwisted.config.model import AuthHmac, Configuration, HmacMode
from kaltwisted.testing.lan import EPOCH_US, Host, Lan
from kaltwisted.vrrp.actions import State
from tests.unit.hmac_helpers import NEW, NOW_US, OLD, auth_hmac
from tests.unit.vrrp_helpers import config, seconds


def director(priority: int, block: AuthHmac | None) -> Configuration:
    instance = config(priority=priority, version=3, advert_int_us=seconds(0.1), auth_hmac=block)
    return Configuration(vrrp_instances=(instance,))


class LanTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.lan = Lan(seed=5)

    def pair(self, one: AuthHmac | None, two: AuthHmac | None) -> tuple[Host, Host]:
        """A master and a backup that have run for a while."""
        better = self.lan.host("one", director(200, one), {"eth0": "10.0.0.5"})
        worse = self.lan.host("two", director(100, two), {"eth0": "10.0.0.6"})
        better.start()
        worse.start()
        self.lan.run(seconds(2))
        return better, worse

    def states(self) -> list[State]:
        return [host.state("X") for host in self.lan.hosts.values()]

    def errors(self) -> dict[str, int]:
        """What was dropped by all of them, by reason."""
        found: dict[str, int] = {}
        for host in self.lan.hosts.values():
            assert host.router is not None
            for reason, count in host.router.instances["X"].statistics.packet_errors.items():
                found[reason.name] = found.get(reason.name, 0) + count
        return found

    def became_master(self) -> int:
        return sum(line.line.endswith("Entering MASTER STATE") for line in self.lan.log)

    def test_a_signed_pair_fails_over_and_back(self) -> None:
        better, worse = self.pair(auth_hmac(), auth_hmac())
        self.assertEqual(self.states(), [State.MASTER, State.BACKUP])
        better.stop()
        self.lan.run(seconds(0.1))
        self.assertEqual(worse.state("X"), State.MASTER)
        better.start()
        self.lan.run(seconds(2))
        self.assertEqual(self.states(), [State.MASTER, State.BACKUP])
        self.assertEqual(self.errors(), {})

    def test_another_key_is_two_masters_with_an_alarm(self) -> None:
        self.pair(auth_hmac(OLD), auth_hmac(attrs.evolve(OLD, secret=NEW.secret)))
        self.assertEqual(self.states(), [State.MASTER, State.MASTER])
        self.assertEqual(set(self.errors()), {"HMAC_INVALID"})

    def test_a_key_is_rotated_and_no_advert_is_lost(self) -> None:
        better, worse = self.pair(auth_hmac(OLD), auth_hmac(OLD))
        hosts = [(better, 200), (worse, 100)]
        chance = random.Random(1)
        for block in (
            auth_hmac(OLD, NEW),
            auth_hmac(OLD, NEW, active_key=2),
            auth_hmac(NEW),
        ):
            chance.shuffle(hosts)
            for host, priority in hosts:
                host.reload(director(priority, block))
                self.lan.run(chance.randint(1, seconds(1)))
        self.assertEqual(self.states(), [State.MASTER, State.BACKUP])
        self.assertEqual(self.errors(), {})
        self.assertEqual(self.became_master(), 1)
        assert better.router is not None and worse.router is not None
        sent = better.router.instances["X"].statistics.adverts_sent
        heard = worse.router.instances["X"].statistics.adverts_received
        # The first ones may have gone out before the other was there to hear them.
        self.assertLessEqual(sent - heard, 1)

    def test_a_rotation_in_the_wrong_order_is_noticed(self) -> None:
        better, _ = self.pair(auth_hmac(OLD), auth_hmac(OLD))
        better.reload(director(200, auth_hmac(OLD, NEW, active_key=2)))
        self.lan.run(seconds(1))
        self.assertEqual(self.states(), [State.MASTER, State.MASTER])
        self.assertIn("HMAC_UNKNOWN_KEY", self.errors())

    def test_it_is_introduced_without_a_gap(self) -> None:
        better, worse = self.pair(None, None)
        for mode in (HmacMode.RECEIVE_ONLY, HmacMode.PERMISSIVE, HmacMode.ENFORCE):
            for host, priority in ((worse, 100), (better, 200)):
                host.reload(director(priority, auth_hmac(mode=mode)))
                self.lan.run(seconds(1))
        self.assertEqual(self.states(), [State.MASTER, State.BACKUP])
        self.assertEqual(self.became_master(), 1)
        self.assertEqual(self.errors(), {})

    def test_clocks_apart_by_more_than_the_window(self) -> None:
        better, worse = self.pair(auth_hmac(), auth_hmac())
        worse.set_clock(seconds(3600))
        self.lan.run(seconds(1))
        self.assertEqual(self.states(), [State.MASTER, State.MASTER])
        self.assertEqual(set(self.errors()), {"HMAC_STALE"})
        # Set right again, all is well at once.
        worse.set_clock(0)
        self.lan.run(seconds(1))
        self.assertEqual(self.states(), [State.MASTER, State.BACKUP])
        self.assertEqual(better.state("X"), State.MASTER)

    def test_copies_and_loss_do_no_harm(self) -> None:
        self.pair(auth_hmac(), auth_hmac())
        wire = self.lan.wire("eth0")
        wire.duplication = 1.0
        self.lan.run(seconds(5))
        self.assertEqual(self.states(), [State.MASTER, State.BACKUP])
        self.assertEqual(self.became_master(), 1)
        self.assertEqual(set(self.errors()), {"HMAC_REPLAY"})

    def test_what_was_recorded_cannot_move_anything(self) -> None:
        """Priority 0 and higher priorities of an hour ago, and of now, sent again by somebody else."""
        better, _ = self.pair(auth_hmac(), auth_hmac())
        recorded = self.lan.record()
        better.stop()
        self.lan.run(seconds(1))
        better.start()
        self.lan.run(seconds(2))
        self.assertEqual(self.states(), [State.MASTER, State.BACKUP])
        before = self.became_master()
        for _ in range(3):
            for old in list(recorded):
                self.lan.replay("eth0", old)
            self.lan.run(seconds(20))
        self.assertEqual(self.states(), [State.MASTER, State.BACKUP])
        self.assertEqual(self.became_master(), before)
        self.assertLessEqual(set(self.errors()), {"HMAC_REPLAY", "HMAC_STALE"})
        self.assertEqual(EPOCH_US, NOW_US)
