"""A host's processes, for tests without them."""

from __future__ import annotations

from collections.abc import Callable

from zope.interface import implementer

from kaltwisted.ports import (
    IProcesses,
    Process,
    ProcessChanged,
    ProcessesUnknown,
    ProcessEvent,
    ProcessForked,
    ProcessGone,
)


@implementer(IProcesses)
class FakeProcesses:
    """``there`` is what /proc would list; change it without a word, or by ``run``, ``fork`` and ``kill``."""

    def __init__(self) -> None:
        self.there: dict[int, Process] = {}
        self.heard: Callable[[ProcessEvent], object] | None = None

    def start(self, heard: Callable[[ProcessEvent], object]) -> None:
        self.heard = heard
        heard(ProcessesUnknown())

    def stop(self) -> None:
        self.heard = None

    def pids(self) -> frozenset[int]:
        return frozenset(self.there)

    def look(self, pid: int, *, command: bool) -> Process | None:
        process = self.there.get(pid)
        return process if process is None or command else Process(process.name)

    # -- what a test does ---------------------------------------------------------------

    def run(self, pid: int, *command: str) -> None:
        """A process runs a program from now on."""
        self.there[pid] = Process(command[0].rpartition("/")[2][:15], command)
        self._tell(ProcessChanged(pid))

    def fork(self, parent: int, child: int) -> None:
        """A process makes another like it."""
        self.there[child] = self.there[parent]
        self._tell(ProcessForked(parent, child))

    def kill(self, pid: int) -> None:
        """A process ends."""
        del self.there[pid]
        self._tell(ProcessGone(pid))

    def lose(self) -> None:
        """Events may be missing."""
        self._tell(ProcessesUnknown())

    def _tell(self, event: ProcessEvent) -> None:
        if self.heard is not None:
            self.heard(event)
