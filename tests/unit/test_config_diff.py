"""What counts as the same thing in two configurations, what is kept, and how the rest is told."""

from __future__ import annotations

from ipaddress import ip_address

import attrs
from twisted.trial.unittest import SynchronousTestCase

from kaltwisted.config.diff import Part, compare, compare_real_servers, predecessors
from kaltwisted.config.load import load_text
from kaltwisted.config.model import (
    Authentication,
    AuthType,
    CheckTiming,
    Configuration,
    Connection,
    FirewallMark,
    GlobalDefs,
    HttpCheck,
    MiscCheck,
    Position,
    Protocol,
    RealServer,
    Script,
    TcpCheck,
    TlsOptions,
    Tracked,
    Url,
    VirtualAddress,
    VirtualIpAddress,
    VirtualServer,
    VrrpDefaults,
    VrrpInstance,
    VrrpScript,
    VrrpSyncGroup,
)

VIP = VirtualAddress(ip_address("10.9.9.9"), 80)
OFTEN, SELDOM = CheckTiming(delay_loop_us=1_000_000), CheckTiming(delay_loop_us=6_000_000)


def connection(port: int = 80) -> Connection:
    return Connection(ip_address("10.0.0.1"), port)


def tcp(timing: CheckTiming = OFTEN, port: int = 80) -> TcpCheck:
    return TcpCheck(timing, connection(port))


def http(path: str = "/", tls: TlsOptions | None = None) -> HttpCheck:
    return HttpCheck(OFTEN, connection(), (Url(path),), tls=tls)


def misc(words: str) -> MiscCheck:
    return MiscCheck(OFTEN, Script((words,)), 1_000_000)


def real(last: int, **fields: object) -> RealServer:
    fields.setdefault("checks", (tcp(),))
    return RealServer(ip_address(f"10.0.0.{last}"), 80, **fields)  # type: ignore[arg-type]


def virtual(*servers: RealServer, **fields: object) -> VirtualServer:
    fields.setdefault("listen", VIP)
    return VirtualServer(real_servers=servers, **fields)  # type: ignore[arg-type]


def configured(*servers: VirtualServer, **fields: object) -> Configuration:
    return Configuration(virtual_servers=servers, **fields)  # type: ignore[arg-type]


def instance(name: str = "one", vip: str = "10.1.1.1", **fields: object) -> VrrpInstance:
    fields.setdefault("interface", "eth0")
    fields.setdefault("virtual_router_id", 7)
    return VrrpInstance(name, virtual_ipaddress=(VirtualIpAddress(ip_address(vip), 32),), **fields)  # type: ignore[arg-type]


