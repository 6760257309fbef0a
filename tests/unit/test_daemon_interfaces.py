"""Interfaces that a configuration names and this machine has not."""

from __future__ import annotations

import socket
from ipaddress import ip_address, ip_interface

import attrs
from twisted.trial.unittest import SynchronousTestCase

from kaltwisted.config.findings import Consequence
from kaltwisted.config.model import (
    Configuration,
    GlobalDefs,
    LinkDelay,
    Tracked,
    VirtualIpAddress,
    VrrpInstance,
)
from kaltwisted.daemon.interfaces import missing_interfaces, networks

VIP = VirtualIpAddress(ip_address("10.0.0.9"), 32)
THERE = VrrpInstance("V", "lo", 9, virtual_ipaddress=(VIP,))


class Missing(SynchronousTestCase):
    def logged(self, instance: VrrpInstance) -> list[str | None]:
        found = missing_interfaces(Configuration(vrrp_instances=(instance,)))
        for finding in found:
            self.assertIs(finding.consequence, Consequence.FATAL)
        return [finding.log for finding in found]

    def test_what_is_there_is_not_told_of(self) -> None:
        self.assertEqual(self.logged(THERE), [])

    def test_each_is_told_of_once_in_keepalived_s_words(self) -> None:
        self.assertEqual(
            self.logged(
                VrrpInstance(
                    "V",
                    "no0",
                    9,
                    virtual_ipaddress=(VIP, attrs.evolve(VIP, dev="no0"), attrs.evolve(VIP, dev="no1")),
                    track_interface=(Tracked("no1"), Tracked("no2"), Tracked("lo")),
                )
            ),
            [
                "WARNING - interface no0 for vrrp_instance V doesn't exist",
                "WARNING - interface no1 for ip address 10.0.0.9 doesn't exist",
                "(V) tracked interface no2 doesn't exist",
            ],
        )

    def test_dynamic_interfaces_may_come_later(self) -> None:
        configuration = Configuration(
            global_defs=GlobalDefs(dynamic_interfaces=True),
            vrrp_instances=(attrs.evolve(THERE, interface="no0"),),
        )
        (finding,) = missing_interfaces(configuration)
        self.assertIs(finding.consequence, Consequence.NONE)
        self.assertIn("will use if created", finding.log or "")

    def test_one_that_has_delays_only_does_not_keep_it_from_starting(self) -> None:
        delays = LinkDelay("lo", 1), LinkDelay("no0", 1)
        (finding,) = missing_interfaces(Configuration(interface_up_down_delays=delays))
        self.assertIs(finding.consequence, Consequence.LOGGED)
        self.assertEqual(finding.log, "unknown interface no0 specified for up/down delay")


class NetworksTests(SynchronousTestCase):
    def test_addresses_come_with_their_prefixes(self) -> None:
        self.assertIn(ip_interface("127.0.0.1/8"), networks()["lo"])

    def test_where_the_kernel_does_not_tell_there_are_none(self) -> None:
        def refuse(*arguments: object) -> None:
            raise PermissionError

        self.patch(socket, "socket", refuse)
        self.assertEqual(networks(), {})
