"""A configuration as lines for the log (``-d``), in the layout of the 2002 user guide, part 8.3.

What the guide knows is worded as there.  Every other setting follows by its own
keyword wherever it is not at its default, so that nothing in force is missing.
Passwords are never shown.
"""

from __future__ import annotations

from collections.abc import Iterator

from kaltwisted.config.dump_settings import command, host, octal, others, seconds, yes
from kaltwisted.config.dump_vrrp import vrrp_topology
from kaltwisted.config.model import (
    BfdCheck,
    Check,
    Configuration,
    FileCheck,
    FirewallMark,
    ForwardingMethod,
    GlobalDefs,
    HttpCheck,
    Listen,
    MiscCheck,
    RealServer,
    ServerGroup,
    TcpCheck,
    Url,
    VirtualAddress,
    VirtualServer,
)
from kaltwisted.config.model_checks import kind
from kaltwisted.config.report import granularity


def dump(configuration: Configuration) -> Iterator[str]:
    """The lines, without time or ident in front."""
    yield "-----< Global definitions >-----"
    yield from _global_defs(configuration.global_defs)
    yield "-----< SSL definitions >-----"
    yield "  Using autogen SSL context"
    services = configuration.virtual_servers
    if services or configuration.virtual_server_groups:
        yield "-----< LVS Topology >-----"
        for group in configuration.virtual_server_groups:
            yield f"  Virtual Server Group = {group.name}"
            for entry in group.entries:
                yield f"    {entry}"
        for service in services:
            yield from _virtual_server(service)
        yield "-----< Health checkers >-----"
        for service in services:
            for server in service.real_servers:
                for check in server.checks:
                    yield from _check(service, server, check)
    if configuration.bfd_instances:
        yield "-----< BFD Topology >-----"
        for session in configuration.bfd_instances:
            yield f"  BFD Instance = {session.name}"
            yield f"    Neighbor IP = {session.neighbor}"
            yield from others(session, "name neighbor", "    ")
    topology = tuple(vrrp_topology(configuration))
    if topology:
        yield "-----< VRRP Topology >-----"
        yield from topology


# --- Global ------------------------------------------------------------------------------


def _global_defs(defs: GlobalDefs) -> Iterator[str]:
    if defs.router_id is not None:
        yield f"  LVS ID = {defs.router_id}"
    if defs.smtp_server is not None:
        port = "" if defs.smtp_server.port == 25 else f":{defs.smtp_server.port}"
        yield f"  Smtp server = {defs.smtp_server.host}{port}"
    yield f"  Smtp server connection timeout = {seconds(defs.smtp_connect_timeout_us)}"
    if defs.smtp_helo_name is not None:
        yield f"  Smtp HELO name = {defs.smtp_helo_name}"
    if defs.notification_email_from is not None:
        yield f"  Email notification from = {defs.notification_email_from}"
    for address in defs.notification_email:
        yield f"  Email notification = {address}"
    if defs.script_user is not None:
        yield f"  Script user = {':'.join(filter(None, defs.script_user))}"
    if defs.enable_script_security:
        yield "  Script security = yes"
    yield from others(
        defs,
        "router_id smtp_server smtp_connect_timeout_us smtp_helo_name notification_email_from"
        " notification_email script_user enable_script_security umask vrrp rx_bufs vrrp_process"
        " checker_process bfd_process api",
        "  ",
    )
    if defs.umask is not None:
        yield f"  umask = {octal(defs.umask)}"
    yield from others(defs.vrrp, "", "  vrrp_")
    yield from others(defs.rx_bufs, "", "  vrrp_rx_bufs_")
    yield from others(defs.vrrp_process, "", "  vrrp_")
    yield from others(defs.checker_process, "", "  checker_")
    yield from others(defs.bfd_process, "", "  bfd_")
    yield from others(defs.api, "", "  api_")


# --- LVS ---------------------------------------------------------------------------------


def _virtual_server(service: VirtualServer) -> Iterator[str]:
    listen = service.listen
    match listen:
        case FirewallMark():
            yield f"  VS FWMARK = {listen.mark}{', inet6' if listen.ipv6 else ''}"
        case ServerGroup():
            yield f"  VS GROUP = {listen.name}"
        case VirtualAddress():
            yield f"  VIP = {listen.address}, VPORT = {listen.port}"
    if service.virtualhost is not None:
        yield f"    VirtualHost = {service.virtualhost}"
    flags = "".join(f", {flag}" for flag in sorted(service.scheduler_flags))
    yield f"    delay_loop = {seconds(service.delay_loop_us)}, lb_algo = {service.lb_algo}{flags}"
    if service.persistence_timeout_s:
        yield f"    persistence timeout = {service.persistence_timeout_s}"
    if service.persistence_granularity is not None:
        yield f"    persistence granularity = {_granularity(listen, service.persistence_granularity)}"
    if service.persistence_engine is not None:
        yield f"    persistence engine = {service.persistence_engine}"
    yield f"    protocol = {service.protocol.name}"
    yield f"    lb_kind = {_kind(service.forwarding)}"
    if service.ops:
        yield "    one-packet scheduling = yes"
    if (service.quorum, service.hysteresis) != (1, 0):
        yield f"    quorum = {service.quorum}, hysteresis = {service.hysteresis}"
    if service.alpha or service.omega:
        yield f"    alpha = {yes(service.alpha)}, omega = {yes(service.omega)}"
    if service.ha_suspend:
        yield "    ha_suspend = yes"
    if service.quorum_up is not None:
        yield f"    quorum up notify script = {command(service.quorum_up)}"
    if service.quorum_down is not None:
        yield f"    quorum down notify script = {command(service.quorum_down)}"
    if service.smtp_alert:
        yield "    Using smtp notification"
    if service.sorry_server is not None:
        sorry = service.sorry_server
        inhibit = ", inhibit" if sorry.inhibit else ""
        kind = "" if sorry.forwarding == service.forwarding else f", lb_kind = {_kind(sorry.forwarding)}"
        yield f"    sorry server = {host(sorry.address)}:{sorry.port}{kind}{inhibit}"
    for server in service.real_servers:
        yield from _real_server(service, server)


