"""Overrides as values: what may be asked for, what is kept in the file, and what becomes of a broken one."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from kaltwisted.api import override_file
from kaltwisted.api.exchange import RefusalError
from kaltwisted.api.override import GIVES_BACK, TARGETS, Action, Aspect, Kind, Override, Target, Wish
from kaltwisted.ports import Election, Fact, ServiceState

SERVER = Target(Kind.REAL_SERVER, "tcp/192.0.2.1:80/10.0.0.1:80")
DRAIN = Override(SERVER, Action.DRAIN, None, "root (uid 0)", 1000.5, "new disk")
WEIGHT = Override(SERVER, Action.WEIGHT, 7, "uid 1000", 1001.0)
YIELD = Override(Target(Kind.GROUP, "VG_1"), Action.YIELD, None, "root (uid 0)", 1002.0)

LINES = st.text(max_size=30).filter(str.isprintable)


@st.composite
def overrides(draw: st.DrawFn) -> Override:
    action = draw(st.sampled_from(Action))
    kind = draw(st.sampled_from(sorted(TARGETS[action.aspect], key=str)))
    value = draw(st.integers(0, 2**31 - 1)) if action is Action.WEIGHT else None
    name = {Kind.REAL_SERVER: SERVER.name, Kind.VIRTUAL_SERVER: "fwmark/7"}.get(kind) or draw(LINES)
    at = draw(st.floats(0, 2e9))
    return Override(Target(kind, name), action, value, draw(LINES), at, draw(LINES))


@given(overrides())
def test_what_is_told_is_read_back(override: Override) -> None:
    assert Override.read(json.loads(json.dumps(override.told()))) == override
    assert override.fact.kind == override.end.kind
    assert (override.end.value, override.end.name) == (None, override.target.name)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
MEMBERS = st.sampled_from(["kind", "target", "action", "value", "by", "at", "reason", "force"])
WORDS = st.sampled_from([*(each.value for each in [*Kind, *Action]), *GIVES_BACK, "x", 1, None, True])


@given(JSON | st.dictionaries(MEMBERS, JSON | WORDS))
def test_anything_else_is_refused_in_words_and_breaks_nothing(body: Any) -> None:
    try:
        Override.read(body)
    except ValueError as error:
        assert str(error)
    try:
        wish = Wish.read(body)
    except RefusalError as error:
        assert error.status == 400
        assert str(error)
        assert error.remedy
    else:
        assert wish.target.isprintable()


class FactsTests(SynchronousTestCase):
    def test_each_action_is_a_fact_of_its_target(self) -> None:
        for override, fact in (
            (DRAIN, Fact("service_of_server", SERVER.name, ServiceState.DRAINED)),
            (
                attrs.evolve(DRAIN, action=Action.DISABLE),
                Fact("service_of_server", SERVER.name, ServiceState.DISABLED),
            ),
            (WEIGHT, Fact("weight_of_server", SERVER.name, 7)),
            (attrs.evolve(DRAIN, action=Action.PAUSE), Fact("checks_paused", SERVER.name, 1)),
            (YIELD, Fact("election_of_group", "VG_1", Election.YIELD)),
            (
                Override(Target(Kind.INSTANCE, "X"), Action.PREFER, None, "", 0.0),
                Fact("election_of_instance", "X", Election.PREFER),
            ),
        ):
            self.assertEqual(override.fact, fact)

    def test_the_log_says_who_does_what_and_why(self) -> None:
        self.assertEqual(str(DRAIN), f"root (uid 0) drains {SERVER.name}: new disk")
        self.assertEqual(str(WEIGHT), f"uid 1000 gives weight 7 to {SERVER.name}")
        self.assertEqual(str(YIELD), "root (uid 0) has VG_1 yield")


class WishTests(SynchronousTestCase):
    def test_what_is_wished(self) -> None:
        self.assertEqual(
            Wish.read({"target": "x", "action": "weight", "value": 0, "reason": "r", "force": True}),
            Wish("x", Aspect.WEIGHT, Action.WEIGHT, 0, "r", True),
        )
        self.assertEqual(Wish.read({"target": "x", "action": "enable"}), Wish("x", Aspect.SERVICE, None))
        self.assertEqual(Wish.read({"target": "x", "action": "release"}), Wish("x", None, None))

    def test_what_cannot_be_says_which_word_is_wrong(self) -> None:
        good = {"target": "x", "action": "drain"}
        for body, words in (
            ([], "the body is no JSON object"),
            ({"target": "x"}, "action is missing"),
            ({"action": "drain"}, "target is missing"),
            ({**good, "who": 1}, "'who' is no member of an override"),
            ({**good, "action": "drown"}, "action is none that there is"),
            ({**good, "action": ["drain"]}, "action is none that there is"),
            ({**good, "target": 7}, "target is no line of text"),
            ({**good, "reason": "two\nlines"}, "reason is no line of text"),
            ({**good, "reason": "\x1b[31m"}, "reason is no line of text"),
            ({**good, "reason": "x" * 301}, "reason is too long"),
            ({**good, "value": 1}, "drain takes no value"),
            ({**good, "force": 1}, "force is neither true nor false"),
            ({**good, "action": "weight"}, "value is no weight"),
            ({**good, "action": "weight", "value": True}, "value is no weight"),
            ({**good, "action": "weight", "value": -1}, "value is no weight"),
            ({**good, "action": "weight", "value": 2**31}, "value is no weight"),
        ):
            error = self.assertRaises(RefusalError, Wish.read, body)
            self.assertEqual(str(error), words)


class FileTests(SynchronousTestCase):
    def setUp(self) -> None:
        directory = Path(self.mktemp())
        directory.mkdir()
        self.path = directory / "overrides.json"

    def test_there_and_back_and_for_nobody_else(self) -> None:
        self.assertEqual(override_file.read(self.path), override_file.Kept())
        override_file.write(self.path, (DRAIN, WEIGHT, YIELD))
        self.assertEqual(override_file.read(self.path), override_file.Kept((DRAIN, WEIGHT, YIELD)))
        self.assertEqual(stat.S_IMODE(self.path.stat().st_mode), 0o600)

    def test_a_broken_file_is_set_aside_with_one_clear_line(self) -> None:
        for number, text in enumerate(("", "{", "[]", "null", '{"schema": 1}', "[" * 100_000, "\xff"), 1):
            self.path.write_bytes(text.encode("latin-1"))
            kept = override_file.read(self.path)
            aside = self.path.with_name(f"overrides.json.broken-{number}")
            self.assertEqual(
                kept,
                override_file.Kept(
                    (),
                    f"{self.path} is no file of overrides: nothing is overridden;"
                    f" the file is set aside as {aside}",
                ),
            )
            self.assertEqual(aside.read_bytes(), text.encode("latin-1"))
            self.assertFalse(self.path.exists())

    def test_of_another_version_it_is_not_guessed_at(self) -> None:
        self.path.write_text('{"schema": 2, "overrides": []}')
        trouble = override_file.read(self.path).trouble
        self.assertIn("is of schema 2, and this version reads 1: nothing is overridden", trouble or "")

    def test_what_can_be_read_beside_a_broken_entry_counts(self) -> None:
        override_file.write(self.path, (DRAIN, WEIGHT, YIELD))
        whole = json.loads(self.path.read_text())
        del whole["overrides"][1]["by"]
        self.path.write_text(json.dumps(whole))
        kept = override_file.read(self.path)
        self.assertEqual(kept.overrides, (DRAIN, YIELD))
        self.assertEqual(
            kept.trouble,
            f"1 of 3 overrides in {self.path} cannot be read (by is missing) and do not count;"
            f" the file is set aside as {self.path}.broken-1",
        )

    def test_a_name_that_is_none_counts_for_nothing(self) -> None:
        for name in ("x", "fwmark/7", "tcp/[2001:db8:0::1]:80/10.0.0.1:80", f"{SERVER.name}/1"):
            self.assertRaises(ValueError, Override.read, {**DRAIN.told(), "target": name})
        pause = {**DRAIN.told(), "kind": "virtual_server", "action": "pause"}
        self.assertRaises(ValueError, Override.read, pause)
        self.assertEqual(Override.read({**pause, "target": "fwmark/7"}).target.name, "fwmark/7")

    def test_one_that_cannot_be_read_at_all(self) -> None:
        self.path.mkdir()
        kept = override_file.read(self.path)
        self.assertEqual(kept.trouble, f"{self.path} cannot be read (Is a directory): nothing is overridden")

    def test_where_nothing_can_be_written_what_was_kept_stays(self) -> None:
        with pytest.raises(OSError, match="No such file"):
            override_file.write(self.path.parent / "gone" / "overrides.json", ())

    def test_what_a_writer_left_that_was_killed_goes(self) -> None:
        left = self.path.with_name(".overrides.json.0123456789abcdef")
        left.write_text("half")
        override_file.read(self.path)
        self.assertFalse(left.exists())
