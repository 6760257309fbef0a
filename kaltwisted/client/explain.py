"""``kaltwisted explain NAME``: why something is as it is."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from kaltwisted.api.explain import UnknownNameError, explain
from kaltwisted.client.asking import NOT_OK, OK, asking, parser


def main(words: Sequence[str], sockets: Sequence[Path]) -> int:
    """Do what the words behind ``explain`` say; returns the exit status."""
    options = command_line().parse_args(words)
    with asking("explain", sockets, options.socket) as asked:
        document = json.loads(asked.daemon.ask("/api/v1/status"))
        try:
            found = explain(document, options.name)
        except UnknownNameError as error:
            near = f"; there is {' and '.join(error.near)}" if error.near else ""
            print(f"kaltwisted explain: {error}{near}", file=sys.stderr)
            return NOT_OK
        if options.json:
            print(json.dumps([{"name": e.name, "kind": e.kind, "sentences": e.sentences} for e in found]))
        else:
            print("\n\n".join("\n".join(each.sentences) for each in found))
    return OK if asked.status is None else asked.status


def command_line() -> argparse.ArgumentParser:
    """The words that may stand behind ``explain``."""
    made = parser(
        "explain",
        "Tells why an instance is not master, a server not in the pool, a tracker bad: in words.",
        "Exit status: 0; 1 nothing has this name; 2 the command line is wrong; 3 no daemon answers;"
        " 4 its socket may not be opened.",
    )
    made.add_argument(
        "name", help="an instance, group, tracker, BFD session or role; a server's id or address"
    )
    made.add_argument("--json", action="store_true", help="as JSON")
    return made
