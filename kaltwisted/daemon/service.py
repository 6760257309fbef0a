"""``twistd keepalived``: from a command line to a running daemon.

``makeService`` reads the configuration, ends the start with keepalived's exit
status where keepalived's would end, and puts the role's services under a
``Daemon``, which owns the log, the signals and the word to systemd.
"""

from __future__ import annotations

import os
import shlex
import signal
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

from twisted.application.service import IService, MultiService
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.threads import deferToThreadPool
from twisted.logger import ILogObserver, Logger
from twisted.python.components import Componentized

from kaltwisted import __version__
from kaltwisted.config.findings import render
from kaltwisted.daemon import directories, systemd
from kaltwisted.daemon.log import ConsoleObserver, Observers, SyslogObserver
from kaltwisted.daemon.options import Options, Settings
from kaltwisted.daemon.reading import ConfigurationFile
from kaltwisted.daemon.reload import Reload, Roles, tell
from kaltwisted.daemon.role.collector import postpone_collections, resume_collections
from kaltwisted.daemon.role.seam import MISSING_PERMISSION, IRole, RoleError, RoleKind

if TYPE_CHECKING:
    from kaltwisted.config.load import Reading
    from kaltwisted.config.model import Configuration

__all__ = ["Daemon", "Options", "makeService"]

CONFIG_ERROR = 2

# Signals that C keepalived answers and we do not yet: they must not end a daemon that forwards traffic.
_UNANSWERED = {
    signal.SIGUSR1: "Writing the data file is not supported yet",
    signal.SIGUSR2: "Writing the statistics file is not supported yet",
    signal.SIGRTMIN + 2: "Writing JSON is not supported yet",
    signal.SIGRTMAX - 1: "Clearing the statistics is not supported yet",
    signal.SIGRTMAX: "Dumping the threads is not supported yet",
}


class Daemon(MultiService):
    """The whole of one daemon: announces itself, then starts what it was given.

    :param announcement: what to log before anything else starts: each a call on our Logger.
    :param observer: where the log goes; None leaves it to twistd.
    """

    log = Logger()

    def __init__(
        self, reactor: Any, observer: ILogObserver | None, announcement: Callable[[Logger], None]
    ) -> None:
        super().__init__()
        self._reactor = reactor
        self._observer = observer
        self._announce = announcement
        self._handlers: dict[int, Any] = {}
        self.reload: Reload | None = None

    def setServiceParent(self, parent: Any) -> None:
        """Join the application; its log becomes ours before twistd opens a log of its own."""
        if self._observer is not None and isinstance(parent, Componentized):
            parent.setComponent(ILogObserver, self._observer)
        super().setServiceParent(parent)

    def startService(self) -> None:
        """Start the roles."""
        self._announce(self.log)
        for number, words in _UNANSWERED.items():
            if signal.getsignal(number) == signal.SIG_DFL:  # not twistd's, as USR1 for its log file
                self._answer(number, partial(self.log.warn, "{words}", words=words))
        if self.reload is not None and signal.getsignal(signal.SIGHUP) == signal.SIG_DFL:
            self._answer(signal.SIGHUP, self.reload.request)
        super().startService()
        resume_collections()
        # Not before the reactor runs: until then TERM would end us without a word.
        self._reactor.callWhenRunning(self._started)

    def _started(self) -> None:
        self.log.info("Startup complete")
        systemd.notify(f"READY=1\nMAINPID={os.getpid()}")

    def stopService(self) -> Deferred[None]:
        """Stop the roles; fires when all of them have let go."""
        self.log.info("Stopping")
        for number in (signal.SIGTERM, signal.SIGINT):
            self._answer(number, partial(self.log.info, "Already stopping"))
        systemd.notify("STOPPING=1")
        if self.reload is not None:
            self.reload.stop()
        stopped: Deferred[Any] = maybeDeferred(super().stopService)

        def done(result: object) -> None:
            for number, handler in self._handlers.items():
                signal.signal(number, handler)
            self._handlers.clear()
            self.log.info("Stopped Keepalived v{version} (kaltwisted)", version=__version__)

        return stopped.addErrback(lambda failure: self.log.failure("Stopping", failure)).addCallback(done)

    def _answer(self, number: int, how: Callable[[], object]) -> None:
        def answer(_: int, __: FrameType | None) -> None:
            self._reactor.callFromThread(how)

        self._handlers[number] = signal.signal(number, answer)


