"""Unicast: which checksum a peer gets, whose adverts are heard, and with which TTL."""

from __future__ import annotations

from ipaddress import ip_address

from twisted.trial.unittest import SynchronousTestCase

from kaltwisted.config.model import OldUnicastChecksum, UnicastPeer
from kaltwisted.vrrp import actions as act
from kaltwisted.vrrp import checksum, packet
from kaltwisted.vrrp import events as ev
from kaltwisted.vrrp.actions import State
from kaltwisted.vrrp.checksum import Form
from kaltwisted.vrrp.packet import Reason
from tests.unit.vrrp_helpers import OURS, VIP, Driven, lines

OLD, NEW = "10.0.0.6", "10.0.0.7"
PEERS = (UnicastPeer(ip_address(OLD)), UnicastPeer(ip_address(NEW)))


def advert(
    form: Form, source: str = OLD, *, priority: int = 50, ttl: int = 255, group: bool = False
) -> bytes:
    """Version 3's advert to us with a checksum of that form."""
    packed, to = ip_address(source).packed, packet.IPV4_GROUP if group else ip_address(OURS).packed
    head = bytes((0x31, 51, 50, 1, 0, 100, 0, 0)) + VIP.address.packed
    value = checksum.checksum(checksum.covered(form, 3, packed, to, len(head)) + head)
    message = head[:6] + value.to_bytes(2) + head[8:]
    return packet.ipv4_packet(message, packed, to, 1, ttl=ttl)


def form_of(sent: act.SendAdvert) -> Form:
    """The form that an advert of ours is in."""
    source, destination, message = sent.packet[12:16], sent.packet[16:20], sent.packet[20:]
    for form in Form:
        if checksum.is_intact(checksum.covered(form, 3, source, destination, len(message)) + message):
            return form
    raise AssertionError("no form at all")


def sent(actions: list[act.Action]) -> dict[str, Form]:
    """The form of each destination's advert."""
    return {str(each.destination): form_of(each) for each in actions if isinstance(each, act.SendAdvert)}


class ChecksumForms(SynchronousTestCase):
    """Version 3 over IPv4; of everything else there is one form."""

    def driven(self, **fields: object) -> Driven:
        return Driven(version=3, unicast_peer=PEERS, **fields)

    def hear(self, driven: Driven, form: Form, source: str = OLD) -> bool:
        before = driven.instance.statistics.packet_errors[Reason.CHECKSUM]
        driven.do(ev.PacketReceived(advert(form, source)))
        return driven.instance.statistics.packet_errors[Reason.CHECKSUM] == before

    def test_the_addresses_are_covered_unless_a_peer_is_old(self) -> None:
        driven = self.driven()
        self.assertEqual(set(sent(driven.become_master()).values()), {Form.ADDRESSES})

    def test_an_old_peer_gets_the_old_form_and_the_other_does_not(self) -> None:
        driven = self.driven()
        self.assertTrue(self.hear(driven, Form.OLD_UNICAST))
        self.assertIn("(X) Setting unicast VRRPv3 checksum to old version", lines(driven.actions))
        self.assertTrue(self.hear(driven, Form.ADDRESSES, NEW))
        self.assertEqual(sent(driven.become_master()), {OLD: Form.OLD_UNICAST, NEW: Form.ADDRESSES})

    def test_a_peer_that_was_upgraded_gets_the_new_form_again(self) -> None:
        driven = self.driven()
        self.hear(driven, Form.OLD_UNICAST)
        self.assertTrue(self.hear(driven, Form.ADDRESSES))
        self.assertEqual(set(sent(driven.become_master()).values()), {Form.ADDRESSES})

    def test_always(self) -> None:
        driven = self.driven(old_unicast_checksum=OldUnicastChecksum.ALWAYS)
        self.assertEqual(set(sent(driven.become_master()).values()), {Form.OLD_UNICAST})
        self.assertTrue(self.hear(driven, Form.OLD_UNICAST))

    def test_never(self) -> None:
        driven = self.driven(old_unicast_checksum=OldUnicastChecksum.NEVER)
        self.assertFalse(self.hear(driven, Form.OLD_UNICAST))
        self.assertTrue(self.hear(driven, Form.ADDRESSES))

    def test_the_message_alone_is_wrong_unless_configured(self) -> None:
        self.assertFalse(self.hear(self.driven(), Form.MESSAGE))
        driven = self.driven(v3_checksum_as_v2=True)
        for form in Form:
            self.assertTrue(self.hear(driven, form))
        self.assertEqual(set(sent(driven.become_master()).values()), {Form.MESSAGE})

    def test_version_2_covers_the_message_alone_whatever_is_configured(self) -> None:
        driven = Driven(unicast_peer=PEERS, old_unicast_checksum=OldUnicastChecksum.ALWAYS)
        [first, *_] = [each for each in driven.become_master() if isinstance(each, act.SendAdvert)]
        self.assertTrue(checksum.is_intact(first.packet[20:]))

    def test_the_group_s_adverts_have_no_old_form(self) -> None:
        driven = Driven(version=3, old_unicast_checksum=OldUnicastChecksum.ALWAYS)
        self.assertEqual(sent(driven.become_master()), {"224.0.0.18": Form.ADDRESSES})

    def test_ipv6_has_one_form_in_either_version(self) -> None:
        source, to = ip_address("fe80::1").packed, ip_address("ff02::12").packed
        covered = {checksum.covered(form, version, source, to, 24) for form in Form for version in (2, 3)}
        self.assertEqual(covered, {checksum.pseudo_header(source, to, 24)})


