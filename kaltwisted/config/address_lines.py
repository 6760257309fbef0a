"""Lines of addresses: ``virtual_ipaddress``, ``virtual_ipaddress_excluded``, ``static_ipaddress``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs

from kaltwisted.config.keywords.convert import not_one_of, parse_address, whole_number
from kaltwisted.config.keywords.table import Problem
from kaltwisted.config.model_vrrp import FOREVER, VirtualIpAddress
from kaltwisted.config.option_words import STATIC_OPTION

if TYPE_CHECKING:
    from kaltwisted.config.model import Address
    from kaltwisted.config.reader import Reader
    from kaltwisted.config.statement import Statement

# Options that stand alone, and those that take a word, by their fields.
_FLAGS = {
    "no_track": "no_track",
    "use_vmac": "use_vmac",
    "home": "home",
    "-nodad": "dad",
    "mngtmpaddr": "mngtmpaddr",
    "noprefixroute": "noprefixroute",
    "autojoin": "autojoin",
}
_WORDS = {
    "dev": "dev",
    "label": "label",
    "scope": "scope",
    "brd": "brd",
    "broadcast": "brd",
    "peer": "peer",
    "preferred_lft": "preferred_lft",
}
_STATIC_WORDS = {**_WORDS, STATIC_OPTION: STATIC_OPTION}
ADDRESS_OPTIONS = (*_FLAGS, *_WORDS)
"""The words that a line may have behind its address."""

_MNGTMPADDR_PREFIX = 64


def addresses(reader: Reader, statement: Statement, *, static: bool = False) -> list[VirtualIpAddress]:
    """The addresses of a block; those of ``static`` ones may name a ``track_group``."""
    found = (_address(reader, line, static=static) for line in statement.block or ())
    return [address for address in found if address is not None]


def _address(reader: Reader, line: Statement, *, static: bool) -> VirtualIpAddress | None:
    """``address[/prefix] [dev D] [label L] [scope S] [brd B] [peer P] …``."""
    text = line.words[0]
    where, slash, length = text.partition("/")
    address = parse_address(where)
    if address is None:
        reader.error(
            line, f"`{text}` is not an IP address", expected="an address, such as 192.0.2.1/24 dev eth0"
        )
        return None
    prefix = whole_number(length, 0, address.max_prefixlen) if slash else address.max_prefixlen
    if isinstance(prefix, str):
        reader.error(line, f"prefix length `{length}` {prefix}", expected=f"0 to {address.max_prefixlen}")
        return None
    options = _Options(reader, line, address)
    options.read(static=static)
    peer = options.peer()
    if peer is not None:
        if slash:
            log = "Cannot specify address prefix when specifying peer address - ignoring"
            reader.error(line, f"`/{length}` is passed over: the prefix is that of the peer", log=log)
        prefix = peer[1]
    options.leave_out_what_its_family_has_not()
    fields = options.fields | ({} if peer is None else {"peer": peer[0]})
    found = VirtualIpAddress(address, prefix, **fields)
    options.tell_what_the_kernel_refuses(found)
    return found


@attrs.define
class _Options:
    """The words behind an address.  What is wrong with one is told; the address stands without it."""

    reader: Reader
    line: Statement
    address: Address
    fields: dict[str, Any] = attrs.field(factory=dict)
    # The index of each field's word.
    places: dict[str, int] = attrs.field(factory=dict)

    def read(self, *, static: bool) -> None:
        words, index, is_unknown_told = self.line.words, 1, False
        while index < len(words):
            word = words[index]
            takes_value = word in _STATIC_WORDS
            field = _STATIC_WORDS.get(word) or _FLAGS.get(word)
            if word == STATIC_OPTION and not static:
                message = f"`{word}` is for static items, and passed over"
                self.reader.error(self.line, message, word=index, log=_unknown(word))
            elif field is None:
                if not is_unknown_told:
                    problem = not_one_of(word, list(ADDRESS_OPTIONS), index)
                    self.reader.problems(self.line, [attrs.evolve(problem, log=_unknown(word))])
                is_unknown_told = True
            elif takes_value and index + 1 == len(words):
                log = f"No {word} parameter specified for {words[0]}"
                self.reader.problems(self.line, [Problem(f"`{word}` lacks its value", index, log=log)])
            else:
                self.places[field] = index
                self.fields[field] = words[index + 1] if takes_value else True
            index += 1 + takes_value
        if "preferred_lft" in self.fields:
            self._read_preferred()

    def _read_preferred(self) -> None:
        text = self.fields.pop("preferred_lft")
        lifetime = FOREVER if text == "forever" else whole_number(text, 0, FOREVER)
        if isinstance(lifetime, int):
            self.fields["preferred_lft"] = lifetime
            return
        self._error(
            "preferred_lft",
            f"preferred_lft `{text}` {lifetime}, and is left out",
            f"preferred_lft {text} is invalid",
            expected=f"seconds, up to {FOREVER}, or forever",
            of_value=True,
        )

    def peer(self) -> tuple[Address, int] | None:
        """``peer ADDRESS[/LENGTH]``, with which there is no broadcast."""
        text = self.fields.pop("peer", None)
        if text is None:
            return None
        where, slash, length = text.partition("/")
        peer = parse_address(where)
        most = self.address.max_prefixlen
        prefix = whole_number(length, 0, most) if slash else most
        if peer is None or isinstance(prefix, str):
            message, log = (
                f"`{text}` is not the address of a peer, and is left out",
                f"Invalid peer address {text}",
            )
            self._error("peer", message, log, expected=f"an IPv{self.address.version} address", of_value=True)
            return None
        if peer.version != self.address.version:
            message = f"the peer `{text}` is of another family than {self.address}, and is left out"
            log = f"Peer address {text} does not match address family"
            self._error("peer", message, log, of_value=True)
            return None
        if self.fields.pop("brd", None) is not None:
            log = "Cannot specify broadcast and peer addresses - ignoring broadcast address"
            self._error("brd", "there is no broadcast between two peers: it is left out", log)
        return peer, prefix

    def leave_out_what_its_family_has_not(self) -> None:
        ipv6 = self.address.version == 6
        for field in ("scope", "label") if ipv6 else ():
            if self.fields.pop(field, None) is not None:
                log = f"Cannot specify {field} for IPv6 addresses ({self.line.words[0]}) - ignoring {field}"
                self._error(field, f"an IPv6 address has no {field}: it is left out", log)
        for field in () if ipv6 else ("preferred_lft", "home", "dad", "mngtmpaddr"):
            if field in self.fields:
                word = self.line.words[self.places[field]]
                self._warn(field, f"`{word}` is for IPv6 addresses, and changes nothing here")
        if not ipv6:
            self.fields.pop("preferred_lft", None)

    def tell_what_the_kernel_refuses(self, vip: VirtualIpAddress) -> None:
        if vip.autojoin and not vip.address.is_multicast:
            message = f"{vip.address} is no multicast address: with `autojoin` the kernel will refuse it"
            self._warn("autojoin", message)
        if vip.mngtmpaddr and vip.address.version == 6 and vip.prefix != _MNGTMPADDR_PREFIX:
            message = f"with `mngtmpaddr` the kernel takes prefixes of {_MNGTMPADDR_PREFIX} only"
            self._warn("mngtmpaddr", message, expected=f"{vip.address}/{_MNGTMPADDR_PREFIX}")

    def _error(
        self, field: str, message: str, log: str, *, expected: str | None = None, of_value: bool = False
    ) -> None:
        word = self.places[field] + of_value
        self.reader.error(self.line, message, word=word, expected=expected, log=log)

    def _warn(self, field: str, message: str, expected: str | None = None) -> None:
        self.reader.warn(self.line, message, word=self.places[field], expected=expected)


def _unknown(word: str) -> str:
    return f"Unknown configuration entry '{word}' for ip address - ignoring"
