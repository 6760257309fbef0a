"""docs/commands.md is made of what the commands are, and the daemon's help names them all."""

from __future__ import annotations

import re
from pathlib import Path

from kaltwisted.daemon.command import COMMANDS
from kaltwisted.daemon.options import HELP
from tools import commands

PAGE = Path(__file__).parents[2] / commands.NAME


def test_the_page_is_as_the_commands_are() -> None:
    assert PAGE.read_text(encoding="utf-8") == commands.text(), "make commands"


def test_each_command_has_its_options_on_the_page() -> None:
    assert set(COMMANDS) == set(commands.TEXTS) | set(commands.PARSERS)


def test_the_help_names_each_command() -> None:
    usage = HELP.partition("Commands:")[0]
    assert [word for word in COMMANDS if not re.search(rf"\b{re.escape(word)}\b", usage)] == []
