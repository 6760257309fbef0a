"""config.dump: whatever is set shows, each setting by itself."""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum
from ipaddress import ip_address, ip_network
from typing import Any, TypeVar

import attrs
from twisted.trial.unittest import SynchronousTestCase

from kaltwisted.config.dump import dump
from kaltwisted.config.model import (
    Authentication,
    AuthHmac,
    AuthType,
    BfdCheck,
    Check,
    CheckTiming,
    Configuration,
    Connection,
    DnsCheck,
    FileCheck,
    FirewallMark,
    Forwarding,
    ForwardingMethod,
    GlobalDefs,
    HmacKey,
    HttpCheck,
    HttpProtocol,
    Ipvlan,
    MiscCheck,
    Nftables,
    NotifyFifo,
    ParamMatch,
    PingCheck,
    RealServer,
    ReplyPattern,
    Route,
    Rule,
    Script,
    SmtpCheck,
    SmtpServer,
    SorryServer,
    TcpCheck,
    TlsOptions,
    Tracked,
    TrackFile,
    TunnelType,
    UdpCheck,
    UnicastPeer,
    Url,
    VirtualIpAddress,
    VirtualServer,
    Vmac,
    VrrpInstance,
    VrrpScript,
    VrrpSyncGroup,
    VrrpTrackProcess,
)
from kaltwisted.config.model_routes import Metric, NextHop

T = TypeVar("T", bound=attrs.AttrsInstance)

ADDRESS = ip_address("192.0.2.77")
SCRIPT = Script(("/bin/other", "word"))
# What a setting that has nothing to be told from its present value is changed to.
OTHER: dict[str, Any] = {
    "smtp_server": SmtpServer("relay", 2525),
    "script_user": ("bob", None),
    "smtp_alert": True,
    "smtp_alert_checker": True,
    "smtp_alert_vrrp": True,
    "notification_email": ("somebody@example.org",),
    "listen": FirewallMark(7, ipv6=True),
    "scheduler_flags": frozenset({"sh-port"}),
    "forwarding": ForwardingMethod(Forwarding.DR),
    "persistence_granularity": 24,
    "sorry_server": SorryServer(ADDRESS, 81),
    "bindto": ADDRESS,
    "digest": "0" * 32,
    "helo_name": "helo.example.org",
    "payload": b"\x0a\xff",
    "require_reply": ReplyPattern(b"\x0a", b"\xf0"),
    "status_codes": ((200, 200), (404, 410)),
    "http_protocol": HttpProtocol.HTTP_1_1,
    "mcast_src_ip": ADDRESS,
    "unicast_src_ip": ADDRESS,
    "unicast_peer": (UnicastPeer(ADDRESS, 7),),
    "mcast_dst_ip": ADDRESS,
    "nftables": Nftables("other"),
    "mcast_group4": ADDRESS,
    "mcast_group6": ADDRESS,
    "authentication": Authentication(AuthType.AH, b"secret"),
    "auth_hmac": AuthHmac((HmacKey(7, b"k" * 32),), 7),
    "virtual_ipaddress": (VirtualIpAddress(ADDRESS, 32),),
    "virtual_ipaddress_excluded": (VirtualIpAddress(ADDRESS, 32),),
    "virtual_routes": (Route(ip_network("10.0.0.0/8")),),
    "virtual_rules": (Rule(ipv6=False, priority=5, table=3),),
    "track_script": (Tracked("watch"),),
    "track_interface": (Tracked("eth9", -10),),
    "track_process": (Tracked("p", 10, reverse=True),),
    "track_file": (Tracked("f", 10, reverse=True),),
    "track_virtual_server": (Tracked("FWM 7", 10, reverse=True),),
    "file": "/run/other",
    "init": 7,
    "use_vmac": Vmac("vmac7"),
    "use_ipvlan": Ipvlan(),
    "nexthops": (NextHop(dev="eth7"),),
    "metrics": (Metric("mtu", 1400),),
    "destination": ip_network("10.7.0.0/24"),
    "dev": "eth7",
    "mac": b"\x02\x00\x00\x00\x00\x07",
    "ifname": "vmac7",
    "accept": False,
    "unicast_ttl": 7,
    "param_match": ParamMatch.PARTIAL,
    "process": ("named", "-u"),
    "quorum_max": 7,
    "notify_fifo": NotifyFifo("/run/fifo", "bob"),
    "vrrp_notify_fifo": NotifyFifo("/run/fifo", "bob"),
    "lvs_notify_fifo": NotifyFifo("/run/fifo", "bob"),
    "notify_fifo_script": SCRIPT,
    "vrrp_notify_fifo_script": SCRIPT,
    "lvs_notify_fifo_script": SCRIPT,
    "notify": {"notify_master": SCRIPT},
    "group": ("VI_1", "VI_2"),
    "user": "bob",
    "timer_expired_backup": 7,
    "garp_lower_prio_delay_us": 7_000_000,
    "garp_lower_prio_repeat": 7,
    "protocol": None,
    "priority": -7,
    "rt_priority": 7,
    "cpu_affinity": (0, 1),
    "rlimit_rttime": 7,
    "umask": 0o077,
}


