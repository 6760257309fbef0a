"""From a check's block in the configuration to something that runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs

from kaltwisted.config import model
from kaltwisted.config.diff import same_but_timing
from kaltwisted.healthcheck.bfd import BfdCheck
from kaltwisted.healthcheck.connect import Connector
from kaltwisted.healthcheck.datagram import Datagrams
from kaltwisted.healthcheck.file import FileCheck, file_checks
from kaltwisted.healthcheck.http import Expectation, HttpCheck, host_and_port
from kaltwisted.healthcheck.known import Known
from kaltwisted.healthcheck.misc import MiscCheck
from kaltwisted.healthcheck.ping import PingCheck
from kaltwisted.healthcheck.ping_socket import Pings
from kaltwisted.healthcheck.smtp import SmtpCheck
from kaltwisted.healthcheck.tcp import TcpCheck
from kaltwisted.healthcheck.udp import UdpCheck
from kaltwisted.ports import ICheck, IScripts


@attrs.frozen
class Site:
    """Where a check is to run: whose it is, and what it may use (see ``build_check``)."""

    server: model.RealServer
    virtual_server: model.VirtualServer
    reactor: Any
    scripts: IScripts
    known: Known


Builder = Callable[[Any, Site], ICheck]


def build_check(
    check: model.Check,
    server: model.RealServer,
    virtual_server: model.VirtualServer,
    reactor: Any,
    scripts: IScripts,
    known: Known,
) -> ICheck:
    """Make the check of ``server`` that the configuration asks for.

    ``reactor`` provides IReactorTime and IReactorFDSet; ``known``: what others know.

    :raises KeyError: nothing builds this kind of check.
    """
    return BUILDERS[type(check)](check, Site(server, virtual_server, reactor, scripts, known))


def goes_on(
    old: tuple[model.Check, model.RealServer, model.VirtualServer],
    new: tuple[model.Check, model.RealServer, model.VirtualServer],
) -> bool:
    """Whether ``build_check`` would make the same check of both; their timing has no part in that."""
    (was, old_server, old_service), (check, server, service) = old, new
    if was is not check and not same_but_timing(was, check):
        return False
    if isinstance(check, model.FileCheck):
        files = [*file_checks(old_server)], [*file_checks(server)]
        return old_server.weight == server.weight and files[0] == files[1]
    if not isinstance(check, model.HttpCheck):
        return True
    names = old_server.virtualhost, old_service.virtualhost
    return names == (server.virtualhost, service.virtualhost)


def _tcp(check: model.TcpCheck, site: Site) -> ICheck:
    return TcpCheck(check, Connector(check.connection, site.reactor), site.reactor)


def _http(check: model.HttpCheck, site: Site) -> ICheck:
    connection, tls = check.connection, check.tls
    name = check.virtualhost or site.server.virtualhost or site.virtual_server.virtualhost
    host = name or host_and_port(connection.ip, connection.port)

    def sni_of(url: model.Url) -> str | None:
        if tls is None or not tls.enable_sni:
            return None
        return tls.sni_name or url.virtualhost or check.virtualhost or site.virtual_server.virtualhost

    expectations = tuple(Expectation.of(url, host, check.http_protocol, sni_of(url)) for url in check.urls)
    security = None
    if tls is not None:
        # OpenSSL is 12 MB and a tenth of a second: only for who speaks TLS.
        from kaltwisted.healthcheck.tls import Tls

        verify_name = tls.verify_name
        if verify_name == "":
            asked_for = tls.sni_name or check.urls[0].virtualhost if check.urls else None
            verify_name = asked_for or name or str(connection.ip)
        security = Tls(site.reactor, verify_name, tls.ca_file, tls.client)
    return HttpCheck(check, expectations, Connector(connection, site.reactor), site.reactor, security)


def _misc(check: model.MiscCheck, site: Site) -> ICheck:
    return MiscCheck(check, site.scripts)


def _smtp(check: model.SmtpCheck, site: Site) -> ICheck:
    return SmtpCheck(check, Connector(check.connection, site.reactor), site.reactor)


def _dns(check: model.DnsCheck, site: Site) -> ICheck:
    # Its library is for who asks.
    from kaltwisted.healthcheck.dns import DnsCheck
    from kaltwisted.healthcheck.dns_message import HEADER_SIZE

    return DnsCheck(check, Datagrams(check.connection, HEADER_SIZE, site.reactor), site.reactor)


def _udp(check: model.UdpCheck, site: Site) -> ICheck:
    # A byte more than may be tells what is too long.
    ask = Datagrams(check.connection, check.max_reply_length + 1, site.reactor)
    return UdpCheck(check, ask, site.reactor)


def _ping(check: model.PingCheck, site: Site) -> ICheck:
    return PingCheck(check, Pings(check.connection, site.reactor), site.reactor)


def _file(check: model.FileCheck, site: Site) -> ICheck:
    return FileCheck(check, site.server, site.known)


def _bfd(check: model.BfdCheck, site: Site) -> ICheck:
    return BfdCheck(check, site.known)


BUILDERS: dict[type, Builder] = {
    model.TcpCheck: _tcp,
    model.HttpCheck: _http,
    model.MiscCheck: _misc,
    model.SmtpCheck: _smtp,
    model.DnsCheck: _dns,
    model.UdpCheck: _udp,
    model.PingCheck: _ping,
    model.FileCheck: _file,
    model.BfdCheck: _bfd,
}
"""Who builds which kind of check; a check from elsewhere is one more entry."""
