"""api.explain: why, in sentences."""

from __future__ import annotations

import json
from typing import Any

from twisted.internet.defer import Deferred, execute, succeed
from twisted.trial.unittest import SynchronousTestCase

from kaltwisted.api import explaining
from kaltwisted.api.access import Access, Role
from kaltwisted.api.exchange import Asked, RefusalError
from kaltwisted.api.explain import UnknownNameError, explain, span
from kaltwisted.api.routes import Routes
from kaltwisted.ports import Part
from tests.unit.status_documents import document, instance, real_server, virtual_server


def of_instance(**fields: Any) -> list[str]:
    whole = document()
    whole["vrrp"]["instances"] = [instance(**fields)]
    (found,) = explain(whole, "one")
    return list(found.sentences)


def told(name: str, **changes: Any) -> str:
    whole = document()
    whole["checkers"]["virtual_servers"][0].update(changes)
    return "\n".join(sentence for found in explain(whole, name) for sentence in found.sentences)


class InstanceTests(SynchronousTestCase):
    def assert_said(self, words: str, **fields: Any) -> None:
        said = of_instance(**fields)
        self.assertTrue([each for each in said if words in each], said)

    def test_why_a_backup_is_no_master(self) -> None:
        self.assertEqual(
            of_instance(),
            [
                "one is BACKUP for 1 min.",
                "The master is 10.0.0.1 with priority 150, and ours is 100: the higher one is master.",
                "If the master is not heard for 3.1 s more (3.60 s in all), it takes over.",
                "Its priority is 100, as configured.",
            ],
        )
        master = {"address": "10.0.0.1", "priority": 100}
        self.assert_said("the same as ours", master=master)
        self.assert_said("nopreempt is set", master=master | {"priority": 50}, preempt=False)
        self.assert_said("lower than our 100.", master=master | {"priority": 50})
        self.assert_said("It has heard no master yet.", master=None)
        self.assert_said("in 12.0 s (preempt_delay)", next={"what": "preempt", "in_s": 12.0})

    def test_a_master(self) -> None:
        address = {"address": "192.0.2.1/24", "interface": "eth0", "set": True}
        fields = {"state": "MASTER", "master": None, "next": {"what": "advert", "in_s": 0.5}}
        self.assert_said("It holds 192.0.2.1/24 on eth0.", addresses=[address], **fields)
        self.assert_said("It has not set 192.0.2.1/24", addresses=[address | {"set": False}], **fields)
        self.assert_said("Beware, split brain: 10.0.0.1 is", split_brain="split brain: 10.0.0.1 is", **fields)

    def test_a_fault_and_a_start(self) -> None:
        nothing = {"what": None, "in_s": None}
        self.assert_said("interface eth0 down", state="FAULT", faults=["interface eth0 down"], next=nothing)
        self.assert_said(
            "waits for the first result of script chk",
            state="INIT",
            waits_for=["script chk"],
            next=nothing,
            master=None,
        )
        self.assert_said("It has not begun.", state="INIT", next=nothing)

    def test_what_the_priority_is_made_of(self) -> None:
        reason = {"kind": "script", "name": "chk", "value": 1, "points": 60, "words": "script chk is good"}
        self.assert_said("from 200 as configured and: script chk", base_priority=200, reasons=[reason])
        self.assert_said("That makes 260", base_priority=200, priority=254, reasons=[reason])

    def test_the_group_and_dropped_packets(self) -> None:
        self.assert_said("together with two, by sync group G", group="G")
        counters = instance()["counters"] | {"packet_errors": {"auth_mismatch": 3}}
        self.assert_said("dropped packets: 3 for auth mismatch", counters=counters)


