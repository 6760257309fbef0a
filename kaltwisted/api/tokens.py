"""Who may come in over TCP: tokens and what each is good for, of which the file has hashes only.  Pure.

A token is 32 random bytes, so that a plain hash keeps it as well as a slow one
would, and looking one up tells nobody's clock anything.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Mapping
from typing import Final

import attrs

from kaltwisted.api.access import Access, Role

ROLES: Final[Mapping[str, Role]] = {"read": Role.READ, "control": Role.CONTROL}
MOST_TEXT: Final = 1_048_576
_NAME: Final = re.compile(r"[\w.@-]{1,64}", re.ASCII).fullmatch
_HASH: Final = re.compile(r"sha256:([0-9a-f]{64})").fullmatch


class TokensError(Exception):
    """A file of tokens cannot be used; in words, with the line."""


@attrs.frozen
class Tokens:
    """``known``: by the hash of each token who it is."""

    known: Mapping[str, Access] = attrs.field(factory=dict, repr=False)

    @classmethod
    def read(cls, text: str) -> Tokens:
        """Lines of ``ROLE NAME sha256:HASH``; ``#`` begins a comment.

        :raises TokensError: a line is none of these, or says again what one before it said.
        """
        known: dict[str, Access] = {}
        names: set[str] = set()
        for number, line in enumerate(text.splitlines(), 1):
            words = line.partition("#")[0].split()
            if not words:
                continue
            # Never the line itself: it may hold a token that should not be there.
            if len(words) != 3:
                raise TokensError(f"line {number}: that is not ROLE NAME sha256:HASH")
            role, name, hashed = words
            if role not in ROLES:
                raise TokensError(f"line {number}: the role must be one of {', '.join(ROLES)}")
            if _NAME(name) is None:
                raise TokensError(f"line {number}: a name has up to 64 letters, digits and any of . _ @ -")
            match = _HASH(hashed)
            if match is None:
                raise TokensError(
                    f"line {number}: that is no hash of a token: `kaltwisted token {role} {name}` makes one"
                )
            if name in names:
                raise TokensError(f"line {number}: {name} has a token already")
            if match[1] in known:
                raise TokensError(f"line {number}: that token is {known[match[1]].by}'s already")
            names.add(name)
            known[match[1]] = Access(ROLES[role], name)
        return cls(known)

    def who(self, token: str) -> Access | None:
        """Whose a token is; None: nobody's."""
        return self.known.get(hashed(token))


def hashed(token: str) -> str:
    """What the file has of it."""
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


def new(role: str, name: str) -> tuple[str, str]:
    """A token that nobody has yet, and the line of the file that lets its bearer in."""
    token = secrets.token_urlsafe(32)
    return token, f"{role} {name} sha256:{hashed(token)}"
