"""Lines of routes and rules in the data file, as keepalived 2.2.7 wrote them."""

from __future__ import annotations

import attrs
from twisted.trial.unittest import SynchronousTestCase

from kaltwisted.vrrp.report_routing import route_words, routing_lines, rule_words
from tests.unit.test_config_routes import route, rule
from tests.unit.vrrp_helpers import config

ROUTES = {
    "10.1.0.0/24 via 192.0.2.1 dev eth0": "prepend 10.1.0.0/24 via inet 192.0.2.1 dev eth0 proto 18",
    "default via 192.0.2.1 dev eth0 table 7 append": (
        "append 0.0.0.0/0 via inet 192.0.2.1 dev eth0 table 7 proto 18"
    ),
    "10.1.0.0/24 dev eth0 vrf red": "prepend 10.1.0.0/24 dev eth0 table 10 proto 18",
    "10.1.0.0/24 dev eth0 vrf blue": "prepend 10.1.0.0/24 dev eth0 vrf blue proto 18",
    "blackhole 10.1.0.0/24": "add blackhole 10.1.0.0/24 proto 18",
    "2001:db8::/48 from 2001:db8:1::/48 via fe80::1 dev eth0 metric 7 expires 9 pref low mtu 1400": (
        "prepend 2001:db8::/48 from 2001:db8:1::/48 via inet6 fe80::1 dev eth0 proto 18"
        " metric 7 expires 9sec mtu 1400 pref low"
    ),
    "10.1.0.0/24 dev eth0 no_track": "prepend 10.1.0.0/24 dev eth0 no_track",
    "10.1.0.0/24 dev eth0 no_track protocol 4": "prepend 10.1.0.0/24 dev eth0 proto 4 no_track",
    "src 192.0.2.9 10.1.0.0/24 tos 16 via 192.0.2.1 scope 253 metric 5 onlink realms 1/2 congctl reno "
    "features ecn advmss lock 1300 rtt 300ms": (
        "prepend 10.1.0.0/24 src 192.0.2.9 tos 16 via inet 192.0.2.1 proto 18 scope 253 metric 5 onlink"
        " realms 1/2 congctl reno rtt 300ms features ecn advmss lock 1300"
    ),
    "10.1.0.0/24 encap ip id 5 dst 192.0.2.3 ttl 30 dev eth0": (
        "prepend 10.1.0.0/24 encap ip id 5 dst 192.0.2.3 ttl 30 dev eth0 proto 18"
    ),
    "10.1.0.0/24 nexthop via 192.0.2.1 weight 2 nexthop via 192.0.2.2 dev eth0 onlink": (
        "prepend 10.1.0.0/24 proto 18 nexthop via inet 192.0.2.1 weight 2"
        " nexthop via inet 192.0.2.2 dev eth0 onlink"
    ),
}
RULES = {
    "from 10.1.0.0/16 table 300 priority 9": "from 10.1.0.0/16 priority 9 tos 0x0 protocol 18 lookup 300",
    "not from 10.1.0.0/16 to 10.2.0.0/16 table 300 priority 9 iif eth0 oif eth1 fwmark 5/0xff tos 0x10 "
    "realms 3/4 tunnel-id 77 sup_group 5 sup_pl 3 uidrange 0-5 ipproto tcp sport 7-8 no_track": (
        "not from 10.1.0.0/16 to 10.2.0.0/16 priority 9 tos 0x10 fwmark 0x5/0xff iif eth0 oif eth1"
        " suppress_prefixlen 3 suppress_ifgroup 5 tunnel-id 77 uidrange 0-5 ipproto 6 sport 7-8"
        " realms 3/4 lookup 300 no_track"
    ),
    "to 10.2.0.0/16 prohibit priority 9 dport 5-6": (
        "from all to 10.2.0.0/16 priority 9 tos 0x0 protocol 18 dport 5-6 type prohibit"
    ),
    "from 10.1.0.0/16 l3mdev priority 9": "from 10.1.0.0/16 priority 9 tos 0x0 l3mdev protocol 18 lookup 0",
    "from 10.1.0.0/16 nop priority 9": "from 10.1.0.0/16 priority 9 tos 0x0 protocol 18 nop",
    "goto 60 priority 9": "from all priority 9 tos 0x0 protocol 18 goto 60",
}


VRFS = {"red": 10}.get


class Words(SynchronousTestCase):
    def test_what_is_for_mpls(self) -> None:
        for value, word in ((True, "enabled"), (False, "disabled")):
            one = attrs.evolve(route("2001:db8::/48 dev eth0 pref low mtu 1400"), ttl_propagate=value)
            expected = f"prepend 2001:db8::/48 dev eth0 proto 18 mtu 1400 pref low ttl-propagate {word}"
            self.assertEqual(route_words(one, VRFS), expected)

    def test_routes(self) -> None:
        for line, expected in ROUTES.items():
            self.assertEqual(route_words(route(line), VRFS), expected)

    def test_rules(self) -> None:
        for line, expected in RULES.items():
            self.assertEqual(rule_words(rule(line)), expected)

    def test_an_instance_s(self) -> None:
        own = config(
            virtual_routes=(route("10.1.0.0/24 dev eth0"),), virtual_rules=(rule("goto 60 priority 9"),)
        )
        self.assertEqual(
            list(routing_lines(own, VRFS)),
            [
                "   Virtual Routes :",
                "     prepend 10.1.0.0/24 dev eth0 proto 18",
                "   Virtual Rules :",
                "     from all priority 9 tos 0x0 protocol 18 goto 60",
            ],
        )
        self.assertEqual(list(routing_lines(config(), VRFS)), [])
