"""The roles that run: which ones a configuration needs, and how they go over to another one together."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from twisted.internet.defer import Deferred, DeferredList, gatherResults

from kaltwisted.config.diff import Changes
from kaltwisted.config.model import Configuration
from kaltwisted.daemon import initial_files
from kaltwisted.daemon.pipes import Pipes
from kaltwisted.daemon.role.seam import IRunner, Report, RoleError, RoleKind


class Roles:
    """The roles of a daemon and the configuration that they run.

    :param kinds: the roles that there may be.
    :param run: makes the runner for one.
    :param pipes: the notify FIFOs, which are there before the roles and after them.
    :param idle: run also those that have no work (keepalived: ``--all``).
    """

    def __init__(
        self,
        kinds: Iterable[RoleKind],
        run: Callable[[RoleKind], IRunner],
        configuration: Configuration,
        pipes: Pipes,
        *,
        idle: bool = False,
    ) -> None:
        self.configuration = configuration
        self.running: dict[str, IRunner] = {}
        self._kinds = tuple(kinds)
        self._run = run
        self._pipes = pipes
        self._idle = idle
        # Those that get ready, until they run: a stop in the middle of that must reach them, too.
        self._preparing: dict[str, IRunner] = {}

    async def begin(self) -> None:
        """Run the roles that the configuration needs.

        :raises RoleError: one of them cannot run here, and so none does.
        """
        self.running = await self._ready(self._needed(self.configuration), self.configuration)
        self._preparing = {}
        self._pipes.reconfigure(self.configuration.global_defs)
        initial_files.make(self.configuration.track_files)
        await gatherResults([runner.start() for runner in self.running.values()])

    async def prepare(self, changes: Changes) -> Callable[[], Deferred[Any]]:
        """Get ready for another configuration.  Calling the result applies it; it fires when that is done.

        :raises RoleError: it cannot be; nothing has changed.
        """
        configuration = changes.configuration
        kinds = self._needed(configuration)
        if self.running and not kinds:
            # An editor's half-written file must not end the service.
            raise RoleError("The new configuration has nothing to run; stop the daemon to end everything")
        new = await self._ready([kind for kind in kinds if kind.name not in self.running], configuration)
        kept = {kind.name for kind in kinds}
        return lambda: Deferred.fromCoroutine(self._change(changes, kept, new))

    async def _change(self, changes: Changes, kept: set[str], new: dict[str, IRunner]) -> None:
        self.configuration = changes.configuration
        self._pipes.reconfigure(self.configuration.global_defs)
        initial_files.make(changes.track_files.added)
        applied = [runner.apply(changes) for runner in self.running.values()]
        started = [runner.start() for runner in new.values()]
        gone = [runner for name, runner in self.running.items() if name not in kept]
        self.running.update(new)
        self._preparing = {}
        await gatherResults([*applied, *started])
        # They have let go of what they held; without work they end.
        self.running = {name: runner for name, runner in self.running.items() if name in kept}
        await gatherResults([runner.stop() for runner in gone])

    def stop(self) -> Deferred[Any]:
        """End all of them; fires when nothing of them is left."""
        # Who acts on facts first: that others stop must not look to it as though something failed.
        hearers = {kind.name for kind in self._kinds if kind.hears}
        names = sorted(self.running, key=lambda name: name not in hearers)
        runners = [*(self.running[name] for name in names), *self._preparing.values()]
        stopped: Deferred[Any] = DeferredList([runner.stop() for runner in runners])
        return stopped.addCallback(lambda _: self._pipes.stop())

    async def report(self, report: Report, version: int = 1) -> dict[str, bytes]:
        """What each role has to tell, by its name."""
        names = tuple(self.running)
        texts = await gatherResults([self.running[name].report(report, version) for name in names])
        return dict(zip(names, texts, strict=True))

    def clear_statistics(self) -> None:
        """Have all count from zero."""
        for runner in self.running.values():
            runner.clear_statistics()

    def _needed(self, configuration: Configuration) -> list[RoleKind]:
        return [kind for kind in self._kinds if self._idle or kind.needed(configuration)]

    async def _ready(self, kinds: list[RoleKind], configuration: Configuration) -> dict[str, IRunner]:
        """Runners that have prepared ``configuration``, or none at all."""
        runners = {kind.name: self._run(kind) for kind in kinds}
        self._preparing = runners
        results: list[tuple[bool, Any]] = await DeferredList(
            [runner.prepare(configuration) for runner in runners.values()], consumeErrors=True
        )
        failures = {
            kind.title: result
            for kind, (prepared, result) in zip(kinds, results, strict=True)
            if not prepared
        }
        if failures:
            await DeferredList([runner.stop() for runner in runners.values()])
            self._preparing = {}
            for failure in failures.values():
                failure.trap(RoleError)
            raise RoleError(
                "; ".join(f"{title} does not run: {failure.value}" for title, failure in failures.items()),
                max(failure.value.status for failure in failures.values()),
            )
        return runners
