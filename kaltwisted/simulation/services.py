"""What a simulated director asks of others: checks of real servers, scripts, mail, the data plane."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from enum import Enum
from errno import ECONNREFUSED, EHOSTUNREACH
from functools import partial
from typing import Any, Final

import attrs
from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IDelayedCall
from zope.interface import implementer

from kaltwisted.config.model import (
    SECOND_US,
    Address,
    BfdCheck,
    Check,
    Configuration,
    DnsCheck,
    FileCheck,
    GlobalDefs,
    HttpCheck,
    MiscCheck,
    PingCheck,
    RealServer,
    Script,
    SmtpCheck,
    TcpCheck,
    UdpCheck,
    VrrpScript,
)
from kaltwisted.healthcheck import bfd, dns, file, misc, ping, udp
from kaltwisted.healthcheck.ends import os_error
from kaltwisted.healthcheck.exchange import Asking
from kaltwisted.healthcheck.known import Known
from kaltwisted.healthcheck.outcome import Outcome
from kaltwisted.lvs.table import Applied, Service, ServiceKey, Table
from kaltwisted.ports import ICheck, IDataPlane, IMailer, IScripts, Mail, ScriptResult
from kaltwisted.simulation.clock import LifeClock
from kaltwisted.vrrp.actions import Notify
from kaltwisted.vrrp.notifier import Notifier

Place = tuple[Address, int]
"""A real server's address and port."""

NEIGHBOUR_SOUGHT_S: Final = 3.0
"""How long Linux asks for the MAC of a host in its network before it says that there is none."""

_GOOD = ScriptResult(status=0)
_BAD = ScriptResult(status=1)


class Answer(Enum):
    """What comes back from a real server."""

    NONE = "nothing: it is dead, or cannot be reached"
    REFUSAL = "the machine is there, and nobody listens"
    GOOD = "what was asked for"


@attrs.define
class RealServers:
    """The real servers, as far as they are ill: whole machines, and single ports."""

    dead: set[Address] = attrs.field(factory=set)
    closed: set[Place] = attrs.field(factory=set)

    def turn(self, address: Address, port: int | None, alive: bool) -> None:
        """A machine dies or returns; with a port only who listens there."""
        if port is None:
            self.dead = self.dead - {address} if alive else self.dead | {address}
        else:
            self.closed = self.closed - {(address, port)} if alive else self.closed | {(address, port)}

    def answer(self, place: Place, reaches: Callable[[Address], bool]) -> Answer:
        """What who ``reaches`` this far gets from there."""
        if place[0] in self.dead or not reaches(place[0]):
            return Answer.NONE
        return Answer.REFUSAL if place in self.closed else Answer.GOOD


def simulated_check(
    check: Check,
    server: RealServer,
    servers: RealServers,
    reaches: Callable[[Address], bool],
    life: LifeClock,
    known: Known,
) -> ICheck:
    """The check of a real server: good while the server lives and can be reached, or as ``known`` says."""
    if isinstance(check, BfdCheck):
        return bfd.BfdCheck(check, known)
    if isinstance(check, FileCheck):
        return file.FileCheck(check, server, known)
    if isinstance(check, MiscCheck):
        place = server.address, server.port
        return misc.MiscCheck(check, _CheckScripts(lambda: servers.answer(place, reaches) is Answer.GOOD))
    place = check.connection.ip, check.connection.port
    asked = partial(servers.answer, place, reaches)
    match check:
        case DnsCheck():
            return dns.DnsCheck(check, _Datagrams(asked, _no_error, life), life)
        case UdpCheck():
            return udp.UdpCheck(check, _Datagrams(asked, partial(_wanted, check), life), life)
        case PingCheck():
            return ping.PingCheck(check, _Datagrams(asked, _echo, life, hears_errors=False), life)
    return SimulatedCheck(check, asked, life)


@implementer(ICheck)
class SimulatedCheck:
    """Any check that connects.  A dead server answers nothing, a closed port refuses."""

    def __init__(
        self, check: TcpCheck | HttpCheck | SmtpCheck, asked: Callable[[], Answer], life: LifeClock
    ) -> None:
        self._connection = check.connection
        self._asked = asked
        self._life = life
        words = ("timeout", "failed") if isinstance(check, TcpCheck) else ("Timeout connecting",) * 2
        if isinstance(check, SmtpCheck):
            words = "Connection timeout to", "Could not connect to"
        self._silent = Outcome(False, words[0], detail="timeout connecting")
        self._refused = Outcome(False, words[1], detail="Connection refused")

    def run(self) -> Deferred[Outcome]:
        """One attempt (ICheck)."""
        answer = self._asked()
        if answer is Answer.NONE:
            attempt: Deferred[Outcome] = Deferred(lambda _: timeout.cancel())
            timeout_s = self._connection.timeout_us / SECOND_US
            timeout = self._life.callLater(timeout_s, attempt.callback, self._silent)
            return attempt
        return succeed(self._refused if answer is Answer.REFUSAL else Outcome(True))

    def describe(self) -> str:
        """As ICheck asks."""
        return f"{self._connection.ip} {self._connection.port}"


