"""Files with a number in them (``track_file``), for whoever acts on the number."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Final

import attrs
from twisted.logger import Logger

from kaltwisted.config.model import TrackFile
from kaltwisted.ports import IWatchedFiles, Unreadable

_NUMBER = re.compile(rb"([+-]?)(?:0[xX]([0-9a-fA-F]+)|(0[0-7]*)|([1-9][0-9]*))")
_LEAST, _MOST = -(2**31), 2**31 - 1
_LONGEST_SHOWN: Final = 24


def number_in(content: bytes) -> int | None:
    """The number that a file begins with, blanks before it left out; None: it does not, or is too large.

    Decimal, with 0 before it octal, with 0x hexadecimal; what follows it does
    not count.  Nothing at all is 0.  (keepalived, which takes other text for 0.)
    """
    text = content.lstrip()
    if not text:
        return 0
    found = _NUMBER.match(text)
    if found is None:
        return None
    sign, hexadecimal, octal, decimal = found.groups()
    if hexadecimal is not None:
        value = int(hexadecimal, 16)
    else:
        value = int(octal, 8) if octal is not None else int(decimal)
    value = -value if sign == b"-" else value
    return value if _LEAST <= value <= _MOST else None


@attrs.define
class FileNumber:
    """What is known of one file.  A content that is no number changes nothing, and is counted.

    ``lines`` fills with what the log is to be told.
    """

    path: str
    value: int = 0
    refused: int = 0
    lines: list[str] = attrs.field(factory=list)
    _is_refused: bool = False

    def read(self, content: bytes | Unreadable) -> bool:
        """This is in it now; whether the number is another."""
        number = None if isinstance(content, Unreadable) else number_in(content)
        if number is None:
            self.refused += 1
            if not self._is_refused:
                self._is_refused = True
                self.lines.append(self._refusal(content))
            return False
        self._is_refused = False
        before, self.value = self.value, number
        return number != before

    def _refusal(self, content: bytes | Unreadable) -> str:
        if isinstance(content, Unreadable):
            return f"Track file {self.path} cannot be read: {content.why}; {self.value} counts until it can"
        line = content.lstrip().split(b"\n")[0].decode(errors="replace")
        shown = "".join(each if each.isprintable() else "?" for each in line[:_LONGEST_SHOWN])
        shown += "…" if len(line) > _LONGEST_SHOWN else ""
        return f"Invalid number {shown} read from {self.path} - ignoring"


class TrackedFiles:
    """All files of some ``track_file``s; ``turned`` hears ``(name, number)`` whenever one is another.

    A file that is not there, or empty, is 0.
    """

    _log = Logger()

    def __init__(
        self,
        definitions: Iterable[TrackFile],
        files: IWatchedFiles | None,
        turned: Callable[[str, int], object],
    ) -> None:
        self._files = files
        self._turned = turned
        self._paths = {each.name: each.file for each in definitions}
        self._numbers = {path: FileNumber(path) for path in self._paths.values()}
        self._watching = False

    @property
    def values(self) -> dict[str, int]:
        """The number of each."""
        return {name: self._numbers[path].value for name, path in self._paths.items()}

    def refused(self, name: str) -> int:
        """How often there was no number in one."""
        return self._numbers[self._paths[name]].refused

    def start(self) -> None:
        """Read them, and again whenever one changes."""
        self._watching = True
        self._watch()

    def reconfigure(self, definitions: Iterable[TrackFile]) -> None:
        """These from now on.  One that is read from where it was before is not read again."""
        self._paths = {each.name: each.file for each in definitions}
        before = self._numbers
        self._numbers = {
            path: before.get(path) or FileNumber(path) for path in dict.fromkeys(self._paths.values())
        }
        if self._watching:
            self._watch()

    def stop(self) -> None:
        """Read none any more."""
        self._watching = False
        if self._files is not None:
            self._files.stop()

    def _watch(self) -> None:
        if self._files is not None:
            self._files.watch(tuple(self._numbers), self._heard)

    def _heard(self, path: str, content: bytes | Unreadable) -> None:
        number = self._numbers.get(path)
        if number is None:
            return
        changed = number.read(content)
        for line in number.lines:
            self._log.warn("{line}", line=line)
        number.lines.clear()
        if changed:
            for name, each in self._paths.items():
                if each == path:
                    self._turned(name, number.value)
