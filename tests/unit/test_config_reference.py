"""The reference says of every keyword what the tables and converters say, and no more."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from kaltwisted.config.keywords.convert import BOOLEANS, Number, OneOf, Word, boolean, flag, missing
from kaltwisted.config.keywords.table import Keep, Keyword, Problem, Problems, Stage, Table, tables
from kaltwisted.config.keywords.top import TOP
from kaltwisted.config.reference import Block, blocks, places


def _says_when_asked(words: list[str], problems: Problems) -> str | Keep:
    return words[1] if len(words) > 1 else missing(words, problems, "a colour")


def _says_of_a_value(words: list[str], problems: Problems) -> str | None:
    if words[1:]:
        problems.append(Problem("no colour", expected="a colour or nothing"))
    return None


SHARED = Table("shared", {"inner": Keyword("inside", "inner", Word())})
LINES = Table("lines", values=True, options=("dev",))
SMALL = Table(
    "",
    {
        "one": Keyword("first", block=Table("one", {"shared": Keyword("both", block=SHARED)}), takes="NAME"),
        "two": Keyword(
            "second",
            block=Table("two", {"shared": Keyword("both", block=SHARED), "lines": Keyword("x", block=LINES)}),
            stage=Stage.KNOWN,
        ),
        "old": Keyword("a slip", block=SHARED, today="one"),
        "flag": Keyword("a flag", "flag", flag),
        "switch": Keyword("a switch", "switch", boolean),
        "number": Keyword("a number", "number", Number(1, 9, optional=3)),
        "word": Keyword("one of two", "word", OneOf({"red": 1, "blue": 2}), ours=True),
        "asked": Keyword("a function", "asked", _says_when_asked, script=True),
        "odd": Keyword("another", "odd", _says_of_a_value),
    },
    misprints={"Flag": "flag"},
)


class SmallTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.found = blocks(SMALL)
        self.top = self.found[0]

    def test_blocks_are_in_order_and_shared_ones_there_once(self) -> None:
        self.assertEqual(
            [block.paths for block in self.found],
            [((),), (("one",),), (("one", "shared"), ("two", "shared")), (("two",),), (("two", "lines"),)],
        )

    def test_a_block_is_as_far_as_its_best_way(self) -> None:
        stages = {block.path: block.stage for block in self.found}
        self.assertIs(stages["one", "shared"], Stage.ACTED_ON)
        self.assertIs(stages["two",], Stage.KNOWN)
        self.assertIs(stages["two", "lines"], Stage.KNOWN)

    def test_what_is_in_a_block_is_no_further_than_the_block(self) -> None:
        two = next(block for block in self.found if block.name == "two")
        self.assertIs(two.entry("lines").stage, Stage.KNOWN)

    def test_values(self) -> None:
        self.assertTrue(self.found[-1].values)
        self.assertEqual(self.found[-1].options, ("dev",))

    def test_what_a_keyword_takes(self) -> None:
        for word, takes, alone in (
            ("one", "NAME", False),
            ("flag", "", True),
            ("number", "a whole number from 1 to 9", True),
            ("word", "red or blue", False),
            ("asked", "a colour", False),
            ("odd", "a colour or nothing", True),
        ):
            entry = self.top.entry(word)
            self.assertEqual((entry.takes, entry.alone), (takes, alone), word)

    def test_choices(self) -> None:
        self.assertEqual(self.top.entry("word").choices, ("red", "blue"))
        self.assertEqual(self.top.entry("switch").choices, BOOLEANS)
        self.assertEqual(self.top.entry("number").choices, ())

    def test_marks(self) -> None:
        self.assertTrue(self.top.entry("word").ours)
        self.assertTrue(self.top.entry("asked").command)
        self.assertEqual(self.top.entry("old").instead, "one")
        self.assertEqual(self.top.entry("Flag").instead, "flag")
        self.assertEqual(self.top.entry("Flag").doc, "a flag")
        self.assertIsNone(self.top.entry("flag").instead)
        self.assertRaises(KeyError, self.top.entry, "inner")

    def test_places_count_a_shared_keyword_in_each_of_its_blocks(self) -> None:
        where = [path for path, entry in places(self.found) if entry.word == "inner"]
        self.assertEqual(where, [("one", "shared"), ("two", "shared")])


class WholeTests(SynchronousTestCase):
    found: list[Block] = blocks(TOP)

    def test_every_table_and_keyword_is_there(self) -> None:
        self.assertEqual(len(self.found), len(list(tables(TOP))))
        words = {word for table in tables(TOP) for word in (*table.keywords, *table.misprints)}
        self.assertEqual({entry.word for block in self.found for entry in block.entries}, words)

    def test_what_is_acted_on_says_what_it_takes(self) -> None:
        """Of keywords that need a word none may be silent about which."""
        silent = {
            entry.word
            for _, entry in places(self.found)
            if entry.stage is Stage.ACTED_ON and not (entry.opens or entry.alone or entry.takes)
        }
        self.assertEqual(silent, {"nat_mask"}, "which does nothing")

    def test_a_few_that_operators_look_up(self) -> None:
        by_path = {block.path: block for block in self.found}
        service = by_path["virtual_server",]
        self.assertIn("wlc", service.entry("lb_algo").choices)
        self.assertEqual(service.entry("lb_kind").choices, ("NAT", "DR", "TUN"))
        self.assertIn("gue", service.entry("lb_kind").options)
        self.assertEqual(by_path["vrrp_instance",].entry("priority").takes, "a whole number from 1 to 255")
        self.assertTrue(by_path["virtual_server", "real_server", "SSL_GET"].entry("tls_verify").ours)
        self.assertIn("dev", by_path["vrrp_instance", "virtual_ipaddress"].options)