def _granularity(listen: Listen, prefix: int) -> str:
    return granularity(prefix, listen.ipv6)


def _kind(forwarding: ForwardingMethod) -> str:
    if forwarding == ForwardingMethod(forwarding.method):
        return str(forwarding)
    port = f" port {forwarding.tunnel_port}" if forwarding.tunnel_port else ""
    return f"{forwarding} type {forwarding.tunnel_type.value}{port}"


def _real_server(service: VirtualServer, server: RealServer) -> Iterator[str]:
    line = f"    RIP = {server.address}, RPORT = {server.port}, WEIGHT = {server.weight}"
    if server.forwarding != service.forwarding:
        line += f", lb_kind = {_kind(server.forwarding)}"
    if server.inhibit_on_failure:
        line += ", inhibit_on_failure"
    yield line
    if server.notify_up is not None:
        yield f"      notify up script = {command(server.notify_up)}"
    if server.notify_down is not None:
        yield f"      notify down script = {command(server.notify_down)}"
    yield from others(
        server,
        "address port weight forwarding inhibit_on_failure notify_up notify_down checks",
        "      ",
        alpha=service.alpha,
        virtualhost=service.virtualhost,
    )


def _check(service: VirtualServer, server: RealServer, check: Check) -> Iterator[str]:
    yield f"  {host(server.address)}:{server.port}"
    yield f"    Keepalive method = {kind(check)}"
    if isinstance(check, BfdCheck):
        yield f"    Name = {check.name}"
    elif isinstance(check, FileCheck):
        yield f"    Tracked file = {check.track_file}"
        yield f"    weight = {check.weight}{' reverse' if check.reverse else ''}"
    elif isinstance(check, MiscCheck):
        yield f"    script = {command(check.script)}"
        yield f"    timeout = {seconds(check.timeout_us)}"
        yield f"    dynamic = {yes(check.dynamic)}"
    else:
        target = check.connection
        if (target.ip, target.port) != (server.address, server.port):
            yield f"    Connection = {host(target.ip)}:{target.port}"
        if target.bindto is not None:
            yield f"    Bind = {host(target.bindto)}:{target.bind_port}"
        yield f"    Connection timeout = {seconds(target.timeout_us)}"
        bound = "bind_port" if target.bindto is not None else ""
        yield from others(target, f"ip port bindto timeout_us {bound}", "    ")
    yield from _timing(service, server, check)
    if isinstance(check, HttpCheck):
        if check.virtualhost != service.virtualhost:
            yield f"    VirtualHost = {check.virtualhost}"
        yield from others(check, "timing connection urls virtualhost tls", "    ")
        if check.tls is not None:
            yield from others(check.tls, "", "    ")
        for url in check.urls:
            yield from _url(url)
    elif not isinstance(check, MiscCheck | TcpCheck | BfdCheck | FileCheck):
        yield from others(check, "timing connection", "    ")


def _timing(service: VirtualServer, server: RealServer, check: Check) -> Iterator[str]:
    timing = check.timing
    told = ""
    if not isinstance(check, TcpCheck) or timing.retry != 1:
        yield f"    Nb get retry = {timing.retry}"
        yield f"    Delay before retry = {seconds(timing.delay_before_retry_us)}"
        told = "retry delay_before_retry_us"
    yield from others(
        timing,
        told,
        "    ",
        delay_loop_us=service.delay_loop_us,
        warmup_us=timing.delay_loop_us,
        alpha=server.alpha,
    )


def _url(url: Url) -> Iterator[str]:
    yield f"    Checked url = {url.path},"
    if url.digest is not None:
        yield f"      digest = {url.digest}"
    if url.status_codes != ((200, 299),):
        codes = " ".join(str(low) if low == high else f"{low}-{high}" for low, high in url.status_codes)
        yield f"      status code = {codes}"
    if url.virtualhost is not None:
        yield f"      VirtualHost = {url.virtualhost}"
    if url.regex is not None:
        yield f"      regex{' (no match)' if url.regex_no_match else ''} = {url.regex}"