class ServerTests(SynchronousTestCase):
    def test_why_a_server_is_not_in_the_pool(self) -> None:
        words = told("10.0.0.2")
        self.assertIn("tcp/192.0.2.1:80/10.0.0.2:80 is down for 30 s, and gets no new clients.", words)
        self.assertIn("Overridden by root, 10 min ago: drain: new disk.", words)
        self.assertIn("Why: TCP_CHECK 10.0.0.2:80: timeout.", words)
        self.assertIn("TCP_CHECK 10.0.0.1:80 is bad: timeout after 1.2 ms, 2.0 s ago; next in 4.0 s.", words)

    def test_by_many_names(self) -> None:
        for name in ("tcp/192.0.2.1:80/10.0.0.1:80", "10.0.0.1:80", "10.0.0.1"):
            self.assertIn("is alive", told(name))
        for name in ("tcp/192.0.2.1:80", "[192.0.2.1]:tcp:80", "192.0.2.1:80", "192.0.2.1"):
            self.assertIn("1 of 2 servers are in the pool.", told(name))

    def test_quorum_and_the_sorry_server(self) -> None:
        sorry = {"address": "10.0.0.9", "port": 81, "in_use": True}
        words = told("192.0.2.1", quorum_up=False, quorum=2, hysteresis=1, sorry_server=sorry)
        self.assertIn("weigh 1 together; quorum is gained at 3.", words)
        self.assertIn("The sorry server 10.0.0.9:81 gets all clients.", words)

    def test_weights_and_no_check(self) -> None:
        server = real_server("10.0.0.1", True, None) | {"weight": 5}
        words = told("10.0.0.1", real_servers=[server])
        self.assertIn("Its weight is 1, where 5 is configured.", words)
        self.assertIn("It has no check", words)


class OtherTests(SynchronousTestCase):
    def test_the_rest(self) -> None:
        self.assertIn("Script chk is bad.", told("chk"))
        self.assertIn("far with 10.0.0.9 is Up for 1 h.", told("far"))
        self.assertIn("It was started again twice", told("vrrp"))
        self.assertIn("Its members are one and two", told("G"))

    def test_names_that_nothing_has(self) -> None:
        with self.assertRaises(UnknownNameError) as caught:
            told("10.0.0.")
        self.assertIn("tcp/192.0.2.1:80/10.0.0.1:80", caught.exception.near)

    def test_an_empty_document(self) -> None:
        whole = document() | {"vrrp": None, "checkers": None, "bfd": None}
        with self.assertRaises(UnknownNameError):
            explain(whole, "one")

    def test_spans(self) -> None:
        spans = {0.04: "0.0 s", 59.9: "59 s", 60: "1 min", 200: "3 min 20 s", 3600: "1 h", 100_000: "1 d 3 h"}
        self.assertEqual({each: span(each) for each in spans}, spans)
        self.assertEqual(span(-3), "0.0 s")


class ServingTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.routes = Routes()
        explaining.add(self.routes, self, execute)  # type: ignore[arg-type]

    def status(self, parts: frozenset[Part]) -> Deferred[bytes]:
        whole = document()
        services = [virtual_server(), virtual_server(id="tcp/192.0.2.2:80", address="192.0.2.2")]
        whole["checkers"]["virtual_servers"] = services
        return succeed(json.dumps(whole, separators=(",", ":")).encode())

    def ask(self, **query: str) -> Any:
        asked = Asked("GET", "/api/v1/explain", Access(Role.READ, "somebody"), query)
        return self.routes.find(asked).handler(asked)

    def test_an_explanation(self) -> None:
        (found,) = json.loads(self.successResultOf(self.ask(name="192.0.2.2")).body)
        self.assertEqual((found["name"], found["kind"]), ("tcp/192.0.2.2:80", "virtual_server"))

    def test_none(self) -> None:
        failure = self.failureResultOf(self.ask(name="onee"), RefusalError)
        self.assertEqual((failure.value.status, failure.value.remedy), (404, "did you mean one?"))
        with self.assertRaises(RefusalError):
            self.ask()

    def test_a_text_read_in_pieces_is_the_document(self) -> None:
        for services in ([], [virtual_server()], [virtual_server(), virtual_server()]):
            whole = document()
            whole["checkers"]["virtual_servers"] = services
            text = json.dumps(whole, separators=(",", ":"))
            self.assertEqual(explaining.read(text), whole)
        self.assertEqual(explaining.read('{"checkers":null}'), {"checkers": None})
