"""``kaltwisted status``: how a running daemon is, for people, programs and probes."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from kaltwisted.client.asking import NOT_OK, OK, asking, parser
from kaltwisted.client.connection import Daemon, NoAnswerError
from kaltwisted.client.paint import Paint, printable, wanted
from kaltwisted.client.view import view

WATCH_S: Final = 2.0
_CLEAR_LINE, _CLEAR_REST, _HOME = "\x1b[K", "\x1b[J", "\x1b[H"


def main(words: Sequence[str], sockets: Sequence[Path]) -> int:
    """Do what the words behind ``status`` say; returns the exit status."""
    options = command_line().parse_args(words)
    with asking("status", sockets, options.socket) as asked:
        if options.live or options.ready:
            return _probe(asked.daemon, "live" if options.live else "ready")
        if options.json:
            sys.stdout.buffer.write(asked.daemon.ask("/api/v1/status"))
            sys.stdout.buffer.flush()
        elif options.watch is None:
            print("\n".join(_lines(asked.daemon, options.names)))
        else:
            _watch(asked.daemon, options.names, options.watch)
    return OK if asked.status is None else asked.status


def _lines(daemon: Daemon, names: Sequence[str]) -> list[str]:
    document = json.loads(daemon.ask("/api/v1/status"))
    return list(view(document, Paint(wanted(sys.stdout, os.environ)), names))


def _watch(daemon: Daemon, names: Sequence[str], interval_s: float) -> None:
    """Until it is interrupted; a daemon that goes is waited for."""
    screen = sys.stdout.isatty()
    if screen:
        print(_HOME + _CLEAR_REST, end="")
    while True:
        try:
            lines = _lines(daemon, names)
        except NoAnswerError as error:
            lines = [str(error)]
        if screen:
            height = shutil.get_terminal_size().lines - 1
            if len(lines) > height:
                lines = [*lines[: height - 1], f"... and {len(lines) - height + 1} lines more"]
            print(
                _HOME + "".join(f"{line}{_CLEAR_LINE}\n" for line in lines) + _CLEAR_REST, end="", flush=True
            )
        else:
            print("\n".join([time.strftime("%Y-%m-%d %H:%M:%S"), *lines, ""]), flush=True)
        time.sleep(interval_s)


def _probe(daemon: Daemon, which: str) -> int:
    """0 and ``live`` or ``ready``; or 1 and why not."""
    response = daemon.begin(f"/health/{which}")
    answer: Any = json.loads(response.read())
    if answer.get("ok"):
        print(which)
        return OK
    why = answer.get("why_not") or [answer.get("error", "the answer tells nothing")]
    print(printable(f"not {which}: {'; '.join(why)}"))
    return NOT_OK


def _seconds(word: str) -> float:
    seconds = float(word)
    if not 0.1 <= seconds <= 3600:
        raise argparse.ArgumentTypeError("from 0.1 to 3600 seconds")
    return seconds


def command_line() -> argparse.ArgumentParser:
    """The words that may stand behind ``status``."""
    made = parser(
        "status",
        "Tells how a running daemon is: virtual routers, pools, what is tracked, its processes.",
        "Exit status: 0; 1 with --live and --ready: it is not; 2 the command line is wrong;"
        " 3 no daemon answers; 4 its socket may not be opened.",
    )
    made.add_argument("names", nargs="*", metavar="NAME", help="only what has this in its name")
    kinds = made.add_mutually_exclusive_group()
    kinds.add_argument("--json", action="store_true", help="the status document (docs/status.schema.json)")
    kinds.add_argument(
        "--watch", nargs="?", type=_seconds, const=WATCH_S, metavar="SECONDS", help="again and again"
    )
    kinds.add_argument("--live", action="store_true", help="whether it works, and no restart would help")
    kinds.add_argument("--ready", action="store_true", help="whether all of its roles run")
    return made