class Peers(SynchronousTestCase):
    def errors(self, driven: Driven, data: bytes) -> set[Reason]:
        driven.do(ev.PacketReceived(data))
        return set(driven.instance.statistics.packet_errors)

    def test_any_ttl_and_any_sender_is_heard_unless_configured(self) -> None:
        driven = Driven(version=3, unicast_peer=PEERS)
        self.assertEqual(self.errors(driven, advert(Form.ADDRESSES, "10.0.0.99", ttl=3)), set())

    def test_limits_of_a_peer_are_its_own(self) -> None:
        limited = (UnicastPeer(ip_address(OLD), 250, 254), UnicastPeer(ip_address(NEW)))
        for ttl, reasons in (
            (249, {Reason.TTL_RANGE}),
            (250, set()),
            (254, set()),
            (255, {Reason.TTL_RANGE}),
        ):
            driven = Driven(version=3, unicast_peer=limited)
            self.assertEqual(self.errors(driven, advert(Form.ADDRESSES, ttl=ttl)), reasons, ttl)
        driven = Driven(version=3, unicast_peer=limited)
        self.assertEqual(self.errors(driven, advert(Form.ADDRESSES, NEW, ttl=1)), set())

    def test_where_a_ttl_is_limited_only_peers_are_heard(self) -> None:
        driven = Driven(version=3, unicast_peer=(UnicastPeer(ip_address(OLD), 1, 255),))
        self.assertEqual(self.errors(driven, advert(Form.ADDRESSES, NEW)), {Reason.UNKNOWN_PEER})

    def test_the_ttl_that_is_configured_is_sent(self) -> None:
        driven = Driven(version=3, unicast_peer=PEERS, unicast_ttl=64)
        [first, *_] = [each for each in driven.become_master() if isinstance(each, act.SendAdvert)]
        self.assertEqual((first.packet[8], first.hop_limit), (64, 64))

    def test_no_peer_is_a_fault_where_asked_for(self) -> None:
        driven = Driven(unicast_fault_no_peer=True)
        self.assertEqual(driven.state, State.FAULT)
        self.assertIn("(X) entering FAULT state (no unicast peers)", lines(driven.actions))
        self.assertEqual(Driven(unicast_fault_no_peer=True, unicast_peer=PEERS).state, State.BACKUP)

    def test_the_group_s_packets_are_not_for_a_unicast_instance(self) -> None:
        driven = Driven(version=3, unicast_peer=PEERS)
        data = advert(Form.ADDRESSES, group=True)
        self.assertEqual(self.errors(driven, data), {Reason.NOT_UNICAST})