class _Datagrams:
    """Sends questions to one server (``healthcheck.exchange.Ask``), whose ``reply`` is as it should be.

    ``hears_errors``: of ICMP; the socket of pings, which many share, does not.
    """

    def __init__(
        self,
        asked: Callable[[], Answer],
        reply: Callable[[bytes], bytes | None],
        life: LifeClock,
        *,
        hears_errors: bool = True,
    ) -> None:
        self._asked = asked
        self._reply = reply
        self._life = life
        self._hears_errors = hears_errors

    def __call__(self, question: bytes, asking: Asking) -> _Exchange:
        """Send one."""
        later, answer = self._life.callLater, self._asked()
        if answer is Answer.NONE:
            unreachable = NEIGHBOUR_SOUGHT_S, asking.failed, os_error(EHOSTUNREACH)
            return _Exchange(later(*unreachable) if self._hears_errors else None)
        if answer is Answer.REFUSAL and self._hears_errors:
            return _Exchange(later(0, asking.failed, os_error(ECONNREFUSED)))
        reply = self._reply(question)
        return _Exchange(None if reply is None else later(0, asking.heard, reply))


class _Exchange:
    """A question and what will come back."""

    def __init__(self, coming: IDelayedCall | None) -> None:
        self._coming = coming

    def close(self) -> None:
        """Hear no more."""
        if self._coming is not None and self._coming.active():
            self._coming.cancel()


def _wanted(check: UdpCheck, _payload: bytes) -> bytes | None:
    """The reply that the check requires; who requires none gets none."""
    if check.require_reply is None:
        return None
    return check.require_reply.value.ljust(check.min_reply_length, b"\0")


def _no_error(query: bytes) -> bytes:
    """A header with the query's ident that says: an answer, and no error."""
    return query[:2] + b"\x80" + bytes(9)


def _echo(question: bytes) -> bytes:
    return question


@implementer(IScripts)
class _CheckScripts:
    def __init__(self, good: Callable[[], bool]) -> None:
        self._good = good

    def run(
        self, script: Script, timeout_us: int | None = None, arguments: tuple[str, ...] = ()
    ) -> Deferred[ScriptResult]:
        """End at once."""
        return succeed(_GOOD if self._good() else _BAD)


@implementer(IScripts)
class TrackedScripts:
    """The ``vrrp_script``s of a machine: each is good until a scenario makes it fail."""

    def __init__(self, definitions: Iterable[VrrpScript]) -> None:
        # Two may be the same command, so what tells them apart is which of the model's values is run.
        self._names = {id(each.script): each.name for each in definitions}
        self.failing: set[str] = set()

    def run(
        self, script: Script, timeout_us: int | None = None, arguments: tuple[str, ...] = ()
    ) -> Deferred[ScriptResult]:
        """End at once."""
        return succeed(_BAD if self._names.get(id(script)) in self.failing else _GOOD)


@implementer(IScripts)
class NotifyScripts:
    """Tells which notify scripts would run; each ends at once, well."""

    def __init__(self, ran: Callable[[str], object]) -> None:
        self._ran = ran

    def run(
        self, script: Script, timeout_us: int | None = None, arguments: tuple[str, ...] = ()
    ) -> Deferred[ScriptResult]:
        """Tell."""
        self._ran(" ".join((*script.argv, *arguments)))
        return succeed(_GOOD)


class ToldNotifier(Notifier):
    """Writes every change of state into the history, too."""

    def __init__(self, told: Callable[[Notify], object], configuration: Configuration, *others: Any) -> None:
        super().__init__(configuration, *others)
        self._told = told

    def tell(self, notify: Notify) -> None:
        self._told(notify)
        super().tell(notify)


@implementer(IMailer)
class SimulatedMailer:
    """Tells which mails would go out: none where the configuration names no server or recipient."""

    def __init__(self, defs: GlobalDefs, host_name: str, mailed: Callable[[Mail], object]) -> None:
        self._sends = defs.smtp_server is not None and bool(defs.notification_email)
        self._router_id = defs.router_id or host_name
        self._mailed = mailed

    def send(self, mail: Mail) -> Deferred[bool]:
        """Tell."""
        if self._sends:
            self._mailed(Mail(f"[{self._router_id}] {mail.subject}", mail.body))
        return succeed(self._sends)


@implementer(IDataPlane)
class SimulatedPlane:
    """Takes every table, and tells who takes clients where that has changed."""

    name = "simulated"

    def __init__(self, changed: Callable[[str, tuple[str, ...]], object]) -> None:
        self._changed = changed
        self._table: Table = {}
        self.ours: frozenset[ServiceKey] = frozenset()

    def start(self) -> Deferred[Table]:
        """Nothing is there."""
        return succeed(self._table)

    def apply(self, desired: Table) -> Deferred[Applied]:
        """Done."""
        for key, service in desired.items():
            before = self._table.get(key)
            if before is not service and (before is None or _takers(before) != _takers(service)):
                self._changed(str(key), _takers(service))
        self._table = desired
        self.ours = frozenset(desired)
        return succeed(Applied(0))

    def snapshot(self) -> Deferred[Table]:
        """What was last asked for."""
        return succeed(self._table)

    def stop(self, *, keep: bool) -> Deferred[None]:
        """Done."""
        if not keep:
            self._table = {}
        return succeed(None)


def _takers(service: Service) -> tuple[str, ...]:
    return tuple(str(key) for key, each in service.destinations.items() if each.weight > 0)