def changed(value: Any, name: str) -> Any:
    """Another value for the setting ``name``."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + 7
    if isinstance(value, Enum):
        return list(type(value))[-1]
    if OTHER.get(name) is not None:
        return OTHER[name]
    if isinstance(value, Script) or name in ("quorum_up", "quorum_down", "notify_up", "notify_down"):
        return SCRIPT
    if value is None or isinstance(value, str):
        return "changed"
    return ADDRESS


def every_change(value: T, *but: str) -> Iterator[tuple[str, T]]:
    """``value`` with one setting changed at a time, and which."""
    for field in attrs.fields(type(value)):
        if field.name not in ("where", *but):
            now = getattr(value, field.name)
            yield field.name, attrs.evolve(value, **{field.name: changed(now, field.name)})


class TestDump(SynchronousTestCase):
    def assert_all_show(self, base: Configuration, changes: Iterator[tuple[str, Configuration]]) -> None:
        plain = list(dump(base))
        for name, configuration in changes:
            self.assertNotEqual(list(dump(configuration)), plain, name)

    def test_global_definitions(self) -> None:
        parts = ("vrrp", "rx_bufs", "vrrp_process", "checker_process", "bfd_process", "api")
        changes = [*every_change(GlobalDefs(), "vrrp_version", *parts)]
        for part in parts:
            changes += (
                (n, GlobalDefs(**{part: each})) for n, each in every_change(getattr(GlobalDefs(), part))
            )
        self.assert_all_show(Configuration(), ((n, Configuration(each)) for n, each in changes))

    def test_virtual_and_real_servers(self) -> None:
        server = RealServer(ip_address("10.0.0.1"), 80)
        service = VirtualServer(FirewallMark(1), real_servers=(server,))
        services = [*every_change(service, "real_servers")]
        services += (
            (n, attrs.evolve(service, real_servers=(each,))) for n, each in every_change(server, "checks")
        )
        self.assert_all_show(
            Configuration(virtual_servers=(service,)),
            ((n, Configuration(virtual_servers=(each,))) for n, each in services),
        )

    def test_tunnels(self) -> None:
        kinds = (
            ForwardingMethod(Forwarding.TUN),
            ForwardingMethod(Forwarding.TUN, TunnelType.GRE),
            ForwardingMethod(Forwarding.TUN, TunnelType.GUE, 6080),
            ForwardingMethod(Forwarding.TUN, TunnelType.GUE, 6081),
        )
        services = [VirtualServer(FirewallMark(1), forwarding=kind) for kind in kinds]
        dumps = {tuple(dump(Configuration(virtual_servers=(each,)))) for each in services}
        self.assertEqual(len(dumps), len(kinds))

    def test_checks(self) -> None:
        timing = CheckTiming()
        connection = Connection(ip_address("10.0.0.1"), 80)
        tcp = TcpCheck(timing, connection)
        url = Url("/")
        https = HttpCheck(timing, connection, (url,), tls=TlsOptions())
        http = HttpCheck(timing, connection, (url,))
        misc = MiscCheck(timing, Script(("/bin/true",)), 1_000_000)
        bfd = BfdCheck(timing, "far")
        file = FileCheck(timing, "load", 1)

        def configuration(check: Check) -> Configuration:
            server = RealServer(connection.ip, 80, checks=(check,))
            return Configuration(virtual_servers=(VirtualServer(FirewallMark(1), real_servers=(server,)),))

        bound = attrs.evolve(connection, bindto=ip_address("192.0.2.1"))
        regex, no_match = Url("/", regex="x"), Url("/", regex="x", regex_no_match=True)
        urls = [*every_change(url, "regex_no_match")]
        scripts = [Script(("/bin/true",), "bob", group) for group in ("a", "b")]
        for base, changes in (
            (tcp, [(n, TcpCheck(each, connection)) for n, each in every_change(timing)]),
            (tcp, [(n, TcpCheck(timing, each)) for n, each in every_change(connection)]),
            (TcpCheck(timing, bound), [(n, TcpCheck(timing, each)) for n, each in every_change(bound)]),
            (https, [(n, attrs.evolve(https, tls=each)) for n, each in every_change(TlsOptions())]),
            (http, [(n, attrs.evolve(http, urls=(each,))) for n, each in urls]),
            (attrs.evolve(http, urls=(regex,)), [("no match", attrs.evolve(http, urls=(no_match,)))]),
            (http, [*every_change(http, "timing", "connection", "urls", "tls")]),
            (http, [("tls", https)]),
            (misc, [*every_change(misc, "timing")]),
            (bfd, [*every_change(bfd, "timing")]),
            (file, [*every_change(file, "timing")]),
            (file, [(n, attrs.evolve(file, timing=each)) for n, each in every_change(timing)]),
            (bfd, [(n, attrs.evolve(bfd, timing=each)) for n, each in every_change(timing)]),
            (misc, [(n, attrs.evolve(misc, timing=each)) for n, each in every_change(timing)]),
            (misc, [("user", attrs.evolve(misc, script=each)) for each in scripts]),
            *(
                (base, every_change(base, "timing", "connection"))
                for base in (
                    SmtpCheck(timing, connection),
                    UdpCheck(timing, connection),
                    DnsCheck(timing, connection),
                )
            ),
            *(
                (base, [(n, attrs.evolve(base, timing=each)) for n, each in every_change(timing)])
                for base in (PingCheck(timing, connection), DnsCheck(timing, connection))
            ),
        ):
            self.assert_all_show(configuration(base), ((n, configuration(each)) for n, each in changes))

    def test_vrrp(self) -> None:
        instance = VrrpInstance("VI_1")
        group = VrrpSyncGroup("VG")
        script = VrrpScript("watch", Script(("/bin/true",)))
        address = VirtualIpAddress(ip_address("10.0.0.9"), 32)
        base = Configuration(vrrp_instances=(instance,), vrrp_sync_groups=(group,), vrrp_scripts=(script,))
        changes = [(n, attrs.evolve(base, vrrp_instances=(each,))) for n, each in every_change(instance)]
        changes += ((n, attrs.evolve(base, vrrp_sync_groups=(each,))) for n, each in every_change(group))
        changes += ((n, attrs.evolve(base, vrrp_scripts=(each,))) for n, each in every_change(script))
        self.assert_all_show(base, iter(changes))
        process = VrrpTrackProcess("p", ("named",))
        base = Configuration(vrrp_track_processes=(process,))
        changes = [(n, Configuration(vrrp_track_processes=(each,))) for n, each in every_change(process)]
        self.assert_all_show(base, iter(changes))
        file = TrackFile("f", "/run/number")
        base = Configuration(track_files=(file,))
        changes = [(n, Configuration(track_files=(each,))) for n, each in every_change(file)]
        changes.append(("static_ipaddress", attrs.evolve(base, static_ipaddress=(address,))))
        self.assert_all_show(base, iter(changes))

        changes = [
            ("virtual_routes", Configuration(vrrp_instances=(VrrpInstance("VI_1", virtual_routes=(each,)),)))
            for _, each in every_change(Route(ip_network("10.0.0.0/8")))
        ]
        self.assertEqual(len({tuple(dump(each)) for _, each in changes}), len(changes))
        base = Configuration(vrrp_instances=(VrrpInstance("VI_1", use_vmac=Vmac()),))
        self.assert_all_show(
            base,
            (
                (n, Configuration(vrrp_instances=(VrrpInstance("VI_1", use_vmac=each),)))
                for n, each in every_change(Vmac())
            ),
        )
        base = Configuration(vrrp_instances=(VrrpInstance("VI_1", use_ipvlan=Ipvlan()),))
        self.assert_all_show(
            base,
            (
                (n, Configuration(vrrp_instances=(VrrpInstance("VI_1", use_ipvlan=each),)))
                for n, each in every_change(Ipvlan())
            ),
        )
        for tracked in (Tracked("p", 1, reverse=True), Tracked("p", 1, reverse=False)):
            lines = list(dump(Configuration(vrrp_instances=(VrrpInstance("VI", track_process=(tracked,)),))))
            self.assertIn(f"    track_process = p weight 1 {'' if tracked.reverse else 'no'}reverse", lines)
        base = Configuration(vrrp_instances=(VrrpInstance("VI_1", virtual_ipaddress=(address,)),))
        self.assert_all_show(
            base,
            (
                (n, Configuration(vrrp_instances=(VrrpInstance("VI_1", virtual_ipaddress=(each,)),)))
                for n, each in every_change(address)
            ),
        )

    def test_the_password_does_not_show(self) -> None:
        secret = VrrpInstance("VI_1", authentication=Authentication(AuthType.PASS, b"hush"))
        self.assertNotIn("hush", "\n".join(dump(Configuration(vrrp_instances=(secret,)))))
