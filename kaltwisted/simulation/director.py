"""A simulated director: a machine, and the daemon on it, which runs the real services or does not run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final

from twisted.internet.defer import Deferred, maybeDeferred
from twisted.python.failure import Failure

from kaltwisted.alerts.notify import TIMEOUT_US, NotifyQueue
from kaltwisted.config.model import SECOND_US, Address, Configuration
from kaltwisted.healthcheck.heard import check_service
from kaltwisted.healthcheck.known import Known
from kaltwisted.healthcheck.outcome import Verdict
from kaltwisted.healthcheck.service import CheckService
from kaltwisted.lvs.member import key_of
from kaltwisted.lvs.service import Alerts, LvsService
from kaltwisted.lvs.table import DestinationKey, PoolKey
from kaltwisted.ports import BFD_SESSION, TRACKED_FILE, Fact, Mail
from kaltwisted.simulation.clock import LifeClock, WorldClock
from kaltwisted.simulation.history import History, Lived, Mailed, PoolChanged, Ran, Turned
from kaltwisted.simulation.host import Processes, WatchedFiles
from kaltwisted.simulation.lan import Air, Announcer, Wire
from kaltwisted.simulation.machine import (
    Addresses,
    Interfaces,
    Linkbeat,
    Routing,
    VirtualLinks,
)
from kaltwisted.simulation.services import (
    NotifyScripts,
    RealServers,
    SimulatedMailer,
    SimulatedPlane,
    ToldNotifier,
    TrackedScripts,
    simulated_check,
)
from kaltwisted.simulation.topology import Plug
from kaltwisted.vrrp.actions import Notify, State, Subject
from kaltwisted.vrrp.network import Network
from kaltwisted.vrrp.service import VrrpService
from kaltwisted.vrrp.timers import startup_delay_us

EPOCH_S: Final = 1_800_000_000
"""The time of day when a world begins, in seconds since 1970."""


class _Awaited:
    """So many checks have yet to run until all of a pool have; then ``done`` is called."""

    def __init__(self, checks: int, done: Callable[[], object]) -> None:
        self._checks = checks
        self._done = done
        if not checks:
            done()

    def ran(self) -> None:
        """One more has."""
        self._checks -= 1
        if not self._checks:
            self._done()


class Director:
    """A machine with interfaces and one daemon.  What the machine knows outlives the daemon.

    :param enter: called with its name before anything happens in its daemon.
    :param moved: called when its daemon begins or ends, or anything of its interfaces changes.
    :param number: of the machine, from 1.
    """

    def __init__(
        self,
        name: str,
        configuration: Configuration,
        plugs: Mapping[str, Plug],
        number: int,
        *,
        clock: WorldClock,
        air: Air,
        servers: RealServers,
        history: History,
        enter: Callable[[str], object],
        moved: Callable[[], object],
    ) -> None:
        self.name = name
        self.configuration = configuration
        self.interfaces = Interfaces(plugs, number, self._noticed)
        self.processes = Processes(configuration.vrrp_track_processes)
        self.files = WatchedFiles(configuration.track_files)
        self.scripts = TrackedScripts(configuration.vrrp_scripts)
        self._sessions = {each.name: True for each in configuration.bfd_instances}
        self._heard = dict.fromkeys(self._sessions, False)
        self.powered = True
        self.clock_error_us = 0
        """By how much its time of day is wrong; signed adverts have it in them."""
        self.vrrp: VrrpService | None = None
        """The running daemon's virtual routers; None while it does not run."""
        self._clock = clock
        self._air = air
        self._servers = servers
        self._history = history
        self._enter = partial(enter, name)
        self._moved = moved
        self._life = LifeClock(clock, self._enter)
        self._life.end()
        self._lvs: LvsService | None = None
        self._checks: list[CheckService] = []
        self._numbers = {each.name: each.init or 0 for each in configuration.track_files}
        self._known = Known()
        self._powered_on_us: int | None = None
        self._stopping = False

    @property
    def runs(self) -> bool:
        """Whether its daemon does."""
        return self.vrrp is not None

    def state(self, instance: str) -> State:
        """The state of an instance; INIT while the daemon does not run."""
        return State.INIT if self.vrrp is None else self.vrrp.router.instances[instance].state

    # -- the daemon ----------------------------------------------------------------------

    def start(self) -> None:
        """Start the daemon, and the machine if need be; one that is just stopping gives way."""
        if self.runs and not self._stopping:
            return
        self._over()
        if not self.powered:
            self.powered = True
            self._powered_on_us = self._clock.now_us
        self._life = LifeClock(self._clock, self._enter)
        self._history.tell(Lived(self._clock.now_us, self.name, True))
        self._heard = dict.fromkeys(self._sessions, False)
        self._moved()
        self._life.do(self._begin)

    def stop(self) -> None:
        """Stop the daemon in good order (SIGTERM)."""
        if self.runs and not self._stopping:
            self._stopping = True
            self._life.do(self._end)

    def crash(self) -> None:
        """Kill the daemon (SIGKILL): its addresses stay, and nobody speaks for them."""
        self._over()

    def power_off(self) -> None:
        """The machine goes: daemon, addresses and all."""
        self._over()
        self.powered = False
        self.interfaces.reset()

    def _begin(self) -> None:
        configuration, life = self.configuration, self._life
        scripts = NotifyScripts(self._ran)
        mailer = SimulatedMailer(configuration.global_defs, self.name, self._mailed)
        network = Network(
            self.interfaces,
            Addresses(self.interfaces),
            Wire(self.name, life, self.interfaces, self._air),
            Announcer(self.name, self.interfaces, self._air),
            Routing(),
            VirtualLinks(self.interfaces),
            processes=self.processes,
            files=self.files,
            linkbeat=Linkbeat(self.interfaces),
        )
        queue = NotifyQueue(scripts, timeout_us=TIMEOUT_US)
        self.vrrp = VrrpService(
            configuration,
            life,
            network,
            self.scripts,
            ToldNotifier(self._turned, configuration, queue, mailer),
            startup_delay_us=startup_delay_us(configuration.global_defs, self._up_us()),
            time_of_day=self._time_of_day,
        )
        for name, number in self._numbers.items():
            self._known.learn(Fact(TRACKED_FILE, name, number))
        for session in self._sessions:
            self._learn(self._session_fact(session))
        self.vrrp.startService()
        Deferred.fromCoroutine(self.vrrp.begin()).addErrback(self._broke)
        if configuration.virtual_servers:
            self._lvs = LvsService(
                configuration.virtual_servers,
                SimulatedPlane(self._pool_changed),
                Alerts(NotifyQueue(scripts, timeout_us=TIMEOUT_US), mailer),
                life,
                mail_every_checker=not configuration.global_defs.no_checker_emails,
                publish=self.vrrp.learn,
            )
            self._lvs.startService()
            self._lvs.begin().addCallback(lambda _: self._check()).addErrback(self._broke)

    def _check(self) -> None:
        assert self._lvs is not None
        for pool in self._lvs.pools.values():
            checks = sum(len(server.checks) for server in pool.virtual_server.real_servers)
            awaited = _Awaited(checks, partial(self._lvs.checked, pool.key))
            for server in pool.virtual_server.real_servers:
                for index, check in enumerate(server.checks):
                    service = check_service(
                        simulated_check(check, server, self._servers, self.reaches, self._life, self._known),
                        check,
                        service=server.format(pool.virtual_server.protocol),
                        virtual_server=pool.name,
                        report=partial(self._report, self._lvs, pool.key, key_of(server), index),
                        clock=self._life,
                        initially_up=pool.is_up(key_of(server), index),
                        ran=awaited.ran,
                    )
                    self._checks.append(service)
                    service.startService()

    def _report(
        self, lvs: LvsService, service: PoolKey, server: DestinationKey, index: int, verdict: Verdict
    ) -> None:
        lvs.report(service, server, index, up=verdict.up, summary=verdict.summary, weight=verdict.weight)

    def _end(self) -> None:
        vrrp, lvs = self.vrrp, self._lvs
        assert vrrp is not None
        for check in self._checks:
            check.stopService()
        stopping: Deferred[Any] = maybeDeferred(lvs.stopService) if lvs is not None else maybeDeferred(int)
        stopping.addCallback(lambda _: vrrp.stopService())
        life = self._life
        stopping.addErrback(self._broke).addCallback(lambda _: self._ended(life))

    def _ended(self, life: LifeClock) -> None:
        if life is self._life:
            self._over()

    def _over(self) -> None:
        """Nothing of this life happens any more."""
        if not self._life.over:
            self._history.tell(Lived(self._clock.now_us, self.name, False))
            self._moved()
        self._life.end()
        self._air.forget(self._life)
        self.interfaces.stop()
        self.processes.stop()
        self.files.stop()
        self.vrrp = self._lvs = None
        self._checks = []
        self._known = Known()
        self._stopping = False

    def _up_us(self) -> int:
        """How long the machine has been up; what it was when the rehearsal began has been up for a year."""
        if self._powered_on_us is None:
            return 365 * 24 * 3600 * SECOND_US
        return self._clock.now_us - self._powered_on_us

    def _time_of_day(self) -> float:
        return EPOCH_S + self._clock.now + self.clock_error_us / SECOND_US

    def _broke(self, failure: Failure) -> None:
        """Our own defect: a rehearsal that went on would tell a tale."""
        self._clock.at(self._clock.now, failure.raiseException)

    # -- what happens to the machine -----------------------------------------------------

    def link(self, interface: str, up: bool) -> None:
        """The cable of an interface is pulled or put back."""
        self._enter()
        self.interfaces.set_running(interface, up)

    def script(self, name: str, good: bool) -> None:
        """A ``vrrp_script`` ends so from now on."""
        if good:
            self.scripts.failing.discard(name)
        else:
            self.scripts.failing.add(name)

    def process(self, name: str, good: bool) -> None:
        """There are enough processes of a ``vrrp_track_process`` from now on, or too few."""
        self._enter()
        self.processes.set(name, good=good)

    def file(self, name: str, number: int) -> None:
        """A number is written into the file of a ``track_file``."""
        self._enter()
        self.files.write(name, number)
        self._numbers[name] = number
        self._known.learn(Fact(TRACKED_FILE, name, number))

    def session(self, name: str, up: bool) -> None:
        """A BFD session is let up, or kept down, from now on."""
        self._sessions[name] = up
        self._tell_session(name)

    def hear(self, name: str, heard: bool) -> None:
        """The other end of a BFD session is heard from now on, or is gone."""
        if self._heard[name] is not heard:
            self._heard[name] = heard
            self._tell_session(name)

    def hears(self, name: str) -> bool:
        """Whether the other end of a BFD session counts as there."""
        return self._heard[name]

    def _tell_session(self, name: str) -> None:
        if self.vrrp is not None:
            self._life.do(self._learn, self._session_fact(name))

    def _session_fact(self, name: str) -> Fact:
        return Fact(BFD_SESSION, name, int(self._sessions[name] and self._heard[name]))

    def _learn(self, fact: Fact) -> None:
        assert self.vrrp is not None
        self.vrrp.learn(fact)
        self._known.learn(fact)

    def delete_address(self, address: Address) -> None:
        """Somebody removes an address by hand."""
        self._enter()
        self.interfaces.remove(address)

    def reaches(self, address: Address) -> bool:
        """Whether packets get from here to a real server: by an interface in its network, if there is one."""
        ways = self.interfaces.ways_to(address)
        return not ways or any(map(self.interfaces.works, ways))

    # -- what is told of it --------------------------------------------------------------

    def _noticed(self) -> None:
        self._history.hold(self.name, self.interfaces.reachable, self._clock.now_us)
        self._moved()

    def _turned(self, notify: Notify) -> None:
        why = ""
        if self.vrrp is not None and notify.subject is Subject.INSTANCE and notify.state is State.FAULT:
            why = ", ".join(sorted(map(str, self.vrrp.router.instances[notify.name].faults)))
        self._history.tell(Turned(self._clock.now_us, self.name, notify, why))

    def _mailed(self, mail: Mail) -> None:
        self._history.tell(Mailed(self._clock.now_us, self.name, mail))

    def _ran(self, command: str) -> None:
        self._history.tell(Ran(self._clock.now_us, self.name, command))

    def _pool_changed(self, service: str, servers: tuple[str, ...]) -> None:
        self._history.tell(PoolChanged(self._clock.now_us, self.name, service, servers))
