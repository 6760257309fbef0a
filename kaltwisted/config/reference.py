"""The keyword tables as a reference: every keyword with its place, what it takes and how far it is done.

Documentation, editors and shells are given this, so that nothing is written a
second time.  What a keyword takes is asked of its converter: from its
``expected``, ``choices`` and ``options`` if it has them, else from what it says
of a statement that lacks its words.
"""

from __future__ import annotations

from collections.abc import Iterator

import attrs

from kaltwisted.config.keywords.convert import BOOLEANS, boolean, flag
from kaltwisted.config.keywords.table import Converter, Keyword, Problems, Stage, Table

Path = tuple[str, ...]


@attrs.frozen
class Entry:
    """One keyword of one block.

    ``takes``: what stands behind it, for people.  ``alone``: it may stand by
    itself.  ``choices``: the words it takes, if these are all.  ``options``:
    words that may come behind the first.  ``opens``: the block it opens.
    ``instead``: an obsolete spelling, and of what.  ``ours``: keepalived does
    not know it.  ``command``: its words are a command with quotes of its own.
    """

    word: str
    doc: str
    stage: Stage
    takes: str = ""
    alone: bool = False
    choices: Path = ()
    options: Path = ()
    opens: Block | None = attrs.field(default=None, repr=False)
    instead: str | None = None
    ours: bool = False
    command: bool = False


@attrs.frozen(eq=False)
class Block:
    """What may stand in a block.  ``paths``: every way to it from the top; ``()`` is the top itself.

    ``values``: its lines are values, not keywords; ``options``: words such a line may have.
    """

    paths: tuple[Path, ...]
    stage: Stage
    values: bool = False
    options: Path = ()
    entries: list[Entry] = attrs.field(factory=list, repr=False)

    @property
    def path(self) -> Path:
        """The first way to it."""
        return self.paths[0]

    @property
    def name(self) -> str:
        """The word that opens it, "" for the top."""
        return self.path[-1] if self.path else ""

    def entry(self, word: str) -> Entry:
        """The entry of a keyword.

        :raises KeyError: it is none of this block.
        """
        for entry in self.entries:
            if entry.word == word:
                return entry
        raise KeyError(word)


def blocks(top: Table) -> list[Block]:
    """All blocks in the order of the tables, each followed by those in it; one that has two homes once."""
    made: dict[Table, Block] = {}
    paths = _paths(top)
    for table, (stage, ways) in paths.items():
        made[table] = Block(tuple(ways), stage, table.values, table.options)
    for table, block in made.items():
        block.entries.extend(_entries(table, block, made))
    return list(made.values())


def places(found: list[Block]) -> Iterator[tuple[Path, Entry]]:
    """Every keyword at every place where it may stand, as an operator would count them."""
    for block in found:
        for path in block.paths:
            for entry in block.entries:
                yield path, entry


def _paths(top: Table) -> dict[Table, tuple[Stage, list[Path]]]:
    """Tables in depth-first order, each with all ways to it and the best stage that one of them has."""
    found: dict[Table, tuple[Stage, list[Path]]] = {}

    def visit(table: Table, stage: Stage, path: Path) -> None:
        before, ways = found.get(table, (stage, []))
        found[table] = (min(before, stage, key=_rank), [*ways, path])
        for word, keyword in table.keywords.items():
            if keyword.block is not None and keyword.today is None:
                visit(keyword.block, max(stage, keyword.stage, key=_rank), (*path, word))

    visit(top, Stage.ACTED_ON, ())
    return found


def _rank(stage: Stage) -> int:
    return list(Stage).index(stage)


def _entries(table: Table, block: Block, made: dict[Table, Block]) -> Iterator[Entry]:
    for word, keyword in table.keywords.items():
        yield _entry(word, keyword, block, made)
    for misprint, right in table.misprints.items():
        keyword = table.keywords[right]
        yield attrs.evolve(_entry(misprint, keyword, block, made), instead=keyword.today or right)


def _entry(word: str, keyword: Keyword, block: Block, made: dict[Table, Block]) -> Entry:
    convert = keyword.convert
    return Entry(
        word,
        keyword.doc,
        max(block.stage, keyword.stage, key=_rank),
        keyword.takes or (_takes(word, convert) if convert is not None else ""),
        convert is not None and not _said([word], convert),
        _choices(convert),
        tuple(getattr(convert, "options", ())),
        made[keyword.block] if keyword.block is not None else None,
        keyword.today,
        keyword.ours,
        keyword.script,
    )


def _choices(convert: Converter | None) -> Path:
    if convert is boolean:
        return BOOLEANS
    return tuple(str(choice) for choice in getattr(convert, "choices", ()))


def _takes(word: str, convert: Converter) -> str:
    if convert is flag:
        return ""
    expected = getattr(convert, "expected", None)
    for words in ([word], [word, ""]) if expected is None else ():
        # What a converter expects it says when it does not get it.
        expected = next((said for said in _said(words, convert) if said), expected)
    return expected or ""


def _said(words: list[str], convert: Converter) -> list[str | None]:
    problems: Problems = []
    convert(words, problems)
    return [problem.expected for problem in problems]
