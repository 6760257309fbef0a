"""A reading that remembers the one before is equal to one from scratch, and keeps what did not change."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from unittest import mock

import attrs
from hypothesis import example, given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from kaltwisted.config import bind_lvs, tree
from kaltwisted.config.definitions import Surroundings
from kaltwisted.config.diff import compare
from kaltwisted.config.findings import render
from kaltwisted.config.load import Reading, load_file, load_text
from kaltwisted.config.memory import Memory
from kaltwisted.config.model import Configuration
from tests.unit.test_config_broken import TWO, check, globals_, instance, service, url
from tests.unit.test_config_robust import everything_said

SECRET = "Zqxpass"
AUTH = f"authentication {{\nauth_type PASS\nauth_pass {SECRET}\n}}"
SCRIPT = "vrrp_script watch {\n    script /bin/true\n}\n"
GROUP = "vrrp_sync_group G {\n    group {\n        VI_1\n        VI_2\n    }\n}\n"


def at(last: int, lines: str = "") -> str:
    """A virtual server of its own."""
    return service(lines, head=f"virtual_server 10.0.0.{last} 80 {{")


SITE = at(11) + at(12) + at(13)

BLOCKS = [
    *(at(11), at(12), at(13, "quorum 5"), at(11, "ha_suspend\nalpha"), at(14, "$D")),
    service("", head="virtual_server fwmark 7 {").replace("NAT", "DR"),
    url("path /\nstatus_code 200"),
    check("MISC_CHECK", 'misc_path "/bin/true one"'),
    *(TWO, GROUP, SCRIPT, instance("track_script {\nwatch\n}"), instance(AUTH, "VI_3")),
    instance(AUTH.replace("\n", " ").replace(" auth_", "\nauth_"), "VI_4"),
    instance("@lb1 priority 50\n@^lb1 priority 60", "VI_5", "virtual_router_id 55"),
    f"vrrp_instance VI_6 {{ authentication {{ auth_pass {SECRET} }} }}\n",
    "vrrp_sync_group H {\n    VI_1\n    VI_2\n}\n",
    *("virtual_server_group g {\n    10.0.0.1 80\n}\n", service("", head="virtual_server group g {")),
    check("DNS_CHECK", "type A\nretry x") + check("SMTP_CHECK", "host {\nconnect_port 25\n}"),
    "vrrp_track_process p {\n    process named\n    weight 5\n}\n",
    instance("track_process {\np\n}\nvirtual_routes {\n10.1.0.0/24 dev eth0 mtu 9\n}\nuse_vmac", "VI_7"),
    "static_ipaddress {\n    10.0.0.1/24 dev eth0\n}\n",
    globals_("smtp_alert true\ncheckers_log_all_failures"),
    "~SEQ(n, 2, 3) " + at(20).replace(".20", ".$n").replace("\n", " \n", 1),
    "include extra.conf\n",
    "~SEQ(n, 2) include extra.conf\n",
    "$D=delay_loop 5\n$S= \\\n" + at(15).replace("\n", " \\\n") + "\n$S\n",
]
LINES = [
    *("}", "{", "# a comment", "", "nonsense", "    weight 2", "    TCP_CHECK {", "ha_suspend", "\x00"),
    *("real_server 10.0.0.3 80 {", "virtual_server 10.0.0.1 80 {", "virtual_server 10.0.0.9 80"),
    *("    router_id x", "default_interface eth1", "smtp_alert off", "    auth_pass ${none}", "x" * 1100),
    *("include extra.conf", "@lb2 }", "@lb1 }", "~SEQ(n, 2) quorum $n", "vrrp_instance V {", "group {"),
    *('    virtualhost "open', "${_ENV TWO}", "notify_up /bin/true } }", "} global_defs {", "    } } # {"),
    *("$D=quorum 1", "\t$D", "VI_1"),
]
NUMBER = st.integers(0, 200)
EDITS = st.one_of(
    st.tuples(st.just("block"), st.booleans(), NUMBER, st.sampled_from(BLOCKS)),
    st.tuples(st.just("line"), st.booleans(), NUMBER, st.sampled_from(LINES)),
    st.tuples(st.sampled_from(["drop", "twice", "move", "swap"]), st.booleans(), NUMBER, NUMBER),
    st.tuples(st.just("back"), st.booleans(), st.just(0), st.just(0)),
)
FILES = st.lists(st.lists(st.sampled_from(BLOCKS), max_size=6), min_size=2, max_size=2)


def edited(lines: list[str], kind: str, place: int, what: str | int) -> list[str]:
    """The lines of a file after a person has been at them; half of the places are between blocks."""
    between = [0, *(number for number, line in enumerate(lines, 1) if line == "}")]
    start = between[place // 2 % len(between)] if place % 2 else place // 2 % (len(lines) + 1)
    if isinstance(what, str):
        return [*lines[:start], *what.splitlines(), *lines[start:]]
    # Blocks are a dozen lines, so sometimes one is moved whole.
    end = next((number for number in between if number > start), start) if what % 3 else start + what % 4
    piece, rest = lines[start:end], lines[:start] + lines[end:]
    match kind:
        case "drop":
            return rest
        case "twice":
            return lines[:end] + piece + lines[end:]
        case "move":
            to = what % (len(rest) + 1)
            return rest[:to] + piece + rest[to:]
    return lines[:start] + [line.replace("1", "2", 1) for line in piece] + lines[end:]


class MemoryPropertyTests(SynchronousTestCase):
    """Whatever is edited, reload by reload."""

    def setUp(self) -> None:
        self.folder = Path(self.mktemp())
        self.folder.mkdir()
        self.patch(os, "environ", {"TWO": "a\nb"})

    def read(self, files: dict[bool, list[str]], memory: Memory | None = None) -> Reading:
        for extra, lines in files.items():
            (self.folder / ("extra.conf" if extra else "main.conf")).write_text("\n".join(lines))
        return load_file(str(self.folder / "main.conf"), config_id="lb1", memory=memory)

    @given(FILES, st.lists(EDITS, max_size=5))
    @example([[at(11)], [at(12)]], [("line", False, 1, "virtual_server 10.0.0.9 80")])
    @settings(max_examples=250, deadline=None)
    def test_reading_with_a_memory_is_reading_from_scratch(
        self, blocks: list[list[str]], edits: list[tuple[str, bool, int, str | int]]
    ) -> None:
        files = {bool(index): "".join(texts).split("\n") for index, texts in enumerate(blocks)}
        first, memory = dict(files), Memory()
        self.read(files, memory)
        for kind, extra, place, what in edits:
            if kind == "back":
                files = dict(first)
            else:
                files[extra] = edited(files[extra], kind, place, what)
            remembered, scratch = self.read(files, memory), self.read(files)
            self.assertEqual(remembered, scratch)
            # Places take no part in comparing, so they are looked at one by one.
            self.assertEqual(attrs.asdict(remembered), attrs.asdict(scratch))
            self.assertNotIn(SECRET, everything_said(remembered))


class MemoryTests(SynchronousTestCase):
    """What is kept, and what is read again."""

    def setUp(self) -> None:
        self.memory = Memory()

    def read(self, text: str) -> Reading:
        """Read, with a look at what reading from scratch would have given."""
        reading = load_text(text, "x", memory=self.memory)
        self.assertEqual(attrs.asdict(reading), attrs.asdict(load_text(text, "x")))
        return reading

    def configuration(self, text: str) -> Configuration:
        return self.read(text).configuration

    def bound(self, read: Callable[[], object]) -> int:
        """How many virtual servers are bound meanwhile."""
        with mock.patch.object(bind_lvs, "virtual_server", wraps=bind_lvs.virtual_server) as bind:
            read()
        return bind.call_count

    def test_blocks_that_did_not_change_are_the_same_objects(self) -> None:
        text = globals_("router_id x") + SITE + TWO + SCRIPT + GROUP
        old, new = self.configuration(text), self.configuration(text.replace("10.0.0.12", "10.0.0.22"))
        self.assertIs(new.virtual_servers[0], old.virtual_servers[0])
        self.assertEqual(str(new.virtual_servers[1]), "[10.0.0.22]:tcp:80")
        self.assertIs(new.virtual_servers[2], old.virtual_servers[2])
        for kind in ("vrrp_instances", "vrrp_scripts", "vrrp_sync_groups"):
            self.assertTrue(getattr(old, kind))
            for one, other in zip(getattr(old, kind), getattr(new, kind), strict=True):
                self.assertIs(one, other)
        self.assertIs(compare(old, new).configuration.virtual_servers[2], old.virtual_servers[2])

    def test_only_what_changed_is_cut_into_words_and_bound(self) -> None:
        load_text(SITE, "x", memory=self.memory)
        with mock.patch.object(tree, "SPECIAL", wraps=tree.SPECIAL) as look:
            count = self.bound(lambda: load_text(SITE, "x", memory=self.memory))
        self.assertEqual((count, look.call_count), (0, 0))
        changed = SITE.replace("10.0.0.13", "10.0.0.22")
        self.assertEqual(self.bound(lambda: load_text(changed, "x", memory=self.memory)), 1)

    def test_a_moved_block_is_bound_no_more_and_tells_its_new_lines(self) -> None:
        old = self.configuration(SITE)
        self.assertEqual(self.bound(lambda: load_text("# new\n\n" + SITE, "x", memory=self.memory)), 0)
        new = self.configuration("# new\n\n" + SITE)
        self.assertEqual(new, old)
        for before, after in zip(old.virtual_servers, new.virtual_servers, strict=True):
            assert before.where is not None and after.where is not None
            self.assertEqual(after.where.line, before.where.line + 2)
        self.assertIs(compare(old, new).configuration.virtual_servers[0], old.virtual_servers[0])

    def test_a_moved_block_is_told_of_where_it_stands_now(self) -> None:
        for above in ("", "\n", "\n\n# x\n", ""):
            (finding,) = self.read(above + at(11, "quorum 5")).findings
            self.assertEqual(finding.position.line, above.count("\n") + 1)

    def test_other_global_defs_bind_anew(self) -> None:
        for alert in ("on", "off", "on"):
            text = globals_(f"smtp_alert {alert}") + SITE + TWO
            found = self.configuration(text)
            every = (*found.virtual_servers, *found.virtual_servers[0].real_servers, *found.vrrp_instances)
            self.assertEqual({each.smtp_alert for each in every}, {alert == "on"})
        self.assertEqual(self.bound(lambda: self.read(text.replace("\n", "\n\n", 1))), 3)  # from scratch

    def test_bare_members_of_a_group_are_what_instances_there_are(self) -> None:
        group = "vrrp_sync_group H {\n    VI_1\n    VI_2\n}\n"
        for text in (TWO + group, TWO.replace("VI_2", "VI_3") + group, TWO + group):
            self.read(text)

    def test_a_finding_lasts_as_long_as_the_mistake(self) -> None:
        text = SITE + at(14, "delay_lop 6")
        told = [list(map(render, self.read(each).findings)) for each in (text, text, SITE, text)]
        self.assertEqual([len(lines) for lines in told], [1, 1, 0, 1])
        self.assertEqual(told[1], told[0])

    def test_a_keyword_told_of_once_for_all_places_keeps_them_all(self) -> None:
        text = at(11, "Virtualhost a") + at(12) + at(13, "Virtualhost a")
        old = self.read(text)
        self.assertIn("(also on line", old.findings[0].message)
        self.assertIs(self.read(text).configuration.virtual_servers[0], old.configuration.virtual_servers[0])
        self.assertIn("(also on line", self.read("\n" + text).findings[0].message)
        self.assertNotIn(
            "(also on line", self.read(text.replace("    Virtualhost a\n", "", 1)).findings[0].message
        )

    def test_a_block_that_takes_in_what_stands_behind_it_is_read_again(self) -> None:
        stray = "virtual_server 10.0.0.9 80\nreal_server 10.0.0.7 80 {\n}\n"
        for between in ("", stray, stray, ""):
            servers = self.configuration(at(11) + between + at(12)).virtual_servers[0].real_servers
            self.assertEqual(len(servers), 2 if between else 1)

    def test_a_head_inside_an_open_block_is_no_head(self) -> None:
        for before, behind in (("", ""), ("nonsense {\n", "}\n"), ("{\n", "}\n")):
            self.read(before + at(11) + at(12) + behind)

    def test_a_block_behind_the_brace_of_another_is_not_the_other(self) -> None:
        for _ in range(2):
            text = at(11).rstrip() + " " + at(12) + at(13)
            self.assertEqual(len(self.configuration(text).virtual_servers), 3)

    def test_a_brace_too_few_forgets_nothing(self) -> None:
        old = self.configuration(SITE)
        self.assertTrue(self.read(SITE.replace("}\n", "", 1)).findings)
        self.assertIs(self.configuration(SITE).virtual_servers[0], old.virtual_servers[0])

    def test_a_block_that_stands_twice_is_told_of(self) -> None:
        for text in (SITE, SITE + at(11), SITE + at(11), at(11) + SITE):
            self.read(text)

    def test_what_is_said_of_the_first_only_is_said_of_the_next_when_that_is_gone(self) -> None:
        deep = "virtual_routes {\n" + "a {\n" * 70 + "}\n" * 71
        one, other = instance(deep), instance(deep, "VI_2", "virtual_router_id 52")
        for text in (SCRIPT + one + other + SCRIPT, SCRIPT + other + SCRIPT):
            self.assertIn("deep in one another", everything_said(self.read(text)))

    def test_an_odd_line_is_told_of_again_whatever_it_is(self) -> None:
        for line in LINES:
            self.memory = Memory()
            for block in (at(11), at(12, line), at(13) + line + "\n"):
                for text in (at(10) + block + at(14), at(9) + block + at(14), "\n" + block + at(14)):
                    self.read(text)

    def test_secrets_stay_hidden_in_a_block_that_is_known(self) -> None:
        text = instance("").replace("{\n", f"{{ authentication {{ auth_pass {SECRET}\n}}\n", 1)
        for above in (TWO, TWO, "\n" + TWO):
            reading = self.read(above + text + at(11))
            self.assertIn("second time", reading.findings[0].message)
            self.assertNotIn(SECRET, everything_said(reading))

    def test_a_line_told_of_already_says_nothing_of_the_next_reading(self) -> None:
        for above in ("$A=$A\n", "# $\n"):
            self.read(above + at(11, "quorum $A") + at(12))

    def test_lines_with_definitions_in_them_are_read_again(self) -> None:
        text = "$P=80\n" + SITE.replace("10.0.0.2 80", "10.0.0.2 ${P}")
        self.assertEqual(self.configuration(text).virtual_servers[0].real_servers[0].port, 80)
        self.assertEqual(
            self.configuration(text.replace("P=80", "P=81")).virtual_servers[0].real_servers[0].port, 81
        )

    def test_a_line_s_end_out_of_the_environment_is_no_line_s_end(self) -> None:
        body = at(11, "${_ENV A}")
        for value in ("alpha", "alpha\nomega", "alpha"):
            world = Surroundings("lb1", {"A": value})
            self.assertEqual(load_text(body, "x", world, self.memory), load_text(body, "x", world))


class IncludedTests(SynchronousTestCase):
    """Blocks of included files are kept as those of the main one."""

    def setUp(self) -> None:
        self.folder = Path(self.mktemp())
        self.folder.mkdir()
        self.memory = Memory()

    def read(self, **files: str) -> Configuration:
        for name, text in files.items():
            (self.folder / f"{name}.conf").write_text(text)
        path = str(self.folder / "main.conf")
        reading = load_file(path, memory=self.memory)
        self.assertEqual(attrs.asdict(reading), attrs.asdict(load_file(path)))
        return reading.configuration

    def test_another_file_that_changes_leaves_them_as_they_are(self) -> None:
        old = self.read(main="include ?.conf\n" + at(11), a="# a\n" + at(12), b="# b\n" + at(13))
        new = self.read(a="# a\n" + at(22) + at(23))
        self.assertIs(new.virtual_servers[2], old.virtual_servers[1])
        self.assertIs(new.virtual_servers[3], old.virtual_servers[2])

    def test_comments_on_top_of_a_file_are_none_of_the_block_before_the_include(self) -> None:
        old = self.read(main=f"{at(11)}include a.conf\n", a="# a\n" + at(12))
        new = self.read(a="# b\n" + at(12))
        for one, other in zip(old.virtual_servers, new.virtual_servers, strict=True):
            self.assertIs(one, other)

    def test_an_include_that_moves_moves_them(self) -> None:
        old = self.read(main="include a.conf\n", a=at(12))
        new = self.read(main="\n\ninclude a.conf\n")
        self.assertIsNot(new.virtual_servers[0], old.virtual_servers[0])

    def test_one_file_included_twice_by_one_line_is_told_of(self) -> None:
        for _ in range(2):
            self.assertEqual(len(self.read(main="~SEQ(n, 2) include a.conf\n", a=at(12)).virtual_servers), 1)

    def test_a_definition_that_moves_is_shown_where_it_is(self) -> None:
        self.read(main="$R=real_server\n\ninclude a.conf", a=at(11).replace("real_server", "${R}"))
        self.read(main="\n$R=real_server\ninclude a.conf")

    def test_a_line_that_was_parted_is_not_two(self) -> None:
        head, part = "real_server 10.0.0.2 80 {", "TCP_CHECK {"
        parted = at(11).replace(f"{head}\n        {part}", f"{head} @^none {part}")
        two = at(11).replace(f"        {part}", " " * (4 + len(head) + len(" @^none ")) + part)
        for text in (parted, two, parted):
            self.read(main=f"# include\n{text}\n")

    def test_a_file_that_closes_a_block_of_another(self) -> None:
        for above in ("", "nonsense {\n"):
            self.read(main=f"{above}{at(11)}include a.conf\n", a="}\n" if above else "")

    def test_a_file_that_begins_with_a_brace(self) -> None:
        for above in ("", "virtual_server 10.0.0.9 80\n"):
            self.read(main=f"{above}{at(11)}include a.conf\n", a="{\n}\n")

    def test_a_file_that_begins_with_a_comment_and_a_keyword_in_quotes(self) -> None:
        script = SCRIPT.replace("vrrp_script watch", '"vrrp_script" watch again')
        for _ in range(2):
            self.read(main=f"# x\n{script}")

    def test_marks_inside_a_block_do_not_hinder(self) -> None:
        main = instance("@^none priority 50\n@none priority 60") + at(11)
        old = self.read(main=main)
        self.assertIs(self.read().vrrp_instances[0], old.vrrp_instances[0])
        self.assertEqual(self.read(main="\n" + main), old)
