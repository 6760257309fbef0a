"""The VRRP role: virtual routers and the adapters they need, wired together.

Imports neither health checks nor LVS: a process that only does VRRP stays small.
"""

from __future__ import annotations

from typing import Any

from twisted.application.service import Service
from twisted.internet.defer import CancelledError, Deferred, DeferredList, maybeDeferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from kaltwisted.alerts.mailer import mailer_for
from kaltwisted.alerts.notify import NotifyQueue
from kaltwisted.alerts.scripts import ScriptService
from kaltwisted.config.model import Configuration
from kaltwisted.daemon.alarm import use_exact_timers
from kaltwisted.daemon.clock import use_monotonic_time
from kaltwisted.daemon.process import tame_garbage_collection
from kaltwisted.kernel.addresses import Addresses
from kaltwisted.kernel.ethernet import Ethernet
from kaltwisted.kernel.ipvs_sync import IpvsSyncDaemon
from kaltwisted.kernel.links import Links
from kaltwisted.ports import LinkEvent, LinkVanished, WireError
from kaltwisted.vrrp.announcer import Announcer
from kaltwisted.vrrp.notifier import Notifier
from kaltwisted.vrrp.service import Network, VrrpService
from kaltwisted.vrrp.wire import RawWire, why_not

# A notify script that hangs may not hold back the ones after it for ever.
NOTIFY_TIMEOUT_US = 300_000_000


class VrrpRole(Service):
    """Runs one configuration's virtual routers.

    :param reactor: the running reactor; everything below gets it from here.
    :param keep_addresses: leave the virtual addresses in place at stop (keepalived: ``-V``).
    :raises WireError: this process may not open raw sockets; the words say what would help.
    """

    _log = Logger()

    def __init__(self, configuration: Configuration, reactor: Any, *, keep_addresses: bool = False) -> None:
        why = why_not()
        if why is not None:
            raise WireError(why)
        if not use_monotonic_time(reactor):
            self._log.debug("The reactor follows the time of day")
        if not use_exact_timers(reactor):
            self._log.debug("The reactor rounds delays up to milliseconds")
        self.scripts = ScriptService(reactor, configuration.global_defs)
        self.mail = mailer_for(reactor, configuration.global_defs)
        links = Links(reactor)
        addresses = Addresses(reactor)
        self._frames = Ethernet()
        defaults = configuration.global_defs.vrrp
        announcer = Announcer(
            reactor,
            self._frames,
            links.link,
            garp_interval_us=defaults.garp_interval_us,
            gna_interval_us=defaults.gna_interval_us,
        )
        self._sync_daemon = IpvsSyncDaemon(reactor)
        links.watch(self._forget)
        self.vrrp = VrrpService(
            configuration,
            reactor,
            Network(links, addresses, RawWire(reactor), announcer),
            self.scripts,
            Notifier(
                configuration,
                NotifyQueue(self.scripts, timeout_us=NOTIFY_TIMEOUT_US),
                self.mail,
                self._sync_daemon,
            ),
            keep_addresses=keep_addresses,
        )
        self._beginning: Deferred[None] | None = None

    def startService(self) -> None:
        """Read the network's state; once it is known, start the virtual routers."""
        super().startService()
        for service in (self.scripts, self.mail, self.vrrp):
            service.startService()
        self._beginning = Deferred.fromCoroutine(self.vrrp.begin())
        self._beginning.addCallbacks(self._begun, self._not_begun)

    def stopService(self) -> Deferred[None]:
        """Hand over first, then end what tells people; fires when all of it is done."""
        super().stopService()
        if self._beginning is not None:
            self._beginning.cancel()
        stopping: Deferred[Any] = self.vrrp.stopService()
        stopping.addErrback(lambda failure: self._log.failure("Stopping VRRP", failure))
        stopping.addCallback(
            lambda _: DeferredList(
                [maybeDeferred(self.scripts.stopService), maybeDeferred(self.mail.stopService)]
            )
        )
        stopping.addCallback(lambda _: self._close())
        return stopping

    def _begun(self, _: None) -> None:
        self._beginning = None
        tame_garbage_collection()

    def _not_begun(self, failure: Failure) -> None:
        self._beginning = None
        if failure.check(CancelledError):
            return
        if failure.check(WireError):
            self._log.critical("{why}", why=failure.getErrorMessage())
        else:
            self._log.failure("VRRP does not start", failure)

    def _forget(self, event: LinkEvent) -> None:
        if isinstance(event, LinkVanished):
            self._frames.close(event.link.index)

    def _close(self) -> None:
        self._frames.stop()
        self._sync_daemon.stop()
