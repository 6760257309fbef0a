"""What is read after marks, definitions and repetitions: the order, the places and the bounds of it."""

from __future__ import annotations

import re
from pathlib import Path
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

import kaltwisted.config.limits
from kaltwisted.config.definitions import Surroundings
from kaltwisted.config.expand import expand
from kaltwisted.config.findings import Severity, render
from kaltwisted.config.limits import MOST_LINES_OF_ONE
from kaltwisted.config.load import Reading, host_id, load_file, load_text
from kaltwisted.config.source import Source
from tests.unit.test_config_broken import instance, service

WORLD = Surroundings("lb1", {"VIP": "10.0.0.9", "TWO": "a\nb"}, Random(1))


def read(text: str) -> list[str]:
    """The lines that are read, blanks around them and empty ones left out."""
    source = expand(text, "x.conf", WORLD)
    assert not source.findings, list(map(render, source.findings))
    return [line.strip() for line in source.lines if line.strip()]


# text: what is read, as observed with keepalived 2.2.7, which however has no `${_ENV}` and no `$n/`,
# and reads the further lines of a definition that is not for it as keywords.
TABLE: dict[str, list[str]] = {
    # --- marks
    "@lb1 a\n@lb2 b\n@^lb1 c\n@^lb2 d": ["a", "d"],
    "@lb11 a\n@lb a\n@LB1 a\n@^LB1 b": ["b"],
    "  @lb1\ta\n@^x\n": ["a"],
    "@lb1 @lb1 a": ["@lb1 a"],
    "x {\n@lb2 }\n@lb1 }": ["x {", "}"],
    "x { @lb2 a }\n}": ["x {", "}"],
    "x { @lb1 a }": ["x {", "a }"],
    "a @lb2 b": ["a @lb2 b"],
    '"@lb2 a"': ['"@lb2 a"'],
    "mail root@lb2": ["mail root@lb2"],
    "@ a\n@^ b": ["b"],
    # --- definitions
    "$A=foo\n$A\n${A}x\nx$A\n$A,k\n$A)\n$A/k\n$Ax": [
        "foo",
        "foox",
        "xfoo",
        "foo,k",
        "foo)",
        "$A/k",
        "$Ax",
    ],
    '$A=foo\n"$A"\n"${A}"\n"$A "': ['"$A"', '"foo"', '"foo "'],
    "$A=1\n$A=2\nx $A": ["x 2"],
    "$A= 1 2  \nx $A": ["x 1 2"],
    "$A=\n$A\nx ${A}y": ["x y"],
    "$A=$B\n$B=1\nx $A": ["x 1"],
    "$A=$B\nx $A\n$B=1\nx $A": ["x $B", "x 1"],
    "$A=${B}\n$B=1\n${A}x": ["1x"],
    "$N=1\n$A1=nested\n${A${N}}": ["nested"],
    "$A=\n$B=1\nx$B$A y": ["x1 y"],
    "$A=\nx$A$A y": ["x y"],
    "$A = 1": ["$A = 1"],
    "$A-B=1\n$9=1\n$=1": ["$A-B=1", "$9=1", "$=1"],
    "  $A=1\nx $A": ["x 1"],
    "$A=1 # one\nx $A # two": ["x 1"],
    "# $A=1\nx $A": ["# $A=1", "x $A"],
    '$A="x#y"\nk ${A}': ['k "x#y"'],
    "x ${_NONE} ${A-B} ${ A} $5 $": ["x ${_NONE} ${A-B} ${ A} $5 $"],
    "@lb2 $A=1\n@lb1 $A=2\nx $A": ["x 2"],
    "$A=@lb2\n$B=@lb1\n$A a\n$B b": ["b"],
    "$A=x {\n$A\n}": ["x {", "}"],
    "$A=1\r\nx $A\r\n": ["x 1"],
    # --- of several lines
    "$M=a \\\n  b \\\n  c\n$M\nd": ["a", "b", "c", "d"],
    "$M=a \\\n  b\npre$M\npre ${M}\n": ["prea", "b", "pre a", "b"],
    "$M=\\\n  b\n$M": ["b"],
    "$M=\\\n  b \\\n  c\na$M": ["ab", "c"],
    "$M=a \\\n\nb\n$M": ["b", "a"],
    "$M=a \\\n # b \\\n c # d \\\n e\n$M": ["a", "c", "e"],
    "$M=a \\\n @lb2 b \\\n @lb1 c\n$M": ["a", "c"],
    "@lb2 $M=a \\\n b \\\n c\nd": ["d"],
    "$M=a {\\\n b\\\n }\n$M\n$M": ["a {", "b", "}", "a {", "b", "}"],
    "$M=a \\\n $N \\\n c\n$N=b1 \\\n b2\n$M": ["a", "b1", "b2", "c"],
    "$M=$N \\\n c\n$N=a \\\n b\nx $M": ["x a", "b", "c"],
    "$M=a ${X} \\\n b $X\n$X=1\n$M\n$X=2\n$M": ["a 1", "b 1", "a 2", "b 2"],
    "$M=$X=1 \\\n a $X\n$M": ["a 1"],
    "x { $M }\n$M=a \\\n b\nx { $M": ["x { $M }", "x { a", "b"],
    "a \\\nb": ["a \\", "b"],
    # --- keepalived's own
    "x ${_INSTANCE} $_INSTANCE": ["x lb1 lb1"],
    "a${_HASH}b ${_BANG} # c": [r"a\#b \!"],
    '"a${_HASH}b"': ['"a#b"'],
    "x ${_ENV VIP}y ${_ENV NONE}. ${_ENV TWO}": ["x 10.0.0.9y . a"],
    "x ${_RANDOM 3 3}": ["x 3"],
    "$_HASH=mine\nx $_HASH": ["x mine"],
    # --- repetition
    "~SEQ(n, 3) a$n": ["a1", "a2", "a3"],
    "~SEQ(n,2)a$n\n~SEQ (n, 2) b${n}x": ["a1", "a2", "b1x", "b2x"],
    "~SEQ(n, -2) a$n\n~SEQ(n, 0) b$n": ["a-1", "a-2", "b1", "b0"],
    "~SEQ(n, 5, 3) a$n\n~SEQ(n, -1, 1) b$n": ["a5", "a4", "a3", "b-1", "b0", "b1"],
    "~SEQ(n, 1, 2, 5) a$n\n~SEQ(n, 5, -2, 1) b$n": ["a1", "a3", "a5", "b5", "b3", "b1"],
    "~SEQ(n, 2, 2) a$n\n~SEQ(n, 0x0e, 0xf) b$n\n~SEQ(n, 07, 010) c$n": ["a2", "b14", "b15", "c7", "c8"],
    "~SEQx(n, 9, 0xb) a$n": ["a9", "aa", "ab"],
    "~SEQ(n, 1, 2) ~SEQ(m, 1, 2) a${n}$m": ["a11", "a12", "a21", "a22"],
    "~SEQ(n, 2, 3) ~SEQ(m, 1, $n) a${n}$m": ["a21", "a22", "a31", "a32", "a33"],
    "~SEQ(n, 1, 2) 192.0.2.$n/24": ["192.0.2.1/24", "192.0.2.2/24"],
    "$n=7\n~SEQ(n, 1, 2) a$n\nb$n": ["a1", "a2", "b7"],
    "$N=2\n~SEQ(n, 1, $N) a$n\n~SEQ(n, ${N}) b$n": ["a1", "a2", "b1", "b2"],
    "@lb1 ~SEQ(n, 2) a$n\n@lb2 ~SEQ(n, 2) b$n": ["a1", "a2"],
    "$S=~SEQ(n, 2)\n$S a$n": ["a1", "a2"],
    "~SEQ(n, 2) $M\n$M=a$n \\\n b$n\n~SEQ(n, 2) $M": ["$M", "$M", "a1", "b1", "a2", "b2"],
    "x ~SEQ(n, 2) a": ["x ~SEQ(n, 2) a"],
    "x { ~SEQ(n, 2) a$n\n}": ["x {", "a1", "a2", "}"],
    "~SEQ(n, 2) x { a$n }": ["x { a1 }", "x { a2 }"],
    "~LST(w, a, b) x $w": ["x a", "x b"],
    "~LST(w, a, , b,) x$w": ["xa", "x", "xb", "x"],
    "~LST({a,b}, {1,2}, {3}, 4) ${a}-${b}": ["1-2", "3-", "4-"],
    "~LST({w}, a, {b}) x $w": ["x a", "x b"],
    "$L=a, b\n~LST(w, $L) x $w": ["x a", "x b"],
}

