"""``twistd keepalived``: from a command line to a running daemon.

``makeService`` reads the configuration, ends the start with keepalived's exit
status where keepalived's would end, and builds a ``Daemon``: the supervisor of
the roles, which owns the log, the signals and the word to systemd.
"""

from __future__ import annotations

import os
import shlex
import signal
import sys
import traceback
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
from twisted.application.service import IService, Service
from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThreadPool
from twisted.logger import ILogObserver, Logger
from twisted.python.components import Componentized
from twisted.python.failure import Failure

from kaltwisted import __version__
from kaltwisted.api.events import EventLog
from kaltwisted.config.findings import render
from kaltwisted.daemon import control, directories, pidfile, signals, systemd
from kaltwisted.daemon.api import Api
from kaltwisted.daemon.ending import end_with
from kaltwisted.daemon.log import SyslogObserver, observer
from kaltwisted.daemon.operations import Operations
from kaltwisted.daemon.options import Options
from kaltwisted.daemon.pipes import Pipes
from kaltwisted.daemon.reading import ConfigurationFile
from kaltwisted.daemon.reload import Reload, tell
from kaltwisted.daemon.reports import Reports
from kaltwisted.daemon.role.clock import use_monotonic_time
from kaltwisted.daemon.role.collector import (
    postpone_collections,
    resume_collections,
)
from kaltwisted.daemon.role.facts import Facts
from kaltwisted.daemon.role.kinds import BFD, CHECKERS, KINDS, VRRP
from kaltwisted.daemon.role.naming import name_process, parent_name
from kaltwisted.daemon.role.seam import CONFIG_ERROR, IRunner, Report, RoleError, RoleKind
from kaltwisted.daemon.roles import Roles
from kaltwisted.daemon.settings import Settings
from kaltwisted.daemon.start_stop import StartAndStop
from kaltwisted.ports import InThread

if TYPE_CHECKING:
    from kaltwisted.config.load import Reading
    from kaltwisted.config.model import GlobalDefs

__all__ = ["Daemon", "Options", "makeService"]


class Daemon(Service):
    """The whole of one daemon: announces itself, starts the roles and answers signals.

    :param log_observer: where the log goes; None leaves it to twistd.
    :param announcement: what to log before anything else starts: each a call on our Logger.
    :param roles: makes the roles; given what to do with a role that ended for good.
    :param api: makes what operators ask it by.
    :param umask: the command line's, which goes before the configuration's.
    """

    log = Logger()

    def __init__(
        self,
        reactor: Any,
        log_observer: ILogObserver | None,
        announcement: Callable[[Logger], None],
        roles: Callable[[Callable[[int], object]], Roles],
        reload: Callable[[Roles], Reload],
        reports: Callable[[Roles], Reports],
        api: Callable[[Roles, Reload], tuple[Operations, Api]],
        umask: int | None = None,
    ) -> None:
        self._reactor = reactor
        self._observer = log_observer
        self._announce = announcement
        self._umask = umask
        self.roles = roles(self.end)
        self._reload = reload(self.roles)
        self._reports = reports(self.roles)
        self._operations, self._api = api(self.roles, self._reload)
        self._handlers = signals.Handlers(reactor)
        self._watchdog = systemd.Watchdog(reactor)
        self._start_and_stop = StartAndStop(reactor)
        self._stopping = False

    def setServiceParent(self, parent: Any) -> None:
        """Join the application; its log becomes ours before twistd opens a log of its own."""
        if self._observer is not None and isinstance(parent, Componentized):
            parent.setComponent(ILogObserver, self._observer)
        super().setServiceParent(parent)

    def startService(self) -> None:
        """Start the roles."""
        super().startService()
        defs = self.roles.configuration.global_defs
        name_process(parent_name(defs))
        if self._umask is None and defs.umask is not None:
            os.umask(defs.umask)
        self._announce(self.log)
        self._api.startService()
        for number, how in (
            (signals.RELOAD, self._reload.request),
            (signals.DATA, partial(self._reports.write, Report.DATA)),
            (signals.STATISTICS, partial(self._reports.write, Report.STATISTICS)),
            (signals.JSON, partial(self._reports.write, Report.JSON)),
            (signals.CLEAR_STATISTICS, self.roles.clear_statistics),
            (signals.THREADS, self._tell_threads),
        ):
            if self._handlers.is_free(number):
                self._handlers.answer(number, how)
        signals.release()
        # Not before the reactor runs: until then TERM would end us without a word.
        self._reactor.callWhenRunning(self._begin)

    def _begin(self) -> None:
        Deferred.fromCoroutine(self._run_roles()).addCallbacks(self._started, self._not_started)

    async def _run_roles(self) -> None:
        await self._start_and_stop.startup(self.roles.configuration.global_defs)
        await self.roles.begin()

    def _started(self, _: object) -> None:
        resume_collections()
        self._operations.started = True
        self.log.info("Startup complete")
        systemd.notify(f"READY=1\nMAINPID={os.getpid()}")
        self._watchdog.start()
        self._reload.begin()

    def _not_started(self, failure: Failure) -> None:
        if self._stopping:
            return
        if isinstance(failure.value, RoleError):
            self.log.critical("{why}", why=failure.getErrorMessage())
            print(failure.getErrorMessage(), file=sys.stderr)
            self.end(failure.value.status)
        else:
            self.log.failure("Starting", failure)
            self.end(1)

    def end(self, status: int) -> None:
        """Nothing helps but to end, in good order."""
        if not self._stopping:
            end_with(self._reactor, status)

    def stopService(self) -> Deferred[None]:
        """Stop the roles; fires when all of them have let go."""
        super().stopService()
        self._stopping = True
        self.log.info("Stopping")
        for number in (signal.SIGTERM, signal.SIGINT):
            self._handlers.answer(number, partial(self.log.info, "Already stopping"))
        systemd.notify("STOPPING=1")
        self._watchdog.stop()
        self._reload.stop()
        self._operations.stopping = True
        stopped: Deferred[Any] = Deferred.fromCoroutine(self._stop_roles())
        # Until then it can be asked what the stop waits for.
        stopped.addBoth(lambda result: self._api.stopService().addCallback(lambda _: result))

        def done(result: object) -> None:
            self._handlers.restore()
            self.log.info("Stopped Keepalived v{version} (kaltwisted)", version=__version__)

        return stopped.addErrback(lambda failure: self.log.failure("Stopping", failure)).addCallback(done)

    async def _stop_roles(self) -> None:
        try:
            await self.roles.stop()
        finally:
            await self._start_and_stop.shutdown(self.roles.configuration.global_defs)

    def _tell_threads(self) -> None:
        """What this process is at, for who looks for a defect."""
        for thread, frame in sys._current_frames().items():
            self.log.info("Thread {thread}:", thread=thread)
            for line in "".join(traceback.format_stack(frame)).splitlines():
                self.log.info("{line}", line=line)
        self.log.info("{count} delayed calls", count=len(self._reactor.getDelayedCalls()))


