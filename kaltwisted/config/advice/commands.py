"""Advice on commands, which run without a shell."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePath
from typing import TYPE_CHECKING

from kaltwisted.config.advice.kinds import SHELL_WORDS
from kaltwisted.config.model import MiscCheck, Position, Script

if TYPE_CHECKING:
    from kaltwisted.config.findings import Finding
    from kaltwisted.config.model import Configuration
    from kaltwisted.config.written import Written

_SIGNS = frozenset(("|", "||", "&&", "&", ";", "<", ">", ">>", "2>", "2>>", "&>", "2>&1", "1>&2"))
_REDIRECTIONS = (">/", ">>/", "2>/", "1>/", "&>/", "</")
# Programs for which these signs are words like any other, or that hand them to a shell.
_TAKE_SIGNS = frozenset(("sh", "bash", "dash", "ash", "ksh", "zsh", "ssh", "expr", "find", "test", "["))


def shell_words(configuration: Configuration, written: Written) -> Iterator[Finding]:
    """``|``, ``>/dev/null``, ``&&``, or a ``;`` behind a word."""
    told: set[Script] = set()
    for script, keyword, where in _scripts(configuration):
        sign = _sign(script)
        if sign is None or script in told or not written.is_sound(where):
            continue
        told.add(script)
        yield written.advise(
            SHELL_WORDS,
            written.spot(where, keyword, word=1),
            f"`{sign}` is handed to {script.argv[0]} as an argument: commands run without a shell",
            expected="a script of its own that does this",
        )


def _sign(script: Script) -> str | None:
    """The first word that only a shell would understand."""
    program, *words = script.argv
    if PurePath(program).name in _TAKE_SIGNS:
        return None
    for word in (program, *words):
        if word in _SIGNS or word.startswith(_REDIRECTIONS) or (word.endswith(";") and len(word) > 1):
            return word
    return None


def _scripts(configuration: Configuration) -> Iterator[tuple[Script, str, Position | None]]:
    """Every command, its keyword, and the block it stands in."""
    for each in configuration.vrrp_scripts:
        yield each.script, "script", each.where
    for instance in configuration.vrrp_instances:
        for keyword, script in instance.notify.items():
            yield script, keyword, instance.where
    for group in configuration.vrrp_sync_groups:
        for keyword, script in group.notify.items():
            yield script, keyword, group.where
    for service in configuration.virtual_servers:
        if service.quorum_up is not None:
            yield service.quorum_up, "quorum_up", service.where
        if service.quorum_down is not None:
            yield service.quorum_down, "quorum_down", service.where
        for server in service.real_servers:
            if server.notify_up is not None:
                yield server.notify_up, "notify_up", server.where
            if server.notify_down is not None:
                yield server.notify_down, "notify_down", server.where
            for check in server.checks:
                if type(check) is MiscCheck:
                    yield check.script, "misc_path", check.where


RULES = (shell_words,)
