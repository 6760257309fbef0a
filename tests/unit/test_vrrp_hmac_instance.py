"""``auth_hmac`` in an instance: what it signs and heeds in each mode, and what it tells and counts."""

from __future__ import annotations

from ipaddress import ip_address

from twisted.trial.unittest import SynchronousTestCase

from kaltwisted.config.model import AntiReplay, HmacMode, VirtualIpAddress
from kaltwisted.ports import Ipv6Message
from kaltwisted.vrrp import actions as act
from kaltwisted.vrrp import events as ev
from kaltwisted.vrrp import hmac, packet
from kaltwisted.vrrp.actions import State, TimerName
from kaltwisted.vrrp.packet import Advert, Expected, Moment, Reason
from kaltwisted.vrrp.report_statistics import counters, statistics
from tests.unit.hmac_helpers import KEYS, NOW_US, OLD, auth_hmac, signed
from tests.unit.vrrp_helpers import VIP, Driven, config, seconds
from tests.unit.vrrp_helpers import lines as lines_of
from tests.unit.vrrp_reports import Running


def driven(**fields: object) -> Driven:
    """An instance that signs and knows what time it is."""
    router = Driven(version=3, **({"auth_hmac": auth_hmac()} | fields))  # type: ignore[arg-type]
    router.do(ev.TimeOfDay(NOW_US))
    return router


def advert(router: Driven, ahead_us: int = 0) -> bytes:
    """What another router signs now, or by another clock."""
    sequence = hmac.sequence_at(NOW_US + router.now + ahead_us)
    return signed(Expected(51, 3), sequence, priority=200, address=VIP.address.packed)


def sent_sequences(actions: list[act.Action]) -> list[tuple[int, int]]:
    """Key and sequence number of the adverts among actions."""
    packets = [each.packet for each in actions if isinstance(each, act.SendAdvert)]
    return [(data[-27], int.from_bytes(data[-24:-16])) for data in packets]


