"""TLS for the API: its certificate and key, read at the start and at each reload."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import attrs
from OpenSSL import SSL
from twisted.internet.interfaces import IOpenSSLServerConnectionCreator, IReactorTime
from twisted.internet.protocol import Factory
from twisted.protocols.tls import TLSMemoryBIOFactory
from zope.interface import implementer

from kaltwisted.files import UnreadableError, contents
from kaltwisted.pem import use_certificate, use_key


class TlsError(Exception):
    """The files cannot be used; in words."""


@attrs.frozen
class Tls:
    """A certificate with its key.  Two are equal when the same is in their files."""

    digest: bytes = attrs.field(repr=False)
    context: SSL.Context = attrs.field(eq=False, repr=False)

    @classmethod
    def read(cls, certificate: str, key: str) -> Tls:
        """PEM files, the certificate with its chain; one file may be both.

        :raises TlsError: one cannot be read, or the key is another certificate's.
        """
        try:
            pem = contents(certificate), contents(key)
        except UnreadableError as error:
            raise TlsError(str(error)) from None
        context = SSL.Context(SSL.TLS_SERVER_METHOD)
        context.set_min_proto_version(SSL.TLS1_2_VERSION)
        context.set_options(SSL.OP_NO_COMPRESSION)
        try:
            use_certificate(context, pem[0])
        except ValueError:
            raise TlsError(f"{certificate}: that is no certificate in PEM") from None
        try:
            use_key(context, pem[1])
        except (ValueError, SSL.Error):
            raise TlsError(
                f"{key}: that is not the certificate's key, in PEM and without a passphrase"
            ) from None
        return cls(hashlib.sha256(b"".join(pem)).digest(), context)


def behind(now: Callable[[], Tls], factory: Factory, clock: IReactorTime) -> Any:
    """The factory, with TLS in front of it.

    :param now: whose certificate a client that comes is shown: a reload may bring another.
    """
    found = TLSMemoryBIOFactory(_Creator(now), False, factory, clock)
    found.noisy = False
    return found


@implementer(IOpenSSLServerConnectionCreator)
class _Creator:
    """Makes the OpenSSL side of a connection."""

    def __init__(self, now: Callable[[], Tls]) -> None:
        self._now = now

    def serverConnectionForTLS(self, tlsProtocol: Any) -> SSL.Connection:
        """As IOpenSSLServerConnectionCreator asks."""
        connection = SSL.Connection(self._now().context, None)
        connection.set_accept_state()
        return connection
