"""Keep the data plane as the pools want it, and tell the world what changed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

import attrs
from twisted.application.service import Service as TwistedService
from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure as TwistedFailure

from kaltwisted.alerts.notify import NotifyQueue, nobody
from kaltwisted.config.identity import ServerId
from kaltwisted.config.model import VirtualServer
from kaltwisted.lvs.entries import pool_key, service_keys
from kaltwisted.lvs.pool import Event, Log, Pool, QuorumTurned, ServerTurned
from kaltwisted.lvs.status import pool_id, server_id
from kaltwisted.lvs.steering import UNSTEERED, Steerings, keys_of
from kaltwisted.lvs.table import Applied, DestinationKey, GroupKey, PoolKey, Table, table_of
from kaltwisted.ports import VIRTUAL_SERVER, Fact, IDataPlane, IMailer, Mail, Note, StateChange, unnoted
from kaltwisted.slices import in_slices
from kaltwisted.waiting import Waiting

RECONCILE_S = 30.0
RETRY_FIRST_S = 1.0
RETRY_MOST_S = 60.0
_UP = {True: "UP", False: "DOWN"}


@attrs.frozen
class Alerts:
    """Where the pools' events go: notify scripts in order, mail.

    ``fifo`` takes lines for FIFOs; ``note`` hears of state changes.
    """

    scripts: NotifyQueue
    mailer: IMailer
    fifo: Callable[[str], object] = nobody
    note: Note = unnoted


class LvsService(TwistedService):
    """Owns the pools and the data plane.

    Changes of one reactor turn are applied together; one ``apply`` runs at a
    time.  What the data plane refuses is logged once and tried again with
    back-off; every ``RECONCILE_S`` the plane is read afresh and repaired, in
    case somebody changed it by hand.  ``flush_on_stop``: at the stop nothing
    is told of real servers (keepalived: ``lvs_flush_on_stop``).
    """

    _log = Logger()

    def __init__(
        self,
        virtual_servers: Sequence[VirtualServer],
        plane: IDataPlane,
        alerts: Alerts,
        clock: IReactorTime,
        *,
        keep_at_stop: bool = False,
        mail_every_checker: bool = True,
        flush_on_stop: bool = False,
        publish: Callable[[Fact], object] = lambda fact: None,
    ) -> None:
        self.pools: dict[PoolKey, Pool] = {}
        self.plane = plane
        self._virtual_servers = virtual_servers
        self._steerings = Steerings()
        self._alerts = alerts
        self._clock = clock
        self._keep_at_stop = keep_at_stop
        self._abandoned = False
        self._mail_every_checker = mail_every_checker
        self._flush_on_stop = flush_on_stop
        self._publish = publish
        self._checked: set[PoolKey] = set()
        self._due: IDelayedCall | None = None
        self._retry: IDelayedCall | None = None
        self._reconcile: IDelayedCall | None = None
        self._applying = False
        self._dirty = False
        self._idle = Waiting()
        self._stopping = False
        self._retry_s = RETRY_FIRST_S
        self._refused: frozenset[str] = frozenset()

    # -- life ---------------------------------------------------------------------------

    def begin(self) -> Deferred[None]:
        """Open the data plane, adopt what is there, put the pools in place.  Fires when the table stands."""
        return self.plane.start().addCallback(self._adopt)

    def _adopt(self, found: Table) -> Deferred[None]:
        for server in self._virtual_servers:
            key = pool_key(server)
            ours = (each for each in service_keys(server) if each in found and each in self.plane.ours)
            earlier = next(ours, None)
            adopted = None if earlier is None else found[earlier]
            self.pools[key] = Pool(server, adopted, self._steerings.of(key))
        for pool in self.pools.values():
            self._happened(pool, pool.start())
            self._date(pool)
        self._reconcile = self._clock.callLater(RECONCILE_S, self._reread)
        self._apply()
        return self._when_idle()

    def stopService(self) -> Deferred[None]:
        """Leave the data plane (cleanly, or with -I as it is), then say good-bye for each server."""
        super().stopService()
        self._stopping = True
        for call in (self._due, self._retry, self._reconcile):
            if call is not None and call.active():
                call.cancel()
        leaving = self._when_idle()
        leaving.addCallback(lambda _: self.plane.stop(keep=self._keep_at_stop))
        leaving.addErrback(lambda failure: self._log.failure("Leaving the data plane", failure=failure))
        return leaving.addCallback(lambda _: self._farewell())

    def abandon(self) -> None:
        """Leave everything to who comes next: the stop that follows touches nothing and tells nobody."""
        self._keep_at_stop = self._abandoned = True

    def _farewell(self) -> Deferred[None]:
        if self._abandoned:
            return succeed(None)
        said = in_slices(self._say_goodbye(), self._clock).whenDone()
        return said.addCallback(lambda _: self._alerts.scripts.drained())

    def _say_goodbye(self) -> Iterator[None]:
        for pool in self.pools.values():
            for event in pool.stop(at_once=self._flush_on_stop):
                self._happened(pool, (event,))
                yield

    # -- a reload -------------------------------------------------------------------------

    def expect(
        self,
        virtual_servers: Sequence[VirtualServer] | None = None,
        *,
        mail_every_checker: bool,
        flush_on_stop: bool,
    ) -> None:
        """Take over settings; ``virtual_servers``: what to begin with, when the plane has not begun yet."""
        self._mail_every_checker = mail_every_checker
        self._flush_on_stop = flush_on_stop
        if virtual_servers is not None:
            self._virtual_servers = virtual_servers

    def add(self, virtual_server: VirtualServer) -> Pool:
        """A virtual server more."""
        pool = Pool(virtual_server, steering=self._steerings.of(pool_key(virtual_server)))
        self.pools[pool.key] = pool
        self._happened(pool, pool.start())
        self._date(pool)
        return pool

    def change(self, virtual_server: VirtualServer) -> Pool:
        """A virtual server is configured otherwise; its connections stay where its servers do."""
        pool = self.pools[pool_key(virtual_server)]
        self._happened(pool, pool.reconfigure(virtual_server))
        self._date(pool)
        return pool

    def _date(self, pool: Pool) -> None:
        """What is new is as it is from now on."""
        now = self._clock.seconds()
        if pool.since is None:
            pool.since = now
        for member in pool.members:
            if member.since is None:
                member.since = now

    def remove(self, key: PoolKey) -> None:
        """A virtual server is gone."""
        pool = self.pools.pop(key)
        if isinstance(key, GroupKey):
            self._log.info("Removing Virtual Server Group [{name}]", name=key.name)
        else:
            self._log.info("service {name} no longer exist", name=pool.name)
        self._checked.discard(key)
        self._publish(Fact(VIRTUAL_SERVER, pool.virtual_server.fact_name, None))
        self._happened(pool, pool.stop())

    def flush(self) -> Deferred[None]:
        """Apply what has changed; fires when the plane has taken it, or refused and is asked again later."""
        self._apply()
        return self._when_idle()

    # -- what operators say ---------------------------------------------------------------

    def steer(self, fact: Fact) -> None:
        """A real server's service or weight is overridden, or no longer; also before the beginning."""
        if self._stopping:
            return
        key, server = self._steerings.learn(fact)
        pool = self.pools.get(key)
        if pool is not None:
            self._happened(pool, pool.steer(server))

    def quorum_lost_by(self, fact: Fact) -> str:
        """What a pool would be left with, in words, if that fact cost its quorum; empty: it would not."""
        key, server = keys_of(ServerId.parse(fact.name))
        pool = self.pools.get(key)
        if pool is None or server is None:
            return ""
        left = pool.quorum_lost_by(server, self._steerings.of(key).get(server, UNSTEERED).but_for(fact))
        if left is None:
            return ""
        whole = pool.virtual_server
        sorry = "" if whole.sorry_server is None else ": the sorry server would stand in"
        return f"weight {left} is left, quorum is {whole.quorum}{sorry}"

    # -- what the checkers say ------------------------------------------------------------

    def checked(self, key: PoolKey) -> None:
        """All checks that a pool has begun with have run: whether it has quorum is a fact from now on."""
        pool = self.pools.get(key)
        if pool is not None and not self._stopping:
            self._checked.add(key)
            self._tell_fact(pool)

    def unchecked(self, key: PoolKey) -> None:
        """A pool's checks stand still, and what they found is of no use: its quorum is not known any more."""
        if key in self._checked:
            self._checked.discard(key)
            self._publish(Fact(VIRTUAL_SERVER, self.pools[key].virtual_server.fact_name, None))

    def _tell_fact(self, pool: Pool) -> None:
        if pool.key in self._checked and not self._stopping:
            self._publish(Fact(VIRTUAL_SERVER, pool.virtual_server.fact_name, int(pool.has_quorum)))

    def report(
        self,
        service: PoolKey,
        server: DestinationKey,
        checker: int,
        *,
        up: bool,
        summary: str,
        weight: int | None = None,
        why: str | None = None,
    ) -> None:
        """A checker of a server now counts as good or as failed.

        ``summary`` is for the mail, and ``why`` what it found.
        """
        if self._stopping:
            return
        pool = self.pools[service]
        if weight is not None:
            self._happened(pool, pool.weigh(server, weight))
        if pool.is_up(server, checker) != up:
            events = pool.passed(server, checker) if up else pool.failed(server, checker)
            self._mail_server(pool, server, events, up=up, summary=summary)
            self._happened(pool, events, why)

    def _happened(self, pool: Pool, events: Iterable[Event], why: str | None = None) -> None:
        """``why``: what a checker had to say."""
        for event in events:
            match event:
                case Log(line):
                    self._log.info("{line}", line=line)
                case ServerTurned(server, up):
                    if (member := pool.member(server)) is not None:
                        member.since = self._clock.seconds()
                    script = server.notify_up if up else server.notify_down
                    if script is not None:
                        self._alerts.scripts.run((pool.name, server.address, server.port), script)
                    name = server.format(pool.virtual_server.protocol)
                    self._alerts.fifo(f"RS {name} {pool.name} {_UP[up]}\n")
                    self.note_turned("real_server", server_id(pool, server), up=up, why=why)
                case QuorumTurned(up, summary):
                    self._quorum_turned(pool, up=up, summary=summary)
                    self._tell_fact(pool)
        self._changed()

    def _quorum_turned(self, pool: Pool, *, up: bool, summary: str) -> None:
        pool.since = self._clock.seconds()
        server = pool.virtual_server
        script = server.quorum_up if up else server.quorum_down
        if script is not None:
            self._alerts.scripts.run(pool.name, script)
        self._alerts.fifo(f"VS {pool.name} {_UP[up]}\n")
        self.note_turned("virtual_server", pool_id(pool), up=up, why=summary.strip("=<> "))
        if server.smtp_alert:
            self._mail(f"Virtualserver {pool.name} - {_UP[up]}", summary)

    def note_turned(self, kind: str, name: str, *, up: bool, why: str | None) -> None:
        """What operators hear of: a virtual server, a real server or a check is up or down now."""
        states = ("down", "up")
        self._alerts.note(StateChange(kind, name, states[not up], states[up], why or None))

    def _mail_server(
        self, pool: Pool, key: DestinationKey, events: list[Event], *, up: bool, summary: str
    ) -> None:
        server = pool.server(key)
        turned = any(isinstance(event, ServerTurned) for event in events)
        if server.smtp_alert and (turned or self._mail_every_checker):
            name = server.format(pool.virtual_server.protocol)
            subject = f"Realserver {name} of virtual server {pool.name} - {_UP[up]}"
            self._mail(subject, summary)

    def _mail(self, subject: str, body: str) -> None:
        sent = self._alerts.mailer.send(Mail(subject, body))
        sent.addErrback(lambda failure: self._log.failure("Mail {subject}", failure=failure, subject=subject))

    # -- making it so -----------------------------------------------------------------------

    def _changed(self) -> None:
        if not self._stopping and self._due is None and self._reconcile is not None:
            self._due = self._clock.callLater(0, self._apply)

    def _apply(self) -> None:
        """Bring the data plane to what the pools want; changes that come meanwhile follow at once."""
        for call in (self._due, self._retry):
            if call is not None and call.active():
                call.cancel()
        self._due = self._retry = None
        self._dirty = True
        if not self._applying:
            self._apply_once()

    def _when_idle(self) -> Deferred[None]:
        """Fires when no ``apply`` is under way."""
        return self._idle.until(not self._applying)

    def _apply_once(self) -> None:
        self._dirty = False
        self._applying = True
        desired = table_of(service for pool in self.pools.values() for service in pool.services)
        self.plane.apply(desired).addCallbacks(self._applied, self._apply_failed).addErrback(
            lambda failure: self._log.failure("Applying the table", failure=failure)
        )

    def _applied(self, applied: Applied) -> None:
        refused = frozenset(failure.reason for failure in applied.failures)
        for reason in refused - self._refused:
            self._log.error("Data plane {name}: {reason}", name=self.plane.name, reason=reason)
        self._refused = refused
        self._ended(again=bool(refused))

    def _apply_failed(self, failure: TwistedFailure) -> None:
        self._log.error("The data plane failed: {why}", why=failure.getErrorMessage())
        self._ended(again=True)

    def _ended(self, *, again: bool) -> None:
        if self._dirty and not self._stopping:
            self._apply_once()
            return
        if not again:
            self._retry_s = RETRY_FIRST_S
        elif not self._stopping:
            self._retry = self._clock.callLater(self._retry_s, self._apply)
            self._retry_s = min(2 * self._retry_s, RETRY_MOST_S)
        self._applying = False
        self._idle.tell()

    def _reread(self) -> None:
        """Read the plane afresh and put right what differs."""
        self._reconcile = self._clock.callLater(RECONCILE_S, self._reread)
        if not self._applying:
            self._applying = True
            self.plane.snapshot().addCallbacks(lambda _: self._apply_once(), self._apply_failed)
