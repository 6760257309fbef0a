"""The service around a check that is not asked time and again, but hears when there is something new."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kaltwisted.healthcheck.service import CheckService
from kaltwisted.ports import ICheck, IHeardCheck


class HeardCheckService(CheckService):
    """Runs its check at the start, and then whenever that hears of something.

    It has no schedule, and while it is paused it hears nothing; what it has
    missed it finds when it goes on.
    """

    check: IHeardCheck
    _leave: Callable[[], None] | None = None

    def stopService(self) -> None:
        """Hear no more."""
        if self._leave is not None:
            self._leave()
            self._leave = None
        super().stopService()

    def resume(self) -> None:
        """Find out what is new."""
        self.is_paused = False
        self._turned()

    def _begin(self) -> None:
        self._leave = self.check.follow(self._turned)
        self._turned()

    def _turned(self) -> None:
        if not self.is_paused:
            self.run_now()

    def _arm(self, due: float, now: float) -> None:
        """It waits for word and not for its time."""


def check_service(check: ICheck, *arguments: Any, **named: Any) -> CheckService:
    """The service that a check takes; arguments as for ``CheckService``."""
    make = HeardCheckService if IHeardCheck.providedBy(check) else CheckService
    return make(check, *arguments, **named)
