"""Virtual routers and what they track as frozen values."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from ipaddress import IPV6LENGTH, IPv4Address, IPv4Interface, IPv6Address, IPv6Interface

import attrs

from kaltwisted.config.model_hmac import AuthHmac
from kaltwisted.config.model_routes import Route, RoutingItem, Rule
from kaltwisted.config.model_values import SECOND_US, Address, Position, Script, place

OWNER_PRIORITY = 255
"""The priority of the router that has the addresses as its own (RFC 5798 §5.2.4)."""


@attrs.frozen
class ExtraGarp:
    """``garp_extra_if``: once in so long an address of each interface that no adverts go out of is announced.

    ``every``: of any such interface, not only of virtual MACs' own.
    """

    interval_us: int
    every: bool = False

    def __str__(self) -> str:
        return f"{'all ' if self.every else ''}{self.interval_us // SECOND_US}"


@attrs.frozen
class GarpGroup:
    """``garp_group``: the least time between two announcements on interfaces; 0 or None: none.

    ``interfaces`` have each a pace of their own, ``shared`` have one together.
    """

    interfaces: tuple[str, ...] = ()
    shared: tuple[str, ...] = ()
    garp_interval_us: int | None = None
    gna_interval_us: int | None = None
    where: Position | None = place()

    @property
    def names(self) -> tuple[str, ...]:
        """All its interfaces."""
        return self.interfaces + self.shared

    def __str__(self) -> str:
        words = [*self.interfaces, *(("together", *self.shared) if self.shared else ())]
        paces = (("garp_interval", self.garp_interval_us), ("gna_interval", self.gna_interval_us))
        return " ".join([*words, *(f"{keyword} {us / SECOND_US:g}" for keyword, us in paces if us)])


@attrs.frozen
class TrackGroup:
    """``track_group``: instances that need the interfaces of the static items that name the group."""

    name: str
    group: tuple[str, ...] = ()
    where: Position | None = place()


@attrs.frozen
class VrrpDefaults:
    """``vrrp_*`` of ``global_defs``: what instances have that say nothing else.

    ``garp_interval_us`` and ``gna_interval_us`` are no defaults but the least
    time between two announcements on one interface, IPv4 and IPv6;
    ``mcast_group4`` and ``mcast_group6``: where adverts go.
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
    owner_ignore_adverts: bool = False
    notify_priority_changes: bool = False
    garp_interval_us: int = 0
    gna_interval_us: int = 0
    garp_extra_if: ExtraGarp | None = None
    strict: bool = False
    v3_checksum_as_v2: bool = False
    mcast_group4: IPv4Address = IPv4Address("224.0.0.18")
    mcast_group6: IPv6Address = IPv6Address("ff02::12")


class RxBufsPolicy(Enum):
    """What the room that an advert may wait in is measured by."""

    MTU = "MTU"
    ADVERT = "ADVERT"


@attrs.frozen
class RxBufs:
    """``vrrp_rx_bufs_*``: what the kernel keeps of the adverts for one instance that we have not read yet.

    ``policy``: bytes, or what ``multiplier`` counts; None or 0: nothing is said of it.
    """

    policy: RxBufsPolicy | int | None = None
    multiplier: int = 3


@attrs.frozen
class Nftables:
    """``nftables``: the table that keeps packets from virtual addresses, and the priority of its chains."""

    table: str = "keepalived"
    priority: int = -1
    counters: bool = False


class AuthType(Enum):
    """``auth_type``."""

    PASS = 1
    AH = 2


@attrs.frozen
class Authentication:
    """``authentication``; the password never shows in a repr, dump or log."""

    type: AuthType
    password: bytes = attrs.field(repr=False)


FOREVER = 2**32 - 1
"""Seconds of a lifetime without end, as the kernel has it."""