def makeService(options: Options) -> IService:
    """Build the daemon that ``options`` ask for.

    :raises SystemExit: with keepalived's exit status when the configuration
        must not be started with; its findings are on stderr and in syslog then.
    """
    from twisted.internet import reactor

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
    # Kept by Twisted until the log is open, so only the first lines are logged before it is.
    Daemon.log.info("Starting Keepalived v{version} (kaltwisted)", version=__version__)
    daemon = Daemon(reactor, _observer(settings), partial(_announce, reading, settings))
    runtime_directory = _own_directory(options.parent)
    roles = Roles(daemon, list(_role_kinds(settings, reactor, runtime_directory)), reading.configuration)
    try:
        roles.begin()
    except RoleError as error:
        print(error, file=sys.stderr)
        raise SystemExit(error.status) from None
    daemon.reload = Reload(
        file.read,
        roles,
        settings.file,
        reactor,
        partial(deferToThreadPool, reactor, reactor.getThreadPool()),  # type: ignore[attr-defined,arg-type]
    )
    return daemon


def _role_kinds(settings: Settings, reactor: Any, runtime_directory: Path) -> Iterator[RoleKind]:
    """The roles that the command line wants, where a configuration needs them; imported only then."""

    def checkers(configuration: Configuration) -> IRole:
        from kaltwisted.daemon.role.checker import CheckerRole
        from kaltwisted.daemon.role.planes import DataPlaneError

        try:
            return CheckerRole(
                configuration,
                reactor,
                data_plane=settings.data_plane,
                state_directory=runtime_directory,
                keep_ipvs=settings.keep_ipvs,
            )
        except DataPlaneError as error:
            raise RoleError(str(error)) from None

    def vrrp(configuration: Configuration) -> IRole:
        from kaltwisted.daemon.role.vrrp import VrrpRole
        from kaltwisted.ports import WireError

        try:
            return VrrpRole(
                configuration,
                reactor,
                keep_addresses=settings.keep_addresses,
                log_detail=settings.detail > 0,
            )
        except WireError as error:
            raise RoleError(str(error), MISSING_PERMISSION) from None

    if settings.checkers:
        yield RoleKind("Balancing", lambda configuration: bool(configuration.virtual_servers), checkers)
    if settings.vrrp:
        yield RoleKind("VRRP", lambda configuration: bool(configuration.vrrp_instances), vrrp)


def _own_directory(twistd: Any) -> Path:
    """Our runtime directory, made sure of; the pid file's must be writable too.

    :raises SystemExit: with the reason, before twistd fails for it with a traceback.
    """
    try:
        directory = directories.prepare(directories.runtime_directory(os.environ, os.geteuid()))
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
        syslog = SyslogObserver(settings.facility, settings.detail)
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
    for finding in reading.findings:
        tell(log, finding)
    if settings.dump:
        from kaltwisted.config.dump import dump

        for line in dump(reading.configuration):
            log.info("{line}", line=line)
    configuration = reading.configuration
    if not (configuration.virtual_servers or configuration.vrrp_instances):
        log.warn("The configuration has neither a virtual_server nor a vrrp_instance: nothing to do")


def _observer(settings: Settings) -> ILogObserver | None:
    if settings.twistd_logs:
        return None
    observers: list[ILogObserver] = []
    if settings.console:
        observers.append(ConsoleObserver(sys.stdout, settings.detail))
    if settings.syslog:
        observers.append(SyslogObserver(settings.facility, settings.detail))
    return Observers(observers)
