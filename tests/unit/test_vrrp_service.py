"""Virtual routers on a network of fakes: what happens goes in, what is decided goes out, in order."""

from __future__ import annotations

from ipaddress import ip_address

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.logger import LogEvent, capturedLogs, formatEvent, globalLogPublisher
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from kaltwisted.alerts.notify import NotifyQueue
from kaltwisted.config.model import (
    SECOND_US,
    AuthHmac,
    Configuration,
    HmacKey,
    Script,
    Tracked,
    VirtualIpAddress,
    VrrpInstance,
    VrrpScript,
    VrrpSyncGroup,
)
from kaltwisted.ports import (
    IAdvertPort,
    ILinkbeat,
    ILinks,
    IProcesses,
    ISyncDaemon,
    IWatchedFiles,
    IWire,
    Link,
    LinkAddress,
    ScriptResult,
    WireError,
)
from kaltwisted.testing.alerts import FakeMailer, FakeScripts
from kaltwisted.testing.vrrp import (
    FakeAddresses,
    FakeAnnouncer,
    FakeFirewall,
    FakeLinks,
    FakeRouting,
    FakeSyncDaemon,
    FakeVirtualLinks,
    FakeWire,
)
from kaltwisted.vrrp import packet
from kaltwisted.vrrp.actions import State
from kaltwisted.vrrp.network import Network
from kaltwisted.vrrp.notifier import Notifier
from kaltwisted.vrrp.service import VrrpService
from tests.unit.vrrp_helpers import config

ETH0, ETH1 = Link(2, "eth0", mac=bytes(6)), Link(3, "eth1", mac=bytes(6))
OWN = LinkAddress(2, ip_address("10.0.0.5"), 24)
OWN1 = LinkAddress(3, ip_address("10.1.0.5"), 24)
VIP = ip_address("10.0.0.100")
HMAC_KEYS = (HmacKey(1, b"k" * 32),)
RIVAL = ip_address("10.0.0.9").packed


def advert(priority: int, vrid: int = 51) -> bytes:
    """A rival's advert for X."""
    message = packet.encode(packet.Expected(vrid), priority, VIP.packed, RIVAL, packet.IPV4_GROUP)
    return packet.ipv4_packet(message, RIVAL, packet.IPV4_GROUP, 7)


def priority_of(sent: bytes) -> int:
    """The priority in an advert of ours."""
    return sent[22]


class World(SynchronousTestCase):
    """A host with two interfaces, and a service whose time is driven."""

    processes: IProcesses | None = None
    files: IWatchedFiles | None = None
    linkbeat: ILinkbeat | None = None

    def start(self, *instances: VrrpInstance, **more: object) -> VrrpService:
        self.clock = Clock()
        self.links = FakeLinks(ETH0, ETH1)
        for address in (OWN, OWN1):
            self.links.appear(address)
        self.addresses = FakeAddresses(self.links)
        self.wire = FakeWire()
        self.announcer = FakeAnnouncer()
        self.routing = FakeRouting()
        self.virtual_links = FakeVirtualLinks(self.links)
        self.scripts = FakeScripts()
        self.mailer = FakeMailer()
        self.sync_daemon = FakeSyncDaemon()
        keep = bool(more.pop("keep_addresses", False))
        configuration = Configuration(vrrp_instances=instances, **more)  # type: ignore[arg-type]
        self.firewall = FakeFirewall()
        network = Network(
            self.links,
            self.addresses,
            self.wire,
            self.announcer,
            self.routing,
            self.virtual_links,
            self.firewall,
            self.processes,
            self.files,
            self.linkbeat,
        )
        queue = NotifyQueue(self.scripts)
        notifier = Notifier(configuration, queue, self.mailer, self.sync_daemon)
        self.time_of_day_s = 1_800_000_000.0
        self.service = VrrpService(
            configuration,
            self.clock,
            network,
            self.scripts,
            notifier,
            keep_addresses=keep,
            time_of_day=lambda: self.time_of_day_s + self.clock.seconds(),
        )
        self.prepare()
        self.service.startService()
        self.begun: Deferred[None] = Deferred.fromCoroutine(self.service.begin())
        self.settle()
        return self.service

    def prepare(self) -> None:
        """What is done before the service begins."""

    def settle(self) -> None:
        """Let the work of this moment be done."""
        for _ in range(5):
            self.clock.advance(0)

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        for _ in range(round(seconds * 10)):
            self.clock.advance(0.1)
        self.clock.advance(0.001)  # tenths do not add up to whole seconds
        self.settle()

    def stop(self) -> None:
        """Stop, and see that nothing is left."""
        stopped = self.service.stopService()
        self.settle()
        for run in self.scripts.runs:
            if not run.done.called:
                run.end()
        self.settle()
        self.successResultOf(stopped)
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.assertTrue(all(port.closed for port in self.wire.ports.values()))
        self.assertTrue(self.links.stopped and self.addresses.stopped and self.announcer.stopped)

    def reload(self, *instances: VrrpInstance, **more: object) -> None:
        """Go over to another configuration at once."""
        configuration = Configuration(vrrp_instances=instances, **more)  # type: ignore[arg-type]
        done = Deferred.fromCoroutine(self.service.reconfigure(configuration))
        self.settle()
        self.successResultOf(done)

    def state(self, name: str = "X") -> State:
        return self.service.router.instances[name].state

    def holds(self, address: object = VIP, index: int = 2) -> bool:
        return any(each.address == address for each in self.links.addresses(index))

    @property
    def signed_at(self) -> list[int]:
        """The seconds in the trailers of what went out on eth0."""
        return [int.from_bytes(each[-24:-20]) for each, _ in self.wire.ports["eth0"].sent]

    @property
    def sent(self) -> list[int]:
        """The priorities of what went out on eth0."""
        return [priority_of(each) for each, _ in self.wire.ports["eth0"].sent]


