"""What all commands that ask a daemon have in common: options, exit statuses, words for what goes wrong."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import TextIOWrapper
from pathlib import Path
from typing import Final

import attrs

from kaltwisted.client.connection import Daemon, NoAnswerError, RefusedError

OK: Final = 0
NOT_OK: Final = 1
"""It was answered, and not well: a probe says no, a name is not known."""
NO_ANSWER: Final = 3
"""No daemon answers.  (2 is argparse's, for a wrong command line; 4: its socket may not be opened.)"""
INTERRUPTED: Final = 130


@attrs.define
class Asked:
    """Whom a command asks; ``status``: what it shall end with, where it was not answered."""

    daemon: Daemon
    status: int | None = None


@contextmanager
def asking(command: str, sockets: Sequence[Path], given: Path | None) -> Iterator[Asked]:
    """Ask within the block.  What goes wrong there is one line on stderr, and a status."""
    asked = Asked(Daemon(sockets if given is None else (given,)))
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        yield asked
        sys.stdout.flush()
    except NoAnswerError as error:
        print(f"kaltwisted {command}: {error}", file=sys.stderr)
        asked.status = error.status
    except RefusedError as error:
        print(f"kaltwisted {command}: {error}", file=sys.stderr)
        asked.status = NOT_OK
    except KeyboardInterrupt:
        asked.status = INTERRUPTED
    except BrokenPipeError:
        # ``| head`` has what it wants; the interpreter flushes once more at its end, and must not fail.
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
        asked.status = OK


def parser(command: str, description: str, epilog: str) -> argparse.ArgumentParser:
    """With the options that all of them take."""
    made = argparse.ArgumentParser(f"kaltwisted {command}", description=description, epilog=epilog)
    made.add_argument("--socket", type=Path, metavar="PATH", help="the socket of another daemon")
    return made
