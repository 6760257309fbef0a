"""The world of a rehearsal: directors, LANs, real servers, and the time.

::

    world = World(seed=7)
    world.add("one", configuration_of_one, {"eth0": Plug("lan", (ip_interface("192.168.200.5/24"),))})
    world.add("two", configuration_of_two, {"eth0": Plug("lan", (ip_interface("192.168.200.6/24"),))})
    with world.running():
        for director in world.directors.values():
            director.start()
        world.run(10)
        world.directors["one"].power_off()
        world.run(10)
    assert world.history.holders(ip_address("192.168.200.10")) == ["two"]

Whole packets go from encoder to decoder, and every service is the one that a daemon runs; only what
would touch the host is simulated.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from twisted.logger import ILogObserver, LogEvent, formatEvent, globalLogPublisher
from twisted.python.failure import Failure
from zope.interface import implementer

from kaltwisted.config.model import Configuration
from kaltwisted.simulation.clock import WorldClock
from kaltwisted.simulation.director import Director
from kaltwisted.simulation.history import History, Logged
from kaltwisted.simulation.lan import Air
from kaltwisted.simulation.services import RealServers
from kaltwisted.simulation.sessions import Sessions
from kaltwisted.simulation.topology import Plug


@implementer(ILogObserver)
class _Observer:
    def __init__(self, told: Callable[[LogEvent], object]) -> None:
        self._told = told

    def __call__(self, event: LogEvent) -> None:
        self._told(event)


class World:
    """Everything that there is, from second 0 on.  All chance comes from ``seed``."""

    def __init__(self, seed: int = 0) -> None:
        self.clock = WorldClock()
        self.air = Air(self.clock, seed)
        self.servers = RealServers()
        self.history = History()
        self.directors: dict[str, Director] = {}
        self.sessions = Sessions(self.clock, self.air, self.directors)
        self._acting = ""
        self._defects: list[Failure] = []

    def add(self, name: str, configuration: Configuration, plugs: Mapping[str, Plug]) -> Director:
        """A machine more, which does not run its daemon yet."""
        for plug in plugs.values():
            self.air.lan(plug.lan)
        director = self.directors[name] = Director(
            name,
            configuration,
            plugs,
            len(self.directors) + 1,
            clock=self.clock,
            air=self.air,
            servers=self.servers,
            history=self.history,
            enter=self._enter,
            moved=self.sessions.moved,
        )
        return director

    @property
    def now(self) -> int:
        """The time in µs."""
        return self.clock.now_us

    def run(self, seconds: float) -> None:
        """Let time pass."""
        self.clock.run_until(self.clock.now + seconds)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Keep what the services log; of one world at a time.

        A service catches what breaks in it, and goes on.  Here it can be only our own defect, and what
        came after it is no rehearsal: it is raised at the end.
        """
        observer = _Observer(self._logged)
        globalLogPublisher.addObserver(observer)
        try:
            yield
        finally:
            globalLogPublisher.removeObserver(observer)
        for failure in self._defects:
            failure.raiseException()

    def _enter(self, name: str) -> None:
        self._acting = name

    def _logged(self, event: LogEvent) -> None:
        if "log_failure" in event:
            self._defects.append(event["log_failure"])
        self.history.log.append(Logged(self.clock.now_us, self._acting, formatEvent(event)))
