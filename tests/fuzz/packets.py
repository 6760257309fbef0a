"""Packets that are fuzzed: VRRP of both versions and families, plain and authenticated in each way, and BFD.

The bytes of a case say what happens to a router: its settings, and then steps.
A step is a number for what it is, a size, and so many bytes: a packet as it
is, one that somebody with the password or key has made, a timer, or time.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from ipaddress import ip_address
from typing import NamedTuple

from kaltwisted.bfd import packet as bfd_packet
from kaltwisted.bfd.session import Session
from kaltwisted.bfd.variables import Send
from kaltwisted.config.model import (
    SECOND_US,
    Address,
    AntiReplay,
    Authentication,
    AuthHmac,
    AuthType,
    BfdInstance,
    HmacKey,
    HmacMode,
    UnicastPeer,
    VirtualIpAddress,
    VrrpInstance,
)
from kaltwisted.ports import Ipv6Message
from kaltwisted.vrrp import actions as act
from kaltwisted.vrrp import auth, hmac, packet
from kaltwisted.vrrp import events as ev
from kaltwisted.vrrp.actions import TimerName
from kaltwisted.vrrp.instance import Instance
from kaltwisted.vrrp.packet import Advert, Moment
from kaltwisted.vrrp.statistics import Statistics

MOST_SECONDS = 2.0
"""CPU time of one case, also where every branch is watched."""

MOST_STEPS = 60
MOST_ACTIONS = 40
"""Of one step: what a single packet may make us do."""

EPOCH_US = 1_800_000_000_000_000
_KEY = HmacKey(3, bytes(range(100, 132)))
_VRID = 51
_OURS = {4: ip_address("10.0.0.5"), 6: ip_address("fe80::5")}
_OTHER = {4: ip_address("10.0.0.9"), 6: ip_address("fe80::9")}
_VIPS = {4: "10.0.0.100", 6: "fe80::100"}


def _settings() -> Iterator[VrrpInstance]:
    """What routers are tried: each way to authenticate, each mode, multicast and unicast."""
    secret = Authentication(AuthType.PASS, b"secret"), Authentication(AuthType.AH, b"secret")
    ways: list[dict[str, object]] = [{}]
    ways += [{"auth_hmac": AuthHmac((_KEY,), 3, mode=mode)} for mode in HmacMode]
    ways.append({"auth_hmac": AuthHmac((_KEY,), 3, anti_replay=AntiReplay.MONOTONIC)})
    for family, version in ((4, 2), (4, 3), (6, 3)):
        own = {"name": "X", "interface": "eth0", "virtual_router_id": _VRID, "version": version}
        vip = VirtualIpAddress(ip_address(_VIPS[family]), 32)
        for way in ways + ([{"authentication": each} for each in secret] if version == 2 else []):
            for more in ({}, {"unicast_peer": (UnicastPeer(_OTHER[family]),), "nopreempt": True}):
                yield VrrpInstance(**own, virtual_ipaddress=(vip,), **way, **more)  # type: ignore[arg-type]


SETTINGS = tuple(_settings())


class Step(NamedTuple):
    """One step: what it is, and its bytes."""

    kind: int
    data: bytes


def steps(data: bytes) -> Iterator[Step]:
    """The steps of a case."""
    for _ in range(MOST_STEPS):
        if len(data) < 2:
            return
        kind, size = data[0], data[1]
        yield Step(kind, data[2 : 2 + size])
        data = data[2 + size :]


class _Router:
    """An instance with a clock, whose timers are run."""

    def __init__(self, config: VrrpInstance) -> None:
        self.config = config
        self.family = config.ip_version
        self.now = 10 * SECOND_US
        self.instance = Instance(config)
        self.timers: dict[TimerName, act.ArmTimer] = {}
        for event in (ev.SourceChanged(_OURS[self.family]), ev.TimeOfDay(EPOCH_US), ev.Start()):
            self.do(event)

    @property
    def statistics(self) -> Statistics:
        return self.instance.statistics

    @property
    def destination(self) -> Address:
        """Where others send their adverts."""
        return _OURS[self.family] if self.config.unicast_peer else self.config.group

    def do(self, event: ev.Event) -> list[act.Action]:
        """Give it an event, and hold what it does to what must be."""
        done = self.instance.handle(event, self.now)
        assert len(done) <= MOST_ACTIONS, "one event makes it do too much"
        for action in done:
            match action:
                case act.ArmTimer(which):
                    assert action.at <= self.now + 600 * SECOND_US, "a timer of more than ten minutes"
                    self.timers[which] = action
                case act.CancelTimer(which):
                    self.timers.pop(which, None)
                case act.SendAdvert():
                    self.look_at(action)
                case act.Log(line):
                    assert line.isprintable() and len(line) < 400, "no log line"
        router = self.instance.router
        assert len(router.senders.latest) <= hmac.MOST_SENDERS, "too many senders are remembered"
        assert len(router._said) <= 60, "too much is remembered of what was said"
        return done

    def look_at(self, advert: act.SendAdvert) -> None:
        """What it sends another router of the same settings takes."""
        source, destination = advert.source.packed, advert.destination.packed
        moment = Moment(EPOCH_US + self.now)
        expected = self.instance.router.expected
        if self.family == 6:
            message = Ipv6Message(advert.packet, source, destination, advert.hop_limit)
            verdict = packet.decode_ipv6(message, expected, moment)
        else:
            verdict = packet.decode(advert.packet, expected, 0, moment)
        receive_only = (
            self.config.auth_hmac is not None and self.config.auth_hmac.mode is HmacMode.RECEIVE_ONLY
        )
        assert isinstance(verdict, Advert), f"it sends what nobody takes: {verdict}"
        assert (verdict.signed is None) == (self.config.auth_hmac is None or receive_only)

    def heard(self, data: bytes, hop_limit: int = 255) -> None:
        """Bytes came in; they are counted once, as what they are."""
        before = self.counted()
        if self.family == 6:
            message = Ipv6Message(data, _OTHER[6].packed, self.destination.packed, hop_limit)
            assert 0 <= packet.vrid_of(message) <= 255
            self.do(ev.MessageReceived(message))
        else:
            assert 0 <= packet.vrid_of(data) <= 255
            self.do(ev.PacketReceived(data))
        assert 0 <= self.counted() - before <= 1, "a packet is counted twice"

    def counted(self) -> int:
        return self.statistics.adverts_received + sum(self.statistics.packet_errors.values())

    def forged(self, data: bytes) -> None:
        """Bytes of somebody who does not have the key or password."""
        before = self.instance.state, dict(self.timers), self.statistics.adverts_received
        self.heard(data)
        if self.is_safe:
            after = self.instance.state, self.timers, self.statistics.adverts_received
            assert before == after, "a forged packet moves it"

    @property
    def is_safe(self) -> bool:
        """Whether nothing of a stranger may move it.  A password of six letters can be guessed."""
        auth_hmac = self.config.auth_hmac
        sealed = self.instance.router.expected.auth_type is AuthType.AH
        return sealed or (auth_hmac is not None and auth_hmac.mode is HmacMode.ENFORCE)

    def authentic(self, data: bytes) -> None:
        """An advert of another router with the same settings, made from bytes: what varies in adverts."""
        data = data.ljust(6, b"\0")
        source, destination = _OTHER[self.family].packed, self.destination.packed
        size = len(source)
        count, ahead = data[1], int.from_bytes(data[2:4]) - 0x8000
        expected = self.instance.router.expected
        message = bytearray(
            packet.encode(
                expected, data[0], data[6 : 6 + count * size].ljust(count * size, b"\0"), source, destination
            )
        )
        if self.config.version == 3:
            message[4:6] = data[4:6]
        message[6:8] = b"\0\0"
        form = expected.form(old=bool(data[5] & 1))
        front = packet.covered(form, self.config.version, source, destination, len(message))
        message[6:8] = packet.checksum(front + bytes(message)).to_bytes(2)
        whole = bytes(message)
        if self.config.auth_hmac is not None:
            sequence = hmac.sequence_at(EPOCH_US + self.now) + (ahead << 24)
            trailer = hmac.sign(whole, source, _KEY.id, _KEY.secret, sequence % (1 << 64))
            whole = packet.with_trailer(whole, trailer, source, destination)
        if self.family == 6:
            self.heard(whole)
        elif expected.auth_type is AuthType.AH:
            sequence = max(0, self.instance.sequence.value + ahead)
            self.heard(
                packet.sealed_packet(whole, source, destination, 7, expected.password, sequence & 0xFFFFFFFF)
            )
        else:
            self.heard(packet.ipv4_packet(whole, source, destination, 7))

    def framed(self, data: bytes) -> None:
        """A VRRP message of a stranger, in an IP packet that is right."""
        if self.family == 6:
            self.forged(data)
            return
        sealed = self.instance.router.expected.auth_type is AuthType.AH
        protocol = auth.AH_PROTOCOL if sealed else auth.VRRP_PROTOCOL
        source, destination = _OTHER[4].packed, self.destination.packed
        self.forged(packet.ipv4_packet(data, source, destination, 7, protocol=protocol))

    def expire(self) -> None:
        """The next timer is due."""
        if self.timers:
            timer = min(self.timers.values(), key=lambda each: (each.at, each.which.value))
            del self.timers[timer.which]
            self.now = max(self.now, timer.at)
            self.do(ev.TimerExpired(timer.which, timer.generation))


def vrrp(data: bytes) -> None:
    """Whatever comes in, a router lives on, keeps little of it, and does nothing for strangers."""
    if not data:
        return
    before = time.process_time()
    router = _Router(SETTINGS[data[0] % len(SETTINGS)])
    for kind, content in steps(data[1:]):
        match kind % 6:
            case 0:
                router.forged(content)
            case 1:
                router.framed(content)
            case 2 | 3:
                router.authentic(content)
            case 4:
                router.expire()
            case 5:
                router.now += int.from_bytes(content[:3])
    assert time.process_time() - before < MOST_SECONDS, "it takes too long"


def bfd(data: bytes) -> None:
    """Whatever comes in, a session lives on, sends what is right, and never in a hurry."""
    if not data:
        return
    config = BfdInstance("far", ip_address("10.0.0.2"), multiplier=1 + data[0] % 8)
    session = Session(config, 17, lambda: 0.5)
    now = 10 * SECOND_US
    _look_at_sent(session.start(now))
    for kind, content in steps(data[1:]):
        match kind % 4:
            case 0 | 1:
                made = content
                if kind % 4 == 1 and len(content) >= bfd_packet.SIZE:
                    # What somebody sends who knows the session.
                    made = bytes((0x20 | content[0] & 31, content[1] & 0xDA, content[2] or 1, 24))
                    made += content[4:8] + (17).to_bytes(4) + content[12:24]
                control = bfd_packet.decode(made)
                if isinstance(control, bfd_packet.Control):
                    assert bfd_packet.decode(bfd_packet.encode(control)) == control, (
                        "it is not read as written"
                    )
                    _look_at_sent(session.receive(control, now))
                else:
                    assert isinstance(control, bfd_packet.Reason)
            case 2:
                if session.next_at is not None:
                    now = max(now, session.next_at)
                _look_at_sent(session.tick(now))
                assert session.next_at is None or session.next_at > now, "it is due again at once"
            case 3:
                now += int.from_bytes(content[:3])


def _look_at_sent(done: object) -> None:
    assert isinstance(done, list)
    assert len(done) <= MOST_ACTIONS, "one event makes it do too much"
    for action in done:
        if isinstance(action, Send):
            assert isinstance(bfd_packet.decode(action.packet), bfd_packet.Control), "it sends what is wrong"


def seeds() -> Iterator[bytes]:
    """Cases to begin with: each setting with good adverts, its own timers, and some rubbish."""
    good = bytes((200, 1, 0x80, 0x01, 0, 100)) + bytes(16)
    for number in range(len(SETTINGS)):
        case = bytes((number,))
        case += (
            bytes((2, len(good)))
            + good
            + bytes((4, 0)) * 3  # overdue, overdue, and it takes over
            + bytes((1, 8))
            + bytes((0x31, _VRID, 255, 0, 0, 100, 0, 0))
        )
        yield case + bytes((0, 20)) + bytes(20) + bytes((4, 0, 4, 0)) + bytes((3, len(good))) + good


def bfd_seeds() -> Iterator[bytes]:
    """A session that comes up and is lost."""
    for state in (0x40, 0x80, 0xC0, 0x00):
        control = (
            bytes((0x20, state, 3, 24))
            + (5).to_bytes(4)
            + (17).to_bytes(4)
            + (10_000).to_bytes(4) * 2
            + bytes(4)
        )
        step = bytes((1, len(control))) + control
        yield bytes((3,)) + step * 2 + bytes((2, 0)) * 3 + bytes((3, 3, 1, 0, 0)) + step
