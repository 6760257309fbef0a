"""One instance in the data file, as keepalived 2.2.7 lays it out; the password is never shown."""

from __future__ import annotations

from collections.abc import Iterator

from kaltwisted.config.model import SECOND_US, AuthType, VrrpInstance
from kaltwisted.config.report import enabled, moment, script_line, true, yes
from kaltwisted.vrrp.actions import State, TimerName
from kaltwisted.vrrp.events import FaultKind
from kaltwisted.vrrp.instance import Instance
from kaltwisted.vrrp.packet import unpacked
from kaltwisted.vrrp.report_routing import routing_lines
from kaltwisted.vrrp.report_words import (
    SCRIPTS,
    Topology,
    lower_priority_burst,
    own_lines,
    own_place,
    titled,
    tracked_interfaces,
    virtual_address,
    wanted_state,
)
from kaltwisted.vrrp.virtual_router import VirtualRouter
from kaltwisted.vrrp.vmac import extra_addresses, own_interface, sending_interface

_AUTHENTICATION = {AuthType.PASS: "SIMPLE_PASSWORD", AuthType.AH: "IPSEC_AH"}


def instance_lines(instance: Instance, topology: Topology) -> Iterator[str]:
    """The block ``VRRP Instance = NAME``."""
    config, router = instance.config, instance.router
    group = topology.router.group_of(instance.name)
    yield f" VRRP Instance = {config.name}"
    yield f"   VRRP Version = {config.version}"
    if config.ip_version == 6:
        yield "   Using Native IPv6"
    if group is not None:
        yield f"   Sync group = {group.name}"
    yield f"   State = {instance.state.value}"
    yield from _master(router)
    yield from _flags(config, router)
    yield from _condition(instance, topology.epoch_us)
    yield from _network(config, router, topology)
    yield from _announcements(config, router, topology.epoch_us)
    yield from _identity(instance)
    yield from _addresses(instance, topology)
    yield from _peers(config, router)
    yield from routing_lines(config, topology.vrf_table)
    yield from _tracking(instance)
    yield f"   Using smtp notification = {yes(config.smtp_alert)}"
    yield f"   Notify deleted = {'Deleted' if config.notify_deleted else 'Fault'}"
    for keyword, words, _ in SCRIPTS:
        script = config.notify.get(keyword)
        if script is not None:
            yield f"   {words} transition script = {script_line(script, topology.owner)}"
    yield "   Notify priority changes = false"


def _master(router: VirtualRouter) -> Iterator[str]:
    """The master that we follow, once we have heard of one."""
    if router.state is not State.BACKUP or router.master is None:
        return
    yield f"   Master router = {unpacked(router.master)}"
    yield f"   Master priority = {router.master_priority}"
    if router.config.version == 3:
        yield f"   Master advert int = {router.master_interval_us / SECOND_US:.2f} sec"


def _flags(config: VrrpInstance, router: VirtualRouter) -> Iterator[str]:
    """keepalived heads its list with ``none`` by all its flags, and names but one of those that we have."""
    unicast = bool(config.unicast_peer)
    flags = (
        unicast
        or router.configured_source is not None
        or not router.preempts
        or config.dont_track_primary
        or config.skip_check_adv_addr
        or (config.garp_extra_if is not None and config.garp_extra_if.every)
        or own_interface(config) is not None
        or config.use_vmac_addr
    )
    yield "   Flags:" if flags else "   Flags: none"
    if unicast:
        yield "     Using unicast"


def _condition(instance: Instance, epoch_us: int) -> Iterator[str]:
    router = instance.router
    faults = sum(fault.kind is not FaultKind.GROUP for fault in instance.faults)
    yield f"   Wantstate = {wanted_state(instance).value}"
    yield "   Number of config faults = 0"
    yield f"   Number of interface and track script faults = {faults}"
    yield f"   Number of track scripts init = {instance.tracking.pending}"
    if router.last_transition is not None:
        yield f"   Last transition = {moment(router.last_transition + epoch_us)}"
    timer = TimerName.ADVERT if router.state is State.MASTER else TimerName.MASTER_DOWN
    due = router.deadline(timer)
    yield f"   Read timeout = {'DISABLED' if due is None else moment(due + epoch_us)}"
    yield f"   Master down timer = {router.master_down_us()} usecs"


def _network(config: VrrpInstance, router: VirtualRouter, topology: Topology) -> Iterator[str]:
    own, ipvlan = own_interface(config), config.use_ipvlan
    found = next((each.link for each in topology.interfaces if each.name == own), None)
    up = true(found is not None and found.works)
    if ipvlan is not None:
        address = "" if ipvlan.address is None else f", i/f address = {ipvlan.address}"
        yield f"   Use IPVLAN, i/f {own}, is_up = {up}{address}, type {ipvlan.type.name.lower()}"
    elif own is not None:
        yield f"   Use VMAC, i/f name {own}, is_up = {up}, xmit_base = {true(config.vmac_xmit_base)}"
    if config.use_vmac_addr:
        yield "   Use VMAC for VIPs on other interfaces"
    if own is not None:
        kind = "vmac" if ipvlan is None else "ipvlan"
        base = ", xmit base i/f" if config.vmac_xmit_base else ""
        yield f"   Interface = {own}, {kind} on {config.interface}{base}"
    elif config.interface is not None:
        yield f"   Interface = {config.interface}"
    if config.dont_track_primary:
        yield "   VRRP interface tracking disabled"
    if config.skip_check_adv_addr:
        yield "   Skip checking advert IP addresses"
    if config.strict_mode:
        yield "   Enforcing strict VRRP compliance"
    configured = " (from configuration)" if router.configured_source is not None else ""
    yield f"   Using src_ip = {router.source or '(none)'}{configured}"
    if not config.unicast_peer:
        sends = sending_interface(config)
        links = (each.link for each in topology.interfaces if each.name == sends)
        link = next(links, None)
        # A group of IPv6 is one on a link, so keepalived names the link.
        where = "" if config.ip_version == 4 or link is None else f", ifindex {link.index}"
        yield f"   Multicast address {config.group}{where}"


