"""Values of a configuration as words, for what a reload tells."""

from __future__ import annotations

from enum import Enum
from ipaddress import IPv4Address, IPv6Address
from typing import Any, Final

from kaltwisted.config.model import SECOND_US, ForwardingMethod, Script

_UNITS: Final = {"_us": SECOND_US, "_s": 1}


def turn(name: str, before: Any, after: Any) -> str:
    """How a setting changes: ``quorum 1 -> 2``; or only that it does, where that is too much for a line."""
    unit = next((each for each in _UNITS if name.endswith(each)), "")
    texts = [_text(each, _UNITS.get(unit, 1)) for each in (before, after)]
    if name == "umask":
        texts = ["none" if each is None else f"0{each:03o}" for each in (before, after)]
    what = name.removesuffix(unit)
    return f"{what} changed" if None in texts else f"{what} {texts[0]} -> {texts[1]}"


def _text(value: object, scale: int) -> str | None:
    """A value as keepalived.conf has it, None when it is too much for a line or must not be shown."""
    match value:
        case None | ():
            return "none"
        case (int(), *_) as numbers:
            return " ".join(map(str, numbers))
        case bool():
            return "on" if value else "off"
        case int():
            return f"{value / scale:g}" if scale > 1 else str(value)
        case str() | Enum() | Script() | ForwardingMethod() | IPv4Address() | IPv6Address():
            return str(value)
    return None
