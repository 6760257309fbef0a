"""TLS for checks: keepalived's way, which verifies nothing, and verification where asked for.

The work that all attempts share, reading trust roots above all, is done once a
process; OpenSSL's defaults decide on protocol versions and ciphers.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from OpenSSL import SSL, crypto
from service_identity import CertificateError, VerificationError
from service_identity.hazmat import DNS_ID, IPAddress_ID, verify_service_identity
from service_identity.pyopenssl import extract_patterns
from twisted.internet.interfaces import IOpenSSLClientConnectionCreator, IProtocol, IReactorTime
from twisted.internet.protocol import Factory
from twisted.protocols.tls import TLSMemoryBIOFactory
from zope.interface import implementer

from kaltwisted.config.model import ClientTls
from kaltwisted.pem import certificates, use_certificate, use_key

Refused = Callable[[str], object]
"""Told in words why a peer's certificate was not accepted, before the connection ends."""

# X509_V_ERR_* of OpenSSL's x509_vfy.h; older pyOpenSSL has no names for them.
_WORDS = {
    2: "certificate of an unknown authority",
    9: "certificate is not yet valid",
    10: "certificate has expired",
    18: "certificate is self-signed",
    19: "certificate of an unknown authority (self-signed root)",
    20: "certificate of an unknown authority",
    21: "certificate of an unknown authority",
    23: "certificate was revoked",
}


class Tls:
    """The TLS side of one check: puts protocols behind TLS.

    ``verify_name``: the DNS name or address that the certificate must be for,
    in a chain that ends at ``ca_file``, else at the client's ``ca``, else at the
    system's trust roots; None: anything goes.  ``client``: what we show of ourselves.
    """

    def __init__(
        self,
        reactor: IReactorTime,
        verify_name: str | None = None,
        ca_file: str | None = None,
        client: ClientTls | None = None,
    ) -> None:
        self._reactor = reactor
        self._verify_name = verify_name
        self._ca_file = ca_file
        self._client = client or ClientTls()

    def wrap(self, protocol: IProtocol, sni: str | None, refused: Refused) -> IProtocol:
        """A protocol that speaks TLS to a transport and plain text to ``protocol``.

        :raises OSError: ``ca_file`` can't be read, or holds no certificates.
        """
        verified = self._verify_name is not None
        try:
            context = _context(self._client, verified, self._ca_file if verified else None)
        except SSL.Error as unusable:
            raise OSError(explain(unusable)) from None
        return wrap(protocol, context, self._reactor, sni, self._verify_name, refused)

    @staticmethod
    def explain(error: BaseException | None) -> str:
        """Why a connection failed, in words."""
        return explain(error)


def wrap(
    protocol: IProtocol,
    context: SSL.Context,
    reactor: IReactorTime,
    sni: str | None = None,
    verify_name: str | None = None,
    refused: Refused | None = None,
) -> IProtocol:
    """Put ``protocol`` behind a TLS client of ``context``."""
    creator = _Creator(context, sni, verify_name, refused)
    factory = TLSMemoryBIOFactory(creator, True, _Only(protocol), reactor)
    return factory.buildProtocol(None)


class _Only(Factory):
    """A factory of the one protocol it was given, as TLSMemoryBIOFactory wants one."""

    noisy = False

    def __init__(self, protocol: IProtocol) -> None:
        self._protocol = protocol

    def buildProtocol(self, addr: Any) -> Any:
        return self._protocol


@implementer(IOpenSSLClientConnectionCreator)
class _Creator:
    """Makes the OpenSSL connection of one attempt."""

    def __init__(
        self, context: SSL.Context, sni: str | None, verify_name: str | None, refused: Refused | None
    ) -> None:
        self._context = context
        self._sni = sni
        self._verify_name = verify_name
        self._refused = refused

    def clientConnectionForTLS(self, tlsProtocol: Any) -> SSL.Connection:
        """As IOpenSSLClientConnectionCreator asks."""
        connection = SSL.Connection(self._context, None)
        name = self._sni or self._verify_name
        if name and not _is_address(name):
            # RFC 6066 §3: only DNS names are asked for.
            connection.set_tlsext_host_name(_ascii(name).encode())
        if self._verify_name is not None:
            connection.set_verify(SSL.VERIFY_PEER, _verifier(self._verify_name, self._refused))
        connection.set_connect_state()
        return connection


def _verifier(name: str, refused: Refused | None) -> Callable[..., bool]:
    expected = IPAddress_ID(name) if _is_address(name) else DNS_ID(_ascii(name))

    def verify(_connection: Any, certificate: crypto.X509, code: int, depth: int, ok: int) -> bool:
        problem = None
        if not ok:
            problem = _WORDS.get(code, f"certificate does not verify (OpenSSL's error {code})")
        elif depth == 0:
            try:
                verify_service_identity(extract_patterns(certificate), [expected], [])
            except VerificationError:
                problem = f"certificate is not for {name}"
            except CertificateError as unusable:
                problem = f"certificate names nobody: {unusable}"
        if problem is not None and refused is not None:
            refused(problem)
        return problem is None

    return verify


def client_context(certificate: bytes = b"", key: bytes = b"", password: bytes | None = None) -> SSL.Context:
    """A context that accepts any certificate, and may show one of its own (PEM, with its chain).

    :raises ValueError: there is no certificate or no private key in it, or the password is wrong.
    :raises SSL.Error: the two don't fit together.
    """
    context = SSL.Context(SSL.TLS_METHOD)
    context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
    if certificate:
        use_certificate(context, certificate)
    if key:
        use_key(context, key, password)
    return context


@lru_cache(maxsize=64)
def _context(client: ClientTls, verified: bool, ca_file: str | None) -> SSL.Context:
    context = client_context(client.certificate, client.key, client.password)
    if ca_file is not None:
        _readable(ca_file)
        context.load_verify_locations(ca_file)
    elif verified and client.ca:
        for each in certificates(client.ca):
            context.get_cert_store().add_cert(crypto.X509.from_cryptography(each))  # type: ignore[union-attr]
    elif verified:
        context.set_default_verify_paths()
    return context


def _readable(file: str) -> None:
    # OpenSSL would not say what is wrong.
    with Path(file).open("rb"):
        pass


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


def _ascii(name: str) -> str:
    return name if name.isascii() else name.encode("idna").decode("ascii")


def explain(error: BaseException | None) -> str:
    """OpenSSL's error in words, such as ``wrong version number``."""
    if isinstance(error, SSL.Error) and error.args and isinstance(error.args[0], list):
        return ", ".join(str(entry[-1]) for entry in error.args[0] if entry) or "TLS error"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error) or type(error).__name__
