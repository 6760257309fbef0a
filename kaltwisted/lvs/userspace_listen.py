"""Sockets on virtual addresses: bound as soon as it is possible, with one clear line while it is not."""

from __future__ import annotations

import errno
import socket
from collections.abc import Callable
from ipaddress import ip_address
from typing import TYPE_CHECKING

from twisted.internet.interfaces import IReactorFDSet, IReactorTime
from twisted.logger import Logger

from kaltwisted.config.model import Address
from kaltwisted.lvs.table import ServiceKey

if TYPE_CHECKING:
    from twisted.internet.interfaces import IDelayedCall

RETRY_S = 2.0

# linux/in.h, linux/in6.h: bind to an address that this host does not have (yet).
_IP_FREEBIND = 15
_IPV6_FREEBIND = 78

_REMEDIES = {
    errno.EADDRINUSE: "another program has this port: stop it, or use another address (`ss -lnp` names it)",
    errno.EACCES: (
        "ports below 1024 need CAP_NET_BIND_SERVICE, "
        "or a lower net.ipv4.ip_unprivileged_port_start (`sysctl`)"
    ),
    errno.EADDRNOTAVAIL: (
        "this host does not have the address: add it (`ip address add`), "
        "or allow it by net.ipv4.ip_nonlocal_bind / net.ipv6.ip_nonlocal_bind"
    ),
    errno.EMFILE: "raise the limit on open files (LimitNOFILE, `ulimit -n`)",
}
_NO_REMEDY = "nothing known helps"


class IReactor(IReactorFDSet, IReactorTime):
    """What is needed of a reactor."""


def family_of(address: Address) -> socket.AddressFamily:
    """The address family for sockets."""
    return socket.AF_INET6 if address.version == 6 else socket.AF_INET


def address_of(text: str) -> Address:
    """A client's address as a value, without the scope that a link-local one has."""
    return ip_address(text.partition("%")[0])


class Listening:
    """A socket bound to a service's address and port.

    ``bound(socket)`` is called when it is; until then it is tried again every
    ``RETRY_S`` seconds, and each new reason is logged once, with its remedy.
    """

    log = Logger()

    def __init__(
        self,
        reactor: IReactorTime,
        key: ServiceKey,
        socket_type: socket.SocketKind,
        bound: Callable[[socket.socket], None],
    ) -> None:
        self._reactor = reactor
        self._key = key
        self._type = socket_type
        self._bound = bound
        self._socket: socket.socket | None = None
        self._retry: IDelayedCall | None = None
        self._reason: int | None = None

    def start(self) -> None:
        """Try now."""
        self._retry = None
        try:
            listening = self._bind()
            try:
                self._bound(listening)
            except OSError:
                listening.close()
                raise
        except OSError as error:
            self._failed(error)
            return
        self._socket = listening
        if self._reason is not None:
            self._reason = None
            self.log.info("{service}: listening now", service=str(self._key))

    def stop(self) -> None:
        """Close it, or stop trying."""
        if self._retry is not None:
            self._retry.cancel()
            self._retry = None
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _bind(self) -> socket.socket:
        address = (str(self._key.address), self._key.port)
        listening = socket.socket(socket.AF_INET6 if self._key.ipv6 else socket.AF_INET, self._type)
        try:
            listening.setblocking(False)
            if self._type is socket.SOCK_STREAM:
                listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if self._key.ipv6:
                listening.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            try:
                listening.bind(address)
            except OSError as error:
                if error.errno != errno.EADDRNOTAVAIL:
                    raise
                self._allow_foreign_address(listening, error)
                listening.bind(address)
                self.log.info(
                    "{service}: this host does not have the address yet; clients get here once it has",
                    service=str(self._key),
                )
        except OSError:
            listening.close()
            raise
        return listening

    def _allow_foreign_address(self, listening: socket.socket, refusal: OSError) -> None:
        try:
            if self._key.ipv6:
                listening.setsockopt(socket.IPPROTO_IPV6, _IPV6_FREEBIND, 1)
            else:
                listening.setsockopt(socket.IPPROTO_IP, _IP_FREEBIND, 1)
        except OSError:
            # Not every kernel (or sandbox) knows the option: then the first reason stands.
            raise refusal from None

    def _failed(self, error: OSError) -> None:
        self._retry = self._reactor.callLater(RETRY_S, self.start)
        if error.errno == self._reason:
            return
        self._reason = error.errno
        self.log.error(
            "{service}: cannot listen: {reason}; {remedy}. Trying again every {seconds:g} s.",
            service=str(self._key),
            reason=error.strerror,
            remedy=_REMEDIES.get(error.errno or 0, _NO_REMEDY),
            seconds=RETRY_S,
        )
