"""What the kernel can be told of the present process: the system calls behind ``scheduling``, as a seam."""

from __future__ import annotations

import errno
import os
import resource
import signal
from collections.abc import Callable
from types import FrameType

from kaltwisted.daemon.role.capabilities import held
from kaltwisted.daemon.role.libc import call

UNLIMITED = resource.RLIM_INFINITY
_MCL_CURRENT, _MCL_FUTURE, _MCL_ONFAULT = 1, 2, 4


class System:
    """The present process, to be told things by its main thread.  Methods raise OSError for what is refused.

    Linux schedules threads, not processes: priority and processors are the
    main thread's.  Threads that it starts later inherit the processors alone.
    """

    def nice(self) -> int:
        """The nice value, -20 to 19."""
        return os.getpriority(os.PRIO_PROCESS, 0)

    def set_nice(self, value: int) -> None:
        """setpriority(2)."""
        os.setpriority(os.PRIO_PROCESS, 0, value)

    def policy(self) -> tuple[int, int]:
        """Scheduling policy, perhaps with SCHED_RESET_ON_FORK, and real-time priority."""
        return os.sched_getscheduler(0), os.sched_getparam(0).sched_priority

    def set_policy(self, policy: int, priority: int) -> None:
        """sched_setscheduler(2)."""
        os.sched_setscheduler(0, policy, os.sched_param(priority))

    def affinity(self) -> frozenset[int]:
        """The processors it may run on."""
        return frozenset(os.sched_getaffinity(0))

    def set_affinity(self, processors: frozenset[int]) -> None:
        """sched_setaffinity(2)."""
        os.sched_setaffinity(0, processors)

    def rttime(self) -> tuple[int, int]:
        """RLIMIT_RTTIME, soft and hard, in microseconds."""
        return resource.getrlimit(resource.RLIMIT_RTTIME)

    def set_rttime(self, soft: int, hard: int) -> None:
        """setrlimit(2)."""
        try:
            resource.setrlimit(resource.RLIMIT_RTTIME, (soft, hard))
        except ValueError as error:  # what Python makes of EPERM here
            raise PermissionError(errno.EPERM, str(error)) from None

    def may_lock_memory(self) -> bool:
        """Whether all that will be allocated may be locked too.

        Within a limit locking succeeds, and some later allocation fails.
        """
        unlimited = resource.getrlimit(resource.RLIMIT_MEMLOCK)[0] == UNLIMITED
        return unlimited or "CAP_IPC_LOCK" in held()

    def lock_memory(self) -> None:
        """Keep in RAM what is mapped now, and from now on every page that is touched.

        Not all that will be mapped (MCL_FUTURE alone): each thread would
        occupy the 8 MB of its stack.
        """
        call("mlockall", _MCL_CURRENT)
        try:
            call("mlockall", _MCL_CURRENT | _MCL_FUTURE | _MCL_ONFAULT)
        except OSError as error:
            if error.errno != errno.EINVAL:
                raise
            call("mlockall", _MCL_CURRENT | _MCL_FUTURE)  # before Linux 4.4

    def unlock_memory(self) -> None:
        """munlockall(2)."""
        call("munlockall")

    def answer_rttime(self, how: Callable[[], None]) -> None:
        """Have SIGXCPU call this between two steps of the interpreter, in place of ending the process."""

        def handler(_: int, __: FrameType | None) -> None:
            how()

        signal.signal(signal.SIGXCPU, handler)
