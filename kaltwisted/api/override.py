"""What operators may override, as values and rules: which targets, which actions, what requests say.  Pure.

An override is what somebody wants in place of what configuration and checks
say.  There is at most one per target and aspect: a server that is drained and
then disabled is disabled.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Any, Final, NamedTuple

import attrs

from kaltwisted.api.exchange import RefusalError
from kaltwisted.config.identity import ServerId
from kaltwisted.config.keywords.convert import INT_MAX
from kaltwisted.ports import (
    CHECKS_PAUSED,
    ELECTION_OF_GROUP,
    ELECTION_OF_INSTANCE,
    SERVICE_OF_SERVER,
    WEIGHT_OF_SERVER,
    Election,
    Fact,
    ServiceState,
)

LONGEST_REASON: Final = 300
LONGEST_NAME: Final = 300


class Kind(Enum):
    """Of a target; the values are as the API names them."""

    REAL_SERVER = "real_server"
    VIRTUAL_SERVER = "virtual_server"
    INSTANCE = "instance"
    GROUP = "group"


class Aspect(Enum):
    """What of a target is overridden; the values are as the API names them."""

    SERVICE = "service"
    WEIGHT = "weight"
    CHECKS = "checks"
    ELECTION = "election"


SERVERS: Final = frozenset({Kind.REAL_SERVER, Kind.VIRTUAL_SERVER})
TARGETS: Final = {
    Aspect.SERVICE: frozenset({Kind.REAL_SERVER}),
    Aspect.WEIGHT: frozenset({Kind.REAL_SERVER}),
    Aspect.CHECKS: SERVERS,
    Aspect.ELECTION: frozenset({Kind.INSTANCE, Kind.GROUP}),
}
"""Of which kinds a target may be for each aspect."""


class _Does(NamedTuple):
    aspect: Aspect
    fact: int | None
    """The value of the fact that it becomes; None: the override's own."""
    words: str
    """For the log: who … target."""


class Action(Enum):
    """What is wanted; the values are as the API and the commands name them."""

    DRAIN = "drain"
    DISABLE = "disable"
    WEIGHT = "weight"
    PAUSE = "pause"
    YIELD = "yield"
    PREFER = "prefer"

    @property
    def aspect(self) -> Aspect:
        """What it overrides."""
        return _DOES[self].aspect


_DOES: Final = {
    Action.DRAIN: _Does(Aspect.SERVICE, ServiceState.DRAINED, "drains {target}"),
    Action.DISABLE: _Does(Aspect.SERVICE, ServiceState.DISABLED, "disables {target}"),
    Action.WEIGHT: _Does(Aspect.WEIGHT, None, "gives weight {value} to {target}"),
    Action.PAUSE: _Does(Aspect.CHECKS, 1, "pauses the checks of {target}"),
    Action.YIELD: _Does(Aspect.ELECTION, Election.YIELD, "has {target} yield"),
    Action.PREFER: _Does(Aspect.ELECTION, Election.PREFER, "prefers {target}"),
}
GIVES_BACK: Final[Mapping[str, Aspect | None]] = {
    "enable": Aspect.SERVICE,
    "unweight": Aspect.WEIGHT,
    "resume": Aspect.CHECKS,
    "release": None,
}
"""Actions that take back an override, and of which aspect; None: of all."""

_FACTS: Final = {
    (Kind.REAL_SERVER, Aspect.SERVICE): SERVICE_OF_SERVER,
    (Kind.REAL_SERVER, Aspect.WEIGHT): WEIGHT_OF_SERVER,
    (Kind.REAL_SERVER, Aspect.CHECKS): CHECKS_PAUSED,
    (Kind.VIRTUAL_SERVER, Aspect.CHECKS): CHECKS_PAUSED,
    (Kind.INSTANCE, Aspect.ELECTION): ELECTION_OF_INSTANCE,
    (Kind.GROUP, Aspect.ELECTION): ELECTION_OF_GROUP,
}


@attrs.frozen
class Target:
    """Whom it concerns; ``name`` as ``config.identity`` and the configuration have it."""

    kind: Kind
    name: str

    def __str__(self) -> str:
        return self.name


