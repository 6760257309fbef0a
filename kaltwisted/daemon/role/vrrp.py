"""The VRRP role: virtual routers and the adapters they need, wired together.

Imports neither health checks nor LVS: a process that only does VRRP stays small.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from twisted.application.service import Service
from twisted.internet.defer import (
    CancelledError,
    Deferred,
    DeferredList,
    DeferredLock,
    maybeDeferred,
    succeed,
)
from twisted.internet.task import deferLater
from twisted.internet.threads import deferToThreadPool
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from kaltwisted.alerts.mailer import Mailer
from kaltwisted.alerts.notify import TIMEOUT_US, NotifyQueue, nobody
from kaltwisted.alerts.scripts import ScriptService
from kaltwisted.config.diff import Changes
from kaltwisted.config.model import NETLINK_BUFFERS, Configuration, Nftables, VirtualIpAddress
from kaltwisted.daemon.ending import end_with
from kaltwisted.daemon.role import vrrp_reports
from kaltwisted.daemon.role.alarm import use_exact_timers
from kaltwisted.daemon.role.clock import use_monotonic_time
from kaltwisted.daemon.role.seam import FATAL, MISSING_PERMISSION, IRole
from kaltwisted.kernel.addresses import Addresses
from kaltwisted.kernel.addresses import why_not as why_no_addresses
from kaltwisted.kernel.ethernet import Ethernet
from kaltwisted.kernel.forwarding import Ipv6Forwarding
from kaltwisted.kernel.igmp import LocalIgmp
from kaltwisted.kernel.ipvs_sync import IpvsSyncDaemon
from kaltwisted.kernel.linkbeat import Linkbeat
from kaltwisted.kernel.links import Links
from kaltwisted.kernel.links import open_events as open_link_events
from kaltwisted.kernel.netlink_socket import NetlinkSockets, ReceiveBuffer
from kaltwisted.kernel.nftables import NftablesFirewall
from kaltwisted.kernel.process_events import Processes
from kaltwisted.kernel.process_events import open_events as open_process_events
from kaltwisted.kernel.remembered import RememberedAddresses
from kaltwisted.kernel.remembered_routing import RoutingRecord
from kaltwisted.kernel.routing import Routing
from kaltwisted.kernel.routing import open_events as open_routing_events
from kaltwisted.kernel.rtnetlink import NETLINK_ROUTE
from kaltwisted.kernel.virtual_links import VirtualLinks
from kaltwisted.kernel.watched_files import WatchedFiles
from kaltwisted.ports import (
    Fact,
    IAddresses,
    LinkEvent,
    LinkVanished,
    Note,
    WireError,
    unnoted,
)
from kaltwisted.vrrp.announce import Paces
from kaltwisted.vrrp.announcer import Announcer
from kaltwisted.vrrp.network import Network
from kaltwisted.vrrp.notifier import Notifier
from kaltwisted.vrrp.report_statistics import statistics
from kaltwisted.vrrp.service import VrrpService
from kaltwisted.vrrp.timers import startup_delay_us
from kaltwisted.vrrp.wire import RawWire
from kaltwisted.vrrp.wire import why_not as why_no_wire

STATE_FILE = "vrrp-addresses.json"
ROUTING_FILE = "vrrp-routing.json"
LINKS_FILE = "vrrp-links.json"
FIREWALL_FILE = "vrrp-firewall.json"


@implementer(IRole)
class VrrpRole(Service):
    """Runs one configuration's virtual routers.

    :param reactor: the running reactor; everything below gets it from here.
    :param state_directory: private to this daemon; what must survive a ``kill -9`` lies there.
    :param keep_addresses: leave the virtual addresses in place at stop (keepalived: ``-V``).
    :param fifo: takes lines for the notify FIFOs.
    :param note: hears of state changes.
    :param log_detail: log also what there is much of (keepalived: ``-D``).
    :raises WireError: this process may not open raw sockets; the words say what would help.
    """

    _log = Logger()

    def __init__(
        self,
        configuration: Configuration,
        reactor: Any,
        *,
        state_directory: Path | None = None,
        keep_addresses: bool = False,
        fifo: Callable[[str], object] = nobody,
        note: Note = unnoted,
        log_detail: bool = False,
    ) -> None:
        why = why_no_wire() or why_no_addresses()
        if why is not None:
            raise WireError(why)
        if not use_monotonic_time(reactor):
            self._log.debug("The reactor follows the time of day")
        if not use_exact_timers(reactor):
            self._log.debug("The reactor rounds delays up to milliseconds")
        self._configuration = configuration
        self._reactor = reactor
        self.scripts = ScriptService(reactor, configuration.global_defs)
        self.mail = Mailer(reactor, configuration.global_defs)
        self._sockets = {name: NetlinkSockets(each) for name, each in _buffers(configuration)}
        ask = partial(self._sockets["vrrp_netlink_cmd"].open, NETLINK_ROUTE)
        monitor, processes = self._sockets["vrrp_netlink_monitor"], self._sockets["process_monitor"]
        links = Links(reactor, partial(open_link_events, monitor.open))
        addresses: IAddresses = Addresses(reactor, ask)
        self._remembered: RememberedAddresses | None = None
        if state_directory is not None:
            addresses = self._remembered = RememberedAddresses(addresses, state_directory / STATE_FILE)
        self._frames = Ethernet(reactor)
        self._announcer = announcer = Announcer(
            reactor,
            self._frames,
            links.link,
            paces=Paces.of(configuration),
            forwards=Ipv6Forwarding(reactor.seconds),
            log_each=log_detail,
        )
        firewall = NftablesFirewall(
            configuration.global_defs.nftables or Nftables(),
            None if state_directory is None else state_directory / FIREWALL_FILE,
        )
        self._sync_daemon = IpvsSyncDaemon(reactor)
        self._igmp = LocalIgmp()
        links.watch(self._forget)
        self.vrrp = VrrpService(
            configuration,
            reactor,
            Network(
                links,
                addresses,
                RawWire(reactor),
                announcer,
                Routing(
                    reactor,
                    links.link,
                    RoutingRecord(None if state_directory is None else state_directory / ROUTING_FILE),
                    ask,
                    partial(open_routing_events, monitor.open),
                ),
                VirtualLinks(reactor, links, state_directory and state_directory / LINKS_FILE, ask),
                firewall,
                Processes(reactor, partial(open_process_events, open_socket=processes.open)),
                WatchedFiles(reactor),
                Linkbeat(lambda call: deferToThreadPool(reactor, reactor.getThreadPool(), call)),
            ),
            self.scripts,
            Notifier(
                configuration,
                NotifyQueue(self.scripts, timeout_us=TIMEOUT_US),
                self.mail,
                self._sync_daemon,
                fifo,
            ),
            note=note,
            keep_addresses=keep_addresses,
            startup_delay_us=startup_delay_us(configuration.global_defs, _up_us()),
        )
        self.lateness = self.vrrp.lateness
        self._beginning: Deferred[None] | None = None
        # Starting, and one reload after the other.
        self._turn = DeferredLock()

    def startService(self) -> None:
        """Read the network's state; once it is known, start the virtual routers."""
        super().startService()
        for service in (self.scripts, self.mail, self.vrrp):
            service.startService()
        self._turn.run(self._begin)

    def _begin(self) -> Deferred[None]:
        self._beginning = Deferred.fromCoroutine(self._start_up())
        return self._beginning.addCallbacks(self._begun, self._not_begun)

    async def _start_up(self) -> None:
        if self._remembered is not None:
            await self._remembered.remove_leftovers(_virtual(self._configuration))
        # Before the sockets join their groups.
        self._igmp.disable(self._configuration.global_defs.disable_local_igmp)
        await self.vrrp.begin()

    def stopService(self) -> Deferred[None]:
        """Hand over first, then end what tells people; fires when all of it is done."""
        super().stopService()
        if self._beginning is not None:
            self._beginning.cancel()
        stopping: Deferred[Any] = self.vrrp.stopService()
        stopping.addErrback(lambda failure: self._log.failure("Stopping VRRP", failure))
        stopping.addCallback(lambda _: self._stop_telling())
        stopping.addCallback(lambda _: self._close())
        return stopping

    # -- IRole --------------------------------------------------------------------------

    def let_go(self) -> None:
        """Addresses cannot be left to a successor: the peers take them, as at every stop."""

    def learn(self, fact: Fact) -> None:
        """Virtual routers may track it, or an operator steers them."""
        self.vrrp.learn(fact)

    def foresee(self, fact: Fact) -> str:
        """Whether others are there to take over, a master cannot know: backups are silent."""
        return ""

    def run_checks(self, target: str) -> Deferred[str]:
        """It has none."""
        return succeed("[]")

    def apply(self, changes: Changes) -> Deferred[None]:
        """Run another configuration from now on; virtual routers that stay keep their state.

        Fires when the addresses are as they should be.  Takes its turn after the start.
        """
        return self._turn.run(self._apply, changes).addErrback(self._not_applied)

    def _apply(self, changes: Changes) -> Deferred[None]:
        if not self.running:
            return succeed(None)
        before, self._configuration = self._configuration.global_defs, changes.configuration
        global_defs = self._configuration.global_defs
        if changes.global_defs:
            self.scripts.reconfigure(global_defs)
            self.mail.reconfigure(global_defs)
            self._igmp.disable(global_defs.disable_local_igmp)
            for name, each in _buffers(self._configuration):
                self._sockets[name].resize(each)
        self._announcer.reconfigure(Paces.of(self._configuration))
        if before.nftables != global_defs.nftables:
            self._log.warn("Changed nftables settings take effect at the next start")
        tracked = changes.vrrp_track_processes, changes.track_files, changes.bfd_instances
        if not (changes.vrrp or any(tracked)):
            self.vrrp.follow_again()
            return succeed(None)
        return Deferred.fromCoroutine(self.vrrp.reconfigure(self._configuration))

    def _not_applied(self, failure: Failure) -> None:
        if not failure.check(CancelledError):
            self._log.failure("Reloading VRRP", failure)

    # -- the parts ----------------------------------------------------------------------

    def _begun(self, _: None) -> None:
        self._beginning = None

    def _not_begun(self, failure: Failure) -> None:
        self._beginning = None
        if failure.check(CancelledError):
            return
        if failure.check(WireError):
            self._log.critical("{why}", why=failure.getErrorMessage())
            end_with(self._reactor, MISSING_PERMISSION)
        else:
            self._log.failure("VRRP does not start", failure)
            end_with(self._reactor, FATAL)

    def _stop_telling(self) -> Deferred[Any]:
        stopping: list[Deferred[Any]] = [self.scripts.stopService(), maybeDeferred(self.mail.stopService)]
        return DeferredList(stopping)

    def _forget(self, event: LinkEvent) -> None:
        if isinstance(event, LinkVanished):
            self._frames.close(event.link.index)

    def _close(self) -> Deferred[None]:
        self._frames.stop()
        # The reactor closes sockets in its next turn, and that they leave their groups is a report, too.
        # It is waited for: a role that has ended leaves the host's setting as it was.
        quiet = deferLater(self._reactor, 0, self._igmp.disable, False)
        return quiet.addCallback(lambda _: self._sync_daemon.stop())

    # -- what it tells of itself --------------------------------------------------------

    def data(self) -> Iterator[str]:
        """The lines of ``keepalived.data``, made as they are asked for."""
        return vrrp_reports.data(self._configuration, self.vrrp, self._reactor)

    def statistics(self) -> Iterator[str]:
        """The lines of ``keepalived.stats``."""
        return statistics(self.vrrp.router)

    def json(self, version: int) -> Iterator[str]:
        """``keepalived.json`` in pieces; nothing or a line end may stand between them."""
        return vrrp_reports.json(self._configuration, self.vrrp, self._reactor, version)

    def status(self) -> Iterator[str]:
        """``vrrp`` of the status document in pieces."""
        return vrrp_reports.status(self._configuration, self.vrrp, self._reactor)

    def clear_statistics(self) -> None:
        """Count from 0 again (keepalived: SIGRTMAX-1)."""
        vrrp_reports.clear_statistics(self.vrrp)


def _up_us() -> int:
    """How long this machine has been up."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1000


def _buffers(configuration: Configuration) -> Iterator[tuple[str, ReceiveBuffer]]:
    defs = configuration.global_defs
    for name in NETLINK_BUFFERS:
        size, force = getattr(defs, f"{name}_rcv_bufs"), getattr(defs, f"{name}_rcv_bufs_force")
        yield name, ReceiveBuffer(size, force)


def _virtual(configuration: Configuration) -> frozenset[VirtualIpAddress]:
    return frozenset(
        vip
        for each in configuration.vrrp_instances
        for vip in each.virtual_ipaddress + each.virtual_ipaddress_excluded
    ) | frozenset(configuration.static_ipaddress)
