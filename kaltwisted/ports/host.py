"""Seams of what a host does for us: checks, the data plane, scripts, mail, its processes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Final, TypeAlias

import attrs
from zope.interface import Attribute, Interface

if TYPE_CHECKING:
    from twisted.internet.defer import Deferred

    from kaltwisted.config.model import Script
    from kaltwisted.healthcheck.outcome import Outcome
    from kaltwisted.lvs.table import Applied, ServiceKey, Table


@attrs.frozen
class Fact:
    """What one role knows and another acts on: that a BFD session is up, that a virtual server has quorum.

    ``kind``, ``name``: what it is about, as configurations call it.  ``value``: 1 for good, 0 for bad, or
    another number where the kind has one; None: nobody knows, for who did is gone.
    """

    kind: str
    name: str
    value: int | None


BFD_SESSION: Final = "bfd"
"""The kind of fact whose names are ``bfd_instance``s: 1 while the session is up."""


TRACKED_FILE: Final = "track_file"
"""The kind of fact whose names are ``track_file``s: the number in it.  It stays in the role that reads it."""


@attrs.frozen
class Unreadable:
    """A file that is there and cannot be read; in words."""

    why: str


class IWatchedFiles(Interface):
    """Small files that others write, wherever their names lead (kernel/watched_files.py)."""

    def watch(paths: Iterable[str], heard: Callable[[str, bytes | Unreadable], object]) -> None:
        """Watch exactly these from now on.

        ``heard`` is told what each new one begins with, before this returns, and
        then whenever one may have changed; a file that is not there is empty.
        """

    def stop() -> None:
        """Watch none."""


VIRTUAL_SERVER: Final = "virtual_server"
"""The kind of fact whose names are virtual servers: 1 while there is quorum, once all checks have run."""


class ICheck(Interface):
    """One way of asking one real server whether it works (healthcheck/)."""

    def run() -> Deferred[Outcome]:
        """Make one attempt.

        Whatever the server does is an Outcome, never a failure.  The attempt
        ends by itself at its configured timeout; cancelling the Deferred ends
        it at once and leaves no connection, process or delayed call behind.
        """

    def describe() -> str:
        """What is checked and how, in a few words for people."""


class IHeardCheck(ICheck):
    """A check that hears when there is something new, and is not run until then."""

    def follow(turned: Callable[[], object]) -> Callable[[], None]:
        """Have ``turned`` called whenever a run may find something else, until the result is called."""


class IDataPlane(Interface):
    """What forwards the clients' packets: the kernel's IPVS, or our balancer in userspace (lvs/)."""

    name: str = Attribute("``ipvs`` or ``userspace``, as logs and status show it")
    ours: frozenset[ServiceKey] = Attribute(
        "The services in place that we made, in this life or an earlier one; the rest is foreign"
    )

    def start() -> Deferred[Table]:
        """Get ready.  Fires with the services found in place: ours of an earlier life, and foreign ones."""

    def apply(desired: Table) -> Deferred[Applied]:
        """Make it so, with the fewest changes; one call at a time.

        Services that were desired before (by this process or the one before
        it) and no longer are, are removed; foreign ones are left alone.
        """

    def snapshot() -> Deferred[Table]:
        """What is there now, all of it, read afresh; the next ``apply`` starts from it."""

    def stop(*, keep: bool) -> Deferred[None]:
        """Let go: our services are removed, or with ``keep`` stay as they are (keepalived -I)."""


@attrs.frozen
class ScriptResult:
    """How a script ended: one of ``status`` and ``signal`` is set unless it could not be started.

    ``error``: why it could not be started.  ``timed_out``: we ended it.
    """

    status: int | None = None
    signal: int | None = None
    timed_out: bool = False
    error: str | None = None


class IScripts(Interface):
    """Runs scripts (alerts/scripts.py)."""

    def run(
        script: Script, timeout_us: int | None = None, arguments: tuple[str, ...] = ()
    ) -> Deferred[ScriptResult]:
        """Run it with ``arguments`` appended, in a process group of its own.

        At the timeout the whole group gets TERM, then KILL.  Cancelling the
        Deferred does the same.  Never fails for what the script does.
        """


@attrs.frozen
class Mail:
    """An alert: keepalived's subject (without ``[router_id]``, which the mailer puts in front) and body."""

    subject: str
    body: str


class IMailer(Interface):
    """Sends alerts (alerts/mail.py)."""

    def send(mail: Mail) -> Deferred[bool]:
        """Queue it for every recipient.  Fires with whether it was delivered; never fails."""


@attrs.frozen
class Process:
    """A process of this host: the kernel's name of it (15 bytes at most), and its command line if known."""

    name: str
    command: tuple[str, ...] = ()


@attrs.frozen
class ProcessForked:
    """A process has made another, which is still what its parent is."""

    parent: int
    child: int


@attrs.frozen
class ProcessChanged:
    """A process runs another program, or has another name."""

    pid: int


@attrs.frozen
class ProcessGone:
    """A process has ended."""

    pid: int


@attrs.frozen
class ProcessesUnknown:
    """Events may be missing: whoever counts looks at all processes again."""


ProcessEvent: TypeAlias = ProcessForked | ProcessChanged | ProcessGone | ProcessesUnknown


class IProcesses(Interface):
    """The processes of this host, live (kernel/process_events.py)."""

    def start(heard: Callable[[ProcessEvent], object]) -> None:
        """Tell ``heard`` of every event from now on; the first is that all are unknown."""

    def stop() -> None:
        """Tell no more."""

    def pids() -> frozenset[int]:
        """The processes there are now."""

    def look(pid: int, *, command: bool) -> Process | None:
        """A process as it is now, with its command line if asked for; None: it is gone."""
