"""The kernel's IPVS connection synchronisation, switched by generic netlink (linux/ip_vs.h, NEW_DAEMON).

One thread multicasts the connections of the active director, and one listens on
the other; which of them runs follows a VRRP instance, or both do (keepalived:
``lvs_sync_daemon``).
"""

from __future__ import annotations

import errno
import struct
from collections.abc import Callable
from functools import partial

from twisted.internet.defer import Deferred, DeferredLock
from zope.interface import implementer

from kaltwisted.config.model import LvsSyncDaemon
from kaltwisted.kernel.generic import find_family, generic_header, open_generic
from kaltwisted.kernel.messages import NLA_F_NESTED, NetlinkError, Request, attribute
from kaltwisted.kernel.netlink import Netlink, Reactor
from kaltwisted.kernel.netlink_socket import NetlinkSocket
from kaltwisted.ports import ISyncDaemon, SyncRole

FAMILY = "IPVS"

_NEW_DAEMON = 9
_DEL_DAEMON = 10
_ATTR_DAEMON = 3
_STATE = 1
_MCAST_IFN = 2
_SYNC_ID = 3
_MAXLEN = 4
_GROUP = {4: 5, 6: 6}
_PORT = 7
_TTL = 8
_U32 = struct.Struct("=I")
_U16 = struct.Struct("=H")
_NUMBERS = {SyncRole.MASTER: 1, SyncRole.BACKUP: 2}
# What a removal says of a daemon that is not running.
_NOT_RUNNING = frozenset((errno.ESRCH, errno.ENOENT))


def start_request(family: int, role: SyncRole, settings: LvsSyncDaemon) -> Request:
    """Start one of the daemons; EEXIST when it runs.  What ``settings`` do not say the kernel chooses."""
    daemon = attribute(_STATE, _U32.pack(_NUMBERS[role]))
    daemon += attribute(_MCAST_IFN, settings.interface.encode() + b"\0")
    daemon += attribute(_SYNC_ID, _U32.pack(settings.sync_id or 0))
    if settings.maxlen is not None:
        daemon += attribute(_MAXLEN, _U16.pack(settings.maxlen))
    if settings.group is not None:
        daemon += attribute(_GROUP[settings.group.version], settings.group.packed)
    if settings.port is not None:
        daemon += attribute(_PORT, _U16.pack(settings.port))
    if settings.ttl is not None:
        daemon += attribute(_TTL, bytes((settings.ttl,)))
    return _request(family, _NEW_DAEMON, daemon, f"start the IPVS sync daemon as {role.value}")


def end_request(family: int, role: SyncRole) -> Request:
    """End one of the daemons."""
    daemon = attribute(_STATE, _U32.pack(_NUMBERS[role]))
    return _request(family, _DEL_DAEMON, daemon, f"end the IPVS sync daemon as {role.value}")


def _request(family: int, command: int, daemon: bytes, attempted: str) -> Request:
    payload = generic_header(command) + attribute(_ATTR_DAEMON | NLA_F_NESTED, daemon)
    return Request(family, payload, attempted=attempted)


@implementer(ISyncDaemon)
class IpvsSyncDaemon:
    """Switches the kernel's daemons; its socket is opened when first needed."""

    def __init__(self, reactor: Reactor, connect: Callable[[], NetlinkSocket] = open_generic) -> None:
        self._reactor = reactor
        self._connect = connect
        self._netlink: Netlink | None = None
        self._family: int | None = None
        self._turns = DeferredLock()
        # What the running one was started with; None: not known.
        self._settings: LvsSyncDaemon | None = None

    def run(self, roles: frozenset[SyncRole], settings: LvsSyncDaemon) -> Deferred[str | None]:
        """Be these from now on."""
        switch = partial(self._switch, roles, settings)
        return self._turns.run(lambda: Deferred.fromCoroutine(switch()))

    def stop(self) -> Deferred[None]:
        """Ask the kernel for no more, once what was asked for is done; the daemons stay as they are then."""
        return self._turns.run(self._close)

    def _close(self) -> None:
        if self._netlink is not None:
            netlink, self._netlink = self._netlink, None
            netlink.close()

    async def _switch(self, roles: frozenset[SyncRole], settings: LvsSyncDaemon) -> str | None:
        try:
            if self._netlink is None:
                self._netlink = Netlink(self._reactor, self._connect)
            if self._family is None:
                self._family = await find_family(self._netlink, FAMILY)
            if self._family is None:
                return "the kernel has no IPVS (modprobe ip_vs)"
            for each in SyncRole:
                if each not in roles or self._settings != settings:
                    await self._end(self._netlink, self._family, each)
            self._settings = None
            for each in roles:
                await self._start(self._netlink, self._family, each, settings)
            self._settings = settings
        except (NetlinkError, OSError) as error:
            return str(error)
        return None

    async def _end(self, netlink: Netlink, family: int, role: SyncRole) -> None:
        try:
            await netlink.request(end_request(family, role))
        except NetlinkError as error:
            if error.errno not in _NOT_RUNNING:
                raise

    async def _start(self, netlink: Netlink, family: int, role: SyncRole, settings: LvsSyncDaemon) -> None:
        try:
            await netlink.request(start_request(family, role, settings))
        except NetlinkError as error:
            if error.errno != errno.EEXIST:
                raise