def _announcements(config: VrrpInstance, router: VirtualRouter, epoch_us: int) -> Iterator[str]:
    delay, repeat = lower_priority_burst(config)
    yield f"   Gratuitous ARP delay = {config.garp_master_delay_us // SECOND_US}"
    yield f"   Gratuitous ARP repeat = {config.garp_master_repeat}"
    yield f"   Gratuitous ARP refresh = {config.garp_master_refresh_us // SECOND_US}"
    yield f"   Gratuitous ARP refresh repeat = {config.garp_master_refresh_repeat}"
    yield f"   Gratuitous ARP lower priority delay = {delay}"
    yield f"   Gratuitous ARP lower priority repeat = {repeat}"
    yield f"   Down timer adverts = {config.down_timer_adverts}"
    if config.garp_extra_if is not None and extra_addresses(config):
        yield f"   Gratuitous ARP for each secondary i/f = {config.garp_extra_if.interval_us // SECOND_US}"
        due = router.deadline(TimerName.GARP_EXTRA)
        if due is not None:
            yield f"   Next gratuitous ARP for such secondary = {moment(due + epoch_us)}"
    yield f"   Send advert after receive lower priority advert = {true(not config.lower_prio_no_advert)}"
    yield f"   Send advert after receive higher priority advert = {true(config.higher_prio_send_advert)}"


def _identity(instance: Instance) -> Iterator[str]:
    config, router = instance.config, instance.router
    yield f"   Virtual Router ID = {config.virtual_router_id}"
    yield f"   Priority = {config.priority}"
    yield f"   Effective priority = {instance.priority}"
    yield f"   Total priority = {instance.tracking.total}"
    yield f"   Advert interval = {_interval(config.version, config.advert_int_us)}"
    if config.version == 3 and router.state is State.BACKUP and router.master is not None:
        yield f"   Master advert interval = {_interval(3, router.master_interval_us)}"
    yield f"   Accept = {enabled(config.accept)}"
    yield f"   Preempt = {enabled(router.preempts)}"
    if router.preempt_delay_us:
        yield f"   Preempt delay = {router.preempt_delay_us / SECOND_US:g} secs"
    yield "   Promote_secondaries = disabled"
    if config.version == 2:
        authentication = config.authentication
        kind = "none" if authentication is None else _AUTHENTICATION[authentication.type]
        yield f"   Authentication type = {kind}"
    yield from _auth_hmac(router)
    if config.kernel_rx_buf_size:
        yield f"   Kernel rx buffer size = {config.kernel_rx_buf_size}"


def _auth_hmac(router: VirtualRouter) -> Iterator[str]:
    """No keepalived that writes it was at hand: the words are those of the configuration."""
    auth_hmac = router.config.auth_hmac
    if auth_hmac is None or router.expected.keys is None:
        return
    window_s = router.expected.keys.window_s
    yield "   Authentication extension = HMAC-SHA256"
    yield f"     Keys = {' '.join(str(key.id) for key in auth_hmac.keys)}"
    yield f"     Active key = {auth_hmac.active_key}"
    yield f"     Mode = {auth_hmac.mode.value}"
    yield f"     Anti replay = {auth_hmac.anti_replay.value}"
    if window_s is not None:
        yield f"     Time window = {window_s} secs"


def _interval(version: int, interval_us: int) -> str:
    return f"{interval_us // 1000} milli-sec" if version == 3 else f"{interval_us / SECOND_US:g} sec"


def _addresses(instance: Instance, topology: Topology) -> Iterator[str]:
    config, interface = instance.config, own_place(instance.config)
    for title, vips in (
        (f"Virtual IP ({len(config.virtual_ipaddress)}):", config.virtual_ipaddress),
        ("Virtual IP Excluded :", config.virtual_ipaddress_excluded),
    ):
        if vips:
            yield f"   {title}"
        for vip in vips:
            stands = topology.stands(config.name, vip)
            words = virtual_address(vip, interface, stands=stands, accepted=config.accept)
            yield f"     {words}"


def _peers(config: VrrpInstance, router: VirtualRouter) -> Iterator[str]:
    if not config.unicast_peer:
        return
    yield f"   Unicast TTL = {config.unicast_ttl}"
    yield f"   Check unicast src : {yes(router.expected.sources is not None)}"
    yield "   Unicast Peer :"
    for peer in config.unicast_peer:
        yield f"     {peer}"
    yield "   Unicast checksum compatibility = no"


def _tracking(instance: Instance) -> Iterator[str]:
    config = instance.config
    interfaces, weighings = tracked_interfaces(config), instance.tracking.of(FaultKind.INTERFACE)
    lines = (f"     {name} weight {weighings[name]}" for name in interfaces)
    yield from titled("   Tracked interfaces :", lines)
    for title, separator, kind in (
        ("scripts", "", FaultKind.SCRIPT),
        ("files", ",", FaultKind.FILE),
        ("processes", ",", FaultKind.PROCESS),
        ("BFDs", ":", FaultKind.BFD),
    ):
        own = own_lines(instance, kind).items()
        lines = (f"     {name}{separator} weight {weighing}" for name, weighing in own)
        yield from titled(f"   Tracked {title} :", lines)
