"""config.advice: each kind on a configuration that has the mistake, and on a neighbour that has not.

``«`` marks the place that the one finding points at.
"""

from __future__ import annotations

from collections import defaultdict
from ipaddress import ip_interface
from pathlib import Path

import attrs
from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from demo import case_study, site
from kaltwisted.config.advice import Machine, advise
from kaltwisted.config.advice.kinds import KINDS
from kaltwisted.config.definitions import Surroundings
from kaltwisted.config.examination import Examination
from kaltwisted.config.findings import Consequence, Finding, Severity
from kaltwisted.config.load import Reading, load_text
from kaltwisted.config.sarif import document
from kaltwisted.daemon.check import examine
from tests.unit.test_config_broken import GOOD_SERVER, globals_, instance, server, service

ROOT = Path(__file__).parents[2]
MACHINE = Machine({"eth0": (ip_interface("10.0.0.5/24"),), "eth1": (ip_interface("192.168.10.5/24"),)}, 0)
TCP = "TCP_CHECK {\n}\n"
OTHER = GOOD_SERVER.replace("10.0.0.2", "10.0.0.3")
MAIL = "notification_email {\n a@example.org\n}\n"
TRACKS = "track_script {\n s\n}"


def script(lines: str, command: str = "/bin/true") -> str:
    return f'vrrp_script s {{\n    script "{command}"\n    {lines}\n}}\n'


def http(*urls: str) -> str:
    return server("HTTP_GET {\n" + "".join(f"url {{\n{url}\n}}\n" for url in urls) + "}")


def server_of(check: str) -> str:
    return f"    real_server 10.0.0.2 80 {{\n{check}\n    }}\n"


def vip(address: str, more: str = "") -> str:
    return f"{more}\nvirtual_ipaddress {{\n{address}\n}}"


def pair_of_groups(one: str, other: str) -> str:
    """Two instances in one group."""
    instances = instance(vip("10.0.0.8", one), "A") + instance(
        vip("10.0.0.9", other), "B", "virtual_router_id 52"
    )
    return instances + "vrrp_sync_group G {\n group {\n A\n B\n }\n}\n"


def authentication(kind: str, password: str = "secret1") -> str:
    return f"authentication {{\n auth_type {kind}\n auth_pass {password}\n}}"


RANDOM_KEY = "6fd1f3c5b60e4bb0a4c9a1d2f7e83b155d2c90ee17a84f6632b9d05c48ea7f91"


def signing(lines: str) -> str:
    """An instance of version 3 with ``auth_hmac``."""
    return instance(vip("10.0.0.9", f"version 3\nauth_hmac {{\n{lines}\n}}"))


