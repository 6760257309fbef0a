"""How the kernel treats the process of a role: priority, processors and memory, by its ``ProcessSettings``.

None of it may reach a script: what this process starts is of ordinary policy
and not favoured (SCHED_RESET_ON_FORK), its memory is not locked, and its
limit of real-time turns means nothing to a process that is not real-time.
Only the processors, and a nice value above 0, are inherited.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kaltwisted.config.model_process import ProcessSettings
from kaltwisted.daemon.role.realtime import RealTime
from kaltwisted.daemon.role.system import System


class Scheduling:
    """Makes the present process as it is asked for, now and again at each reload.

    :param role: what the keywords begin with: ``vrrp``, ``checker`` or ``bfd``.
    """

    def __init__(self, role: str, reactor: Any, system: System | None = None) -> None:
        self._role = role
        self._system = system or System()
        self._real_time = RealTime(role, reactor, self._system)
        self._nice_at_start = self._system.nice()
        self._affinity_at_start = self._system.affinity()
        self._locked = False

    @property
    def long_turns(self) -> int:
        """How often a real-time turn was over ``rlimit_rttime``."""
        return self._real_time.long_turns

    def adopt(self, settings: ProcessSettings) -> tuple[str, ...]:
        """Have these settings and no others; what was set before and is not said any more is undone.

        To be called by the main thread.  A line for each keyword that cannot
        be had, with what would help; never an exception.
        """
        return (
            *self._adopt_nice(settings.priority),
            *self._adopt_affinity(settings.cpu_affinity),
            *self._adopt_memory(settings.no_swap),
            # The last: the steps before may take long.
            *self._real_time.adopt(settings.rt_priority, settings.rlimit_rttime),
        )

    def step_up(self, most: int) -> None:
        """A timer came too late: a higher real-time priority from now on, ``most`` at the most."""
        self._real_time.step_up(most)

    def stop(self) -> None:
        """Schedule nothing any more; the process stays as it is."""
        self._real_time.stop()

    def _adopt_nice(self, asked: int | None) -> Iterator[str]:
        value = self._nice_at_start if asked is None else asked
        if self._system.nice() == value:
            return
        try:
            self._system.set_nice(value)
        except OSError as error:
            yield (
                f"{self._role}_priority {value}: {error.strerror}"
                f" (it needs CAP_SYS_NICE, or LimitNICE={value} in the unit)"
            )

    def _adopt_affinity(self, asked: tuple[int, ...]) -> Iterator[str]:
        wanted = frozenset(asked) or self._affinity_at_start
        if self._system.affinity() == wanted:
            return
        keyword = f"{self._role}_cpu_affinity {' '.join(map(str, asked))}".rstrip()
        try:
            self._system.set_affinity(wanted)
        except OSError:
            yield f"{keyword}: this machine has no such processors for us, so nothing is changed"
            return
        missing = wanted - self._system.affinity()
        if missing:
            without = " ".join(map(str, sorted(missing)))
            yield f"{keyword}: this machine has no processor {without} for us; the others are used"

    def _adopt_memory(self, lock: bool) -> Iterator[str]:
        if lock == self._locked:
            return
        needs = "(it needs CAP_IPC_LOCK, or LimitMEMLOCK=infinity in the unit)"
        try:
            if not lock:
                self._system.unlock_memory()
            elif self._system.may_lock_memory():
                self._system.lock_memory()
            else:
                yield f"{self._role}_no_swap: not permitted {needs}"
                return
        except OSError as error:
            yield f"{self._role}_no_swap: {error.strerror} {needs}"
            return
        self._locked = lock