class Life(World):
    def test_fakes_provide_what_they_say(self) -> None:
        self.start(config())
        verifyObject(IWire, self.wire)
        verifyObject(IAdvertPort, self.wire.ports["eth0"])
        verifyObject(ILinks, self.links)
        verifyObject(ISyncDaemon, self.sync_daemon)
        self.stop()

    def test_adverts_are_signed_with_the_time_of_day_also_where_it_is_set(self) -> None:
        self.start(config(auth_hmac=AuthHmac(HMAC_KEYS, 1)))
        self.wait(4)
        self.assertEqual(self.signed_at[-1], 1_800_000_003)
        self.time_of_day_s += 60
        self.wait(1)
        self.assertEqual(self.signed_at[-1], 1_800_000_064)
        # One that is new is told as well.
        other = config(name="Y", virtual_router_id=52, priority=255, auth_hmac=AuthHmac(HMAC_KEYS, 1))
        reloaded = Configuration(vrrp_instances=(*self.service._instances.values(), other))
        done = Deferred.fromCoroutine(self.service.reconfigure(reloaded))
        self.wait(4)
        self.successResultOf(done)
        epoch_us = self.service.router.instances["Y"].router.epoch_us
        self.assertLess(abs(epoch_us - 1_800_000_060_000_000), 10)
        self.stop()

    def test_silence_makes_it_master_and_the_stop_hands_over(self) -> None:
        self.start(config(priority=150))
        self.successResultOf(self.begun)
        self.assertEqual(self.wire.ports["eth0"].vrids, frozenset((51,)))
        self.assertEqual(self.state(), State.BACKUP)
        self.wait(3.5)
        self.assertEqual((self.state(), self.holds()), (State.MASTER, True))
        self.assertEqual(self.announcer.announced, [("X", "eth0", VIP, 5)])
        self.wait(2.2)
        self.assertEqual(set(self.sent), {150})
        self.assertEqual(len(self.sent), 3)
        self.stop()
        self.assertEqual(self.sent[-1], 0)
        self.assertFalse(self.holds())
        self.assertIn("X", self.announcer.cancelled)

    def test_priority_0_is_on_the_wire_before_stop_service_returns(self) -> None:
        self.start(config(), config(name="Y", virtual_router_id=52))
        self.wait(4)
        stopped = self.service.stopService()
        self.assertEqual(self.sent[-2:], [0, 0])
        self.assertTrue(self.holds())
        self.settle()
        self.successResultOf(stopped)

    def test_adverts_of_others_are_heard_and_timers_follow(self) -> None:
        self.start(config(priority=100))
        for _ in range(6):
            self.wait(1)
            self.wire.ports["eth0"].receive(advert(200))
        self.assertEqual(self.state(), State.BACKUP)
        self.wait(5)
        self.assertEqual(self.state(), State.MASTER)
        self.wire.ports["eth0"].receive(advert(200))
        self.settle()
        self.assertEqual((self.state(), self.holds()), (State.BACKUP, False))
        self.wire.ports["eth0"].receive(advert(200, vrid=99))  # somebody else's
        self.wire.ports["eth0"].receive(b"")
        self.stop()

    def test_waiting_for_a_dead_master_begins_when_its_last_advert_came_in(self) -> None:
        self.start(config(priority=100))
        self.wire.ports["eth0"].receive(advert(200), 50_000)
        self.wait(3.5)
        self.clock.advance(0.05)
        self.assertEqual(self.state(), State.BACKUP)
        self.clock.advance(0.01)
        self.assertEqual(self.state(), State.MASTER)
        self.stop()

    def test_leftovers_go_and_what_was_never_there_is_not_asked_for(self) -> None:
        left = VirtualIpAddress(VIP, 32)
        missing = VirtualIpAddress(ip_address("10.0.0.101"), 32)
        self.prepare = lambda: self.links.appear(LinkAddress(2, VIP, 32))  # type: ignore[method-assign]
        self.start(config(virtual_ipaddress=(left, missing)))
        self.assertEqual(self.addresses.asked, [("remove", (VIP,))])
        self.assertFalse(self.holds())
        self.assertEqual(self.state(), State.BACKUP)  # our own doing is no loss
        self.stop()

    def test_late_timers_are_counted_and_very_late_ones_told_in_keepalived_s_words(self) -> None:
        lines: list[str] = []

        def observe(event: LogEvent) -> None:
            lines.append(formatEvent(event))

        globalLogPublisher.addObserver(observe)
        self.addCleanup(globalLogPublisher.removeObserver, observe)
        self.start(config())
        self.wait(4)
        timers = self.service.lateness.seen().count
        self.clock.advance(1.5)
        self.assertEqual(self.service.lateness.seen().count, timers + 1)
        self.assertFalse([line for line in lines if "thread timer" in line])
        self.clock.advance(3)
        self.assertGreater(self.service.lateness.seen().longest_s, 1)
        self.assertTrue([line for line in lines if line.startswith("A thread timer expired ")])
        told: list[None] = []
        self.service.lateness.too_late_s = 0.002
        self.service.lateness.too_late = lambda: told.append(None)
        self.clock.advance(1.5)
        self.assertTrue(told)
        self.stop()

    def test_keeping_the_addresses_at_stop(self) -> None:
        """keepalived: ``--dont-release-vrrp``."""
        self.start(config(), keep_addresses=True)
        self.wait(4)
        self.stop()
        self.assertEqual((self.sent[-1], self.holds()), (0, True))

    def test_no_raw_socket_is_an_error_that_passes(self) -> None:
        self.prepare = lambda: setattr(self.wire, "broken", "not allowed")  # type: ignore[method-assign]
        self.start(config())
        self.failureResultOf(self.begun, WireError)
        self.stop()

    def test_one_bad_action_does_not_stop_the_others(self) -> None:
        self.start(config())
        self.announcer.announce = lambda *_: 1 / 0  # type: ignore[method-assign]
        self.wait(4)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        self.assertEqual((self.state(), self.holds()), (State.MASTER, True))
        self.stop()


