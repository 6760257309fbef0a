"""The overrides of a daemon: kept, told to the roles, logged; and changed, as the API asks."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeAlias

import attrs
from twisted.internet.defer import Deferred, DeferredLock
from twisted.logger import Logger

from kaltwisted.api import override_file
from kaltwisted.api.exchange import RefusalError
from kaltwisted.api.override import TARGETS, Aspect, Override, Target, Wish
from kaltwisted.api.targets import configured, find, find_in
from kaltwisted.config.model import Configuration
from kaltwisted.ports import Fact, InThread, Note, StateChange, unnoted

MOST: Final = 10_000
"""More than anybody means to have: what is kept is written whole at each change."""
TOLD_AT_START: Final = 20
GIVEN_BACK: Final = "none"
"""The state, in events, of what is overridden no more."""

_Known: TypeAlias = dict[tuple[Target, Aspect], Override]


@attrs.frozen
class Surroundings:
    """What overrides act on.

    ``configuration``: what runs.  ``publish``: tells the roles a fact.  ``foresee``: in words what a
    fact would cost.  ``run_checks``: makes the checks of a server run now; nothing where nobody runs them.
    ``in_thread``: calls a function in a thread.  ``now``: the time of day.  ``note``: hears of changes.
    """

    configuration: Callable[[], Configuration]
    publish: Callable[[Fact], object]
    foresee: Callable[[Fact], Deferred[str]]
    run_checks: Callable[[str], Deferred[bytes]]
    in_thread: InThread
    now: Callable[[], float]
    note: Note = unnoted


class Overrides:
    """All of them.

    :param path: the file that keeps them; None: they cannot be kept, and so there are none.
    """

    _log = Logger()

    def __init__(self, path: Path | None, surroundings: Surroundings) -> None:
        self._path = path
        self._around = surroundings
        self._known: _Known = {}
        self._turn = DeferredLock()

    def begin(self) -> None:
        """Tell the roles, before they start, what was kept; reads the file at once."""
        if self._path is None:
            return
        kept = override_file.read(self._path)
        if kept.trouble is not None:
            self._log.error("Override: {trouble}", trouble=kept.trouble)
        self._known = {each.key: each for each in kept.overrides}
        for number, override in enumerate(self._known.values()):
            self._around.publish(override.fact)
            if number < TOLD_AT_START:
                self._log.info("Override: kept from before: {override}", override=str(override))
        more = len(self._known) - TOLD_AT_START
        if more > 0:
            self._log.info("Override: {more} more are kept from before", more=more)

    # -- what is asked --------------------------------------------------------------------

    def listed(self) -> Deferred[list[dict[str, Any]]]:
        """All of them for programs, in the order in which they were made.

        ``configured`` False: a reload has taken away its target, and it waits for its return.
        """
        known, configuration = tuple(self._known.values()), self._around.configuration()
        told: Deferred[list[dict[str, Any]]] = self._around.in_thread(partial(_listed, known, configuration))
        return told

    async def text(self) -> bytes:
        """The same as the JSON list in the status document."""
        return json.dumps(await self.listed() if self._known else []).encode()

    async def put(self, wish: Wish, by: str) -> list[Override]:
        """Do what is wished; what is overridden now, or with a wish to give back, what no longer is.

        :raises RefusalError: it cannot be; nothing has changed.
        """
        if wish.action is None:
            return await self.take_back(wish.target, wish.aspect, by, wish.reason)
        target = await self._find(wish.target, wish.action.aspect)
        override = Override(target, wish.action, wish.value, by, self._around.now(), wish.reason)
        if not wish.force and wish.action.aspect in (Aspect.SERVICE, Aspect.WEIGHT):
            cost = await self._around.foresee(override.fact)
            if cost:
                raise RefusalError(
                    409, f"without {target} its pool has no quorum: {cost}", "force it to do it all the same"
                )
        before = self._known.get(override.key)
        await self._turn.run(self._change, {override.key: override})
        self._log.info("Override: {override}", override=str(override))
        self._note(target, before, override.word, by, override.reason)
        return [override]

    async def take_back(self, word: str, aspect: Aspect | None, by: str, reason: str = "") -> list[Override]:
        """Override this aspect of a target no longer, or with None nothing of it.

        :raises RefusalError: nothing is overridden there, or it cannot be; nothing has changed.
        """
        kept = [each for each in self._known.values() if aspect in (None, each.action.aspect)]
        try:
            target = find(word, dict.fromkeys(each.target for each in kept))
        except RefusalError as error:
            if error.status == 409:
                raise
            what = "nothing" if aspect is None else f"no {aspect.value}"
            raise RefusalError(
                404, f"{what} is overridden of {word}", "GET /api/v1/overrides lists what is"
            ) from None
        gone = [each for each in kept if each.target == target]
        await self._turn.run(self._change, dict.fromkeys(each.key for each in gone))
        for override in gone:
            self._log.info(
                "Override: {by} takes back {action} of {target}{why}",
                by=by,
                action=override.action.value,
                target=override.target.name,
                why=f": {reason}" if reason else "",
            )
            self._note(target, override, GIVEN_BACK, by, reason)
        return gone

    def _note(self, target: Target, before: Override | None, after: str, by: str, reason: str) -> None:
        why = f"{by}: {reason}" if reason else by
        was = None if before is None else before.word
        self._around.note(StateChange("override", target.name, was, after, why))

    async def run_checks(self, word: str, by: str) -> bytes:
        """Make the checks of a server run now; what they found, as a JSON list.

        :raises RefusalError: there is no such server, or nobody to run its checks.
        """
        target = await self._find(word, Aspect.CHECKS)
        self._log.info("Checks of {target} run now, as {by} asks", target=target.name, by=by)
        found = await self._around.run_checks(target.name)
        if not found:
            raise RefusalError(503, "the checkers do not run", "try again; the status tells what they are at")
        return found

    # -- how it is done -------------------------------------------------------------------

    async def _find(self, word: str, aspect: Aspect) -> Target:
        configuration = self._around.configuration()
        found: Target = await self._around.in_thread(lambda: find_in(configuration, word, TARGETS[aspect]))
        return found

    async def _keep(self, known: _Known) -> None:
        path = self._path
        if path is None:
            raise RefusalError(
                503, "overrides cannot be kept here", "the log tells at the start which directory they need"
            )
        try:
            await self._around.in_thread(lambda: override_file.write(path, known.values()))
        except OSError as error:
            raise RefusalError(
                503, f"it cannot be kept: {path}: {error.strerror}", "make that file writable, and try again"
            ) from None

    def _change(self, changes: dict[tuple[Target, Aspect], Override | None]) -> Deferred[None]:
        return Deferred.fromCoroutine(self._change_in_turn(changes))

    async def _change_in_turn(self, changes: dict[tuple[Target, Aspect], Override | None]) -> None:
        """First what is kept, then what is known: what was answered is not lost with the machine."""
        known = {key: each for key, each in self._known.items() if key not in changes}
        known.update({key: each for key, each in changes.items() if each is not None})
        if len(known) > max(MOST, len(self._known)):
            raise RefusalError(409, f"there are {MOST} overrides already", "give some back")
        await self._keep(known)
        before, self._known = self._known, known
        for key, override in changes.items():
            if override is not None:
                self._around.publish(override.fact)
            elif key in before:
                self._around.publish(before[key].end)


def _listed(known: tuple[Override, ...], configuration: Configuration) -> list[dict[str, Any]]:
    there = configured(configuration, [each.target for each in known])
    return [{**each.told(), "configured": each.target in there} for each in known]
