"""Files of ours, there whole or not at all, by which nobody can lead us astray; and what is in others'."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Final

LARGEST_FILE: Final = 1_048_576


class UnreadableError(Exception):
    """A file that cannot be read: which, and why."""


def contents(path: str) -> bytes:
    """What is in a file that a configuration names, up to ``LARGEST_FILE`` bytes of it.

    :raises UnreadableError: it cannot be read.
    """
    try:
        with Path(path).open("rb") as file:
            return file.read(LARGEST_FILE)
    except OSError as error:
        raise UnreadableError(f"{path}: {os.strerror(error.errno or 0)}") from None


def replace(
    path: Path,
    data: bytes,
    mode: int,
    urandom: Callable[[int], bytes] = os.urandom,
    *,
    durable: bool = False,
) -> None:
    """Put a file of ours at ``path``, with exactly these permissions, whatever is there.

    It is written under a name that nobody can guess and then moved, so that no
    link is followed, also in a folder that anybody may write to, and no reader
    sees half of it.  Unless it is to be ``durable``, which takes the disk's time, it
    outlives a process, not the machine.

    :raises OSError: it could not be; nothing has changed.
    """
    new = path.with_name(f".{path.name}.{urandom(8).hex()}")
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(descriptor, mode)
            file.write(data)
            if durable:
                file.flush()
                os.fsync(descriptor)
        new.replace(path)
        if durable:
            _sync(path.parent)
    except OSError:
        new.unlink(missing_ok=True)
        raise


def _sync(directory: Path) -> None:
    """What a directory names is on the disk."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def remove_unfinished(path: Path) -> None:
    """Remove what writers of ``path`` have left that were killed over it; in a folder that is ours alone."""
    unfinished = re.compile(rf"\.{re.escape(path.name)}\.[0-9a-f]{{16}}").fullmatch
    with contextlib.suppress(OSError):
        for each in path.parent.iterdir():
            if unfinished(each.name):
                each.unlink()
