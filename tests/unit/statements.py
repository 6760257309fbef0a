"""Configurations made from the keyword tables, for tests by hypothesis: any keyword, where it may stand."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import TypeAlias

from hypothesis import strategies as st

from kaltwisted.config.formats import shapes, written
from kaltwisted.config.keywords.table import Keyword, Table
from kaltwisted.config.keywords.top import TOP

Made: TypeAlias = tuple[list[str], "list[Made] | None"]
"""Words and block of a statement."""

NUMBERS = st.one_of(
    st.integers(0, 300).map(str),
    st.sampled_from(["1.5", "0.1", "007", "-1", "5x", "1e3", "0x10", "4294967296"]),
)
NAMES = st.one_of(
    st.sampled_from(
        [
            "eth0",
            "VI_1",
            "10.0.0.1",
            "2001:db8::1",
            "192.0.2.0/24",
            "TCP",
            "rr",
            "NAT",
            "MASTER",
            "fwmark",
            "group",
        ]
    ),
    st.sampled_from(
        ["yes", "on", "true", "off", "no", "false", "null", "~", "1:30", "@x", "~SEQ(n, 1, 2)", "include"]
    ),
    st.sampled_from(
        ["$X=1", "a b", "", "#", "!", "{", "}", "\\", "'", "- x", "key: x", "é", "\x85", "\xa0", "<<", "*a"]
    ),
    st.text(st.characters(exclude_characters='"\n\0$', exclude_categories=["Cs"]), max_size=12),
)
WORDS = st.one_of(NAMES, NUMBERS)
COMMANDS = st.one_of(
    st.sampled_from(
        ["/bin/true", '/bin/sh -c "a b"', "a 'b' c", "$HOME ${HOME}", "back\\slash", "a\tb", '"', "x#y!z"]
    ),
    st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=12),
)


def words_of(keyword: Keyword) -> st.SearchStrategy[list[str]]:
    """What may stand behind a keyword: right, or nearly so, or anything."""
    if keyword.script:
        return st.lists(COMMANDS.map(written.command_word), max_size=3)
    if shapes.is_flag(keyword):
        return st.sampled_from([[], [], ["yes"], ["no"]])
    if shapes.is_boolean(keyword):
        return st.sampled_from([[], ["on"], ["no"], ["true"], ["false"], ["never"], ["on", "off"]])
    if shapes.is_numeric(keyword):
        return st.one_of(st.lists(NUMBERS, min_size=1, max_size=1), st.lists(WORDS, max_size=2))
    return st.lists(WORDS, max_size=3)


def statement(table: Table, name: str, keyword: Keyword) -> st.SearchStrategy[Made]:
    """One statement of a block."""
    if keyword.block is None:
        return words_of(keyword).map(lambda words: ([name, *words], None))
    head = st.lists(WORDS, min_size=min(1, len(keyword.block.header)), max_size=len(keyword.block.header) + 1)
    if not keyword.block.header:
        head = st.just([])
    return st.tuples(head, block(keyword.block)).map(lambda made: ([name, *made[0]], made[1]))


@cache
def block(table: Table) -> st.SearchStrategy[list[Made]]:
    """The statements of a block, some of them twice."""
    if table.values:
        lines = st.lists(WORDS, min_size=1, max_size=4).map(lambda words: (words, None))
        return st.lists(lines, max_size=3)
    choices = [
        st.deferred(lambda name=name, keyword=keyword: statement(table, name, keyword))
        for name, keyword in table.keywords.items()
        # Acted on while lines are read, and never seen again; and the slips of the guide, whose order
        # among the blocks that they are slips of is not kept in other formats.
        if name != "include_check" and (keyword.block is None or keyword.today is None)
    ]
    if not choices:
        return st.just([])
    return st.lists(st.one_of(choices), max_size=6)


def configurations() -> st.SearchStrategy[list[Made]]:
    """Whole configurations."""
    return block(TOP)


def text_of(made: Sequence[Made], table: Table | None = TOP) -> str:
    """As keepalived's language has it, by nothing but the rules of words."""
    lines = []
    for words, inner in made:
        keyword = table.resolve(words[0]) if table is not None else None
        # What a script's line has is quoted already.
        rest = words[1:] if keyword is not None and keyword.script else map(written.word, words[1:])
        lines.append(" ".join([written.word(words[0]), *rest]))
        if inner is not None:
            lines[-1] += " {"
            lines += [text_of(inner, keyword.block if keyword is not None else None), "}"]
    return "\n".join(lines)
