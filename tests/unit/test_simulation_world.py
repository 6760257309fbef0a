"""The simulated world: the real services on it, what happens to machines, and what is written down."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import ip_address, ip_interface

from twisted.logger import Logger
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from kaltwisted import ports
from kaltwisted.simulation.clock import LifeClock, WorldClock
from kaltwisted.simulation.director import Director
from kaltwisted.simulation.history import Happening, Mailed, PoolChanged, Ran, Turned
from kaltwisted.simulation.host import Processes, WatchedFiles
from kaltwisted.simulation.lan import Air, Announcer, Wire
from kaltwisted.simulation.machine import (
    Addresses,
    Interfaces,
    Routing,
    VirtualLinks,
)
from kaltwisted.simulation.services import (
    NotifyScripts,
    SimulatedMailer,
    SimulatedPlane,
    TrackedScripts,
)
from kaltwisted.simulation.topology import Plug
from kaltwisted.simulation.world import World
from kaltwisted.vrrp.actions import State
from tests.unit.simulation_helpers import VIP, configurations, instance

ADDRESS = ip_address(VIP)
SMTP = "global_defs {\nrouter_id R\nsmtp_server 127.0.0.1\nnotification_email {\na@b.example\n}\n}\n"
SERVERS = (
    "virtual_server 192.168.200.10 80 {\nlb_algo rr\nlb_kind NAT\nprotocol TCP\n"
    "delay_loop 5\nquorum_down /bin/qd\n"
    + "".join(
        f"real_server {address} 80 {{\nnotify_down /bin/nd\n{check}\n}}\n"
        for address, check in (
            ("10.1.0.1", "TCP_CHECK {\nconnect_timeout 3\n}"),
            ("10.1.0.2", 'MISC_CHECK {\nmisc_path "/bin/ask 10.1.0.2"\n}'),
        )
    )
    + "}\n"
)


def plug(number: int, lan: str = "lan") -> Plug:
    return Plug(lan, (ip_interface(f"192.168.200.{number}/24"), ip_interface(f"fe80::{number}/64")))


class InterfaceTests(SynchronousTestCase):
    def test_all_seams(self) -> None:
        life = LifeClock(WorldClock(), lambda: None)
        interfaces = Interfaces({"eth0": plug(5)}, 1)
        defs = configurations(one=SMTP)["one"].global_defs
        air = Air(WorldClock())
        air.lan("lan")
        wire = Wire("one", life, interfaces, air)
        link = interfaces.link("eth0")
        assert link is not None
        for seam, provider in (
            (ports.ILinks, interfaces),
            (ports.IAddresses, Addresses(interfaces)),
            (ports.IRouting, Routing()),
            (ports.IVirtualLinks, VirtualLinks(interfaces)),
            (ports.IProcesses, Processes(())),
            (ports.IWatchedFiles, WatchedFiles(())),
            (ports.IWire, wire),
            (ports.IAdvertPort, wire.open(link, ports.Listening(4, frozenset()), lambda *_: None)),
            (ports.IAnnouncer, Announcer("one", interfaces, air)),
            (ports.IScripts, TrackedScripts(())),
            (ports.IScripts, NotifyScripts(lambda _: None)),
            (ports.IMailer, SimulatedMailer(defs, "one", lambda _: None)),
            (ports.IDataPlane, SimulatedPlane(lambda *_: None)),
        ):
            self.assertTrue(verifyObject(seam, provider))


class WorldCase(SynchronousTestCase):
    def make(self, one: str, two: str, seed: int = 0) -> tuple[Director, Director]:
        self.world = World(seed)
        for number, (name, configuration) in enumerate(configurations(one=one, two=two).items(), 5):
            interfaces = {"eth0": plug(number), "eth1": Plug("other", (ip_interface(f"10.1.0.{number}/24"),))}
            self.world.add(name, configuration, interfaces)
        self.one, self.two = self.world.directors.values()
        running = self.world.running()
        running.__enter__()
        self.addCleanup(running.__exit__, None, None, None)
        for director in self.world.directors.values():
            director.start()
        return self.one, self.two

    def holders(self) -> list[str]:
        return self.world.history.holders(ADDRESS)

    def spans(self) -> list[tuple[float, tuple[str, ...]]]:
        spans = self.world.history.spans(ADDRESS, 0, self.world.now)
        return [(round(span.length / 1e6, 3), span.directors) for span in spans]

    def happened(self, kind: type[Happening], director: str) -> list[Happening]:
        return [
            each
            for each in self.world.history.happenings
            if isinstance(each, kind) and getattr(each, "director", "") == director
        ]


class FailoverTests(WorldCase):
    def setUp(self) -> None:
        self.make(instance(150), instance(100))
        self.world.run(10)

    def test_the_better_one_is_master(self) -> None:
        self.assertEqual(self.holders(), ["one"])
        self.assertEqual((self.one.state("VI_1"), self.two.state("VI_1")), (State.MASTER, State.BACKUP))
        self.assertEqual(self.spans(), [(3.414, ()), (6.586, ("one",))])

    def test_power_off_costs_three_adverts_and_a_skew(self) -> None:
        self.one.power_off()
        self.world.run(10)
        (_, _, (gap, nobody), (_, heir)) = self.spans()
        self.assertEqual((nobody, heir), ((), ("two",)))
        self.assertTrue(2.6 < gap < 3.61, gap)
        self.assertEqual(self.one.state("VI_1"), State.INIT)

    def test_an_orderly_stop_costs_the_skew(self) -> None:
        self.one.stop()
        self.world.run(10)
        self.assertTrue(0.6 < self.spans()[2][0] < 0.62, self.spans())
        self.assertFalse(self.one.runs)

    def test_a_killed_daemon_leaves_its_address_and_its_successor_takes_it_away(self) -> None:
        self.one.crash()
        self.world.run(10)
        self.assertEqual(self.holders(), ["one", "two"])
        self.one.start()
        self.world.run(0)
        self.assertEqual(self.holders(), ["two"])
        self.world.run(10)
        self.assertEqual(self.holders(), ["one"])

    def test_a_cable(self) -> None:
        self.one.link("eth0", False)
        self.world.run(0)
        self.assertEqual((self.holders(), self.one.state("VI_1")), ([], State.FAULT))
        (fault,) = [each for each in self.happened(Turned, "one") if isinstance(each, Turned) and each.why]
        assert isinstance(fault, Turned)
        self.assertEqual(fault.why, "interface eth0 down")
        self.world.run(10)
        self.assertEqual(self.holders(), ["two"])
        self.one.link("eth0", True)
        self.world.run(10)
        self.assertEqual(self.holders(), ["one"])

    def test_a_one_way_cut_makes_two(self) -> None:
        lan = self.world.air.lans["lan"]
        lan.cut.add(("one", "two"))
        self.world.run(10)
        self.assertEqual(self.holders(), ["one", "two"])
        lan.heal()
        self.world.run(2)
        self.assertEqual(self.holders(), ["one"])

    def test_an_address_that_somebody_deletes(self) -> None:
        self.one.delete_address(ADDRESS)
        self.world.run(5)
        self.assertEqual(self.holders(), ["one"])
        self.assertEqual(len(self.world.history.holdings), 2)

    def test_stopped_while_it_stops_and_started_while_it_stops(self) -> None:
        self.one.stop()
        self.one.stop()
        self.one.start()
        self.one.start()
        self.world.run(10)
        self.assertEqual((self.holders(), self.one.runs), (["one"], True))

    def test_the_log_tells_whose_line_it_is(self) -> None:
        told = [(each.at, each.director, each.line) for each in self.world.history.log]
        self.assertIn((3_414_062, "one", "(VI_1) Entering MASTER STATE"), told)
        self.assertIn("two", {director for _, director, line in told if "master set to" in line})


class DefectTests(SynchronousTestCase):
    def test_what_a_service_caught_is_raised_at_the_end(self) -> None:
        world = World()
        with self.assertRaises(ZeroDivisionError), world.running():
            try:
                1 / 0  # noqa: B018
            except ZeroDivisionError:
                Logger().failure("caught by a service")
        self.flushLoggedErrors(ZeroDivisionError)


class DelayedLinkTests(WorldCase):
    def test_a_cable_counts_once_it_has_been_out_so_long(self) -> None:
        self.make("interface_up_down_delays {\neth0 1.5 1\n}\n" + instance(150), instance(100))
        self.world.run(10)
        self.one.link("eth0", False)
        self.world.run(1)
        self.one.link("eth0", True)
        self.world.run(5)
        self.assertEqual(self.one.state("VI_1"), State.MASTER)
        self.one.link("eth0", False)
        self.world.run(1.4)
        self.assertEqual(self.one.state("VI_1"), State.MASTER)
        self.world.run(0.2)
        self.assertEqual(self.one.state("VI_1"), State.FAULT)


class ChanceTests(WorldCase):
    def test_one_seed_is_one_story(self) -> None:
        stories = []
        for seed in (1, 1, 2):
            self.make(instance(150), instance(100), seed)
            self.world.air.lans["lan"].loss = 0.7
            self.world.run(100)
            stories.append(self.spans())
        self.assertEqual(stories[0], stories[1])
        self.assertNotEqual(stories[0], stories[2])
        self.assertIn(("one", "two"), {each for _, each in stories[0]})


class TrackingTests(WorldCase):
    TRACKS = (
        "vrrp_script fit {\nscript /bin/fit\ninterval 2\nfall 2\n}\n"
        "vrrp_track_process web {\nprocess nginx\nquorum 2\n}\n"
        "bfd_instance far {\nneighbor_ip 10.9.9.9\n}\ntrack_file load {\nfile /run/load\nweight 0\n}\n"
    )
    LINES = "\n".join(
        f"track_{kind} {{\n{name}\n}}"
        for kind, name in (
            ("script", "fit"),
            ("process", "web"),
            ("bfd", "far"),
            ("file", "load"),
            ("interface", "eth1"),
        )
    )

    def setUp(self) -> None:
        self.make(self.TRACKS + instance(150, self.LINES), instance(100))
        self.world.run(10)
        self.assertEqual(self.holders(), ["one"])

    def falls_and_rises(self, fall: object, rise: object) -> None:
        assert callable(fall) and callable(rise)
        fall()
        self.world.run(6)
        self.assertEqual((self.one.state("VI_1"), self.holders()), (State.FAULT, ["two"]))
        rise()
        self.world.run(6)
        self.assertEqual(self.holders(), ["one"])

    def test_a_script(self) -> None:
        self.falls_and_rises(lambda: self.one.script("fit", False), lambda: self.one.script("fit", True))

    def test_a_script_falls_by_its_own_rule(self) -> None:
        self.one.script("fit", False)
        self.world.run(2.1)
        self.assertEqual(self.one.state("VI_1"), State.MASTER)
        self.world.run(2)
        self.assertEqual(self.one.state("VI_1"), State.FAULT)

    def test_processes(self) -> None:
        self.falls_and_rises(lambda: self.one.process("web", False), lambda: self.one.process("web", True))

    def test_a_bfd_session(self) -> None:
        self.falls_and_rises(lambda: self.one.session("far", False), lambda: self.one.session("far", True))

    def test_a_file(self) -> None:
        self.falls_and_rises(lambda: self.one.file("load", 7), lambda: self.one.file("load", 0))

    def test_an_interface(self) -> None:
        self.falls_and_rises(lambda: self.one.link("eth1", False), lambda: self.one.link("eth1", True))

    def test_what_has_failed_before_the_start_is_known_at_the_start(self) -> None:
        self.one.power_off()
        self.one.session("far", False)
        self.one.start()
        self.world.run(10)
        self.assertEqual((self.one.state("VI_1"), self.holders()), (State.FAULT, ["two"]))


class SessionTests(WorldCase):
    """A session of two directors, whose end is 50 ms of silence."""

    def setUp(self) -> None:
        session = "bfd_instance peer {{\nneighbor_ip 192.168.200.{}\n}}\n"
        self.make(
            session.format(6) + instance(150, "track_bfd {\npeer\n}"), session.format(5) + instance(100)
        )
        self.world.run(10)

    def faults(self) -> set[str]:
        vrrp = self.one.vrrp
        assert vrrp is not None
        return {str(fault) for fault in vrrp.router.instances["VI_1"].faults}

    def test_it_is_up_once_both_run(self) -> None:
        self.assertEqual((self.holders(), self.faults()), (["one"], set()))
        self.two.power_off()
        self.world.run(1)
        self.one.crash()
        self.one.start()
        self.world.run(5)
        self.assertEqual(self.one.state("VI_1"), State.FAULT)
        self.two.start()
        self.world.run(0)
        self.assertEqual(self.one.state("VI_1"), State.BACKUP)

    def ends(self, what: Callable[[], object]) -> None:
        """After 50 ms, and not before."""
        what()
        self.world.sessions.moved()
        self.world.run(0.049)
        self.assertEqual(self.faults(), set())
        self.world.run(0.002)
        self.assertEqual(self.faults(), {"BFD instance peer"})

    def test_it_ends_with_the_other(self) -> None:
        self.ends(self.two.power_off)

    def test_it_ends_with_its_daemon(self) -> None:
        self.ends(self.two.crash)

    def test_it_ends_with_the_cable(self) -> None:
        self.ends(lambda: self.two.link("eth0", False))
        self.two.link("eth0", True)
        self.world.run(0)
        self.assertEqual(self.faults(), set())

    def test_it_ends_when_packets_pass_one_way_only(self) -> None:
        for pair in (("one", "two"), ("two", "one")):
            lan = self.world.air.lans["lan"]
            self.ends(lambda pair=pair, lan=lan: lan.cut.add(pair))  # type: ignore[misc]
            lan.heal()
            self.world.sessions.moved()
            self.world.run(0)
            self.assertEqual(self.faults(), set())

    def test_a_short_moment_does_not_end_it(self) -> None:
        self.two.link("eth0", False)
        self.world.run(0.04)
        self.two.link("eth0", True)
        self.world.run(1)
        self.assertEqual(self.faults(), set())

    def test_one_whose_other_end_is_not_configured_never_comes_up(self) -> None:
        text = "bfd_instance peer {\nneighbor_ip 192.168.200.6\n}\n" + instance(150, "track_bfd {\npeer\n}")
        self.make(text, instance(100))
        self.world.run(5)
        self.assertEqual(self.faults(), {"BFD instance peer"})


class KindTests(WorldCase):
    """The same failover by all ways that adverts go."""

    def fails_over(self, one: str, two: str, address: str = VIP) -> None:
        self.make(one, two)
        self.world.run(10)
        history = self.world.history
        self.assertEqual(history.holders(ip_address(address)), ["one"])
        self.one.link("eth0", False)
        self.world.run(5)
        self.assertEqual(history.holders(ip_address(address)), ["two"])
        self.one.link("eth0", True)
        self.world.run(5)
        self.assertEqual(history.holders(ip_address(address)), ["one"])

    def both(self, *lines: str, vip: str = VIP) -> None:
        self.fails_over(instance(150, *lines, vip=vip), instance(100, *lines, vip=vip), vip.partition("/")[0])

    def test_authentication_ah(self) -> None:
        self.both("authentication {\nauth_type AH\nauth_pass k\n}")

    def test_version_3(self) -> None:
        self.both("version 3", "advert_int 0.1")

    def test_ipv6(self) -> None:
        self.both("version 3", vip="fe80::100/64")

    def test_unicast(self) -> None:
        self.fails_over(
            instance(150, "unicast_peer {\n192.168.200.6\n}"),
            instance(100, "unicast_peer {\n192.168.200.5\n}"),
        )

    def test_unicast_from_one_lan_to_another(self) -> None:
        self.fails_over(
            instance(150, "unicast_peer {\n10.1.0.6\n}"),
            instance(100, "unicast_peer {\n192.168.200.5\n}", interface="eth1"),
        )

    def test_virtual_macs(self) -> None:
        self.both("use_vmac")

    def test_another_group(self) -> None:
        self.both("mcast_dst_ip 224.0.0.99")

    def test_different_groups_do_not_hear_each_other(self) -> None:
        self.make(instance(150, "mcast_dst_ip 224.0.0.99"), instance(100))
        self.world.run(10)
        self.assertEqual(self.holders(), ["one", "two"])


class CheckerTests(WorldCase):
    def setUp(self) -> None:
        self.make(
            SMTP + instance(150, "smtp_alert", "notify_master /bin/m") + SERVERS, instance(100) + SERVERS
        )
        self.world.run(70)
        self.world.history.happenings.clear()

    def served(self, director: str) -> list[tuple[str, ...]]:
        return [
            tuple(server.partition("]")[0][1:] for server in each.servers)
            for each in self.happened(PoolChanged, director)
            if isinstance(each, PoolChanged)
        ]

    def test_a_dead_server_leaves_the_pools_and_comes_back(self) -> None:
        self.world.servers.turn(ip_address("10.1.0.1"), None, False)
        self.world.run(30)
        for name in ("one", "two"):
            self.assertEqual(self.served(name), [("10.1.0.2",)])
        self.assertEqual([getattr(each, "command", "") for each in self.happened(Ran, "one")], ["/bin/nd"])
        (mailed,) = self.happened(Mailed, "one")
        assert isinstance(mailed, Mailed)
        self.assertIn("[R] Realserver [10.1.0.1]:tcp:80", mailed.mail.subject)
        self.assertEqual(self.happened(Mailed, "two"), [])
        self.world.servers.turn(ip_address("10.1.0.1"), None, True)
        self.world.run(30)
        self.assertEqual(set(self.served("one")[-1]), {"10.1.0.1", "10.1.0.2"})

    def test_a_closed_port_a_script_and_no_quorum(self) -> None:
        self.world.servers.turn(ip_address("10.1.0.1"), 80, False)
        self.world.servers.turn(ip_address("10.1.0.2"), None, False)
        self.world.run(30)
        self.assertEqual(self.served("one")[-1], ())
        self.assertIn("/bin/qd", [getattr(each, "command", "") for each in self.happened(Ran, "two")])

    def test_a_server_behind_an_interface_that_is_down_is_not_reached_from_there(self) -> None:
        self.one.link("eth1", False)
        self.world.run(30)
        self.assertEqual((self.served("one")[-1], self.served("two")), ((), []))

    def test_a_stop_says_goodbye(self) -> None:
        self.one.stop()
        self.world.run(5)
        (mailed,) = self.happened(Mailed, "one")
        assert isinstance(mailed, Mailed)
        self.assertEqual(mailed.mail.subject, "[R] VRRP Instance VI_1 - Stopping")
        self.assertFalse(self.one.runs)
        self.assertEqual(self.holders(), ["two"])


class TrackedPoolTests(WorldCase):
    def test_a_director_whose_servers_are_dead_leaves_it_to_the_other(self) -> None:
        """Only ``one`` tracks its pool, which is dead to both."""
        tracks = "track_virtual_server {\n192.168.200.10 80\n}"
        self.make(instance(150, tracks) + SERVERS, instance(100) + SERVERS)
        self.world.run(70)
        self.assertEqual(self.holders(), ["one"])
        for address in ("10.1.0.1", "10.1.0.2"):
            self.world.servers.turn(ip_address(address), None, False)
        self.world.run(30)
        self.assertEqual(self.holders(), ["two"])
        self.world.servers.turn(ip_address("10.1.0.1"), None, True)
        self.world.run(30)
        self.assertEqual(self.holders(), ["one"])
