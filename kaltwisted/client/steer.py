"""``kaltwisted drain``, ``yield``, …: change what a running daemon does, and give it back.

Names can be abbreviated: the daemon finds what is meant, or tells what it might be.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from kaltwisted.client.asking import NO_ANSWER, NOT_OK, OK
from kaltwisted.client.connection import Daemon, NoAnswerError, RefusedError

OVERRIDES: Final = "/api/v1/overrides"
CHECKS_S: Final = 600.0
"""How long checks may take that were asked for: as long as their time-outs are."""
CONFIGURED: Final = "configured"

_SERVER = "a real server: 10.0.0.1:80 where that is one alone, or tcp/192.0.2.1:80/10.0.0.1:80"
_ANY_SERVER = f"{_SERVER}; or all of a virtual server: tcp/192.0.2.1:80"
_ROUTER = "a VRRP instance or sync group"

ACTIONS: Final = {
    "drain": ("Weight 0: its connections live on, and it gets no others.", _SERVER),
    "disable": ("Out of the pool, with its connections.", _SERVER),
    "enable": ("In service again, as its checks say: no longer drained or disabled.", _SERVER),
    "weight": ("Another weight than the configured or checked one.", _SERVER),
    "pause": ("Its checks stand still, and it stays as it is, in or out.", _ANY_SERVER),
    "resume": ("Its checks go on.", _ANY_SERVER),
    "yield": ("Leave the addresses to any other router that is there, and be its backup.", _ROUTER),
    "prefer": ("Take the addresses at once, and keep them.", _ROUTER),
    "release": ("Give back all that is overridden.", f"{_ROUTER}, or a server"),
}
"""What each does, and to whom; the daemon's words are the same."""


def main(words: Sequence[str], sockets: Sequence[Path]) -> int:
    """Do what the words of a command line say, the command first; returns the exit status."""
    command = words[0]
    options = command_line(command).parse_args(words[1:])
    daemon = Daemon(sockets if options.socket is None else (options.socket,))
    try:
        if command == "overrides":
            return _list(daemon, as_json=options.json)
        if command == "run-check":
            return _run_checks(daemon, options.target, as_json=options.json)
        return _steer(daemon, command, options)
    except NoAnswerError as error:
        print(f"kaltwisted {command}: {error}", file=sys.stderr)
        return error.status
    except RefusedError as error:
        print(f"kaltwisted {command}: {error}", file=sys.stderr)
        return NOT_OK if 400 <= error.code < 500 else NO_ANSWER


def command_line(command: str) -> argparse.ArgumentParser:
    """The words that may stand behind ``command``."""
    parser = argparse.ArgumentParser(f"kaltwisted {command}")
    parser.add_argument("--socket", type=Path, help="the daemon's socket")
    if command in ACTIONS:
        parser.description, whom = ACTIONS[command]
        parser.add_argument("target", help=whom)
        parser.add_argument("--reason", default="", help="why, for the log and for who comes after you")
        if command == "weight":
            parser.add_argument("weight", type=_weight, help=f"a number, or {CONFIGURED}")
        if command in ("drain", "disable", "weight"):
            parser.add_argument(
                "--force", action="store_true", help="also where it leaves the pool without quorum"
            )
        return parser
    parser.add_argument("--json", action="store_true", help="for programs")
    if command == "overrides":
        parser.description = "Tells what operators have changed, until it is given back."
    else:
        parser.description = "Has the checks of a server run now; ends with 1 if one of them fails."
        parser.add_argument("target", help=_ANY_SERVER)
    return parser


def _weight(word: str) -> int | None:
    return None if word == CONFIGURED else int(word)


def _steer(daemon: Daemon, command: str, options: argparse.Namespace) -> int:
    wish: dict[str, Any] = {"target": options.target, "action": command, "reason": options.reason}
    if command == "weight" and options.weight is None:
        wish["action"] = "unweight"
    elif command == "weight":
        wish["value"] = options.weight
    if getattr(options, "force", False):
        wish["force"] = True
    answer = daemon.change("PUT", OVERRIDES, wish)
    for override in answer.get("overrides", ()):
        print(f"{_words(override)} {override['target']}")
    for override in answer.get("removed", ()):
        print(f"no longer: {_words(override)} {override['target']}")
    return OK


def _words(override: dict[str, Any]) -> str:
    value = override["value"]
    return str(override["action"]) if value is None else f"{override['action']} {value}"


def _list(daemon: Daemon, *, as_json: bool) -> int:
    text = daemon.ask(OVERRIDES)
    if as_json:
        sys.stdout.buffer.write(text)
        return OK
    overrides = json.loads(text)["overrides"]
    if not overrides:
        print("nothing is overridden")
    rows = [
        (
            _words(each),
            each["target"] + ("" if each["configured"] else "  (without target: not configured now)"),
            time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(each["at"])),
            each["by"],
            each["reason"],
        )
        for each in overrides
    ]
    _print(rows)
    return OK


def _run_checks(daemon: Daemon, target: str, *, as_json: bool) -> int:
    checks = daemon.change("POST", "/api/v1/checks/run", {"target": target}, CHECKS_S)["checks"]
    if as_json:
        print(json.dumps(checks))
    elif not checks:
        print(f"{target} has no checks")
    else:
        _print(
            [
                (
                    {True: "good", False: "bad"}.get(each["good"], "none"),
                    each["server"],
                    f"{each['kind']} {each['target']}",
                    each["result"],
                    "" if each["latency_ms"] is None else f"{each['latency_ms']:.1f} ms",
                    f"counts as {'up' if each['up'] else 'down'}{', paused' if each['paused'] else ''}",
                )
                for each in checks
            ]
        )
    return OK if all(each["good"] for each in checks) else NOT_OK


def _print(rows: Sequence[Sequence[str]]) -> None:
    """In columns."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        print("  ".join(word.ljust(width) for word, width in zip(row, widths, strict=True)).rstrip())
