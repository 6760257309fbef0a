"""Advice on ``auth_hmac``: keys that can be guessed, and where it is not what it may seem."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import TYPE_CHECKING

from kaltwisted.config.advice.kinds import HMAC_VERSION, PEER_AUTHENTICATION, WEAK_KEY
from kaltwisted.config.model import AuthHmac, HmacMode

if TYPE_CHECKING:
    from kaltwisted.config.advice.routers import Member
    from kaltwisted.config.findings import Finding
    from kaltwisted.config.model import Configuration
    from kaltwisted.config.written import Written

FEWEST_BYTES = 10
"""Different ones: of 32 random bytes no key in 10**20 has fewer."""


def weak_keys(configuration: Configuration, written: Written) -> Iterator[Finding]:
    """A key that is no random one: few different bytes, or bytes that go up or down by steps."""
    for instance in configuration.vrrp_instances:
        if instance.auth_hmac is None or not written.is_sound(instance.where):
            continue
        for number, key in enumerate(instance.auth_hmac.keys):
            why = _weakness(key.secret)
            if why is not None:
                yield written.advise(
                    WEAK_KEY,
                    written.spot(instance.where, "auth_hmac", ("key", number), word=2),
                    f"key {key.id} of `{instance.name}` is weak: {why}",
                    expected="hex: and 64 digits of `openssl rand -hex 32`",
                )


def _weakness(secret: bytes) -> str | None:
    if not secret:
        return None  # it is in a file that was not looked into
    if len(set(secret)) < FEWEST_BYTES:
        return "it has few different bytes"
    steps = {(after - before) % 256 for before, after in pairwise(secret)}
    return "its bytes are a series" if len(steps) == 1 else None


def old_versions(configuration: Configuration, written: Written) -> Iterator[Finding]:
    """``auth_hmac`` with version 2, which the published form of it does not have."""
    for instance in configuration.vrrp_instances:
        if instance.auth_hmac is None or instance.version == 3 or not written.is_sound(instance.where):
            continue
        yield written.advise(
            HMAC_VERSION,
            written.spot(instance.where, "auth_hmac"),
            f"`{instance.name}` has auth_hmac with VRRP version 2",
            expected="version 3 on all routers",
        )


def signatures(router: list[Member]) -> Iterator[tuple[Member, Finding]]:
    """``auth_hmac`` of several directors: whether each takes what the others send; no key is ever shown."""
    first = router[0] if router else None
    for member in router[1:]:
        assert first is not None
        for one, other in ((member, first), (first, member)):
            why = _refusal(one, other)
            if why is None:
                continue
            finding = member.director.written.advise(
                PEER_AUTHENTICATION,
                member.spot("auth_hmac", word=0),
                why,
                expected="auth_hmac with the same keys on both",
                related=first.related("the other one is here", "auth_hmac"),
            )
            yield member, finding
            break


def _refusal(sender: Member, receiver: Member) -> str | None:
    """Why a receiver drops what a sender sends; None: it does not, or one cannot know."""
    sends, takes = sender.instance.auth_hmac, receiver.instance.auth_hmac
    signs = sends is not None and sends.mode is not HmacMode.RECEIVE_ONLY
    if not signs:
        strict = takes is not None and takes.mode is HmacMode.ENFORCE
        return f"{sender} does not sign its adverts, {receiver} wants them signed" if strict else None
    assert sends is not None
    if takes is None:
        return f"{sender} signs its adverts, {receiver} has no auth_hmac and drops them"
    ours, theirs = _secret(sends), _secret(takes, sends.active_key)
    if theirs is None:
        return f"{sender} signs with key {sends.active_key}, which {receiver} does not have"
    if ours and theirs and ours != theirs:
        return f"key {sends.active_key} of {sender} is another than that of {receiver}"
    return None


def _secret(auth_hmac: AuthHmac, number: int | None = None) -> bytes | None:
    """The secret of a key, the active one by default; empty: its file was not read.  None: no such key."""
    wanted = auth_hmac.active_key if number is None else number
    return next((key.secret for key in auth_hmac.keys if key.id == wanted), None)


RULES = (weak_keys, old_versions)
