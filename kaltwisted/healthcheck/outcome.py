"""What a check found, and what the retry rule made of it."""

from __future__ import annotations

import attrs


@attrs.frozen
class Outcome:
    """The result of one attempt of a check.

    ``reason``: in words, for log and status, such as ``Timeout connecting``:
    those that keepalived puts before ``server S`` in its log.
    ``detail``: what was found exactly, such as ``status 503 for /index.html``.
    ``weight``: what a dynamic MISC_CHECK asks for; None leaves the weight alone.
    """

    good: bool
    reason: str = ""
    weight: int | None = None
    detail: str = ""

    @property
    def words(self) -> str:
        """All of it."""
        reason = self.reason or ("success" if self.good else "failed")
        return f"{reason} ({self.detail})" if self.detail else reason


@attrs.frozen
class Verdict:
    """A change that the retry rule decided on: a checker now counts as good or as failed.

    ``summary`` is the line of a mail's body (``=> TCP CHECK failed on service <=``).
    A Verdict with ``up`` and a ``weight`` may also stand for a changed weight alone.
    ``why``: what the check found, in words.
    """

    up: bool
    summary: str
    weight: int | None = None
    why: str = ""
