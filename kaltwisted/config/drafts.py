"""What one block said, before inheritance and defaults: None is "not said".

Plain classes whose defaults stand in the class: a draft costs nothing until
something is said, and there are as many of them as blocks.  The ``field`` of a
keyword table names an attribute here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ipaddress import IPv4Address, IPv6Address

    from kaltwisted.config import model
    from kaltwisted.config.keywords.table import Keyword
    from kaltwisted.config.model import Address
    from kaltwisted.config.statement import Statement


class Draft:
    """``blocks``: the blocks inside, read later, when what they inherit is known."""

    blocks: tuple[tuple[Keyword, Statement], ...] = ()


class TopDraft(Draft):
    """What stands outside all blocks."""

    instance: str | None = None
    use_pid_dir: bool = False
    linkbeat_use_polling: bool = False


class GlobalDraft(Draft):
    """``global_defs``."""

    router_id: str | None = None
    notification_email_from: str | None = None
    smtp_server: model.SmtpServer | None = None
    smtp_connect_timeout_us: int | None = None
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
    lvs_flush_on_stop: model.FlushOnStop | None = None
    lvs_sync_daemon: model.LvsSyncDaemon | None = None
    lvs_timeouts: tuple[dict[str, int], ...] = ()
    script_user: tuple[str, str | None] | None = None
    enable_script_security: bool = False
    dynamic_interfaces: bool = False
    vrrp_version: int | None = None
    default_interface: str | None = None
    vmac_prefix: str | None = None
    vmac_addr_prefix: str | None = None
    vrrp_garp_master_delay_us: int | None = None
    vrrp_garp_master_repeat: int | None = None
    vrrp_garp_master_refresh_us: int | None = None
    vrrp_garp_master_refresh_repeat: int | None = None
    vrrp_garp_lower_prio_delay_us: int | None = None
    vrrp_garp_lower_prio_repeat: int | None = None
    vrrp_lower_prio_no_advert: bool | None = None
    vrrp_higher_prio_send_advert: bool | None = None
    vrrp_down_timer_adverts: int | None = None
    vrrp_check_unicast_src: bool | None = None
    vrrp_skip_check_adv_addr: bool | None = None
    vrrp_owner_ignore_adverts: bool | None = None
    vrrp_garp_interval_us: int | None = None
    vrrp_gna_interval_us: int | None = None
    vrrp_garp_extra_if: model.ExtraGarp | None = None
    vrrp_min_garp: bool = False
    vrrp_strict: bool | None = None
    vrrp_v3_checksum_as_v2: bool | None = None
    vrrp_mcast_group4: IPv4Address | None = None
    vrrp_mcast_group6: IPv6Address | None = None
    vrrp_netlink_cmd_rcv_bufs: int = 0
    vrrp_netlink_cmd_rcv_bufs_force: bool = False
    vrrp_netlink_monitor_rcv_bufs: int = 0
    vrrp_netlink_monitor_rcv_bufs_force: bool = False
    process_monitor_rcv_bufs: int = 0
    process_monitor_rcv_bufs_force: bool = False
    vrrp_rx_bufs_policy: tuple[model.RxBufsPolicy | int, ...] = ()
    vrrp_rx_bufs_multiplier: int | None = None
    nftables: str | None = None
    nftables_priority: int | None = None
    nftables_counters: bool = False
    max_auto_priority: int = 0
    min_auto_priority_delay: int | None = None
    vrrp_priority: int | None = None
    vrrp_no_swap: bool = False
    vrrp_rt_priority: int | None = None
    vrrp_cpu_affinity: tuple[int, ...] = ()
    vrrp_rlimit_rttime: int | None = None
    vrrp_process_name: str | None = None
    checker_priority: int | None = None
    checker_no_swap: bool = False
    checker_rt_priority: int | None = None
    checker_cpu_affinity: tuple[int, ...] = ()
    checker_rlimit_rttime: int | None = None
    checker_process_name: str | None = None
    bfd_priority: int | None = None
    bfd_no_swap: bool = False
    bfd_rt_priority: int | None = None
    bfd_cpu_affinity: tuple[int, ...] = ()
    bfd_rlimit_rttime: int | None = None
    bfd_process_name: str | None = None
    process_names: bool = False
    process_name: str | None = None
    umask: int | None = None
    json_version: int | None = None
    state_dump_file: str | None = None
    stats_dump_file: str | None = None
    json_dump_file: str | None = None
    vrrp_notify_priority_changes: bool | None = None
    notify_fifo: model.NotifyFifo | None = None
    notify_fifo_script: model.Script | None = None
    vrrp_notify_fifo: model.NotifyFifo | None = None
    vrrp_notify_fifo_script: model.Script | None = None
    lvs_notify_fifo: model.NotifyFifo | None = None
    lvs_notify_fifo_script: model.Script | None = None
    fifo_write_vrrp_states_on_reload: bool = False
    data_use_instance: bool = False
    startup_script: model.Script | None = None
    startup_script_timeout_us: int | None = None
    shutdown_script: model.Script | None = None
    shutdown_script_timeout_us: int | None = None
    vrrp_startup_delay_us: int | None = None
    vrrp_delay_after_boot_us: int | None = None
    api_listen: tuple[model.ApiListen, ...] = ()
    api_certificate: str | None = None
    api_key: str | None = None
    api_tokens: str | None = None
    api_public: tuple[model.Public, ...] = ()
    api_names: tuple[str, ...] = ()


class CheckedDraft(Draft):
    """What virtual server, real server and checker pass down from one to the next."""

    delay_loop_us: int | None = None
    retry: int | None = None
    delay_before_retry_us: int | None = None
    warmup_us: int | None = None
    connect_timeout_us: int | None = None
    alpha: bool | None = None
    virtualhost: str | None = None


class ServerDraft(CheckedDraft):
    """What virtual server and real server share."""

    weight: int | None = None
    forwarding: model.ForwardingMethod | None = None
    inhibit_on_failure: bool | None = None
    smtp_alert: bool | None = None


class VirtualServerDraft(ServerDraft):
    """``virtual_server``."""

    protocol: model.Protocol | None = None
    ip_family: int | None = None
    lb_algo: str | None = None
    flag_1: bool = False
    flag_2: bool = False
    flag_3: bool = False
    hashed: bool = False
    sh_port: bool = False
    sh_fallback: bool = False
    mh_port: bool = False
    mh_fallback: bool = False
    ops: bool = False
    persistence_timeout_s: int | None = None
    persistence_granularity: int | None = None
    persistence_engine: str | None = None
    omega: bool = False
    ha_suspend: bool = False
    quorum: int | None = None
    hysteresis: int | None = None
    quorum_up: model.Script | None = None
    quorum_down: model.Script | None = None
    sorry_server: tuple[Address, int | None] | None = None
    sorry_server_inhibit: bool = False
    sorry_server_forwarding: model.ForwardingMethod | None = None


class RealServerDraft(ServerDraft):
    """``real_server``."""

    uthreshold: int = 0
    lthreshold: int = 0
    notify_up: model.Script | None = None
    notify_down: model.Script | None = None


class CheckDraft(CheckedDraft):
    """Any check of a real server."""

    log_all_failures: bool | None = None
    connect_ip: Address | None = None
    connect_port: int | None = None
    bindto: Address | None = None
    bind_port: int = 0
    bind_if: str | None = None
    fwmark: int = 0
    http_protocol: model.HttpProtocol | None = None
    fast_recovery: bool = False
    enable_sni: bool = False
    sni_name: str | None = None
    tls_verify: str | None = None
    tls_ca_file: str | None = None
    misc_path: model.Script | None = None
    misc_timeout_us: int | None = None
    misc_dynamic: bool = False
    user: tuple[str, str | None] | None = None
    helo_name: str | None = None
    payload: bytes | None = None
    require_reply: model.ReplyPattern | None = None
    min_reply_length: int | None = None
    max_reply_length: int | None = None
    type: model.DnsType | None = None
    name: str | None = None
    track_file: str | None = None
    file_weight: tuple[int, bool] | None = None


class UrlDraft(Draft):
    """``url``."""

    path: str | None = None
    digest: str | None = None
    status_codes: tuple[tuple[int, int], ...] | None = None
    virtualhost: str | None = None
    regex: str | None = None
    regex_no_match: bool = False


class SslDraft(Draft):
    """``SSL``."""

    certificate: str | None = None
    key: str | None = None
    ca: str | None = None
    password: str | None = None


class GarpGroupDraft(Draft):
    """``garp_group``."""

    interface: tuple[str, ...] = ()
    garp_interval_us: int | None = None
    gna_interval_us: int | None = None


class VrrpDraft(Draft):
    """``vrrp_instance`` and, as far as it goes, ``vrrp_sync_group``."""

    interface: str | None = None
    virtual_router_id: int | None = None
    state: str | None = None
    priority: int | None = None
    advert_int_us: int | None = None
    version: int | None = None
    mcast_src_ip: Address | None = None
    lvs_sync_daemon_interface: str | None = None
    nopreempt: bool = False
    preempt_delay_us: int | None = None
    smtp_alert: bool | None = None
    notify: model.Script | None = None
    notify_master: model.Script | None = None
    notify_backup: model.Script | None = None
    notify_fault: model.Script | None = None
    notify_stop: model.Script | None = None
    notify_master_rx_lower_pri: model.Script | None = None
    notify_deleted: model.Script | bool = False
    unicast_src_ip: Address | None = None
    check_unicast_src: bool = False
    unicast_ttl: int | None = None
    unicast_fault_no_peer: bool = False
    old_unicast_checksum: model.OldUnicastChecksum | None = None
    v3_checksum_as_v2: bool | None = None
    mcast_dst_ip: Address | None = None
    native_ipv6: bool = False
    accept: bool | None = None
    strict_mode: bool | None = None
    dont_track_primary: bool = False
    linkbeat_use_polling: bool = False
    garp_master_delay_us: int | None = None
    garp_master_repeat: int | None = None
    garp_master_refresh_us: int | None = None
    garp_master_refresh_repeat: int | None = None
    garp_lower_prio_delay_us: int | None = None
    garp_lower_prio_repeat: int | None = None
    garp_extra_if: model.ExtraGarp | None = None
    lower_prio_no_advert: bool | None = None
    higher_prio_send_advert: bool | None = None
    down_timer_adverts: int | None = None
    skip_check_adv_addr: bool | None = None
    owner_ignore_adverts: bool | None = None
    timer_expired_backup: int | None = None
    use_vmac: model.Vmac | None = None
    use_vmac_addr: bool = False
    use_ipvlan: model.Ipvlan | None = None
    vmac_xmit_base: bool = False
    track_src_ip: bool = False
    no_virtual_ipaddress: bool = False
    promote_secondaries: bool = False
    notify_priority_changes: bool | None = None
    kernel_rx_buf_size: int = 0
    sync_group_tracking_weight: bool = False


class VrrpScriptDraft(Draft):
    """``vrrp_script``."""

    script: model.Script | None = None
    interval_us: int | None = None
    timeout_us: int | None = None
    weight: tuple[int, bool] = (0, False)
    rise: int = 1
    fall: int = 1
    init_fail: bool = False
    user: tuple[str, str | None] | None = None


class TrackProcessDraft(Draft):
    """``vrrp_track_process``."""

    process: tuple[str, ...] = ()
    param_match: model.ParamMatch | None = None
    weight: tuple[int, bool] = (0, False)
    quorum: int | None = None
    quorum_max: int | None = None
    delay_us: int | None = None
    terminate_delay_us: int | None = None
    fork_delay_us: int | None = None
    full_command: bool = False


class TrackFileDraft(Draft):
    """``track_file``."""

    file: str | None = None
    weight: tuple[int, bool] = (1, False)
    init_file: tuple[int, bool] | None = None


class BfdDraft(Draft):
    """``bfd_instance``."""

    neighbor: Address | None = None
    source: Address | None = None
    min_rx_us: int | None = None
    min_tx_us: int | None = None
    idle_tx_us: int | None = None
    multiplier: int | None = None
    passive: bool = False
    ttl: int | None = None
    max_hops: int | None = None
    multihop: bool = False
    weight: tuple[int, bool] = (0, False)
    vrrp: bool = False
    checker: bool = False


class AuthenticationDraft(Draft):
    """``authentication``."""

    auth_type: model.AuthType | None = None
    auth_pass: bytes | None = None


class HmacDraft(Draft):
    """``auth_hmac``."""

    key: model.HmacKey | None = None
    active_key: int | None = None
    time_window_us: int | None = None
    anti_replay: model.AntiReplay | None = None
    mode: model.HmacMode | None = None
