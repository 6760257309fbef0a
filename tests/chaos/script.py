"""The script of a chaos run: what happens when, made of a seed alone, so that it can be played again."""

from __future__ import annotations

from random import Random

import attrs

from .plan import SERVERS, Plan, vary

#: How often each happens, in proportion.
EVENTS = {
    "reload": 8,
    "reload both": 2,
    "storm": 2,
    "broken file": 2,
    "kill role": 6,
    "kill role in reload": 5,
    "kill supervisor": 2,
    "kill supervisor in reload": 3,
    "stop and start": 1,
    "stop and kill": 2,
    "freeze role": 1,
    "pause role": 3,
    "link": 4,
    "server": 9,
    "table by hand": 3,
    "address by hand": 3,
    "dump": 1,
}
#: A role's process is started again after 0, 1, 2, 4 … seconds: who kills too often waits too long.
KILLS_OF_ROLE = 3
ROLES = ("vrrp", "checkers")
#: How a daemon whose supervisor was killed is started again: after its roles were killed, too (systemd),
#: after they have ended by themselves, or while they do.
RESTARTS = ("systemd", "patient", "at once")
CUTS = ("down", "cable", "partition")


@attrs.frozen
class Action:
    """Something that is done to a director (1, 2; 0: to both or none) at a time; the rest by what it is."""

    at: float
    what: str
    director: int = 0
    plans: tuple[Plan, ...] = ()
    words: tuple[str, ...] = ()
    delay: float = 0.0
    number: int = 0

    def __str__(self) -> str:
        extra = [f"director {self.director}"] if self.director else []
        extra += [*self.words]
        if self.number:
            extra.append(str(self.number))
        if self.delay:
            extra.append(f"{self.delay:.3f} s")
        extra += [f"\n        {plan}" for plan in self.plans]
        return f"{self.what}: {', '.join(extra)}"


@attrs.frozen
class Script:
    """A whole run."""

    seed: int
    begins: tuple[Plan, Plan]
    actions: tuple[Action, ...]


class Author:
    """Writes a script."""

    def __init__(self, seed: int, seconds: float, pace: float) -> None:
        self._random = Random(seed)
        self._seed, self._seconds, self._pace = seed, seconds, pace
        self._plans = {1: Plan(105), 2: Plan(90)}
        self._kills: dict[tuple[int, str], int] = {}
        self._down: set[int] = set()

    def write(self) -> Script:
        """The script for this seed."""
        begins = (self._plans[1], self._plans[2])
        actions, at = [], 0.0
        while at < self._seconds:
            (what,) = self._random.choices(list(EVENTS), list(EVENTS.values()))
            actions.append(self._action(at, what))
            # In bursts: most follow at once, some after a rest.
            at += self._pace * self._random.choice((0.02, 0.1, 0.5, 1.0, 1.5, 3.0))
        actions += self._end(at + 5.0)
        return Script(self._seed, begins, tuple(actions))

    def _end(self, at: float) -> list[Action]:
        """How it is left: maybe a director stopped, or cut off for good."""
        match self._random.choice(["whole", "whole", "cut", "cut", "stopped"]):
            case "cut":
                words = (self._random.choice(["eth0", "eth1"]), self._random.choice(["down", "cable"]))
                return [Action(at, "link", self._random.choice((1, 2)), words=words)]
            case "stopped":
                return [Action(at, "stop", self._random.choice((1, 2)))]
        return []

    def _action(self, at: float, what: str) -> Action:
        random = self._random
        director = random.choice((1, 2))
        action = Action(at, what, director)
        match what:
            case "reload" | "storm" | "broken file":
                return attrs.evolve(action, plans=(self._varied(director),), number=random.randint(2, 20))
            case "reload both":
                extra = not self._plans[1].extra
                for each in (1, 2):
                    self._plans[each] = attrs.evolve(self._plans[each], extra=extra)
                return attrs.evolve(action, director=0, plans=(self._plans[1], self._plans[2]))
            case "kill role" | "kill role in reload":
                role = random.choice(ROLES)
                kills = self._kills[director, role] = self._kills.get((director, role), 0) + 1
                if kills > KILLS_OF_ROLE:
                    return attrs.evolve(self._kill_supervisor(action), what="kill supervisor")
                plans = (self._varied(director),) if "reload" in what else ()
                return attrs.evolve(action, words=(role,), plans=plans, delay=random.choice((0, 0.05, 0.3)))
            case "kill supervisor" | "kill supervisor in reload":
                plans = (self._varied(director),) if "reload" in what else ()
                return attrs.evolve(self._kill_supervisor(action), plans=plans)
            case "stop and start" | "stop and kill":
                self._reborn(director)
                return attrs.evolve(action, delay=random.choice((0.02, 0.2, 0.6)))
            case "freeze role":
                self._kills[director, "vrrp"] = self._kills[director, "checkers"] = KILLS_OF_ROLE
                return attrs.evolve(action, words=(random.choice(ROLES),))
            case "pause role":
                return attrs.evolve(action, words=(random.choice(ROLES),), delay=random.uniform(0.2, 4))
            case "link":
                words = (random.choice(["eth0", "eth1"]), random.choice(CUTS))
                return attrs.evolve(action, words=words, delay=random.uniform(0.1, 4))
            case "server":
                self._down ^= {random.choice(SERVERS)}
                down = tuple(str(port) for port in sorted(self._down))
                return attrs.evolve(action, director=0, words=down)
        return attrs.evolve(action, number=random.randrange(1000))

    def _kill_supervisor(self, action: Action) -> Action:
        self._reborn(action.director)
        delay = self._random.choice((0.0, 0.02, 0.1, 0.3))
        return attrs.evolve(action, words=(self._random.choice(RESTARTS),), delay=delay)

    def _reborn(self, director: int) -> None:
        for role in ROLES:
            self._kills[director, role] = 0

    def _varied(self, director: int) -> Plan:
        self._plans[director] = vary(self._plans[director], director, self._random)
        return self._plans[director]


def write_script(seed: int, seconds: float, pace: float = 1.0) -> Script:
    """What ``seed`` says shall happen in so many seconds; ``pace``: seconds that a unit of rest takes."""
    return Author(seed, seconds, pace).write()
