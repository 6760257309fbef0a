"""Which processes a script has started: what /proc tells about them."""

from __future__ import annotations

from pathlib import Path

_PROC = Path("/proc")


def family(pid: int, proc: Path = _PROC) -> tuple[int, ...]:
    """``pid`` and its descendants, as far as the kernel tells (CONFIG_PROC_CHILDREN)."""
    found = [pid]
    for member in found:  # grows while it is walked
        try:
            found += map(int, (proc / f"{member}/task/{member}/children").read_text().split())
        except OSError:
            continue
    return tuple(found)


def working(pid: int, group: int, proc: Path = _PROC) -> bool:
    """Whether ``pid`` is in the process group ``group`` and no zombie."""
    try:
        # "pid (name) state parent group ...": the name may hold anything, parentheses too.
        state, _, number = (proc / f"{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()[:3]
    except (OSError, ValueError):
        return False
    return state not in "ZX" and int(number) == group
