"""The console command ``kaltwisted``: a daemon with C keepalived's flags, or one of the commands beside it.

Each loads what it needs and no more: who asks a daemon for its state waits for
an answer, and not for Twisted.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final, NoReturn

from kaltwisted.daemon import directories

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
    command = _COMMANDS.get(words[0]) if words else None
    if command is not None:
        return command(words[1:])
    from kaltwisted.daemon import twistd

    return twistd.run(words)


def _genhash(words: list[str]) -> NoReturn:
    from kaltwisted import genhash

    sys.argv = ["genhash", *words]
    genhash.main()


def _check(words: list[str]) -> int:
    from kaltwisted.daemon import check

    return check.main(words)


def _config(words: list[str]) -> int:
    from kaltwisted.daemon import config

    return config.main(words)


def _steer(command: str, words: list[str]) -> int:
    from kaltwisted.client import steer

    return steer.main([command, *words], directories.api_sockets(os.environ, os.geteuid()))


def _status(words: list[str]) -> int:
    from kaltwisted.client import status

    return status.main(words, directories.api_sockets(os.environ, os.geteuid()))


def _token(words: list[str]) -> int:
    from kaltwisted.client import token

    return token.main(words)


def _explain(words: list[str]) -> int:
    from kaltwisted.client import explain

    return explain.main(words, directories.api_sockets(os.environ, os.geteuid()))


def _events(words: list[str]) -> int:
    from kaltwisted.client import events

    return events.main(words, directories.api_sockets(os.environ, os.geteuid()))


_COMMANDS: dict[str, Callable[[list[str]], int]] = {
    "check": _check,
    "config": _config,
    "status": _status,
    "explain": _explain,
    "events": _events,
    "token": _token,
    **{word: partial(_steer, word) for word in STEERING},
}
