"""``vrrp_strict``, families, peers: what is told and set right, in keepalived 2.2.7's words."""

from __future__ import annotations

from ipaddress import ip_address

from twisted.trial.unittest import SynchronousTestCase

from kaltwisted.config.load import Reading, load_text
from kaltwisted.config.model import AuthType, Nftables, OldUnicastChecksum, UnicastPeer, VrrpInstance

V4 = "virtual_ipaddress {\n10.0.0.1\n}\n"
V6 = "virtual_ipaddress {\nfe80::1\n2001:db8::1\n}\n"

OWNER = "State MASTER must match being address owner"


def read(body: str, global_defs: str = "") -> Reading:
    text = f"global_defs {{\n{global_defs}\n}}\n" if global_defs else ""
    text += f"vrrp_instance A {{\ninterface eth0\nvirtual_router_id 51\n{body}\n}}\n"
    return load_text(text, "x.conf")


def said(reading: Reading) -> list[str]:
    """keepalived's words for what was found, without the place."""
    return [finding.log_line().partition(") ")[2] for finding in reading.findings]


def only(reading: Reading) -> VrrpInstance:
    [instance] = reading.configuration.vrrp_instances
    return instance


class Strict(SynchronousTestCase):
    """Each as Debian's keepalived 2.2.7 says it with ``-t``."""

    CASES = (
        ("", V4, [], {"state": "BACKUP", "accept": False, "lower_prio_no_advert": True}),
        (
            "priority 255\nstate BACKUP\n",
            V4,
            [OWNER],
            {"state": "MASTER"},
        ),
        ("priority 255\n", V4, [], {"state": "MASTER", "accept": True}),
        (
            "priority 100\nstate MASTER\n",
            V4,
            [OWNER],
            {"state": "BACKUP"},
        ),
        ("state MASTER\n", V4, [], {"priority": 255}),
        (
            "authentication {\nauth_type PASS\nauth_pass abc\n}\n",
            V4,
            ["Strict mode does not support authentication. Ignoring."],
            {"authentication": None},
        ),
        ("version 2\n", V6, ["cannot use IPv6 with VRRP version 2; setting version 3"], {"version": 3}),
        (
            "",
            "virtual_ipaddress {\n2001:db8::1\n}\n",
            ["the first IPv6 VIP address must be link local"],
            {"accept": False},
        ),
        ("", "", ["No VIP specified; at least one is required"], {}),
        (
            "preempt_delay 5\n",
            V4,
            ["preempt_delay is incompatible with strict mode - resetting"],
            {"preempt_delay_us": 0},
        ),
        (
            "down_timer_adverts 4\n",
            V4,
            ["down_timer_adverts is incompatible with strict mode - resetting"],
            {"down_timer_adverts": 3},
        ),
        (
            "garp_lower_prio_repeat 3\ngarp_lower_prio_delay 5\n"
            "lower_prio_no_advert off\nhigher_prio_send_advert on\n",
            V4,
            [
                "Strict mode requires no repeat garps. resetting",
                "Strict mode requires no repeat garp delay. resetting",
                "Strict mode requires no lower priority advert. resetting",
                "strict mode requires higher_prio_send_advert to be clear. resetting",
            ],
            {
                "garp_lower_prio_repeat": 0,
                "garp_lower_prio_delay_us": 0,
                "lower_prio_no_advert": True,
                "higher_prio_send_advert": False,
            },
        ),
        (
            "accept\n",
            V4,
            ["warning - accept mode for VRRP version 2 does not comply with RFC3768 - resetting"],
            {"accept": False},
        ),
        ("version 3\naccept\n", V4, [], {"accept": True}),
        ("priority 255\nstate MASTER\nno_accept\n", V4, [], {"accept": True, "owner_ignore_adverts": True}),
        (
            "priority 255\nstate MASTER\nowner_ignore_adverts off\n",
            V4,
            ["Strict mode requires owner_ignore_adverts to be set. resetting"],
            {"owner_ignore_adverts": True},
        ),
        ("owner_ignore_adverts off\n", V4, [], {"owner_ignore_adverts": False}),
        (
            "strict_mode off\nauthentication {\nauth_pass abc\n}\n",
            V4,
            [],
            {"strict_mode": False, "accept": True},
        ),
    )

    def test_each_rule(self) -> None:
        for more, vips, words, fields in self.CASES:
            reading = read(more + vips, "vrrp_strict")
            self.assertEqual([line.removeprefix("(A) ") for line in said(reading)], words, more)
            instance = only(reading)
            self.assertEqual({name: getattr(instance, name) for name in fields}, fields, more)

    def test_what_all_instances_have_by_default_is_set_right_without_a_word(self) -> None:
        reading = read(V4, "vrrp_strict\nvrrp_lower_prio_no_advert off\nvrrp_garp_lower_prio_repeat 3")
        self.assertEqual(reading.findings, ())
        self.assertEqual(only(reading).garp_lower_prio_repeat, 0)

    def test_unicast_is_told_of_and_kept(self) -> None:
        reading = read(V4 + "unicast_peer {\n10.0.0.2\n}", "vrrp_strict")
        [line] = said(reading)
        self.assertIn("Unicast peers are not supported in strict mode", line)
        self.assertEqual(len(only(reading).unicast_peer), 1)
        self.assertEqual(reading.exit_status, 0)


