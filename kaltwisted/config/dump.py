"""A configuration as lines for the log (``-d``), in the layout of the 2002 user guide, part 8.3.

What the guide does not know follows its style.  Passwords are never shown.
"""

from __future__ import annotations

from collections.abc import Iterator

from kaltwisted.config.findings import MASK
from kaltwisted.config.model import (
    SECOND_US,
    Check,
    Configuration,
    FirewallMark,
    GlobalDefs,
    HttpCheck,
    MiscCheck,
    RealServer,
    TcpCheck,
    Url,
    VirtualIpAddress,
    VirtualServer,
    VrrpInstance,
    VrrpSyncGroup,
)


def dump(configuration: Configuration) -> Iterator[str]:
    """The lines, without time or ident in front."""
    yield "-----< Global definitions >-----"
    yield from _global_defs(configuration.global_defs)
    yield "-----< SSL definitions >-----"
    yield "  Using autogen SSL context"
    if configuration.virtual_servers:
        yield "-----< LVS Topology >-----"
        for service in configuration.virtual_servers:
            yield from _virtual_server(service)
        yield "-----< Health checkers >-----"
        for service in configuration.virtual_servers:
            for server in service.real_servers:
                for check in server.checks:
                    yield from _check(service, server, check)
    if configuration.vrrp_instances or configuration.vrrp_sync_groups:
        yield "-----< VRRP Topology >-----"
        for instance in configuration.vrrp_instances:
            yield from _instance(instance)
        for group in configuration.vrrp_sync_groups:
            yield from _sync_group(group)


def _seconds(microseconds: int) -> str:
    """``3``, ``0.5``: as short as it can be."""
    return f"{microseconds / SECOND_US:.6f}".rstrip("0").rstrip(".")


def _yes(flag: bool) -> str:
    return "yes" if flag else "no"


def _global_defs(defs: GlobalDefs) -> Iterator[str]:
    if defs.router_id is not None:
        yield f"  LVS ID = {defs.router_id}"
    if defs.smtp_server is not None:
        port = "" if defs.smtp_server.port == 25 else f":{defs.smtp_server.port}"
        yield f"  Smtp server = {defs.smtp_server.host}{port}"
    yield f"  Smtp server connection timeout = {_seconds(defs.smtp_connect_timeout_us)}"
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


def _virtual_server(service: VirtualServer) -> Iterator[str]:
    if isinstance(service.listen, FirewallMark):
        yield f"  VS FWMARK = {service.listen.mark}{', inet6' if service.listen.ipv6 else ''}"
    else:
        yield f"  VIP = {service.listen.address}, VPORT = {service.listen.port}"
    if service.virtualhost is not None:
        yield f"    VirtualHost = {service.virtualhost}"
    flags = "".join(f", {flag}" for flag in sorted(service.scheduler_flags))
    yield f"    delay_loop = {_seconds(service.delay_loop_us)}, lb_algo = {service.lb_algo}{flags}"
    if service.persistence_timeout_s:
        yield f"    persistence timeout = {service.persistence_timeout_s}"
    if service.persistence_granularity is not None:
        yield f"    persistence granularity = {_granularity(service)}"
    if service.persistence_engine is not None:
        yield f"    persistence engine = {service.persistence_engine}"
    yield f"    protocol = {service.protocol.name}"
    yield f"    lb_kind = {service.forwarding}"
    if service.ops:
        yield "    one-packet scheduling = yes"
    if (service.quorum, service.hysteresis) != (1, 0):
        yield f"    quorum = {service.quorum}, hysteresis = {service.hysteresis}"
    if service.alpha or service.omega:
        yield f"    alpha = {_yes(service.alpha)}, omega = {_yes(service.omega)}"
    if service.quorum_up is not None:
        yield f"    quorum up notify script = {service.quorum_up}"
    if service.quorum_down is not None:
        yield f"    quorum down notify script = {service.quorum_down}"
    if service.sorry_server is not None:
        sorry = service.sorry_server
        inhibit = ", inhibit" if sorry.inhibit else ""
        kind = "" if sorry.forwarding == service.forwarding else f", lb_kind = {sorry.forwarding}"
        yield f"    sorry server = {_host(sorry.address)}:{sorry.port}{kind}{inhibit}"
    for server in service.real_servers:
        yield from _real_server(service, server)


