"""What is done to the two directors, and what is read off the wire."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import attrs
from daemons import ROOT, Daemon, Settings, ended
from network import DIRECTORS, STRANGER, Host
from observer import Frame, Observer, late_ms
from report import Figure, Report

BETTER, WORSE = 200, 100
MASTER, BACKUP = DIRECTORS
#: The four ways of speaking that are measured.
PACES = {
    f"v{version}@{interval_s:g}": Settings(version, interval_s)
    for version, interval_s in ((2, 1.0), (3, 1.0), (3, 0.1), (3, 0.01))
}
STORM_RATE = 10_000
#: What a takeover may take beyond what the protocol asks for: at the median, and at the worst.
TAKEOVER_MS = 1.0, 3.0
STORM = Path(__file__).with_name("storm.py")


@attrs.frozen
class Bench:
    """What a scenario works with.  ``rounds``: repetitions at 1 s; there are thrice as many at less."""

    kind: str
    hosts: dict[int, Host]
    observer: Observer
    report: Report
    scratch: Path
    rounds: int
    seconds: float | None
    paces: Sequence[Settings]
    prefix: Sequence[str] = ()

    def rounds_of(self, settings: Settings) -> int:
        """How often to repeat."""
        return self.rounds if settings.interval_s >= 1 else 3 * self.rounds

    def daemon(self, number: int, settings: Settings) -> Daemon:
        """One that is still to be started."""
        priority = BETTER if number == MASTER else WORSE
        return Daemon(self.kind, self.hosts[number], settings, priority, self.scratch, prefix=self.prefix)

    def enter(self, name: str, unit: str, limit: float | None, *values: float) -> None:
        """Add to the report."""
        self.report.add(Figure(name, unit, limit), self.kind, *values)

    def enter_takeover(self, name: str, taken_ms: float, limit_s: float) -> None:
        """Add how long a takeover took, and by how much that was over what the protocol asks for."""
        self.enter(f"{name}, after {limit_s * 1e3:.1f} at the least", "ms", None, taken_ms)
        median, worst = TAKEOVER_MS
        figure = Figure(f"{name}, over that", "ms", worst, median)
        self.report.add(figure, self.kind, taken_ms - limit_s * 1e3)

    @contextmanager
    def pair(self, settings: Settings) -> Iterator[tuple[Daemon, Daemon]]:
        """Master and backup, in that order, both ready and quiet."""
        master, backup = self.daemon(MASTER, settings), self.daemon(BACKUP, settings)
        with ended(master, backup):
            self.observer.begin()
            master.start()
            backup.start()
            for each in (master, backup):
                each.wait_for_line("Entering BACKUP STATE", settings.instances)
            master.wait_for_line("Entering MASTER STATE", settings.instances)
            self.settle(settings, master)
            yield master, backup

    def settle(self, settings: Settings, master: Daemon) -> None:
        """Wait until only ``master`` speaks, has told all its addresses, and some chance time more."""
        wanted = settings.instances * (settings.vips + settings.excluded)
        ends = time.monotonic() + 20
        while len({each.address for each in self.observer.announced(master.host.number)}) < wanted:
            if time.monotonic() > ends:
                raise TimeoutError("the addresses are not announced within 20 s")
            time.sleep(0.05)
            self.observer.read()
        time.sleep(max(0.3, settings.interval_s * (1 + random.random())))

    def first_of(self, host: int, after: int, seconds: float) -> int:
        """When a host sends its first advert after some time."""

        def seen(frame: Frame) -> bool:
            return frame.host == host and frame.vrid > 0 and frame.priority > 0 and frame.at > after

        return self.observer.until(seen, seconds).at

    def resignation_of(self, host: int) -> int:
        """When a host sent priority 0."""
        return self.observer.until(
            lambda each: each.host == host and each.vrid > 0 and not each.priority, 1
        ).at


def _named(settings: Settings) -> str:
    return f"v{settings.version} at {settings.interval_s:g} s"


def death(bench: Bench) -> None:
    """The master is killed with -9; it comes back and preempts."""
    for settings in bench.paces:
        with bench.pair(settings) as (master, _):
            limit_s = settings.master_down_s(WORSE)
            for _round in range(bench.rounds_of(settings)):
                bench.observer.begin()
                time.sleep(settings.interval_s * (1 + random.random()))
                killed = master.kill()
                taken = bench.first_of(BACKUP, killed, limit_s + 5)
                last = bench.observer.adverts(MASTER)[-1].at
                name = f"{_named(settings)}: killed, first advert of the new master"
                bench.enter_takeover(name, (taken - last) / 1e6, limit_s)
                _come_back(bench, settings, master)


def _come_back(bench: Bench, settings: Settings, master: Daemon) -> None:
    """The better router returns: nobody is left without a master, and the other yields at once."""
    bench.observer.begin()
    began = time.time_ns()
    master.start()
    back = bench.first_of(MASTER, began, settings.master_down_s(BETTER) + 20)
    time.sleep(max(0.3, 2.5 * settings.interval_s))
    bench.observer.read()
    others = bench.observer.adverts(BACKUP)
    silence = back - max(each.at for each in others if each.at < back)
    bench.enter(
        f"{_named(settings)}: back again, longest silence before its first advert", "ms", None, silence / 1e6
    )
    bench.enter(
        f"{_named(settings)}: back again, adverts of the one that must yield",
        "",
        None,
        sum(each.at > back for each in others),
    )


def stop(bench: Bench) -> None:
    """The master is told to end."""
    for settings in bench.paces:
        with bench.pair(settings) as (master, _):
            for _round in range(bench.rounds_of(settings)):
                bench.observer.begin()
                time.sleep(settings.interval_s * random.random())
                told, gone_s = master.terminate()
                taken = bench.first_of(BACKUP, told, 10)
                zero = bench.resignation_of(MASTER)
                bench.enter(
                    f"{_named(settings)}: TERM until priority 0 is on the wire",
                    "ms",
                    2.0,
                    (zero - told) / 1e6,
                )
                name = f"{_named(settings)}: priority 0, first advert of the new master"
                bench.enter_takeover(name, (taken - zero) / 1e6, settings.skew_s(WORSE))
                bench.enter("TERM until the process is gone", "ms", 200.0, gone_s * 1e3)
                _come_back(bench, settings, master)


def link(bench: Bench) -> None:
    """The master's interface is taken down, and put up again."""
    for settings in bench.paces:
        with bench.pair(settings) as (master, _):
            for _round in range(bench.rounds_of(settings)):
                bench.observer.begin()
                time.sleep(settings.interval_s * (1 + random.random()))
                down = time.time_ns()
                master.host.set_link(False)
                limit_s = settings.master_down_s(WORSE)
                taken = bench.first_of(BACKUP, down, limit_s + 5)
                last = bench.observer.adverts(MASTER)[-1].at
                name = f"{_named(settings)}: link down, first advert of the new master"
                bench.enter_takeover(name, (taken - last) / 1e6, limit_s)
                time.sleep(0.3)
                up = time.time_ns()
                master.host.set_link(True)
                back = bench.first_of(MASTER, up, settings.master_down_s(BETTER) + 10)
                bench.enter(
                    f"{_named(settings)}: link up again, first advert over 3 x interval + skew",
                    "ms",
                    None,
                    (back - up) / 1e6 - settings.master_down_s(BETTER) * 1e3,
                )
                time.sleep(max(0.3, 2 * settings.interval_s))


