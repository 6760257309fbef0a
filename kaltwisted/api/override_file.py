"""Where overrides are kept: a private JSON file, whole or not at all, which outlives the machine's power."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import attrs

from kaltwisted.api.override import Override
from kaltwisted.files import remove_unfinished, replace

SCHEMA: Final = 1
MOST_BYTES: Final = 16 << 20


@attrs.frozen
class Kept:
    """What was in the file; ``trouble``: in one line what could not be read, and where it is now."""

    overrides: tuple[Override, ...] = ()
    trouble: str | None = None


def read(path: Path) -> Kept:
    """What was kept.

    A file with anything in it that is no override is set aside, under a name of
    its own, and what can be read of it counts: nothing is lost silently.
    """
    remove_unfinished(path)
    try:
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
    except FileNotFoundError:
        return Kept()
    except OSError as error:
        return Kept(trouble=f"{path} cannot be read ({error.strerror}): nothing is overridden")
    try:
        told = _entries(data)
    except ValueError as error:
        return Kept(trouble=f"{path} {error}: nothing is overridden{_set_aside(path)}")
    overrides: list[Override] = []
    broken: list[str] = []
    for entry in told:
        try:
            overrides.append(Override.read(entry))
        except ValueError as error:
            broken.append(str(error))
    if not broken:
        return Kept(tuple(overrides))
    words = f"{len(broken)} of {len(told)} overrides in {path} cannot be read ({broken[0]}) and do not count"
    return Kept(tuple(overrides), words + _set_aside(path))


def write(path: Path, overrides: Iterable[Override]) -> None:
    """Keep these; takes the disk's time.

    :raises OSError: they cannot be; what was kept is kept still.
    """
    whole = {"schema": SCHEMA, "overrides": [each.told() for each in overrides]}
    replace(path, (json.dumps(whole, indent=1) + "\n").encode(), 0o600, durable=True)


def _entries(data: bytes) -> list[Any]:
    if len(data) > MOST_BYTES:
        raise ValueError("is too large")
    try:
        whole = json.loads(data)
        schema, told = whole["schema"], whole["overrides"]
    except (ValueError, TypeError, KeyError, RecursionError):
        raise ValueError("is no file of overrides") from None
    if schema != SCHEMA or not isinstance(told, list):
        raise ValueError(f"is of schema {str(schema)[:20]}, and this version reads {SCHEMA}")
    return told


def _set_aside(path: Path) -> str:
    """Give it a name of its own; in words, where it is."""
    for number in range(1, 1000):
        aside = path.with_name(f"{path.name}.broken-{number}")
        if not aside.exists():
            try:
                path.rename(aside)
            except OSError as error:
                return f"; it cannot be set aside ({error.strerror}) and the next override replaces it"
            return f"; the file is set aside as {aside}"
    return "; it is replaced by the next override: too many were set aside before"