@attrs.frozen
class VirtualIpAddress:
    """One line of ``virtual_ipaddress``: ``address[/prefix] [dev D] [label L] [scope S] [brd B]``.

    ``use_vmac``: on a VMAC of its interface.  ``base``: once VMACs have names,
    the interface below, where ``dev`` is one that is there for addresses only.
    ``peer``: the other end, whose prefix ``prefix`` is.  ``dad``: ``-nodad``,
    duplicate address detection after all.  It, ``home`` and ``mngtmpaddr`` mean
    something for IPv6 only.
    """

    address: Address
    prefix: int
    dev: str | None = None
    label: str | None = None
    scope: str | None = None
    brd: str | None = None
    no_track: bool = False
    use_vmac: bool = False
    base: str | None = None
    track_group: str | None = None
    peer: Address | None = None
    preferred_lft: int | None = None
    home: bool = False
    dad: bool = False
    mngtmpaddr: bool = False
    noprefixroute: bool = False
    autojoin: bool = False

    @property
    def preferred(self) -> int:
        """For how many seconds this host's own connections may begin at it; 0: it is deprecated.

        As in keepalived 2.2, of a single IPv6 address it is none unless
        ``preferred_lft`` says so: it has no network of its own to be a source for.
        """
        if self.preferred_lft is not None:
            return self.preferred_lft
        return 0 if self.prefix == IPV6LENGTH else FOREVER

    def __str__(self) -> str:
        words = [f"{self.address}/{self.prefix}" if self.peer is None else str(self.address)]
        words += [] if self.peer is None else ["peer", f"{self.peer}/{self.prefix}"]
        for name in ("dev", "base", "label", "scope", "brd", "preferred_lft", "track_group"):
            value = getattr(self, name)
            words += [] if value is None else [name, "forever" if value == FOREVER else str(value)]
        words += [name for name in ("no_track", "use_vmac", "home") if getattr(self, name)]
        words += ["-nodad"] * self.dad
        words += [name for name in ("mngtmpaddr", "noprefixroute", "autojoin") if getattr(self, name)]
        return " ".join(words)


@attrs.frozen
class UnicastPeer:
    """A line of ``unicast_peer``: ``address [min_ttl N] [max_ttl N]``; adverts of other TTLs are dropped."""

    address: Address
    min_ttl: int = 0
    max_ttl: int = 255

    def __str__(self) -> str:
        return f"{self.address} min_ttl {self.min_ttl} max_ttl {self.max_ttl}"


class OldUnicastChecksum(Enum):
    """``old_unicast_checksum``: what peers before keepalived 1.3.6 put into unicast adverts of version 3."""

    DETECT = "found out by what a peer sends"
    ALWAYS = "always"
    NEVER = "never"


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
    reverse: bool = False
    where: Position | None = place()


class ParamMatch(Enum):
    """``param_match``: how the arguments of a process must be those that are configured."""

    EXACT = "exact"
    INITIAL = "initial"
    PARTIAL = "partial"


@attrs.frozen
class VrrpTrackProcess:
    """``vrrp_track_process``: there must be ``quorum`` processes of a name, and no more than ``quorum_max``.

    ``process``: name, and arguments.  ``full_command``: compare with the command
    line, not with the kernel's name of it; arguments compare so, too.  The
    delays are how long to wait when their number has fallen, or has risen by
    a fork, before it counts.  ``weight`` and ``reverse`` as of a script.
    """

    name: str
    process: tuple[str, ...]
    param_match: ParamMatch | None = None
    weight: int = 0
    reverse: bool = False
    quorum: int = 1
    quorum_max: int | None = None
    terminate_delay_us: int = 0
    fork_delay_us: int = 0
    full_command: bool = False
    where: Position | None = place()


@attrs.frozen
class TrackFile:
    """``track_file``: a file whose number, times ``weight``, changes the priority (``config.file_number``).

    ``weight`` 0: FAULT unless the number is 0.  ``init``: what the file is made
    with at the start where there is none, and with ``overwrite`` also where
    there is one; None: nobody makes it.
    """

    name: str
    file: str
    weight: int = 1
    reverse: bool = False
    init: int | None = None
    overwrite: bool = False
    where: Position | None = place()


@attrs.frozen
class Tracked:
    """A line of a ``track_*`` block.

    ``weight`` and ``reverse`` None: as defined, else none and no.
    ``by_group``: the line is the instance's sync group's (``vrrp.tracked``),
    whose weights count also where those of its members do not.
    """

    name: str
    weight: int | None = None
    reverse: bool | None = None
    by_group: bool = False


@attrs.frozen
class Vmac:
    """``use_vmac``: adverts and addresses on a macvlan with a MAC address of their own.

    ``ifname`` None: ``vrrp.`` and the VRID.  ``mac`` None: that of the RFC;
    five octets: the VRID is the sixth.  ``group``: that of the interface.
    """

    ifname: str | None = None
    mac: bytes | None = None
    netlink_notify_msg: bool = False
    group: str | None = None


class IpvlanType(Enum):
    """What interfaces on one base may do with each other; the kernel has one for all of them, the last."""

    BRIDGE = 0
    PRIVATE = 1
    VEPA = 2


@attrs.frozen
class Ipvlan:
    """``use_ipvlan``: adverts by an ipvlan (L2), which has the MAC of its base and an address of its own.

    ``ifname`` None: ``vrrp.`` and the VRID.  ``address``: without one there is
    no IPv4, for IPv6 the kernel gives it one.  ``group``: that of the interface.
    """

    ifname: str | None = None
    address: IPv4Interface | IPv6Interface | None = None
    type: IpvlanType = IpvlanType.BRIDGE
    group: str | None = None