# kind: (has it, has it not)
PURE: dict[str, list[tuple[str, str]]] = {
    "unreachable-quorum": [
        (
            service("quorum 2\nhysteresis «1", GOOD_SERVER + OTHER),
            service("quorum 1\nhysteresis 0", GOOD_SERVER + OTHER),
        ),
        (
            service("quorum 2\nhysteresis «1", GOOD_SERVER + OTHER),
            service("quorum 2\nhysteresis 1", GOOD_SERVER + OTHER.replace("TCP", "weight 2\nTCP")),
        ),
        (
            service("quorum 2\nhysteresis «1", GOOD_SERVER + OTHER),
            service(
                "quorum 2\nhysteresis 1",
                GOOD_SERVER + OTHER.replace("TCP_CHECK {", "MISC_CHECK {\nmisc_path /bin/true\nmisc_dynamic"),
            ),
        ),
    ],
    "unchecked-server": [
        (
            service("", GOOD_SERVER + "«real_server 10.0.0.3 80 {\n weight 2\n}\n"),
            service("", GOOD_SERVER + "real_server 10.0.0.3 80 {\n weight 0\n}\n"),
        ),
        (
            service("sorry_server 10.0.0.99 80", "«real_server 10.0.0.3 80 {\n}\n"),
            service("sorry_server 10.0.0.99 80", OTHER),
        ),
        (
            service("", "«real_server 10.0.0.3 80 {\n}\n"),
            service("", "real_server 10.0.0.3 80 {\n PING_CHECK {\n }\n}\n"),
        ),
        (
            "virtual_server fwmark 7 {\n lb_algo rr\n lb_kind NAT\n «real_server 10.0.0.3 80 {\n}\n}\n",
            "virtual_server fwmark 7 {\n lb_algo rr\n lb_kind NAT\n" + OTHER + "}\n",
        ),
    ],
    "sorry-in-pool": [
        (
            service("sorry_server «10.0.0.2 80", GOOD_SERVER + OTHER),
            service("sorry_server 10.0.0.2 81", GOOD_SERVER + OTHER),
        ),
        (
            service("sorry_server «10.0.0.2 80", GOOD_SERVER + OTHER),
            service("quorum 2\nsorry_server 10.0.0.2 80", GOOD_SERVER + OTHER),
        ),
    ],
    "slow-check": [
        (
            service("delay_loop 6", OTHER.replace("CHECK {", "CHECK {\n connect_timeout «10")),
            service("delay_loop 6", OTHER.replace("CHECK {", "CHECK {\n connect_timeout 6")),
        ),
        # Inherited, and told where it is written; retries do not count, and nor does a default.
        (
            service("delay_loop 2\nconnect_timeout «3", GOOD_SERVER + OTHER),
            service("delay_loop 3\nconnect_timeout 3\nretry 5", GOOD_SERVER + OTHER),
        ),
        (
            service("delay_loop 6", server_of("MISC_CHECK {\n misc_path /bin/true\n misc_timeout «7\n}")),
            service("delay_loop 2", GOOD_SERVER),
        ),
    ],
    "same-check": [
        (server(TCP + "«" + TCP), server(TCP + "TCP_CHECK {\n connect_port 81\n}")),
        (http("path /", "path «/"), http("path /", "path /\nvirtualhost www.example.org")),
        (
            http(f"path /a\ndigest {'0' * 32}", f"path «/a\ndigest {'1' * 32}"),
            http(f"path /a\ndigest {'0' * 32}", f"path /b\ndigest {'1' * 32}"),
        ),
    ],
    "unheld-address": [
        (
            service("").replace("virtual_server ", "virtual_server «") + instance(vip("10.0.0.9/24")),
            service("") + instance(vip("10.0.0.9/24\n10.0.0.1/24")),
        ),
        # One far away may be routed here.
        (
            service("").replace("virtual_server ", "virtual_server «") + instance(vip("10.0.0.9")),
            service("") + instance(vip("10.1.0.9")),
        ),
        (
            service("").replace("virtual_server ", "virtual_server «") + instance(vip("10.0.0.9")),
            service("")
            + instance(vip("10.0.0.9", "virtual_ipaddress_excluded {\n10.0.0.1 dev eth1\n}"))
            + service("", head="virtual_server fwmark 7 {"),
        ),
    ],
    "clamped-priority": [
        (
            script("weight 20") + instance(f"priority «240\n{TRACKS}"),
            script("weight 14") + instance(f"priority 240\n{TRACKS}"),
        ),
        (
            script("weight 20") + instance(f"priority «240\n{TRACKS}"),
            script("weight -241") + instance(f"priority 240\n{TRACKS}"),
        ),
        (
            instance("priority «250\ntrack_interface {\n eth1 weight 5\n}"),
            instance("priority 250\ntrack_interface {\n eth1 weight -5\n}"),
        ),
    ],
    "untracked-script": [
        (script("").replace(" s ", " «s ") + instance(""), script("") + instance(TRACKS)),
        # One file of several has them all, perhaps.
        (script("").replace(" s ", " «s ") + instance(""), script("")),
    ],
    "slow-script": [
        (
            script("interval 2\ntimeout «3") + instance(TRACKS),
            script("interval 2\ntimeout 2") + instance(TRACKS),
        ),
        (
            script("interval «30\nfall 3") + instance(TRACKS),
            script("interval 30\nfall 2") + instance(TRACKS),
        ),
    ],
    "own-peer": [
        (
            instance("unicast_src_ip 10.0.0.5\nunicast_peer {\n 10.0.0.6\n «10.0.0.5\n}"),
            instance("unicast_src_ip 10.0.0.5\nunicast_peer {\n 10.0.0.6\n}"),
        )
    ],
    "shared-address": [
        (
            instance(vip("10.0.0.9"), "A")
            + instance(vip("10.0.0.8\n«10.0.0.9/24"), "B", "virtual_router_id 52"),
            instance(vip("10.0.0.9"), "A")
            + instance(vip("10.0.0.8\n10.0.0.9/24 dev eth1"), "B", "virtual_router_id 52"),
        )
    ],
    "first-address": [
        (
            instance(vip("«2001:db8::8\nfe80::8", "version 3")),
            instance(vip("fe80::8\n2001:db8::8", "version 3")),
        ),
        (
            instance(vip("«2001:db8::8", "version 3")),
            instance(vip("10.0.0.8", "version 3") + "\nvirtual_ipaddress_excluded {\n2001:db8::8\n}"),
        ),
    ],
    "mixed-group": [
        (
            pair_of_groups(authentication("PASS"), authentication("AH").replace("auth_type", "«auth_type")),
            pair_of_groups(authentication("PASS"), authentication("PASS", "other")),
        ),
        (
            pair_of_groups(f"version 3\nauth_hmac {{\nkey 1 hex:{RANDOM_KEY}\n}}", "version 3").replace(
                "vrrp_instance B", "«vrrp_instance B"
            ),
            pair_of_groups("version 3", "version 3"),
        ),
    ],
    "weak-key": [
        (signing(f"key 1 «{'ab' * 16}"), signing("key 1 hex:" + RANDOM_KEY)),
        (signing(f"key 9 hex:{RANDOM_KEY}\nkey 1 «hex:" + bytes(range(32)).hex()), signing("key 1 file:/k")),
    ],
    "hmac-version": [
        (
            signing("key 1 hex:" + RANDOM_KEY).replace("version 3\n", "").replace("auth_hmac", "«auth_hmac"),
            signing("key 1 hex:" + RANDOM_KEY),
        ),
    ],
    "unsent-mail": [
        (globals_("«" + MAIL) + service(""), globals_(MAIL + "smtp_server 10.0.0.25") + service("")),
        # Real servers tell unless told not to; instances do not.
        (
            globals_("«" + MAIL + "smtp_server 10.0.0.25") + instance(""),
            globals_(MAIL + "smtp_server 10.0.0.25") + instance("smtp_alert"),
        ),
        (
            globals_("«smtp_server 10.0.0.25") + service(""),
            globals_(MAIL + "smtp_server 10.0.0.25\nsmtp_alert") + instance(""),
        ),
    ],
    "shell-words": [
        (
            script("", "/bin/ps ax | grep -q nginx").replace('script "', 'script «"') + instance(TRACKS),
            script("", "/bin/sh -c 'ps ax | grep -q nginx'") + instance(TRACKS),
        ),
        (
            instance('notify «"/bin/one a; /bin/two"'),
            instance('notify "/bin/one a"'),
        ),
        (
            server('MISC_CHECK {\n misc_path «"/bin/check >/dev/null"\n}'),
            server('MISC_CHECK {\n misc_path "/bin/check 10.0.0.2"\n}'),
        ),
        (server(TCP + 'notify_up «"/bin/a && /bin/b"'), server(TCP + 'notify_up "/bin/a b&c"')),
        (service('quorum_up «"/bin/a 2>&1"'), service('quorum_up "/bin/expr 1 > 2"')),
    ],
}


