"""Virtual routes and rules of instances, and what is there from start to stop, on a network of fakes."""

from __future__ import annotations

from ipaddress import ip_address

import attrs
from twisted.internet.defer import Deferred

from kaltwisted.config.model import Configuration, VirtualIpAddress
from kaltwisted.ports import LinkAddress
from kaltwisted.vrrp import actions as act
from kaltwisted.vrrp import events as ev
from kaltwisted.vrrp.actions import State
from kaltwisted.vrrp.routing import PAUSE_S, STATIC
from tests.unit.test_config_routes import route, rule
from tests.unit.test_vrrp_service import ETH1, VIP, World, advert
from tests.unit.vrrp_helpers import Driven, config, lines

ROUTE, OTHER = route("10.1.0.0/16 via 10.0.0.1"), route("10.2.0.0/16 dev eth0")
RULE = rule("from 10.1.0.0/16 table 3 priority 5")
ADDRESS = VirtualIpAddress(ip_address("10.9.0.1"), 24, "eth1")


class Instances(World):
    def test_they_come_with_the_addresses_and_go_with_the_mastership(self) -> None:
        self.start(config(virtual_routes=(ROUTE,), virtual_rules=(RULE,)))
        self.assertEqual(self.routing.asked, [])
        self.addresses.held = True
        self.wait(3.7)
        self.assertIs(self.state(), State.MASTER)
        self.assertEqual(self.routing.asked, [])  # they may need an address that is being set
        self.addresses.finish()
        self.assertEqual(self.routing.asked, [("X", (ROUTE, RULE))])
        self.addresses.held = False
        self.wire.ports["eth0"].receive(advert(200))
        self.settle()
        self.assertIs(self.state(), State.BACKUP)
        self.assertEqual(self.routing.wanted["X"], ())
        self.stop()

    def test_scripts_are_told_when_they_stand(self) -> None:
        self.start(config(virtual_routes=(ROUTE,), smtp_alert=True))
        self.routing.held = True
        self.wait(3.7)
        sent = len(self.mailer.mails)
        self.routing.waiting.pop().callback(None)
        self.assertEqual(len(self.mailer.mails), sent + 1)
        self.routing.held = False
        self.stop()

    def test_who_loses_the_mastership_meanwhile_sets_none(self) -> None:
        self.start(config(virtual_routes=(ROUTE,)))
        self.addresses.held = True
        self.wait(3.7)
        self.wire.ports["eth0"].receive(advert(200))
        self.settle()
        self.addresses.finish()
        self.assertEqual(self.routing.wanted.get("X", ()), ())
        self.addresses.held = False
        self.stop()

    def test_a_stop_takes_them_away_or_keeps_them_as_the_addresses(self) -> None:
        for keep in (False, True):
            self.start(config(virtual_routes=(ROUTE,)), keep_addresses=keep)
            self.wait(3.7)
            self.stop()
            self.assertEqual(self.routing.wanted["X"], (ROUTE,) if keep else ())
            self.assertIs(self.holds(VIP), keep)
            self.assertTrue(self.routing.stopped)

    def test_a_reload_hands_over_what_shall_be_and_a_new_name(self) -> None:
        self.start(config(virtual_routes=(ROUTE,)))
        self.wait(3.7)
        changed = config(name="Y", virtual_routes=(OTHER,), virtual_rules=(RULE,))
        done = Deferred.fromCoroutine(self.service.reconfigure(Configuration(vrrp_instances=(changed,))))
        self.settle()
        self.successResultOf(done)
        self.assertEqual(self.routing.wanted, {"X": (), "Y": (OTHER, RULE)})
        # Under the new name before it ends under the old one: nothing is gone in between.
        self.assertEqual(self.routing.asked[1:3], [("Y", (ROUTE,)), ("X", ())])
        self.stop()

    def test_a_change_of_the_network_is_told(self) -> None:
        self.start(config())
        looks = self.routing.looks
        self.links.change(attrs.evolve(ETH1, mtu=9000))
        self.assertEqual(self.routing.looks, looks + 1)
        self.stop()


class Words(World):
    def test_the_log_says_it_as_keepalived_does(self) -> None:
        router = Driven(virtual_routes=(ROUTE,), virtual_rules=(RULE,))
        became = router.become_master()
        self.assertEqual(
            lines(became)[-3:],
            ["(X) setting VIPs.", "(X) setting Virtual Routes", "(X) setting Virtual Rules"],
        )
        self.assertIn(act.SetRouting((ROUTE, RULE)), became)
        gone = router.do(ev.Stop())
        self.assertEqual(
            lines(gone)[-3:],
            ["(X) removing Virtual Rules", "(X) removing Virtual Routes", "(X) removing VIPs."],
        )
        self.assertIn(act.SetRouting(()), gone)
        self.assertNotIn(act.SetRouting, {type(each) for each in Driven().become_master()})


class StaticItems(World):
    def begin(self) -> None:
        self.start(config(), static_ipaddress=(ADDRESS,), static_routes=(ROUTE,), static_rules=(RULE,))

    def test_they_are_there_from_start_to_stop(self) -> None:
        self.begin()
        self.assertTrue(self.holds(ADDRESS.address, 3))
        self.assertEqual(self.routing.kept, (ROUTE, RULE))
        self.assertEqual(self.routing.wanted, {STATIC: (ROUTE, RULE)})
        self.stop()
        self.assertFalse(self.holds(ADDRESS.address, 3))
        self.assertEqual(self.routing.wanted, {STATIC: ()})

    def test_an_address_that_others_remove_is_set_again(self) -> None:
        self.begin()
        self.links.vanish(LinkAddress(3, ADDRESS.address, 24))
        self.assertFalse(self.holds(ADDRESS.address, 3))
        self.wait(PAUSE_S)
        self.assertTrue(self.holds(ADDRESS.address, 3))
        self.stop()

    def test_an_interface_that_comes_later_gets_its_address(self) -> None:
        self.begin()
        self.links.remove("eth1")
        self.wait(PAUSE_S)
        self.links.change(attrs.evolve(ETH1, index=7))
        self.wait(PAUSE_S)
        self.assertTrue(self.holds(ADDRESS.address, 7))
        self.stop()

    def test_a_reload_changes_what_differs(self) -> None:
        self.begin()
        self.addresses.asked.clear()
        other = attrs.evolve(ADDRESS, address=ip_address("10.9.0.2"))
        configuration = Configuration(
            vrrp_instances=(config(),), static_ipaddress=(other,), static_routes=(OTHER,)
        )
        done = Deferred.fromCoroutine(self.service.reconfigure(configuration))
        self.settle()
        self.successResultOf(done)
        self.assertEqual(self.addresses.asked, [("remove", (ADDRESS.address,)), ("add", (other.address,))])
        self.assertEqual(self.routing.wanted, {STATIC: (OTHER,)})
        self.stop()
