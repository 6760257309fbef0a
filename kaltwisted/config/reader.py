"""Reading one block into a draft by its table, with a finding for whatever does not fit."""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import attrs

from kaltwisted.config.drafts import Draft
from kaltwisted.config.findings import MASK, Consequence, Finding, Findings, Related, Severity, masked
from kaltwisted.config.keywords.convert import missing_parameter
from kaltwisted.config.keywords.table import Again, Keep, Keyword, Problem, Problems, Stage, Table
from kaltwisted.config.keywords.top import homes
from kaltwisted.config.lexer import Kind, command_words
from kaltwisted.config.spelling import nearest
from kaltwisted.config.statement import Statement

if TYPE_CHECKING:
    from kaltwisted.config.source import Source
    from kaltwisted.config.tree import Tree

D = TypeVar("D", bound=Draft)

_NAME = re.compile(r"\$([A-Za-z_][A-Za-z0-9_]*)").search
SECRET_BLOCKS = frozenset(("authentication", "auth_hmac"))
SECRET_KEYWORDS = frozenset(
    ("auth_type", "auth_pass", "key", "active_key", "time_window", "anti_replay", "mode")
)
PUBLIC_KEYWORDS = SECRET_KEYWORDS - {"auth_pass", "key"}
_MARKS = {
    "@": "a line has one mark, `@ID` or `@^ID`, at its beginning",
    "~": "a line is repeated by ~SEQ(...), ~SEQx(...) or ~LST(...)",
}
MOST_SPELLINGS = 200
"""Unknown words that are looked up; a file that is no configuration at all must not cost minutes."""

MOST_DEFINITIONS_LOOKED_AT = 2_000
"""For what an unknown name was meant to be."""


class Oddity(NamedTuple):
    """A keyword that is told of once for all its places, and one of these: ``line`` as it is read."""

    word: str
    block: str
    message: str
    line: int
    column: int


class Hidden(NamedTuple):
    """A line with a secret, as it is read, and what may be shown of it."""

    line: int
    shown: str


