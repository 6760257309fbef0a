"""``use_vmac`` and ``use_ipvlan``: interfaces that instances have of their own."""

from __future__ import annotations

import re
from ipaddress import ip_interface
from typing import Any

from kaltwisted.config.keywords.table import Problem, Problems
from kaltwisted.config.model import Ipvlan, IpvlanType, Vmac

_OCTET = re.compile("[0-9a-fA-F]{1,2}")

# IFNAMSIZ of the kernel, without the zero at its end.
LONGEST_INTERFACE = 15
# What RFC 5798 §7.3 has in front of the VRID.
_RFC_MAC = bytes.fromhex("00005e0001"), bytes.fromhex("00005e0002")


def _mac(text: str) -> bytes | str:
    """Five or six octets; a str is what is wrong with them."""
    octets = text.split(":")
    if len(octets) not in (5, 6) or not all(_OCTET.fullmatch(octet) for octet in octets):
        return "is no MAC address"
    mac = bytes(int(octet, 16) for octet in octets)
    if mac[0] & 1:
        return "is a multicast address"
    return "is an address of the RFC's own" if mac[:5] in _RFC_MAC else mac


def use_vmac(words: list[str], problems: Problems) -> Vmac:
    """``[[name] IFNAME] [MAC] [netlink_notify_msg] [group N]``; what is wrong is left out."""
    found: dict[str, Any] = {}
    rest = enumerate(words[1:], 1)
    for index, word in rest:
        if word == "netlink_notify_msg":
            found[word] = True
        elif word in ("group", "name"):
            at, value = next(rest, (index, None))
            _with_value(word, at, value, found, problems)
        elif ":" in word:
            mac = _mac(word)
            if isinstance(mac, str):
                expected = "five or six octets such as 02:00:5e:00:01:33"
                problems.append(Problem(f"`{word}` {mac}", index, expected))
            else:
                found["mac"] = mac
        else:
            _name(word, index, found, problems)
    return Vmac(**found)


def _with_value(word: str, index: int, value: str | None, found: dict[str, Any], problems: Problems) -> None:
    """``group N`` and ``name IFNAME``, whose value is the word at ``index``."""
    if value is None:
        problems.append(Problem(f"`{word}` lacks its value", index))
    elif word == "group":
        found[word] = value
    else:
        _name(value, index, found, problems)


def _name(name: str, index: int, found: dict[str, Any], problems: Problems) -> None:
    expected = f"one name of up to {LONGEST_INTERFACE} characters, without blanks or `/`"
    if len(name) > LONGEST_INTERFACE or re.search(r"[\s/]", name) or not name:
        problems.append(Problem(f"`{name}` is no name for an interface", index, expected))
    elif "ifname" in found:
        problems.append(Problem(f"`{name}` is a second name", index, expected))
    else:
        found["ifname"] = name


def use_ipvlan(words: list[str], problems: Problems) -> Ipvlan:
    """``[[name] IFNAME] [ADDRESS[/PREFIX]] [bridge|private|vepa] [group N]``; what is wrong is left out."""
    found: dict[str, Any] = {}
    types = {each.name.lower(): each for each in IpvlanType}
    rest = enumerate(words[1:], 1)
    for index, word in rest:
        if word in ("group", "name"):
            at, value = next(rest, (index, None))
            _with_value(word, at, value, found, problems)
        elif word in types:
            if "type" in found:
                problems.append(Problem(f"`{word}` is a second type", index, "one of bridge, private, vepa"))
            found.setdefault("type", types[word])
        elif ":" in word or word[:1].isdecimal():
            _address(word, index, found, problems)
        else:
            _name(word, index, found, problems)
    return Ipvlan(**found)


def _address(word: str, index: int, found: dict[str, Any], problems: Problems) -> None:
    expected = "one address such as 192.0.2.5/24"
    try:
        address = ip_interface(word)
    except ValueError:
        problems.append(Problem(f"`{word}` is no address with its prefix", index, expected))
        return
    if "address" in found:
        problems.append(Problem(f"`{word}` is a second address", index, expected))
    found.setdefault("address", address)
