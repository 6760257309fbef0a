"""api.events: what is kept, who is told, and what clients get; and the way of changes from roles."""

from __future__ import annotations

import json
from typing import Any

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from kaltwisted.api import events
from kaltwisted.api.access import Access, Role
from kaltwisted.api.events import KEPT, EventLog
from kaltwisted.api.exchange import Answer, Asked, RefusalError
from kaltwisted.api.routes import Routes
from kaltwisted.daemon.role import notes
from kaltwisted.ports import Event, IEvents, StateChange

UP = StateChange("real_server", "tcp/192.0.2.1:80/10.0.0.1:80", "down", "up", "success")


class EventLogTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.now = 1_000.5
        self.log = EventLog(lambda: self.now)
        self.first = self.log.last

    def test_an_event_says_what_when_and_whose(self) -> None:
        verifyObject(IEvents, self.log)
        self.log.note("checkers", UP)
        self.log.note("vrrp", UP, 900.25)
        found, missed = self.log.after(0)
        self.assertEqual(
            json.loads(found[0].text),
            {
                "id": self.first + 1,
                "at": 1000.5,
                "role": "checkers",
                "kind": "real_server",
                "name": "tcp/192.0.2.1:80/10.0.0.1:80",
                "from": "down",
                "to": "up",
                "why": "success",
            },
        )
        self.assertEqual((json.loads(found[1].text)["at"], missed), (900.25, False))
        self.assertEqual(len(self.log.after(self.first + 1)[0]), 1)

    def test_so_many_are_kept_and_who_missed_some_hears_that(self) -> None:
        for _ in range(KEPT + 10):
            self.log.note("checkers", UP)
        found, missed = self.log.after(self.first)
        self.assertEqual((len(found), missed), (KEPT, True))
        self.assertTrue(self.log.after(self.first + 9)[1])
        self.assertFalse(self.log.after(self.first + 10)[1])

    def test_ids_of_a_later_daemon_are_higher(self) -> None:
        for _ in range(100):
            self.log.note("checkers", UP)
        self.assertGreater(EventLog(lambda: self.now + 2).last, self.log.last)

    def test_listeners_hear_until_they_leave_and_a_broken_one_harms_nobody(self) -> None:
        heard: list[Event] = []

        def broken(_: Event) -> None:
            raise RuntimeError("a defect")

        self.log.listen(broken)
        leave = self.log.listen(heard.append)
        self.log.note("vrrp", UP)
        leave()
        leave()
        self.log.note("vrrp", UP)
        self.assertEqual(len(heard), 1)
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 2)

    def test_a_reason_has_its_bounds(self) -> None:
        self.log.note("vrrp", StateChange("instance", "one", None, "FAULT", "x" * 10_000))
        self.assertLess(len(self.log.after(0)[0][0].text), 1000)


class ServingTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.events = EventLog(Clock().seconds)
        self.events.note("checkers", UP)
        self.routes = Routes()
        events.add(self.routes, self)  # type: ignore[arg-type]

    def ask(self, query: dict[str, str], **headers: str) -> Answer:
        asked = Asked("GET", "/api/v1/events", Access(Role.READ, "somebody"), query, headers)
        answer = self.routes.find(asked).handler(asked)
        assert isinstance(answer, Answer)
        return answer

    def test_a_list(self) -> None:
        body: Any = json.loads(self.ask({}, accept="application/json").body)
        self.assertEqual([event["to"] for event in body["events"]], ["up"])
        self.assertEqual((body["last"], body["missed"]), (self.events.last, False))
        body = json.loads(self.ask({"after": str(body["last"])}, accept="application/json").body)
        self.assertEqual(body["events"], [])

    def test_a_stream_from_now_on_or_from_an_event_on(self) -> None:
        answer = self.ask({})
        self.assertEqual((answer.content_type, answer.body), ("text/event-stream", b"retry: 2000\n\n"))
        sent: list[bytes] = []
        assert answer.stream is not None
        leave = answer.stream(sent.append)
        self.events.note("vrrp", StateChange("instance", "one", "BACKUP", "MASTER"))
        leave()
        (lines,) = [each.decode().splitlines() for each in sent]
        self.assertEqual(lines[:2], [f"id: {self.events.last}", "event: instance"])
        self.assertEqual(json.loads(lines[2].removeprefix("data: "))["to"], "MASTER")
        again = self.ask({}, **{"last-event-id": str(self.events.last - 1)})
        self.assertEqual(again.body.count(b"data: "), 1)

    def test_what_is_no_id_is_refused(self) -> None:
        for word in ("", "-1", "x", "1" * 30, "²"):
            with self.assertRaises(RefusalError):
                self.ask({"after": word})


class NoteTests(SynchronousTestCase):
    def test_changes_go_as_lines_and_come_back(self) -> None:
        change = StateChange("instance", "o\nne \udcff", None, "FAULT", "interface eth0 down")
        text = notes.line(UP, 1.25) + notes.line(change, 2.0)
        self.assertEqual(text.count("\n"), 2)
        self.assertEqual(list(notes.changes(text)), [(1.25, UP), (2.0, change)])
