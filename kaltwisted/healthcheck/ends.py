"""Where a check's sockets go to and come from: addresses, ports, ``bind_if`` and ``fwmark``."""

from __future__ import annotations

import os
import socket
import struct
from typing import Any

from kaltwisted.config import model

_SO_BINDTODEVICE = 25
_SO_MARK = 36
_IP_BIND_ADDRESS_NO_PORT = 24
_RESET_AT_CLOSE = struct.pack("ii", 1, 0)


class Ends:
    """Both ends of a check's sockets, as its ``Connection`` says.

    ``plain``: ``prepare`` has nothing to do.
    """

    __slots__ = ("_connection", "_target", "family", "plain")

    def __init__(self, connection: model.Connection) -> None:
        self._connection = connection
        self.family = socket.AF_INET if connection.ip.version == 4 else socket.AF_INET6
        self._target = socket_address(connection.ip, connection.port)
        self.plain = not (
            connection.bindto or connection.bind_port or connection.bind_if or connection.fwmark
        )

    def target(self) -> tuple[Any, ...]:
        """The far end, as ``connect`` takes it."""
        if len(self._target) > 2:
            # The interface may have come, or come back, since.
            return socket_address(self._connection.ip, self._connection.port)
        return self._target

    def prepare(self, sock: socket.socket) -> None:
        """Give a socket that is not connected yet its near end.

        :raises OSError: there is no such address or interface, or it is not for us.
        """
        wanted = self._connection
        if wanted.fwmark:
            sock.setsockopt(socket.SOL_SOCKET, _SO_MARK, wanted.fwmark)
        if wanted.bind_if:
            sock.setsockopt(socket.SOL_SOCKET, _SO_BINDTODEVICE, wanted.bind_if.encode() + b"\0")
        if wanted.bind_port:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            # A fixed port can't wait out TIME_WAIT until the next run.
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_AT_CLOSE)
        elif wanted.bindto and wanted.port:
            # Else bind takes a port of the whole machine's for every connection, and they run out.
            sock.setsockopt(socket.SOL_IP, _IP_BIND_ADDRESS_NO_PORT, 1)
        if wanted.bindto or wanted.bind_port:
            anywhere = "0.0.0.0" if self.family == socket.AF_INET else "::"
            source = socket_address(wanted.bindto, wanted.bind_port) if wanted.bindto else None
            sock.bind(source or (anywhere, wanted.bind_port))


def socket_address(ip: model.Address, port: int) -> tuple[Any, ...]:
    """As ``connect`` and ``bind`` take it; a scope without an interface is left out, and they will say so."""
    scope = getattr(ip, "scope_id", None)
    if scope is None:
        return (str(ip), port)
    try:
        index = socket.if_nametoindex(scope)
    except OSError:
        index = 0
    return (str(ip).partition("%")[0], port, 0, index)


def os_error(number: int) -> OSError:
    """As the system would raise it."""
    return OSError(number, os.strerror(number))
