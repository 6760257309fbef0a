"""The seams of roles: what one is, and what runs one, in this process or in one of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from enum import Enum
from typing import TYPE_CHECKING, Any, TypeAlias

import attrs
from twisted.application.service import IService
from zope.interface import Attribute, Interface

from kaltwisted.config.diff import BLOCKS as _BLOCKS
from kaltwisted.config.diff import Changes, Part

if TYPE_CHECKING:
    from twisted.internet.defer import Deferred

    from kaltwisted.config.model import Configuration
    from kaltwisted.config.model_process import ProcessSettings
    from kaltwisted.daemon.role.facts import Learn
    from kaltwisted.daemon.settings import Settings
    from kaltwisted.ports import Fact, Note
    from kaltwisted.vrrp.lateness import Lateness


# keepalived's exit statuses of a daemon that cannot do its work.
FATAL = 1
CONFIG_ERROR = 2
MISSING_PERMISSION = 4
PERMANENT = {FATAL: "FATAL", CONFIG_ERROR: "CONFIG", MISSING_PERMISSION: "MISSING PERMISSION"}
"""Ends that trying again does not help, and keepalived's words for them."""


class Report(Enum):
    """What can be asked of a role; the values of the first three, which are keepalived's, are file endings.

    ``STATUS``: its part of the status document.  ``PROCESS``: an object about the process that it runs in.
    """

    DATA = "data"
    STATISTICS = "stats"
    JSON = "json"
    STATUS = "status"
    PROCESS = "process"


Tell: TypeAlias = Callable[[str], object]
"""Takes whole lines for the notify FIFOs."""


class IRole(IService):
    """A part of the daemon that runs one part of the configuration, and can be given another."""

    lateness: Lateness | None = Attribute("how late its timers come; None: not counted")

    def apply(changes: Changes) -> Deferred[None]:
        """Run ``changes.configuration`` from now on, with no more changed than differs.

        Fires when all is in effect; never fails for what the world refuses.
        """

    def let_go() -> None:
        """The supervisor has died: at the stop that follows leave to its successor what he can adopt."""

    def learn(fact: Fact) -> None:
        """A fact of a kind that it hears: before its start what is known, and later every change."""

    def foresee(fact: Fact) -> str:
        """What it would cost, in words, if a fact that it hears were that; empty: nothing that is known."""

    def run_checks(target: str) -> Deferred[str]:
        """Make an attempt now of each check of a server (``config.identity``); the results as JSON."""

    def data() -> Iterator[str]:
        """All there is to know, line by line in keepalived's layout (USR1)."""

    def statistics() -> Iterator[str]:
        """The counters, likewise (USR2)."""

    def json(version: int) -> Iterator[str]:
        """Data and counters for programs, in keepalived's layout of that number; pieces of one text."""

    def status() -> Iterator[str]:
        """Its part of the status document, for people and programs of today; pieces of one JSON text."""

    def clear_statistics() -> None:
        """Count from zero."""


class RoleError(Exception):
    """A role cannot run here; in words, with what would help.

    :param status: what a process ends with for it.
    """

    def __init__(self, words: str, status: int = FATAL) -> None:
        super().__init__(words)
        self.status = status


@attrs.frozen
class RoleKind:
    """A role that there may be.

    ``name``: in commands and file names.
    ``title``, ``ident``: keepalived's words for it in log lines and in front of them.
    ``work``: fields of a configuration of which one must not be empty for it to be needed.
    ``concerns``: the fields that it reads besides ``global_defs``.
    ``keyword``: what its settings in ``global_defs`` begin with.
    ``capabilities``: what a process of it may do beyond what any may.
    ``make``: builds it on a reactor, raising ``RoleError`` where it cannot run; its last arguments take
    the facts that it publishes, its lines for notify FIFOs, and its state changes.
    ``tells``, ``hears``: the kinds of facts that it publishes, and that it acts on.
    ``report_slice_s``: of a turn of its reactor for reports: what else is due has to find room beside it.
    """

    name: str
    title: str
    ident: str
    keyword: str
    capabilities: frozenset[str]
    work: tuple[str, ...]
    concerns: frozenset[str]
    make: Callable[[Settings, Configuration, Any, Learn, Tell, Note], IRole]
    tells: frozenset[str] = frozenset()
    hears: frozenset[str] = frozenset()
    report_slice_s: float = 0.002

    def needed(self, configuration: Configuration) -> bool:
        """Whether a configuration has work for it."""
        return any(getattr(configuration, field) for field in self.work)

    def process(self, configuration: Configuration) -> ProcessSettings:
        """How its process shall be treated."""
        settings: ProcessSettings = getattr(configuration.global_defs, f"{self.keyword}_process")
        return settings

    def part(self, configuration: Configuration) -> Configuration:
        """A configuration without what does not concern it."""
        nothing: dict[str, Any] = dict.fromkeys(_BLOCKS - self.concerns, ())
        return attrs.evolve(configuration, **nothing)

    def part_of(self, changes: Changes) -> Changes:
        """Changes without those that do not concern it."""
        nothing: dict[str, Any] = dict.fromkeys(_BLOCKS - self.concerns, Part[Any]())
        return attrs.evolve(changes, configuration=self.part(changes.configuration), **nothing)


class Standing(Enum):
    """How the process of a role is, as the status document says it."""

    STARTING = "starting"
    RUNNING = "running"
    DEAD = "dead"


@attrs.frozen
class Life:
    """A role's process.  ``pid`` None: there is none.  ``since``: of ``standing``, by the reactor's clock."""

    standing: Standing
    pid: int | None
    since: float
    restarts: int = 0


class IRunner(Interface):
    """Runs a role of one kind, in this process or as another one."""

    def prepare(configuration: Configuration) -> Deferred[None]:
        """Get ready to run ``configuration``; fails with ``RoleError`` where that cannot be."""

    def start() -> Deferred[None]:
        """Run what was prepared."""

    def apply(changes: Changes) -> Deferred[None]:
        """Go over to another configuration; fires when it is in effect."""

    def stop() -> Deferred[None]:
        """End; fires when all is handed over and nothing is left running.  Also before ``start``."""

    life: Life = Attribute("its process")

    def report(report: Report, version: int = 1) -> Deferred[bytes]:
        """The text of a report; nothing where the role is not running.  ``version``: of the JSON."""

    def clear_statistics() -> Deferred[None]:
        """Count from zero."""

    def foresee(fact: Fact) -> Deferred[str]:
        """As the role says; nothing where it is not running."""

    def run_checks(target: str) -> Deferred[bytes]:
        """As the role says; nothing where it is not running."""
