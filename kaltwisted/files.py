"""Files of ours that are there whole or not at all, and that nobody can lead astray."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Callable
from pathlib import Path


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
