"""``auth_hmac``: the trailer as bytes, what is taken and what is not, and keys that change under way."""

from __future__ import annotations

import random
from ipaddress import ip_address

import attrs
from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from kaltwisted.config.model import (
    SECOND_US,
    AntiReplay,
    AuthHmac,
    AuthType,
    Configuration,
    HmacKey,
    HmacMode,
    VirtualIpAddress,
    VrrpInstance,
)
from kaltwisted.ports import Ipv6Message
from kaltwisted.testing.lan import EPOCH_US, Host, Lan
from kaltwisted.vrrp import actions as act
from kaltwisted.vrrp import events as ev
from kaltwisted.vrrp import hmac, packet
from kaltwisted.vrrp.actions import State, TimerName
from kaltwisted.vrrp.checksum import checksum, pseudo_header
from kaltwisted.vrrp.hmac import Failure, Keys
from kaltwisted.vrrp.packet import Advert, Expected, Moment, Reason
from kaltwisted.vrrp.report_statistics import counters, statistics
from tests.unit.vrrp_helpers import VIP, Driven, config, seconds
from tests.unit.vrrp_helpers import lines as lines_of
from tests.unit.vrrp_reports import Running

SOURCE, GROUP = ip_address("10.9.0.1").packed, packet.IPV4_GROUP
SOURCE6, GROUP6 = ip_address("fe80::9").packed, packet.IPV6_GROUP
ADDRESS, ADDRESS6 = ip_address("10.9.0.100").packed, ip_address("fe80::51").packed
OLD = HmacKey(1, bytes(range(32)))
NEW = HmacKey(2, bytes(range(100, 164)))
NOW_S = 1_800_000_000
NOW_US = NOW_S * SECOND_US
KEYS = Keys({1: OLD.secret, 2: NEW.secret}, 5)

# What each covers, written down by hand: pseudo-header, message with a checksum of zero, trailer with an
# HMAC of zero; and the first half of what `openssl dgst -sha256 -mac HMAC` makes of it with the key 00..1f.
HEAD = "010700006b49d20080000003"
SEQUENCE = 0x6B49D20080000003
GOLDEN = [
    (Expected(51, 3), SOURCE, ADDRESS, "06dbe7de309702384aa83066c6afcde5"),
    (Expected(51, 2), SOURCE, ADDRESS, "ce2b492d73988c9ac6db4119635f63eb"),
    (Expected(51, 3), SOURCE6, ADDRESS6, "e429061bf2de5604f646d74c91ecf610"),
]


def auth_hmac(*keys: HmacKey, **fields: object) -> AuthHmac:
    """A block with these keys, the first of which is active unless another is said to be."""
    return AuthHmac(keys or (OLD,), **({"active_key": (keys or (OLD,))[0].id} | fields))  # type: ignore[arg-type]


def signed(
    expected: Expected,
    sequence: int = hmac.sequence_at(NOW_US),
    key: HmacKey = OLD,
    *,
    priority: int = 100,
    source: bytes = SOURCE,
) -> bytes:
    """The IPv4 packet of a router that signs."""
    message = packet.encode(expected, priority, ADDRESS, source, GROUP)
    trailer = hmac.sign(message, source, key.id, key.secret, sequence)
    return packet.ipv4_packet(packet.with_trailer(message, trailer, source, GROUP), source, GROUP, 1)


