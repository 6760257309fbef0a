"""Settings that the 2002 guide has no words for, by their own keywords; and values as words."""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum
from typing import Any

import attrs

from kaltwisted.config.model import SECOND_US, NotifyFifo, ReplyPattern, Script, Tracked


def others(value: attrs.AttrsInstance, told: str, indent: str, **inherited: object) -> Iterator[str]:
    """A line for each field that is not ``told`` of, nor at its default or what it ``inherited``."""
    skipped = {"where", *told.split()}
    for field in attrs.fields(type(value)):
        default: Any = inherited.get(field.name, field.default)
        if isinstance(default, attrs.Factory):  # type: ignore[arg-type]
            default = default.factory()
        now = getattr(value, field.name)
        if field.name not in skipped and now != default:
            yield f"{indent}{field.name.removesuffix('_us').removesuffix('_s')} = {_text(field.name, now)}"


def _text(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return yes(value)
    if isinstance(value, int) and name.endswith("_us"):
        return seconds(value)
    if isinstance(value, Enum):
        return value.name if isinstance(value.value, int) else str(value.value)
    if isinstance(value, frozenset):
        return " ".join(sorted(value))
    if isinstance(value, tuple):
        return ", ".join(_text(name, each) for each in value)
    if isinstance(value, Tracked):
        weight = "" if value.weight is None else f" weight {value.weight}"
        reverse = {None: "", True: " reverse", False: " noreverse"}[value.reverse]
        return f"{value.name}{weight}{reverse}"
    if isinstance(value, NotifyFifo):
        return " ".join(filter(None, (value.path, value.user, value.group)))
    if isinstance(value, bytes):
        return value.hex(" ")
    if isinstance(value, ReplyPattern):
        return f"{value.value.hex(' ')} mask {value.mask.hex(' ')}" if value.mask else "any"
    if isinstance(value, Script):
        return command(value)
    return str(value)


def command(script: Script) -> str:
    """A script's words, and who it runs as where that is its own."""
    user = "" if script.user is None else f" (user {':'.join(filter(None, (script.user, script.group)))})"
    return f"{script}{user}"


def seconds(microseconds: int) -> str:
    """``3``, ``0.5``: as short as it can be."""
    return f"{microseconds / SECOND_US:.6f}".rstrip("0").rstrip(".")


def octal(permissions: int) -> str:
    """``0022``: as permissions are written."""
    return f"0{permissions:03o}"


def yes(flag: bool) -> str:
    """The guide's words for a flag."""
    return "yes" if flag else "no"


def host(address: object) -> str:
    """An address in front of a port."""
    text = str(address)
    return f"[{text}]" if ":" in text else text
