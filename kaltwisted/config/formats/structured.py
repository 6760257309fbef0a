"""JSON and YAML to what is read: keepalived's lines, each word with its place in the text.

Nothing behind this point knows of the format: the lines go to the same lexer,
tables and rules as everybody's, and a finding about a word stands where the word
stands in the JSON or YAML.  What has no place in keepalived's lines is a finding
here, and is left out.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from kaltwisted.config.builder import top_only
from kaltwisted.config.findings import MASK, Consequence
from kaltwisted.config.formats import json_text, shapes, yaml_text
from kaltwisted.config.formats.nodes import Mapping, Node, Scalar, Sequence, Spot, UnreadableTextError
from kaltwisted.config.formats.placed import Lines, Word, is_secret
from kaltwisted.config.formats.written import InexpressibleError, command_word, word
from kaltwisted.config.keywords.table import Keyword, Table
from kaltwisted.config.keywords.top import TOP, homes
from kaltwisted.config.lexer import Kind, tokens
from kaltwisted.config.reader import SECRET_BLOCKS
from kaltwisted.config.source import Source, Text

READERS: dict[str, Callable[[str], Node]] = {"json": json_text.read, "yaml": yaml_text.read}

_INCLUDE = re.compile(r"include[rmwba]?").fullmatch
_ONE_LINE = re.compile(r"[^\n\0]*").fullmatch
_NEEDS_VALUE = "a word, a number, or a list of them; true for the keyword alone"
_NEEDS_BLOCK = "an object with the keywords of the block"
_NEEDS_LINES = "a list of strings, one for each line"


def structured(text: str, file: str, form: str) -> Source:
    """What is read of a text; never fails, whatever the text.

    :param form: ``json`` or ``yaml``.
    """
    main = Text(text, file)
    lines = _Blocks(main)
    try:
        root = READERS[form](text.removeprefix("\ufeff"))
        if not isinstance(root, Mapping):
            raise UnreadableTextError(
                "the file is not an object",
                root.spot,
                "an object whose keys are keywords, such as global_defs",
            )
    except UnreadableTextError as error:
        lines.tell(str(error), error.spot, expected=error.expected, consequence=Consequence.FATAL)
    else:
        lines.hide(root)
        lines.block(root, TOP)
    return lines.source


class _Blocks(Lines):
    """Makes lines of nodes."""

    def __init__(self, main: Text) -> None:
        super().__init__(main)
        self._top_only = top_only(TOP)
        # Inside of what must not be shown.
        self._secret = False

    # --- blocks ------------------------------------------------------------------------

    def block(self, mapping: Mapping, table: Table) -> None:
        """The lines of a block, without its head."""
        seen: set[str] = set()
        reserved = shapes.reserved(table)
        outside = self._secret
        for key, node in mapping.entries:
            name = key.text
            self._secret = outside or name in SECRET_BLOCKS or is_secret(name)
            if name in seen:
                self.tell(
                    f"`{self._shown(name)}` stands here a second time, and is left out",
                    key.spot,
                    expected="a list, where there are several",
                )
                continue
            seen.add(name)
            if table.ordered and name == table.ordered:
                self._in_order(node, table)
            elif name not in reserved or name == shapes.LINES:
                self._entry(key, node, table)
        self._secret = outside

    def _in_order(self, node: Node, table: Table) -> None:
        """A list of blocks of several kinds: objects with one key each."""
        expected = "a list of objects with one key each, the keyword of a block"
        if not isinstance(node, Sequence):
            self.tell(f"`{table.ordered}` is a list", node.spot, expected=expected)
            return
        for item in node.items:
            if isinstance(item, Mapping) and len(item.entries) == 1:
                self._entry(*item.entries[0], table)
            else:
                self.tell(f"this is nothing for `{table.ordered}`", item.spot, expected=expected)

    def _entry(self, key: Scalar, node: Node, table: Table) -> None:
        keyword = table.resolve(key.text)
        if _INCLUDE(key.text) and keyword is None:
            self.tell(
                "nothing is included here",
                key.spot,
                expected="one file; `kaltwisted config` makes it of a keepalived.conf and all it includes",
                consequence=Consequence.NO_FILE,
            )
        elif keyword is not None and keyword.block is not None:
            self._blocks(key, node, keyword.block)
        else:
            self._statements(key, node, keyword)

    def _blocks(self, key: Scalar, node: Node, table: Table) -> None:
        """One block or several of one keyword."""
        if isinstance(node, Mapping):
            self._nested(key, key.spot, node, table)
        elif isinstance(node, Scalar):
            expected = _NEEDS_LINES if table.values else _NEEDS_BLOCK
            self.tell(f"`{self._shown(key.text)}` opens a block", node.spot, expected=expected)
        elif table.values and all(isinstance(item, Scalar) for item in node.items):
            self._nested(key, key.spot, node, table)
        else:
            for item in node.items:
                if isinstance(item, Mapping) or (isinstance(item, Sequence) and table.values):
                    self._nested(key, item.spot, item, table)
                else:
                    self.tell(f"`{self._shown(key.text)}` opens a block", item.spot, expected=_NEEDS_BLOCK)

    def _nested(self, key: Scalar, spot: Spot, node: Mapping | Sequence, table: Table) -> None:
        head: list[Word] = []
        lines: Node = node
        if isinstance(node, Mapping):
            named = self._head(node, table)
            if named is None:
                return
            head = named
            if table.values:
                lines = self._only_lines(node, table)
        if not self._add(key, spot, head, opens=True):
            return
        if not table.values and isinstance(node, Mapping):
            self.block(node, table)
        elif isinstance(lines, Sequence):
            for item in lines.items:
                self._line(item)
        else:
            self.tell(f"`{key.text}` is a list of lines", lines.spot, expected=_NEEDS_LINES)
        self.close(node.spot)

    def _only_lines(self, node: Mapping, table: Table) -> Node:
        """The lines of a block that is nothing but lines, and an object for what its head has."""
        lines: Node = Sequence([], node.spot)
        for key, value in node.entries:
            if key.text == shapes.LINES:
                lines = value
            elif key.text not in shapes.reserved(table):
                self.tell(
                    f"`{self._shown(key.text)}` is not a key here",
                    key.spot,
                    expected=" or ".join(f"`{name}`" for name in (*table.header, shapes.LINES)),
                )
        return lines

    def _head(self, mapping: Mapping, table: Table) -> list[Word] | None:
        """The words of a block's head; None, and a finding, if they cannot be."""
        given = {key.text: (key, node) for key, node in mapping.entries}
        marks = [name for name in table.marked if name in given]
        names = [name for name in table.header if name in given]
        found: list[Word] = []
        if len(marks) + bool(names) > 1:
            key, _ = given[marks[-1]]
            self.tell(
                f"`{key.text}` and `{(names or marks)[0]}` cannot both be", key.spot, expected="one of them"
            )
            return None
        if names and names != list(table.header[: len(names)]):
            key, _ = given[names[-1]]
            lacks = next(name for name in table.header if name not in given)
            self.tell(f"`{key.text}` is there and `{lacks}` is not", key.spot, expected=f"`{lacks}` too")
            return None
        for name in marks or names:
            key, node = given[name]
            if marks:
                found.append(Word(name, key.spot))
            if not isinstance(node, Scalar):
                self.tell(f"`{name}` is one word", node.spot, expected="a string or a number")
                return None
            texts = self._texts(node, None)
            if texts is None:
                return None
            found += texts
        if shapes.WORDS in given:
            _, node = given[shapes.WORDS]
            texts = self._texts(node, None)
            if texts is None:
                return None
            found += texts
        return found

    def _line(self, node: Node) -> None:
        """A line that is a value, in keepalived's spelling."""
        if not isinstance(node, Scalar) or node.kind == "null":
            self.tell("this is no line", node.spot, expected="a string")
            return
        pieces = tokens(node.text)
        if not pieces or any(piece.kind is not Kind.WORD for piece in pieces) or not _ONE_LINE(node.text):
            expected = "words and blanks; what has braces, # or ! in it, in double quotes"
            self.tell("this is not one line of words", node.spot, expected=expected)
            return
        words = [
            Word(node.text[piece.start : piece.end], _part(node, piece.start, piece.end)) for piece in pieces
        ]
        self.put(words, node.spot)

    # --- single lines --------------------------------------------------------------------

    def _statements(self, key: Scalar, node: Node, keyword: Keyword | None) -> None:
        """What a keyword says that opens no block, or that is none."""
        match node:
            case Mapping():
                if keyword is not None:
                    self.tell(f"`{self._shown(key.text)}` opens no block", node.spot, expected=_NEEDS_VALUE)
                else:
                    self._unknown(key, key.spot, node)
            case Sequence(items, _) if any(not isinstance(item, Scalar) for item in items):
                for index, item in enumerate(items):
                    spot = item.spot if index else key.spot
                    if isinstance(item, Sequence):
                        self._statement(key, spot, item, keyword)
                    elif isinstance(item, Mapping) and keyword is None:
                        self._unknown(key, spot, item)
                    else:
                        self.tell(
                            f"`{self._shown(key.text)}` is a list of lists here",
                            item.spot,
                            expected="a list of words, for each time that the keyword stands",
                        )
            case Sequence([], spot):
                self.tell(f"`{self._shown(key.text)}` has an empty list", spot, expected=_NEEDS_VALUE)
            case _:
                self._statement(key, key.spot, node, keyword)

    def _statement(self, key: Scalar, spot: Spot, node: Node, keyword: Keyword | None) -> None:
        if isinstance(node, Scalar):
            switched = keyword is not None and shapes.is_flag(keyword)
            if node.kind == "true" or (switched and node.switch):
                self._add(key, spot, [])
                return
            if switched and node.switch is False:
                return  # said not to be there
            if node.kind == "false" and (keyword is None or not shapes.is_boolean(keyword)):
                self.tell(
                    f"`{self._shown(key.text)}` knows no false",
                    node.spot,
                    expected="true, or nothing at all; the word itself in quotes",
                )
                return
        words = self._texts(node, keyword)
        if words is not None:
            self._add(key, spot, words)

    def _texts(self, node: Node, keyword: Keyword | None) -> list[Word] | None:
        """A scalar, or a list of them, as words of a line; None, and a finding, if they cannot be."""
        found = []
        for item in node.items if isinstance(node, Sequence) else [node]:
            if not isinstance(item, Scalar) or item.kind == "null":
                what = "null is no word" if isinstance(item, Scalar) else "this is no word"
                self.tell(what, item.spot, expected=_NEEDS_VALUE)
                return None
            try:
                script = keyword is not None and keyword.script
                found.append(Word((command_word if script else word)(item.text), item.spot))
            except InexpressibleError as error:
                self.tell(str(error), item.spot)
                return None
        return found

    def _unknown(self, key: Scalar, spot: Spot, node: Mapping) -> None:
        """A block that nobody knows: its lines, if that is what there is; else its keyword, to be told of."""
        parts = {part.text: value for part, value in node.entries}
        lines = parts.get(shapes.LINES)
        if not parts.keys() <= {shapes.WORDS, shapes.LINES} or not isinstance(lines, Sequence):
            self._add(key, spot, [])
            return
        words = self._texts(parts[shapes.WORDS], None) if shapes.WORDS in parts else []
        if words is None or not self._add(key, spot, words, opens=key.text not in self._top_only):
            return
        if key.text not in self._top_only:
            self._generic(lines)
            self.close(node.spot)

    def _generic(self, lines: Sequence) -> None:
        """The lines of a block that nobody knows."""
        for item in lines.items:
            parts = {part.text: value for part, value in item.entries} if isinstance(item, Mapping) else {}
            head = parts.get(shapes.WORDS, Sequence([], item.spot)) if parts else item
            words = self._texts(head, None)
            if words is None:
                continue
            inner = parts.get(shapes.LINES)
            if not words or words[0].text in self._top_only:
                self.tell("this line has no keyword that could be here", item.spot)
            elif not isinstance(inner, Sequence):
                self.put(words, item.spot)
            elif self.put(words, item.spot, opens=True):
                self._generic(inner)
                self.close(item.spot)

    # --- lines -----------------------------------------------------------------------------

    def _add(self, key: Scalar, spot: Spot, words: list[Word], *, opens: bool = False) -> bool:
        """A line that begins with a keyword; false, and a finding, if it cannot be."""
        try:
            return self.put([Word(word(key.text), spot), *words], spot, opens=opens)
        except InexpressibleError as error:
            self.tell(str(error), key.spot)
            return False

    def _shown(self, name: str) -> str:
        """A key, unless it may be a secret that stands in the wrong place."""
        return name if not self._secret or name in homes() else MASK


def _part(node: Scalar, start: int, end: int) -> Spot:
    """Where a part of a scalar stands; the whole of it, if it is not written as it is."""
    return Spot(node.spot.line, node.inside + start, end - start) if node.inside else node.spot
