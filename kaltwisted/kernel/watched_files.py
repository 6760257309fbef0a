"""Files that are watched by inotify, wherever their names lead at the moment.

A name is looked up step by step: each directory on its way, and that of each
symbolic link, is watched for the next step.  So a file is found that appears
together with its directory, is replaced, or stands behind a link that is set
anew.  twisted.internet.inotify does not say when the kernel has dropped events
nor when a watched directory is gone, and both must not be missed here.
"""

from __future__ import annotations

import ctypes
import errno
import os
import stat
import struct
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Final

from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from kaltwisted.ports import IWatchedFiles, Unreadable

# <linux/inotify.h>, inotify(7)
_ATTRIB, _CLOSE_WRITE, _MOVED_FROM, _MOVED_TO = 0x4, 0x8, 0x40, 0x80
_CREATE, _DELETE, _DELETE_SELF, _MOVE_SELF = 0x100, 0x200, 0x400, 0x800
_UNMOUNT, _Q_OVERFLOW, _IGNORED, _ONLYDIR = 0x2000, 0x4000, 0x8000, 0x01000000
_OF_NAMES = _ATTRIB | _CLOSE_WRITE | _MOVED_FROM | _MOVED_TO | _CREATE | _DELETE
_OF_DIRECTORIES = _DELETE_SELF | _MOVE_SELF | _UNMOUNT | _IGNORED
_EVENT = struct.Struct("=iIII")
#: What is read of them in one turn.
_MOST_EVENTS = 8192
MOST_LINKS: Final = 40
"""Symbolic links on one way (path_resolution(7))."""
MOST_READ: Final = 256
"""Bytes of a file that are read: nobody wants more of a number, whatever else is there."""
_ROUNDS = 8

Heard = Callable[[str, bytes | Unreadable], object]


def lookups(path: str) -> Iterator[tuple[str, str]]:
    """The steps of looking up a path: directory and name in it, until one is missing."""
    todo = _names(path if path.startswith("/") else f"{Path.cwd()}/{path}")
    here, links = Path("/"), 0
    while todo:
        name = todo.pop()
        if name == "..":
            here = here.parent
            continue
        yield str(here), name
        there = here / name
        try:
            target = str(there.readlink())
        except OSError as error:
            if error.errno != errno.EINVAL:  # no link, but something else
                return
            here = there
            continue
        links += 1
        if links > MOST_LINKS:
            return
        if target.startswith("/"):
            here = Path("/")
        todo += _names(target)


def _names(path: str) -> list[str]:
    """Its names, the last one first."""
    return [each for each in path.split("/") if each not in ("", ".")][::-1]


def read(path: str) -> bytes | Unreadable:
    """What a file begins with; nothing where there is none.  Whatever else is there is not touched."""
    try:
        if not stat.S_ISREG(Path(path).stat().st_mode):
            return Unreadable("it is no regular file")
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
        try:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                return Unreadable("it is no regular file")
            return os.read(descriptor, MOST_READ)
        finally:
            os.close(descriptor)
    except (FileNotFoundError, NotADirectoryError):
        return b""
    except (OSError, ValueError) as error:
        return Unreadable(getattr(error, "strerror", None) or str(error))


