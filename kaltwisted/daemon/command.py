"""The console command ``kaltwisted``: a daemon with C keepalived's flags, or one of the commands beside it.

Each loads what it needs and no more: who asks a daemon for its state waits for
an answer, and not for Twisted.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Final, NoReturn, TypeAlias

from kaltwisted.daemon import directories

Command: TypeAlias = Callable[[list[str]], int]
"""Takes the words behind its name, and gives an exit status."""

STEERING: Final = (
    *("drain", "disable", "enable", "weight", "pause", "resume", "yield", "prefer", "release"),
    *("overrides", "run-check"),
)
"""Commands that change a running daemon, and show how (client/steer.py)."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run ``kaltwisted`` with ``arguments`` (default: the process's); returns the exit status."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if words[:1] in (["-T"], ["--genhash"]):
        _genhash(words[1:])
    command = COMMANDS.get(words[0]) if words else None
    if command is not None:
        return command(words[1:])
    from kaltwisted.daemon import twistd

    return twistd.run(words)


def _genhash(words: list[str]) -> NoReturn:
    from kaltwisted import genhash

    sys.argv = ["genhash", *words]
    genhash.main()


def _tool(module: str) -> Command:
    """A command that needs no daemon.  Only what it needs is loaded."""

    def run(words: list[str]) -> int:
        status: int = import_module(module).main(words)
        return status

    return run


def _client(module: str, *first: str) -> Command:
    """One that asks a daemon; ``first``: words in front of those that are given."""

    def run(words: list[str]) -> int:
        sockets = directories.api_sockets(os.environ, os.geteuid())
        status: int = import_module(module).main([*first, *words], sockets)
        return status

    return run


COMMANDS: Final[dict[str, Command]] = {
    "check": _tool("kaltwisted.daemon.check"),
    "config": _tool("kaltwisted.daemon.config"),
    "simulate": _tool("kaltwisted.daemon.simulate"),
    "token": _tool("kaltwisted.client.token"),
    "status": _client("kaltwisted.client.status"),
    "explain": _client("kaltwisted.client.explain"),
    "events": _client("kaltwisted.client.events"),
    **{word: _client("kaltwisted.client.steer", word) for word in STEERING},
}
