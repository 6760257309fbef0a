"""``encap`` of a route or next hop: the packets it takes go into another packet (lightweight tunnels)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from kaltwisted.config.keywords.convert import whole_number
from kaltwisted.config.model_routes import Encap, EncapType
from kaltwisted.config.option_words import Options, OptionWords

_MOST_LABELS: Final = 16
_HIGHEST_LABEL: Final = (1 << 20) - 1
_ID: Final = "id", lambda words: words.number(0, 2**64 - 1)
_FLAGS: Final = "flags", lambda words: words.number(0, 0xFFFF)
_OPTIONS: Final[Mapping[EncapType, Options]] = {
    EncapType.IP: {
        "id": _ID,
        "dst": ("destination", lambda words: _address(words, 4)),
        "src": ("source", lambda words: _address(words, 4)),
        "tos": ("tos", lambda words: words.named("rt_dsfield")),
        "dsfield": ("tos", lambda words: words.named("rt_dsfield")),
        "ttl": ("ttl", lambda words: words.number(0, 255)),
        "flags": _FLAGS,
    },
    EncapType.IP6: {
        "id": _ID,
        "dst": ("destination", lambda words: _address(words, 6)),
        "src": ("source", lambda words: _address(words, 6)),
        "tc": ("tos", lambda words: words.named("rt_dsfield")),
        "hoplimit": ("ttl", lambda words: words.number(0, 255)),
        "flags": _FLAGS,
    },
}
_KINDS: Final = {each.value: each for each in EncapType}


def encap(words: OptionWords) -> Encap | None:
    """What stands behind ``encap``; None when something is wrong with it, and told."""
    text = words.value()
    kind = _KINDS.get(text)
    if kind is None:
        log = f"Unknown encap type - {text}"
        words.fail(f"`{text}` is no way to encapsulate", " or ".join(_KINDS), log)
        return None
    if kind is EncapType.MPLS:
        return Encap(kind, labels=_labels(words))
    if kind is EncapType.ILA:
        return Encap(kind, locator=_locator(words))
    fields: dict[str, Any] = {}
    while not words.at_end and (option := _OPTIONS[kind].get(words.peek())) is not None:
        words.take()
        fields[option[0]] = option[1](words)
    if not words.failed and not {"id", "destination"} & fields.keys():
        log = f"address or id missing for {text} encapsulation"
        words.fail(f"`encap {text}` needs `dst` or `id`", "dst ADDRESS", log)
    return None if words.failed else Encap(kind, **fields)


def _address(words: OptionWords, version: int) -> Any:
    found = words.address()
    if found is not None and found.version != version and not words.failed:
        kind = "ip" if version == 4 else "ip6"
        log = f"IPv{found.version} address {found} not valid for {kind} encapsulation"
        words.fail(f"{found} is not an IPv{version} address", f"an IPv{version} address", log)
    return found


def _labels(words: OptionWords) -> tuple[int, ...]:
    text = words.value()
    parts = text.split("/")
    numbers = [whole_number(part, 0, _HIGHEST_LABEL) for part in parts]
    if not words.failed and (len(parts) > _MOST_LABELS or any(isinstance(each, str) for each in numbers)):
        expected = f"LABEL or LABEL/LABEL…, up to {_MOST_LABELS}, each 0 to {_HIGHEST_LABEL}"
        words.fail(f"`{text}` is no MPLS label", expected, f"invalid mpls address {text} for encapsulation")
    return tuple(each for each in numbers if isinstance(each, int))


def _locator(words: OptionWords) -> int:
    """Four groups of 16 bits, as in an IPv6 address."""
    text = words.value()
    parts = text.split(":")
    hexadecimal = frozenset("0123456789abcdefABCDEF")
    if len(parts) != 4 or not all(0 < len(part) <= 4 and hexadecimal.issuperset(part) for part in parts):
        log = f"invalid locator {text} for ila encapsulation"
        words.fail(f"`{text}` is no locator", "such as 1:2:3:4", log)
        return 0
    return int("".join(part.rjust(4, "0") for part in parts), 16)
