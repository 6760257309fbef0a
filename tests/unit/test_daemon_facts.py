"""Facts from one role to another: kept while roles come and go, told at once, with a socket and without."""

from __future__ import annotations

import os
from collections.abc import Iterator
from tempfile import TemporaryFile
from typing import Any

import attrs
from twisted.application.service import Service
from twisted.internet.defer import Deferred, succeed
from twisted.internet.error import ConnectionDone
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer
from zope.interface.verify import verifyObject

from kaltwisted.alerts.notify import nobody
from kaltwisted.config.diff import Changes
from kaltwisted.config.model import Configuration
from kaltwisted.daemon.child import _Control
from kaltwisted.daemon.role import commands
from kaltwisted.daemon.role.facts import Facts, Learn
from kaltwisted.daemon.role.kinds import CHECKERS
from kaltwisted.daemon.role.local import LocalRunner
from kaltwisted.daemon.role.main import Control
from kaltwisted.daemon.role.seam import IRole, Tell
from kaltwisted.daemon.settings import Settings
from kaltwisted.ports import Fact, Note, unnoted

UP, DOWN, UNKNOWN = (Fact("bfd", "far", value) for value in (1, 0, None))
BFD = frozenset({"bfd"})


class FactsTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.facts = Facts()
        self.heard: list[Fact] = []

    def test_every_change_is_told_once_and_in_order(self) -> None:
        self.facts.listen(BFD, self.heard.append)
        for fact in (UP, UP, DOWN, Fact("other", "far", 1), DOWN, UNKNOWN, UNKNOWN):
            self.facts.publish(fact)
        self.assertEqual(self.heard, [UP, DOWN, UNKNOWN])

    def test_who_comes_later_hears_the_latest_of_what_he_wants(self) -> None:
        for fact in (UP, DOWN, Fact("other", "far", 1), Fact("bfd", "near", 1)):
            self.facts.publish(fact)
        self.facts.listen(BFD, self.heard.append)
        self.assertEqual(self.heard, [DOWN, Fact("bfd", "near", 1)])

    def test_who_has_left_hears_no_more(self) -> None:
        leave = self.facts.listen(BFD, self.heard.append)
        leave()
        leave()
        self.facts.publish(UP)
        self.assertEqual(self.heard, [])

    def test_what_is_forgotten_is_unknown_to_all_and_to_who_comes_later(self) -> None:
        self.facts.listen(BFD, self.heard.append)
        self.facts.publish(UP)
        self.facts.publish(Fact("other", "far", 1))
        self.facts.forget(BFD)
        self.assertEqual(self.heard, [UP, UNKNOWN])
        later: list[Fact] = []
        self.facts.listen(BFD | {"other"}, later.append)
        self.assertEqual(later, [Fact("other", "far", 1)])

    def test_a_listener_that_fails_is_told_of_and_the_others_hear(self) -> None:
        def fail(_: Fact) -> None:
            raise RuntimeError("a defect")

        self.facts.listen(BFD, fail)
        self.facts.listen(BFD, self.heard.append)
        self.facts.publish(UP)
        self.assertEqual(self.heard, [UP])
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)


@implementer(IRole)
class Role(Service):
    """Remembers what it hears; ``publish`` is the runner's."""

    lateness = None

    def __init__(self, publish: Learn) -> None:
        self.publish = publish
        self.heard: list[Fact] = []
        self.heard_at_start: list[Fact] | None = None

    def startService(self) -> None:
        super().startService()
        self.heard_at_start = list(self.heard)

    def apply(self, changes: Changes) -> Deferred[None]:
        return succeed(None)

    def learn(self, fact: Fact) -> None:
        self.heard.append(fact)

    def let_go(self) -> None: ...

    def foresee(self, fact: Fact) -> str:
        return f"costs {fact.name}"

    def run_checks(self, target: str) -> Deferred[str]:
        return succeed(f'["{target}"]')

    def data(self) -> Iterator[str]:
        return iter(())

    def statistics(self) -> Iterator[str]:
        return iter(())

    def json(self, version: int) -> Iterator[str]:
        return iter(())

    def status(self) -> Iterator[str]:
        return iter(())

    def clear_statistics(self) -> None: ...


def kind(made: list[Role], *, tells: frozenset[str] = BFD, hears: frozenset[str] = frozenset()) -> Any:
    def make(_: Settings, __: Configuration, ___: Any, publish: Learn, ____: Tell, _____: Note) -> Role:
        made.append(Role(publish))
        return made[-1]

    return attrs.evolve(CHECKERS, tells=tells, hears=hears, make=make)


