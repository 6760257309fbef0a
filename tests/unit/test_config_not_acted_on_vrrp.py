"""What VRRP reads and does not act on yet."""

from __future__ import annotations

from ipaddress import IPv4Address

from twisted.trial.unittest import SynchronousTestCase

from kaltwisted.alerts.vetting import vet
from kaltwisted.config.diff import compare
from kaltwisted.config.load import Reading, load_text
from kaltwisted.config.model import (
    SECOND_US,
    NotifyFifo,
    ParamMatch,
    Script,
    Tracked,
    VirtualIpAddress,
    Vmac,
    VrrpInstance,
    VrrpTrackProcess,
)
from tests.unit.test_config_broken import TWO, globals_, instance
from tests.unit.test_config_not_acted_on import LOGGED, MISSING, Case, cases, mistakes, read

SCRIPT = "vrrp_script s {\n    script /bin/true\n}\n"


def process(lines: str = "", name: str = "p") -> str:
    """A process to track."""
    return f"vrrp_track_process {name} {{\n{lines}\nprocess named\n}}\n"


def accepted(text: str) -> Reading:
    """A reading of which nothing is to be said."""
    reading = load_text(text, "x.conf")
    assert reading.findings == (), reading.findings
    return reading


def one(text: str) -> VrrpInstance:
    [found] = read(text).configuration.vrrp_instances
    return found


class ProcessTests(SynchronousTestCase):
    def test_defaults(self) -> None:
        [found] = accepted(process()).configuration.vrrp_track_processes
        self.assertEqual(found, VrrpTrackProcess("p", ("named",)))

    def test_all_it_says(self) -> None:
        text = (
            "vrrp_track_process p {\nprocess named -u bind\nparam_match initial\nweight -254 reverse\n"
            "quorum 2\nquorum_max 3\ndelay 1\nfork_delay 0.5\n}\n"
        )
        [found] = accepted(text).configuration.vrrp_track_processes
        self.assertEqual(
            found,
            VrrpTrackProcess(
                "p",
                ("named", "-u", "bind"),
                ParamMatch.INITIAL,
                -254,
                True,
                2,
                3,
                SECOND_US,
                SECOND_US // 2,
                # Arguments are on the command line.
                full_command=True,
            ),
        )
        for words, match in (("", ParamMatch.EXACT), (" partial", ParamMatch.PARTIAL)):
            [found] = accepted(process(f"param_match{words}")).configuration.vrrp_track_processes
            self.assertIs(found.param_match, match)
        # None at all may run.
        [found] = accepted(process("quorum_max 0")).configuration.vrrp_track_processes
        self.assertEqual((found.quorum, found.quorum_max), (1, 0))

    def test_the_first_of_a_name_counts(self) -> None:
        reading = load_text(process("weight 1") + process("weight 2"), "x.conf")
        [warning] = mistakes(reading)
        self.assertIn("the first one counts", warning.message)
        self.assertEqual(reading.exit_status, 0)
        [found] = reading.configuration.vrrp_track_processes
        self.assertEqual(found.weight, 1)

    def test_a_reload_tells_of_it(self) -> None:
        old, new, without = (
            load_text(text, "x.conf").configuration for text in (process("weight 1"), process("weight 2"), "")
        )
        changes = compare(old, new)
        self.assertTrue(changes)
        self.assertFalse(changes.vrrp)
        self.assertEqual(list(changes.words()), ["vrrp_track_process p: weight 1 -> 2"])
        self.assertEqual(list(compare(old, without).words()), ["vrrp_track_process p removed"])


