"""Overrides' place in the daemon: where they are kept, and the roles that they act on."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred, succeed
from twisted.logger import Logger

from kaltwisted.api.overrides import Overrides, Surroundings
from kaltwisted.daemon import directories
from kaltwisted.daemon.role.collector import beside_the_reactor
from kaltwisted.daemon.role.facts import Facts
from kaltwisted.daemon.role.kinds import CHECKERS
from kaltwisted.daemon.roles import Roles
from kaltwisted.ports import Fact, InThread, Note

_log = Logger()


def overrides(roles: Roles, facts: Facts, in_thread: InThread, note: Note) -> Overrides:
    """Those of this daemon, told to its roles as facts; ``note`` hears of changes."""

    def foresee(fact: Fact) -> Deferred[str]:
        runner = roles.running.get(CHECKERS.name)
        return succeed("") if runner is None else runner.foresee(fact)

    def run_checks(target: str) -> Deferred[bytes]:
        runner = roles.running.get(CHECKERS.name)
        return succeed(b"") if runner is None else runner.run_checks(target)

    def gently(call: Callable[[], Any]) -> Deferred[Any]:
        def beside() -> Any:
            with beside_the_reactor():
                return call()

        return in_thread(beside)

    return Overrides(
        _file(roles.configuration.global_defs.instance),
        Surroundings(
            lambda: roles.configuration, facts.publish, foresee, run_checks, gently, time.time, note
        ),
    )


def _file(instance: str | None) -> Path | None:
    directory = directories.state_directory(os.environ, os.geteuid())
    try:
        return directories.prepare_for(directory, instance) / "overrides.json"
    except OSError as error:
        _log.warn("Override: nothing can be overridden, for nothing can be kept: {why}", why=error)
        return None
