"""RFC 9568 (VRRP version 3), and RFC 5798 before it, over IPv6: each rule by its section, both ways."""

from __future__ import annotations

from ipaddress import ip_address

import attrs
from twisted.trial.unittest import SynchronousTestCase

from kaltwisted.config.load import load_text
from kaltwisted.config.model import VirtualIpAddress, Vmac
from kaltwisted.ports import Ipv6Message
from kaltwisted.vrrp import actions as act
from kaltwisted.vrrp import checksum, packet, silent_ipv6
from kaltwisted.vrrp import events as ev
from kaltwisted.vrrp.actions import State, TimerName
from kaltwisted.vrrp.announce import neighbour_advertisement
from kaltwisted.vrrp.packet import Advert, Expected, Reason
from kaltwisted.vrrp.silent import group_mac
from kaltwisted.vrrp.vmac import link_plan, with_vmacs
from tests.unit.test_config_broken import instance
from tests.unit.vrrp_helpers import Driven, config

LOCAL, GLOBAL = ip_address("fe80::51"), ip_address("2001:db8::51")
OURS, THEIRS = ip_address("fe80::5").packed, ip_address("fe80::9").packed
GROUP = ip_address("ff02::12").packed
VIPS = (VirtualIpAddress(LOCAL, 64), VirtualIpAddress(GLOBAL, 64))
BLOCK = LOCAL.packed + GLOBAL.packed
EXPECTED = Expected(51, 3)


def driven(**fields: object) -> Driven:
    """An instance over IPv6 that waits as backup."""
    router = Driven(begin=False, version=3, virtual_ipaddress=VIPS, **fields)  # type: ignore[arg-type]
    router.do(ev.SourceChanged(ip_address(OURS)))
    router.do(ev.Start())
    return router


def heard(
    priority: int = 100, source: bytes = THEIRS, block: bytes = BLOCK, **changed: object
) -> Ipv6Message:
    message = packet.encode(EXPECTED, priority, block, source, GROUP)
    return attrs.evolve(Ipv6Message(message, source, GROUP, 255), **changed)  # type: ignore[arg-type]


def sent(actions: list[act.Action]) -> act.SendAdvert:
    [advert] = [each for each in actions if isinstance(each, act.SendAdvert)]
    return advert


class Section5PacketFormat(SynchronousTestCase):
    def test_5_1_2_1_the_source_is_the_link_local_address(self) -> None:
        self.assertEqual(sent(driven().become_master()).source, ip_address(OURS))

    def test_5_1_2_2_the_destination_is_ff02_12(self) -> None:
        self.assertEqual(sent(driven().become_master()).destination, ip_address(GROUP))
        self.assertEqual(packet.decode_ipv6(heard(destination=OURS), EXPECTED), Reason.CHECKSUM)
        unicast = packet.encode(EXPECTED, 100, BLOCK, THEIRS, OURS)
        received = Ipv6Message(unicast, THEIRS, OURS, 255)
        self.assertEqual(packet.decode_ipv6(received, EXPECTED), Reason.NOT_MULTICAST)

    def test_5_1_2_3_the_hop_limit_is_255(self) -> None:
        self.assertEqual(sent(driven().become_master()).hop_limit, 255)
        self.assertIsInstance(packet.decode_ipv6(heard(), EXPECTED), Advert)
        for hop_limit in (0, 1, 254):
            self.assertEqual(packet.decode_ipv6(heard(hop_limit=hop_limit), EXPECTED), Reason.TTL)

    def test_5_2_1_version_3_only(self) -> None:
        self.assertEqual(sent(driven().become_master()).packet[0], 0x31)
        message = b"\x21" + heard().message[1:] + bytes(8)
        self.assertEqual(packet.decode_ipv6(heard(message=message), EXPECTED), Reason.VERSION)

    def test_5_2_5_an_advert_without_addresses_is_ignored(self) -> None:
        self.assertEqual(packet.decode_ipv6(heard(block=b""), EXPECTED), Reason.ADDRESS_COUNT)

    def test_5_2_8_the_checksum_covers_the_pseudo_header(self) -> None:
        advert = sent(driven().become_master())
        pseudo = checksum.pseudo_header(OURS, GROUP, len(advert.packet))
        self.assertEqual(pseudo[32:], bytes((0, 0, 0, 40, 0, 0, 0, 112)))
        self.assertTrue(checksum.is_intact(pseudo + advert.packet))
        # The same message, said to come from another.
        other = attrs.evolve(heard(), source=ip_address("fe80::a").packed)
        self.assertEqual(packet.decode_ipv6(other, EXPECTED), Reason.CHECKSUM)

    def test_5_2_9_the_link_local_address_comes_first_as_configured(self) -> None:
        self.assertEqual(sent(driven().become_master()).packet[8:], BLOCK)

    def test_5_2_9_another_first_address_is_told_and_a_peer_s_is_taken(self) -> None:
        lines = "version 3\nvirtual_ipaddress {\n2001:db8::51\nfe80::51\n}"
        for more, told in (("", False), ("\nstrict_mode on", True)):
            log = [each.log for each in load_text(instance(lines + more), "a.conf").findings]
            self.assertEqual("(VI_1) the first IPv6 VIP address must be link local" in log, told)
        advert = packet.decode_ipv6(heard(block=GLOBAL.packed + LOCAL.packed), EXPECTED)
        assert isinstance(advert, Advert), advert
        self.assertEqual(advert.addresses, (GLOBAL, LOCAL))

    def test_5_2_9_the_length_is_that_of_the_addresses(self) -> None:
        for message in (heard().message[:-1], heard().message + b"\0", heard().message[:8], b"\x31"):
            reason = packet.decode_ipv6(heard(message=message), EXPECTED)
            self.assertIn(reason, (Reason.LENGTH, Reason.FOREIGN), len(message))


