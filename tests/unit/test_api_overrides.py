"""The overrides of a daemon: kept before they are told, listed, given back; over HTTP's table."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred, execute, maybeDeferred, succeed
from twisted.logger import capturedLogs, formatEvent
from twisted.trial.unittest import SynchronousTestCase

from kaltwisted.api import control
from kaltwisted.api.access import Access, Role
from kaltwisted.api.exchange import Asked, RefusalError
from kaltwisted.api.overrides import MOST, TOLD_AT_START, Overrides, Surroundings
from kaltwisted.api.routes import Routes
from kaltwisted.config.model import Configuration, VrrpInstance
from kaltwisted.daemon.role.facts import Facts
from kaltwisted.ports import Fact, ServiceState, StateChange
from tests.unit.test_api_targets import CONFIGURATION

SERVER = "tcp/192.0.2.1:80/10.0.0.1:80"
DRAINED = Fact("service_of_server", SERVER, ServiceState.DRAINED)
PATH = "/api/v1/overrides"


class StoreTests(SynchronousTestCase):
    def setUp(self) -> None:
        directory = Path(self.mktemp())
        directory.mkdir()
        self.path: Path | None = directory / "overrides.json"
        self.configuration = CONFIGURATION
        self.cost = ""
        self.foreseen: list[Fact] = []
        self.found = b"[]"
        self.begin()

    def begin(self) -> None:
        """A life of the daemon."""
        self.told: list[Fact] = []
        self.noted: list[StateChange] = []
        facts = Facts()
        kinds = {"service_of_server", "weight_of_server", "checks_paused", "election_of_instance"}
        facts.listen(frozenset(kinds), self.told.append)
        self.overrides = Overrides(
            self.path,
            Surroundings(
                lambda: self.configuration,
                facts.publish,
                self.foresee,
                lambda target: succeed(self.found and json.dumps([target]).encode()),
                self.in_thread,
                lambda: 1000.0,
                self.noted.append,
            ),
        )
        self.overrides.begin()
        self.routes = Routes()
        control.add(self.routes, self.overrides)

    def foresee(self, fact: Fact) -> Deferred[str]:
        self.foreseen.append(fact)
        return succeed(self.cost)

    def in_thread(self, call: Callable[[], Any]) -> Deferred[Any]:
        return execute(call)

    def ask(self, method: str, path: str = PATH, body: object = None, **query: str) -> Deferred[Any]:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        asked = Asked(method, path, Access(Role.CONTROL, "root (uid 0)"), query, body=data)
        return maybeDeferred(lambda: self.routes.find(asked).handler(asked))

    def answer(self, method: str, path: str = PATH, body: object = None, **query: str) -> Any:
        return json.loads(self.successResultOf(self.ask(method, path, body, **query)).body)

    def put(self, target: str, action: str, **more: object) -> Any:
        return self.answer("PUT", body={"target": target, "action": action, **more})

    def refusal(self, method: str, path: str = PATH, body: object = None, **query: str) -> tuple[int, str]:
        error = self.failureResultOf(self.ask(method, path, body, **query), RefusalError).value
        self.assertTrue(error.remedy)
        return error.status, str(error)

    def listed(self) -> list[tuple[str, str]]:
        return [(each["target"], each["action"]) for each in self.answer("GET")["overrides"]]

    # -- changes ----------------------------------------------------------------------------

    def test_one_is_kept_told_logged_and_listed(self) -> None:
        with capturedLogs() as logs:
            answer = self.put("10.0.0.1:80", "drain", reason="new disk")
        override = {
            "kind": "real_server",
            "target": SERVER,
            "action": "drain",
            "value": None,
            "by": "root (uid 0)",
            "at": 1000.0,
            "reason": "new disk",
        }
        self.assertEqual(answer, {"overrides": [override]})
        self.assertEqual(self.told, [DRAINED])
        self.assertEqual(
            [formatEvent(event) for event in logs],
            [f"Override: root (uid 0) drains {SERVER}: new disk"],
        )
        self.assertEqual(self.answer("GET"), {"overrides": [{**override, "configured": True}]})

    def test_of_one_aspect_there_is_one(self) -> None:
        self.put(SERVER, "drain")
        self.put(SERVER, "weight", value=9)
        self.put(SERVER, "disable")
        self.put(SERVER, "pause")
        self.assertEqual(self.listed(), [(SERVER, "weight"), (SERVER, "disable"), (SERVER, "pause")])
        self.put(SERVER, "enable")
        self.put(SERVER, "unweight")
        self.assertEqual(self.listed(), [(SERVER, "pause")])
        kinds = (DRAINED.kind, "weight_of_server")
        self.assertEqual(self.told[-2:], [Fact(kind, SERVER, None) for kind in kinds])
        who = "root (uid 0)"
        self.assertEqual(
            self.noted,
            [
                StateChange("override", SERVER, before, after, who)
                for before, after in (
                    (None, "drain"),
                    (None, "weight 9"),
                    ("drain", "disable"),
                    (None, "pause"),
                    ("disable", "none"),
                    ("weight 9", "none"),
                )
            ],
        )

    def test_it_outlives_the_daemon_and_is_told_before_the_roles_start(self) -> None:
        self.put(SERVER, "drain", reason="new disk")
        self.put("VI_1", "yield")
        with capturedLogs() as logs:
            self.begin()
        self.assertEqual(self.told, [DRAINED, Fact("election_of_instance", "VI_1", 0)])
        self.assertEqual(
            [formatEvent(event) for event in logs],
            [
                f"Override: kept from before: root (uid 0) drains {SERVER}: new disk",
                "Override: kept from before: root (uid 0) has VI_1 yield",
            ],
        )
        self.answer("DELETE", target="VI_1")
        self.begin()
        self.assertEqual(self.told, [DRAINED])

    def test_of_many_a_few_are_told_in_the_log(self) -> None:
        names = [f"V{number}" for number in range(TOLD_AT_START + 3)]
        self.configuration = Configuration(vrrp_instances=tuple(map(VrrpInstance, names)))
        for name in names:
            self.put(name, "yield")
        with capturedLogs() as logs:
            self.begin()
        self.assertEqual(len(logs), TOLD_AT_START + 1)
        self.assertEqual(formatEvent(logs[-1]), "Override: 3 more are kept from before")

    def test_all_of_a_target_is_given_back_at_once_or_one_aspect(self) -> None:
        for action in ("drain", "pause"):
            self.put(SERVER, action)
        gone = self.answer("DELETE", target="10.0.0.1:80", aspect="checks")["removed"]
        self.assertEqual([each["action"] for each in gone], ["pause"])
        self.put(SERVER, "pause")
        with capturedLogs() as logs:
            self.put("10.0.0.1", "release", reason="done")
        self.assertEqual(self.listed(), [])
        self.assertEqual(
            [formatEvent(event) for event in logs],
            [
                f"Override: root (uid 0) takes back {action} of {SERVER}: done"
                for action in ("drain", "pause")
            ],
        )

    def test_one_whose_target_is_gone_stays_and_can_be_given_back(self) -> None:
        self.put(SERVER, "drain")
        self.configuration = Configuration()
        self.assertEqual([each["configured"] for each in self.answer("GET")["overrides"]], [False])
        self.assertEqual(len(self.told), 1)
        self.put("10.0.0.1:80", "enable")
        self.assertEqual(self.listed(), [])

    # -- what is refused ----------------------------------------------------------------------

    def test_what_would_cost_a_quorum_is_refused_unless_it_is_forced(self) -> None:
        self.cost = "weight 0 is left, quorum is 1"
        for body in (
            {"target": SERVER, "action": "disable"},
            {"target": SERVER, "action": "weight", "value": 0},
        ):
            status, words = self.refusal("PUT", body=body)
            self.assertEqual(status, 409)
            self.assertEqual(words, f"without {SERVER} its pool has no quorum: {self.cost}")
        self.assertEqual((self.listed(), self.told), ([], []))
        self.assertEqual(self.foreseen[0], Fact(DRAINED.kind, SERVER, ServiceState.DISABLED))
        self.put(SERVER, "drain", force=True)
        self.put(SERVER, "pause")
        self.put("VI_1", "yield")
        self.assertEqual(len(self.listed()), 3)

    def test_what_cannot_be_kept_is_not_done(self) -> None:
        assert self.path is not None
        self.put(SERVER, "drain")
        self.path.unlink()
        self.path.mkdir()
        status, words = self.refusal("PUT", body={"target": SERVER, "action": "weight", "value": 1})
        self.assertEqual((status, words), (503, f"it cannot be kept: {self.path}: Is a directory"))
        self.assertEqual(self.refusal("DELETE", target=SERVER)[0], 503)
        self.assertEqual((self.listed(), self.told), ([(SERVER, "drain")], [DRAINED]))

    def test_without_a_place_to_keep_them_there_are_none(self) -> None:
        self.path = None
        self.begin()
        self.assertEqual(self.refusal("PUT", body={"target": SERVER, "action": "drain"})[0], 503)
        self.assertEqual((self.listed(), self.told), ([], []))

    def test_a_broken_file_is_one_line_and_no_reason_not_to_start(self) -> None:
        assert self.path is not None
        self.path.write_text("{")
        with capturedLogs() as logs:
            self.begin()
        (event,) = logs
        self.assertTrue(formatEvent(event).startswith(f"Override: {self.path} is no file of overrides"))
        self.put(SERVER, "drain")
        self.assertEqual(self.listed(), [(SERVER, "drain")])

    def test_wrong_requests_change_nothing(self) -> None:
        for method, body, query, expected in (
            ("PUT", b"{", {}, (400, "the body is no JSON")),
            (
                "PUT",
                {"target": "10.9.9.9", "action": "drain"},
                {},
                (404, "10.9.9.9 is no target for this action"),
            ),
            ("PUT", {"target": "VI_1", "action": "drain"}, {}, (404, "VI_1 is no target for this action")),
            (
                "PUT",
                {"target": SERVER, "action": "enable"},
                {},
                (404, f"no service is overridden of {SERVER}"),
            ),
            ("DELETE", None, {}, (400, "target is missing")),
            ("DELETE", None, {"target": "x"}, (404, "nothing is overridden of x")),
            ("DELETE", None, {"target": "x", "aspect": "y"}, (400, "aspect is none that there is")),
        ):
            self.assertEqual(self.refusal(method, body=body, **query), expected)
        self.assertEqual((self.listed(), self.told), ([], []))

    def test_several_that_could_be_meant_are_told(self) -> None:
        self.put(SERVER, "drain")
        self.put("10.0.0.1:53", "drain")
        self.assertEqual(
            self.refusal("DELETE", target="10.0.0.1"), (409, "10.0.0.1 is the name of 2 targets")
        )

    def test_there_is_a_limit(self) -> None:
        many = {number: object() for number in range(MOST)}
        self.overrides._known = many  # type: ignore[assignment]
        self.assertEqual(
            self.refusal("PUT", body={"target": SERVER, "action": "drain"}),
            (409, f"there are {MOST} overrides already"),
        )

    # -- in the meantime ----------------------------------------------------------------------

    def test_two_at_once_are_done_one_after_the_other(self) -> None:
        waiting: list[tuple[Callable[[], Any], Deferred[Any]]] = []

        def later(call: Callable[[], Any]) -> Deferred[Any]:
            waiting.append((call, Deferred()))
            return waiting[-1][1]

        def one_more() -> None:
            call, done = waiting.pop(0)
            done.callback(call())

        self.in_thread = later  # type: ignore[method-assign]
        self.begin()
        first = self.ask("PUT", body={"target": SERVER, "action": "drain"})
        second = self.ask("PUT", body={"target": SERVER, "action": "weight", "value": 3})
        one_more()
        one_more()
        self.assertEqual(len(waiting), 1)
        self.assertEqual(self.told, [])
        one_more()
        self.successResultOf(first)
        self.assertEqual(self.told, [DRAINED])
        one_more()
        self.successResultOf(second)
        assert self.path is not None
        self.assertEqual(len(json.loads(self.path.read_text())["overrides"]), 2)

    # -- checks -------------------------------------------------------------------------------

    def test_checks_run_now(self) -> None:
        with capturedLogs() as logs:
            answer = self.answer("POST", "/api/v1/checks/run", {"target": "10.0.0.1:80"})
        self.assertEqual(answer, {"checks": [SERVER]})
        self.assertEqual(
            [formatEvent(event) for event in logs], [f"Checks of {SERVER} run now, as root (uid 0) asks"]
        )

    def test_where_nobody_runs_them(self) -> None:
        self.found = b""
        body = {"target": SERVER}
        self.assertEqual(self.refusal("POST", "/api/v1/checks/run", body), (503, "the checkers do not run"))
        for wrong in ({}, [], {"target": 7}, {"target": ""}):
            self.assertEqual(self.refusal("POST", "/api/v1/checks/run", wrong), (400, "target is missing"))

    def test_who_may_only_read_may_see_them(self) -> None:
        for method, path in (("PUT", PATH), ("DELETE", PATH), ("POST", "/api/v1/checks/run")):
            asked = Asked(method, path, Access(Role.READ, "token"))
            self.assertEqual(self.assertRaises(RefusalError, self.routes.find, asked).status, 403)
        self.routes.find(Asked("GET", PATH, Access(Role.READ, "token")))

    def test_the_status_has_them(self) -> None:
        self.assertEqual(self.successResultOf(Deferred.fromCoroutine(self.overrides.text())), b"[]")
        self.put(SERVER, "drain")
        (told,) = json.loads(self.successResultOf(Deferred.fromCoroutine(self.overrides.text())))
        self.assertEqual((told["target"], told["configured"]), (SERVER, True))
