"""Large configurations by their shapes: what a site could have, and what nobody would."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

Shape: TypeAlias = Callable[[int], str]

_HEAD = "lb_algo rr\nlb_kind NAT\nprotocol TCP\n"


def _address(number: int) -> str:
    return f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"


def _instance(number: int, more: str = "") -> str:
    vip = f"virtual_ipaddress {{\n{_address(number)}\n}}\n"
    return (
        f"vrrp_instance V{number} {{\ninterface eth{number}\nvirtual_router_id {number % 255 + 1}\n"
        f"{vip}{more}}}\n"
    )


def _service(number: int, more: str = "", server: str = "") -> str:
    return (
        f"virtual_server {_address(number)} 80 {{\n{_HEAD}{more}real_server 10.0.0.2 80 {{\n{server}}}\n}}\n"
    )


def _lines(line: Callable[[int], str]) -> Shape:
    """As many of them as go into a size."""
    return lambda size: "".join(map(line, range(size // len(line(size // 20)))))


def _around(before: str, line: Callable[[int], str], after: str) -> Shape:
    return lambda size: before + _lines(line)(size) + after


def _both(one: Shape, other: Shape) -> Shape:
    return lambda size: one(size // 2) + other(size // 2)


SHAPES: dict[str, Shape] = {
    # --- a site
    "virtual servers": _lines(_service),
    "real servers": _around(
        f"virtual_server 10.0.0.1 80 {{\n{_HEAD}",
        lambda n: f"real_server {_address(n)} 80 {{\nweight 1\nTCP_CHECK {{\n}}\n}}\n",
        "}\n",
    ),
    "instances": _lines(_instance),
    "instances of one group": _both(
        _lines(_instance), _around("vrrp_sync_group G {\ngroup {\n", lambda n: f"V{n}\n", "}\n}\n")
    ),
    "instances that track scripts": _both(
        _lines(lambda n: f"vrrp_script s{n} {{\nscript /bin/true\n}}\n"),
        _lines(lambda n: _instance(n, "track_script {\n" + "".join(f"s{k}\n" for k in range(20)) + "}\n")),
    ),
    "addresses": _around(
        "vrrp_instance V {\ninterface eth0\nvirtual_router_id 1\nvirtual_ipaddress {\n",
        lambda n: f"{_address(n)}\n",
        "}\n}\n",
    ),
    "urls": _around(
        _service(1).removesuffix("}\n}\n") + "HTTP_GET {\n", lambda n: f"url {{\npath /{n}\n}}\n", "}\n}\n}\n"
    ),
    "groups of addresses": _around("virtual_server_group g {\n", lambda n: f"{_address(n)} 80\n", "}\n"),
    "comments": _lines(lambda n: f"# $A @x {{ {n}\n"),
    # --- with a mistake in each
    "servers twice": _lines(lambda n: _service(1)),
    "instances twice": _lines(lambda n: _instance(1)),
    "instances of one router": _lines(lambda n: _instance(n, "interface eth0\n")),
    "members that are no instances": _both(
        _lines(_instance), _around("vrrp_sync_group G {\ngroup {\n", lambda n: f"X{n}\n", "}\n}\n")
    ),
    "scripts that are not defined": _lines(lambda n: _instance(n, f"track_script {{\ns{n}\n}}\n")),
    "numbers that are none": _around(
        f"virtual_server 10.0.0.1 80 {{\n{_HEAD}", lambda n: "quorum x\n", "}\n"
    ),
    "misspelt passwords": _around(
        "vrrp_instance V {\nauthentication {\n", lambda n: f"auth_pas {n}\n", "}\n}\n"
    ),
    "real servers behind the end": _lines(
        lambda n: "virtual_server 10.0.0.1 80 {\n}\nreal_server 10.0.0.2 80 {\n}\n"
    ),
    # --- no configuration
    "words": _lines(lambda n: f"word{n} x\n"),
    "the same word": _lines(lambda n: "x y\n"),
    "words on one line": _lines(lambda n: f"x{n} "),
    "one word": lambda size: "x" * size,
    "long lines": _lines(lambda n: "x" * 1100 + "\n"),
    "long words that look like passwords": _lines(lambda n: "pas" * 300 + "\n"),
    "NUL bytes": _lines(lambda n: "\0\n"),
    "open quotes": _lines(lambda n: 'a "\n'),
    "quotes": _lines(lambda n: 'router_id "a b"\n'),
    "opening braces": _lines(lambda n: "a {\n"),
    "closing braces": _lines(lambda n: "}\n"),
    "braces": _lines(lambda n: "{\n}\n"),
    "braces on one line": _lines(lambda n: "{"),
    "braces that are forgotten": _lines(lambda n: _service(n).removesuffix("}\n}\n")),
    "braces too many": _lines(lambda n: _service(n) + "}\n"),
    "blocks in blocks": _lines(lambda n: "a {\n" * 60 + "}\n" * 60),
    # --- definitions, repetition, includes
    "definitions": _both(_lines(lambda n: f"$A{n}=x\n"), _lines(lambda n: f"k ${{A{n}}}\n")),
    "definitions of one another": _lines(lambda n: f"$A{n}=$A{n + 1}\nk $A{n}\n"),
    "names that are not defined": _both(_lines(lambda n: f"$A{n}=x\n"), _lines(lambda n: f"k ${{B{n}}}\n")),
    "bare names that are not defined": _both(
        _lines(lambda n: f"$A{n}=x\n"), _around("vrrp_instance V {\n", lambda n: f"priority $B{n}\n", "}\n")
    ),
    "marks": _lines(lambda n: "@x a\n"),
    "repetitions that are none": _lines(lambda n: "~SEQ(n, x) k\n"),
    "includes of nothing": _lines(lambda n: f"include /nonexistent/{n}\n"),
    "includes in braces": lambda size: "include {" + ",".join(["x"] * (size // 2)) + "}\n",
}
