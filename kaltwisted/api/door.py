"""The door of the API over TCP: whom a request is from, by what it carries.  The unix socket has none.

There are no cookies, so a browser that is on somebody's page carries nothing
in; and a request must name us, so that nobody's name server makes that page ours.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from ipaddress import ip_address
from typing import Any, Final

import attrs
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from kaltwisted.api.access import Access, Role
from kaltwisted.api.browsers import host_name
from kaltwisted.api.exchange import RefusalError
from kaltwisted.api.tokens import Tokens
from kaltwisted.config.model import ApiSettings

TELL_EVERY_S: Final = 60.0
"""How often a wrong token is told of in the log; the others in between are counted."""


@attrs.frozen
class Rules:
    """Who is let in, as configured."""

    settings: ApiSettings
    tokens: Tokens = Tokens()


class Door:
    """Lets in by tokens.

    ``refused``: how often a token was wrong.

    :param rules: gives those of this moment: a reload changes them for who is connected, too.
    :param secure: whether nobody between the client and us can read along.
    """

    _log = Logger()

    def __init__(self, rules: Callable[[], Rules], clock: IReactorTime, *, secure: bool) -> None:
        self._rules = rules
        self._clock = clock
        self._secure = secure
        self.refused = 0
        self._told_at: float | None = None
        self._untold = 0

    def admit(self, transport: Any, headers: Mapping[str, str]) -> Access:
        """Who it is.

        :raises RefusalError: nobody that we know, or no request for us.
        """
        rules = self._rules()
        _look_at_host(rules.settings, transport.getHost().host, headers.get("host", ""))
        public = frozenset(rules.settings.public)
        scheme, _, token = headers.get("authorization", "").partition(" ")
        peer = str(transport.getPeer().host)
        if not scheme:
            return Access(Role.PUBLIC, peer, public)
        if not self._secure:
            raise RefusalError(
                403,
                "tokens are not taken over plain HTTP from other hosts",
                "use https: api_certificate in global_defs, or listen on 127.0.0.1",
            )
        access = rules.tokens.who(token.strip()) if scheme.lower() == "bearer" else None
        if access is None:
            self._tell(peer)
            raise RefusalError(
                401,
                "that is nobody's token",
                "send Authorization: Bearer TOKEN, with one of the file api_tokens",
                {"WWW-Authenticate": "Bearer"},
            )
        return Access(access.role, f"{access.by} ({peer})", public)

    def _tell(self, peer: str) -> None:
        """One line now and then: whoever guesses shall not fill the disk."""
        self.refused += 1
        now = self._clock.seconds()
        if self._told_at is not None and now - self._told_at < TELL_EVERY_S:
            self._untold += 1
            return
        more = f", and {self._untold} times before" if self._untold else ""
        self._log.warn("API: wrong token from {peer}{more}", peer=peer, more=more)
        self._told_at, self._untold = now, 0


def _look_at_host(settings: ApiSettings, local: str, host: str) -> None:
    name = host_name(host)
    if name in settings.names or (name == "localhost" and ip_address(local).is_loopback):
        return
    try:
        if ip_address(name) == ip_address(local):
            return
    except ValueError:
        pass
    raise RefusalError(
        421, "the request is for another host", f"call {local}, or put the name into api_names"
    )