@attrs.frozen
class VrrpInstance:
    """``vrrp_instance``: one virtual router.

    With ``unicast_peer`` adverts go to the peers and never to the group,
    ``mcast_dst_ip``.  ``accept`` False: packets to the virtual addresses are
    dropped.  A ``garp_lower_prio_*`` of None is the ``garp_master_*`` beside it.
    ``use_vmac_addr``: addresses that are not on its interface, or of another
    family, are on VMACs too.  ``timer_expired_backup``: the priority of the rival to reckon with.
    ``kernel_rx_buf_size``: bytes for adverts that wait to be read, 0: as ``global_defs`` has it.
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
    auth_hmac: AuthHmac | None = None
    virtual_ipaddress: tuple[VirtualIpAddress, ...] = ()
    virtual_ipaddress_excluded: tuple[VirtualIpAddress, ...] = ()
    virtual_routes: tuple[Route, ...] = ()
    virtual_rules: tuple[Rule, ...] = ()
    nopreempt: bool = False
    preempt_delay_us: int = 0
    unicast_src_ip: Address | None = None
    unicast_peer: tuple[UnicastPeer, ...] = ()
    unicast_ttl: int = 255
    unicast_fault_no_peer: bool = False
    check_unicast_src: bool = False
    old_unicast_checksum: OldUnicastChecksum = OldUnicastChecksum.DETECT
    v3_checksum_as_v2: bool = False
    mcast_dst_ip: Address | None = None
    native_ipv6: bool = False
    accept: bool = True
    strict_mode: bool = False
    track_script: tuple[Tracked, ...] = ()
    track_interface: tuple[Tracked, ...] = ()
    track_process: tuple[Tracked, ...] = ()
    track_bfd: tuple[Tracked, ...] = ()
    track_file: tuple[Tracked, ...] = ()
    track_virtual_server: tuple[Tracked, ...] = ()
    dont_track_primary: bool = False
    garp_master_delay_us: int = 5 * SECOND_US
    garp_master_repeat: int = 5
    garp_master_refresh_us: int = 0
    garp_master_refresh_repeat: int = 1
    garp_lower_prio_delay_us: int | None = None
    garp_lower_prio_repeat: int | None = None
    garp_extra_if: ExtraGarp | None = None
    lower_prio_no_advert: bool = False
    higher_prio_send_advert: bool = False
    down_timer_adverts: int = 3
    skip_check_adv_addr: bool = False
    owner_ignore_adverts: bool = False
    timer_expired_backup: int | None = None
    use_vmac: Vmac | None = None
    use_vmac_addr: bool = False
    use_ipvlan: Ipvlan | None = None
    vmac_xmit_base: bool = False
    track_src_ip: bool = False
    no_virtual_ipaddress: bool = False
    notify_deleted: bool = False
    promote_secondaries: bool = False
    notify_priority_changes: bool = False
    kernel_rx_buf_size: int = 0
    smtp_alert: bool = False
    notify: Mapping[str, Script] = attrs.field(factory=dict)
    where: Position | None = place()

    @property
    def routing(self) -> tuple[RoutingItem, ...]:
        """Its routes, then its rules."""
        return self.virtual_routes + self.virtual_rules

    @property
    def configured_source(self) -> Address | None:
        """The address that ``unicast_src_ip`` or ``mcast_src_ip`` asks for."""
        return self.unicast_src_ip if self.unicast_peer else self.mcast_src_ip

    @property
    def peers(self) -> tuple[Address, ...]:
        """The addresses of its unicast peers."""
        return tuple(peer.address for peer in self.unicast_peer)

    @property
    def group(self) -> Address:
        """The group that its adverts go to where they do not go to peers."""
        plain = VrrpDefaults()
        return self.mcast_dst_ip or (plain.mcast_group4 if self.ip_version == 4 else plain.mcast_group6)

    @property
    def ip_version(self) -> int:
        """4 or 6: what its adverts go over, by its first virtual address or else by what it sends to."""
        if self.virtual_ipaddress:
            return self.virtual_ipaddress[0].address.version
        if self.native_ipv6:
            return 6
        said = next(filter(None, (self.unicast_src_ip, *self.peers, self.mcast_src_ip)), None)
        return 4 if said is None else said.version


@attrs.frozen
class VrrpSyncGroup:
    """``vrrp_sync_group``: instances that change state together."""

    name: str
    group: tuple[str, ...] = ()
    track_bfd: tuple[Tracked, ...] = ()
    sync_group_tracking_weight: bool = False
    track_script: tuple[Tracked, ...] = ()
    track_interface: tuple[Tracked, ...] = ()
    track_process: tuple[Tracked, ...] = ()
    track_file: tuple[Tracked, ...] = ()
    track_virtual_server: tuple[Tracked, ...] = ()
    notify_priority_changes: bool = False
    smtp_alert: bool = False
    notify: Mapping[str, Script] = attrs.field(factory=dict)
    where: Position | None = place()