@implementer(IWatchedFiles)
class WatchedFiles:
    """Tells what is in files, by inotify.

    :param reactor: provides IReactorFDSet.
    """

    _log = Logger()

    def __init__(self, reactor: Any) -> None:
        self._reactor = reactor
        self._descriptor = -1
        self._heard: Heard = lambda path, content: None
        #: To each path the watches and the names in them that it depends on.
        self._steps: dict[str, frozenset[tuple[int, str]]] = {}
        #: The same the other way round.
        self._by_step: dict[tuple[int, str], list[str]] = {}
        self._by_watch: dict[int, list[str]] = {}
        self._unwatched: set[str] = set()

    # -- IWatchedFiles ------------------------------------------------------------------

    def watch(self, paths: Iterable[str], heard: Heard) -> None:
        """Watch exactly these from now on."""
        self._heard = heard
        wanted = dict.fromkeys(paths)
        for gone in self._steps.keys() - wanted.keys():
            del self._steps[gone]
        self._unwatched &= wanted.keys()
        blind = self._descriptor < 0
        if wanted and blind:
            self._open()
        new = [path for path in wanted if blind or path not in self._steps]
        self._follow(new)
        if not wanted:
            self._close()
        for path in new:
            self._tell(path)

    def stop(self) -> None:
        """Watch none."""
        for known in (self._steps, self._by_step, self._by_watch, self._unwatched):
            known.clear()
        self._close()

    # -- watches ------------------------------------------------------------------------

    def _open(self) -> None:
        try:
            self._descriptor = _call("inotify_init1", os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            self._log.error("Files are not watched, and are read at reloads only: {why}", why=error.strerror)
        else:
            self._reactor.addReader(self)

    def _close(self) -> None:
        if self._descriptor >= 0:
            self._reactor.removeReader(self)
            os.close(self._descriptor)
            self._descriptor = -1

    def _follow(self, paths: Iterable[str]) -> None:
        """Watch each step of these paths.  What changes while we look is seen by looking again."""
        before = self._by_watch.keys()
        for path in paths:
            for _ in range(_ROUNDS):
                steps = frozenset(self._watched(path))
                if steps == self._steps.get(path):
                    break
                self._steps[path] = steps
        self._by_step, self._by_watch = {}, {}
        for path, steps in self._steps.items():
            for step in steps:
                self._by_step.setdefault(step, []).append(path)
                self._by_watch.setdefault(step[0], []).append(path)
        for watch in before - self._by_watch.keys():
            try:
                _call("inotify_rm_watch", self._descriptor, watch)
            except OSError:
                continue  # its directory has gone, and the watch with it

    def _watched(self, path: str) -> Iterator[tuple[int, str]]:
        if self._descriptor < 0:
            return
        for directory, name in tuple(lookups(path)):
            try:
                mask = _OF_NAMES | _DELETE_SELF | _MOVE_SELF | _ONLYDIR
                yield _call("inotify_add_watch", self._descriptor, os.fsencode(directory), mask), name
            except OSError as error:
                if error.errno not in (errno.ENOENT, errno.ENOTDIR) and path not in self._unwatched:
                    self._unwatched.add(path)
                    self._log.warn(
                        "{directory} cannot be watched: {why}; what happens there to {path} may be missed",
                        directory=directory,
                        why=error.strerror,
                        path=path,
                    )

    # -- IReadDescriptor ----------------------------------------------------------------

    def fileno(self) -> int:
        """inotify's descriptor."""
        return self._descriptor

    def logPrefix(self) -> str:
        """Who reads, for the reactor's own lines."""
        return "tracked files"

    def doRead(self) -> None:
        """Look at each file once that the events of one reading concern."""
        try:
            events = os.read(self._descriptor, _MOST_EVENTS)
        except BlockingIOError:
            return
        concerned = dict.fromkeys(self._concerned(events))
        self._follow(concerned)
        for path in concerned:
            self._tell(path)

    def connectionLost(self, reason: Failure) -> None:
        """The reactor could not read: read no more."""
        self._log.failure("Files are watched no more", reason)
        self._close()

    def _concerned(self, events: bytes) -> Iterator[str]:
        place = 0
        while place + _EVENT.size <= len(events):
            watch, mask, _, length = _EVENT.unpack_from(events, place)
            place += _EVENT.size + length
            name = os.fsdecode(events[place - length : place].rstrip(b"\0"))
            if mask & _Q_OVERFLOW:
                yield from self._steps
            elif mask & _OF_DIRECTORIES:
                yield from self._by_watch.get(watch, ())
            else:
                yield from self._by_step.get((watch, name), ())

    def _tell(self, path: str) -> None:
        if path in self._steps:
            self._heard(path, read(path))


_LIBRARY = ctypes.CDLL(None, use_errno=True)


def _call(name: str, *arguments: int | bytes) -> int:
    result: int = getattr(_LIBRARY, name)(*arguments)
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result