def addresses(bench: Bench) -> None:
    """20 + 1,000 addresses move."""
    for interval_s in (0.1, 0.01):
        settings = Settings(3, interval_s, vips=20, excluded=1000)
        wanted = settings.vips + settings.excluded
        for _round in range(bench.rounds):
            with bench.pair(settings) as (master, backup):
                bench.observer.begin()
                time.sleep(interval_s * 3)
                killed = master.kill()
                taken = bench.first_of(BACKUP, killed, 5)
                time.sleep(7)  # the second burst of announcements comes after 5 s
                bench.observer.read()
                firsts: dict[bytes, int] = {}
                for each in bench.observer.announced(BACKUP):
                    firsts.setdefault(each.address, each.at)
                if len(firsts) < wanted or backup.host.count_addresses() < wanted:
                    raise RuntimeError(f"only {len(firsts)} addresses were announced")
                name = f"1,020 addresses, {_named(settings)}"
                bench.enter(f"{name}: set and announced", "ms", 150.0, (max(firsts.values()) - taken) / 1e6)
                late = late_ms(bench.observer.adverts(BACKUP), interval_s)
                bench.enter(f"{name}: latest advert of the new master", "ms", 10.0, max(late))
                told, gone_s = backup.terminate()
                zero = bench.resignation_of(BACKUP)
                bench.enter(f"{name}: TERM until priority 0 is on the wire", "ms", 2.0, (zero - told) / 1e6)
                bench.enter(f"{name}: TERM until the process is gone", "ms", 200.0, gone_s * 1e3)


