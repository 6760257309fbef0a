"""Fakes of what tells the world: scripts that run nothing, mails that go nowhere."""

from __future__ import annotations

import attrs
from twisted.internet.defer import Deferred
from zope.interface import implementer

from kaltwisted.config.model import Script
from kaltwisted.ports import IMailer, IScripts, Mail, ScriptResult


@attrs.define(eq=False)
class FakeRun:
    """A script that was asked for; the test says how it ends, ``cancelled`` tells that the asker gave up."""

    script: Script
    timeout_us: int | None
    arguments: tuple[str, ...]
    done: Deferred[ScriptResult] = attrs.field(init=False)
    cancelled: bool = False

    def __attrs_post_init__(self) -> None:
        self.done = Deferred(self._cancel)

    def _cancel(self, _: Deferred[ScriptResult]) -> None:
        self.cancelled = True

    def end(self, result: ScriptResult = ScriptResult(status=0)) -> None:  # noqa: B008 - frozen
        """The script has ended with ``result``."""
        self.done.callback(result)


@implementer(IScripts)
class FakeScripts:
    """Records what should run.  With ``result`` all ends with it at once, else by ``FakeRun.end``."""

    def __init__(self, result: ScriptResult | None = None) -> None:
        self.result = result
        self.runs: list[FakeRun] = []

    def run(
        self, script: Script, timeout_us: int | None = None, arguments: tuple[str, ...] = ()
    ) -> Deferred[ScriptResult]:
        """Record it."""
        run = FakeRun(script, timeout_us, arguments)
        self.runs.append(run)
        if self.result is not None:
            run.end(self.result)
        return run.done


@implementer(IMailer)
class FakeMailer:
    """Records the mails; ``deliver`` is what their senders are told."""

    def __init__(self, deliver: bool = True) -> None:
        self.deliver = deliver
        self.mails: list[Mail] = []

    def send(self, mail: Mail) -> Deferred[bool]:
        """Record it."""
        self.mails.append(mail)
        done: Deferred[bool] = Deferred()
        done.callback(self.deliver)
        return done
