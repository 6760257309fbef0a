"""Files that are replaced as a whole, and what a writer that was killed over that has left."""

from __future__ import annotations

import contextlib
from pathlib import Path


def remove_unfinished(path: Path, before: str = "") -> None:
    """Remove what earlier processes began to write for ``path``, under that name and a dot and a number.

    :param before: what stands in front of such a name.
    """
    for unfinished in path.parent.glob(f"{before}{path.name}.*"):
        if unfinished.suffix[1:].isdigit():
            with contextlib.suppress(OSError):
                unfinished.unlink()