class TrackedTests(SynchronousTestCase):
    def test_in_an_instance(self) -> None:
        lines = "p weight 254 noreverse\nq\nr weight -1 reverse"
        text = process() + process(name="q") + process(name="r")
        [found] = accepted(instance(f"track_process {{\n{lines}\n}}") + text).configuration.vrrp_instances
        self.assertEqual(
            found.track_process, (Tracked("p", 254, False), Tracked("q"), Tracked("r", -1, reverse=True))
        )

    def test_reverse_is_acted_on_where_the_rest_is(self) -> None:
        script = SCRIPT.replace("}", "weight 5 reverse\n}")
        reading = load_text(
            script
            + instance("track_script {\ns weight 5 reverse\n}\ntrack_interface {\neth7 weight +5 reverse\n}"),
            "x.conf",
        )
        self.assertEqual(reading.findings, ())
        [found] = reading.configuration.vrrp_instances
        self.assertEqual(found.track_script, (Tracked("s", 5, reverse=True),))
        self.assertEqual(found.track_interface, (Tracked("eth7", 5, reverse=True),))
        [tracked] = reading.configuration.vrrp_scripts
        self.assertEqual((tracked.weight, tracked.reverse), (5, True))

    def test_in_a_sync_group(self) -> None:
        lines = "track_script {\ns weight 5\n}\ntrack_interface {\neth7\n}\ntrack_process {\np\n}\n"
        group = f"vrrp_sync_group G {{\ngroup {{\nVI_1\nVI_2\n}}\n{lines}notify_priority_changes\n}}\n"
        [found] = accepted(TWO + group + SCRIPT + process()).configuration.vrrp_sync_groups
        self.assertEqual(
            (found.track_script, found.track_interface, found.track_process),
            ((Tracked("s", 5),), (Tracked("eth7"),), (Tracked("p"),)),
        )
        self.assertTrue(found.notify_priority_changes)

    def test_what_is_not_defined_is_left_out(self) -> None:
        reading = load_text(instance("track_process {\np\nq\n}") + process(), "x.conf")
        [error] = mistakes(reading)
        self.assertEqual(error.log, "(VI_1) track process q not found, ignoring...")
        [found] = reading.configuration.vrrp_instances
        self.assertEqual(found.track_process, (Tracked("p"),))


class InstanceTests(SynchronousTestCase):
    def test_scalars(self) -> None:
        lines = "track_src_ip\nno_virtual_ipaddress\npromote_secondaries\nuse_vmac\nvmac_xmit_base"
        text = globals_("vrrp_notify_priority_changes") + instance(lines)
        [found] = accepted(text).configuration.vrrp_instances
        self.assertEqual(found.use_vmac, Vmac())
        for name in (
            *("track_src_ip", "no_virtual_ipaddress", "promote_secondaries"),
            *("notify_priority_changes", "vmac_xmit_base"),
        ):
            self.assertIs(getattr(found, name), True, name)
        off = globals_("vrrp_notify_priority_changes on") + instance("notify_priority_changes off")
        [instance_] = load_text(off, "x.conf").configuration.vrrp_instances
        self.assertIs(instance_.notify_priority_changes, False)

    def test_use_vmac(self) -> None:
        for words, expected in {
            "vmac5": Vmac("vmac5"),
            "name vmac5": Vmac("vmac5"),
            "02:00:00:0a:0:1 v5": Vmac("v5", bytes((2, 0, 0, 10, 0, 1))),
            "02:00:00:00:00": Vmac(mac=bytes((2, 0, 0, 0, 0))),
            "v5 netlink_notify_msg group 7": Vmac("v5", None, True, "7"),
        }.items():
            reading = load_text(instance(f"use_vmac {words}"), "x.conf")
            self.assertEqual(reading.findings, ())
            [found] = reading.configuration.vrrp_instances
            self.assertEqual(found.use_vmac, expected)

    def test_what_vmac_and_unicast_need(self) -> None:
        for lines, log in (
            ("vmac_xmit_base", "(VI_1) vmac_xmit_base is only valid with a vmac"),
            (
                "use_vmac\nunicast_peer {\n10.0.0.3\n}",
                "(VI_1) unicast with use_vmac requires vmac_xmit_base - setting",
            ),
            ("unicast_ttl 7", "(VI_1): Cannot use unicast_ttl without unicast peers - resetting"),
        ):
            reading = load_text(instance(lines), "x.conf")
            [error] = mistakes(reading)
            self.assertEqual(error.log, log)
            self.assertEqual(reading.exit_status, LOGGED.test_status)
            [found] = reading.configuration.vrrp_instances
            self.assertEqual(found.vmac_xmit_base, "use_vmac" in lines)
            self.assertEqual(found.unicast_ttl, 255)

    def test_what_ipvlan_needs(self) -> None:
        needs = "(VI_1) IPv4 ipvlan requires a source ip address to be configured."
        needs += " setting instance to fault state"
        for lines, log in (("use_ipvlan", needs), ("use_ipvlan fe80::1/64", None)):
            [error] = mistakes(load_text(instance(lines), "x.conf"))
            self.assertEqual(error.log, log)
        reading = load_text(instance("use_vmac\nuse_ipvlan 10.0.0.5"), "x.conf")
        [warning] = reading.findings
        self.assertIn("has use_vmac already", warning.message)
        [found] = reading.configuration.vrrp_instances
        self.assertIsNone(found.use_ipvlan)

    def test_static_addresses(self) -> None:
        text = "static_ipaddress {\n10.7.0.1/24 dev eth1\n2001:db8::1/64 dev eth3\n}\n"
        reading = load_text(text, "x.conf")
        address, _ = found = reading.configuration.static_ipaddress
        self.assertEqual(address, VirtualIpAddress(IPv4Address("10.7.0.1"), 24, "eth1"))
        other = load_text(text.replace("eth1", "eth2"), "x.conf").configuration
        self.assertEqual(
            list(compare(reading.configuration, other).words()),
            ["static_ipaddress 10.7.0.1/24 dev eth1 removed", "static_ipaddress 10.7.0.1/24 dev eth2 added"],
        )
        self.assertIs(compare(reading.configuration, other).configuration.static_ipaddress[1], found[1])