# In keepalived's order: comment, mark, definition or substitution, mark, repetition, include, braces.
ORDER: dict[str, list[str]] = {
    "@lb1 ~SEQ(n, 2) @lb2 a # $n\n~SEQ(n, 2) @lb1 b$n # $n": ["b1", "b2"],
    "$M=@lb2 \nx\n~SEQ(n, 2) $M a$n\n~LST(m, lb1, lb2) @$m b": ["x"],
    "$D=$A=1\n$D\nx $A": ["x 1"],
    "@lb1 $A=@lb2\n@lb1 $A a\n$A b": ["@lb2 a"],
    "$I=~SEQ(n, 2) \\\n last\n$I": ["last"],
    "$A=b } @lb2 c\nx { $A": ["x { b }"],
}


class ExpansionTests(SynchronousTestCase):
    def test_what_is_read(self) -> None:
        for text, expected in TABLE.items():
            self.assertEqual(read(text), expected, text)

    def test_order_of_treatment(self) -> None:
        for text, expected in ORDER.items():
            self.assertEqual(read(text), expected, text)

    def test_a_file_without_any_of_this_is_passed_on(self) -> None:
        source = expand(service("") + "# root@example.com\n", "x.conf", WORLD)
        self.assertIsNone(source.origins)

    def test_random_stays_in_its_bounds_and_changes(self) -> None:
        numbers = [int(line) for line in read("~SEQ(n, 200) ${_RANDOM 3 9}")]
        self.assertEqual(set(numbers), set(range(3, 10)))
        self.assertTrue(all(0 <= int(line) <= 32767 for line in read("~SEQ(n, 50) $_RANDOM")))
        self.assertTrue(all(32000 <= int(line) <= 32767 for line in read("~SEQ(n, 50) ${_RANDOM 32000}")))

    def test_byte_order_mark_is_no_text(self) -> None:
        reading = load_text("\ufeff" + service(""), "x")
        self.assertEqual(len(reading.configuration.virtual_servers), 1)
        [finding] = reading.findings
        self.assertEqual((finding.severity, reading.exit_status), (Severity.ADVICE, 0))

    def test_id_of_a_host(self) -> None:
        self.assertNotIn(".", host_id())
        path = Path(self.mktemp())
        path.write_text("".join(f"@{host_id()} {line}\n" for line in service("").splitlines()))
        self.assertEqual(len(load_file(str(path)).configuration.virtual_servers), 1)
        self.assertEqual(len(load_file(str(path), config_id="-").configuration.virtual_servers), 0)


