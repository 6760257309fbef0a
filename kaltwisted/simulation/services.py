"""What a simulated director asks of others: checks of real servers, scripts, mail, the data plane."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import attrs
from twisted.internet.defer import Deferred, succeed
from zope.interface import implementer

from kaltwisted.config.model import (
    Address,
    BfdCheck,
    Check,
    Configuration,
    FileCheck,
    GlobalDefs,
    HttpCheck,
    MiscCheck,
    RealServer,
    Script,
    SmtpCheck,
    TcpCheck,
    VrrpScript,
)
from kaltwisted.healthcheck import bfd, file, misc
from kaltwisted.healthcheck.known import Known
from kaltwisted.healthcheck.outcome import Outcome
from kaltwisted.lvs.table import Applied, Service, ServiceKey, Table
from kaltwisted.ports import ICheck, IDataPlane, IMailer, IScripts, Mail, ScriptResult
from kaltwisted.simulation.clock import LifeClock
from kaltwisted.vrrp.actions import Notify
from kaltwisted.vrrp.notifier import Notifier

Place = tuple[Address, int]
"""A real server's address and port."""

_GOOD = ScriptResult(status=0)
_BAD = ScriptResult(status=1)


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

    def refuses(self, place: Place) -> bool:
        """Whether a machine is there, and nobody listens."""
        return place in self.closed


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
        scripts = _CheckScripts(
            lambda: reaches(place[0]) and place[0] not in servers.dead and not servers.refuses(place)
        )
        return misc.MiscCheck(check, scripts)
    return SimulatedCheck(check, servers, reaches, life)


@implementer(ICheck)
class SimulatedCheck:
    """Any check that connects.  A dead server answers nothing, a closed port refuses."""

    def __init__(
        self,
        check: TcpCheck | HttpCheck | SmtpCheck,
        servers: RealServers,
        reaches: Callable[[Address], bool],
        life: LifeClock,
    ) -> None:
        self._place = check.connection.ip, check.connection.port
        self._servers = servers
        self._reaches = reaches
        self._life = life
        self._timeout_s = check.connection.timeout_us / 1e6
        words = ("timeout", "failed") if isinstance(check, TcpCheck) else ("Timeout connecting",) * 2
        if isinstance(check, SmtpCheck):
            words = "Connection timeout to", "Could not connect to"
        self._silent = Outcome(False, words[0], detail="timeout connecting")
        self._refused = Outcome(False, words[1], detail="Connection refused")

    def run(self) -> Deferred[Outcome]:
        """One attempt (ICheck)."""
        address = self._place[0]
        if address in self._servers.dead or not self._reaches(address):
            attempt: Deferred[Outcome] = Deferred(lambda _: timeout.cancel())
            timeout = self._life.callLater(self._timeout_s, attempt.callback, self._silent)
            return attempt
        return succeed(self._refused if self._servers.refuses(self._place) else Outcome(True))

    def describe(self) -> str:
        """As ICheck asks."""
        return f"{self._place[0]} {self._place[1]}"


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