class TrailerTests(SynchronousTestCase):
    def test_golden_vectors(self) -> None:
        for expected, source, address, tag in GOLDEN:
            group = GROUP if len(source) == 4 else GROUP6
            message = packet.encode(expected, 100, address, source, group)
            trailer = hmac.sign(message, source, 7, OLD.secret, SEQUENCE)
            self.assertEqual(trailer.hex(), HEAD + tag)
            judged = hmac.Signed(message, trailer, source)
            self.assertEqual(hmac.judge(judged, Keys({7: OLD.secret}, 5), NOW_US), SEQUENCE)

    def test_a_moment_as_a_sequence_number(self) -> None:
        self.assertEqual(hmac.sequence_at(NOW_US + 500_000), 0x6B49D20080000000)
        self.assertEqual(hmac.sequence_at(NOW_US + 999_999) & 0xFFFFFFFF, 0xFFFF0000)
        self.assertEqual(hmac.sequence_at((1 << 32) * SECOND_US), 0)

    def test_it_covers_sender_family_and_virtual_router(self) -> None:
        message = packet.encode(Expected(51, 3), 100, ADDRESS, SOURCE, GROUP)
        trailer = hmac.sign(message, SOURCE, 1, OLD.secret, SEQUENCE)
        other_vrid = bytes((message[0], 52)) + message[2:]
        for changed, source in (
            (message, ip_address("10.9.0.2").packed),
            (message, SOURCE + bytes(12)),
            (other_vrid, SOURCE),
            (b"\x21" + message[1:], SOURCE),
        ):
            judged = hmac.Signed(changed, trailer, source)
            self.assertIs(hmac.judge(judged, KEYS, NOW_US), Failure.INVALID)
        # The checksum is not covered: over IPv6 the kernel makes it.
        judged = hmac.Signed(message[:6] + b"\xab\xcd" + message[8:], trailer, SOURCE)
        self.assertEqual(hmac.judge(judged, KEYS, NOW_US), SEQUENCE)

    def test_serial_numbers_wrap(self) -> None:
        last = (1 << 64) - 1
        self.assertTrue(hmac.is_newer(0, last))
        self.assertFalse(hmac.is_newer(last, 0))
        self.assertFalse(hmac.is_newer(5, 5))
        late_us = (1 << 32) * SECOND_US - 1
        self.assertEqual(hmac.ahead_s(hmac.sequence_at(late_us + 2 * SECOND_US), late_us), 2)
        self.assertEqual(hmac.ahead_s(hmac.sequence_at(late_us), late_us + 2 * SECOND_US), -2)