class Reader:
    """Collects what is to be said of one configuration; ``read`` never stops at the first finding.

    ``findings``, ``oddities`` and ``hidden`` (by block) only grow while blocks are bound: what came
    in meanwhile is of the block.
    """

    def __init__(self, source: Source, tree: Tree) -> None:
        self.source = source
        self.findings = Findings(source.findings, tree.findings)
        self.oddities: list[Oddity] = []
        self.hidden: list[tuple[Hidden, ...]] = []
        self.open_quotes = dict(tree.open_quotes)
        self._spelled: dict[tuple[str, str], str | None] = {}

    def read(self, statements: list[Statement], table: Table, draft: D) -> D:
        """Values of a block into its draft; the blocks inside are put on ``draft.blocks`` for later."""
        keywords, acted_on = table.keywords, Stage.ACTED_ON
        problems: Problems = []
        said: set[str] | None = None
        blocks: list[tuple[Keyword, Statement]] = []
        for statement in statements:
            words = statement.words
            keyword = keywords.get(words[0])
            if keyword is None or keyword.stage is not acted_on or keyword.today is not None:
                keyword = self._odd(statement, table, blocks)
                if keyword is None:
                    continue
            if keyword.block is not None:
                self._nested(statement, keyword, blocks)
                continue
            if statement.block is not None:
                self._no_block(statement, table)
            if keyword.script:
                again = self._script_words(statement)
                if again is None:
                    continue
                words = again
            if keyword.convert is None:
                continue
            value = keyword.convert(words, problems)
            mistaken = False
            if problems:
                self.problems(statement, problems, secret=_secret(words[0], table))
                mistaken = problems[0].severity is Severity.ERROR
                problems.clear()
            if not mistaken and keyword.words is not None and len(words) > keyword.words:
                secret = table.name in SECRET_BLOCKS
                self.most_words(statement, keyword.words, words, secret=secret, exact=keyword.exact)
            if isinstance(value, Keep):
                continue
            if keyword.again is Again.APPENDS:
                value = (*getattr(draft, keyword.field), value)
            elif keyword.again is not Again.LAST_WINS:
                said = said if said is not None else set()
                if keyword.field in said:
                    self._duplicate(statement, keyword)
                    if keyword.again is Again.FIRST_WINS:
                        continue
                said.add(keyword.field)
            setattr(draft, keyword.field, value)
        if blocks:
            draft.blocks = tuple(blocks)
        if table.name in SECRET_BLOCKS:
            self.hidden.append(tuple(self._hide(statements)))
        return draft

    # --- what is reported --------------------------------------------------------

    def report(
        self,
        severity: Severity,
        statement: Statement,
        message: str,
        *,
        word: int = 0,
        expected: str | None = None,
        suggestion: str | None = None,
        related: tuple[Related, ...] = (),
        consequence: Consequence = Consequence.LOGGED,
        log: str | None = None,
    ) -> None:
        """A finding about a word of a statement."""
        if statement.line in self.source.told or not self.findings.room(severity, consequence):
            return
        position, width = self.source.word(statement, word)
        self.findings.append(
            self.source.finding(
                severity,
                position,
                message,
                width=width,
                expected=expected,
                suggestion=suggestion,
                related=related,
                consequence=consequence,
                log=log,
            )
        )

    def error(
        self,
        statement: Statement,
        message: str,
        *,
        word: int = 0,
        expected: str | None = None,
        log: str | None = None,
    ) -> None:
        """An ordinary error: logged, and the rest runs."""
        self.report(Severity.ERROR, statement, message, word=word, expected=expected, log=log)

    def warn(self, statement: Statement, message: str, *, word: int = 0, expected: str | None = None) -> None:
        """Done, but worth a word."""
        self.report(Severity.WARNING, statement, message, word=word, expected=expected)

    def problems(self, statement: Statement, problems: Sequence[Problem], *, secret: bool = False) -> None:
        """The first of a converter's problems becomes the finding: one for each mistake."""
        if statement.line in self.source.undefined:
            return  # and that will be told
        problem = problems[0]
        quote = self.open_quotes.pop(statement.line, None)
        if quote is not None:
            self.quote(statement.line, quote, problem.consequence)
            return
        self.report(
            problem.severity,
            statement,
            problem.message if not secret else _without(problem.message, statement.words[1:]),
            word=problem.word,
            expected=problem.expected,
            suggestion=None if secret else self._of_name(statement, problem.word) or problem.suggestion,
            consequence=problem.consequence,
            log=problem.log,
        )

    def _of_name(self, statement: Statement, word: int) -> str | None:
        """What to say of a value that has a ``$NAME`` in it, which was meant to be put in."""
        name = _NAME(statement.words[word]) if word < len(statement.words) else None
        if name is None:
            return None
        if name[1] in self.source.defined:
            return (
                f"`{name[0]}` is put in before a blank, a comma, `)` or the end only: write `${{{name[1]}}}`"
            )
        near = self._like(name[1])
        return f"`{name[0]}` is not defined" + (f"; did you mean `${near}`?" if near else " before this line")

    def quote(self, line: int, column: int, consequence: Consequence = Consequence.LOGGED) -> None:
        """A double quote that its line does not close."""
        self.source.tell(
            self.findings,
            Severity.ERROR,
            self.source.place(line, column),
            "this quote is not closed on its line; what follows it is lost",
            expected='a closing `"`',
            consequence=consequence,
            log="Unterminated quote",
        )

    def finish(self) -> list[Finding]:
        """What is left to report, and all findings in the order of the file."""
        for line, column in self.open_quotes.items():
            self.quote(line, column)
        places: dict[tuple[str, str], list[Oddity]] = {}
        for oddity in self.oddities:
            places.setdefault((oddity.word, oddity.block), []).append(oddity)
        for first, *others in places.values():
            lines = [first.line, *(other.line for other in others)]
            self.warn(Statement([first.word], first.line, first.column), first.message + self._also(lines))
        hidden = self.hidden_lines()
        self._tell_undefined(hidden)
        for index, finding in enumerate(self.findings if hidden else ()):
            shown = hidden.get((finding.position.file, finding.position.line))
            if shown is not None:
                self.findings[index] = attrs.evolve(finding, source_line=shown, width=1)
        found = self.source.in_order(self.findings)
        if self.findings.untold:
            more = f"there are {self.findings.untold:,} more findings, to be told when these are mended"
            found.append(self.source.finding(Severity.WARNING, found[-1].position, more))
        return found

    def _also(self, lines: list[int]) -> str:
        """Where a finding of the first of these lines is true as well."""
        labels = list(dict.fromkeys(map(self.source.label, lines)))[1:]
        more = f" and {len(labels) - 5} more" if len(labels) > 5 else ""
        return f" (also on {', '.join(labels[:5])}{more})" if labels else ""

    def _tell_undefined(self, hidden: Container[tuple[str, int]]) -> None:
        """Names in ``${...}`` that nothing defines: once for each."""
        names: dict[str, list[int]] = {}
        for line, (name, _, _) in self.source.undefined.items():
            text, number, *_ = self.source.origin(line)
            names.setdefault(MASK if (text.file, number) in hidden else name, []).append(line)
        for name, lines in names.items():
            _, start, end = self.source.undefined[lines[0]]
            near = self._like(name)
            self.source.tell(
                self.findings,
                Severity.ERROR,
                self.source.place(lines[0], start + 1, end),
                f"`${{{name}}}` is not defined" + self._also(lines),
                width=self.source.width(lines[0], start, end),
                expected=f"a line `${name}=...` before this one",
                suggestion=f"did you mean `${{{near}}}`?" if near else None,
            )

    def _hide(self, statements: list[Statement]) -> Iterator[Hidden]:
        """Lines inside a block of secrets, as they may be shown: keywords of the block, nothing else."""
        waiting = [statements]
        while waiting:
            for inner in waiting.pop():
                indent = self.source.column(inner) - 1
                word = inner.words[0] if inner.words[0] in SECRET_KEYWORDS else ""
                yield Hidden(inner.line, masked(" " * indent + f"{word} {MASK}".strip()))
                waiting.append(inner.block or [])

    def hidden_lines(self) -> dict[tuple[str, int], str]:
        """What may be shown of the lines with secrets, by their places in the files."""
        lines: dict[tuple[str, int], str] = {}
        for block in reversed(self.hidden):
            for line, shown in block:
                lines.update(dict.fromkeys(self.source.lines_of(line), shown))
        return lines

    # --- what does not fit -------------------------------------------------------

    def _odd(
        self, statement: Statement, table: Table, blocks: list[tuple[Keyword, Statement]]
    ) -> Keyword | None:
        """The keyword that a statement stands for after all; None when it is dealt with."""
        word = statement.words[0]
        keyword = table.resolve(word)
        if keyword is None:
            self._unknown(statement, table, blocks)
        elif keyword.stage is not Stage.ACTED_ON:
            message = f"`{word}`{_in(table.name)} is understood, not acted on yet: {keyword.doc}"
            self.tell_once(statement, table.name, message)
            return None
        elif keyword.today is not None:
            self.tell_once(statement, table.name, f"`{word}` is accepted; today it is `{keyword.today}`")
        elif word not in table.keywords:
            self.tell_once(
                statement, table.name, f"`{word}` is accepted; the keyword is `{table.misprints[word]}`"
            )
        return keyword

    def tell_once(self, statement: Statement, block: str, message: str, *, word: int = 0) -> None:
        """One warning for all places of a keyword in blocks of a kind."""
        line, column = statement.line, statement.column
        if word and len(pieces := self.source.pieces(statement)) > word:
            column = pieces[word].start + 1
        self.oddities.append(Oddity(statement.words[word], block, message, line, column))

    def _unknown(self, statement: Statement, table: Table, blocks: list[tuple[Keyword, Statement]]) -> None:
        """No keyword of this block: misplaced, misspelt, or left behind by an early brace."""
        word = statement.words[0]
        if blocks and statement.block is not None:
            inner, earlier = blocks[-1]
            if inner.block is not None and word in inner.block.keywords and earlier.block is not None:
                if self.source.closed(earlier):
                    self.report(
                        Severity.WARNING,
                        statement,
                        f"`{word}` stands behind the end of `{earlier.words[0]}`, and is taken into it",
                        related=(
                            Related(
                                self.source.end(earlier),
                                f"the `}}` here closes the `{earlier.words[0]}` "
                                f"of {self.source.label(earlier.line)} too early",
                            ),
                        ),
                    )
                earlier.block.append(statement)
                earlier.end_line = statement.end_line
                return
        suggestion = self._of_name(statement, 0) if "$" in word else self._suggestion(word, table)
        shown = word if table.name not in SECRET_BLOCKS or suggestion else MASK
        what = f"`{shown}` is not a keyword{_of(table.name)}"
        if statement.block is not None:
            what += "; its block is skipped"
        self.report(
            Severity.ERROR,
            statement,
            what,
            suggestion=suggestion,
            log=f"Unknown keyword '{shown}'",
        )

    def _suggestion(self, word: str, table: Table) -> str | None:
        return self._looked_up((word, table.name), lambda: self._look_up(word, table))

    def _like(self, name: str) -> str | None:
        """The definition that a name may have been meant for."""
        defined = self.source.defined
        if len(defined) > MOST_DEFINITIONS_LOOKED_AT:
            return None
        return self._looked_up((name, "$"), lambda: nearest(name, defined))

    def _looked_up(self, key: tuple[str, str], look: Callable[[], str | None]) -> str | None:
        if key not in self._spelled:
            if len(self._spelled) >= MOST_SPELLINGS:
                return None
            self._spelled[key] = look()
        return self._spelled[key]

    def _look_up(self, word: str, table: Table) -> str | None:
        places = homes().get(word)
        if places:
            where = [f"block `{place}`" if place else "top level, outside all blocks" for place in places[:4]]
            return f"`{word}` is valid in {' and '.join(where)}"
        if mark := _MARKS.get(word[:1]):
            return mark
        if near := nearest(word, table.keywords):
            return f"did you mean `{near}`?"
        if near := nearest(word, homes()):
            place = homes()[near][0]
            return f"did you mean `{near}`{_of(place)}?"
        return None

    def _nested(
        self, statement: Statement, keyword: Keyword, blocks: list[tuple[Keyword, Statement]]
    ) -> None:
        if statement.block is None:
            self.error(
                statement,
                f"`{statement.words[0]}` has no block",
                expected="`{` at the end of this line or alone on the next",
                log="Missing '{' at beginning of configuration block",
            )
            return
        if keyword.words is not None:
            exact = keyword.exact or (keyword.block is not None and keyword.block.values)
            self.most_words(statement, keyword.words, exact=exact)
        blocks.append((keyword, statement))

    def _no_block(self, statement: Statement, table: Table) -> None:
        self.error(
            statement,
            f"`{statement.words[0]}`{_of(table.name)} opens no block; what is in it is skipped",
            expected="one line without braces",
            log="Unexpected '{' - ignoring",
        )

    def _script_words(self, statement: Statement) -> list[str] | None:
        """The words of a script's line by the second reading; None when a quote is open, and reported."""
        pieces = self.source.pieces(statement)
        rest = self.source.rest(statement)
        if any(piece.kind is Kind.LOST for piece in pieces) or statement.line in self.open_quotes:
            return None  # and ``finish`` tells of the quote
        words = command_words(rest)
        if words is None:
            self.error(statement, "a quote is not closed on this line", word=1, expected="a closing quote")
            return None
        return [statement.words[0], *words]

    def most_words(
        self,
        statement: Statement,
        most: int,
        words: list[str] | None = None,
        *,
        secret: bool = False,
        exact: bool = False,
    ) -> None:
        """Tell of words behind the last one that is read, which keepalived mostly passes over in silence."""
        words = words or statement.words
        if len(words) <= most:
            return
        shown = MASK if secret else words[most]
        script = ""
        if statement.words[0] in ("misc_path",) or statement.words[0].startswith(("notify", "quorum")):
            script = "a command with arguments in double quotes"
        self.report(
            Severity.ERROR if exact else Severity.WARNING,
            statement,
            f"`{shown}` is one word too many and is not read",
            word=most,
            expected=script or None,
        )

    def _duplicate(self, statement: Statement, keyword: Keyword) -> None:
        name = statement.words[0]
        severity = Severity.WARNING if keyword.again is Again.OVERWRITES else Severity.ERROR
        message = f"`{name}` stands here a second time: {keyword.again.value}"
        self.report(severity, statement, message, log=f"Duplicate {name}")


