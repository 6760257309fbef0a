"""``garp_extra_if``: switches are reminded of the interfaces that no adverts go out of."""

from __future__ import annotations

from ipaddress import ip_address

import attrs
from twisted.trial.unittest import SynchronousTestCase

from kaltwisted.config.model import SECOND_US, ExtraGarp, VirtualIpAddress, Vmac, VrrpInstance
from kaltwisted.vrrp.actions import Announce, TimerName
from kaltwisted.vrrp.vmac import extra_addresses, with_vmacs
from tests.unit.vrrp_helpers import VIP, Driven, config, seconds

ON_ETH1, SECOND_ON_ETH1 = (
    VirtualIpAddress(ip_address(f"10.1.0.{last}"), 32, dev="eth1") for last in (100, 101)
)
MINUTE = ExtraGarp(60 * SECOND_US, every=True)
FIELDS = {
    "virtual_ipaddress": (VIP, ON_ETH1),
    "virtual_ipaddress_excluded": (SECOND_ON_ETH1,),
    "garp_extra_if": MINUTE,
    "priority": 150,
}


def extra(**fields: object) -> tuple[VirtualIpAddress, ...]:
    return extra_addresses(config(**(FIELDS | fields)))


class WhichAddresses(SynchronousTestCase):
    def test_the_first_of_each_interface_that_no_adverts_go_out_of(self) -> None:
        vmac = Vmac("vrrp.51", b"\0\0\x5e\0\1\x33")
        self.assertEqual(extra(), (ON_ETH1,))
        self.assertEqual(extra(use_vmac=vmac), (ON_ETH1,))
        self.assertEqual(extra(use_vmac=vmac, vmac_xmit_base=True), (VIP, ON_ETH1))

    def test_without_all_the_virtual_macs_of_addresses(self) -> None:
        own = attrs.evolve(ON_ETH1, dev="vrrp.51.1", base="eth1")
        said = attrs.evolve(MINUTE, every=False)
        self.assertEqual(extra(virtual_ipaddress=(VIP, own), garp_extra_if=said), (own,))

    def test_none_where_adverts_go_everywhere_and_none_unless_asked(self) -> None:
        self.assertEqual(extra(virtual_ipaddress=(VIP,), virtual_ipaddress_excluded=()), ())
        self.assertEqual(extra(garp_extra_if=None), ())
        self.assertEqual(extra(garp_extra_if=attrs.evolve(MINUTE, every=False)), ())

    def test_without_all_those_of_virtual_macs_of_addresses(self) -> None:
        less = attrs.evolve(MINUTE, every=False)
        [found] = with_vmacs([config(**(FIELDS | {"garp_extra_if": less, "use_vmac_addr": True}))])
        self.assertEqual({vip.dev for vip in extra_addresses(found)}, {"vrrp.51"})


class InTime(SynchronousTestCase):
    def driven(self, **fields: object) -> Driven:
        found = Driven(**(FIELDS | fields))
        found.become_master()
        return found

    def test_a_master_announces_one_of_each_again_and_again(self) -> None:
        driven = self.driven()
        for _ in range(3):
            self.assertEqual(driven.waits_us(TimerName.GARP_EXTRA), 60 * SECOND_US)
            actions = driven.expire(TimerName.GARP_EXTRA)
            self.assertEqual(
                [each for each in actions if isinstance(each, Announce)], [Announce((ON_ETH1,), 1)]
            )
        driven.hear(200)
        self.assertNotIn(TimerName.GARP_EXTRA, driven.timers)

    def test_who_has_nothing_to_tell_sets_no_timer(self) -> None:
        self.assertNotIn(TimerName.GARP_EXTRA, self.driven(garp_extra_if=None).timers)
        alone = self.driven(virtual_ipaddress=(VIP,), virtual_ipaddress_excluded=())
        self.assertNotIn(TimerName.GARP_EXTRA, alone.timers)

    def reload(self, driven: Driven, new: VrrpInstance) -> None:
        driven.take(driven.instance.reconfigure(new, {}, keeps_weights=True, known={}, now=driven.now))

    def test_a_reload_begins_ends_and_leaves_it(self) -> None:
        driven = self.driven(garp_extra_if=None)
        self.reload(driven, config(**FIELDS))
        driven.after(seconds(10))
        self.reload(driven, config(**(FIELDS | {"garp_master_repeat": 2})))
        self.assertEqual(driven.waits_us(TimerName.GARP_EXTRA), 50 * SECOND_US)
        self.reload(
            driven, config(**(FIELDS | {"virtual_ipaddress": (VIP,), "virtual_ipaddress_excluded": ()}))
        )
        self.assertNotIn(TimerName.GARP_EXTRA, driven.timers)
