"""A pool whose virtual server serves a ``virtual_server_group``: many services, one state."""

from __future__ import annotations

import json
from ipaddress import ip_address

from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from kaltwisted.alerts.notify import NotifyQueue
from kaltwisted.config.identity import ServerId
from kaltwisted.config.load import load_text
from kaltwisted.config.model import Configuration, VirtualServer
from kaltwisted.lvs.entries import pool_key, service_keys
from kaltwisted.lvs.pool import Pool
from kaltwisted.lvs.report import data
from kaltwisted.lvs.service import Alerts, LvsService
from kaltwisted.lvs.status import status
from kaltwisted.lvs.table import (
    AddDestination,
    AddService,
    DeleteService,
    DestinationKey,
    GroupKey,
    Service,
    ServiceKey,
    Step,
    steps_between,
    table_of,
)
from kaltwisted.ports import VIRTUAL_SERVER, WEIGHT_OF_SERVER, Fact
from kaltwisted.testing.alerts import FakeMailer, FakeScripts
from kaltwisted.testing.lvs import FakeDataPlane
from tests.unit.test_lvs_pool import lines

ENTRIES = "10.0.0.1 80\n10.0.0.5-7 81\nfwmark 9\n"
ONE, TWO = (DestinationKey(ip_address(f"10.0.1.{last}"), 80) for last in (1, 2))


def configuration(entries: str = ENTRIES, more: str = "", protocols: str = "TCP") -> Configuration:
    """A group, and a virtual server of two real servers for each protocol."""
    servers = "".join(f"real_server {each.address} 80 {{\nTCP_CHECK {{\n}}\n}}\n" for each in (ONE, TWO))
    services = "".join(
        f"virtual_server group web {{\nlb_algo rr\nlb_kind NAT\nprotocol {each}\n{more}\n{servers}}}\n"
        for each in protocols.split()
    )
    reading = load_text(f"virtual_server_group web {{\n{entries}\n}}\n{services}", "x.conf")
    assert not reading.findings, reading.findings
    return reading.configuration


def virtual(entries: str = ENTRIES, more: str = "") -> VirtualServer:
    [found] = configuration(entries, more).virtual_servers
    return found


def names(services: tuple[Service, ...]) -> list[str]:
    return [str(each.key) for each in services]


def steps(before: Pool | tuple[Service, ...], after: Pool) -> list[Step]:
    was = before.services if isinstance(before, Pool) else before
    known = table_of(was)
    return list(steps_between(known, table_of(after.services), known))


class PoolTests(SynchronousTestCase):
    def test_each_address_and_mark_is_a_service_and_all_have_the_same_servers(self) -> None:
        pool = Pool(virtual())
        self.assertEqual(pool.key, GroupKey("web", pool.virtual_server.protocol))
        self.assertEqual(
            names(pool.services),
            ["[10.0.0.1]:tcp:80", "[10.0.0.5]:tcp:81", "[10.0.0.6]:tcp:81", "[10.0.0.7]:tcp:81", "FWM 9"],
        )
        before = pool.services
        self.assertIs(pool.services, before)
        self.assertEqual(lines(pool.failed(ONE, 0)), ["Removing service [10.0.1.1]:tcp:80 from VS [web]:0"])
        self.assertEqual([list(each.destinations) for each in pool.services], [[TWO]] * 5)
        self.assertEqual(len(steps(before, pool)), 5)

    def test_an_address_twice_in_a_group_is_one_service(self) -> None:
        self.assertEqual(len(service_keys(virtual("10.0.0.1 80\n10.0.0.1-3 80\n10.0.0.1 81"))), 4)

    def test_a_reload_adds_and_removes_services_and_lets_the_others_be(self) -> None:
        pool = Pool(virtual())
        pool.failed(ONE, 0)
        before = pool.services
        told = lines(pool.reconfigure(virtual("10.0.0.9 80\n10.0.0.5-8 81\n")))
        self.assertEqual(
            told,
            [
                "VS [[10.0.0.1]:tcp:80] in group web no longer exists",
                "VS [[10.0.0.5]:tcp:81-10.0.0.7] in group web no longer exists",
                "VS [FWM 9] in group web no longer exists",
                "VS [[10.0.0.9]:tcp:80] added into group web",
                "VS [[10.0.0.5]:tcp:81-10.0.0.8] added into group web",
            ],
        )
        made = steps(before, pool)
        self.assertEqual(
            [str(each.key) for each in made if isinstance(each, DeleteService)],
            ["[10.0.0.1]:tcp:80", "FWM 9"],
        )
        self.assertEqual(
            [str(each.service.key) for each in made if isinstance(each, AddService)],
            ["[10.0.0.9]:tcp:80", "[10.0.0.8]:tcp:81"],
        )
        self.assertEqual(
            [each.destination.key for each in made if isinstance(each, AddDestination)], [TWO, TWO]
        )
        self.assertEqual(len(made), 6)
        self.assertEqual(pool.reconfigure(virtual("10.0.0.9 80\n10.0.0.5-8 81\n")), [])

    @given(st.integers(0, 2**32 - 300), st.integers(1, 256), st.integers(1, 65535))
    def test_a_range_is_all_its_addresses(self, first: int, size: int, port: int) -> None:
        start, end = ip_address(first), ip_address(first + size)
        keys = service_keys(virtual(f"{start}-{end} {port}"))
        self.assertEqual(len(keys), size + 1)
        self.assertEqual((keys[0].address, keys[-1].address), (start, end))
        self.assertEqual({key.port for key in keys}, {port})

    def test_what_two_virtual_servers_name_has_the_servers_of_both(self) -> None:
        first, second = (Pool(each) for each in configuration(protocols="TCP UDP").virtual_servers)
        first.failed(ONE, 0)
        table = table_of((*first.services, *second.services))
        self.assertEqual(len(table), 9)
        shared = table[ServiceKey(False, fwmark=9)]
        self.assertEqual(set(shared.destinations), {ONE, TWO})
        self.assertEqual(shared.scheduler, "rr")


class ServiceTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock, self.plane, self.mailer = Clock(), FakeDataPlane(), FakeMailer()
        self.facts: list[Fact] = []

    def begin(self, *servers: VirtualServer) -> LvsService:
        alerts = Alerts(NotifyQueue(FakeScripts()), self.mailer)
        service = LvsService(servers, self.plane, alerts, self.clock, publish=self.facts.append)
        service.startService()
        self.successResultOf(service.begin())
        return service

    def test_one_verdict_changes_all_services(self) -> None:
        server = virtual(more="smtp_alert\nquorum 2")
        service = self.begin(server)
        key = pool_key(server)
        service.report(key, ONE, 0, up=False, summary="=> x <=")
        self.clock.advance(0)
        self.assertEqual([list(each.destinations) for each in self.plane.table.values()], [[TWO]] * 5)
        self.assertEqual(
            [mail.subject for mail in self.mailer.mails][-2:],
            ["Realserver [10.0.1.1]:tcp:80 of virtual server [web]:0 - DOWN", "Virtualserver [web]:0 - DOWN"],
        )
        service.checked(key)
        self.assertEqual(self.facts, [Fact(VIRTUAL_SERVER, "[web]:tcp:0", 0)])
        service.remove(key)
        self.clock.advance(0)
        self.assertEqual(self.plane.table, {})

    def test_what_an_earlier_life_left_is_adopted(self) -> None:
        server = virtual()
        pool = Pool(server)
        pool.failed(ONE, 0)
        self.plane.found = table_of(pool.services[1:])
        self.plane.ours = frozenset(self.plane.found)
        service = self.begin(server)
        self.assertFalse(service.pools[pool_key(server)].is_up(ONE, 0))
        self.assertEqual([list(each.destinations) for each in self.plane.table.values()], [[TWO]] * 5)

    def test_an_operator_s_weight_is_in_all_services(self) -> None:
        server = virtual()
        service = self.begin(server)
        name = ServerId.of(server).with_real(TWO.address, TWO.port)
        self.assertEqual(str(name), "tcp/group/web/10.0.1.2:80")
        service.steer(Fact(WEIGHT_OF_SERVER, str(name), 5))
        self.clock.advance(0)
        self.assertEqual({each.destinations[TWO].weight for each in self.plane.table.values()}, {5})


class ReportTests(SynchronousTestCase):
    def test_the_data_file_has_the_groups(self) -> None:
        whole = configuration(protocols="TCP UDP")
        pools = [Pool(each) for each in whole.virtual_servers]
        pools[0].failed(ONE, 0)
        told = list(data(whole.virtual_server_groups, pools, lambda _: "0:0"))
        self.assertEqual(
            told[1:9],
            [
                " ------< Virtual server group >------",
                " Virtual Server Group = web, IPv4 = yes, IPv6 = no",
                "   VIP = 10.0.0.1, VPORT = 80",
                "     Alive: 1 tcp, 2 udp, 0 sctp",
                "   VIP Range = 10.0.0.5-10.0.0.7, VPORT = 81",
                "     Alive: 1 tcp, 2 udp, 0 sctp",
                "   FWMARK = 9",
                "     Alive: 3 IPv4, 0 IPv6",
            ],
        )
        self.assertIn(" VS GROUP = [web]:1", told)

    def test_the_status_document_names_it(self) -> None:
        pools = [Pool(each) for each in configuration(protocols="TCP UDP").virtual_servers]
        [first, second] = json.loads("".join(status("fake", pools, lambda *_: ("", None), 0.0)))[
            "virtual_servers"
        ]
        self.assertEqual((first["id"], second["id"]), ("tcp/group/web", "udp/group/web"))
        self.assertEqual(
            first["group"],
            {"name": "web", "entries": ["10.0.0.1 80", "10.0.0.5-10.0.0.7 81", "fwmark 9"]},
        )
        self.assertEqual((first["address"], first["protocol"]), (None, "tcp"))
        self.assertEqual(first["real_servers"][0]["id"], "tcp/group/web/10.0.1.1:80")