class Faults(World):
    def test_its_interface_goes_down_and_comes_back(self) -> None:
        self.start(config())
        self.wait(4)
        with capturedLogs() as logs:
            self.links.change(Link(2, "eth0", up=True, running=False))
            self.settle()
        self.assertEqual((self.state(), self.holds(), self.sent[-1]), (State.FAULT, False, 0))
        self.assertIn(("eth0", "down"), [(event.get("name"), event.get("state")) for event in logs])
        self.links.change(ETH0)
        self.wait(4)
        self.assertEqual((self.state(), self.holds()), (State.MASTER, True))
        self.stop()

    def test_its_interface_is_made_anew(self) -> None:
        self.start(config())
        self.wait(4)
        first = self.wire.ports["eth0"]
        self.links.remove("eth0")
        self.settle()
        self.assertEqual((self.state(), first.closed), (State.FAULT, True))
        self.links.change(Link(9, "eth0"))
        self.links.appear(LinkAddress(9, OWN.address, 24))
        self.wait(4)
        self.assertEqual(self.wire.ports["eth0"].link.index, 9)
        self.assertEqual((self.state(), self.holds(index=9)), (State.MASTER, True))
        self.stop()

    def test_an_interface_that_is_not_there_yet(self) -> None:
        self.start(config(interface="eth7"))
        self.assertEqual(self.state(), State.FAULT)
        self.links.change(Link(7, "eth7"))
        self.links.appear(LinkAddress(7, ip_address("10.7.0.5"), 24))
        self.wait(4)
        self.assertEqual(self.state(), State.MASTER)
        self.stop()

    def test_an_address_removed_by_hand_is_noticed_once(self) -> None:
        self.start(config())
        self.wait(4)
        with capturedLogs() as logs:
            self.links.vanish(LinkAddress(2, VIP, 32))
            self.settle()
        self.assertEqual(self.state(), State.BACKUP)
        told = [event for event in logs if "removed by somebody else" in event["log_format"]]
        self.assertEqual(len(told), 1)
        self.wait(1)
        self.assertEqual((self.state(), self.holds()), (State.MASTER, True))
        self.stop()

    def test_without_an_address_of_its_own_it_cannot_speak(self) -> None:
        self.start(config())
        self.links.vanish(OWN)
        self.settle()
        self.assertEqual(self.state(), State.FAULT)
        self.links.appear(LinkAddress(2, ip_address("10.0.0.6"), 24))
        self.wait(4)
        packet_, _ = self.wire.ports["eth0"].sent[-1]
        self.assertEqual(packet_[12:16], ip_address("10.0.0.6").packed)
        self.stop()

    def test_its_virtual_address_is_never_its_source(self) -> None:
        self.prepare = lambda: self.links.vanish(OWN)  # type: ignore[method-assign]
        self.start(config())
        self.links.appear(LinkAddress(2, VIP, 32))
        self.settle()
        self.assertEqual(self.state(), State.FAULT)
        self.stop()

    def test_unless_it_owns_that_and_has_no_other(self) -> None:
        self.prepare = lambda: self.links.vanish(OWN)  # type: ignore[method-assign]
        self.start(config(priority=255, state="MASTER"))
        self.wait(0.2)
        self.assertEqual(self.state(), State.MASTER)
        self.stop()

    def test_a_sync_group_goes_to_fault_together(self) -> None:
        group = VrrpSyncGroup("G", ("X", "Y"))
        vip = VirtualIpAddress(ip_address("10.1.0.100"), 32)
        other = config(name="Y", interface="eth1", virtual_router_id=52, virtual_ipaddress=(vip,))
        self.start(config(), other, vrrp_sync_groups=(group,))
        self.wait(5)
        self.assertEqual((self.state("X"), self.state("Y")), (State.MASTER, State.MASTER))
        self.links.change(Link(3, "eth1", up=False, running=False))
        self.settle()
        self.assertEqual((self.state("X"), self.state("Y")), (State.FAULT, State.FAULT))
        self.assertFalse(self.holds())
        self.stop()