@attrs.frozen
class Override:
    """What is wanted, by whom, since when (seconds since 1970) and why.  ``value``: a weight."""

    target: Target
    action: Action
    value: int | None
    by: str
    at: float
    reason: str = ""

    @property
    def key(self) -> tuple[Target, Aspect]:
        """There is at most one of this."""
        return self.target, self.action.aspect

    @property
    def word(self) -> str:
        """What is wanted, in short: ``drain``, ``weight 7``."""
        return self.action.value if self.value is None else f"{self.action.value} {self.value}"

    @property
    def fact(self) -> Fact:
        """What the roles are told."""
        value = _DOES[self.action].fact
        return Fact(self._fact_kind, self.target.name, self.value if value is None else int(value))

    @property
    def end(self) -> Fact:
        """What they are told when it is taken back."""
        return Fact(self._fact_kind, self.target.name, None)

    @property
    def _fact_kind(self) -> str:
        return _FACTS[self.target.kind, self.action.aspect]

    def __str__(self) -> str:
        words = _DOES[self.action].words.format(target=self.target, value=self.value)
        return f"{self.by} {words}{f': {self.reason}' if self.reason else ''}"

    def told(self) -> dict[str, Any]:
        """For programs, and to be kept."""
        return {
            "kind": self.target.kind.value,
            "target": self.target.name,
            "action": self.action.value,
            "value": self.value,
            "by": self.by,
            "at": self.at,
            "reason": self.reason,
        }

    @classmethod
    def read(cls, told: Any) -> Override:
        """The reverse of ``told``; ValueError, in words, for anything else."""
        if not isinstance(told, Mapping):
            raise ValueError("an override is an object")
        try:
            kind, action, at = Kind(told["kind"]), Action(told["action"]), told["at"]
            name, value = _text(told, "target", LONGEST_NAME), _value(action, told.get("value"))
            by, reason = _text(told, "by", LONGEST_NAME), _text(told, "reason", LONGEST_REASON)
        except KeyError as error:
            raise ValueError(f"{error.args[0]} is missing") from None
        except RefusalError as error:
            raise ValueError(str(error)) from None
        if isinstance(at, bool) or not isinstance(at, int | float):
            raise ValueError("at is no number")
        if kind not in TARGETS[action.aspect]:
            raise ValueError(f"{action.value} is nothing for a {kind.value}")
        if kind in SERVERS:
            server = ServerId.parse(name)
            if str(server) != name or (server.real is None) is (kind is Kind.REAL_SERVER):
                raise ValueError(f"{name} is no name of a {kind.value}")
        return cls(Target(kind, name), action, value, by, float(at), reason)


@attrs.frozen
class Wish:
    """What a request asks for: an action, or with None that what is overridden of the aspect is given back.

    ``target``: a name, perhaps abbreviated.  ``aspect`` None: all that is overridden.  ``force``: whatever
    it costs.
    """

    target: str
    aspect: Aspect | None
    action: Action | None
    value: int | None = None
    reason: str = ""
    force: bool = False

    @classmethod
    def read(cls, body: Any) -> Wish:
        """What the body of a request says.

        :raises RefusalError: it says nothing that can be done.
        """
        if not isinstance(body, Mapping):
            raise RefusalError(400, "the body is no JSON object", 'send {"target": …, "action": …}')
        unknown = sorted(set(body) - _MEMBERS)
        if unknown:
            members = ", ".join(sorted(_MEMBERS))
            raise RefusalError(
                400, f"{unknown[0][:40]!r} is no member of an override", f"there are {members}"
            )
        for member in ("target", "action"):
            if member not in body:
                raise RefusalError(400, f"{member} is missing", 'send {"target": …, "action": …}')
        target, reason = _text(body, "target", LONGEST_NAME), _text(body, "reason", LONGEST_REASON)
        force = body.get("force", False)
        if not isinstance(force, bool):
            raise RefusalError(400, "force is neither true nor false", "leave it out")
        word = body["action"]
        if isinstance(word, str) and word in GIVES_BACK:
            return cls(target, GIVES_BACK[word], None, reason=reason)
        try:
            action = Action(word)
        except ValueError:
            words = ", ".join([*(each.value for each in Action), *GIVES_BACK])
            raise RefusalError(400, "action is none that there is", f"one of {words}") from None
        return cls(target, action.aspect, action, _value(action, body.get("value")), reason, force)


_MEMBERS: Final = frozenset({"target", "action", "value", "reason", "force"})


def _text(body: Mapping[str, Any], member: str, longest: int) -> str:
    """A member that is a line of text; a missing reason is none."""
    text = body.get("reason", "") if member == "reason" else body[member]
    if not isinstance(text, str) or not text.isprintable():
        raise RefusalError(400, f"{member} is no line of text", "send a string of printable characters")
    if len(text) > longest:
        raise RefusalError(400, f"{member} is too long", f"{longest} characters at most")
    return text


def _value(action: Action, value: Any) -> int | None:
    if action is not Action.WEIGHT:
        if value is not None:
            raise RefusalError(400, f"{action.value} takes no value", "leave it out")
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= INT_MAX:
        raise RefusalError(400, "value is no weight", f"send a number from 0 to {INT_MAX}")
    return value