class Section6StateMachine(SynchronousTestCase):
    def test_6_4_1_without_a_source_nothing_begins(self) -> None:
        router = Driven(begin=False, version=3, virtual_ipaddress=VIPS)
        router.do(ev.SourceChanged(None))
        router.do(ev.Start())
        self.assertEqual(router.state, State.FAULT)
        router.do(ev.SourceChanged(ip_address(OURS)))
        self.assertEqual(router.state, State.BACKUP)

    def test_6_4_2_a_master_s_adverts_are_waited_for(self) -> None:
        router = driven()
        router.after(3_000_000)
        router.do(ev.MessageReceived(heard(200)))
        self.assertEqual(router.waits_us(TimerName.MASTER_DOWN), 3_609_375)
        router.after(3_000_000)
        router.do(ev.MessageReceived(heard(200, hop_limit=64)))
        self.assertEqual(router.waits_us(TimerName.MASTER_DOWN), 609_375)

    def test_6_4_3_of_two_with_one_priority_the_higher_address_stays(self) -> None:
        for source, state in ((THEIRS, State.BACKUP), (ip_address("fe80::4").packed, State.MASTER)):
            router = driven()
            router.become_master()
            router.do(ev.MessageReceived(heard(100, source)))
            self.assertEqual(router.state, state)


class Section7Sending(SynchronousTestCase):
    def test_7_2_adverts_by_a_virtual_mac(self) -> None:
        """Hop limit 255 to ff02::12 (§5.1.2), with a checksum: of a whole packet the kernel makes none."""
        source, group = ip_address("fe80::4"), ip_address("ff02::12")
        whole = silent_ipv6.packed(bytes((0x31, 51, 100, 0, 0, 100, 0, 0)), source, group, 255)
        self.assertEqual((whole[6], whole[7]), (112, 255))
        self.assertEqual((whole[8:24], whole[24:40]), (source.packed, group.packed))
        self.assertTrue(
            checksum.is_intact(checksum.pseudo_header(source.packed, group.packed, 8) + whole[40:])
        )
        self.assertEqual(group_mac(group).hex(), "333300000012")

    def test_7_3_the_virtual_router_s_mac_of_each_family(self) -> None:
        for address, mac in (("10.0.0.9", "00005e000133"), ("fe80::9", "00005e000233")):
            vip = VirtualIpAddress(ip_address(address), 64 if ":" in address else 24)
            found = with_vmacs([config(use_vmac=Vmac(), virtual_ipaddress=(vip,))])
            [link] = link_plan(found).links
            self.assertEqual(link.mac.hex(), mac)


class Section8Operation(SynchronousTestCase):
    def test_8_2_3_unsolicited_advertisements_override_what_neighbours_know(self) -> None:
        """RFC 9568 §6.4.1 and §8.2.2: R as the host forwards, S clear, O set; to all nodes, hop limit 255."""
        mac = bytes.fromhex("02005e000101")
        for router, flags in ((False, 0x20), (True, 0xA0)):
            frame = neighbour_advertisement(GLOBAL, mac, router=router)
            self.assertEqual(frame[:6].hex(), "333300000001")
            self.assertEqual((frame[20], frame[21]), (58, 255))
            self.assertEqual(frame[22:38], GLOBAL.packed)
            self.assertEqual(frame[38:54], ip_address("ff02::1").packed)
            body = frame[54:]
            self.assertEqual((body[0], body[4], body[8:24]), (136, flags, GLOBAL.packed))
            self.assertEqual(body[24:], b"\x02\x01" + mac)
            pseudo = frame[22:54] + bytes((0, 0, 0, 32, 0, 0, 0, 58))
            self.assertTrue(checksum.is_intact(pseudo + body))