class PlaceTests(SynchronousTestCase):
    """Findings stand at what a person would edit, and say how it came about."""

    def told(self, text: str) -> str:
        [finding] = load_text(text, "x").findings
        return render(finding)

    def test_of_a_value_put_in(self) -> None:
        text = "$P=256\n$Q=${P}\n" + instance("  priority\t${Q}")
        self.assertEqual(
            self.told(text).splitlines(),
            [
                "x:4:16: error: 256 is out of range",
                "          priority\t${Q}",
                "                  \t^~~~",
                "    expected: a whole number from 1 to 255",
                "    x:2:1: `$Q` is defined here",
                "    x:1:1: `$P` is defined here",
            ],
        )

    def test_of_one_line_of_several_used_in_two_places(self) -> None:
        text = (
            "$M=advert_int 1 \\\n   priority 256\n"
            + instance("$M")
            + instance("$M", "VI_2", "virtual_router_id 52")
        )
        self.assertEqual(
            self.told(text).splitlines()[:1] + self.told(text).splitlines()[4:],
            [
                "x:4:5: error: 256 is out of range",
                "    x:2:4: this line of `$M`",
                "    x:12:5: the same again here",
            ],
        )

    def test_of_a_repetition(self) -> None:
        lines = "~LST(p, 1, 256, 257) priority $p"
        told = self.told(instance(lines))
        self.assertIn("x:2:35: error: 256 is out of range", told)
        self.assertIn("x:2:5: `$p` has its values from here", told)

    def test_no_value_of_a_password(self) -> None:
        for secret in (
            "$P=Zqx12345678\n" + instance("authentication {\n    auth_pass ${P}\n}"),
            instance("authentication {\n    ~LST(w, Zqx12345678) auth_pass $w\n}"),
            "$A=authentication { \\\n auth_pass Zqx12345678 \\\n }\n" + instance("$A"),
            instance("authentication {\n    auth_pass ${Zqx1}\n}"),
        ):
            self.assertNotIn("Zqx", "\n".join(map(render, load_text(secret, "x").findings)), secret)

    def test_model_knows_the_places(self) -> None:
        text = "$V=" + instance("", "V$n", "virtual_router_id $n").rstrip().replace("\n", " \\\n")
        found = load_text(text.replace("V$n", "V${n}") + "\n\n~SEQ(n, 2) $V\n", "x")
        self.assertEqual([one.name for one in found.configuration.vrrp_instances], ["V1", "V2"])
        self.assertEqual([one.virtual_router_id for one in found.configuration.vrrp_instances], [1, 2])