def makeService(options: Options) -> IService:
    """Build the daemon that ``options`` ask for.

    :raises SystemExit: with keepalived's exit status when the configuration
        must not be started with; its findings are on stderr and in syslog then.
    """
    signals.hold()
    from twisted.internet import reactor

    # Before anybody asks it: a role that shares it would change it later on.
    use_monotonic_time(reactor)
    postpone_collections()
    settings = options.settings()
    file = ConfigurationFile(
        settings.file,
        config_id=settings.config_id,
        all_includes=settings.all_includes,
        vrrp=settings.vrrp,
    )
    reading = file.read()
    status = _refusal(reading, settings)
    if status is not None:
        _report_refusal(reading, settings)
        raise SystemExit(status)
    settings = _placed(settings, options.parent, reading.configuration.global_defs)
    # Kept by Twisted until the log is open, so only the first lines are logged before it is.
    Daemon.log.info("Starting Keepalived v{version} (kaltwisted)", version=__version__)
    facts = Facts()
    in_thread = partial(deferToThreadPool, reactor, reactor.getThreadPool())  # type: ignore[attr-defined,arg-type]

    events = EventLog()

    def roles(fatal: Callable[[int], object]) -> Roles:
        pipes = Pipes(reactor)
        return Roles(
            _kinds(settings),
            partial(_runner, settings, reactor, in_thread, fatal, facts, pipes, events),
            reading.configuration,
            pipes,
            idle=settings.idle_roles,
        )

    def api(roles: Roles, reload: Reload) -> tuple[Operations, Api]:
        overrides = control.overrides(roles, facts, in_thread, partial(events.note, "daemon"))
        operations = Operations(
            roles, reload, settings.file, reading.findings, reactor, events, overrides.text
        )
        path = directories.api_socket(Path(settings.directory))
        served = Api(operations, overrides, path, reactor, in_thread)
        served.reconfigure(roles.configuration.global_defs.api)
        reload.then(lambda: served.reconfigure(roles.configuration.global_defs.api))
        return operations, served

    return Daemon(
        reactor,
        None if settings.twistd_logs else observer(settings),
        partial(_announce, reading, settings),
        roles,
        lambda roles: Reload(
            file.read, roles, settings.file, reactor, in_thread, partial(events.note, "daemon")
        ),
        lambda roles: Reports(roles, in_thread, settings.umask),
        api,
        settings.umask,
    )


