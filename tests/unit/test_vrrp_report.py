"""vrrp.report and its parts: what is told of instances, addresses, groups, scripts and interfaces."""

from __future__ import annotations

from ipaddress import ip_address, ip_interface
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from kaltwisted.config.model import (
    SECOND_US,
    Ipvlan,
    IpvlanType,
    Script,
    Tracked,
    UnicastPeer,
    VirtualIpAddress,
    Vmac,
    VrrpScript,
    VrrpSyncGroup,
)
from kaltwisted.config.model_vrrp import FOREVER
from kaltwisted.config.report import moment
from kaltwisted.ports import Link, ScriptResult
from kaltwisted.vrrp import events as ev
from kaltwisted.vrrp.report_json import json_document
from kaltwisted.vrrp.report_words import Interface, virtual_address
from kaltwisted.vrrp.track import ScriptState
from kaltwisted.vrrp.vmac import with_vmacs
from tests.unit.vrrp_helpers import OURS, SECRET, VIP, config
from tests.unit.vrrp_reports import EPOCH_US, NOTIFY, Running


class InstanceTests(SynchronousTestCase):
    def assert_told(self, running: Running, *lines: str) -> None:
        told = running.lines
        for line in lines:
            self.assertIn(line, told)

    def test_a_master_tells_of_its_transition_and_its_next_advert(self) -> None:
        running = Running(config())
        running.become_master()
        now = running.now + EPOCH_US
        self.assert_told(
            running,
            " VRRP Instance = X",
            "   State = MASTER",
            "   Wantstate = MASTER",
            f"   Last transition = {moment(now)}",
            f"   Read timeout = {moment(now + SECOND_US)}",
            "   Master down timer = 3609375 usecs",
            "     10.0.0.100 dev eth0 scope global set",
        )
        self.assertFalse([line for line in running.lines if "Master router" in line])

    def test_a_backup_tells_of_its_master_once_it_has_one(self) -> None:
        running = Running(config(version=3))
        self.assertFalse(
            [line for line in running.lines if line.startswith("   Master ") and "=" not in line]
        )
        self.assertNotIn("   Master priority = 0", running.lines)
        running.hear(200, version=3, interval_us=1_500_000)
        self.assert_told(
            running,
            "   Master router = 10.0.0.9",
            "   Master priority = 200",
            "   Master advert int = 1.50 sec",
            "   Advert interval = 1000 milli-sec",
            "   Master advert interval = 1500 milli-sec",
            "     10.0.0.100 dev eth0 scope global",
        )

    def test_faults_are_counted_without_those_of_the_group(self) -> None:
        members = config(name="A"), config(name="B", virtual_router_id=52, interface="eth1")
        running = Running(*members, groups=[VrrpSyncGroup("G", ("A", "B"))])
        running.tell(ev.LinkChanged("eth1", False))
        count = "Number of interface and track script faults"
        told = [line.strip() for line in running.lines if "tate = " in line or count in line]
        self.assertEqual(told[:3], ["State = FAULT", "Wantstate = BACKUP", f"{count} = 0"])
        self.assertEqual(told[3:], ["State = FAULT", "Wantstate = FAULT", f"{count} = 1"])
        self.assert_told(
            running,
            " VRRP Sync Group = G, FAULT",
            "   Num member fault 1, num member init 0",
            "   Read timeout = DISABLED",
        )

    def test_the_password_is_nowhere(self) -> None:
        running = Running(config(authentication=SECRET))
        self.assert_told(running, "   Authentication type = IPSEC_AH")
        everything = "".join(running.lines) + "".join(json_document(running.topology, 2))
        self.assertNotIn(SECRET.password.decode(), everything)
        self.assertNotIn("assword", everything)

    def test_a_total_priority_may_be_none(self) -> None:
        tracked = (Tracked("eth7", 200),)
        running = Running(config(track_interface=tracked))
        self.assert_told(
            running,
            "   Priority = 100",
            "   Effective priority = 254",
            "   Total priority = 300",
            "   Tracked interfaces :",
            "     eth7 weight 200",
        )

    def test_unicast_has_peers_and_no_group(self) -> None:
        peers = (UnicastPeer(ip_address("10.0.0.7")),)
        running = Running(config(unicast_peer=peers, unicast_src_ip=ip_address(OURS)))
        self.assert_told(
            running,
            "     Using unicast",
            f"   Using src_ip = {OURS} (from configuration)",
            "     10.0.0.7 min_ttl 0 max_ttl 255",
        )
        self.assertFalse([line for line in running.lines if "Multicast" in line])

    def test_scripts_are_told_with_their_users(self) -> None:
        self.assert_told(
            Running(config(notify=NOTIFY)),
            "   Master state transition script = '/bin/m', uid:gid 65534:65534",
            "   Generic state transition script = '/bin/n' 'a/b', uid:gid 0:0",
        )


