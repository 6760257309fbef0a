"""Broken includes, definitions, repetitions and marks: one finding each, at the place marked ``«``.

A case is the text of ``main.conf``, or the texts of several files by name.
"""

from __future__ import annotations

from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from kaltwisted.config.findings import Consequence, Severity, render
from kaltwisted.config.load import Reading, load_file
from tests.unit.test_config_broken import LOGGED, WARNS, globals_, instance, server, service

NO_FILE = Consequence.NO_FILE
CONFIG_ID = "lb1"


def addresses(lines: str) -> str:
    """An instance with these lines in its virtual_ipaddress."""
    return instance("virtual_ipaddress {\n    10.0.0.9\n" + lines + "\n}")


# name: (file or files, part of the message, what it does to the daemon)
BROKEN_USES: dict[str, tuple[str | dict[str, str], str, Consequence]] = {
    # --- marks
    "mark upon mark": (instance("@lb1 «@lb1 priority 150"), "`@lb1` is not a keyword", LOGGED),
    "mark in the middle of a line": (instance("priority «@lb1 150"), "is not a number", LOGGED),
    "misspelt behind a mark": (instance("@lb1 «priorty 150"), "`priorty` is not a keyword", LOGGED),
    "wrong value behind a mark": (instance("@^lb2   priority «256"), "is out of range", LOGGED),
    "mark on one brace of two": (
        instance("") + "@lb1 «vrrp_script s {\n    script /bin/true\n@lb2 }\n",
        "is not closed",
        LOGGED,
    ),
    # --- definitions
    "blank before =": ("«$A = 1\n" + service(""), "`$A` is not a keyword", LOGGED),
    "name with a hyphen": ("«$A-B=1\n" + service(""), "`$A-B=1` is not a keyword", LOGGED),
    "name that begins with a digit": ("«$1A=1\n" + service(""), "is not a keyword", LOGGED),
    "name that is not defined": (service("weight «${WEIGHT}"), "`${WEIGHT}` is not defined", LOGGED),
    "name that is not defined, thrice": (
        service("weight «${W}") + service("weight ${W}\nquorum ${W}", head="virtual_server 10.0.0.1 81 {"),
        "`${W}` is not defined (also on",
        LOGGED,
    ),
    "name without braces that is not defined": (service("weight «$WEIGHT"), "is not a number", LOGGED),
    "definition used before it is there": (
        service("weight «${W}") + "$W=5\n",
        "`${W}` is not defined",
        LOGGED,
    ),
    "name that needs its braces": ("$N=10\n" + server("weight «$N/2"), "is not a number", LOGGED),
    "line that is no definition": (instance("«$INSTANCE"), "`$INSTANCE` is not a keyword", LOGGED),
    "wrong value out of a definition": ("$P=256\n" + instance("priority «${P}"), "is out of range", LOGGED),
    "half a value out of a definition": (
        "$P=25\n" + instance("priority «${P}6"),
        "256 is out of range",
        LOGGED,
    ),
    "wrong value behind a definition": (
        "$IP=10.0.0.2\n" + service("", "    real_server ${IP} «8o {\n    }\n"),
        "8o",
        LOGGED,
    ),
    "wrong keyword out of a definition": ("$K=priorty\n" + instance("«${K} 100"), "is not a keyword", LOGGED),
    "wrong value out of two definitions": (
        "$A=2${B}\n$B=99\n" + instance("priority «$A"),
        "299 is out of range",
        LOGGED,
    ),
    "definition of itself": ("$A=$A\n" + instance("priority «$A"), "`$A` is made of itself", LOGGED),
    "definition of itself by another": (
        "$A=${B}\n$B=${A}\n" + instance("priority «${A}"),
        "`$A` is made of itself",
        LOGGED,
    ),
    "definition of itself over several lines": (
        "$A=advert_int 1 \\\n    $A\n" + instance("«$A"),
        "`$A` is made of itself",
        LOGGED,
    ),
    "bomb of one line": (
        "".join(f"$A{n}=$A{n + 1} $A{n + 1}\n" for n in range(30)) + "$A30=x\n" + globals_("router_id «$A0"),
        "the line is longer than 1023 bytes",
        LOGGED,
    ),
    "bomb of nothing": (
        "".join(f"$A{n}=${{A{n + 1}}}${{A{n + 1}}}\n" for n in range(30))
        + "$A30=\n"
        + globals_("router_id «$A0"),
        "more than 1000 definitions",
        LOGGED,
    ),
    "bomb of lines": (
        "".join(f"$A{n}=$A{n + 1} \\\n $A{n + 1}\n" for n in range(30)) + "$A30=\n" + globals_("«$A0"),
        "more than 100,000 lines",
        LOGGED,
    ),
    "line grown too long": (
        "$L=" + "y" * 600 + "\n" + globals_("router_id ${L}«${L}"),
        "the line is longer than 1023 bytes",
        LOGGED,
    ),
    "several lines, and more behind them": (
        "$M=priority 100 \\\n  advert_int 1\n" + instance("«$M nopreempt"),
        "`$M` has several lines",
        LOGGED,
    ),
    "wrong line of several": (
        "$M=advert_int 1 \\\n  priority 256\n" + instance("«$M"),
        "256 is out of range",
        LOGGED,
    ),
    "wrong line of several, used twice": (
        "$M=advert_int 1 \\\n  priority 256\n"
        + instance("«$M")
        + instance("$M", "VI_2", "virtual_router_id 52"),
        "256 is out of range",
        LOGGED,
    ),
    "random of too many": ("$R=1\n" + instance("priority «${_RANDOM 1 2 3}"), "takes two whole", LOGGED),
    "random of nothing": (instance("priority «${_RANDOM 9 5}"), "nothing between 9 and 5", LOGGED),
    "random of words": (instance("priority «${_RANDOM low high}"), "takes two whole numbers", LOGGED),
    "environment without a name": (globals_("router_id «${_ENV}"), "takes the name of one", LOGGED),
    # --- repetition
    "repetition of what?": (addresses("«~SEQ 10.0.0.10"), "has no `(` behind it", LOGGED),
    "repetition without end": (addresses("«~SEQ(n, 1, 3 10.0.0.$n"), "has no `)`", LOGGED),
    "repetition without numbers": (addresses("«~SEQ(n) 10.0.0.$n"), "here are 0", LOGGED),
    "repetition of too many numbers": (addresses("«~SEQ(n, 1, 2, 3, 4) 10.0.0.$n"), "here are 4", LOGGED),
    "repetition without name": (addresses("«~SEQ(, 1, 3) 10.0.0.10"), "no name in the", LOGGED),
    "repetition by a word": (addresses("«~SEQ(n, one, 3) 10.0.0.$n"), "`one` is not a number", LOGGED),
    "repetition in steps of 0": (addresses("«~SEQ(n, 1, 0, 3) 10.0.0.$n"), "steps of 0", LOGGED),
    "repetition the wrong way": (addresses("«~SEQ(n, 1, -1, 3) 10.0.0.$n"), "steps of -1 do not", LOGGED),
    "hexadecimal and negative": (addresses("«~SEQx(n, -1, 3) fe80::$n"), "no negative numbers", LOGGED),
    "repetition of another kind": (
        instance("«~SEQUENCE(n, 1, 3) priority $n"),
        "is not a keyword",
        LOGGED,
    ),
    "repetition in the middle of a line": (
        instance("priority «~SEQ(n, 1, 3) $n"),
        "is not a number",
        LOGGED,
    ),
    "too many lines": (addresses("«~SEQ(n, 1, 1000000) 10.0.0.1"), "more than 100,000 lines", LOGGED),
    "too many lines by two": (
        addresses("«~SEQ(n, 1, 1000) ~SEQ(m, 1, 1000) 10.0.0.1"),
        "more than 100,000 lines",
        LOGGED,
    ),
    "repeated mistake": (
        addresses("~SEQ(n, 250, 260) «10.0.0.$n").replace("260", "300"),
        "is not an",
        LOGGED,
    ),
    "repeated misspelling": (instance("~SEQ(n, 1, 9) «priorty $n"), "`priorty` is not a keyword", LOGGED),
    "list without values": (addresses("«~LST(n) 10.0.0.$n"), "here is no value", LOGGED),
    "list of too many": (addresses("«~LST({a,b}, {1,2,3}) 10.0.$a.$b"), "3 values stand together", LOGGED),
    "list with a brace open": (addresses("«~LST({a,b}, {1,2) 10.0.$a.$b"), "none belongs", LOGGED),
    "list of one name twice": (addresses("«~LST({a,a}, {1,2}) 10.0.0.$a"), "a name stands twice", LOGGED),
    "parameter that is not defined": (addresses("«~SEQ(n, 1, ${MAX}) 10.0.0.$n"), "is not a num", LOGGED),
    # --- include
    "include of nothing": ("«include\n" + service(""), "`include` names no file", LOGGED),
    "include of what is not there": ("include «a.conf\n" + service(""), "`a.conf` does not exist", WARNS),
    "includem of what is not there": (
        "includem «a.conf\n" + service(""),
        "`a.conf` does not exist",
        NO_FILE,
    ),
    "includew without a match": ("includew «*.none\n" + service(""), "matches no file", NO_FILE),
    "includeb with one missing": (
        {"main.conf": "includeb «{a,b}.conf\n", "a.conf": service("")},
        "names `b.conf`, which does not",
        NO_FILE,
    ),
    "include with one missing": (
        {"main.conf": "include «{a,b}.conf\n", "a.conf": service("")},
        "names `b.conf`, which does not",
        WARNS,
    ),
    "includer of a folder": ({"main.conf": "includer «sub\n", "sub/x": ""}, "is a directory", NO_FILE),
    "include in quotes": (
        {"main.conf": 'include «"a.conf"\n', "a.conf": service("")},
        "does not exist",
        WARNS,
    ),
    "include of two": (
        {"main.conf": "include «a.conf a.conf\n", "a.conf": service("")},
        "does not exist",
        WARNS,
    ),
    "include_check of what?": (
        globals_("include_check «everything") + service(""),
        "is no kind of include problem",
        LOGGED,
    ),
    "include_check makes an error": (
        globals_("include_check match") + "include «a.conf\n",
        "`a.conf` does not exist",
        NO_FILE,
    ),
    "include of itself": ({"main.conf": "include «main.conf\n"}, "would include itself", NO_FILE),
    "include of itself by another": (
        {
            "main.conf": "include a.conf\n",
            "a.conf": "include sub/b.conf\n",
            "sub/b.conf": "include «../main.conf\n",
        },
        "would include itself",
        NO_FILE,
    ),
    "include too deep": (
        {
            "main.conf": "include 1.conf\n",
            **{f"{n}.conf": f"include {'«' if n == 49 else ''}{n + 1}.conf\n" for n in range(1, 60)},
            "60.conf": "",
        },
        "50 includes deep",
        NO_FILE,
    ),
    "mistake in an included file": (
        {"main.conf": "include conf.d/*.conf\n", "conf.d/a.conf": service("«delay_lop 6")},
        "`delay_lop` is not a keyword",
        LOGGED,
    ),
    "mistake in a file included in a block": (
        {
            "main.conf": instance("include common.conf"),
            "common.conf": "priority 100\n«advert_it 1\n",
        },
        "`advert_it` is not a keyword",
        LOGGED,
    ),
    "mistake in a file included twice": (
        {
            "main.conf": instance("include common.conf")
            + instance("include common.conf", "VI_2", "virtual_router_id 52"),
            "common.conf": "priority 100\n«advert_it 1\n",
        },
        "`advert_it` is not a keyword",
        LOGGED,
    ),
    "block left open in an included file": (
        {
            "main.conf": "include a.conf\n" + instance(""),
            "a.conf": "«" + service("").removesuffix("}\n"),
        },
        "is not closed before line 2 of main.conf",
        LOGGED,
    ),
    "include of an own definition": (
        {"main.conf": "$F=b\ninclude «${F}.conf\n"},
        "`b.conf` does not exist",
        WARNS,
    ),
    "definition of the main file wrong in another": (
        {"main.conf": "$P=256\n" + "include a.conf\n", "a.conf": instance("priority «$P")},
        "is out of range",
        LOGGED,
    ),
    # --- the text itself
    "NUL bytes": ("«\0\n\0\n" + service("a\0b"), "NUL byte (and 2 more of its lines)", LOGGED),
    "too long a line": ("«# " + "x" * 1_024 + "\n" + service(""), "line longer than 1023 bytes", LOGGED),
    "too long a definition": ("«$A=" + "x" * 1_024 + "\n" + service(""), "line longer than 1023", LOGGED),
}