class JudgementTests(SynchronousTestCase):
    V3 = Expected(51, 3, keys=KEYS)

    def judged(
        self, data: bytes, expected: Expected = V3, now_us: int = NOW_US, last: int | None = None
    ) -> object:
        moment = Moment(now_us, {} if last is None else {SOURCE: last})
        return packet.decode(data, expected, 0, moment)

    def test_authentic_ones_of_both_versions_and_each_key(self) -> None:
        for expected in (self.V3, Expected(51, 2, keys=KEYS)):
            for key in (OLD, NEW):
                advert = self.judged(signed(expected, key=key), expected)
                assert isinstance(advert, Advert), advert
                self.assertEqual(advert.signed, hmac.sequence_at(NOW_US))
                self.assertEqual(advert.address_block, ADDRESS)

    def test_each_failure(self) -> None:
        good = signed(self.V3)
        plain = packet.ipv4_packet(packet.encode(self.V3, 100, ADDRESS, SOURCE, GROUP), SOURCE, GROUP, 1)
        stranger = attrs.evolve(OLD, id=9)
        forger = attrs.evolve(OLD, secret=bytes(32))
        for data, reason in (
            (plain, Reason.HMAC_MISSING),
            (resized(good[:-1]), Reason.HMAC_MALFORMED),
            (resized(good + b"\0"), Reason.HMAC_MALFORMED),
            (good[:32] + b"\x02" + good[33:], Reason.HMAC_MALFORMED),
            (signed(self.V3, key=stranger), Reason.HMAC_UNKNOWN_KEY),
            (signed(self.V3, key=forger), Reason.HMAC_INVALID),
            (good[:22] + b"\xff" + good[23:], Reason.HMAC_INVALID),
            (signed(self.V3, hmac.sequence_at(NOW_US - 6 * SECOND_US)), Reason.HMAC_STALE),
            (signed(self.V3, hmac.sequence_at(NOW_US + 6 * SECOND_US)), Reason.HMAC_STALE),
        ):
            self.assertEqual(self.judged(data), reason)
        self.assertEqual(self.judged(good, last=hmac.sequence_at(NOW_US)), Reason.HMAC_REPLAY)
        self.assertIsInstance(self.judged(good, last=hmac.sequence_at(NOW_US) - 1), Advert)
        for ahead_s in (-5, 5):
            sequence = hmac.sequence_at(NOW_US + ahead_s * SECOND_US)
            self.assertIsInstance(self.judged(signed(self.V3, sequence)), Advert)

    def test_who_has_no_keys_drops_what_is_signed(self) -> None:
        for expected in (Expected(51, 3), Expected(51, 2), Expected(51, 2, auth_type=AuthType.PASS)):
            self.assertEqual(self.judged(signed(expected), expected), Reason.HMAC_UNEXPECTED)

    def test_other_modes_take_what_is_not_signed_and_nothing_that_is_wrongly(self) -> None:
        expected = attrs.evolve(self.V3, keys=attrs.evolve(KEYS, required=False))
        plain = packet.ipv4_packet(packet.encode(self.V3, 100, ADDRESS, SOURCE, GROUP), SOURCE, GROUP, 1)
        advert = self.judged(plain, expected)
        assert isinstance(advert, Advert)
        self.assertIsNone(advert.signed)
        data = signed(self.V3, key=attrs.evolve(OLD, secret=bytes(32)))
        self.assertEqual(self.judged(data, expected), Reason.HMAC_INVALID)

    def test_monotonic_asks_for_growth_alone(self) -> None:
        expected = attrs.evolve(self.V3, keys=attrs.evolve(KEYS, window_s=None))
        for now_us in (0, NOW_US, NOW_US + 10**14):
            self.assertIsInstance(self.judged(signed(self.V3), expected, now_us), Advert)
        last = hmac.sequence_at(NOW_US) + 1
        self.assertEqual(self.judged(signed(self.V3), expected, 0, last=last), Reason.HMAC_REPLAY)

    def test_our_own_clock_was_set_back(self) -> None:
        ahead = hmac.sequence_at(NOW_US + 3600 * SECOND_US)
        self.assertIsInstance(self.judged(signed(self.V3), last=ahead), Advert)
        near = hmac.sequence_at(NOW_US + 5 * SECOND_US)
        self.assertEqual(self.judged(signed(self.V3), last=near), Reason.HMAC_REPLAY)

    def test_a_checksum_over_ipv4_may_cover_the_trailer(self) -> None:
        data = bytearray(signed(self.V3))
        data[26:28] = b"\0\0"
        front = pseudo_header(SOURCE, GROUP, len(data) - 20)
        data[26:28] = checksum(front + bytes(data[20:])).to_bytes(2)
        self.assertIsInstance(self.judged(bytes(data)), Advert)
        data[26] ^= 1
        self.assertEqual(self.judged(bytes(data)), Reason.CHECKSUM)

    def test_ipv6(self) -> None:
        message = packet.encode(self.V3, 100, ADDRESS6, SOURCE6, GROUP6)
        trailer = hmac.sign(message, SOURCE6, 1, OLD.secret, hmac.sequence_at(NOW_US))
        whole = packet.with_trailer(message, trailer, SOURCE6, GROUP6)
        # As the kernel reckons it: over all that the packet carries.
        front = pseudo_header(SOURCE6, GROUP6, len(whole))
        self.assertEqual(checksum(front + whole[:6] + b"\0\0" + whole[8:]).to_bytes(2), whole[6:8])
        received = Ipv6Message(whole, SOURCE6, GROUP6, 255)
        moment = Moment(NOW_US)
        advert = packet.decode_ipv6(received, self.V3, moment)
        assert isinstance(advert, Advert), advert
        self.assertEqual(advert.addresses, (ip_address("fe80::51"),))
        for changed, reason in (
            (whole[:-1], Reason.HMAC_MALFORMED),
            (message, Reason.HMAC_MISSING),
            (whole[:2] + b"\xff" + whole[3:], Reason.HMAC_INVALID),
            (whole[:6] + bytes((whole[6] ^ 1,)) + whole[7:], Reason.CHECKSUM),
        ):
            verdict = packet.decode_ipv6(attrs.evolve(received, message=changed), self.V3, moment)
            self.assertEqual(verdict, reason)
        self.assertEqual(packet.decode_ipv6(received, Expected(51, 3), moment), Reason.HMAC_UNEXPECTED)

    @given(st.data())
    def test_no_alteration_of_what_is_covered_is_accepted(self, data: st.DataObject) -> None:
        good = signed(self.V3)
        altered = bytearray(good)
        at = data.draw(st.integers(20, len(good) - 1).filter(lambda each: each not in (26, 27)))
        altered[at] ^= data.draw(st.integers(1, 255))
        self.assertIsInstance(self.judged(bytes(altered)), Reason)


