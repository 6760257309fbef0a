"""The configuration as frozen values: what was asked for, every default filled in, no behaviour.

Durations are integer microseconds (``_us``); ``where`` is the block's place in
its file and takes no part in comparing, so that two readings of one text are
equal.  Names are keepalived's.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from ipaddress import IPv4Address, IPv6Address
from typing import TypeAlias

import attrs

from kaltwisted.config.model_process import ProcessSettings

Address: TypeAlias = IPv4Address | IPv6Address

SECOND_US = 1_000_000


@attrs.frozen
class Position:
    """A place in a configuration: file as the user named it, line and column from 1."""

    file: str
    line: int
    column: int = 1

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


def _where() -> Position | None:
    return attrs.field(default=None, eq=False, repr=False, kw_only=True)  # type: ignore[no-any-return]


@attrs.frozen
class Script:
    """A command run without a shell, such as a notify script (keepalived: ``script [user [group]]``)."""

    argv: tuple[str, ...]
    user: str | None = None
    group: str | None = None

    def __str__(self) -> str:
        return " ".join(self.argv)


# --- global_defs -----------------------------------------------------------------


@attrs.frozen
class SmtpServer:
    """``smtp_server host [port]``; the name is resolved when a mail is sent."""

    host: str
    port: int = 25


@attrs.frozen
class VrrpDefaults:
    """``vrrp_*`` of ``global_defs``: what instances have that say nothing else.

    ``garp_interval_us`` and ``gna_interval_us`` are no defaults but the least
    time between two announcements on one interface, IPv4 and IPv6.
    """

    garp_master_delay_us: int = 5 * SECOND_US
    garp_master_repeat: int = 5
    garp_master_refresh_us: int = 0
    garp_master_refresh_repeat: int = 1
    garp_lower_prio_delay_us: int | None = None
    garp_lower_prio_repeat: int | None = None
    lower_prio_no_advert: bool = False
    higher_prio_send_advert: bool = False
    down_timer_adverts: int = 3
    check_unicast_src: bool = False
    skip_check_adv_addr: bool = False
    garp_interval_us: int = 0
    gna_interval_us: int = 0


@attrs.frozen
class GlobalDefs:
    """``global_defs``: settings of the whole daemon.  ``None`` means "not given"."""

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
    checker_log_all_failures: bool = False
    rs_init_notifies: bool = False
    lvs_flush: bool = False
    script_user: tuple[str, str | None] | None = None
    enable_script_security: bool = False
    dynamic_interfaces: bool = False
    vrrp_version: int = 2
    default_interface: str | None = None
    vrrp: VrrpDefaults = VrrpDefaults()
    vrrp_process: ProcessSettings = ProcessSettings()
    checker_process: ProcessSettings = ProcessSettings()
    bfd_process: ProcessSettings = ProcessSettings()
    process_names: bool = False
    process_name: str | None = None
    umask: int | None = None
    json_version: int = 1
    state_dump_file: str | None = None
    where: Position | None = _where()


# --- LVS -------------------------------------------------------------------------


class Protocol(Enum):
    """``protocol``; the values are the IP protocol numbers."""

    TCP = 6
    UDP = 17
    SCTP = 132
    #: A firewall mark's: whatever was marked.
    NONE = 0

    def __str__(self) -> str:
        return self.name.lower()


class Forwarding(Enum):
    """``lb_kind``: how IPVS forwards a packet to a real server."""

    NAT = "NAT"
    DR = "DR"
    TUN = "TUN"


class TunnelType(Enum):
    """``lb_kind TUN type``."""

    IPIP = "ipip"
    GUE = "gue"
    GRE = "gre"


@attrs.frozen
class ForwardingMethod:
    """``lb_kind`` whole: the method and, for TUN, its encapsulation."""

    method: Forwarding = Forwarding.NAT
    tunnel_type: TunnelType = TunnelType.IPIP
    tunnel_port: int = 0

    def __str__(self) -> str:
        return self.method.value


@attrs.frozen
class VirtualAddress:
    """``virtual_server IP PORT``: address and port clients connect to."""

    address: Address
    port: int

    def format(self, protocol: Protocol) -> str:
        """As keepalived writes it: ``[192.168.200.15]:tcp:80``."""
        return f"[{self.address}]:{protocol}:{self.port}"


@attrs.frozen
class FirewallMark:
    """``virtual_server fwmark N``: packets marked by the firewall."""

    mark: int
    ipv6: bool = False

    def format(self, protocol: Protocol) -> str:
        """As keepalived writes it: ``FWM 7``."""
        return f"FWM {self.mark}"


Listen: TypeAlias = VirtualAddress | FirewallMark


@attrs.frozen
class CheckTiming:
    """When a check runs and what its failures mean; the same for every kind of check.

    ``retry``: tries after the first failure before the server is down.
    ``warmup_us``: upper bound of the pause before the first check.
    """

    delay_loop_us: int = 60 * SECOND_US
    retry: int = 1
    delay_before_retry_us: int = SECOND_US
    warmup_us: int = 60 * SECOND_US
    alpha: bool = False
    log_all_failures: bool = False


@attrs.frozen
class Connection:
    """Where a check connects to and from; the target is the real server unless told otherwise."""

    ip: Address
    port: int
    timeout_us: int = 5 * SECOND_US
    bindto: Address | None = None
    bind_port: int = 0
    bind_if: str | None = None
    fwmark: int = 0


@attrs.frozen
class TcpCheck:
    """``TCP_CHECK``: good when the connection opens."""

    timing: CheckTiming
    connection: Connection
    where: Position | None = _where()


@attrs.frozen
class Url:
    """A ``url`` to check.  ``digest``: the body's MD5 in hex; ``status_codes``: inclusive ranges."""

    path: str
    digest: str | None = None
    status_codes: tuple[tuple[int, int], ...] = ((200, 299),)
    virtualhost: str | None = None
    regex: str | None = None
    regex_no_match: bool = False


