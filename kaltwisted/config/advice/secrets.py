"""Advice on who may read or change a file that has a password in it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import attrs

from kaltwisted.config.advice.kinds import READABLE_SECRET
from kaltwisted.config.keywords.hmac import FILE
from kaltwisted.config.model import Position
from kaltwisted.config.reader import PUBLIC_KEYWORDS, SECRET_BLOCKS
from kaltwisted.config.source import Place
from kaltwisted.config.written import Spot

if TYPE_CHECKING:
    from kaltwisted.config.findings import Finding
    from kaltwisted.config.statement import Statement
    from kaltwisted.config.written import Written

_TLS_BLOCK, _KEY_PASSWORD = "SSL", "password"


def readable_secrets(written: Written, user: int) -> Iterator[Finding]:
    """A file with a password that everybody may read or write, or that is another user's; each file once.

    A password of a definition is in the file that defines it, wherever it is used.

    :param user: whom we run as, whose file it may be, as root's.
    """
    seen: set[str] = set()
    for statement in _secrets(written.statements):
        place, width = written.source.word(statement, 1)
        made_by = place.made_by if isinstance(place, Place) else None
        at = made_by or place
        text = written.source.texts.get(at.file)
        if text is None or text.on_disk is None or at.file in seen or _is_asked_for(text.line(at.line)):
            continue
        seen.add(at.file)
        why = _why(text.on_disk.mode, text.on_disk.owner, user)
        if why is None:
            continue
        finding = written.advise(
            READABLE_SECRET,
            Spot(place, width) if at.file == place.file else Spot(Position(at.file, 1)),
            f"a password stands in {at.file}, and {why}",
            expected=f"chmod 640 {at.file}, and an owner who is root or runs the daemon",
        )
        # A line of a definition is not shown: nothing in it says what is secret.
        yield finding if at.file == place.file else attrs.evolve(finding, source_line=None)


def _why(mode: int, owner: int, user: int) -> str | None:
    if owner not in (0, user):
        return f"it belongs to user {owner}, who may read and change it"
    what = [verb for bit, verb in ((0o004, "read"), (0o002, "change")) if mode & bit]
    return f"everybody on this machine may {' and '.join(what)} it (mode {mode:04o})" if what else None


def _secrets(statements: list[Statement]) -> Iterator[Statement]:
    """The lines with a password."""
    for top in statements:
        # There are thousands of these, and no passwords in them.
        if top.words[0] == "virtual_server" or top.block is None:
            continue
        for line in top.block:
            if line.words[0] in SECRET_BLOCKS:
                yield from filter(_has_secret, line.block or ())
            elif top.words[0] == _TLS_BLOCK and line.words[0] == _KEY_PASSWORD and len(line.words) > 1:
                yield line


def _has_secret(line: Statement) -> bool:
    """Whether a line of a block of secrets has one, or a word that may have been meant for its keyword."""
    if line.words[0] in PUBLIC_KEYWORDS:
        return False
    return len(line.words) > 1 and not line.words[-1].startswith(FILE)


def _is_asked_for(line: str) -> bool:
    """Whether a line has its value from the environment, and so none in the file."""
    return "${_ENV" in line