class AddressTests(SynchronousTestCase):
    def test_an_address_has_its_words_in_keepalived_s_order(self) -> None:
        def told(address: str, prefix: int, **fields: Any) -> str:
            vip = VirtualIpAddress(ip_address(address), prefix, **fields)
            return virtual_address(vip, "eth0", stands=True)

        self.assertEqual(
            told("10.0.0.1", 24, dev="eth1", label="eth1:x", scope="link", brd="+", no_track=True),
            "10.0.0.1/24 brd 10.0.0.255 dev eth1 scope link label eth1:x no_track set",
        )
        self.assertEqual(
            told("10.0.0.1", 24, brd="-", scope="254"),
            "10.0.0.1/24 brd 10.0.0.0 dev eth0 scope host set",
        )
        self.assertEqual(told("2001:db8::1", 128), "2001:db8::1 dev eth0 scope global deprecated set")
        self.assertEqual(
            told("2001:db8::1", 64, no_track=True),
            "2001:db8::1/64 dev eth0 scope global no_track preferred_lft forever set",
        )
        flags = dict.fromkeys(("home", "dad", "mngtmpaddr", "noprefixroute", "autojoin", "no_track"), True)
        self.assertEqual(
            told(
                "2001:db8::1", 128, peer=ip_address("2001:db8::2"), track_group="T", preferred_lft=7, **flags
            ),
            "2001:db8::1 dev eth0 scope global peer 2001:db8::2/128 home -nodad mngtmpaddr noprefixroute"
            " autojoin no_track track_group T preferred_lft 7 set",
        )
        self.assertEqual(
            told("10.0.0.1", 24, peer=ip_address("10.1.0.1"), label="eth0:x"),
            "10.0.0.1 dev eth0 scope global label eth0:x peer 10.1.0.1/24 set",
        )
        lasting = told("2001:db8::1", 128, preferred_lft=FOREVER)
        self.assertEqual(lasting, "2001:db8::1 dev eth0 scope global preferred_lft forever set")


class ScriptTests(SynchronousTestCase):
    def test_a_script_is_told_with_who_tracks_it(self) -> None:
        script = VrrpScript("s", Script(("/bin/check",)), 2 * SECOND_US, 500_000, weight=5, rise=3, fall=2)
        unused = VrrpScript("unused", Script(("/bin/true",)))
        tracked = (Tracked("s"),)
        running = Running(
            config(name="A", track_script=tracked),
            config(name="B", virtual_router_id=52, track_script=(Tracked("s", -7),)),
            scripts=(script, unused),
        )
        state = running.scripts[0]
        self.assertIn("   Init state = INIT", running.lines)
        state.due()
        state.finished(ScriptResult(status=0))
        state.due()
        lines = running.lines
        at = lines.index(" VRRP Script = s")
        self.assertEqual(
            lines[at : at + 18],
            [
                " VRRP Script = s",
                "   Command = '/bin/check'",
                "   Interval = 2 sec",
                "   Timeout = 0.5 sec",
                "   Weight = 5",
                "   Rise = 3",
                "   Fall = 2",
                "   Result = 4",
                "   Insecure = no",
                "   Init state = unknown",
                "   Status = GOOD",
                "   Script uid:gid = 0:0",
                "   VRRP instances :",
                "   Tracking instances :",
                "     A, weight 5",
                "     B, weight -7",
                "   State = running",
                "------< Interfaces >------",
            ],
        )

    def test_the_result_counts_towards_the_next_turn(self) -> None:
        state = ScriptState(VrrpScript("s", Script(("/bin/check",)), rise=3, fall=2))
        results = [state.result]
        for status in (0, 1, 0, 1, 1, 0, 0, 0):
            state.finished(ScriptResult(status=status))
            results.append(state.result)
        self.assertEqual(results, [2, 4, 3, 4, 3, 0, 1, 2, 4])