def read(text: str) -> Reading:
    return load_text(text, "a.conf", Surroundings("", {"PASS": "fromenv"}), keep_text=True)


def advice(text: str, machine: Machine | None = None) -> list[Finding]:
    reading = read(text)
    assert reading.written is not None
    return advise(reading.configuration, reading.written, machine)


def place_of(text: str) -> tuple[str, tuple[int, int]]:
    """A text without its mark, and the line and column of that."""
    before, mark, after = text.partition("«")
    assert mark, text
    before_line = before.rpartition("\n")[2]
    return before + after, (before.count("\n") + 1, len(before_line) + 1)


class KindTests(SynchronousTestCase):
    def test_each_has_a_mistake_and_its_neighbour(self) -> None:
        for kind, pairs in PURE.items():
            for wrong, right in pairs:
                text, place = place_of(wrong)
                self.assertEqual(
                    [
                        (each.rule.id, (each.position.line, each.position.column))
                        for each in advice(text)
                        if each.rule
                    ],
                    [(kind, place)],
                    text,
                )
                self.assertEqual([each.message for each in advice(right)], [], right)

    def test_the_texts_of_this_test_are_right_but_for_that(self) -> None:
        """Else the error would be what keeps advice away."""
        for pairs in PURE.values():
            for wrong, right in pairs:
                for text in (place_of(wrong)[0], right):
                    self.assertEqual(read(text).errors, (), text)

    def test_the_exit_status_stays(self) -> None:
        for pairs in PURE.values():
            for finding in advice(place_of(pairs[0][0])[0]):
                self.assertIs(finding.consequence, Consequence.NONE)
                self.assertIsNot(finding.severity, Severity.ERROR)
                assert finding.rule is not None
                self.assertIs(finding.severity, finding.rule.severity)

    def test_names_are_unique_and_programs_get_them(self) -> None:
        self.assertEqual(len({kind.id for kind in KINDS}), len(KINDS))
        found = advice(place_of(PURE["same-check"][0][0])[0])
        log = str(document(Examination((), tuple(found)), "1.0", "/"))
        self.assertIn("'ruleId': 'same-check'", log)

    def test_the_manual_has_each(self) -> None:
        manual = (ROOT / "docs" / "advice.md").read_text("utf-8")
        for kind in KINDS:
            self.assertIn(f"| `{kind.id}` |", manual)


