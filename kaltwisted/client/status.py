"""``kaltwisted status``: how a running daemon is."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from kaltwisted.client.connection import Daemon, NoAnswerError, RefusedError

OK, NOT_OK, WRONG_WORDS, NO_ANSWER, FORBIDDEN = 0, 1, 2, 3, 4
"""Exit statuses: as asked; a probe says no; wrong words; no daemon answers; its socket is not for us."""


def main(words: Sequence[str], sockets: Sequence[Path]) -> int:
    """Do what the words behind ``status`` say; returns the exit status."""
    parser = argparse.ArgumentParser("kaltwisted status", description="Tells how a running daemon is.")
    parser.add_argument("--socket", type=Path, help="the daemon's socket")
    parser.add_argument("--json", action="store_true", help="the whole status document")
    options = parser.parse_args(words)
    daemon = Daemon(sockets if options.socket is None else (options.socket,))
    try:
        sys.stdout.buffer.write(daemon.ask("/api/v1/status"))
    except NoAnswerError as error:
        print(f"kaltwisted status: {error}", file=sys.stderr)
        return error.status
    except RefusedError as error:
        print(f"kaltwisted status: {error}", file=sys.stderr)
        return NO_ANSWER
    return OK