class SameThings(SynchronousTestCase):
    def test_two_readings_of_one_text_do_not_differ_and_the_old_objects_stay(self) -> None:
        text = "virtual_server 10.9.9.9 80 {\n real_server 10.0.0.1 80 {\n TCP_CHECK {\n}\n}\n}\n"
        old = load_text(text, "a").configuration
        changes = compare(old, load_text("# another line\n" + text, "a").configuration)
        self.assertFalse(changes)
        self.assertEqual(list(changes.words()), [])
        self.assertIs(changes.configuration.virtual_servers[0], old.virtual_servers[0])

    def test_a_changed_virtual_server_keeps_its_unchanged_real_servers(self) -> None:
        old = configured(virtual(real(1), real(2)), virtual(real(3), listen=FirewallMark(4)))
        new = configured(
            virtual(real(1, weight=5), real(2), lb_algo="rr"), virtual(real(3), listen=FirewallMark(4))
        )
        changes = compare(old, new)
        [change] = changes.virtual_servers.changed
        self.assertIs(change.old, old.virtual_servers[0])
        self.assertIs(change.new, changes.configuration.virtual_servers[0])
        self.assertEqual(changes.configuration, new)
        self.assertIs(change.new.real_servers[1], old.virtual_servers[0].real_servers[1])
        self.assertIs(changes.configuration.virtual_servers[1], old.virtual_servers[1])
        self.assertEqual(
            [
                (each.old.weight, each.new.weight)
                for each in compare_real_servers(change.old, change.new).changed
            ],
            [(1, 5)],
        )

    def test_order_and_place_in_the_file_are_no_difference(self) -> None:
        one, two = virtual(real(1)), virtual(real(2), listen=FirewallMark(4), where=Position("a", 3))
        moved = attrs.evolve(two, where=Position("b", 9))
        self.assertFalse(compare(configured(one, two), configured(moved, one)))

    def test_port_protocol_and_mark_make_another_virtual_server(self) -> None:
        old = virtual(real(1))
        for new in (
            virtual(real(1), protocol=Protocol.UDP),
            virtual(real(1), listen=VirtualAddress(VIP.address, 81)),
            virtual(real(1), listen=FirewallMark(1)),
        ):
            part = compare(configured(old), configured(new)).virtual_servers
            self.assertEqual(part, Part(added=(new,), removed=(old,)))

    def test_a_mark_has_no_protocol(self) -> None:
        mark = FirewallMark(3)
        part = compare(
            configured(virtual(listen=mark)), configured(virtual(listen=mark, protocol=Protocol.UDP))
        ).virtual_servers
        self.assertEqual(len(part.changed), 1)

    def test_instances_go_by_vrid_interface_and_family_whatever_their_name(self) -> None:
        old = Configuration(vrrp_instances=(instance(),))

        def part(new: VrrpInstance) -> Part[VrrpInstance]:
            return compare(old, Configuration(vrrp_instances=(new,))).vrrp_instances

        self.assertEqual(len(part(instance("renamed", priority=200)).changed), 1)
        for other in (
            instance(virtual_router_id=8),
            instance(interface="eth1"),
            instance(vip="2001:db8::1"),
        ):
            self.assertEqual((len(part(other).added), len(part(other).removed)), (1, 1))

    def test_scripts_and_sync_groups_go_by_name(self) -> None:
        script, group = VrrpScript("check", Script(("/a",))), VrrpSyncGroup("pair", ("one",))
        old = Configuration(vrrp_scripts=(script,), vrrp_sync_groups=(group,))
        new = Configuration(
            vrrp_scripts=(attrs.evolve(script, weight=3),),
            vrrp_sync_groups=(attrs.evolve(group, name="trio"),),
        )
        changes = compare(old, new)
        self.assertTrue(changes.vrrp)
        self.assertEqual(len(changes.vrrp_scripts.changed), 1)
        self.assertEqual((len(changes.vrrp_sync_groups.added), len(changes.vrrp_sync_groups.removed)), (1, 1))

    def test_settings_that_virtual_routers_go_by_concern_them(self) -> None:
        for field in ("fifo_write_vrrp_states_on_reload", "log_unknown_vrids", "no_email_faults"):
            new = Configuration(GlobalDefs(**{field: True}))
            self.assertTrue(compare(Configuration(), new).vrrp, field)
        self.assertFalse(compare(Configuration(), Configuration(GlobalDefs(router_id="a"))).vrrp)


class Predecessors(SynchronousTestCase):
    def test_equal_checks_first_then_all_but_timing_then_the_kind(self) -> None:
        old = (tcp(port=1), tcp(port=2), misc("/a"))
        self.assertEqual(predecessors(old, old), (0, 1, 2))
        self.assertEqual(predecessors(old, (tcp(port=2), misc("/b"), tcp(SELDOM, port=1))), (1, 2, 0))
        self.assertEqual(predecessors(old, (tcp(port=3), tcp(port=1))), (1, 0))

    def test_another_kind_is_new(self) -> None:
        self.assertEqual(predecessors((tcp(),), (http(), tcp())), (None, 0))
        self.assertEqual(predecessors((http(),), (http(tls=TlsOptions()),)), (None,))
        self.assertEqual(predecessors((), (tcp(),)), (None,))


