"""A thousand random bad days on a simulated LAN, with the whole services.

Whatever happened, once everything works again there is exactly one master for
each virtual router, the right one, and it alone has the addresses; and at no
time are the members of a sync group in different states.  A failing seed is a
whole reproduction: ``Day(seed).live()``.
"""

from __future__ import annotations

import random
from ipaddress import ip_address

from twisted.trial.unittest import SynchronousTestCase

from kaltwisted.config.model import (
    SECOND_US,
    Authentication,
    AuthType,
    Configuration,
    Script,
    Tracked,
    UnicastPeer,
    VirtualIpAddress,
    VrrpInstance,
    VrrpScript,
    VrrpSyncGroup,
)
from kaltwisted.testing.lan import Host, Lan
from kaltwisted.vrrp.actions import State

INTERFACES = ("eth0", "eth1")


class Day:
    """One schedule: a few routers with one design, a time of troubles, then peace."""

    def __init__(self, seed: int) -> None:
        self.chance = chance = random.Random(seed)
        self.lan = Lan(seed)
        self.version = chance.choice((2, 2, 3))
        self.interval_us = SECOND_US if self.version == 2 else chance.choice((250_000, SECOND_US))
        self.authentication = chance.choice(
            (None, Authentication(AuthType.PASS, b"k@l!ve"), Authentication(AuthType.AH, b"k@l!ve"))
        )
        self.grouped = chance.random() < 0.5
        self.nopreempt = chance.random() < 0.2
        self.preempt_delay_us = chance.choice((0, 0, 2 * SECOND_US))
        self.unicast = chance.random() < 0.2
        self.weighted = chance.random() < 0.3
        count = chance.choice((2, 2, 3))
        self.names = [f"lvs{number}" for number in range(1, count + 1)]
        tie = chance.random() < 0.15
        self.priorities = dict(zip(self.names, chance.sample(range(60, 254), count), strict=True))
        if tie:
            self.priorities = dict.fromkeys(self.names, 100)
        if chance.random() < 0.15:
            self.priorities[self.names[0]] = 255
        for number, name in enumerate(self.names, 5):
            addresses = {"eth0": f"192.168.200.{number}", "eth1": f"192.168.100.{number}"}
            self.lan.host(name, self.configuration(name), addresses)
        self.instances = [instance.name for instance in self.configuration("lvs1").vrrp_instances]

    def configuration(self, name: str) -> Configuration:
        priority = self.priorities[name]
        others = [number for number, other in enumerate(self.names, 5) if other != name]
        instances = []
        for number, interface in enumerate(INTERFACES, 1):
            net = "192.168.200" if interface == "eth0" else "192.168.100"
            instances.append(
                VrrpInstance(
                    f"VI_{number}",
                    interface=interface,
                    virtual_router_id=50 + number,
                    priority=priority,
                    version=self.version,
                    advert_int_us=self.interval_us,
                    authentication=self.authentication,
                    nopreempt=self.nopreempt,
                    preempt_delay_us=self.preempt_delay_us,
                    garp_master_refresh_us=10 * SECOND_US,
                    unicast_peer=tuple(UnicastPeer(ip_address(f"{net}.{other}")) for other in others)
                    if self.unicast
                    else (),
                    virtual_ipaddress=(VirtualIpAddress(ip_address(f"{net}.100"), 32),),
                    track_script=(Tracked("fit"),) if number == 1 else (),
                )
            )
        return Configuration(
            vrrp_scripts=(VrrpScript("fit", Script(("/bin/fit",)), weight=-50 if self.weighted else 0),),
            vrrp_instances=tuple(instances),
            vrrp_sync_groups=(VrrpSyncGroup("G", ("VI_1", "VI_2")),) if self.grouped else (),
        )

    # -- living it -----------------------------------------------------------------------

    def live(self) -> None:
        hosts = list(self.lan.hosts.values())
        for host in hosts:
            if self.chance.random() < 0.8:
                host.start()
        for _ in range(self.chance.randrange(1, 12)):
            self.trouble(self.chance.choice(hosts))
            self.lan.run(self.chance.choice((1_000, 200_000, SECOND_US, 4 * SECOND_US)))
            self.check_always()
        self.make_peace(hosts)
        self.lan.run(16 * SECOND_US)
        self.check_always()
        self.check_peace()

    def trouble(self, host: Host) -> None:
        chance = self.chance
        wire = self.lan.wire(chance.choice(INTERFACES))
        match chance.randrange(11):
            case 0:
                wire.loss = chance.random() * 0.7
            case 1:
                wire.duplication = chance.random()
            case 2:
                wire.most_delay_us = chance.randrange(1_000, 300_000)
            case 3:
                wire.cut.add((host.name, chance.choice(self.names)))
            case 4:
                wire.part({host.name}, set(self.names) - {host.name})
            case 5:
                wire.heal()
            case 6:
                host.crash()
            case 7:
                chance.choice((host.stop, host.power_off))()
            case 8:
                host.start()
            case 9:
                interface = chance.choice(INTERFACES)
                host.link(interface, chance.random() < 0.5)
            case 10 if chance.random() < 0.5:
                host.script("fit", chance.random() < 0.5)
            case _:
                host.delete_address(chance.choice(("192.168.200.100", "192.168.100.100")))

    def make_peace(self, hosts: list[Host]) -> None:
        for wire in self.lan.wires.values():
            wire.heal()
            wire.most_delay_us = 200
        for host in hosts:
            for interface in INTERFACES:
                host.link(interface, True)
            host.script("fit", True)
            host.start()

    # -- what must hold ------------------------------------------------------------------

    def check_always(self) -> None:
        for host in self.lan.hosts.values():
            if host.router is None:
                continue
            states = [host.state(name) for name in self.instances]
            if self.grouped:
                assert len(set(states)) == 1, f"{host.name} is split: {states}"
            owned = {
                entry.address
                for name, state in zip(self.instances, states, strict=True)
                if state is State.MASTER
                for entry in host.router.instances[name].config.virtual_ipaddress
            }
            assert set(host.addresses) == owned, f"{host.name} has {set(host.addresses)}, {states}"

    def check_peace(self) -> None:
        for name in self.instances:
            masters = [host for host in self.names if self.lan.hosts[host].state(name) is State.MASTER]
            assert len(masters) == 1, f"masters of {name}: {masters}"
            (router,) = masters
            if not self.nopreempt:
                best = max(self.priorities.values())
                assert self.priorities[router] == best, f"{router} is master of {name}"
        for address in ("192.168.200.100", "192.168.100.100"):
            holders = self.lan.holders(address)
            assert len(holders) == 1, f"{address} is on {holders}"
            wire = "eth0" if address.startswith("192.168.200") else "eth1"
            taken_for = self.lan.wire(wire).neighbours[ip_address(address)]
            assert [taken_for] == holders, f"clients send to {taken_for}, {holders} has {address}"


class ScheduleTests(SynchronousTestCase):
    def live(self, seeds: range) -> None:
        for seed in seeds:
            try:
                Day(seed).live()
            except Exception as error:
                self.fail(f"seed {seed}: {error!r}")

    def test_after_healing_one_right_master_and_no_group_ever_split(self) -> None:
        self.live(range(1000))

    def test_a_day_is_the_same_each_time(self) -> None:
        logs = []
        for _ in range(2):
            day = Day(7)
            day.live()
            logs.append(list(day.lan.log))
        self.assertEqual(logs[0], logs[1])
        self.assertTrue(logs[0])
