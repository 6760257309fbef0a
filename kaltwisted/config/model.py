"""The configuration as frozen values: what was asked for, every default filled in, no behaviour.

Durations are integer microseconds (``_us``); ``where`` is the block's place in
its file and takes no part in comparing, so that two readings of one text are
equal.  Names are keepalived's.
"""

from __future__ import annotations

from typing import Final

import attrs

from kaltwisted.config.model_api import ApiListen, ApiSettings, Public
from kaltwisted.config.model_bfd import BfdInstance
from kaltwisted.config.model_checks import (
    SMTP_HELO_NAME,
    BfdCheck,
    Check,
    CheckTiming,
    Connection,
    DnsCheck,
    DnsType,
    FileCheck,
    HttpCheck,
    HttpProtocol,
    MiscCheck,
    PingCheck,
    ReplyPattern,
    SmtpCheck,
    TcpCheck,
    TlsOptions,
    UdpCheck,
    Url,
)
from kaltwisted.config.model_hmac import AntiReplay, AuthHmac, HmacKey, HmacMode
from kaltwisted.config.model_ipvs import FlushOnStop, LvsSyncDaemon, LvsTimeouts
from kaltwisted.config.model_links import LinkbeatInterface, LinkbeatMethod, LinkDelay
from kaltwisted.config.model_lvs import (
    AddressRange,
    FirewallMark,
    Forwarding,
    ForwardingMethod,
    Listen,
    Protocol,
    RealServer,
    ServerGroup,
    SorryServer,
    TunnelType,
    VirtualAddress,
    VirtualServer,
    VirtualServerGroup,
)
from kaltwisted.config.model_process import ProcessSettings
from kaltwisted.config.model_routes import Route, RoutingItem, Rule
from kaltwisted.config.model_ssl import ClientTls, SslContext
from kaltwisted.config.model_values import SECOND_US, Address, Position, Script, place
from kaltwisted.config.model_vrrp import (
    Authentication,
    AuthType,
    ExtraGarp,
    GarpGroup,
    Ipvlan,
    IpvlanType,
    Nftables,
    OldUnicastChecksum,
    ParamMatch,
    RxBufs,
    RxBufsPolicy,
    Tracked,
    TrackFile,
    TrackGroup,
    UnicastPeer,
    VirtualIpAddress,
    Vmac,
    VrrpDefaults,
    VrrpInstance,
    VrrpScript,
    VrrpSyncGroup,
    VrrpTrackProcess,
)

__all__ = [
    "NETLINK_BUFFERS",
    "SECOND_US",
    "SMTP_HELO_NAME",
    "Address",
    "AddressRange",
    "AntiReplay",
    "ApiListen",
    "ApiSettings",
    "AuthHmac",
    "AuthType",
    "Authentication",
    "BfdCheck",
    "BfdInstance",
    "Check",
    "CheckTiming",
    "ClientTls",
    "Configuration",
    "Connection",
    "DnsCheck",
    "DnsType",
    "ExtraGarp",
    "FileCheck",
    "FirewallMark",
    "FlushOnStop",
    "Forwarding",
    "ForwardingMethod",
    "GarpGroup",
    "GlobalDefs",
    "HmacKey",
    "HmacMode",
    "HttpCheck",
    "HttpProtocol",
    "Ipvlan",
    "IpvlanType",
    "LinkDelay",
    "LinkbeatInterface",
    "LinkbeatMethod",
    "Listen",
    "LvsSyncDaemon",
    "LvsTimeouts",
    "MiscCheck",
    "Nftables",
    "NotifyFifo",
    "OldUnicastChecksum",
    "ParamMatch",
    "PingCheck",
    "Position",
    "Protocol",
    "Public",
    "RealServer",
    "ReplyPattern",
    "Route",
    "RoutingItem",
    "Rule",
    "RxBufs",
    "RxBufsPolicy",
    "Script",
    "ServerGroup",
    "SmtpCheck",
    "SmtpServer",
    "SorryServer",
    "SslContext",
    "TcpCheck",
    "TlsOptions",
    "TrackFile",
    "TrackGroup",
    "Tracked",
    "TunnelType",
    "UdpCheck",
    "UnicastPeer",
    "Url",
    "VirtualAddress",
    "VirtualIpAddress",
    "VirtualServer",
    "VirtualServerGroup",
    "Vmac",
    "VrrpDefaults",
    "VrrpInstance",
    "VrrpScript",
    "VrrpSyncGroup",
    "VrrpTrackProcess",
]


@attrs.frozen
class SmtpServer:
    """``smtp_server host [port]``; the name is resolved when a mail is sent."""

    host: str
    port: int = 25


@attrs.frozen
class NotifyFifo:
    """``notify_fifo path [user [group]]``: a named pipe that is told of what happens, and whose it is."""

    path: str
    user: str | None = None
    group: str | None = None