class Words(SynchronousTestCase):
    def words(self, old: Configuration, new: Configuration) -> list[str]:
        return list(compare(old, new).words())

    def test_each_change_is_a_line(self) -> None:
        old = configured(
            virtual(real(1), real(2), real(3)), global_defs=GlobalDefs(router_id="a", no_checker_emails=True)
        )
        new = configured(
            virtual(
                real(1, weight=4, checks=(tcp(SELDOM), misc("/b"))),
                real(2, checks=(http(),)),
                real(4),
                persistence_timeout_s=60,
                quorum_up=Script(("/up", "now")),
            ),
            virtual(real(9), listen=FirewallMark(9)),
            global_defs=GlobalDefs(router_id="b"),
        )
        self.assertEqual(
            self.words(old, new),
            [
                "global_defs: router_id a -> b",
                "global_defs: no_checker_emails on -> off",
                "virtual_server FWM 9 added, 1 real servers",
                "virtual_server [10.9.9.9]:tcp:80: persistence_timeout 0 -> 60",
                "virtual_server [10.9.9.9]:tcp:80: quorum_up none -> /up now",
                "real_server [10.0.0.3]:tcp:80 of VS [10.9.9.9]:tcp:80 removed",
                "real_server [10.0.0.4]:tcp:80 of VS [10.9.9.9]:tcp:80 added",
                "real_server [10.0.0.1]:tcp:80 of VS [10.9.9.9]:tcp:80: weight 1 -> 4",
                "real_server [10.0.0.1]:tcp:80 of VS [10.9.9.9]:tcp:80: TCP_CHECK delay_loop 1 -> 6",
                "real_server [10.0.0.1]:tcp:80 of VS [10.9.9.9]:tcp:80: MISC_CHECK added",
                "real_server [10.0.0.2]:tcp:80 of VS [10.9.9.9]:tcp:80: TCP_CHECK removed",
                "real_server [10.0.0.2]:tcp:80 of VS [10.9.9.9]:tcp:80: HTTP_GET added",
            ],
        )

    def test_a_password_does_not_show(self) -> None:
        old = Configuration(vrrp_instances=(instance(),))
        secret = Authentication(AuthType.PASS, b"hush")
        new = Configuration(
            vrrp_instances=(instance(priority=150, advert_int_us=250_000, authentication=secret),)
        )
        self.assertEqual(
            self.words(old, new),
            [
                "vrrp_instance one: priority 100 -> 150",
                "vrrp_instance one: advert_int 1 -> 0.25",
                "vrrp_instance one: authentication changed",
            ],
        )

    def test_a_check_that_begins_anew(self) -> None:
        old = configured(virtual(real(1, checks=(tcp(),))))
        where = "real_server [10.0.0.1]:tcp:80 of VS [10.9.9.9]:tcp:80:"
        self.assertEqual(
            self.words(old, configured(virtual(real(1, checks=(tcp(SELDOM, port=81),))))),
            [
                f"{where} TCP_CHECK delay_loop 1 -> 6",
                f"{where} TCP_CHECK port 80 -> 81",
                f"{where} TCP_CHECK begins anew, as up or down as it was",
            ],
        )

    def test_what_waits_for_the_next_start(self) -> None:
        new = Configuration(GlobalDefs(lvs_flush=True, vrrp=VrrpDefaults(garp_interval_us=500_000)))
        self.assertEqual(
            self.words(Configuration(), new),
            [
                "global_defs: lvs_flush off -> on, at the next start",
                "global_defs: vrrp_garp_interval 0 -> 0.5",
            ],
        )

    def test_lists_are_told_by_what_comes_and_goes(self) -> None:
        old = Configuration(
            GlobalDefs(notification_email=("a@x", "b@x"), script_user=("one", None)),
            vrrp_instances=(instance(track_script=(Tracked("s", 5),), notify={"notify": Script(("/a",))}),),
        )
        new = Configuration(
            GlobalDefs(notification_email=("b@x", "c@x"), script_user=("two", "group")),
            vrrp_instances=(
                attrs.evolve(
                    instance(notify={"notify_fault": Script(("/b",))}),
                    virtual_ipaddress=tuple(
                        VirtualIpAddress(ip_address(f"10.1.1.{last}"), 24, "eth1") for last in range(10)
                    ),
                ),
            ),
        )
        added = ", ".join(f"10.1.1.{last}/24 dev eth1" for last in range(8))
        self.assertEqual(
            self.words(old, new),
            [
                "global_defs: notification_email a@x removed, c@x added",
                "global_defs: script_user one -> two group",
                f"vrrp_instance one: virtual_ipaddress 10.1.1.1/32 removed, {added} and 2 more added",
                "vrrp_instance one: track_script s weight 5 removed",
                "vrrp_instance one: notify /a -> none",
                "vrrp_instance one: notify_fault none -> /b",
            ],
        )
        again = attrs.evolve(
            old, global_defs=GlobalDefs(notification_email=("b@x", "a@x"), script_user=("one", None))
        )
        self.assertEqual(self.words(old, again), ["global_defs: notification_email in another order"])