class LocalRunnerTests(SynchronousTestCase):
    """All roles in one process."""

    def test_one_role_publishes_and_another_hears_before_its_start_and_after(self) -> None:
        facts = Facts()
        roles: list[Role] = []
        teller = LocalRunner(kind(roles), Settings(), Clock(), facts, nobody, unnoted)
        hearing = kind(roles, tells=frozenset(), hears=BFD)
        hearer = LocalRunner(hearing, Settings(), Clock(), facts, nobody, unnoted)
        for runner in (teller, hearer):
            self.successResultOf(runner.prepare(Configuration()))
        verifyObject(IRole, roles[0])
        self.successResultOf(teller.start())
        roles[0].publish(UP)
        self.successResultOf(hearer.start())
        self.assertEqual(roles[1].heard_at_start, [UP])
        roles[0].publish(DOWN)
        self.successResultOf(teller.stop())
        self.successResultOf(hearer.stop())
        facts.publish(UP)
        self.assertEqual((roles[0].heard, roles[1].heard), ([], [UP, DOWN, UNKNOWN]))

    def test_what_a_fact_would_cost_and_checks_now_are_the_role_s_to_say(self) -> None:
        runner = LocalRunner(kind([]), Settings(), Clock(), Facts(), nobody, unnoted)
        self.assertEqual(self.successResultOf(runner.foresee(UP)), "")
        self.assertEqual(self.successResultOf(runner.run_checks("it")), b"")
        self.successResultOf(runner.prepare(Configuration()))
        self.assertEqual(self.successResultOf(runner.foresee(UP)), "costs far")
        self.assertEqual(self.successResultOf(runner.run_checks("it")), b'["it"]')


class SocketTests(SynchronousTestCase):
    """Both ends of a role's socket, connected by hand."""

    def connect(self, role_kind: Any) -> tuple[Control, _Control]:
        role_end, supervisor_end = Control(role_kind, Clock()), _Control()
        self.transports = [(role_end, StringTransport()), (supervisor_end, StringTransport())]
        for end, transport in self.transports:
            end.makeConnection(transport)
        return role_end, supervisor_end

    def pump(self) -> None:
        (one, out), (other, back) = self.transports
        while out.value() or back.value():
            data, more = out.value(), back.value()
            out.clear()
            back.clear()
            other.dataReceived(data)
            one.dataReceived(more)

    def test_a_role_that_is_told_to_end_from_two_sides_does_so_without_a_word(self) -> None:
        role_end, supervisor_end = self.connect(kind([]))
        over: Deferred[None] = Deferred()
        role_end._stopped = over
        supervisor_end.callRemote(commands.Stop).addErrback(lambda _: None)
        self.pump()
        role_end.shut_down()  # TERM, and with the reactor its connections end
        for end, _ in self.transports:
            end.connectionLost(Failure(ConnectionDone()))
        over.callback(None)
        self.assertEqual(role_end._ends_with, 0)
        self.assertEqual(self.flushLoggedErrors(), [])

    def test_a_roles_facts_come_out_in_the_supervisor(self) -> None:
        role_end, supervisor_end = self.connect(kind([]))
        heard: list[Fact] = []
        supervisor_end.heard = heard.append
        odd = Fact("bfd", "r\udcffle", -254)
        for fact in (UP, odd, UNKNOWN):
            role_end._facts.publish(fact)
        self.pump()
        self.assertEqual(heard, [UP, odd, UNKNOWN])

    def test_others_facts_come_out_in_the_role(self) -> None:
        role_end, supervisor_end = self.connect(kind([], tells=frozenset(), hears=BFD))
        heard: list[Fact] = []
        role_end._facts.listen(BFD, heard.append)
        answer = supervisor_end.callRemote(commands.Tell, **commands.Tell.of(UP))
        self.pump()
        self.successResultOf(answer)
        self.assertEqual(heard, [UP])

    def test_what_operators_ask_is_answered_over_the_socket(self) -> None:
        role_end, supervisor_end = self.connect(kind([]))
        runner = LocalRunner(kind([]), Settings(), Clock(), Facts(), nobody, unnoted)
        runner.prepare(Configuration())
        role_end._runner = runner
        answer = supervisor_end.callRemote(commands.Foresee, **commands.Tell.of(UP))
        self.pump()
        self.assertEqual(self.successResultOf(answer), {"words": "costs far"})
        with TemporaryFile() as file:
            self.successResultOf(Deferred.fromCoroutine(role_end._run_checks("it", os.dup(file.fileno()))))
            file.seek(0)
            self.assertEqual(file.read(), b'["it"]')

    def test_without_a_supervisor_a_role_publishes_to_nobody(self) -> None:
        role_end, _ = self.connect(kind([]))
        role_end._leaving = True
        role_end.connectionLost(Failure(ConnectionError()))
        role_end._facts.publish(UP)
