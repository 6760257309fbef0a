"""What the block ``SSL`` names for ``SSL_GET``: PEM files, read at the start and at each reload.

They are read whether the configuration changed or not: a certificate is
renewed by writing another into its file, and reloading.
"""

from __future__ import annotations

from typing import Any

import attrs

from kaltwisted.config.findings import Finding, Severity
from kaltwisted.config.model import (
    Check,
    ClientTls,
    Configuration,
    HttpCheck,
    RealServer,
    SslContext,
    VirtualServer,
)
from kaltwisted.files import UnreadableError, contents


class _UnusableError(Exception):
    """Why a file cannot be used, in words without the pass phrase."""


def with_client_tls(configuration: Configuration) -> tuple[Configuration, tuple[Finding, ...]]:
    """The configuration whose ``SSL_GET`` have what is in these files, and what is to be said of the files.

    What cannot be used is left out: the checks run without it.
    """
    ssl = configuration.global_defs.ssl
    client = ClientTls()
    findings: list[Finding] = []
    for read in (_identity, _trusted):
        try:
            client = attrs.evolve(client, **read(ssl))
        except (_UnusableError, UnreadableError) as unusable:
            if ssl.where is not None:
                findings.append(Finding(Severity.ERROR, ssl.where, f"SSL: {unusable}"))
    if client == ClientTls():
        return configuration, tuple(findings)
    services = tuple(_service(each, client) for each in configuration.virtual_servers)
    return attrs.evolve(configuration, virtual_servers=services), tuple(findings)


def _identity(ssl: SslContext) -> dict[str, Any]:
    if ssl.certificate is None:
        if ssl.key is not None:
            raise _UnusableError(f"{ssl.key}: a key without a certificate is of no use")
        return {}
    certificate = contents(ssl.certificate)
    key = contents(ssl.key or ssl.certificate)
    # OpenSSL is 12 MB: only for who names a certificate.
    from OpenSSL import SSL

    from kaltwisted.healthcheck.tls import client_context, explain

    try:
        client_context(certificate, key, ssl.password)
    except (ValueError, SSL.Error) as unusable:
        files = " and ".join(filter(None, (ssl.certificate, ssl.key)))
        raise _UnusableError(f"{files}: {explain(unusable)}") from None
    return {"certificate": certificate, "key": key, "password": ssl.password}


def _trusted(ssl: SslContext) -> dict[str, Any]:
    if ssl.ca is None:
        return {}
    pem = contents(ssl.ca)
    from kaltwisted.pem import certificates

    try:
        certificates(pem)
    except ValueError as unusable:
        raise _UnusableError(f"{ssl.ca}: {unusable}") from None
    return {"ca": pem}


def _service(service: VirtualServer, client: ClientTls) -> VirtualServer:
    servers = tuple(_server(each, client) for each in service.real_servers)
    if all(new is old for new, old in zip(servers, service.real_servers, strict=True)):
        return service
    return attrs.evolve(service, real_servers=servers)


def _server(server: RealServer, client: ClientTls) -> RealServer:
    if not any(isinstance(each, HttpCheck) and each.tls is not None for each in server.checks):
        return server
    return attrs.evolve(server, checks=tuple(_check(each, client) for each in server.checks))


def _check(check: Check, client: ClientTls) -> Check:
    if not isinstance(check, HttpCheck) or check.tls is None:
        return check
    return attrs.evolve(check, tls=attrs.evolve(check.tls, client=client))
