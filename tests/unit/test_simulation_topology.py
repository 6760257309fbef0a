"""Who is on which LAN, and by which address, as far as configurations tell."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from kaltwisted.simulation.reading import read_scenario
from kaltwisted.simulation.topology import Topology, lay_out
from tests.unit.simulation_helpers import VIP, configurations, instance, pair


def own(topology: Topology, director: str, interface: str = "eth0") -> list[str]:
    """The addresses of an interface but for IPv6's link-local one."""
    (place,) = (each for each in topology.places if each.name == director)
    return [str(each) for each in place.plugs[interface].addresses if not each.ip.is_link_local]


class LanTests(SynchronousTestCase):
    def test_one_name_is_one_lan_where_nothing_else_is_known(self) -> None:
        topology = lay_out(pair(instance(150), instance(100, vrid=52, name="X", vip="192.168.200.11")))
        self.assertEqual(topology.lans, {"eth0": [("one", "eth0"), ("two", "eth0")]})

    def test_a_virtual_router_is_on_one_lan_whatever_interfaces_are_called(self) -> None:
        crossed = pair(
            instance(150) + instance(150, name="VI_2", vrid=52, interface="eth1", vip="10.0.0.10"),
            instance(100, interface="eth1") + instance(100, name="VI_2", vrid=52, vip="10.0.0.10"),
        )
        self.assertEqual(
            lay_out(crossed).lans,
            {
                "eth0/eth1": [("one", "eth0"), ("two", "eth1")],
                "eth1/eth0": [("one", "eth1"), ("two", "eth0")],
            },
        )

    def test_an_address_in_common_is_enough(self) -> None:
        topology = lay_out(pair(instance(150), instance(100, vrid=52, name="X", interface="ens3")))
        self.assertEqual(topology.lans, {"eth0/ens3": [("one", "eth0"), ("two", "ens3")]})

    def test_what_the_scenario_says_comes_first(self) -> None:
        directors = pair(instance(150), instance(100))
        read = read_scenario("lan a is one eth0\nlan b is two eth0\n", "x", directors)
        self.assertEqual(read.topology.lans, {"a": [("one", "eth0")], "b": [("two", "eth0")]})
        together = read_scenario("lan a is one eth0, two eth0", "x", directors).topology
        self.assertEqual(together.lans, {"a": [("one", "eth0"), ("two", "eth0")]})

    def test_names_of_lans_are_not_given_twice(self) -> None:
        directors = pair(instance(150), instance(100))
        read = read_scenario("lan eth0 is two eth0\n", "x", directors)
        self.assertEqual(set(read.topology.lans), {"eth0", "eth0-2"})


class AddressTests(SynchronousTestCase):
    def test_made_up_ones_are_in_the_network_and_in_order(self) -> None:
        topology = lay_out(pair(instance(150), instance(100)))
        self.assertEqual(
            (own(topology, "one"), own(topology, "two")), (["192.168.200.241/24"], ["192.168.200.242/24"])
        )
        self.assertEqual([place.made_up for place in topology.places], [{"eth0"}, {"eth0"}])

    def test_small_networks_and_taken_addresses(self) -> None:
        topology = lay_out(pair(instance(150, vip="10.0.0.5/30"), instance(100, vip="10.0.0.5/30")))
        self.assertEqual(own(topology, "one"), ["10.0.0.6/30"])
        self.assertTrue(own(topology, "two")[0].startswith("192.0.2."))

    def test_none_is_made_up_where_there_is_ipv6_only(self) -> None:
        topology = lay_out(pair(*(instance(each, "version 3", vip="fe80::100/64") for each in (150, 100))))
        self.assertEqual(own(topology, "one"), [])

    def test_a_configuration_may_say_it(self) -> None:
        unicast = "unicast_src_ip 192.168.200.5\nunicast_peer {\n192.168.200.6\n}"
        topology = lay_out(pair(instance(150, unicast), instance(100)))
        self.assertEqual(own(topology, "one"), ["192.168.200.5/24"])

    def test_who_does_not_say_it_is_the_peer_that_the_others_name(self) -> None:
        names = ("one", "two", "three")
        directors = configurations(
            **{
                name: instance(
                    100 + number,
                    "unicast_peer {\n"
                    + "\n".join(f"192.168.200.{other}" for other in range(3) if other != number)
                    + "\n}",
                )
                for number, name in enumerate(names)
            }
        )
        topology = lay_out(directors)
        self.assertEqual(
            [own(topology, name) for name in names], [[f"192.168.200.{number}/24"] for number in range(3)]
        )

    def test_what_the_scenario_says_comes_first(self) -> None:
        directors = pair(instance(150, "mcast_src_ip 192.168.200.5"), instance(100))
        topology = read_scenario("one eth0 has 192.168.200.77/25", "x", directors).topology
        self.assertEqual(own(topology, "one"), ["192.168.200.77/25"])
        self.assertNotIn("eth0", topology.places[0].made_up)

    def test_addresses_and_who_has_them(self) -> None:
        topology = lay_out(pair(instance(150), instance(100, vip="192.168.200.11")))
        self.assertEqual(list(map(str, topology.addresses)), [VIP, "192.168.200.11"])
        self.assertEqual([place.name for place, _ in topology.instances(topology.addresses[1])], ["two"])