class Tracking(World):
    SCRIPT = VrrpScript("check", Script(("/check",)), interval_us=2 * SECOND_US, fall=2, timeout_us=SECOND_US)

    def begin(self, weight: int = 0) -> None:
        tracked = (Tracked("check", weight),)
        unused = VrrpScript("unused", Script(("/unused",)))
        self.start(config(track_script=tracked), vrrp_scripts=(self.SCRIPT, unused))

    def end(self, status: int) -> None:
        """The newest run ends."""
        self.scripts.runs[-1].end(ScriptResult(status=status))
        self.settle()

    def test_nothing_begins_before_the_first_result_and_unused_scripts_never_run(self) -> None:
        self.begin()
        self.wait(1.9)
        self.assertEqual(self.state(), State.INIT)
        self.end(0)
        self.assertEqual(self.state(), State.BACKUP)
        [run] = self.scripts.runs
        self.assertEqual((run.script.argv, run.timeout_us), (("/check",), SECOND_US))
        self.stop()

    def test_fall_failures_are_a_fault_and_success_its_end(self) -> None:
        self.begin()
        self.end(0)
        self.wait(2)
        self.end(1)
        self.assertEqual(self.state(), State.BACKUP)
        self.wait(2)
        self.end(1)
        self.assertEqual(self.state(), State.FAULT)
        self.wait(2)
        self.end(0)
        self.assertEqual(self.state(), State.BACKUP)
        self.stop()

    def test_a_script_that_still_runs_is_skipped_with_a_message(self) -> None:
        self.begin()
        with capturedLogs() as logs:
            self.wait(4.5)
        self.assertEqual(len(self.scripts.runs), 1)
        self.assertIn(
            "Script `check` is still running, skipping this run", [event.get("line") for event in logs]
        )
        self.stop()
        self.assertTrue(self.scripts.runs[0].cancelled)

    def test_a_weight_changes_the_priority_only(self) -> None:
        self.begin(weight=-30)
        self.end(0)
        self.assertEqual(self.service.router.instances["X"].priority, 100)
        for _ in range(2):
            self.wait(2)
            self.end(1)
        self.assertEqual(self.service.router.instances["X"].priority, 70)
        self.assertEqual(self.state(), State.MASTER)
        self.stop()


class Together(World):
    def test_many_become_master_at_once_and_all_adverts_precede_all_else(self) -> None:
        """250 instances: no log line, address or announcement comes between two first adverts."""
        instances = [
            config(
                name=f"V{vrid}",
                virtual_router_id=vrid,
                virtual_ipaddress=(VirtualIpAddress(ip_address(f"10.0.1.{vrid}"), 32),),
            )
            for vrid in range(1, 251)
        ]
        self.start(*instances)
        self.clock.advance(3.7)  # one turn, in which all of them expire
        self.assertEqual(len(self.sent), 250)
        self.settle()
        for _ in range(300):
            self.clock.advance(0)
        self.assertEqual(len(self.links.addresses(2)), 251)
        self.stop()
