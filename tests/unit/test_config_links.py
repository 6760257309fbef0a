"""``interface_up_down_delays`` and ``linkbeat_interfaces``: what is read, and how long delays may be."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from kaltwisted.config.diff import compare
from kaltwisted.config.dump import dump
from kaltwisted.config.findings import Severity
from kaltwisted.config.load import Reading, load_text
from kaltwisted.config.model import Configuration, LinkbeatInterface, LinkbeatMethod, LinkDelay
from tests.unit.test_config_broken import instance


def read(*blocks: str, more: str = "advert_int 10") -> Reading:
    text = "".join(f"interface_up_down_delays {{\n{lines}\n}}\n" for lines in blocks)
    return load_text(text + instance(more), "x.conf")


class LinkDelays(SynchronousTestCase):
    def of(self, *blocks: str, more: str = "advert_int 10") -> list[str]:
        return [str(each) for each in read(*blocks, more=more).configuration.interface_up_down_delays]

    def test_seconds_down_and_up_0_unless_said(self) -> None:
        reading = read("eth0 5.5 0.25", "eth1 7\nlo 0 255")
        self.assertEqual(reading.findings, ())
        self.assertEqual(
            reading.configuration.interface_up_down_delays,
            (
                LinkDelay("eth0", 5_500_000, 250_000),
                LinkDelay("eth1", 7_000_000),
                LinkDelay("lo", 0, 255 * 10**6),
            ),
        )

    def test_the_last_line_of_an_interface_counts(self) -> None:
        reading = read("eth0 5 2\neth1 1", "eth0 7")
        self.assertEqual(self.of("eth0 5 2\neth1 1", "eth0 7"), ["eth0 7 0", "eth1 1 0"])
        self.assertEqual([each.position.line for each in reading.findings], [6])
        self.assertEqual(reading.exit_status, 0)

    def test_mistakes(self) -> None:
        for line, column, status in (
            ("eth1", 1, 0),
            ("eth1 x", 6, 5),
            ("eth1 -1", 6, 5),
            ("eth1 256", 6, 5),
            ("eth1 1 255.1", 8, 5),
            ("eth1 1 2 3", 10, 0),
        ):
            reading = read(line)
            [finding] = reading.findings
            self.assertEqual((finding.position.line, finding.position.column), (2, column), line)
            self.assertEqual(reading.exit_status, status, line)
        self.assertEqual(read("eth1").findings[0].log, "No timeouts specified for eth1 up/down delays")
        self.assertEqual(self.of("eth1 1 2 3", "eth1 x"), ["eth1 1 2"])

    def test_they_are_less_than_the_silence_after_which_others_take_over(self) -> None:
        """The numbers are keepalived 2.2.7's."""
        for line, more, used in (
            ("eth0 3 2", "advert_int 1", "eth0 1.996094 1.996094"),
            ("eth0 1.999 1", "advert_int 1", "eth0 1.999 1"),
            ("eth0 30 1", "advert_int 10", "eth0 19.960938 1"),
            ("eth0 3 3", "advert_int 0.5\nversion 3", "eth0 0.998047 0.998047"),
            ("eth0 3 3", "advert_int 1\ndown_timer_adverts 5", "eth0 3 3"),
            ("eth0 3 3", "advert_int 1\ndown_timer_adverts 1", "eth0 0 0"),
            ("eth1 3 3", "advert_int 1", "eth1 3 3"),
        ):
            self.assertEqual(self.of(line, more=more), [used])
        reading = read("eth0 9 1", more="advert_int 2\ndown_timer_adverts 4")
        [finding] = reading.findings
        self.assertIs(finding.severity, Severity.WARNING)
        self.assertEqual(
            finding.log, "VI_1: interface eth0 debounce timer(s) not less that 3 * advert_int - resetting"
        )
        self.assertEqual((finding.position.line, reading.exit_status), (2, 0))
        [finding] = read("eth0 9 1", more="down_timer_adverts 1").findings
        self.assertEqual(
            finding.log, "VI_1: cannot use debounce timers with down_timer_adverts = 1 - resetting"
        )

    def test_dump_and_reload_tell_of_them(self) -> None:
        old = Configuration(interface_up_down_delays=(LinkDelay("eth0", 1_500_000),))
        new = Configuration(
            interface_up_down_delays=(LinkDelay("eth0", 2_000_000), LinkDelay("eth1", 1_000_000))
        )
        self.assertIn("  Interface up/down delays = eth0 1.5 0", list(dump(old)))
        changes = compare(old, new)
        self.assertTrue(changes.vrrp)
        self.assertEqual(
            list(changes.words()),
            ["interface_up_down_delays eth1 added", "interface_up_down_delays eth0: down 1.5 -> 2"],
        )


