"""``python -m tools.keywords``: the files that are made from the keyword tables.

Each module makes text from ``kaltwisted.config.reference``; ``files()`` says
which file it belongs in, and a unit test holds the files against it.
"""

from __future__ import annotations

from collections.abc import Iterator

from kaltwisted.config import reference
from kaltwisted.config.keywords.top import TOP
from tools.keywords import completions, grammar, page, vim


def files() -> Iterator[tuple[str, str]]:
    """Name, from the top of the project, and text of every file that is made here."""
    blocks = reference.blocks(TOP)
    yield "docs/keywords.md", page.text(blocks)
    yield "editors/completions.json", completions.text(blocks)
    yield "editors/vscode/syntaxes/keepalived.tmLanguage.json", grammar.text(blocks)
    yield "editors/vim/syntax/keepalived.vim", vim.text(blocks)
