"""What ``global_defs`` say of IPVS as a whole: timeouts, and a sync daemon that follows nobody."""

from __future__ import annotations

from collections.abc import Callable

from twisted.logger import Logger

from kaltwisted.config.model import GlobalDefs, LvsSyncDaemon, LvsTimeouts
from kaltwisted.kernel.ipvs_sync import IpvsSyncDaemon
from kaltwisted.kernel.messages import MalformedError, NetlinkError
from kaltwisted.kernel.netlink import Reactor
from kaltwisted.kernel.netlink_socket import NetlinkSocket
from kaltwisted.lvs.ipvs_kernel import IpvsKernel
from kaltwisted.ports import SyncRole


class IpvsSettings:
    """Makes them so, and at the end as they were.  What the kernel refuses is only logged."""

    _log = Logger()

    def __init__(self, reactor: Reactor, kernel: IpvsKernel, connect: Callable[[], NetlinkSocket]) -> None:
        self._kernel = kernel
        self._sync_daemon = IpvsSyncDaemon(reactor, connect)
        # What the timeouts were before ours, and the sync daemon that runs; None: there are none of ours.
        self._earlier: LvsTimeouts | None = None
        self._sync: LvsSyncDaemon | None = None

    async def make_so(self, defs: GlobalDefs) -> None:
        """Also what somebody has changed by hand (keepalived does so at the start and at reloads)."""
        await self._set_timeouts(defs.lvs_timeouts)
        sync = defs.lvs_sync_daemon
        if sync is None or sync.instance is None:
            await self._run_sync(sync)
        else:
            # The VRRP role's from now on, which replaces ours; who ended it now might end that one.
            self._sync = None

    async def undo(self) -> None:
        """As before our start."""
        await self._set_timeouts(LvsTimeouts())
        await self._run_sync(None)
        await self._sync_daemon.stop()

    async def _set_timeouts(self, wanted: LvsTimeouts) -> None:
        """What is not wanted any more is as it was."""
        none, earlier = LvsTimeouts(), self._earlier
        if wanted == none and earlier is None:
            return
        try:
            if earlier is None:
                earlier = await self._kernel.read_timeouts()
            await self._kernel.set_timeouts(
                LvsTimeouts(
                    wanted.tcp or earlier.tcp, wanted.tcpfin or earlier.tcpfin, wanted.udp or earlier.udp
                )
            )
            self._earlier = None if wanted == none else earlier
        except (NetlinkError, MalformedError) as error:
            self._log.error("lvs_timeouts: {error}", error=error)

    async def _run_sync(self, wanted: LvsSyncDaemon | None) -> None:
        settings = wanted or self._sync
        if settings is None:
            return
        roles = frozenset(SyncRole) if wanted is not None else frozenset[SyncRole]()
        why = await self._sync_daemon.run(roles, settings)
        if why is not None:
            self._log.error("lvs_sync_daemon: {why}", why=why)
        self._sync = wanted
