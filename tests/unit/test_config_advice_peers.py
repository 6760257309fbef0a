"""config.advice.peers: what the files of several directors say of one another."""

from __future__ import annotations

from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from kaltwisted.config.advice.peers import compare
from kaltwisted.config.findings import Consequence, Finding
from kaltwisted.config.load import load_text
from kaltwisted.daemon.check import examine
from tests.unit.test_config_broken import globals_, instance

SCRIPT = 'vrrp_script s {{\n    script "/bin/true"\n    weight {}\n}}\n'
TRACKS = "track_script {\n s\n}"
AUTHENTICATION = "authentication {{\n auth_type {}\n auth_pass {}\n}}"
PASSWORD = AUTHENTICATION.format("PASS", "tops3c")
MAIL = "notification_email {{\n a@b\n}}\nsmtp_server 10.0.0.25\nrouter_id {}"

HIGH, LOW = "priority 150\n", "priority 100\n"


def vips(*addresses: str, block: str = "virtual_ipaddress") -> str:
    return block + " {\n" + "\n".join(addresses) + "\n}"


def told(*texts: str) -> list[tuple[str, Finding]]:
    """Kinds and findings; no text may have an error of its own."""
    readings = [load_text(text, f"{number}.conf", keep_text=True) for number, text in enumerate(texts, 1)]
    for reading in readings:
        assert not reading.errors, reading.errors
    pairs = [(each.configuration, each.written) for each in readings if each.written is not None]
    found = compare(pairs)
    for written, finding in found:
        assert finding.position.file == written.source.file
        assert finding.consequence is Consequence.NONE
        assert "s3c" not in str(finding), finding
    return [(finding.rule.id, finding) for _, finding in found if finding.rule is not None]


def kinds(*texts: str) -> list[str]:
    return [kind for kind, _ in told(*texts)]


def groups(one: str, members: str, more: str = "") -> str:
    """Three instances, some of which are in a group."""
    instances = "".join(
        instance(f"{one}{vips(f'10.0.0.{n}')}", f"V{n}", f"virtual_router_id {n}") for n in (1, 2, 3)
    )
    group = f"vrrp_sync_group G {{\n group {{\n{members}\n }}\n}}\n" if members else ""
    return instances + group + more


KEY, OTHER_KEY = "hex:" + "6fd1f3c5b60e4bb0" * 4, "hex:" + "a4c9a1d2f7e83b15" * 4


def signed(number: int, key: str = KEY, more: str = "") -> str:
    """``auth_hmac`` with a key."""
    return f"version 3\nauth_hmac {{\n key {number} {key}\n {more}\n}}"


TWO_KEYS = signed(1, more=f"key 2 {OTHER_KEY}\n active_key 2")