class WordsTests(SynchronousTestCase):
    def test_what_never_acts_is_named(self) -> None:
        bare = "real_server 10.0.0.3 80 {\n}\n"
        for lines, words in (
            ("sorry_server 10.0.0.99 80", "sorry_server never answers"),
            ("quorum_down /bin/true", "quorum_down never runs"),
        ):
            [finding] = advice(service(lines, bare))
            self.assertIn(words, finding.message)
            # With a quorum that takes the checked server too, they do act.
            [finding] = advice(service(f"{lines}\nquorum 2", bare + GOOD_SERVER))
            self.assertNotIn("never", finding.message)

    def test_the_check_that_is_proposed_suits_the_protocol(self) -> None:
        for protocol, check in (("TCP", "TCP_CHECK"), ("UDP", "UDP_CHECK")):
            [finding] = advice(service(f"protocol {protocol}", "real_server 10.0.0.3 80 {\n}\n"))
            self.assertIn(check, finding.expected or "")

    def test_a_pool_is_told_of_once(self) -> None:
        bare = "".join(f"real_server 10.0.1.{n} 80 {{\n}}\n" for n in range(1, 5))
        [finding] = advice(service("", bare))
        self.assertIn("nor have 3 others", finding.message)
        slow = "".join(
            OTHER.replace("0.3", f"0.{n}").replace("K {", "K {\nconnect_timeout 9") for n in (4, 5, 6)
        )
        [finding] = advice(service("delay_loop 6", slow))
        self.assertIn("so with 2 more checks", finding.message)


