"""``kaltwisted events``: what has happened, and with ``--follow`` what happens."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from kaltwisted.client.asking import OK, asking, parser
from kaltwisted.client.connection import Daemon, NoAnswerError
from kaltwisted.client.paint import Paint, wanted

SILENCE_S: Final = 40.0
"""A daemon shows every 15 seconds that it is there."""
AGAIN_S: Final = 2.0

_GOOD: Final = ("MASTER", "up", "Up", "good", "running", "applied")
_BAD: Final = ("FAULT", "down", "Down", "bad", "dead", "refused")


def main(words: Sequence[str], sockets: Sequence[Path]) -> int:
    """Do what the words behind ``events`` say; returns the exit status."""
    options = command_line().parse_args(words)
    with asking("events", sockets, options.socket) as asked:
        paint = Paint(wanted(sys.stdout, os.environ))
        found = _follow(asked.daemon) if options.follow else _kept(asked.daemon)
        for event in found:
            if not options.names or any(name in event["name"] for name in options.names):
                print(json.dumps(event) if options.json else line(event, paint), flush=options.follow)
    return OK if asked.status is None else asked.status


def _kept(daemon: Daemon) -> Iterator[Any]:
    answer = json.loads(daemon.ask("/api/v1/events", accept="application/json"))
    if answer["missed"]:
        print("(what was before that is kept no more)", file=sys.stderr)
    yield from answer["events"]


def _follow(daemon: Daemon) -> Iterator[Any]:
    """What is kept, and from there on for ever; a daemon that goes is waited for."""
    after = "0"
    reached = False
    while True:
        try:
            for name, data in _stream(daemon, after):
                reached = True
                if name == "missed":
                    print("(some events were missed)", file=sys.stderr)
                    continue
                event = json.loads(data)
                after = str(event["id"])
                yield event
        except NoAnswerError:
            if not reached:
                raise
        time.sleep(AGAIN_S)


def _stream(daemon: Daemon, after: str) -> Iterator[tuple[str, str]]:
    """Server-sent events: name and data of each, until the daemon goes."""
    response = daemon.begin("/api/v1/events", {"after": after}, timeout=SILENCE_S)
    fields: dict[str, str] = {}
    try:
        for raw in response:
            field, _, value = raw.decode().rstrip("\n").partition(": ")
            if field:
                fields[field] = value
                continue
            if "data" in fields:
                yield fields.get("event", ""), fields["data"]
            fields = {}
    except OSError:
        return


def line(event: Any, paint: Paint) -> str:
    """``2026-11-30 20:52:12.047  instance one: BACKUP -> MASTER (why)``."""
    at = event["at"]
    when = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(at)) + f"{at % 1:.3f}"[1:]
    to = event["to"]
    how = "good" if to in _GOOD else "bad" if to in _BAD else ""
    before = "" if event["from"] is None else f"{event['from']} -> "
    why = "" if event["why"] is None else paint(f" ({event['why']})", "dim")
    kind = event["kind"].replace("_", " ")
    what = f"{kind} {event['name']}" if event["kind"] != "tracker" else event["name"]
    return f"{paint(when, 'dim')}  {paint(what)}: {before}{paint(to, how)}{why}"


def command_line() -> argparse.ArgumentParser:
    """The words that may stand behind ``events``."""
    made = parser(
        "events",
        "Tells what has happened: states of virtual routers, servers, checks, trackers, roles; reloads.",
        "Exit status: 0; 2 the command line is wrong; 3 no daemon answers; 4 its socket may not be opened.",
    )
    made.add_argument("names", nargs="*", metavar="NAME", help="only of what has this in its name")
    made.add_argument("--follow", "-f", action="store_true", help="and go on with what happens")
    made.add_argument("--json", action="store_true", help="one JSON object a line")
    return made
