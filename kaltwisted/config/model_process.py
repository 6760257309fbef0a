"""What ``global_defs`` says of one process of the daemon: how the kernel is to treat it, and its name."""

from __future__ import annotations

import attrs


@attrs.frozen
class ProcessSettings:
    """``vrrp_*``, ``checker_*`` or ``bfd_*`` of one role's process.  ``None`` means "not given".

    ``priority``: the nice value, -20 to 19.  ``no_swap``: its memory stays in
    RAM.  ``rt_priority``: 1 to 99, SCHED_RR.  ``cpu_affinity``: the only
    processors it runs on, in order; empty: any.  ``rlimit_rttime``: the
    longest real-time turn, in microseconds, for it is written so.
    """

    priority: int | None = None
    no_swap: bool = False
    rt_priority: int | None = None
    cpu_affinity: tuple[int, ...] = ()
    rlimit_rttime: int | None = None
    process_name: str | None = None
