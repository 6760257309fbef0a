"""Words that advice is made of."""

from __future__ import annotations

from kaltwisted.config.model import SECOND_US


def seconds(duration_us: int) -> str:
    """A duration as one would write it: ``3``, ``0.5``."""
    return f"{duration_us / SECOND_US:g}"


def others(count: int, what: str = "") -> str:
    """Of how many more the same is true: ``, nor have 3 others``; nothing for none."""
    if not count:
        return ""
    if what:
        return f" (so with {count} more {what}{'s' if count > 1 else ''})"
    return f", nor {'has one other' if count == 1 else f'have {count} others'}"
