"""A real-time process that cannot take the machine with it.

RLIMIT_RTTIME counts how long a real-time thread has used the processor without
waiting for anything.  keepalived lets the kernel end it at the limit; for a
process that moves addresses that is worse than what the limit is for.  So at
the (soft) limit we become an ordinary process at once, and real-time again
after a second.  Only the hard limit, far above, ends us: then the interpreter
itself hangs, for it answered no signal.
"""

from __future__ import annotations

import os
from typing import Any

from twisted.internet.interfaces import IDelayedCall
from twisted.logger import Logger

from kaltwisted.daemon.role.system import UNLIMITED, System

# What a turn may take that nobody gave a limit for: longer than a reload, a full garbage collection
# or 250 instances that become master take, which keepalived's own 10 ms are not.
DEFAULT_LIMIT_US = 100_000
LEAST_HARD_LIMIT_US = 10_000_000
PAUSE_S = 1.0
# The kernel's count goes back to 0 when a real-time thread sleeps: the limit counts after a moment.
SETTLE_S = 0.05
LOG_EVERY_S = 60.0
_REAL_TIME = (os.SCHED_RR, os.SCHED_FIFO)


class RealTime:
    """The scheduling policy of the present process; what it starts is ordinary in any case.

    :param role: what the keywords begin with, ``vrrp`` or ``checker``.
    """

    _log = Logger()

    def __init__(self, role: str, reactor: Any, system: System) -> None:
        self._role = role
        self._reactor = reactor
        self._system = system
        self._at_start: tuple[int, int] | None = None
        self._rttime_at_start = UNLIMITED
        self._wanted = (os.SCHED_OTHER, 0)
        self._limit_us: int | None = None
        self._resting = False
        self._next: IDelayedCall | None = None
        self._logged_at: float | None = None
        self._refused = False
        #: How often a turn was over the limit.
        self.long_turns = 0

    def adopt(self, priority: int | None, limit_us: int | None) -> list[str]:
        """Run with SCHED_RR at ``priority``, None: as the process was started; words for what is refused."""
        if self._at_start is None:
            policy, started_with = self._system.policy()
            self._at_start = policy & ~os.SCHED_RESET_ON_FORK, started_with
            self._rttime_at_start = self._system.rttime()[0]
        self.stop()
        self._refused = False
        self._wanted = self._at_start if priority is None else (os.SCHED_RR, priority)
        real_time = self._wanted[0] in _REAL_TIME
        words = []
        if priority is not None or (real_time and limit_us is not None):
            words += self._set_limit(limit_us or DEFAULT_LIMIT_US, said=limit_us is not None)
        elif self._limit_us is not None:
            self._limit_us = None
            self._take_limit_back()
        try:
            self._set_policy(*self._wanted)
        except OSError as error:
            if priority is not None:
                words.append(
                    f"{self._role}_rt_priority {priority}: {error.strerror}"
                    f" (it needs CAP_SYS_NICE, or LimitRTPRIO={priority} in the unit)"
                )
            self._wanted = self._system.policy()
        return words

    def step_up(self, most: int) -> None:
        """Somebody was held up: be real-time, or more so by 1, up to ``most``, until the next ``adopt``."""
        policy, priority = self._wanted
        higher = priority + 1 if policy in _REAL_TIME else 1
        if higher > most or self._resting:
            return
        if self._limit_us is None:
            for line in self._set_limit(DEFAULT_LIMIT_US, said=False):
                self._log.warn("{line}", line=line)
        try:
            self._set_policy(os.SCHED_RR, higher)
        except OSError as error:
            if not self._refused:
                self._log.warn(
                    "max_auto_priority {most}: {why}"
                    " (it needs CAP_SYS_NICE, or LimitRTPRIO={most} in the unit)",
                    most=most,
                    why=error.strerror,
                )
            self._refused = True
            return
        self._wanted = os.SCHED_RR, higher
        self._log.info("Set realtime priority {priority}", priority=higher)

    def stop(self) -> None:
        """Leave the policy as it is, and nothing scheduled."""
        if self._next is not None:
            self._next.cancel()
            self._next = None
        self._resting = False

    # --- at the limit ------------------------------------------------------------------

    def _over(self) -> None:
        """SIGXCPU, amid whatever takes so long: no more than must be done at once."""
        if self._resting or self._limit_us is None:
            return
        self._resting = True
        self.long_turns += 1
        self._set_policy(os.SCHED_OTHER, 0)
        self._reactor.callFromThread(self._rest)

    def _rest(self) -> None:
        if not self._resting or self._next is not None:
            return  # a reload came first
        now = self._reactor.seconds()
        if self._logged_at is None or now - self._logged_at >= LOG_EVERY_S:
            self._logged_at = now
            self._log.warn(
                "A real-time turn took longer than {role}_rlimit_rttime ({limit} us), for the {n}. time:"
                " ordinary priority for {pause:g} s",
                role=self._role,
                limit=self._limit_us,
                n=self.long_turns,
                pause=PAUSE_S,
            )
        self._next = self._reactor.callLater(PAUSE_S, self._resume)

    def _resume(self) -> None:
        self._next = None
        self._resting = False
        try:
            self._set_policy(*self._wanted)
        except OSError as error:
            self._log.warn("No real-time priority any more: {why}", why=error.strerror)
            return
        self._next = self._reactor.callLater(SETTLE_S, self._settled)

    def _settled(self) -> None:
        """Set the limit back, which the kernel has moved by a second when it sent the signal."""
        self._next = None
        if self._limit_us is not None:
            self._system.set_rttime(self._limit_us, self._system.rttime()[1])

    # --- system calls ------------------------------------------------------------------

    def _set_policy(self, policy: int, priority: int) -> None:
        policy &= ~os.SCHED_RESET_ON_FORK
        self._system.set_policy(policy | os.SCHED_RESET_ON_FORK, priority)

    def _take_limit_back(self) -> None:
        soft, hard = self._rttime_at_start, self._system.rttime()[1]
        if hard != UNLIMITED and (soft == UNLIMITED or soft > hard):
            soft = hard
        self._system.set_rttime(soft, hard)

    def _set_limit(self, limit_us: int, *, said: bool) -> list[str]:
        self._system.answer_rttime(self._over)
        hard = self._system.rttime()[1]
        wanted = max(LEAST_HARD_LIMIT_US, 2 * limit_us)
        self._limit_us = limit_us
        try:
            self._system.set_rttime(limit_us, wanted)
        except OSError as error:  # only with CAP_SYS_RESOURCE can it be raised again
            if hard == UNLIMITED:
                self._limit_us = None
                return [
                    f"{self._role}_rlimit_rttime: no limit of real-time turns can be set: {error.strerror}"
                ]
            self._limit_us = min(limit_us, hard // 2)
            self._system.set_rttime(self._limit_us, hard)
        if self._limit_us == limit_us or not said:
            return []
        return [
            f"{self._role}_rlimit_rttime {limit_us}: {self._limit_us} is used, for the hard limit is {hard}"
            " (raising it needs CAP_SYS_RESOURCE, or a restart, or another LimitRTTIME= in the unit)"
        ]