class InstanceTests(SynchronousTestCase):
    def test_each_advert_is_signed_with_the_time_of_day(self) -> None:
        router = driven()
        [(key, first)] = sent_sequences(router.become_master())
        self.assertEqual((key, first), (1, hmac.sequence_at(NOW_US + router.now)))
        [(_, second)] = sent_sequences(router.expire(TimerName.ADVERT))
        self.assertEqual(second - first, 1 << 32)
        # Twice in one moment, each with a number of its own.
        numbers = [
            number for _ in range(2) for _, number in sent_sequences(router.instance.advertise(router.now))
        ]
        self.assertEqual(numbers, [second + 1, second + 2])

    def test_an_authentic_master_is_followed_and_a_replay_is_not(self) -> None:
        router = driven()
        router.after(seconds(1))
        heard = advert(router)
        router.do(ev.PacketReceived(heard))
        self.assertEqual(router.waits_us(TimerName.MASTER_DOWN), 3_609_375)
        router.after(seconds(1))
        done = router.do(ev.PacketReceived(heard))
        self.assertEqual(router.waits_us(TimerName.MASTER_DOWN), 2_609_375)
        self.assertIn("replayed", lines_of(done)[0])
        self.assertEqual(router.instance.statistics.packet_errors[Reason.HMAC_REPLAY], 1)

    def test_modes(self) -> None:
        for mode, signs, takes in (
            (HmacMode.ENFORCE, True, False),
            (HmacMode.PERMISSIVE, True, True),
            (HmacMode.RECEIVE_ONLY, False, True),
        ):
            router = driven(auth_hmac=auth_hmac(mode=mode))
            router.after(seconds(1))
            unsigned = router.packet(200)
            done = router.do(ev.PacketReceived(unsigned))
            self.assertEqual(router.waits_us(TimerName.MASTER_DOWN) == 3_609_375, takes, mode)
            self.assertEqual(router.instance.statistics.unsigned, int(takes))
            self.assertEqual(any("without an HMAC trailer" in line for line in lines_of(done)), takes)
            [advertised] = [each for each in router.become_master() if isinstance(each, act.SendAdvert)]
            self.assertEqual(len(advertised.packet), 32 + 28 * signs)

    def test_the_window_is_three_intervals_and_five_seconds_at_least(self) -> None:
        for fields, window_s in (
            ({"advert_int_us": seconds(0.01)}, 5),
            ({"advert_int_us": seconds(2.5)}, 8),
            ({"auth_hmac": auth_hmac(time_window_s=300)}, 300),
            ({"auth_hmac": auth_hmac(anti_replay=AntiReplay.MONOTONIC)}, None),
        ):
            keys = driven(**fields).instance.router.expected.keys
            assert keys is not None
            self.assertEqual(keys.window_s, window_s)

    def test_clocks_that_drift_apart_are_told_before_it_matters(self) -> None:
        router = driven()
        for ahead_s, told in ((2, False), (3, True), (-3, False)):
            router.after(seconds(1))
            done = router.do(ev.PacketReceived(advert(router, ahead_us=seconds(ahead_s))))
            self.assertEqual(any("time_window" in line for line in lines_of(done)), told, ahead_s)
        self.assertEqual(router.instance.statistics.adverts_received, 2)

    def test_the_time_of_day_is_set(self) -> None:
        router = driven()
        router.do(ev.TimeOfDay(NOW_US + seconds(3600)))
        router.do(ev.PacketReceived(advert(router)))
        self.assertEqual(router.instance.statistics.packet_errors[Reason.HMAC_STALE], 1)
        router.do(ev.PacketReceived(advert(router, ahead_us=seconds(3600))))
        self.assertEqual(router.instance.statistics.adverts_received, 1)

    def test_another_master_that_does_not_sign_is_a_split_brain_with_its_cause(self) -> None:
        router = driven()
        router.become_master()
        for _ in range(3):
            router.after(seconds(1))
            done = router.do(ev.PacketReceived(router.packet(200)))
        self.assertEqual(router.state, State.MASTER)
        alarms = [each.words for each in done if isinstance(each, act.Alarm)]
        self.assertIn("does not sign its adverts", alarms[-1])

    def test_counters(self) -> None:
        running = Running(config(version=3, auth_hmac=auth_hmac()), config(name="B", virtual_router_id=52))
        kept = running.router.instances["X"].statistics
        for reason in (Reason.HMAC_MISSING, Reason.HMAC_STALE, Reason.HMAC_UNEXPECTED):
            kept.packet_errors[reason] += 1
        kept.unsigned = 2
        lines = list(statistics(running.router))
        at = lines.index("  Authentication Extension Errors:")
        titles = ["Missing: 3", "Malformed: 0", "Unknown Key: 0", "Invalid HMAC: 0", "Stale: 1", "Replay: 0"]
        self.assertEqual([line.strip() for line in lines[at + 1 : at + 7]], titles)
        self.assertEqual(lines.count("  Authentication Extension Errors:"), 1, "B has none")
        self.assertEqual(counters(kept, extended=True)["packet_len_err"], 1)
        stats = running.document()[0]["stats"]
        self.assertEqual((stats["auth_ext_missing"], stats["auth_ext_stale"]), (3, 1))
        self.assertNotIn("auth_ext_stale", running.document()[1]["stats"])
        shown = "\n".join(running.lines)
        self.assertIn("     Keys = 1\n     Active key = 1\n     Mode = enforce", shown)
        self.assertNotIn(OLD.secret.hex(), shown)

    def test_ipv6_is_signed_too(self) -> None:
        vip = VirtualIpAddress(ip_address("fe80::51"), 64)
        router = Driven(begin=False, version=3, virtual_ipaddress=(vip,), auth_hmac=auth_hmac())
        router.do(ev.SourceChanged(ip_address("fe80::5")))
        router.do(ev.TimeOfDay(NOW_US))
        router.do(ev.Start())
        [advertised] = [each for each in router.become_master() if isinstance(each, act.SendAdvert)]
        message = Ipv6Message(advertised.packet, ip_address("fe80::5").packed, packet.IPV6_GROUP, 255)
        moment = Moment(NOW_US + router.now)
        self.assertIsInstance(packet.decode_ipv6(message, Expected(51, 3, keys=KEYS), moment), Advert)
