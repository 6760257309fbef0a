"""Routes and rules that a daemon has put, remembered across its sudden death.

Their mark, ``proto keepalived``, is no proof of whose they are: another daemon,
or a keepalived, may run in the same network namespace.  So a file names what
we put, as the very messages that put it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType

from kaltwisted.config.model import RoutingItem
from kaltwisted.kernel import routes
from kaltwisted.kernel.boot_file import BootFile
from kaltwisted.kernel.messages import HEADER_SIZE, MalformedError, Message, Request

_NEW = MappingProxyType({"route": routes.RTM_NEWROUTE, "rule": routes.RTM_NEWRULE})

_Put = tuple[int, bytes]
"""Type and payload of a message."""


class RoutingRecord:
    """What of ours may stand; with None for a path it is known to this life only.

    Nothing is written before ``save``: a slice of requests costs one file.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._file = BootFile(path)
        self._put: dict[RoutingItem, _Put] = {}
        self._left = self._read()
        self._saved = frozenset(self._left)

    def put(self, item: RoutingItem, request: Request) -> Request | None:
        """This request is about to put it; the answer is what put it before, if that was another one."""
        before = self.what_put(item)
        self._put[item] = (request.type, request.payload)
        return None if before is None or before.payload == request.payload else before

    def what_put(self, item: RoutingItem) -> Request | None:
        """The request that has put it, as far as is known."""
        put = self._put.get(item)
        return None if put is None else Request(*put)

    def gone(self, item: RoutingItem) -> None:
        """It stands no more."""
        self._put.pop(item, None)

    def save(self) -> None:
        """Write down what may stand now."""
        now = frozenset((*self._left, *self._put.values()))
        if now == self._saved:
            return
        self._saved = now
        self._file.keep({name: _hex(now, type_) for name, type_ in _NEW.items()})

    def leftovers(self, kept: Mapping[RoutingItem, Request], suspected: Iterable[Request]) -> list[Request]:
        """Requests that remove what an earlier life put and what ``suspected`` would put.

        Not what ``kept`` puts; the rest is ours no more.  Rules first: without
        them nobody asks for the routes.
        """
        stays = {item: (put.type, put.payload) for item, put in kept.items()}
        left = self._left | {(each.type, each.payload) for each in suspected}
        self._put = {item: put for item, put in stays.items() if put in self._left}
        self._left = frozenset()
        found = sorted(left.difference(stays.values()), reverse=True)
        return [routes.undo(Request(type_, payload)) for type_, payload in found]

    def _read(self) -> frozenset[_Put]:
        try:
            told = self._file.read()
            found = {
                (type_, bytes.fromhex(text)) for name, type_ in _NEW.items() for text in told.get(name, ())
            }
            for type_, payload in found:
                routes.key_told(Message(type_, 0, 0, bytes(HEADER_SIZE) + payload))
        except (ValueError, TypeError, MalformedError) as error:
            self._file.is_of_no_use(error)
            return frozenset()
        return frozenset(found)


def _hex(puts: Iterable[_Put], type_: int) -> list[str]:
    return sorted(payload.hex() for kind, payload in puts if kind == type_)