class Linkbeat(SynchronousTestCase):
    def of(self, lines: str, more: str = "") -> tuple[Reading, list[str]]:
        reading = load_text(f"linkbeat_interfaces {{\n{lines}\n}}\n" + instance(more), "x.conf")
        return reading, [str(each) for each in reading.configuration.linkbeat_interfaces]

    def test_interfaces_and_how_they_are_asked(self) -> None:
        reading, found = self.of("eth0\neth1 MII\neth2 ETHTOOL\neth3 IOCTL")
        self.assertEqual(reading.findings, ())
        self.assertEqual(found, ["eth0", "eth1 MII", "eth2 ETHTOOL", "eth3 IOCTL"])
        self.assertEqual(
            reading.configuration.linkbeat_interfaces[1], LinkbeatInterface("eth1", LinkbeatMethod.MII)
        )

    def test_a_word_that_is_no_method_is_told_of_and_the_name_counts(self) -> None:
        for line, column, log in (
            ("eth0 mii", 6, "mii"),
            ("eth0 FOO x", 6, "FOO"),
            ("eth0 MII x", 10, "MII"),
        ):
            reading, found = self.of(line)
            [finding] = reading.findings
            self.assertEqual((finding.position.line, finding.position.column), (2, column))
            self.assertEqual(finding.log, f"extra characters {log} in linkbeat interface")
            self.assertEqual(found, ["eth0 MII" if column > 6 else "eth0"])
        reading, found = self.of("eth0 MII\neth0")
        self.assertEqual((found, len(reading.findings), reading.exit_status), (["eth0"], 1, 0))

    def test_an_instance_that_says_so_itself(self) -> None:
        reading, found = self.of("eth9 MII", "linkbeat_use_polling")
        self.assertEqual(found, ["eth9 MII", "eth0"])
        [finding] = reading.findings
        self.assertEqual(
            finding.log,
            "(VI_1) 'linkbeat_use_polling' in vrrp instance deprecated - use linkbeat_interfaces block",
        )
        self.assertEqual(self.of("eth0 MII", "linkbeat_use_polling")[1], ["eth0 MII"])

    def test_all_interfaces(self) -> None:
        plain = load_text(instance(""), "x.conf").configuration
        every = load_text("linkbeat_use_polling\n" + instance(""), "x.conf").configuration
        self.assertFalse(plain.global_defs.linkbeat_use_polling)
        self.assertTrue(every.global_defs.linkbeat_use_polling)
        self.assertEqual(list(compare(plain, every).words()), ["global_defs: linkbeat_use_polling off -> on"])

    def test_dump_and_reload_tell_of_them(self) -> None:
        old = Configuration(linkbeat_interfaces=(LinkbeatInterface("eth0"),))
        new = Configuration(linkbeat_interfaces=(LinkbeatInterface("eth0", LinkbeatMethod.MII),))
        self.assertIn("  Linkbeat interface = eth0 MII", list(dump(new)))
        changes = compare(old, new)
        self.assertTrue(changes.vrrp)
        self.assertEqual(list(changes.words()), ["linkbeat_interfaces eth0: method none -> MII"])
