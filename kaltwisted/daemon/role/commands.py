"""What a supervisor and a role's process say to one another, by AMP over a socket pair."""

from __future__ import annotations

from typing import Final

from twisted.protocols import amp

from kaltwisted.ports import Fact

CONTROL: Final = 3
"""The descriptor of the socket in the role's process."""


class Configure(amp.Command):  # type: ignore[misc,unused-ignore]
    """Get ready.  ``parcel``: settings and configuration.  ``status`` 0, or an exit status and the reason."""

    arguments = [(b"parcel", amp.Descriptor())]
    response = [(b"status", amp.Integer()), (b"words", amp.Unicode())]


class Start(amp.Command):  # type: ignore[misc,unused-ignore]
    """Begin to work."""


class Apply(amp.Command):  # type: ignore[misc,unused-ignore]
    """Go over to another configuration.  ``parcel``: the changes; answered when they are in effect."""

    arguments = [(b"parcel", amp.Descriptor())]


class Stop(amp.Command):  # type: ignore[misc,unused-ignore]
    """Hand over and end; answered when all is done."""


class Ping(amp.Command):  # type: ignore[misc,unused-ignore]
    """Answer, to show that the reactor turns."""


class Tell(amp.Command):  # type: ignore[misc,unused-ignore]
    """A fact, from the role that knows it to the supervisor, and from there to those that act on it."""

    arguments = [
        (b"kind", amp.Unicode()),
        (b"name", amp.String()),  # perhaps no UTF-8, as words of a file can be
        (b"value", amp.Integer(optional=True)),
    ]

    @staticmethod
    def of(fact: Fact) -> dict[str, object]:
        """The arguments for a fact."""
        return {"kind": fact.kind, "name": fact.name.encode(errors="surrogateescape"), "value": fact.value}

    @staticmethod
    def fact(kind: str, name: bytes, value: int | None = None) -> Fact:
        """The fact of arguments."""
        return Fact(kind, name.decode(errors="surrogateescape"), value)


class Lines(amp.Command):  # type: ignore[misc,unused-ignore]
    """Events for the notify FIFOs, from a role to the supervisor, who has them.  ``text``: whole lines."""

    arguments = [(b"text", amp.String())]

    MOST: Final = 60_000
    """Bytes; a value of AMP has a length of two."""


class Noted(amp.Command):  # type: ignore[misc,unused-ignore]
    """State changes, from a role to the supervisor.  ``text``: a line of JSON for each (``role.notes``)."""

    arguments = [(b"text", amp.String())]


class Report(amp.Command):  # type: ignore[misc,unused-ignore]
    """Write a report ``into`` a file.  ``what``: a ``seam.Report``'s value; ``version``: of the JSON."""

    arguments = [(b"what", amp.Unicode()), (b"version", amp.Integer()), (b"into", amp.Descriptor())]


class Foresee(amp.Command):  # type: ignore[misc,unused-ignore]
    """Say what a fact would cost, were it told."""

    arguments = Tell.arguments
    response = [(b"words", amp.Unicode())]


class RunChecks(amp.Command):  # type: ignore[misc,unused-ignore]
    """Make an attempt now of each check of a server, and write ``into`` a file what it finds."""

    arguments = [(b"target", amp.Unicode()), (b"into", amp.Descriptor())]


class ClearStatistics(amp.Command):  # type: ignore[misc,unused-ignore]
    """Count from zero."""