def _kinds(settings: Settings) -> Iterator[RoleKind]:
    """The roles that the command line wants."""
    if settings.vrrp:
        yield VRRP
    if settings.checkers:
        yield CHECKERS
    if settings.bfd:
        yield BFD


def _runner(
    settings: Settings,
    reactor: Any,
    in_thread: InThread,
    fatal: Callable[[int], object],
    facts: Facts,
    pipes: Pipes,
    events: EventLog,
    kind: RoleKind,
) -> IRunner:
    """What runs a role; the other way of running one is not loaded."""
    fifo = partial(pipes.write, kind.name)
    note = partial(events.note, kind.name)
    if settings.single_process:
        from kaltwisted.daemon.role.local import LocalRunner

        return LocalRunner(kind, settings, reactor, facts, fifo, note)
    from kaltwisted.daemon.child import Child
    from kaltwisted.daemon.supervision import ProcessRunner

    return ProcessRunner(
        kind,
        settings,
        partial(Child, reactor=reactor, own_stdout=settings.twistd_logs),
        reactor,
        fatal,
        in_thread,
        facts,
        fifo,
        note,
        Path(dict(settings.role_pid_files)[kind.name]),
    )


def _placed(settings: Settings, twistd: Any, defs: GlobalDefs) -> Settings:
    """The settings with the daemon's own places, which depend on its name and are made sure of here.

    :raises SystemExit: with the reason, before twistd fails for it with a traceback.
    """
    default = partial(
        directories.pid_file,
        os.environ,
        os.geteuid(),
        instance=defs.instance,
        use_pid_dir=defs.use_pid_dir,
    )
    if twistd is not None and twistd.get("pidfile", "") is None:
        twistd["pidfile"] = str(default())
        pidfile.claim(default())
    given = dict(settings.role_pid_files)
    return attrs.evolve(
        settings,
        role_pid_files=tuple((name, given.get(name, str(default(name)))) for name in KINDS),
        instance=defs.instance,
        directory=str(_own_directory(twistd, defs.instance)),
    )


def _own_directory(twistd: Any, instance: str | None) -> Path:
    """Our runtime directory, made sure of; the pid file's must be writable too."""
    runtime = directories.runtime_directory(os.environ, os.geteuid())
    try:
        directory = directories.prepare_for(runtime, instance)
    except OSError as error:
        raise SystemExit(f"no directory for our own files: {error}") from None
    pid_file = (twistd or {}).get("pidfile")
    if pid_file and not os.access(Path(pid_file).parent, os.W_OK | os.X_OK):
        raise SystemExit(f"pid file {pid_file} cannot be written: give another --pid FILE, or be root")
    return directory


def _refusal(reading: Reading, settings: Settings) -> int | None:
    """The exit status to end with, or None when the daemon may start."""
    if reading.fatal is not None:
        return reading.fatal
    if settings.strict and reading.errors:
        return CONFIG_ERROR
    return None


def _report_refusal(reading: Reading, settings: Settings) -> None:
    """Say why there is no daemon, on stderr and in syslog: no log has been opened yet."""
    for finding in reading.findings:
        print(render(finding), file=sys.stderr)
    if settings.syslog and not settings.twistd_logs:
        instance = reading.configuration.global_defs.instance
        syslog = SyslogObserver(settings.facility, settings.detail, instance=instance)
        log = Logger(namespace=__name__, observer=syslog)
        for finding in reading.findings:
            log.error("{line}", line=finding.log_line())
        log.error("Stopped Keepalived v{version} (kaltwisted)", version=__version__)
        syslog.close()


def _announce(reading: Reading, settings: Settings, log: Logger) -> None:
    log.info("Command line: {words}", words=shlex.join(sys.argv))
    for note in settings.notes:
        log.warn("{note}", note=note)
    log.info("Configuration file {file}", file=settings.file)
    if settings.instance is not None:
        log.info("Changing syslog ident to Keepalived_{instance}", instance=settings.instance)
    for finding in reading.findings:
        tell(log, finding)
    if settings.dump:
        from kaltwisted.config.dump import dump

        for line in dump(reading.configuration):
            log.info("{line}", line=line)
    configuration = reading.configuration
    if not any(kind.needed(configuration) for kind in KINDS.values()):
        log.warn(
            "The configuration has no virtual_server, no vrrp_instance and no bfd_instance: nothing to do"
        )