class MemoryTests(SynchronousTestCase):
    def test_only_so_many_senders_are_known(self) -> None:
        senders = hmac.Senders()
        for number in range(hmac.MOST_SENDERS):
            senders.heard(number.to_bytes(4), number)
        senders.heard(bytes(4), 7)
        senders.heard(b"new!", 1)
        self.assertEqual(len(senders.latest), hmac.MOST_SENDERS)
        self.assertEqual(senders.latest[bytes(4)], 7)
        self.assertNotIn((1).to_bytes(4), senders.latest)

    @given(st.lists(st.integers(0, 3 * SECOND_US), max_size=30), st.sampled_from([None, 5]))
    def test_numbers_grow_also_when_time_stands_still_or_is_set_back_a_little(
        self, offsets: list[int], window_s: int | None
    ) -> None:
        sequence, last = hmac.Sequence(), None
        for offset in offsets:
            number = sequence.next(NOW_US + offset, window_s)
            if last is not None:
                self.assertTrue(hmac.is_newer(number, last))
            last = number

    def test_a_clock_that_was_hours_ahead_is_followed_back_where_there_is_a_window(self) -> None:
        for window_s, follows in ((5, True), (None, False)):
            sequence = hmac.Sequence()
            ahead = sequence.next(NOW_US + 3600 * SECOND_US, window_s)
            number = sequence.next(NOW_US, window_s)
            self.assertEqual(number, hmac.sequence_at(NOW_US) if follows else ahead + 1)

    def test_a_key_shows_in_no_repr(self) -> None:
        shown = f"{config(auth_hmac=auth_hmac(OLD))} {KEYS} {Expected(51, keys=KEYS)}"
        for text in (repr(OLD.secret)[2:-1], OLD.secret.hex()):
            self.assertNotIn(text, shown)


def resized(data: bytes) -> bytes:
    """An IPv4 packet whose header tells the length that it has."""
    return data[:2] + len(data).to_bytes(2) + data[4:]


def driven(**fields: object) -> Driven:
    """An instance that signs and knows what time it is."""
    router = Driven(version=3, **({"auth_hmac": auth_hmac()} | fields))  # type: ignore[arg-type]
    router.do(ev.TimeOfDay(NOW_US))
    return router


def advert(router: Driven, priority: int = 200, key: HmacKey = OLD, ahead_us: int = 0) -> bytes:
    """What another router signs now, or by another clock."""
    sequence = hmac.sequence_at(NOW_US + router.now + ahead_us)
    expected = Expected(51, 3)
    message = packet.encode(expected, priority, VIP.address.packed, SOURCE, GROUP)
    trailer = hmac.sign(message, SOURCE, key.id, key.secret, sequence)
    return packet.ipv4_packet(packet.with_trailer(message, trailer, SOURCE, GROUP), SOURCE, GROUP, 1)


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
        message = Ipv6Message(advertised.packet, ip_address("fe80::5").packed, GROUP6, 255)
        moment = Moment(NOW_US + router.now)
        self.assertIsInstance(packet.decode_ipv6(message, Expected(51, 3, keys=KEYS), moment), Advert)


# --- several routers on one LAN ---------------------------------------------------------------


def director(priority: int, block: AuthHmac | None, **fields: object) -> Configuration:
    values: dict[str, object] = {"priority": priority, "version": 3, "advert_int_us": seconds(0.1)}
    instance: VrrpInstance = config(auth_hmac=block, **(values | fields))
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