class HttpProtocol(Enum):
    """``http_protocol``: the request's version, and whether it says ``Connection: close``."""

    HTTP_1_0 = "1.0"
    HTTP_1_0_CLOSE = "1.0C"
    HTTP_1_1 = "1.1"


@attrs.frozen
class TlsOptions:
    """TLS of ``SSL_GET``.  ``verify_name`` None: no verification, as keepalived does it.

    ``tls_verify [NAME]`` and ``tls_ca_file PATH`` are our own keywords; an
    empty name stands for the name that is asked for (SNI, else virtualhost,
    else the address).
    """

    enable_sni: bool = False
    sni_name: str | None = None
    verify_name: str | None = None
    ca_file: str | None = None


@attrs.frozen
class HttpCheck:
    """``HTTP_GET`` and, with ``tls``, ``SSL_GET``."""

    timing: CheckTiming
    connection: Connection
    urls: tuple[Url, ...]
    virtualhost: str | None = None
    http_protocol: HttpProtocol = HttpProtocol.HTTP_1_0
    fast_recovery: bool = False
    tls: TlsOptions | None = None
    where: Position | None = _where()


@attrs.frozen
class MiscCheck:
    """``MISC_CHECK``: a command's exit status.  ``dynamic``: 2..255 also sets the weight to status - 2."""

    timing: CheckTiming
    script: Script
    timeout_us: int
    dynamic: bool = False
    where: Position | None = _where()


Check: TypeAlias = TcpCheck | HttpCheck | MiscCheck


@attrs.frozen
class RealServer:
    """``real_server``, with what it inherits from its virtual server filled in."""

    address: Address
    port: int
    weight: int = 1
    forwarding: ForwardingMethod = ForwardingMethod()
    inhibit_on_failure: bool = False
    alpha: bool = False
    uthreshold: int = 0
    lthreshold: int = 0
    smtp_alert: bool = True
    notify_up: Script | None = None
    notify_down: Script | None = None
    virtualhost: str | None = None
    checks: tuple[Check, ...] = ()
    where: Position | None = _where()

    def format(self, protocol: Protocol) -> str:
        """As keepalived writes it: ``[192.168.100.2]:tcp:80``."""
        return f"[{self.address}]:{protocol}:{self.port}"


@attrs.frozen
class SorryServer:
    """``sorry_server``: in the pool while quorum is lost (with ``inhibit``, weight 0 otherwise)."""

    address: Address
    port: int
    forwarding: ForwardingMethod = ForwardingMethod()
    inhibit: bool = False

    def format(self, protocol: Protocol) -> str:
        """As keepalived writes it."""
        return f"[{self.address}]:{protocol}:{self.port}"


