"""Two directors at 10 ms for a long time, with checkers at work on both: nobody may move.

The work is half of ``bench/isolation.py``'s on each.  Ours does it in the daemon
that is measured.  C keepalived cannot check without IPVS: it runs VRRP only, and
a checker daemon of ours beside it makes the same load.
"""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from observer import late_ms
from scenarios import BACKUP, BETTER, MASTER, WORSE, Bench, Settings

sys.path.append(str(Path(__file__).parents[1]))

from isolation import REALTIME, RELOAD_EVERY_S, Director, counted_by, director

SECONDS = 600.0
SETTINGS = Settings(3, 0.01)
PART = 2
_MOVED = re.compile(r"Entering (?:MASTER|BACKUP|FAULT) STATE")
_NOTED = re.compile(rf"{_MOVED.pattern}|held up|thread timer expired")


def watch(bench: Bench) -> None:
    """Let them run, and tell of every move and of the adverts' gaps."""
    seconds = bench.seconds or SECONDS
    with loaded(bench, MASTER, BETTER) as master, loaded(bench, BACKUP, WORSE) as backup:
        for each in (master, backup):
            each.wait_until_busy()
        _wait_for(lambda: "Entering MASTER STATE" in master.vrrp.said(), "the better one is master")
        time.sleep(7)  # the second announcements are over
        for each in (master, backup):
            each.begin()
        bench.observer.begin()
        before = _moves(master), _moves(backup)
        reloads = 0
        began = time.monotonic()
        while time.monotonic() - began < seconds:
            reloads += 1
            for each in (master, backup):
                each.reload(reloads)
            ends = min(reloads * RELOAD_EVERY_S, seconds)
            while (left := began + ends - time.monotonic()) > 0:
                time.sleep(min(left, 1.0))
                bench.observer.read()
        bench.observer.read()
        checks = [each.backends.take(1) for each in (master, backup)]
        if bench.kind == "ours":
            _tell(master, backup)
        moves = _moves(master) - before[0], _moves(backup) - before[1]
        name = f"10 ms under load for {seconds:g} s"
        late = late_ms(bench.observer.adverts(MASTER), SETTINGS.interval_s)
        others = bench.observer.adverts(BACKUP)
        gaps = [each + SETTINGS.interval_s * 1e3 for each in late]
        bench.enter(f"{name}: false failovers (changes of state, of both)", "", 0.0, sum(moves))
        bench.enter(f"{name}: adverts of the backup, which must not speak", "", 0.0, len(others))
        limit_ms = SETTINGS.master_down_s(WORSE) * 1e3
        bench.enter(f"{name}: gap between adverts (the backup waits {limit_ms:.1f})", "ms", limit_ms, *gaps)
        bench.enter(
            f"{name}: TCP checks a second, of each",
            "",
            None,
            *(each.visits / each.seconds for each in checks),
        )
        pages = [each.pages.count / seconds for each in (master, backup)]
        bench.enter(f"{name}: pages of 10 MB a second, of each", "", None, *pages)
        bench.enter(f"{name}: reloads, of each", "", None, reloads)


def _tell(*directors: Director) -> None:
    """What ours counted itself, and the log of whatever moved: whose fault it was."""
    for each in directors:
        for line in counted_by(each.vrrp):
            print(f"    {line}", file=sys.stderr)
        for line in each.vrrp.said().splitlines():
            if _NOTED.search(line):
                print(f"    {line}", file=sys.stderr)


@contextmanager
def loaded(bench: Bench, number: int, priority: int) -> Iterator[Director]:
    """One director with its load."""
    head = SETTINGS.text(priority)
    if bench.prefix:
        head = head.replace("global_defs {\n", "global_defs {\n" + REALTIME, 1)
    with director(bench.hosts[number], head, bench.kind == "ours", PART) as found:
        yield found


def _moves(watched: Director) -> int:
    """How often its state has changed."""
    return len(_MOVED.findall(watched.vrrp.said()))


def _wait_for(condition: Callable[[], object], what: str, seconds: float = 60.0) -> None:
    ends = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > ends:
            raise TimeoutError(f"waited {seconds:g} s in vain: {what}")
        time.sleep(0.1)
