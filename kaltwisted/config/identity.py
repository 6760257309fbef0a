"""How servers are called in the API, on the command line, and in what is kept: one name each.

``tcp/192.0.2.1:80``, ``udp/[2001:db8::1]:53``, ``fwmark/7`` (``fwmark6/7`` for IPv6) is a virtual server,
``tcp/group/web`` one that serves a ``virtual_server_group`` (``group/web``: of marks only), and
``tcp/192.0.2.1:80/10.0.0.1:8080`` a real server of the first.  What is neither letter, digit nor one of
``_.-~`` in a group's name is written as in a URL: ``%``, and two hexadecimal digits for each byte.
"""

from __future__ import annotations

import re
from ipaddress import IPv6Address, ip_address
from typing import Final, NamedTuple
from urllib.parse import quote, unquote

import attrs

from kaltwisted.config.model import Address, FirewallMark, Protocol, ServerGroup, VirtualServer

_END_POINT: Final = re.compile(r"(?:\[(?P<v6>[0-9a-f:.]+)\]|(?P<v4>[0-9.]+)):(?P<port>[0-9]{1,5})")
_MARKS: Final = {"fwmark": False, "fwmark6": True}
_GROUP: Final = "group"


class EndPoint(NamedTuple):
    """An address with a port."""

    address: Address
    port: int

    def __str__(self) -> str:
        v6 = isinstance(self.address, IPv6Address)
        return f"[{self.address}]:{self.port}" if v6 else f"{self.address}:{self.port}"

    @classmethod
    def parse(cls, text: str) -> EndPoint:
        """The reverse of ``str``; ValueError for anything else."""
        found = _END_POINT.fullmatch(text)
        if found is None or int(found["port"]) > 0xFFFF:
            raise ValueError(f"{text} is no ADDRESS:PORT")
        return cls(ip_address(found["v6"] or found["v4"]), int(found["port"]))


@attrs.frozen
class GroupName:
    """What a ``virtual_server_group`` is called."""

    name: str

    def __str__(self) -> str:
        return f"{_GROUP}/{quote(self.name, safe='', errors='surrogateescape')}"

    @classmethod
    def parse(cls, text: str) -> GroupName:
        """The name, as ``str`` writes it behind the slash; ValueError for anything else."""
        name = unquote(text, errors="surrogateescape") if text.isascii() else ""
        if not name or quote(name, safe="", errors="surrogateescape") != text:
            raise ValueError(f"{text} is no name of a group, written as a URL would have it")
        return cls(name)


@attrs.frozen
class ServerId:
    """A virtual server, or with ``real`` one of its real servers.  ``protocol`` is NONE for marks."""

    listen: EndPoint | FirewallMark | GroupName
    protocol: Protocol
    real: EndPoint | None = None

    def __str__(self) -> str:
        listen = self.listen
        if isinstance(listen, FirewallMark):
            whole = f"{'fwmark6' if listen.ipv6 else 'fwmark'}/{listen.mark}"
        else:
            whole = str(listen) if self.protocol is Protocol.NONE else f"{self.protocol}/{listen}"
        return whole if self.real is None else f"{whole}/{self.real}"

    @classmethod
    def of(cls, server: VirtualServer) -> ServerId:
        """The virtual server's."""
        listen = server.listen
        if isinstance(listen, FirewallMark):
            return cls(listen, Protocol.NONE)
        if isinstance(listen, ServerGroup):
            return cls(GroupName(listen.name), server.protocol)
        return cls(EndPoint(listen.address, listen.port), server.protocol)

    def with_real(self, address: Address, port: int) -> ServerId:
        """One of its real servers."""
        return attrs.evolve(self, real=EndPoint(address, port))

    @classmethod
    def parse(cls, text: str) -> ServerId:
        """The reverse of ``str``; ValueError, in words, for anything else."""
        kind, _, rest = text.partition("/")
        is_group = kind == _GROUP
        if kind in _PROTOCOLS and rest.startswith(f"{_GROUP}/"):
            is_group, rest = True, rest.removeprefix(f"{_GROUP}/")
        listen, slash, real = rest.partition("/")
        server = EndPoint.parse(real) if slash else None
        if kind in _MARKS:
            if not (listen.isascii() and listen.isdigit()):
                raise ValueError(f"{listen} is no firewall mark")
            return cls(FirewallMark(int(listen), _MARKS[kind]), Protocol.NONE, server)
        protocol = Protocol.NONE if kind == _GROUP else _PROTOCOLS.get(kind)
        if protocol is None:
            raise ValueError(f"{text} begins with none of {', '.join([*_PROTOCOLS, *_MARKS, _GROUP])}")
        return cls(GroupName.parse(listen) if is_group else EndPoint.parse(listen), protocol, server)


_PROTOCOLS: Final = {str(each): each for each in Protocol if each is not Protocol.NONE}