@attrs.frozen
class VirtualServer:
    """``virtual_server``: one load-balanced service and its pool.

    ``persistence_timeout_s`` 0: no persistence.  ``persistence_granularity``
    is a prefix length (32 and 128: each client by itself).
    ``scheduler_flags`` are the kernel's sched-1..3 bits (sh-port, mh-fallback...).
    """

    listen: Listen
    protocol: Protocol = Protocol.TCP
    delay_loop_us: int = 60 * SECOND_US
    lb_algo: str = "wlc"
    scheduler_flags: frozenset[str] = frozenset()
    forwarding: ForwardingMethod = ForwardingMethod()
    persistence_timeout_s: int = 0
    persistence_granularity: int | None = None
    persistence_engine: str | None = None
    ops: bool = False
    virtualhost: str | None = None
    alpha: bool = False
    omega: bool = False
    ha_suspend: bool = False
    quorum: int = 1
    hysteresis: int = 0
    quorum_up: Script | None = None
    quorum_down: Script | None = None
    smtp_alert: bool = False
    sorry_server: SorryServer | None = None
    real_servers: tuple[RealServer, ...] = ()
    where: Position | None = _where()

    def __str__(self) -> str:
        return self.listen.format(self.protocol)


# --- VRRP ------------------------------------------------------------------------


class AuthType(Enum):
    """``auth_type``."""

    PASS = 1
    AH = 2


@attrs.frozen
class Authentication:
    """``authentication``; the password never shows in a repr, dump or log."""

    type: AuthType
    password: bytes = attrs.field(repr=False)


@attrs.frozen
class VirtualIpAddress:
    """One line of ``virtual_ipaddress``: ``address[/prefix] [dev D] [label L] [scope S] [brd B]``."""

    address: Address
    prefix: int
    dev: str | None = None
    label: str | None = None
    scope: str | None = None
    brd: str | None = None
    no_track: bool = False


@attrs.frozen
class VrrpScript:
    """``vrrp_script``: a command whose exit status tells whether this router is fit.

    ``rise`` and ``fall``: results in a row that turn it.  ``weight`` 0: bad
    means FAULT; above 0: added while good; below 0: subtracted while bad.
    """

    name: str
    script: Script
    interval_us: int = SECOND_US
    timeout_us: int | None = None
    weight: int = 0
    rise: int = 1
    fall: int = 1
    init_fail: bool = False
    where: Position | None = _where()


@attrs.frozen
class Tracked:
    """A line of ``track_script`` or ``track_interface``; ``weight`` None: as defined, else none."""

    name: str
    weight: int | None = None


@attrs.frozen
class VrrpInstance:
    """``vrrp_instance``: one virtual router.

    With ``unicast_peer`` adverts go to the peers and never to the group.  A
    ``garp_lower_prio_*`` of None is the ``garp_master_*`` beside it.
    ``timer_expired_backup``: the priority of the rival to reckon with.
    """

    name: str
    interface: str | None = None
    virtual_router_id: int = 0
    state: str = "BACKUP"
    priority: int = 100
    advert_int_us: int = SECOND_US
    version: int = 2
    mcast_src_ip: Address | None = None
    lvs_sync_daemon_interface: str | None = None
    authentication: Authentication | None = None
    virtual_ipaddress: tuple[VirtualIpAddress, ...] = ()
    virtual_ipaddress_excluded: tuple[VirtualIpAddress, ...] = ()
    nopreempt: bool = False
    preempt_delay_us: int = 0
    unicast_src_ip: Address | None = None
    unicast_peer: tuple[Address, ...] = ()
    check_unicast_src: bool = False
    track_script: tuple[Tracked, ...] = ()
    track_interface: tuple[Tracked, ...] = ()
    dont_track_primary: bool = False
    garp_master_delay_us: int = 5 * SECOND_US
    garp_master_repeat: int = 5
    garp_master_refresh_us: int = 0
    garp_master_refresh_repeat: int = 1
    garp_lower_prio_delay_us: int | None = None
    garp_lower_prio_repeat: int | None = None
    lower_prio_no_advert: bool = False
    higher_prio_send_advert: bool = False
    down_timer_adverts: int = 3
    skip_check_adv_addr: bool = False
    timer_expired_backup: int | None = None
    smtp_alert: bool = False
    notify: Mapping[str, Script] = attrs.field(factory=dict)
    where: Position | None = _where()


@attrs.frozen
class VrrpSyncGroup:
    """``vrrp_sync_group``: instances that change state together."""

    name: str
    group: tuple[str, ...] = ()
    sync_group_tracking_weight: bool = False
    smtp_alert: bool = False
    notify: Mapping[str, Script] = attrs.field(factory=dict)
    where: Position | None = _where()


@attrs.frozen
class Configuration:
    """A whole configuration, as one value."""

    global_defs: GlobalDefs = GlobalDefs()
    virtual_servers: tuple[VirtualServer, ...] = ()
    vrrp_scripts: tuple[VrrpScript, ...] = ()
    vrrp_instances: tuple[VrrpInstance, ...] = ()
    vrrp_sync_groups: tuple[VrrpSyncGroup, ...] = ()