# What differs from `instance(HIGH)` in the second file, what is told, and where it points at.
DIFFERENCES: list[tuple[str, str, str | None, str]] = [
    (instance(HIGH), instance(HIGH), "peer-priority", "priority"),
    (instance(HIGH), instance(LOW), None, ""),
    # One text for both, where neither displaces the other, is a way to do it.
    (instance(HIGH + "nopreempt"), instance(HIGH + "nopreempt"), None, ""),
    (instance(HIGH + "nopreempt"), instance(HIGH), "peer-priority", "priority"),
    (instance("state MASTER\n" + HIGH), instance("state MASTER\n" + LOW), "peer-state", "state"),
    (instance("state MASTER\n" + HIGH), instance("state BACKUP\n" + LOW), None, ""),
    (instance("state MASTER\n" + HIGH), instance("state MASTER\n" + HIGH), "peer-priority", "priority"),
    (instance(HIGH + PASSWORD), instance(LOW), "peer-authentication", "vrrp_instance"),
    (instance(HIGH), instance(LOW + PASSWORD), "peer-authentication", "authentication"),
    (
        instance(HIGH + PASSWORD),
        instance(LOW + AUTHENTICATION.format("AH", "tops3c")),
        "peer-authentication",
        "auth_type",
    ),
    (
        instance(HIGH + PASSWORD),
        instance(LOW + AUTHENTICATION.format("PASS", "0ths3c")),
        "peer-authentication",
        "auth_pass",
    ),
    (instance(HIGH + PASSWORD), instance(LOW + PASSWORD), None, ""),
    (instance(HIGH + signed(1)), instance(LOW + signed(1)), None, ""),
    (instance(HIGH + signed(1)), instance(LOW + "version 3"), "peer-authentication", "vrrp_instance"),
    (instance(HIGH + "version 3"), instance(LOW + signed(1)), "peer-authentication", "auth_hmac"),
    (instance(HIGH + signed(1)), instance(LOW + signed(2)), "peer-authentication", "auth_hmac"),
    (instance(HIGH + signed(1)), instance(LOW + signed(1, OTHER_KEY)), "peer-authentication", "auth_hmac"),
    # While a key is rotated: each has what the other signs with, or does not sign yet.
    (instance(HIGH + signed(1, more=f"key 2 {OTHER_KEY}")), instance(LOW + TWO_KEYS), None, ""),
    (instance(HIGH + signed(1)), instance(LOW + TWO_KEYS), "peer-authentication", "auth_hmac"),
    (instance(HIGH + "version 3"), instance(LOW + signed(1, more="mode receive-only")), None, ""),
    (
        instance(HIGH + signed(1, more="mode permissive")),
        instance(LOW + signed(1, more="mode receive-only")),
        None,
        "",
    ),
    (
        instance(HIGH + signed(1)),
        instance(LOW + signed(1, more="mode receive-only")),
        "peer-authentication",
        "auth_hmac",
    ),
    # Nobody has read them.
    (instance(HIGH + signed(1, "file:/a")), instance(LOW + signed(1, "file:/b")), None, ""),
    (instance(HIGH), instance(LOW + "version 3\nadvert_int 0.5"), "peer-version", "version"),
    (instance(HIGH), instance(LOW + "advert_int 2"), "peer-interval", "advert_int"),
    (instance(HIGH), instance(LOW + "advert_int 1"), None, ""),
    (instance(HIGH + "version 3"), instance(LOW + "version 3\nadvert_int 2"), None, ""),
    (
        instance(HIGH + vips("10.0.0.9", "10.0.0.8")),
        instance(LOW + vips("10.0.0.9")),
        "peer-addresses",
        "virtual_ipaddress",
    ),
    (
        instance(HIGH + vips("10.0.0.9", "10.0.0.8")),
        instance(LOW + vips("10.0.0.8/24", "10.0.0.9 dev eth1")),
        None,
        "",
    ),
    (
        instance(HIGH + vips("10.0.0.9")),
        instance(LOW + vips("10.0.0.8")),
        "peer-addresses",
        "virtual_ipaddress",
    ),
    (
        instance(HIGH + vips("10.1.0.9", block="virtual_ipaddress_excluded") + "\n" + vips("10.0.0.9")),
        instance(LOW + vips("10.0.0.9")),
        "peer-addresses",
        "vrrp_instance",
    ),
    (
        instance(HIGH + "unicast_src_ip 10.0.0.5\nunicast_peer {\n 10.0.0.6\n}"),
        instance(LOW + "unicast_src_ip 10.0.0.6\nunicast_peer {\n 10.0.0.5\n}"),
        None,
        "",
    ),
    (
        instance(HIGH + "unicast_src_ip 10.0.0.5\nunicast_peer {\n 10.0.0.6\n}"),
        instance(LOW + "unicast_src_ip 10.0.0.6\nunicast_peer {\n 10.0.0.7\n}"),
        "peer-unicast",
        "unicast_peer",
    ),
    (
        instance(HIGH + "unicast_src_ip 10.0.0.5\nunicast_peer {\n 10.0.0.6\n}"),
        instance(LOW),
        "peer-unicast",
        "vrrp_instance",
    ),
    # Without a source address nothing is certain.
    (
        instance(HIGH + "unicast_peer {\n 10.0.0.6\n}"),
        instance(LOW + "unicast_peer {\n 10.0.0.7\n}"),
        None,
        "",
    ),
    # Which instances are one virtual router: by name, by interface, or by address.
    (instance(HIGH), instance(HIGH + "interface eth9"), "peer-priority", "priority"),
    (instance(HIGH), instance(HIGH, "VI_9"), "peer-priority", "priority"),
    (instance(HIGH), instance(HIGH + "interface eth9", "VI_9"), "peer-priority", "priority"),
    (instance(HIGH), instance(HIGH, vrid="virtual_router_id 52"), None, ""),
    # The same number and name at another site.
    (instance(HIGH), instance(HIGH + vips("172.16.0.9")), None, ""),
    (instance(HIGH), instance(HIGH + "version 3\n" + vips("2001:db8::9")), None, ""),
]


