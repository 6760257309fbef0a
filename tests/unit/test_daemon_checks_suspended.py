"""``ha_suspend``: checks stand still while this host has not the virtual server's address."""

from __future__ import annotations

from ipaddress import ip_address

from twisted.internet.defer import fail
from twisted.logger import LogEvent, formatEvent, globalLogPublisher

from kaltwisted.config.model import (
    AddressRange,
    ServerGroup,
    VirtualAddress,
    VirtualServer,
)
from kaltwisted.daemon.role.presence import Presence
from kaltwisted.lvs.entries import pool_key
from kaltwisted.ports import VIRTUAL_SERVER, Fact, LinkAddress, ScriptResult
from kaltwisted.testing.vrrp import FakeLinks
from tests.unit.test_daemon_checks import KEY, ONE, TWO, Case, check, real, virtual

VIP = LinkAddress(2, ip_address("10.9.9.9"), 32)
NAME = "[10.9.9.9]:tcp:80"


def suspendable(*servers: object, **fields: object) -> VirtualServer:
    return virtual(*servers or (real(ONE),), ha_suspend=True, **fields)  # type: ignore[arg-type]


class SuspendedTests(Case):
    def setUp(self) -> None:
        super().setUp()
        self.links = FakeLinks()
        self.lines: list[str] = []

        def observe(event: LogEvent) -> None:
            line = formatEvent(event)
            if "healthchecker" in line or "reflector" in line:
                self.lines.append(line)

        globalLogPublisher.addObserver(observe)
        self.addCleanup(globalLogPublisher.removeObserver, observe)

    def begin(self, *servers: VirtualServer) -> None:
        self.begin_pools(*servers)
        self.presence = Presence(self.links, lambda *change: self.checks.address_changed(*change))
        self.successResultOf(self.presence.begin())
        self.begin_checks(self.presence.wants_checks)

    def said(self) -> list[str]:
        lines, self.lines[:] = list(self.lines), []
        return lines

    def finds(self, last: int, result: ScriptResult) -> None:
        """What the last attempts find that have no result yet."""
        for run in self.scripts.runs[-last:]:
            if not run.done.called:
                run.end(result)
        self.clock.advance(0)

    def test_it_waits_for_the_address_and_stops_when_it_goes(self) -> None:
        self.begin(suspendable(real(ONE), real(TWO)))
        one, two = (f"healthchecker for service [10.0.0.{last}]:tcp:80 for VS {NAME}" for last in (1, 2))
        self.assertEqual(self.said(), [f"Deactivating {one}", f"Deactivating {two}"])
        self.clock.advance(100)
        self.assertEqual((self.scripts.runs, self.facts), ([], []))
        self.assertTrue(self.lvs.pools[KEY].suspended)

        self.links.appear(VIP)
        self.assertEqual(
            self.said(),
            ["Netlink reflector reports IP 10.9.9.9 added", f"Activating {one}", f"Activating {two}"],
        )
        self.clock.advance(2)
        self.assertEqual(len(self.scripts.runs), 2)
        self.finds_bad("/10.0.0.1")
        self.assertEqual(self.facts, [], "one has not run")
        self.finds(2, ScriptResult(status=0))
        self.assertEqual(self.facts, [Fact(VIRTUAL_SERVER, NAME, 1)])

        self.clock.advance(60)
        self.said()
        self.links.vanish(VIP)
        self.assertEqual(
            self.said(),
            ["Netlink reflector reports IP 10.9.9.9 removed", f"Suspending {one}", f"Suspending {two}"],
        )
        self.assertTrue(all(run.done.called or run.cancelled for run in self.scripts.runs))
        self.assertEqual(self.facts[-1], Fact(VIRTUAL_SERVER, NAME, None))
        asked = len(self.scripts.runs)
        self.clock.advance(1000)
        self.assertEqual(len(self.scripts.runs), asked)
        self.assertEqual(list(self.plane.table[KEY].destinations), [TWO], "what was known stays")

        self.links.appear(VIP)
        self.clock.advance(60)
        self.assertEqual(self.facts[-1].value, None, "until they have run again")
        self.finds(2, ScriptResult(status=0))
        self.assertEqual(self.facts[-1].value, 1)
        self.assertEqual(list(self.plane.table[KEY].destinations), [ONE, TWO])

    def test_an_address_that_another_interface_has_too_is_here(self) -> None:
        self.begin(suspendable())
        self.links.appear(VIP)
        self.said()
        other = LinkAddress(3, VIP.address, 24)
        for change, address in ((self.links.appear, other), (self.links.vanish, VIP)):
            change(address)
            self.assertEqual(self.said(), [])
        self.links.vanish(other)
        self.assertEqual(len(self.said()), 2)

    def test_an_address_that_is_not_usable_yet_is_not_here(self) -> None:
        six = ip_address("2001:db8::9")
        self.begin(suspendable(listen=VirtualAddress(six, 80)))
        self.said()
        self.links.appear(LinkAddress(2, six, 64, tentative=True))
        self.assertEqual(self.said(), [])
        self.links.appear(LinkAddress(2, six, 64))
        self.assertEqual(self.said()[0], "Netlink reflector reports IP 2001:db8::9 added")

    def test_any_address_of_a_group_will_do(self) -> None:
        entry = AddressRange(ip_address("10.9.9.7"), ip_address("10.9.9.9"), 80)
        server = suspendable(listen=ServerGroup("web", (entry,)))
        self.begin(server)
        self.assertTrue(self.lvs.pools[pool_key(server)].suspended)
        self.links.appear(VIP)
        self.assertFalse(self.lvs.pools[pool_key(server)].suspended)

    def test_others_are_not_concerned(self) -> None:
        self.begin(virtual(real(ONE)))
        self.said()
        self.links.appear(VIP)
        self.links.vanish(VIP)
        self.assertEqual(self.said(), [])
        self.assertFalse(self.lvs.pools[KEY].suspended)

    def test_a_reload_turns_it_on_and_off_and_adds_servers(self) -> None:
        self.begin(virtual(real(ONE)))
        self.reload(suspendable(real(ONE)))
        self.assertTrue(self.lvs.pools[KEY].suspended)
        self.reload(suspendable(real(ONE, check("/other")), real(TWO)))
        self.clock.advance(100)
        self.assertEqual([run for run in self.scripts.runs if not run.cancelled], [])
        self.reload(virtual(real(ONE, check("/other")), real(TWO)))
        self.clock.advance(2)
        self.assertEqual({run.script.argv for run in self.scripts.runs}, {("/other",), ("/10.0.0.2",)})

    def test_where_addresses_cannot_be_read_all_checks_run(self) -> None:
        self.links.start = lambda: fail(OSError("no netlink"))  # type: ignore[method-assign]
        self.begin(suspendable())
        self.assertFalse(self.lvs.pools[KEY].suspended)
        self.clock.advance(2)
        self.assertEqual(len(self.scripts.runs), 1)