class InterfaceTests(SynchronousTestCase):
    def test_an_interface_is_told_with_who_needs_it(self) -> None:
        other = VirtualIpAddress(ip_address("10.1.0.1"), 24, dev="eth1")
        running = Running(
            config(name="A", virtual_ipaddress=(VIP, other)),
            config(name="B", virtual_router_id=52, dont_track_primary=True),
            config(name="C", virtual_router_id=53, track_interface=(Tracked("eth1", 10), Tracked("lo"))),
        )
        running.interfaces = (
            Interface("lo", Link(1, "lo", loopback=True, mtu=65536)),
            Interface("eth0", Link(2, "eth0", mac=bytes(range(6))), ip_address(OURS), ip_address("fe80::1")),
            Interface("eth1", Link(3, "eth1", up=False, running=False)),
            Interface("eth9"),
        )
        lines = running.lines
        blocks = "\n".join(lines[lines.index("------< Interfaces >------") + 1 :]).split(" Name = ")[1:]
        self.assertIn("State = UP, RUNNING, no broadcast, loopback, no multicast", blocks[0])
        self.assertIn("MAC = 00:01:02:03:04:05", blocks[1])
        self.assertTrue(
            blocks[1].endswith(
                "Tracking VRRP instances :\n     A, weight 0\n     B, weight 255\n     C, weight 0\n"
            )
        )
        self.assertIn("State = not UP, not RUNNING\n", blocks[2])
        self.assertTrue(blocks[2].endswith("     A, weight 0\n     C, weight 10\n"))
        self.assertIn("index = 0 (deleted)", blocks[3])

    def test_interfaces_that_are_made_are_told_with_what_is_below(self) -> None:
        """The lines are Debian's keepalived 2.2.7's; of VMACs tests/network hold them against it."""
        ipvlan = Ipvlan(address=ip_interface("10.0.0.5/24"), type=IpvlanType.PRIVATE)
        running = Running(
            *with_vmacs(
                [config(name="A", use_ipvlan=ipvlan), config(name="B", virtual_router_id=52, use_vmac=Vmac())]
            )
        )
        running.interfaces = (
            Interface("eth0", Link(2, "eth0", mac=bytes(range(6)), vrf=9), vrf="red"),
            Interface("vrrp.51", Link(3, "vrrp.51", mac=bytes(range(6)), kind="ipvlan")),
            Interface("vrrp.52"),
        )
        lines = running.lines
        for line in (
            "   Use IPVLAN, i/f vrrp.51, is_up = true, i/f address = 10.0.0.5/24, type private",
            "   Interface = vrrp.51, ipvlan on eth0",
            "   Use VMAC, i/f name vrrp.52, is_up = false, xmit_base = false",
            "   Interface = vrrp.52, vmac on eth0",
            "   VRF slave of red",
            "   IPVLAN type L2 private, underlying interface = eth0, state = UP, RUNNING",
            "   I/f created by keepalived",
            "     10.0.0.100 dev eth0 scope global",
            "     10.0.0.100 dev vrrp.52@eth0 scope global",
        ):
            self.assertIn(line, lines)
        running.interfaces = running.interfaces[1:]
        self.assertFalse([line for line in running.lines if "underlying interface" in line])
