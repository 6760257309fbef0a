"""The data files' first section, ``Global definitions``, and words that all of their sections share.

keepalived writes its data files on SIGUSR1, and exporters for monitoring parse
them, so layout and wording are those of keepalived 2.2.7 to the letter.  Lines
about what we do not have (SNMP, D-Bus, process priorities) are left out.
``config.dump`` is another thing: the log dump of ``-d``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from ipaddress import IPv4Address
from typing import Final, TypeAlias

from kaltwisted.config.model import (
    NETLINK_BUFFERS,
    SECOND_US,
    ExtraGarp,
    FlushOnStop,
    GlobalDefs,
    LvsSyncDaemon,
    LvsTimeouts,
    RxBufs,
    RxBufsPolicy,
    Script,
    SslContext,
    VrrpDefaults,
)

Owner: TypeAlias = Callable[[Script | None], str]
"""Whom a script runs as, ``uid:gid``; None: a script that names nobody."""

_UNSET: Final = 0xFFFFFFFF
"""What keepalived prints for the delay and repeat of ``lower priority`` where nobody has set them."""

_FLUSH_ON_STOP: Final = {None: "disabled", FlushOnStop.OURS: "VS", FlushOnStop.ALL: "full"}


def global_definitions(
    defs: GlobalDefs, host: str, owner: Owner, *, vrrp: bool = False, parent: bool = False
) -> Iterator[str]:
    """The section as all data files begin with it.

    :param host: this machine's name, which stands in where nothing is configured.
    :param vrrp: as the VRRP process has it, in which what is not set has its default.
    :param parent: as the first process has it, which runs the scripts of start and stop.
    """
    yield "------< Global definitions >------"
    if defs.instance is not None:
        yield f" Instance name = {defs.instance}"
    yield f" Router ID = {defs.router_id or host}"
    yield from _mail(defs, host)
    yield f" Default smtp_alert = {_alert(defs.smtp_alert)}"
    yield f" Default smtp_alert_vrrp = {_alert(defs.smtp_alert_vrrp)}"
    yield f" Default smtp_alert_checker = {_alert(defs.smtp_alert_checker)}"
    yield f" Checkers log all failures = {true(defs.checker_log_all_failures)}"
    if defs.data_use_instance:
        yield " Use instance name in data dumps"
    if parent:
        yield from _start_and_stop(defs, owner)
    yield f" Dynamic interfaces = {true(defs.dynamic_interfaces)}"
    if defs.no_email_faults:
        yield " Send emails for fault transitions = off"
    yield from _lvs_timeouts(defs.lvs_timeouts)
    if vrrp:
        yield f" Default interface = {defs.default_interface or 'eth0'}"
    yield f" Disable local IGMP = {yes(defs.disable_local_igmp)}"
    yield from _sync_daemon(defs.lvs_sync_daemon, "instance" if vrrp else "name")
    yield f" LVS flush = {true(defs.lvs_flush)}"
    yield f" LVS flush on stop = {_FLUSH_ON_STOP[defs.lvs_flush_on_stop]}"
    if vrrp:
        yield f" VRRP IPv4 mcast group = {defs.vrrp.mcast_group4}"
        yield f" VRRP IPv6 mcast group = {defs.vrrp.mcast_group6}"
    yield from _vrrp(defs.vrrp, in_force=vrrp)
    yield f" VRRP default protocol version = {defs.vrrp_version}"
    if vrrp and defs.nftables is not None:
        yield f" nftables table name = {defs.nftables.table}"
        yield f" nftables base chain priority = {defs.nftables.priority}"
        yield " nftables don't force use ifindex for link local IPv6"
        yield f" nftables {'with' if defs.nftables.counters else 'without'} counters"
    yield f" VRRP check unicast_src = {true(defs.vrrp.check_unicast_src)}"
    yield f" VRRP skip check advert addresses = {true(defs.vrrp.skip_check_adv_addr)}"
    if vrrp:
        yield f" VRRP strict mode = {true(defs.vrrp.strict)}"
    most = "Disabled" if defs.max_auto_priority < 0 else defs.max_auto_priority
    yield f" Max auto priority = {most}"
    yield f" Min auto priority delay = {defs.min_auto_priority_delay} usecs"
    yield f" Script security {'enabled' if defs.enable_script_security else 'disabled'}"
    yield f" Default script uid:gid {owner(None)}"
    for kind in NETLINK_BUFFERS:
        yield f" {kind}_rcv_bufs = {getattr(defs, f'{kind}_rcv_bufs')}"
        yield f" {kind}_rcv_bufs_force = {getattr(defs, f'{kind}_rcv_bufs_force'):d}"
    yield f" rs_init_notifies = {defs.rs_init_notifies:d}"
    yield f" no_checker_emails = {defs.no_checker_emails:d}"
    yield from _rx_bufs(defs.rx_bufs)
    if defs.log_unknown_vrids:
        yield " log_unknown_vrids"


def _start_and_stop(defs: GlobalDefs, owner: Owner) -> Iterator[str]:
    if defs.startup_script is not None:
        limit = defs.startup_script_timeout_us // SECOND_US
        yield f" Startup script = {script_line(defs.startup_script, owner)}, timeout {limit}"
    if defs.shutdown_script is not None:
        limit = defs.shutdown_script_timeout_us // SECOND_US
        yield f" Shutdown script = {script_line(defs.shutdown_script, owner)} timeout {limit}"


def _rx_bufs(rx_bufs: RxBufs) -> Iterator[str]:
    match rx_bufs.policy:
        case RxBufsPolicy(value=name):
            yield f" rx_bufs_policy = {name}"
        case int(size):
            yield f" rx_bufs_size = {size}"
    yield f" rx_bufs_multiples = {rx_bufs.multiplier}"


def ssl_definitions(ssl: SslContext) -> Iterator[str]:
    """What stands in the section of that name; keepalived shows the pass phrase too."""
    if ssl == SslContext():
        yield " Using autogen SSL context"
    if ssl.ca is not None:
        yield f" CA-file : {ssl.ca}"
    if ssl.certificate is not None:
        yield f" Certificate file : {ssl.certificate}"
    if ssl.key is not None:
        yield f" Key file : {ssl.key}"


def _mail(defs: GlobalDefs, host: str) -> Iterator[str]:
    """Nothing unless mail is sent; names that stand in, only where somebody gets it."""
    if defs.smtp_server is None:
        return
    yield f" Smtp server = {defs.smtp_server.host}"
    yield f" Smtp server port = {defs.smtp_server.port}"
    helo, sender = defs.smtp_helo_name, defs.notification_email_from
    if defs.notification_email:
        helo, sender = helo or host, sender or f"keepalived@{host}"
    if helo is not None:
        yield f" Smtp HELO name = {helo}"
    yield f" Smtp server connection timeout = {defs.smtp_connect_timeout_us // SECOND_US}"
    if sender is not None:
        yield f" Email notification from = {sender}"
    if defs.notification_email:
        yield " Email notification to:"
        for recipient in defs.notification_email:
            yield f"   {recipient}"


def _lvs_timeouts(timeouts: LvsTimeouts) -> Iterator[str]:
    if timeouts.tcp:
        yield f" LVS TCP timeout = {timeouts.tcp}"
    if timeouts.tcpfin:
        yield f" LVS TCP FIN timeout = {timeouts.tcpfin}"
    if timeouts.udp:
        # keepalived's own words.
        yield f" LVS TCP timeout = {timeouts.udp}"


def _sync_daemon(sync: LvsSyncDaemon | None, followed: str) -> Iterator[str]:
    if sync is None:
        return
    if sync.instance is not None:
        yield f" LVS syncd vrrp {followed} = {sync.instance}"
    yield f" LVS syncd interface = {sync.interface}"
    yield f" LVS syncd syncid = {sync.sync_id}"
    if sync.maxlen is not None:
        yield f" LVS syncd maxlen = {sync.maxlen}"
    if sync.group is not None:
        yield f" LVS mcast group {sync.group}"
    if sync.port is not None:
        yield f" LVS syncd mcast port = {sync.port}"
    if sync.ttl is not None:
        yield f" LVS syncd mcast ttl = {sync.ttl}"


def _vrrp(defaults: VrrpDefaults, *, in_force: bool) -> Iterator[str]:
    delay_us, repeat = defaults.garp_lower_prio_delay_us, defaults.garp_lower_prio_repeat
    delay = _UNSET if delay_us is None else delay_us // SECOND_US
    if in_force and delay_us is None:
        delay = defaults.garp_master_delay_us // SECOND_US
    if repeat is None:
        repeat = defaults.garp_master_repeat if in_force else _UNSET
    yield f" Gratuitous ARP delay = {defaults.garp_master_delay_us // SECOND_US}"
    yield f" Gratuitous ARP repeat = {defaults.garp_master_repeat}"
    yield f" Gratuitous ARP refresh timer = {defaults.garp_master_refresh_us // SECOND_US}"
    yield f" Gratuitous ARP refresh repeat = {defaults.garp_master_refresh_repeat}"
    yield f" Gratuitous ARP lower priority delay = {delay}"
    yield f" Gratuitous ARP lower priority repeat = {repeat}"
    yield f" Num adverts before down = {defaults.down_timer_adverts}"
    extra = defaults.garp_extra_if or ExtraGarp(0)
    where = "i/f" if extra.every else "VMAC"
    yield f" Gratuitous ARP for each secondary {where} = {extra.interval_us // SECOND_US}s"
    yield f" Send advert after receive lower priority advert = {true(not defaults.lower_prio_no_advert)}"
    yield f" Send advert after receive higher priority advert = {true(defaults.higher_prio_send_advert)}"
    yield f" Gratuitous ARP interval = {seconds(defaults.garp_interval_us)}"
    yield f" Gratuitous NA interval = {seconds(defaults.gna_interval_us)}"


# --- words and values of all sections ----------------------------------------------------


def true(flag: bool) -> str:
    """``true`` and ``false``."""
    return "true" if flag else "false"


def yes(flag: bool) -> str:
    """``yes`` and ``no``."""
    return "yes" if flag else "no"


def on(flag: bool) -> str:
    """``ON`` and ``OFF``."""
    return "ON" if flag else "OFF"


def enabled(flag: bool) -> str:
    """``enabled`` and ``disabled``."""
    return "enabled" if flag else "disabled"


def _alert(setting: bool | None) -> str:
    return "unset" if setting is None else "on" if setting else "off"


def seconds(microseconds: int) -> str:
    """Seconds with all six digits behind the point: ``1795532429.625800``."""
    whole, rest = divmod(microseconds, SECOND_US)
    return f"{whole}.{rest:06}"


def command(script: Script) -> str:
    """A command, each word between quotes: ``'/bin/notify' 'first word' 'second'``."""
    return " ".join(f"'{word}'" for word in script.argv)


def script_line(script: Script, owner: Owner) -> str:
    """A notify script and whom it runs as."""
    return f"{command(script)}, uid:gid {owner(script)}"


def granularity(length: int, ipv6: bool) -> str:
    """A mask for IPv4, a prefix length for IPv6: as it is written in the configuration."""
    if ipv6 or length > 32:
        return str(length)
    mask = (0xFFFFFFFF << (32 - length)) & 0xFFFFFFFF
    return str(IPv4Address(mask))


def moment(epoch_us: int) -> str:
    """A time of day in µs since 1970: ``1795532429.625800 (Tue Nov 24 15:00:29.625800 2026)``."""
    words, year = _calendar(epoch_us)
    return f"{seconds(epoch_us)} ({words}.{epoch_us % SECOND_US:06} {year})"


def checker_moment(epoch_us: int) -> str:
    """The same as health checkers have it, with the year before the fraction."""
    words, year = _calendar(epoch_us)
    return f"{seconds(epoch_us)} ({words} {year}.{epoch_us % SECOND_US:06})"


def _calendar(epoch_us: int) -> tuple[str, str]:
    """``Tue Nov 24 15:00:29`` by the local time zone and never by the locale, and ``2026``."""
    words, _, year = datetime.fromtimestamp(epoch_us // SECOND_US).ctime().rpartition(" ")
    return words, year
