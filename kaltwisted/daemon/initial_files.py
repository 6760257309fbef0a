"""Makes tracked files that shall be there from the start (``init_file`` of ``track_file``)."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable

from twisted.logger import Logger

from kaltwisted.config.model import TrackFile

_log = Logger()


def make(files: Iterable[TrackFile]) -> None:
    """Write the number into each that says so; what cannot be is logged.

    By the supervisor and once, so that no role that is started again sets a
    number back that somebody has changed since.
    """
    for file in files:
        if file.init is None:
            continue
        try:
            _write(file, file.init)
        except FileExistsError:
            continue
        except (OSError, ValueError) as error:
            why = getattr(error, "strerror", None) or str(error)
            _log.warn("Track file {name}: {path} is not made: {why}", name=file.name, path=file.file, why=why)


def _write(file: TrackFile, number: int) -> None:
    # No link is followed: in a folder that anybody may write to it could lead anywhere.
    flags = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
    descriptor = os.open(file.file, flags | (0 if file.overwrite else os.O_EXCL), 0o644)
    with os.fdopen(descriptor, "wb") as opened:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(0, "it is no regular file")
        os.ftruncate(descriptor, 0)
        opened.write(b"%d\n" % number)
