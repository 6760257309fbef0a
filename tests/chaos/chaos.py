"""Plays a script on a LAN, waits until timers have had their time, and says what is not as it should be."""

from __future__ import annotations

import contextlib
import heapq
import itertools
import os
import signal
import time
from collections.abc import Callable
from random import Random

import attrs

from .connections import Connection
from .director import Director
from .plan import GROUP_VIPS, OWN, POOLS, SERVER_ADDRESS
from .script import Action, Script
from .verdict import complaints, differences
from .world import World, world

#: Until all is as it should be: a reconciliation takes 30 s, a frozen role 11 s or 30, a respawn some.
SETTLES_S = 120.0
#: And how long it must stay so.
STAYS_S = 3.0
STARTS_S = 60.0


@attrs.frozen
class Outcome:
    """What came of a script: troubles (none: it held), and everything that happened."""

    troubles: list[str]
    history: str
    logs: str
    settled_s: float
    lived: int = 0


class Player:
    """Plays one script on a world."""

    def __init__(self, world: World, script: Script) -> None:
        self._world = world
        self._script = script
        self._began = time.monotonic()
        self._history: list[str] = [f"seed {script.seed}"]
        self._later: list[tuple[float, int, str, Callable[[], object]]] = []
        self._numbers = itertools.count()
        self._troubles: list[str] = []
        self._connections: list[Connection] = []

    # -- the run ------------------------------------------------------------------------

    def play(self) -> Outcome:
        """All of it."""
        settled = 0.0
        try:
            self._open()
            for action in self._script.actions:
                self._wait_until(action.at)
                self._do(action)
            self._wait_until(None)
            self._note("quiet")
            settled = self._settle()
        except AssertionError as error:
            self._troubles.append(str(error))
        finally:
            for connection in self._connections:
                connection.close()
        logs = "".join(f"=== director {number}\n{each.log}" for number, each in self._world.directors.items())
        lived = sum(connection.lived for connection in self._connections)
        return Outcome(self._troubles, "\n".join(self._history), logs, settled, lived)

    def _open(self) -> None:
        for director, plan in zip(self._world.directors.values(), self._script.begins, strict=True):
            director.configure(plan)
            director.start()
        self._await(lambda: not differences(self._world), STARTS_S, "the start")
        if self._world.plane == "ipvs":
            self._connections = [Connection(self._world, number) for number in (1, 1, 2, 2)]
            self._await(lambda: all(each.port for each in self._connections), STARTS_S, "connections")
        self._began = time.monotonic()
        self._note("all stands")

    def _settle(self) -> float:
        began = time.monotonic()
        self._await(lambda: not differences(self._world), SETTLES_S, "rest")
        settled = time.monotonic() - began
        self._note(f"as it should be after {settled:.1f} s")
        stays_until = time.monotonic() + STAYS_S
        while time.monotonic() < stays_until:
            self._troubles += [f"afterwards: {each}" for each in differences(self._world)]
            time.sleep(0.5)
        self._watch_connections()
        self._troubles += complaints(self._world)
        return settled

    def _watch_connections(self) -> None:
        before = {each: each.progress for each in self._connections}

        def goes_on(each: Connection) -> bool:
            director = self._world.directors[each.director]
            cut = any(number == each.director for number, _ in self._world.cuts)
            served = dict(director.plan.pools[0].servers) if director.plan and director.plan.pools else {}
            forgiven = not director.runs or cut or (each.port != 0 and each.port not in served)
            forgiven |= not OWN.destinations(self._world.farm.up) and each.port == 0
            return each.progress > before[each] or forgiven or not (self._world.farm.up & served.keys())

        self._await(lambda: all(goes_on(each) for each in self._connections), SETTLES_S, "connections go on")
        self._troubles += [
            f"at {moment - self._began:.3f}: {lost}"
            for each in self._connections
            for moment, lost in each.lost
        ]

    # -- time -----------------------------------------------------------------------------

    def _note(self, text: str) -> None:
        self._history.append(f"{time.monotonic() - self._began:8.3f}  {text}")

    def _after(self, delay: float, what: str, how: Callable[[], object]) -> None:
        heapq.heappush(self._later, (time.monotonic() + delay, next(self._numbers), what, how))

    def _wait_until(self, at: float | None) -> None:
        """Do meanwhile what is due later; None: until all of that is done."""
        while True:
            due = self._later[0][0] if self._later else None
            ends = due if at is None else self._began + at
            if ends is None:
                return
            if due is None or due > ends:
                time.sleep(max(0.0, ends - time.monotonic()))
                return
            time.sleep(max(0.0, due - time.monotonic()))
            _, _, what, how = heapq.heappop(self._later)
            self._note(f"    then {what}")
            how()

    def _await(self, condition: Callable[[], object], limit: float, what: str) -> None:
        ends = time.monotonic() + limit
        while not condition():
            if time.monotonic() > ends:
                wrong = "\n".join(differences(self._world))
                raise AssertionError(f"not within {limit:g} s: {what}\n{wrong}")
            time.sleep(0.1)

    # -- what happens ---------------------------------------------------------------------

    def _do(self, action: Action) -> None:
        self._note(str(action))
        director = self._world.directors.get(action.director)
        if director is None:
            if action.what == "server":
                self._world.farm.only_down(frozenset(int(word) for word in action.words))
            else:
                for each, plan in zip(self._world.directors.values(), action.plans, strict=True):
                    each.configure(plan)
                    self._reload(each)
            return
        if not director.runs and director.process is not None and action.what != "link":
            self._has_ended(director)
        getattr(self, "_" + action.what.replace(" ", "_"))(director, action)

    def _has_ended(self, director: Director) -> None:
        """By itself, which is wrong whatever was done to it."""
        assert director.process is not None
        self._note(f"director {director.number} has ended with status {director.process.returncode}")
        self._troubles.append(self._history[-1])
        director.bury("patient")
        director.start()

    def _reload(self, director: Director, action: Action | None = None) -> None:
        if action is not None:
            for plan in action.plans:
                director.configure(plan)
        if director.runs and not director.signal(signal.SIGHUP):
            # Too early for a signal, and for the new file: HUP will follow.
            self._after(0.3, f"HUP for director {director.number}", lambda: self._reload(director))

    def _storm(self, director: Director, action: Action) -> None:
        for number in range(action.number):
            if number == action.number // 2:
                director.configure(action.plans[0])
            director.signal(signal.SIGHUP)
            time.sleep(0.01)
        self._reload(director)

    def _broken_file(self, director: Director, action: Action) -> None:
        """It changes nothing; a good one follows."""
        good = director.file.read_text()
        director.file.write_text(good + "virtual_server 10.77.0.1 {\n nonsense\n}\nvrrp_instance {\n}\n}\n")
        director.signal(signal.SIGHUP)
        ends = time.monotonic() + 2.0
        refused = director.log.count("New config failed validation")
        while director.log.count("New config failed validation") == refused and time.monotonic() < ends:
            time.sleep(0.02)
        self._reload(director, action)

    def _kill_role(self, director: Director, action: Action) -> None:
        if action.plans:
            self._reload(director, action)
            time.sleep(action.delay)
        pid = director.role(action.words[0])
        if pid is None:
            self._note("    not there")
            return
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)

    _kill_role_in_reload = _kill_role

    def _kill_supervisor(self, director: Director, action: Action) -> None:
        if action.plans:
            self._reload(director, action)
        time.sleep(action.delay)
        director.kill()
        director.bury(action.words[0])
        director.start()

    _kill_supervisor_in_reload = _kill_supervisor

    def _stop(self, director: Director, _: Action) -> None:
        director.stop()
        director.process = None

    def _stop_and_start(self, director: Director, action: Action) -> None:
        director.stop()
        time.sleep(action.delay)
        director.start()

    def _stop_and_kill(self, director: Director, action: Action) -> None:
        """In the middle of handing over."""
        assert director.process is not None
        director.process.terminate()
        time.sleep(action.delay)
        director.kill()
        director.bury("systemd")
        director.start()

    def _freeze_role(self, director: Director, action: Action) -> None:
        """For good: it is for its supervisor to notice."""
        pid = director.role(action.words[0])
        if pid is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGSTOP)

    def _pause_role(self, director: Director, action: Action) -> None:
        pid = director.role(action.words[0])
        if pid is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGSTOP)

        def go_on() -> None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)

        self._after(action.delay, f"process {pid} goes on", go_on)

    def _link(self, director: Director, action: Action) -> None:
        interface, how = action.words
        if (director.number, interface) in self._world.cuts:
            return
        self._world.cut(director.number, interface, how)
        if action.delay:
            what = f"{interface} of director {director.number} is back"
            self._after(action.delay, what, lambda: self._world.mend(director.number, interface))

    def _table_by_hand(self, director: Director, action: Action) -> None:
        if self._world.plane != "ipvs":
            return
        at = f"{OWN.listens(director.number)}:{OWN.port}"
        match Random(action.number).randrange(4):
            case 0:
                for pool in POOLS:
                    director.ipvsadm("-D", "-t", f"{pool.listens(director.number)}:{pool.port}")
            case 1:
                director.ipvsadm("-D", "-t", at)
            case 2:
                director.ipvsadm("-a", "-t", at, "-r", f"{SERVER_ADDRESS}:9999", "-m", "-w", "7")
            case _:
                director.ipvsadm("-e", "-t", at, "-r", f"{SERVER_ADDRESS}:9001", "-m", "-w", "77")

    def _address_by_hand(self, director: Director, action: Action) -> None:
        interface = Random(action.number).choice(sorted(GROUP_VIPS))
        vip = f"{GROUP_VIPS[interface]}/24"
        if (interface, vip) in director.addresses():
            # It may go by itself meanwhile.
            with contextlib.suppress(Exception):
                director.host.ip("address", "del", vip, "dev", interface)

    def _dump(self, director: Director, _: Action) -> None:
        for number in (signal.SIGUSR1, signal.SIGUSR2, signal.SIGRTMIN + 2, signal.SIGRTMAX):
            director.signal(number)


def run(script: Script, plane: str) -> Outcome:
    """Play it on a world of its own."""
    with world(plane) as made:
        return Player(made, script).play()