class ErrorTests(SynchronousTestCase):
    def test_a_block_with_an_error_gets_no_advice(self) -> None:
        text, _ = place_of(PURE["same-check"][0][0])
        self.assertEqual(len(advice(text)), 1)
        self.assertEqual(advice(text.replace("lb_algo rr", "lb_algo wcl")), [])

    def test_nor_does_a_script_that_it_may_have_been_meant_to_track(self) -> None:
        self.assertEqual(len(advice(script("") + instance(""))), 1)
        self.assertEqual(advice(script("") + instance(TRACKS.replace("track", "trakc"))), [])

    def test_another_block_does(self) -> None:
        text, _ = place_of(PURE["same-check"][0][0])
        self.assertEqual(len(advice(text + "nonsense\n")), 1)

    def test_what_is_repeated_is_told_of_once(self) -> None:
        text = "~SEQ(n, 1, 3) $VS\n"
        head = "virtual_server 10.0.0.$n 80 {"
        body = service("", "real_server 10.1.0.1 80 {\n }\n", head).strip()
        definition = "$VS=" + body.replace("\n", " \\\n") + "\n"
        found = read(definition + text)
        assert found.written is not None
        self.assertEqual(len(found.configuration.virtual_servers), 3)
        told = found.written.in_order(advise(found.configuration, found.written))
        self.assertEqual([each.rule.id for each in told if each.rule], ["unchecked-server"])


class QuietTests(SynchronousTestCase):
    def test_right_configurations_hear_nothing(self) -> None:
        files = [ROOT / "etc" / "keepalived" / "keepalived.conf.sample"]
        files += sorted((ROOT / "tests" / "data" / "guide").glob("*.conf"))
        for file in files:
            self.assertEqual([each.message for each in advice(file.read_text("utf-8"))], [], file)

    def test_the_demo_hears_nothing(self) -> None:
        digests = defaultdict[tuple[str, str], str](lambda: "0" * 32)
        folder = Path(self.mktemp())
        folder.mkdir()
        texts = [case_study.keepalived_conf(number, digests) for number in (1, 2)]
        texts.append(site.keepalived_conf(site.Site("192.168", site.Ports()), digests))
        files = []
        for number, text in enumerate(texts):
            files.append(str(folder / f"{number}.conf"))
            Path(files[-1]).write_text(text)
        findings = examine(files, system=False).findings
        self.assertEqual([each.message for each in findings if each.rule is not None], [])

    def test_the_readme_hears_nothing(self) -> None:
        pages = (ROOT / "README.md").read_text("utf-8").split("```\n")
        shown = "".join(page for page in pages if page.startswith(("virtual_server", "vrrp_instance")))
        reading = read(shown)
        assert reading.written is not None
        self.assertTrue(reading.configuration.virtual_servers and reading.configuration.vrrp_instances)
        self.assertEqual(advise(reading.configuration, reading.written), [])

    def test_the_sample_with_what_it_has_as_comments(self) -> None:
        text = (ROOT / "etc" / "keepalived" / "keepalived.conf.sample").read_text("utf-8")
        lines = [
            line.replace("# ", "", 1) if line.lstrip().startswith("# ") else line
            for line in text.splitlines()
        ]
        code = [line for line in lines if not line[:1].isupper() and not line.startswith("kaltwisted")]
        shown = "\n".join(code)
        self.assertIn("\nvrrp_script uplink {", shown)
        reading = read(shown)
        assert reading.written is not None
        self.assertTrue(reading.configuration.vrrp_scripts)
        self.assertEqual([str(each) for each in advise(reading.configuration, reading.written)], [])

    @given(
        st.lists(
            st.sampled_from(
                sorted(
                    line
                    for pairs in PURE.values()
                    for text, _ in pairs
                    for line in text.replace("«", "").splitlines()
                )
            ),
            max_size=40,
        )
    )
    def test_nothing_makes_it_fail(self, lines: list[str]) -> None:
        for finding in advice("\n".join(lines), MACHINE):
            self.assertIsNotNone(finding.rule)
            self.assertLessEqual(finding.position.line, len(lines))


class WrittenTests(SynchronousTestCase):
    def test_without_being_asked_a_reading_keeps_no_text(self) -> None:
        self.assertIsNone(load_text(self.id(), "x").written)

    def test_a_block_that_is_not_there(self) -> None:
        reading = read(service(""))
        assert reading.written is not None
        [virtual] = reading.configuration.virtual_servers
        assert virtual.where is not None
        nowhere = attrs.evolve(virtual.where, line=99)
        self.assertEqual(reading.written.spot(nowhere, "x").position, nowhere)
        self.assertTrue(reading.written.is_sound(nowhere))
        self.assertEqual(reading.written.blocks(nowhere), [])
