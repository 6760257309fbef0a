"""``docs/keywords.md``: the keywords for an operator who looks one up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from kaltwisted.config.keywords.convert import BOOLEANS
from kaltwisted.config.keywords.table import Stage
from kaltwisted.config.reference import Block, Entry, Path, places

_INTRODUCTION = """\
# Keywords

Every keyword of `keepalived.conf` that kaltwisted knows, block by block, with what may stand behind it.
[configuration.md](configuration.md) explains the blocks; this page is to look things up. It is made from the
tables that the configuration is read by (`make keywords`), so it says what the program does.

A keyword that takes nothing is on by being there. *on or off*: alone it is on, and so it is with `on`, `true`
or `yes`; off is `off`, `false` or `no`.
"""
_STATES = {
    Stage.ACTED_ON: "are **acted on**: everything that is not marked",
    Stage.KNOWN: "are **known by name**: skipped, and a warning says so; the rest runs",
}
_MARKS = {Stage.ACTED_ON: "", Stage.KNOWN: " (skipped)"}
_LANGUAGE = """\
## In any block

| | |
|---|---|
| `# …`, `! …` | a comment, to the end of the line; `\\#` and `\\!` are the characters |
| `"…"` | one word, blanks and all |
| `include FILE` | the lines of other files, which may be named by a pattern; `includer`, `includem`, \
`includew`, `includeb` and `includea` refuse to start when files are missing or unreadable |
| `$NAME=value` | a definition, put in where `$NAME` or `${NAME}` stands; further lines behind a `\\` |
| `${_PWD}`, `${_INSTANCE}`, `${_ENV NAME}`, `${_RANDOM MIN MAX}`, `${_HASH}`, `${_BANG}` | built in: \
folder of the file, configuration id, environment, a number, `#`, `!` |
| `@ID …`, `@^ID …` | the line counts where the configuration id (`-i`) is ID, or is not |
| `~SEQ(n, 1, 9) …`, `~SEQx(…)`, `~LST(n, a, b) …` | the line once for each value of `n` |
"""


def text(blocks: list[Block]) -> str:
    """The whole page."""
    return "\n".join(
        [
            _INTRODUCTION,
            *_numbers(blocks),
            *_contents(blocks),
            _LANGUAGE,
            *(line for block in blocks for line in _section(block)),
        ]
    )


def _numbers(blocks: list[Block]) -> Iterator[str]:
    counted = [entry for _, entry in places(blocks) if entry.instead is None and not entry.ours]
    stages = Counter(entry.stage for entry in counted)
    ours = sum(entry.ours for _, entry in places(blocks))
    old = sum(entry.instead is not None for _, entry in places(blocks))
    yield f"Of keepalived's {len(counted)} keywords, counted in each block where they may stand,"
    yield ""
    for stage, words in _STATES.items():
        if stages[stage]:
            yield f"- {stages[stage]} {words}."
    yield ""
    yield f"{ours} more are our own, marked *ours*; {old} are old spellings, taken for what they mean."
    yield ""


def _contents(blocks: list[Block]) -> Iterator[str]:
    for block in blocks:
        indent = "  " * max(len(block.path) - 1, 0)
        yield f"{indent}- [{_title(block)}](#{_anchor(block.path)}){_MARKS[block.stage]}"
    yield ""


def _title(block: Block) -> str:
    return f"`{block.name}`" if block.path else "Outside all blocks"


def _anchor(path: Path) -> str:
    return ".".join(path) or "top"


def _section(block: Block) -> Iterator[str]:
    yield f'<a id="{_anchor(block.path)}"></a>'
    yield ""
    # Four levels of headings are enough to tell where a block is; the line below has the rest.
    yield f"{'#' * min(len(block.path) + 1, 4) if block.path else '##'} {_title(block)}"
    yield ""
    if block.path:
        yield f"In {' and in '.join(_way(path[:-1]) for path in block.paths)}{_MARKS[block.stage]}."
        yield ""
    if block.values:
        yield "Its lines are values." + (
            f" Words of a line: {_words(block.options)}." if block.options else ""
        )
        yield ""
    today = [entry for entry in block.entries if entry.instead is None]
    yield from _table(block, [entry for entry in today if entry.stage is not Stage.KNOWN])
    by_name = [entry for entry in today if entry.stage is Stage.KNOWN]
    if by_name and block.stage is not Stage.KNOWN:
        yield "Known by name, and skipped:"
        yield ""
    yield from _table(block, by_name)
    old = [f"`{entry.word}` is taken for `{entry.instead}`" for entry in block.entries if entry.instead]
    if old:
        yield f"Old spellings: {', '.join(old)}."
        yield ""


def _way(path: Path) -> str:
    """``virtual_server``, ``real_server`` as links, or the top."""
    if not path:
        return "[no block](#top)"
    return " > ".join(f"[{word}](#{_anchor(path[: index + 1])})" for index, word in enumerate(path))


def _table(block: Block, entries: list[Entry]) -> Iterator[str]:
    if not entries:
        return
    takes = any(_takes(entry) for entry in entries)
    yield f"| keyword | {'takes | ' if takes else ''}what for |"
    yield f"|---|{'---|' if takes else ''}---|"
    for entry in entries:
        word = f"`{entry.word}`"
        if entry.opens is not None:
            word = f"[{word}](#{_anchor(entry.opens.path)}) {{ }}"
        doc = entry.doc + (" (*ours*)" if entry.ours else "")
        yield f"| {word} | {_cell(_takes(entry)) + ' | ' if takes else ''}{_cell(doc)} |"
    yield ""


def _takes(entry: Entry) -> str:
    if entry.choices == BOOLEANS:
        return "on or off"
    takes = _words(entry.choices, " or ") if entry.choices else entry.takes
    if entry.alone and takes:
        takes = f"nothing, or {takes}"
    return takes + (f"; then {_words(entry.options)}" if entry.options else "")


def _words(words: Iterable[str], last: str = " and ") -> str:
    *most, end = (f"`{word}`" for word in words)
    return last.join(filter(None, (", ".join(most), end)))


def _cell(said: str) -> str:
    return said.replace("|", "\\|").replace("<", "&lt;")