class DifferencesTests(SynchronousTestCase):
    def test_each(self) -> None:
        for one, other, kind, keyword in DIFFERENCES:
            found = told(one, other)
            self.assertEqual([each for each, _ in found], [] if kind is None else [kind], one + other)
            for _, finding in found:
                line = other.splitlines()[finding.position.line - 1].split()
                self.assertEqual((finding.position.file, line[0]), ("2.conf", keyword))

    def test_the_other_place_is_named(self) -> None:
        [(_, finding)] = told(instance(HIGH), "\n" + instance(HIGH))
        self.assertEqual((finding.position.line, finding.position.column), (3, 14))
        [related] = finding.related
        self.assertEqual((related.position.file, related.position.line), ("1.conf", 2))

    def test_an_error_keeps_advice_away(self) -> None:
        readings = [
            load_text(text, name, keep_text=True)
            for name, text in (("1.conf", instance(HIGH)), ("2.conf", instance("priority 999")))
        ]
        pairs = [(each.configuration, each.written) for each in readings if each.written is not None]
        self.assertEqual(compare(pairs), [])


class FailoverTests(SynchronousTestCase):
    def test_weights_that_do_not_hand_over(self) -> None:
        low = instance(LOW)
        for weight, others, kind in (
            (-40, low, ["peer-weight"]),
            (-50, low, ["peer-weight"]),  # equal is not lower
            (-51, low, []),
            (0, low, []),  # a failure is FAULT
            # With 60 more it is the second that is to be master, and that hands over without them.
            (-40, SCRIPT.format(60) + instance(LOW + TRACKS), []),
        ):
            self.assertEqual(kinds(SCRIPT.format(weight) + instance(HIGH + TRACKS), others), kind, weight)

    def test_weights_above_zero_are_lost_by_a_failure(self) -> None:
        for weight, expected in ((40, ["peer-weight"]), (60, [])):
            both = SCRIPT.format(weight)
            found = kinds(
                both + instance("priority 150\n" + TRACKS), both + instance("priority 100\n" + TRACKS)
            )
            self.assertEqual(found, expected)

    def test_several_that_suffice_together_may_be_meant_so(self) -> None:
        tracks = "track_interface {\n eth1 weight -30\n eth2 weight -30\n}"
        self.assertEqual(kinds(instance(HIGH + tracks), instance(LOW)), [])
        self.assertEqual(kinds(instance(HIGH + tracks), instance("priority 90")), ["peer-weight"])

    def test_nopreempt_on_the_other(self) -> None:
        high = SCRIPT.format(-60) + instance(HIGH + TRACKS)
        [(kind, finding)] = told(high, instance(LOW + "nopreempt"))
        self.assertEqual(kind, "peer-nopreempt")
        self.assertEqual(finding.position.file, "1.conf")
        # A third one does take over.
        self.assertEqual(kinds(high, instance(LOW + "nopreempt"), instance("priority 120")), [])

    def test_what_is_not_acted_on_may_count_too(self) -> None:
        more = TRACKS + "\ntrack_process {\n p\n}"
        process = "vrrp_track_process p {\n    process named\n}\n"
        high = SCRIPT.format(-40) + instance(HIGH + TRACKS)
        self.assertEqual(kinds(high, instance(LOW)), ["peer-weight"])
        self.assertEqual(kinds(process + SCRIPT.format(-40) + instance(HIGH + more), instance(LOW)), [])
        self.assertEqual(kinds(high, process + SCRIPT.format(-40) + instance(LOW + more)), [])