def says(statement: Statement, *keywords: str) -> bool:
    """Whether a block has a line that is, or was meant to be, one of these keywords, right or wrong."""
    for line in statement.block or ():
        word = line.words[0]
        if word in keywords or (word not in homes() and nearest(word, keywords)):
            return True
    return False


def nameless(reader: Reader, statement: Statement, consequence: Consequence = Consequence.LOGGED) -> None:
    """Tell that a block lacks its name."""
    name = statement.words[0]
    missing = consequence is Consequence.MISSING_PARAMETER
    reader.report(
        Severity.ERROR,
        statement,
        f"`{name}` lacks its name",
        expected=f"`{name} NAME {{`",
        consequence=consequence,
        log=missing_parameter(name) if missing else f"{name} must have a name",
    )


def _of(block: str) -> str:
    return f" of block `{block}`" if block else " at top level"


def _in(block: str) -> str:
    return f" in block `{block}`" if block else ""


def _secret(keyword: str, table: Table) -> bool:
    # Of the other keywords too: a key that stands behind the wrong one is a key.
    return table.name in SECRET_BLOCKS and keyword != "auth_type"


def _without(message: str, secrets: Iterable[str]) -> str:
    for secret in secrets:
        if secret:
            message = message.replace(secret, MASK)
    return message