class Families(SynchronousTestCase):
    def test_whom_it_speaks_to_is_of_its_family(self) -> None:
        reading = read(
            V6 + "unicast_src_ip 10.0.0.3\nmcast_src_ip 10.0.0.4\nunicast_peer {\n10.0.0.2\nfe80::2\n}"
        )
        words = "\n".join(said(reading))
        for kind, address in (("src", "10.0.0.3"), ("src", "10.0.0.4"), ("unicast peer", "10.0.0.2")):
            self.assertIn(f"VRRP instance[A] and {kind} address[{address}] MUST be of the same family", words)
        instance = only(reading)
        self.assertEqual(instance.unicast_peer, (UnicastPeer(ip_address("fe80::2")),))
        self.assertIsNone(instance.unicast_src_ip)
        self.assertIsNone(instance.mcast_src_ip)

    def test_mixed_families_in_one_instance_are_refused_and_two_instances_of_one_vrid_are_not(self) -> None:
        reading = read(V6.replace("2001:db8::1", "10.0.0.1"))
        self.assertIn("address family must match VRRP instance [10.0.0.1] - ignoring", said(reading)[0])
        self.assertEqual([str(vip.address) for vip in only(reading).virtual_ipaddress], ["fe80::1"])
        text = "vrrp_instance {} {{\ninterface eth0\nvirtual_router_id 51\n{}}}\n"
        both = load_text(text.format("A", V4) + text.format("B", V6), "x.conf")
        self.assertEqual(both.findings, ())
        self.assertEqual([each.ip_version for each in both.configuration.vrrp_instances], [4, 6])
        self.assertEqual([each.version for each in both.configuration.vrrp_instances], [2, 3])

    def test_there_is_no_ah_over_ipv6(self) -> None:
        text = "version 2\nauthentication {\nauth_type AH\nauth_pass abc\n}\n"
        reading = read(text + V6)
        self.assertIn("Cannot use AH authentication with IPv6. ignoring", said(reading)[0])
        self.assertIsNone(only(reading).authentication)
        kept = only(read(text + V4)).authentication
        assert kept is not None
        self.assertIs(kept.type, AuthType.AH)

    def test_native_ipv6_tells_the_family_of_an_instance_without_addresses(self) -> None:
        self.assertEqual(only(read("native_ipv6")).ip_version, 6)
        self.assertEqual(only(read("unicast_peer {\nfe80::2\n}")).ip_version, 6)
        self.assertEqual(only(read("")).ip_version, 4)


class Unicast(SynchronousTestCase):
    def test_peers_with_limits(self) -> None:
        reading = read(
            V4 + "unicast_peer {\n10.0.0.2 min_ttl 3 max_ttl 7\n10.0.0.3 max_ttl 300\n10.0.0.4 foo\n"
            "10.0.0.5 min_ttl\n10.0.0.6 min_ttl 9 max_ttl 2\n}"
        )
        messages = [finding.message for finding in reading.findings]
        self.assertEqual(len(messages), 4, messages)
        peers = only(reading).unicast_peer
        limits = [(peer.min_ttl, peer.max_ttl) for peer in peers]
        self.assertEqual(limits, [(3, 7), (0, 255), (0, 255), (0, 255), (9, 2)])

    def test_settings_of_unicast_without_peers(self) -> None:
        [line] = said(read(V4 + "unicast_src_ip 10.0.0.3"))
        self.assertIn("A unicast keyword has been specified without any unicast peers.", line)
        self.assertEqual(read(V4 + "unicast_fault_no_peer").findings, ())

    def test_each_setting_reaches_the_model(self) -> None:
        body = (
            V4
            + "unicast_peer {\n10.0.0.2\n}\nunicast_ttl 7\nunicast_fault_no_peer\n"
            + "old_unicast_checksum\nv3_checksum_as_v2\nno_accept"
        )
        instance = only(read(body))
        self.assertEqual((instance.unicast_ttl, instance.unicast_fault_no_peer), (7, True))
        self.assertIs(instance.old_unicast_checksum, OldUnicastChecksum.ALWAYS)
        self.assertEqual((instance.v3_checksum_as_v2, instance.accept), (True, False))
        never = read(V4 + "old_unicast_checksum never")
        self.assertIs(only(never).old_unicast_checksum, OldUnicastChecksum.NEVER)
        wrong = read(V4 + "old_unicast_checksum always")
        self.assertIn("Unknown old_unicast_chksum mode always - ignoring", wrong.findings[0].log_line())

    def test_groups(self) -> None:
        defs = "vrrp_mcast_group4 224.0.0.20\nvrrp_mcast_group6 ff02::20"
        self.assertEqual(only(read(V4, defs)).group, ip_address("224.0.0.20"))
        self.assertEqual(only(read(V6, defs)).group, ip_address("ff02::20"))
        self.assertEqual(only(read(V4 + "mcast_dst_ip 224.0.0.21", defs)).group, ip_address("224.0.0.21"))
        self.assertEqual(only(read(V6)).group, ip_address("ff02::12"))
        wrong = read(V4, "vrrp_mcast_group4 10.0.0.1\nvrrp_mcast_group6 224.0.0.1")
        self.assertEqual(len(wrong.findings), 2)
        self.assertIn("vrrp_mcast_group4 [10.0.0.1] is not multicast. Skipping", wrong.findings[0].log_line())
        both = read(V4 + "mcast_dst_ip 224.0.0.21\nunicast_peer {\n10.0.0.2\n}")
        self.assertIn("multicast destination specified with unicast - ignoring", said(both)[0])

    def test_nftables(self) -> None:
        def of(defs: str) -> Nftables | None:
            reading = read(V4, defs)
            self.assertEqual(reading.findings, ())
            return reading.configuration.global_defs.nftables

        self.assertIsNone(of("router_id x"))
        self.assertEqual(of("nftables"), Nftables())
        words = "nftables mine\nnftables_priority -5\nnftables_counters"
        self.assertEqual(of(words), Nftables("mine", -5, True))
        self.assertTrue(read(V4, f"nftables {'x' * 256}").findings)