class GroupTests(SynchronousTestCase):
    def test_members(self) -> None:
        both = groups(HIGH, "V1\nV2"), groups(LOW, "V1\nV2")
        self.assertEqual(kinds(*both), [])
        self.assertEqual(kinds(groups(HIGH, ""), groups(LOW, "")), [])
        for one, other in (
            ("V1\nV2\nV3", "V1\nV2"),
            ("V1\nV2", "V1\nV2\nV3"),
            ("V1\nV2", ""),
            ("", "V1\nV2"),
        ):
            [(kind, finding)] = told(groups(HIGH, one), groups(LOW, other))
            self.assertEqual((kind, finding.position.file), ("peer-group", "2.conf"))

    def test_names_of_members_may_differ(self) -> None:
        self.assertEqual(kinds(groups(HIGH, "V1\nV2"), groups(LOW, "V1\nV2").replace("V", "W")), [])

    def test_what_only_one_has_does_not_count(self) -> None:
        more = instance(HIGH + vips("10.0.0.44"), "V4", "virtual_router_id 44")
        self.assertEqual(kinds(groups(HIGH, "V1\nV2\nV4", more), groups(LOW, "V1\nV2")), [])


class NameTests(SynchronousTestCase):
    def test_both_send_mail_in_one_name(self) -> None:
        one, other = globals_(MAIL.format("lb1")), globals_(MAIL.format("lb2"))
        self.assertEqual(kinds(one + instance(HIGH), one + instance(LOW)), ["peer-name"])
        self.assertEqual(kinds(one + instance(HIGH), other + instance(LOW)), [])
        [(_, finding)] = told(one + instance(HIGH), one.replace("router_id", "lvs_id") + instance(LOW))
        self.assertEqual((finding.position.line, finding.width), (6, 3), "the guide's word is found, too")
        quiet = globals_("router_id lb1")
        self.assertEqual(kinds(quiet + instance(HIGH), quiet + instance(LOW)), [])


class ManyFilesTests(SynchronousTestCase):
    def test_each_difference_is_told_once(self) -> None:
        texts = [instance(f"priority {n}\nadvert_int 2") for n in (150, 140)] + [instance("priority 130")]
        [(kind, finding)] = told(*texts)
        self.assertEqual((kind, finding.position.file), ("peer-interval", "3.conf"))
        found = told(*[instance(HIGH)] * 3)
        self.assertEqual(
            [(kind, each.position.file) for kind, each in found],
            [
                ("peer-priority", "2.conf"),
                ("peer-priority", "3.conf"),
            ],
        )

    def test_two_pairs(self) -> None:
        second = [instance(each + vips("172.16.0.9")) for each in (HIGH, LOW)]
        self.assertEqual(kinds(instance(HIGH), instance(LOW), *second), [])
        [(_, finding)] = told(instance(HIGH), second[0], instance(LOW), second[0])
        self.assertEqual(finding.position.file, "4.conf")

    def test_one_name_and_number_on_several_interfaces(self) -> None:
        def both(priority: str) -> str:
            return instance(f"{priority}interface eth0", "A") + instance(
                f"{priority}interface eth1\n{vips('10.1.0.9')}", "B"
            )

        self.assertEqual(kinds(both(HIGH), both(LOW)), [])
        self.assertEqual(kinds(both(HIGH), both(HIGH)), ["peer-priority"] * 2)


class FilesTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.folder = Path(self.mktemp())
        self.folder.mkdir()

    def file(self, name: str, text: str) -> str:
        path = self.folder / name
        path.write_text(text)
        return str(path)

    def told(self, *files: str) -> list[str]:
        found = examine(files, system=False)
        self.assertEqual(found.exit_status, 0)
        return [each.rule.id for each in found.findings if each.rule is not None]

    def test_a_pair(self) -> None:
        one, other = self.file("1.conf", instance(HIGH)), self.file("2.conf", instance(HIGH))
        self.assertEqual(self.told(one, other), ["peer-priority"])
        self.assertEqual(self.told(one), [])

    def test_a_file_twice_and_a_part_of_another_are_no_peers(self) -> None:
        part = self.file("part.conf", instance(HIGH))
        whole = self.file("whole.conf", "include part.conf\n")
        self.assertEqual(self.told(part, part), [])
        self.assertEqual(self.told(part, str(self.folder / ".." / self.folder.name / "part.conf")), [])
        self.assertEqual(self.told(whole, part), [])

    def test_two_directors_that_share_a_file(self) -> None:
        self.file("common.conf", instance("priority $PRIO"))
        one, same, other = (
            self.file(f"{name}.conf", f"$PRIO={priority}\ninclude common.conf\n")
            for name, priority in (("a", 150), ("b", 150), ("c", 100))
        )
        self.assertEqual(self.told(one, other), [])
        self.assertEqual(self.told(one, same), ["peer-priority"])
