"""FILE_CHECK: a server's weight, or whether it is good at all, by the numbers in files."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from twisted.internet.defer import Deferred, succeed
from zope.interface import implementer

from kaltwisted.config import model
from kaltwisted.healthcheck.known import Known
from kaltwisted.healthcheck.outcome import Outcome
from kaltwisted.ports import TRACKED_FILE, IHeardCheck

MOST_WEIGHT: Final = 2**31 - 1
"""keepalived's limit of a server's weight, and of what a file may add to it or take from it."""


def share(check: model.FileCheck, number: int) -> int:
    """What a file's number adds to its server's weight."""
    weight = check.weight or 0
    return max(-MOST_WEIGHT, min(MOST_WEIGHT, number * (-weight if check.reverse else weight)))


def is_good(check: model.FileCheck, number: int) -> bool:
    """Whether the server may work: without weight by the number alone, else unless it takes all there is."""
    if not check.weight:
        return bool(number) is check.reverse
    return share(check, number) > -MOST_WEIGHT


def weight_of(server: model.RealServer, number: Callable[[str], int]) -> int:
    """A server's weight with all that its files add to it, never below 0."""
    shares = (share(each, number(each.track_file)) for each in file_checks(server))
    return max(0, min(MOST_WEIGHT, server.weight + sum(shares)))


def file_checks(server: model.RealServer) -> Iterable[model.FileCheck]:
    """A server's, in the order configured."""
    return (each for each in server.checks if isinstance(each, model.FileCheck))


@implementer(IHeardCheck)
class FileCheck:
    """Goes by one file, and asks for the weight that all files of its server make together."""

    def __init__(self, check: model.FileCheck, server: model.RealServer, known: Known) -> None:
        self._check = check
        self._server = server
        self._known = known

    def run(self) -> Deferred[Outcome]:
        """What the numbers say (ICheck)."""
        number = self._number(self._check.track_file)
        weight = weight_of(self._server, self._number) if self._check.weight else None
        good = is_good(self._check, number)
        return succeed(Outcome(good, f"the number is {number}", weight if good else None))

    def describe(self) -> str:
        """As ICheck asks."""
        return f"track_file {self._check.track_file}"

    def follow(self, turned: Callable[[], object]) -> Callable[[], None]:
        """As IHeardCheck asks: the other files of its server change its answer, too."""
        names = {self._check.track_file}
        if self._check.weight:
            names.update(each.track_file for each in file_checks(self._server))
        leaving = [self._known.follow(TRACKED_FILE, name, turned) for name in sorted(names)]

        def leave() -> None:
            for each in leaving:
                each()

        return leave

    def _number(self, name: str) -> int:
        return self._known.value(TRACKED_FILE, name) or 0