def write(case: str | dict[str, str], folder: Path) -> tuple[str, int, int]:
    """Write the files of a case; where the mark was: file, line and column."""
    marked = ("", 0, 0)
    for name, text in (case if isinstance(case, dict) else {"main.conf": case}).items():
        before, mark, after = text.partition("«")
        if mark:
            line = before.count("\n") + 1
            marked = (name, line, len(before) - (before.rfind("\n") + 1) + 1)
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(before + after)
    return marked


def read(folder: Path) -> Reading:
    """The reading of a case's main file."""
    return load_file(str(folder / "main.conf"), config_id=CONFIG_ID)


class BrokenUseTests(SynchronousTestCase):
    """Every one of them gives exactly one finding, at its place and of its class."""


def _behaviour(case: str | dict[str, str], message: str, consequence: Consequence):  # type: ignore[no-untyped-def]
    def test(self: BrokenUseTests) -> None:
        folder = Path(self.mktemp())
        file, line, column = write(case, folder)
        reading = read(folder)
        told = "\n".join(map(render, reading.findings)).replace(f"{folder}/", "")
        self.assertEqual(len(reading.findings), 1, told)
        [finding] = reading.findings
        self.assertIn(message, finding.message.replace(f"{folder}/", ""))
        if "«" in str(case):
            place = (finding.position.file.removeprefix(f"{folder}/"), *_line_and_column(finding.position))
            self.assertEqual(place, (file, line, column), told)
        self.assertIs(finding.consequence, consequence, told)
        self.assertIs(finding.severity, Severity.WARNING if consequence is WARNS else Severity.ERROR)
        self.assertEqual(reading.exit_status, consequence.test_status)
        self.assertEqual(reading.fatal, consequence.start_status)

    return test


def _line_and_column(position: object) -> tuple[int, int]:
    return getattr(position, "line"), getattr(position, "column")  # noqa: B009


for _name, _case in BROKEN_USES.items():
    _words = "".join(letter if letter.isalnum() else "_" for letter in _name)
    setattr(BrokenUseTests, f"test_{_words}", _behaviour(*_case))