def _granularity(service: VirtualServer) -> str:
    """A mask for IPv4, a prefix length for IPv6: as it is written in the file."""
    length = service.persistence_granularity or 0
    listen = service.listen
    ipv6 = listen.ipv6 if isinstance(listen, FirewallMark) else listen.address.version == 6
    if ipv6 or length > 32:
        return str(length)
    mask = (0xFFFFFFFF << (32 - length)) & 0xFFFFFFFF
    return ".".join(str(mask >> shift & 0xFF) for shift in (24, 16, 8, 0))


def _host(address: object) -> str:
    text = str(address)
    return f"[{text}]" if ":" in text else text


def _real_server(service: VirtualServer, server: RealServer) -> Iterator[str]:
    line = f"    RIP = {server.address}, RPORT = {server.port}, WEIGHT = {server.weight}"
    if server.forwarding != service.forwarding:
        line += f", lb_kind = {server.forwarding}"
    if server.inhibit_on_failure:
        line += ", inhibit_on_failure"
    yield line
    if server.notify_up is not None:
        yield f"      notify up script = {server.notify_up}"
    if server.notify_down is not None:
        yield f"      notify down script = {server.notify_down}"


def _check(service: VirtualServer, server: RealServer, check: Check) -> Iterator[str]:
    yield f"  {_host(server.address)}:{server.port}"
    match check:
        case TcpCheck():
            yield "    Keepalive method = TCP_CHECK"
        case HttpCheck():
            yield f"    Keepalive method = {'HTTP_GET' if check.tls is None else 'SSL_GET'}"
        case MiscCheck():
            yield "    Keepalive method = MISC_CHECK"
            yield f"    script = {check.script}"
            yield f"    timeout = {_seconds(check.timeout_us)}"
            yield f"    dynamic = {_yes(check.dynamic)}"
    if isinstance(check, TcpCheck | HttpCheck):
        target = check.connection
        if (target.ip, target.port) != (server.address, server.port):
            yield f"    Connection = {_host(target.ip)}:{target.port}"
        if target.bindto is not None:
            yield f"    Bind = {_host(target.bindto)}:{target.bind_port}"
        yield f"    Connection timeout = {_seconds(target.timeout_us)}"
    if not isinstance(check, TcpCheck) or check.timing.retry != 1:
        yield f"    Nb get retry = {check.timing.retry}"
        yield f"    Delay before retry = {_seconds(check.timing.delay_before_retry_us)}"
    if isinstance(check, HttpCheck):
        if check.virtualhost != service.virtualhost:
            yield f"    VirtualHost = {check.virtualhost}"
        for url in check.urls:
            yield from _url(url)


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


def _instance(instance: VrrpInstance) -> Iterator[str]:
    yield f"  VRRP Instance = {instance.name}"
    yield f"    Want State = {instance.state}"
    if instance.interface is not None:
        yield f"    Running on device = {instance.interface}"
    yield f"    Virtual Router ID = {instance.virtual_router_id}"
    yield f"    Priority = {instance.priority}"
    yield f"    Advert interval = {_seconds(instance.advert_int_us)}sec"
    yield f"    Version = {instance.version}"
    if instance.mcast_src_ip is not None:
        yield f"    Using src_ip = {instance.mcast_src_ip}"
    if instance.lvs_sync_daemon_interface is not None:
        yield f"    Running LVS sync daemon on interface = {instance.lvs_sync_daemon_interface}"
    yield f"    Preempt = {_yes(not instance.nopreempt)}"
    if instance.preempt_delay_us:
        yield f"    Preempt delay = {_seconds(instance.preempt_delay_us)}"
    if instance.authentication is not None:
        yield f"    Authentication type = {instance.authentication.type.name}"
        yield f"    Password = {MASK}"
    for title, addresses in (
        ("Virtual IP", instance.virtual_ipaddress),
        ("Virtual IP Excluded", instance.virtual_ipaddress_excluded),
    ):
        if addresses:
            yield f"    {title} = {len(addresses)}"
            for address in addresses:
                yield f"      {_address(address)}"
    for name, script in instance.notify.items():
        yield f"    {name} script = {script}"
    if instance.smtp_alert:
        yield "    Using smtp notification"


def _address(address: VirtualIpAddress) -> str:
    words = [f"{address.address}/{address.prefix}"]
    for name in ("dev", "label", "scope", "brd"):
        value = getattr(address, name)
        if value is not None:
            words += [name, value]
    return " ".join(words)


def _sync_group(group: VrrpSyncGroup) -> Iterator[str]:
    yield f"  VRRP Sync Group = {group.name}"
    for member in group.group:
        yield f"    monitor = {member}"
    for name, script in group.notify.items():
        yield f"    {name} script = {script}"
