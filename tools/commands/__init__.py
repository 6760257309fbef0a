"""``python -m tools.commands``: docs/commands.md, made of what the commands themselves read and say.

A test holds the page against it, so a command or an option that is new is told of.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, Final

from kaltwisted.client import events, explain, status, steer, token
from kaltwisted.daemon import check, command, config, options, simulate
from kaltwisted.genhash.options import Options as GenhashOptions

NAME: Final = "docs/commands.md"

TEXTS: Final[Mapping[str, str]] = {
    "check": check.HELP,
    "config": config.HELP,
    "simulate": simulate.HELP,
    "token": token.HELP,
}
"""Commands with a help of their own words."""

PARSERS: Final[Mapping[str, Callable[[], argparse.ArgumentParser]]] = {
    "status": status.command_line,
    "explain": explain.command_line,
    "events": events.command_line,
    **{word: partial(steer.command_line, word) for word in command.STEERING},
}
"""Commands that argparse reads."""

PAGES: Final = {
    "check": "[operating](operating.md#start-and-stop), [advice](advice.md)",
    "config": "[other formats](configuration.md#other-formats)",
    "simulate": "[rehearsing](rehearsing.md)",
    **dict.fromkeys(("status", "explain", "events"), "[asking a daemon for its state](status.md)"),
    **dict.fromkeys(command.STEERING, "[steering it live](operating.md#steering-it-live)"),
}
"""Where to read more."""

_HEAD = """\
# Commands

<!-- Made by python -m tools.commands, of the commands' own tables of options. -->

`kaltwisted` without one of the words below is the daemon. Every command takes `--help`.
What their exit statuses mean: [files, sockets and exit statuses](files.md#exit-statuses).
"""


def text() -> str:
    """The whole page."""
    return "\n".join((_HEAD, *_sections()))


def _sections() -> Iterator[str]:
    yield _section("kaltwisted", _quoted(options.HELP.partition("\n")[2]))
    for word in command.COMMANDS:
        shown = _quoted(TEXTS[word]) if word in TEXTS else _described(PARSERS[word]())
        more = f"\nSee {PAGES[word]}.\n" if word in PAGES else ""
        yield _section(f"kaltwisted {word}", shown + more)
    yield _section("genhash", _genhash())


def _genhash() -> str:
    """Its table.  (usage.Options would put in the docstring of whatever program runs.)"""
    rows: Any = (*GenhashOptions.optFlags, *GenhashOptions.optParameters)
    described = "".join(_genhash_row(*row) for row in rows)
    return f"{_quoted(GenhashOptions.synopsis)}\n| | |\n|---|---|\n{described}"


def _genhash_row(long: str, short: str | None, *rest: str) -> str:
    """A flag has words behind its names, a parameter a default and words."""
    value = " VALUE" if len(rest) == 2 else ""
    names = (f"`-{short}{value}`, " if short else "") + f"`--{long}{value}`"
    return f"| {names} | {rest[-1]} |\n"


def _section(name: str, shown: str) -> str:
    return f"## `{name}`\n\n{shown}"


def _quoted(words: str) -> str:
    return f"```text\n{words.strip()}\n```\n"


def _described(parser: argparse.ArgumentParser) -> str:
    """A parser's table.  (Its own help looks another way in each version of Python.)"""
    actions = [action for action in parser._actions if action.dest != "help"]
    rows = "".join(f"| {_words(action)} | {action.help} |\n" for action in actions)
    epilog = "" if parser.epilog is None else f"\n{parser.epilog}\n"
    return f"{parser.description}\n\n| | |\n|---|---|\n{rows}{epilog}"


def _words(action: argparse.Action) -> str:
    """How an argument or option is written."""
    value = "" if action.nargs == 0 else str(action.metavar or action.dest.upper())
    if not action.option_strings:
        return f"`{value}`" + (", several or none" if action.nargs == "*" else "")
    if action.nargs == "?":
        value = f"[{value}]"
    return ", ".join(f"`{f'{option} {value}'.strip()}`" for option in action.option_strings)