NETLINK_BUFFERS: Final = ("vrrp_netlink_cmd", "vrrp_netlink_monitor", "process_monitor")
"""Whose receive buffers ``global_defs`` sizes: each has a ``_rcv_bufs`` and a ``_rcv_bufs_force``."""


@attrs.frozen
class GlobalDefs:
    """``global_defs``: settings of the whole daemon.  ``None`` means "not given".

    ``min_auto_priority_delay`` is in microseconds, for it is written so.
    ``ssl`` is the block ``SSL``, which stands beside it.
    ``instance`` and ``use_pid_dir`` stand outside all blocks.
    """

    instance: str | None = None
    use_pid_dir: bool = False
    data_use_instance: bool = False

    router_id: str | None = None
    notification_email: tuple[str, ...] = ()
    notification_email_from: str | None = None
    smtp_server: SmtpServer | None = None
    smtp_connect_timeout_us: int = 30 * SECOND_US
    smtp_helo_name: str | None = None
    smtp_alert: bool | None = None
    smtp_alert_checker: bool | None = None
    smtp_alert_vrrp: bool | None = None
    no_checker_emails: bool = False
    no_email_faults: bool = False
    log_unknown_vrids: bool = False
    disable_local_igmp: bool = False
    checker_log_all_failures: bool = False
    rs_init_notifies: bool = False
    lvs_flush: bool = False
    lvs_flush_on_stop: FlushOnStop | None = None
    lvs_sync_daemon: LvsSyncDaemon | None = None
    lvs_timeouts: LvsTimeouts = LvsTimeouts()
    script_user: tuple[str, str | None] | None = None
    enable_script_security: bool = False
    dynamic_interfaces: bool = False
    vrrp_version: int = 2
    default_interface: str | None = None
    vmac_prefix: str | None = None
    vmac_addr_prefix: str | None = None
    vrrp: VrrpDefaults = VrrpDefaults()
    rx_bufs: RxBufs = RxBufs()
    vrrp_netlink_cmd_rcv_bufs: int = 0
    vrrp_netlink_cmd_rcv_bufs_force: bool = False
    vrrp_netlink_monitor_rcv_bufs: int = 0
    vrrp_netlink_monitor_rcv_bufs_force: bool = False
    process_monitor_rcv_bufs: int = 0
    process_monitor_rcv_bufs_force: bool = False
    nftables: Nftables | None = None
    vrrp_process: ProcessSettings = ProcessSettings()
    checker_process: ProcessSettings = ProcessSettings()
    bfd_process: ProcessSettings = ProcessSettings()
    max_auto_priority: int = 0
    min_auto_priority_delay: int = SECOND_US
    process_names: bool = False
    process_name: str | None = None
    umask: int | None = None
    json_version: int = 1
    state_dump_file: str | None = None
    stats_dump_file: str | None = None
    json_dump_file: str | None = None
    notify_fifo: NotifyFifo | None = None
    notify_fifo_script: Script | None = None
    vrrp_notify_fifo: NotifyFifo | None = None
    vrrp_notify_fifo_script: Script | None = None
    lvs_notify_fifo: NotifyFifo | None = None
    lvs_notify_fifo_script: Script | None = None
    fifo_write_vrrp_states_on_reload: bool = False
    startup_script: Script | None = None
    startup_script_timeout_us: int = 10 * SECOND_US
    shutdown_script: Script | None = None
    shutdown_script_timeout_us: int = 10 * SECOND_US
    vrrp_startup_delay_us: int = 0
    vrrp_delay_after_boot_us: int = 0
    linkbeat_use_polling: bool = False
    api: ApiSettings = ApiSettings()
    ssl: SslContext = SslContext()
    where: Position | None = place()


@attrs.frozen
class Configuration:
    """A whole configuration, as one value."""

    global_defs: GlobalDefs = GlobalDefs()
    virtual_servers: tuple[VirtualServer, ...] = ()
    vrrp_scripts: tuple[VrrpScript, ...] = ()
    vrrp_instances: tuple[VrrpInstance, ...] = ()
    vrrp_sync_groups: tuple[VrrpSyncGroup, ...] = ()
    vrrp_track_processes: tuple[VrrpTrackProcess, ...] = ()
    garp_groups: tuple[GarpGroup, ...] = ()
    interface_up_down_delays: tuple[LinkDelay, ...] = ()
    linkbeat_interfaces: tuple[LinkbeatInterface, ...] = ()
    track_files: tuple[TrackFile, ...] = ()
    track_groups: tuple[TrackGroup, ...] = ()
    static_ipaddress: tuple[VirtualIpAddress, ...] = ()
    static_routes: tuple[Route, ...] = ()
    static_rules: tuple[Rule, ...] = ()
    virtual_server_groups: tuple[VirtualServerGroup, ...] = ()
    bfd_instances: tuple[BfdInstance, ...] = ()
