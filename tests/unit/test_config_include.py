"""Which files an include names, which of them are read, and what counts when they are not."""

from __future__ import annotations

import os
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from kaltwisted.config import limits
from kaltwisted.config.findings import Consequence, Severity, render
from kaltwisted.config.include import LARGEST_FILE, MOST_FILES, Check, chosen_checks, expand_braces, find
from kaltwisted.config.load import Reading, load_file
from tests.unit.test_config_broken import instance, service

BRACES = {
    "a": ["a"],
    "{a,b}": ["a", "b"],
    "x{b,a}y{1,2}": ["xby1", "xby2", "xay1", "xay2"],
    "{a,{b,c}d}": ["a", "bd", "cd"],
    "{,a}x": ["x", "ax"],
    "{a}": ["a"],
    "{a,b": ["{a,b"],
    "a}b": ["a}b"],
}

# keyword: exit statuses of -t for a file that is not there, a wildcard without match, braces that
# name one that is there and one that is not, and an executable file; observed with keepalived 2.2.7.
STATUSES = {
    "include": (0, 0, 0, 0),
    "includer": (0, 0, 0, 6),
    "includem": (6, 0, 0, 6),
    "includew": (6, 6, 0, 6),
    "includeb": (0, 0, 6, 6),
    "includea": (6, 6, 6, 6),
}
PATTERNS = ("none.conf", "*.none", "{there,none}.conf", "run.conf")


class IncludeTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.folder = Path(self.mktemp())
        self.folder.mkdir()
        self.write("there.conf", "")
        self.write("run.conf", "").chmod(0o755)

    def write(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def read(self, text: str, *, all_includes: bool = False) -> Reading:
        path = self.write("main.conf", text)
        return load_file(str(path), config_id="lb1", all_includes=all_includes)

    def test_braces(self) -> None:
        for pattern, expected in BRACES.items():
            self.assertEqual(list(expand_braces(pattern)), expected, pattern)

    @given(st.text("{},ab", max_size=40))
    def test_braces_end(self, pattern: str) -> None:
        for _, one in zip(range(100), expand_braces(pattern), strict=False):
            self.assertLessEqual(len(one), len(pattern))

    def test_files_in_their_order(self) -> None:
        for name in ("b2", "b1", "a1", ".hidden"):
            self.write(f"d/{name}.conf", "")
        names = [Path(path).stem for path in find("d/{b,a}*.conf", str(self.folder)).paths]
        self.assertEqual(names, ["b1", "b2", "a1"])
        self.assertEqual(
            [Path(path).stem for path in find("d/*", str(self.folder)).paths], ["a1", "b1", "b2"]
        )
        self.assertEqual(len(find("d/{a1,a1,a?}.conf", str(self.folder)).paths), 1)

    def test_endless_braces(self) -> None:
        found = find("{a,b}" * 100, str(self.folder))
        self.assertEqual(found.paths, ())
        self.assertIn(f"{MOST_FILES:,} alternatives", str(found.missing))

    def test_what_counts_for_each_keyword(self) -> None:
        for keyword, statuses in STATUSES.items():
            for pattern, status in zip(PATTERNS, statuses, strict=True):
                reading = self.read(f"{keyword} {pattern}\n{service('')}")
                self.assertEqual((reading.exit_status, reading.fatal), (status, status or None), pattern)
                self.assertEqual(len(reading.configuration.virtual_servers), 1)
                quiet = pattern == "*.none" and not status
                self.assertEqual(len(reading.findings), 0 if quiet else 1, (keyword, pattern))

    def test_all_of_them_count(self) -> None:
        for pattern in PATTERNS:
            text = f"global_defs {{\n    include_check none\n}}\ninclude {pattern}\n"
            self.assertEqual(self.read(text).exit_status, 0)
            self.assertEqual(self.read(text, all_includes=True).exit_status, 6, pattern)

    def test_include_check(self) -> None:
        for words, before, expected in (
            ("", Check.NONE, Check.ALL),
            ("match", Check.READ, Check.MATCH),
            ("read brace", Check.NONE, Check.READ | Check.BRACE),
            ("+match", Check.READ, Check.READ | Check.MATCH),
            ("-match +brace", Check.ALL, Check.READ | Check.WILDCARD | Check.BRACE),
            ("all -wildcard", Check.NONE, Check.ALL & ~Check.WILDCARD),
            ("none", Check.ALL, Check.NONE),
        ):
            self.assertEqual(chosen_checks(words.split(), before), (expected, []), words)
        self.assertEqual(chosen_checks(["match", "often"], Check.NONE), (Check.MATCH, [1]))

    def test_include_check_counts_from_here_and_below(self) -> None:
        self.write("deep.conf", "include none.conf\n")
        self.write("check.conf", "global_defs {\n    include_check match\n}\n")
        check = "global_defs {\n    include_check match\n}\n"
        self.assertEqual(self.read(f"include none.conf\n{check}").exit_status, 0)
        self.assertEqual(self.read(f"{check}include deep.conf\n").exit_status, 6)
        self.assertEqual(self.read("include check.conf\ninclude none.conf\n").exit_status, 0)

    def test_relative_to_the_including_file(self) -> None:
        self.write("one/a.conf", "include two/b.conf\n")
        self.write("one/two/b.conf", "include ../c.conf\n")
        self.write("one/c.conf", service("«").replace("«", "nonsense"))
        (self.folder / "link.conf").symlink_to("one/c.conf")
        for text in (
            "include one/a.conf\n",
            "include link.conf\n",
            f"include {self.folder.resolve()}/one/*\n",
        ):
            self.assertEqual(len(self.read(text).configuration.virtual_servers), 1, text)
        [finding] = self.read("\n\ninclude one/a.conf\n").findings
        self.assertEqual(finding.position.line, 2)
        self.assertEqual(Path(finding.position.file).resolve(), (self.folder / "one/c.conf").resolve())
        self.assertEqual(
            [f"{Path(place.position.file).name}:{place.position.line}" for place in finding.related],
            ["b.conf:1", "a.conf:1", "main.conf:3"],
        )
        self.assertIn("nonsense", str(finding.source_line))

    def test_in_the_middle_of_a_block(self) -> None:
        self.write("in.conf", "priority 77\nvirtual_ipaddress { 10.0.0.5\n10.0.0.6 }\n")
        [one] = self.read(instance("include in.conf")).configuration.vrrp_instances
        self.assertEqual((one.priority, len(one.virtual_ipaddress)), (77, 3))

    def test_definitions_outlive_their_file(self) -> None:
        self.write("vars.conf", "$P=66\n$HERE=${_PWD}\n")
        self.write("sub/use.conf", instance("priority ${P}", "${NAME}"))
        [one] = self.read("$NAME=V\ninclude vars.conf\ninclude sub/use.conf\n").configuration.vrrp_instances
        self.assertEqual((one.priority, one.name), (66, "V"))
        reading = self.read("include vars.conf\nglobal_defs {\n    router_id ${HERE}\n}\n")
        self.assertEqual(reading.configuration.global_defs.router_id, str(self.folder.resolve()))

    def test_repeated_include(self) -> None:
        self.write("one.conf", instance("", "V${n}", "virtual_router_id ${n}"))
        found = self.read("~SEQ(n, 1, 3) include one.conf\n").configuration.vrrp_instances
        self.assertEqual([one.name for one in found], ["V1", "V2", "V3"])

    def test_irregular_files(self) -> None:
        os.mkfifo(self.folder / "fifo.conf")
        (self.folder / "folder.conf").mkdir()
        for pattern in ("fifo.conf", "folder.conf", "/dev/zero", "a\0b"):
            reading = self.read(f"includea {pattern}\n")
            [finding] = reading.findings
            self.assertIs(finding.severity, Severity.ERROR, render(finding))

    def test_a_file_included_without_end(self) -> None:
        self.write("x.conf", "a\n" * 1_000)
        reading = self.read("~SEQ(n, 1, 90000) include x.conf\n")
        told = [finding for finding in reading.findings if "more than" in finding.message]
        self.assertEqual(len(told), 1)
        self.assertLessEqual(len(reading.findings), 3)
        for name in "yz":
            self.write(f"{name}.conf", "a\n" * 1_000)
        reading = self.read("~SEQ(n, 1, 90000) include {x,y,z}.conf\n")
        self.assertEqual(sum("more than" in finding.message for finding in reading.findings), 1)

    def test_a_tree_of_includes(self) -> None:
        # Each names the next one twice: a million files, were nothing counted.
        for number in range(20):
            self.write(f"f{number}.conf", f"include f{number + 1}.conf\n" * 2)
        self.write("f20.conf", "a\n")
        self.patch(limits, "MOST_LINES", 50_000)
        reading = self.read("include f0.conf\n")
        [told] = [finding for finding in reading.findings if "more than 50,000 lines" in finding.message]
        self.assertIs(told.consequence, Consequence.FATAL)

    def test_characters_of_all_files(self) -> None:
        self.patch(limits, "MOST_CHARACTERS", 10_000)
        self.write("x.conf", "# " + "x" * 900 + "\n")
        [finding] = self.read("~SEQ(n, 1, 20) include x.conf\n").findings
        self.assertIn("more than 10,000 characters", finding.message)

    def test_a_file_that_is_too_large(self) -> None:
        (self.folder / "large.conf").touch()
        os.truncate(self.folder / "large.conf", LARGEST_FILE + 1)
        [finding] = self.read("includea large.conf\n").findings
        self.assertIn("is larger than 64 MB", finding.message)
        self.assertEqual(load_file(str(self.folder / "large.conf")).exit_status, 6)

    def test_a_pattern_as_the_main_file(self) -> None:
        self.write("c.conf", "vrrp_script c {\n script /c\n}\n")
        self.write("d#1.conf", "vrrp_script d {\n script /d\n}\nwrong\n")
        for pattern, names in {
            "*.conf": ["c", "d"],
            "[c]*.conf": ["c"],
            "{d#1,c}.conf": ["d", "c"],
            "../*/d#*": ["d"],
        }.items():
            reading = load_file(f"{self.folder}/{pattern}")
            self.assertEqual([script.name for script in reading.configuration.vrrp_scripts], names, pattern)
            wrong = [finding for finding in reading.findings if "wrong" in finding.message]
            self.assertEqual(len(wrong), "d" in names)
            for finding in wrong:
                self.assertTrue(str(finding.position).endswith("d#1.conf:4:1"))
        for missing in ("nothing*.conf", "{x,y}.conf"):
            self.assertEqual(load_file(f"{self.folder}/{missing}").exit_status, 6)
        self.write("a[1].conf", "vrrp_script own {\n script /a\n}\n")
        own = load_file(f"{self.folder}/a[1].conf").configuration
        self.assertEqual([script.name for script in own.vrrp_scripts], ["own"])

    def test_main_file(self) -> None:
        for name in ("run.conf", "folder", "none.conf"):
            (self.folder / "folder").mkdir(exist_ok=True)
            reading = load_file(str(self.folder / name))
            self.assertEqual((reading.exit_status, reading.fatal), (6, 6))
            self.assertEqual(len(reading.findings), 1)
