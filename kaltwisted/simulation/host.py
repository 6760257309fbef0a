"""What a simulated machine has beside its network: processes and files, as far as they are tracked.

Each class provides the seam of ``kaltwisted.ports`` that it names.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from zope.interface import implementer

from kaltwisted.config.model import TrackFile, VrrpTrackProcess
from kaltwisted.ports import (
    IProcesses,
    IWatchedFiles,
    Process,
    ProcessesUnknown,
    ProcessEvent,
    ProcessGone,
    Unreadable,
)

_KERNELS_NAME = 15


@implementer(IWatchedFiles)
class WatchedFiles:
    """The files of the ``track_file``s, as a machine has them that has just been set up."""

    def __init__(self, definitions: Iterable[TrackFile]) -> None:
        self._paths = {each.name: each.file for each in definitions}
        self._contents = {each.file: str(each.init or 0).encode() for each in definitions}
        self._watched: tuple[str, ...] = ()
        self._heard: Callable[[str, bytes | Unreadable], object] | None = None

    def watch(self, paths: Iterable[str], heard: Callable[[str, bytes | Unreadable], object]) -> None:
        """Tell a daemon what is in them, and what comes to be."""
        before, self._watched, self._heard = self._watched, tuple(paths), heard
        for path in self._watched:
            if path not in before:
                heard(path, self._contents.get(path, b""))

    def stop(self) -> None:
        """Tell it no more."""
        self._watched = ()

    def write(self, name: str, number: int) -> None:
        """Somebody writes a number into the file of a ``track_file``."""
        path = self._paths[name]
        self._contents[path] = str(number).encode()
        if path in self._watched and self._heard is not None:
            self._heard(path, self._contents[path])


@implementer(IProcesses)
class Processes:
    """As many processes of each kind that is tracked as there should be, until some end."""

    def __init__(self, definitions: Iterable[VrrpTrackProcess]) -> None:
        self._definitions = {each.name: each for each in definitions}
        self._there: dict[int, tuple[str, Process]] = {}
        self._next = 100
        self._heard: Callable[[ProcessEvent], object] | None = None
        for name in self._definitions:
            self.set(name, good=True)

    def start(self, heard: Callable[[ProcessEvent], object]) -> None:
        """Tell a daemon."""
        self._heard = heard
        heard(ProcessesUnknown())

    def stop(self) -> None:
        """Tell it no more."""
        self._heard = None

    def pids(self) -> frozenset[int]:
        """Those that are there."""
        return frozenset(self._there)

    def look(self, pid: int, *, command: bool) -> Process | None:
        """One of them."""
        found = self._there.get(pid)
        if found is None:
            return None
        return found[1] if command else Process(found[1].name)

    def set(self, name: str, *, good: bool) -> None:
        """The number of processes of a ``vrrp_track_process`` is right from now on, or wrong."""
        definition = self._definitions[name]
        none_may_run = definition.quorum_max == 0
        wanted = int(not good) if none_may_run else definition.quorum if good else 0
        there = [pid for pid, (owner, _) in self._there.items() if owner == name]
        for pid in there[wanted:]:
            del self._there[pid]
            self._tell(ProcessGone(pid))
        if len(there) < wanted:
            program = definition.process[0].rpartition("/")[2][:_KERNELS_NAME]
            for _ in range(wanted - len(there)):
                self._there[self._next] = name, Process(program, definition.process)
                self._next += 1
            self._tell(ProcessesUnknown())

    def _tell(self, event: ProcessEvent) -> None:
        if self._heard is not None:
            self._heard(event)
