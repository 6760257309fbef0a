"""A file for what must outlive a ``kill -9``, and is void after the next boot, as what it tells of is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from twisted.logger import Logger

from kaltwisted.files import remove_unfinished, replace

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_SIZE_MAX = 16 << 20


class BootFile:
    """A JSON object in a private file; with None for a path nothing is remembered.

    Trouble with it is logged and no reason not to work.
    """

    _log = Logger()

    def __init__(self, path: Path | None) -> None:
        self._path = path

    def read(self) -> dict[str, Any]:
        """What was written last; empty where that was before this boot, or is no such file."""
        if self._path is None:
            return {}
        remove_unfinished(self._path)
        try:
            with self._path.open("rb") as file:
                whole = json.loads(file.read(_SIZE_MAX))
            return whole if whole["boot"] == boot_id() else {}
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
            self.is_of_no_use(error)
            return {}

    def is_of_no_use(self, error: Exception) -> None:
        """Say so: what is in it cannot be meant."""
        self._log.warn("{path} is of no use, ignored: {error}", path=str(self._path), error=repr(error))

    def keep(self, content: dict[str, Any]) -> None:
        """Remember this; where all in it is empty there is nothing to remember, and no file."""
        if any(content.values()):
            self.write(content)
        else:
            self.remove()

    def write(self, content: dict[str, Any]) -> None:
        """Remember this, all or nothing."""
        if self._path is None:
            return
        text = json.dumps({"boot": boot_id(), **content}, indent=0)
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            replace(self._path, text.encode("ascii"), 0o600)
        except OSError as error:
            self._log.warn("cannot write {path}: {error}", path=str(self._path), error=error)

    def remove(self) -> None:
        """There is nothing to remember any more."""
        if self._path is not None:
            try:
                self._path.unlink(missing_ok=True)
            except OSError as error:
                self._log.warn("cannot remove {path}: {error}", path=str(self._path), error=error)


def boot_id() -> str:
    """Of this boot of the machine."""
    try:
        return _BOOT_ID.read_text(encoding="ascii").strip()
    except OSError:
        return "unknown"
