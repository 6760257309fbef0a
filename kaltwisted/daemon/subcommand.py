"""What ``kaltwisted check`` and ``kaltwisted config`` have in common: options about reading files."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import NoReturn

from twisted.python import usage

from kaltwisted import __version__
from kaltwisted.daemon.words import in_any_order


class FileOptions(usage.Options):  # type: ignore[misc,unused-ignore]
    """Options, which may follow the files; ``files`` are all other words."""

    help = ""
    optFlags: list[list[str | None]] = [["all-config", "e", "every problem of an include is fatal"]]
    optParameters: list[list[str | None]] = [
        ["config-id", "i", None, "what lines that begin with @ are chosen by"]
    ]

    files: tuple[str, ...] = ()

    def opt_help(self) -> NoReturn:
        """display the help"""
        print(self.help, end="")
        raise SystemExit(0)

    opt_h = opt_help

    def opt_version(self) -> NoReturn:
        """display the version number"""
        print(f"Kaltwisted v{__version__}")
        raise SystemExit(0)

    opt_v = opt_version

    def parseOptions(self, options: Sequence[str] | None = None) -> None:
        """Options may follow files."""
        words = sys.argv[1:] if options is None else options
        super().parseOptions(in_any_order(words, self.shortOpt, self.longOpt))

    def parseArgs(self, *files: str) -> None:
        """All other words are files."""
        self.files = files

    def read(self, words: Sequence[str], command: str) -> bool:
        """Parse the words behind a command; false, and a word on stderr, if they are wrong."""
        try:
            self.parseOptions(words)
        except usage.UsageError as error:
            print(f"{self.help.partition(chr(10) * 2)[0]}\n\nkaltwisted {command}: {error}", file=sys.stderr)
            return False
        return True
