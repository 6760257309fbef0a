"""MISC_CHECK: a server is good when a script says so by its exit status."""

from __future__ import annotations

from twisted.internet.defer import Deferred
from zope.interface import implementer

from kaltwisted.config import model
from kaltwisted.healthcheck.outcome import Outcome
from kaltwisted.ports import ICheck, IScripts, ScriptResult


@implementer(ICheck)
class MiscCheck:
    """Runs the script; exit status 0 is good.

    With ``dynamic`` 2..255 are good too, and ask for the weight status - 2.
    A script that runs longer than its timeout is ended, whole process group,
    and counts as failed.
    """

    def __init__(self, check: model.MiscCheck, scripts: IScripts) -> None:
        self._check = check
        self._scripts = scripts

    def run(self) -> Deferred[Outcome]:
        """One run of the script (ICheck)."""
        running = self._scripts.run(self._check.script, self._check.timeout_us)
        return running.addCallback(judge, self._check.dynamic)

    def describe(self) -> str:
        """As ICheck asks."""
        return f"script {self._check.script}"


def judge(result: ScriptResult, dynamic: bool) -> Outcome:
    """What a script's end says of the server, in keepalived's words."""
    if result.error is not None:
        return Outcome(False, "failed", detail=f"not started: {result.error}")
    if result.timed_out:
        return Outcome(False, "timed out")
    if result.status is None:
        return Outcome(False, "failed", detail=f"due to signal {result.signal}")
    if result.status == 0:
        return Outcome(True, "succeeded")
    detail = f"exited with status {result.status}"
    if dynamic and result.status >= 2:
        return Outcome(True, "succeeded", weight=result.status - 2, detail=detail)
    return Outcome(False, "failed", detail=detail)
