"""``vrrp_rx_bufs_policy`` and ``kernel_rx_buf_size``: how much of what waits the kernel is asked to keep.

The sizes are those that keepalived 2.2.7 tells of its own (``Rx buf size`` of its data file).
"""

from __future__ import annotations

import attrs
from twisted.trial.unittest import SynchronousTestCase

from kaltwisted.config.load import load_text
from kaltwisted.config.model import RxBufs, RxBufsPolicy, VrrpInstance
from kaltwisted.ports import Link
from kaltwisted.testing.vrrp import FakeWire
from kaltwisted.vrrp.dispatcher import Dispatcher
from kaltwisted.vrrp.receive_buffer import receive_buffer
from tests.unit.vrrp_helpers import config

MTU, ADVERT = RxBufsPolicy.MTU, RxBufsPolicy.ADVERT
ETH0 = Link(2, "eth0", mtu=9000)


def read(policies: str, instance: str = "", vips: str = "10.0.0.1") -> tuple[RxBufs, VrrpInstance]:
    text = (
        f"global_defs {{\n{policies}\n}}\nvrrp_instance A {{\ninterface eth0\nvirtual_router_id 1\n"
        f"{instance}\nvirtual_ipaddress {{\n{vips}\n}}\n}}\n"
    )
    configuration = load_text(text, "test.conf").configuration
    return configuration.global_defs.rx_bufs, configuration.vrrp_instances[0]


class Sizes(SynchronousTestCase):
    CASES = (
        ("", "", "10.0.0.1", 0),
        ("vrrp_rx_bufs_multiplier 7", "", "10.0.0.1", 0),
        ("vrrp_rx_bufs_policy 0", "", "10.0.0.1", 0),
        ("vrrp_rx_bufs_policy 100000\nvrrp_rx_bufs_multiplier 2", "", "10.0.0.1", 100_000),
        ("vrrp_rx_bufs_policy MTU", "", "10.0.0.1", 4500),
        ("vrrp_rx_bufs_policy mtu\nvrrp_rx_bufs_multiplier 100", "", "10.0.0.1", 150_000),
        ("vrrp_rx_bufs_policy ADVERT", "", "10.0.0.1", 120),
        ("vrrp_rx_bufs_policy ADVERT", "", "10.0.0.1\n10.0.0.2", 132),
        ("vrrp_rx_bufs_policy ADVERT", "version 3", "10.0.0.1", 96),
        (
            "vrrp_rx_bufs_policy ADVERT",
            "authentication {\nauth_type AH\nauth_pass x\n}",
            "10.0.0.1",
            192,
        ),
        ("vrrp_rx_bufs_policy ADVERT", "", "fe80::1\n2001:db8::1", 120),
        ("vrrp_rx_bufs_policy 90000", "kernel_rx_buf_size 50000", "10.0.0.1", 50_000),
        ("vrrp_rx_bufs_policy 90000", "kernel_rx_buf_size 0", "10.0.0.1", 90_000),
        ("", "kernel_rx_buf_size 50000", "10.0.0.1", 50_000),
    )

    def test_keepalived_s(self) -> None:
        for policies, instance, vips, size in self.CASES:
            rx_bufs, bound = read(policies, instance, vips)
            self.assertEqual(receive_buffer(bound, rx_bufs, 1500), size, (policies, instance, vips))

    def test_of_several_policies_one_counts(self) -> None:
        for first, second, policy in (
            ("ADVERT", "100000", 100_000),
            ("100000", "ADVERT", 100_000),
            ("MTU", "ADVERT", MTU),
            ("ADVERT", "MTU", MTU),
            ("1000", "2000", 2000),
        ):
            lines = f"vrrp_rx_bufs_policy {first}\nvrrp_rx_bufs_policy {second}"
            self.assertEqual(read(lines)[0].policy, policy, lines)
        for words, policy in (("ADVERT MTU", MTU), ("1000 MTU", 1000), ("MTU 1000", MTU), ("many", None)):
            self.assertEqual(read(f"vrrp_rx_bufs_policy {words}")[0].policy, policy, words)


class Sockets(SynchronousTestCase):
    def setUp(self) -> None:
        self.wire = FakeWire()

    def asked(self, dispatcher: Dispatcher) -> int:
        dispatcher.refresh(ETH0)
        return self.wire.ports["eth0"].listening.receive_buffer

    def test_one_has_the_sum_of_its_instances_and_a_reload_another(self) -> None:
        dispatcher = Dispatcher(self.wire, rx_bufs=RxBufs(MTU, 2))
        one, two = config(interface="eth0"), config(interface="eth0", virtual_router_id=52)
        for each in (one, two, config(interface="eth0", virtual_router_id=53, kernel_rx_buf_size=10_000)):
            dispatcher.register(each, lambda *_: None)
        self.assertEqual(self.asked(dispatcher), 2 * 18_000 + 10_000)
        first = self.wire.ports["eth0"]
        self.assertEqual(self.asked(dispatcher), 46_000)
        self.assertIs(self.wire.ports["eth0"], first)
        dispatcher.register(attrs.evolve(two, kernel_rx_buf_size=5), lambda *_: None)
        self.assertEqual(self.asked(dispatcher), 28_005)
        self.assertTrue(first.closed)
        dispatcher.rx_bufs = RxBufs()
        self.assertEqual(self.asked(dispatcher), 10_005)