class BoundTests(SynchronousTestCase):
    """Whatever is asked for, little is made, and one finding says why."""

    def only(self, text: str, message: str) -> Source:
        source = expand(text, "x", WORLD)
        [finding] = source.findings
        self.assertIn(message, finding.message)
        self.assertLessEqual(len(source.lines), MOST_LINES_OF_ONE + text.count("\n") + 1)
        return source

    def test_lines_of_one_line(self) -> None:
        source = self.only("a\n~SEQ(n, 100000000000) b\nc\n", "more than 100,000 lines; it is left out")
        self.assertEqual([line for line in source.lines if line], ["a", "c"])

    def test_lines_in_all(self) -> None:
        self.patch(kaltwisted.config.limits, "MOST_LINES", 10_000)
        source = expand("~SEQ(n, 999) x\n" * 20 + "last\n", "x", WORLD)
        [finding] = source.findings
        self.assertIn("more than 10,000 lines", finding.message)
        self.assertEqual(finding.position.line, 11)
        self.assertNotIn("last", source.lines)

    def test_exponential_definitions(self) -> None:
        for first, last in (("${A%d}${A%d}", "x"), ("${A%d}${A%d}", "")):
            text = "".join(f"$A{n}={first % (n + 1, n + 1)}\n" for n in range(500)) + f"$A500={last}\n"
            self.only(text + "y $A0\n", "put in")
        text = "".join(f"$A{n}=$A{n + 1} \\\n $A{n + 1}\n" for n in range(150)) + "$A150=x\ny $A0\n"
        self.only(text, "more than 100,000 lines")

    def test_definitions_deep_in_one_another(self) -> None:
        text = "".join(f"$A{n}=a \\\n $A{n + 1} \\\n b\n" for n in range(5_000)) + "$A5000=x\n$A0\nlast\n"
        source = self.only(text, "too deep in one another")
        self.assertEqual([line for line in source.lines if line], ["last"])

    def test_many_replacements(self) -> None:
        self.patch(kaltwisted.config.limits, "MOST_REPLACEMENTS", 10_000)
        text = "$A=\n" + ("${A}" * 250 + "\n") * 5_000
        self.only(text, "more than 10,000 definitions are put in; nothing is read from here on")

    def test_a_hundred_thousand_definitions(self) -> None:
        text = "".join(f"$A{n}=x\n" for n in range(100_000)) + "y ${A0}${A99999}\n"
        source = expand(text, "x", WORLD)
        self.assertEqual([line for line in source.lines if line], ["y xx"])

    def test_repetitions_of_repetitions(self) -> None:
        self.only("a\n" + "~SEQ(n, 10) " * 30 + "x\n", "more than 100,000 lines; it is left out")
        self.only("".join(f"~SEQ(n{n}, 2) " for n in range(20)) + "x\n", "more than 100,000 lines")

    def test_megabytes(self) -> None:
        line = "x ${A} # some comment behind it, so that the line is not short\n"
        source = expand("$A=1\n" + line * (2_000_000 // len(line)), "x", WORLD)
        self.assertEqual(source.findings, [])
        self.assertEqual(source.lines[-2].split(), ["x", "1"])

    def test_a_thousand_levels(self) -> None:
        for text in ("a {\n" * 1_000 + "}\n" * 1_000, "$A=a {\n" + "$A\n" * 1_000 + "}\n" * 1_000):
            reading = load_text(text, "x")
            self.assertEqual(
                [re.sub("`a`.*", "", finding.message) for finding in reading.findings],
                ["", "blocks are more than 64 deep in one another here"],
            )

    PIECES = st.sampled_from(
        [
            *(
                "$A=",
                "$B=",
                "$A",
                "${A}",
                "$B",
                "${B}",
                "${A${B}}",
                "${",
                "\\\n",
                "\\\n  ",
                "\n",
                "\n",
                "\n$A\n",
            ),
            *("~SEQ(n, 3) ", "~SEQ(n, 1, $A)", "~SEQ(", "~LST({a,b}, {1,2}, 3) ", "$n", "$a", "~SEQx(n,2) "),
            *(
                "@x ",
                "@^x ",
                "@lb1 ",
                "{",
                "}",
                '"',
                "#",
                "!",
                "\\",
                " ",
                "\t",
                "\r",
                "\0",
                "x",
                "priority 5",
            ),
            *("vrrp_instance V {\n", "authentication {\n", "auth_pass ", "include ", "include_check all\n"),
            *(
                "${_HASH}",
                "${_RANDOM 1 3}",
                "${_ENV HOME}",
                "${_PWD}",
                "$_BANG",
                "include *.none\n",
                "{@lb1 ",
            ),
        ]
    )

    @given(st.lists(PIECES, max_size=60).map("".join))
    @settings(max_examples=600, deadline=None)
    def test_any_text_ends_and_has_its_places(self, text: str) -> None:
        reading: Reading = load_text(text, "nonexistent/x", WORLD)
        lines = text.split("\n")
        for finding in reading.findings:
            render(finding)
            self.assertLessEqual(finding.position.line, len(lines))
            self.assertLessEqual(1, finding.position.column)
            self.assertLessEqual(
                finding.position.column - 1, len(lines[finding.position.line - 1]), render(finding)
            )
        self.assertEqual(len(reading.findings), len(set(reading.findings)))