def many(bench: Bench) -> None:
    """250 instances on one interface: their adverts for a while, then all move at once."""
    settings = Settings(2, 1.0, instances=250)
    with bench.pair(settings) as (master, backup):
        time.sleep(6)  # second announcements are over
        bench.observer.begin()
        before = master.cpu_s(), backup.cpu_s()
        began = time.monotonic()
        seconds = bench.seconds or 60.0
        time.sleep(seconds)
        after = master.cpu_s(), backup.cpu_s()
        passed = time.monotonic() - began
        bench.observer.read()
        late = late_ms(bench.observer.adverts(MASTER), settings.interval_s)
        bench.enter(f"250 instances: lateness of an advert, in {seconds:g} s", "ms", 5.0, *late)
        if bench.observer.adverts(BACKUP):
            raise RuntimeError("the backup spoke")
        for who, limit, used in zip(("master", "backup"), (6.0, 2.0), (0, 1), strict=True):
            bench.enter(
                f"250 instances: CPU as {who}", "%", limit, (after[used] - before[used]) / passed * 100
            )
        bench.enter("250 instances: memory of the master", "MB", None, master.resident_kib() / 1024)
        _take_over(bench, settings, master)


def takeover(bench: Bench) -> None:
    """250 instances move at once."""
    settings = Settings(2, 1.0, instances=250)
    for _round in range(bench.rounds):
        with bench.pair(settings) as (master, _):
            bench.observer.begin()
            time.sleep(1 + random.random())
            _take_over(bench, settings, master)


def _take_over(bench: Bench, settings: Settings, master: Daemon) -> None:
    killed = master.kill()
    limit_s = settings.master_down_s(WORSE)
    bench.first_of(BACKUP, killed, limit_s + 5)
    time.sleep(2.5)
    bench.observer.read()
    last = {each.vrid: each.at for each in bench.observer.adverts(MASTER)}
    adverts = bench.observer.adverts(BACKUP)
    first = {each.vrid: each.at for each in reversed(adverts)}
    if len(first) < settings.instances:
        raise RuntimeError(f"only {len(first)} instances were taken over")
    over = [(first[vrid] - last[vrid]) / 1e6 - limit_s * 1e3 for vrid in first]
    bench.enter("250 instances taken over: over 3 x interval + skew", "ms", 60.0, *over)
    bench.enter("250 instances taken over: later adverts late by", "ms", None, *late_ms(adverts, 1.0))


def storm(bench: Bench) -> None:
    """10,000 adverts a second that are none of ours."""
    settings = Settings(2, 1.0, password="secret")
    seconds = 8.0
    with bench.pair(settings) as (master, backup):
        bench.observer.begin()
        before = master.resident_kib(), backup.resident_kib()
        cpu_s = master.cpu_s()
        in_namespace = ["ip", "netns", "exec", bench.hosts[STRANGER].namespace]
        stranger = subprocess.Popen(
            [*in_namespace, sys.executable, str(STORM), str(seconds), str(STORM_RATE)],
            stdout=subprocess.PIPE,
            cwd=ROOT,
            env={"PYTHONPATH": str(ROOT)},
        )
        try:
            output, _ = stranger.communicate(timeout=seconds + 20)
        finally:
            stranger.kill()
        cpu_s = master.cpu_s() - cpu_s
        after = master.resident_kib(), backup.resident_kib()
        bench.observer.read()
        adverts = bench.observer.adverts(MASTER)
        if int(output) < 0.9 * STORM_RATE * seconds:
            raise RuntimeError(f"only {output!r} packets were sent")
        count = f"storm of {STORM_RATE:,}/s"
        late = late_ms(adverts, settings.interval_s)
        bench.enter(f"{count}: adverts of the master missing", "", 0.0, max(0, int(seconds) - len(adverts)))
        if late:
            bench.enter(f"{count}: an advert late by", "ms", 5.0, *late)
        bench.enter(
            f"{count}: adverts of the backup, which must not speak",
            "",
            0.0,
            len(bench.observer.adverts(BACKUP)),
        )
        bench.enter(f"{count}: CPU of the master", "%", None, cpu_s / seconds * 100)
        bench.enter(
            f"{count}: memory grown",
            "KiB",
            1024.0,
            *(new - old for old, new in zip(before, after, strict=True)),
        )


def steady(bench: Bench) -> None:
    """Nobody fails for a long time, at 10 ms and with checkers at work."""
    from steady import watch  # which needs the rest of the bench

    watch(bench)


SCENARIOS: dict[str, Callable[[Bench], None]] = {
    each.__name__: each for each in (death, stop, link, addresses, many, takeover, storm, steady)
}