class FifoTests(SynchronousTestCase):
    def test_they_are_read(self) -> None:
        for prefix in ("", "vrrp_", "lvs_"):
            lines = f'{prefix}notify_fifo /run/f bob staff\n{prefix}notify_fifo_script "/bin/cat -u" bob'
            reading = load_text(globals_(lines), "x.conf")
            self.assertEqual(reading.findings, ())
            defs = reading.configuration.global_defs
            self.assertEqual(getattr(defs, f"{prefix}notify_fifo"), NotifyFifo("/run/f", "bob", "staff"))
            script = getattr(defs, f"{prefix}notify_fifo_script")
            self.assertEqual(script, Script(("/bin/cat", "-u"), "bob"))

    def test_other_settings(self) -> None:
        lines = "vrrp_startup_delay 0.5\nvrrp_delay_after_boot 60\nfifo_write_vrrp_states_on_reload"
        defs = load_text(globals_(lines), "x.conf").configuration.global_defs
        self.assertEqual(defs.vrrp_startup_delay_us, SECOND_US // 2)
        self.assertEqual(defs.vrrp_delay_after_boot_us, 60 * SECOND_US)
        self.assertIs(defs.fifo_write_vrrp_states_on_reload, True)

    def test_a_script_s_safety_is_looked_at_where_it_would_run(self) -> None:
        for name, status in (("notify_fifo_script", 6), ("lvs_notify_fifo_script", 0)):
            reading = load_text(globals_(f"{name} /bin/true") + instance(""), "x.conf")
            found = vet(reading.configuration).findings
            self.assertEqual(max((each.consequence.test_status for each in found), default=0), status)


def tracked(line: str) -> str:
    return process() + instance(f"track_process {{\n{line}\n}}")


BROKEN: dict[str, Case] = {
    "a process without a name": ("«vrrp_track_process {\nprocess a\n}\n", "lacks its name", MISSING),
    "nothing to look for": ("«vrrp_track_process p {\n}\n", "without process", LOGGED),
    "no process": ("vrrp_track_process p {\n«process\n}\n", "lacks its parameter", MISSING),
    "two processes": (
        "vrrp_track_process p {\nprocess a\n«process b\n}\n",
        "a second time: the first one counts",
        LOGGED,
    ),
    "no weight": (process("«weight"), "lacks its parameter", LOGGED),
    "too much weight": (process("weight «255"), "out of range", LOGGED),
    "a word behind a weight": (process("weight 5 «noreverse"), "not known here", LOGGED),
    "no quorum": (process("«quorum"), "lacks its parameter", MISSING),
    "quorum of none": (process("quorum «0"), "out of range", LOGGED),
    "quorum above its maximum": (
        "«" + process("quorum 3\nquorum_max 2"),
        "above quorum_max 2, which is left out",
        LOGGED,
    ),
    "no delay": (process("«delay"), "lacks its parameter", MISSING),
    "delay of nothing": (process("delay «0"), "out of range", LOGGED),
    "a long delay": (process("fork_delay «3601"), "out of range", LOGGED),
    "an unknown match": (process("param_match «exact"), "not known here", LOGGED),
    "misspelt in a process": (process("«qourum 1"), "not a keyword", LOGGED),
    "tracked twice": (tracked("p\n«p"), "a second time: the first one counts", LOGGED),
    "tracked without a value": (tracked("p «weight"), "lacks its value", LOGGED),
    "tracked with too much": (tracked("p weight «255"), "out of range", LOGGED),
    "tracked with an unknown word": (tracked("p «reverse"), "not known here", LOGGED),
    "tracked with a word behind": (tracked("p weight 5 «foo"), "not known here", LOGGED),
    "a script's weight with a word behind": (
        SCRIPT.replace("}", "weight 5 «foo\n}"),
        "not known here",
        LOGGED,
    ),
    "a long name of a vmac": (instance("use_vmac «thisnameistoolong1"), "no name for an interface", LOGGED),
    "a path of a vmac": (instance("use_vmac «v/5"), "no name for an interface", LOGGED),
    "two names of a vmac": (instance("use_vmac v5 «extra"), "a second name", LOGGED),
    "the rfc's own mac": (instance("use_vmac «00:00:5e:00:01:07"), "the RFC's own", LOGGED),
    "a multicast mac": (instance("use_vmac v5 «01:00:5e:00:00:01"), "multicast", LOGGED),
    "a short mac": (instance("use_vmac «02:00:00:00"), "no MAC address", LOGGED),
    "no mac": (instance("use_vmac «zz:00:00:00:00:00"), "no MAC address", LOGGED),
    "a group that is none": (instance("use_vmac v5 «group"), "lacks its value", LOGGED),
    "two vmacs": (instance("use_vmac v5\n«use_vmac v6"), "a second time", LOGGED),
    "neither strict nor not": (instance("strict_mode «x"), "neither yes nor no", LOGGED),
    "no ttl": (instance("unicast_peer {\n10.0.0.3\n}\n«unicast_ttl"), "lacks its parameter", MISSING),
    "too high a ttl": (instance("unicast_ttl «256"), "out of range", LOGGED),
    "no pipe": (globals_("«notify_fifo"), "lacks its parameter", LOGGED),
    "two pipes": (globals_("notify_fifo /a\n«notify_fifo /b"), "a second time: the first", LOGGED),
    "no reader": (globals_("«vrrp_notify_fifo_script"), "lacks its parameter", LOGGED),
    "two readers": (
        globals_("lvs_notify_fifo_script /a\n«lvs_notify_fifo_script /b"),
        "a second time",
        LOGGED,
    ),
    "no startup delay": (globals_("«vrrp_startup_delay"), "lacks its parameter", MISSING),
    "a startup delay of nothing": (globals_("vrrp_startup_delay «0"), "out of range", LOGGED),
    "a static address": ("static_ipaddress {\n«foo\n}\n", "not an IP address", LOGGED),
    "an option of a static address": (
        "static_ipaddress {\n10.0.0.1/24 dev eth1 «bogus\n}\n",
        "not known here",
        LOGGED,
    ),
}


class VrrpMistakeTests(SynchronousTestCase):
    """Every one of them gives exactly one finding more, at its place and of its class."""


cases(VrrpMistakeTests, BROKEN)
