"""The seams between rooms, as zope interfaces: who provides what to whom.

Pure values cross them; providers are thin adapters, and ``kaltwisted.testing``
has a public fake of each.  Time is Twisted's own ``IReactorTime``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs
from zope.interface import Attribute, Interface

if TYPE_CHECKING:
    from twisted.internet.defer import Deferred

    from kaltwisted.config.model import Script
    from kaltwisted.healthcheck.outcome import Outcome
    from kaltwisted.lvs.table import Applied, Table


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


class IDataPlane(Interface):
    """What forwards the clients' packets: the kernel's IPVS, or our balancer in userspace (lvs/)."""

    name: str = Attribute("``ipvs`` or ``userspace``, as logs and status show it")

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
