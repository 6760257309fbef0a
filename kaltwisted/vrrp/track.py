"""What an instance keeps an eye on beside its rival: interfaces, scripts, files and the like, its group.

``Tracking`` turns what is known about them into reasons for FAULT and an
effective priority; ``ScriptState`` turns a script's results into good or bad.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import Enum
from typing import Final

import attrs

from kaltwisted.config.model import Tracked, VrrpInstance, VrrpScript
from kaltwisted.ports import Election, ScriptResult
from kaltwisted.vrrp.events import Fault, FaultKind
from kaltwisted.vrrp.timers import OWNER_PRIORITY
from kaltwisted.vrrp.vmac import own_interface

LOWEST_PRIORITY: Final = 1
HIGHEST_PRIORITY: Final = OWNER_PRIORITY - 1
FAULT_STATUS, MOST_STATUS = -254, 253
"""What keepalived makes of a file's number at the least, which is FAULT, and at the most."""


Thing = tuple[FaultKind, str]
"""What can be tracked: its kind and its name there."""

_UNKNOWN: Final[Mapping[FaultKind, int | None]] = {
    FaultKind.INTERFACE: 1,
    FaultKind.SOURCE: 1,
    FaultKind.BFD: 0,
    FaultKind.FILE: 0,
    FaultKind.VIRTUAL_SERVER: 1,
}
"""What counts while nobody knows better.  Of other kinds None: a fault of theirs is waited for."""


@attrs.frozen
class Weighing:
    """How a thing that is good (1) or bad (0) counts for an instance.

    ``weight`` 0: bad means FAULT; above 0 it is added while good, below 0
    subtracted while bad.  ``reverse``: good means FAULT, and what would be
    added is subtracted, what would be subtracted is added (keepalived).
    """

    weight: int = 0
    reverse: bool = False

    @classmethod
    def of(cls, tracked: Tracked, defined: Weighing | None = None) -> Weighing:
        """What a line says, and where it does not the definition of what it names.

        A line's own weight is reversed, too, where the definition's is (keepalived).
        """
        defined = defined or cls()
        return cls(
            defined.weight if tracked.weight is None else tracked.weight,
            defined.reverse if tracked.reverse is None else tracked.reverse,
        )

    @property
    def decides(self) -> bool:
        """Whether it can be a reason for FAULT."""
        return not self.weight

    def is_fault(self, value: int | None) -> bool:
        """Whether it is one."""
        return self.decides and value is not None and bool(value) is self.reverse

    def share(self, value: int | None) -> int:
        """What it adds to the priority; what is not yet known adds nothing."""
        if value is None or (self.weight > 0) is not bool(value):
            return 0
        return -self.weight if self.reverse else self.weight

    def __str__(self) -> str:
        return f"{self.weight}{' reverse' if self.reverse else ''}"


@attrs.frozen
class NumberWeighing(Weighing):
    """How the number of a file counts: times ``weight`` it is added; -254 or less means FAULT (keepalived).

    ``weight`` 0: FAULT unless the number is 0, or with ``reverse`` if it is.
    """

    def status(self, number: int) -> int:
        """What a number amounts to, and -254 for FAULT."""
        if not self.weight:
            return 0 if bool(number) is self.reverse else FAULT_STATUS
        amount = number * (-self.weight if self.reverse else self.weight)
        return max(FAULT_STATUS, min(amount, MOST_STATUS))

    def is_fault(self, value: int | None) -> bool:
        """Whether it is a reason for FAULT."""
        return self.status(value or 0) == FAULT_STATUS

    def share(self, value: int | None) -> int:
        """What it adds to the priority."""
        return 0 if self.is_fault(value) else self.status(value or 0)


class Tracking:
    """What one instance tracks: to each thing how it counts, and what is known of it.

    ``keeps_weights`` False, in a sync group: an interface's weight counts as 0,
    and a script or BFD session with a weight is not tracked at all; ``notices``
    tells so in keepalived's words.  What the group itself tracks keeps its
    weight, and so do processes.  ``election``: what an operator wants, which goes before all weights.
    """

    def __init__(
        self,
        config: VrrpInstance,
        scripts: Mapping[str, VrrpScript] | None = None,
        *,
        keeps_weights: bool = True,
    ) -> None:
        self.notices: list[str] = []
        self.election: Election | None = None
        self._base = config.priority
        self._family = f"IPv{config.ip_version}"
        self._has_peer = bool(config.unicast_peer) or not config.unicast_fault_no_peer
        self._keeps_weights = keeps_weights
        self._weighings: dict[Thing, Weighing] = {}
        self._values: dict[Thing, int | None] = {}
        # What a file counts with while it is a fault: as it did before (keepalived).
        self._before_fault: dict[Thing, int] = {}
        self._add_interfaces(config)
        if config.track_src_ip and config.configured_source is not None:
            self._add(FaultKind.SOURCE, Tracked(str(config.configured_source)), Weighing())
        for tracked in config.track_script:
            script = (scripts or {}).get(tracked.name)
            if script is not None:
                weighing = Weighing.of(tracked, Weighing(script.weight, script.reverse))
                words = f"tracked script {tracked.name} with weights"
                self._add(FaultKind.SCRIPT, tracked, weighing, words)
                if script.init_fail:
                    self.turn(FaultKind.SCRIPT, tracked.name, 0)
        for tracked in config.track_process:
            self._add(FaultKind.PROCESS, tracked, Weighing.of(tracked))
        for tracked in config.track_file:
            number = NumberWeighing(tracked.weight or 0, bool(tracked.reverse))
            words = f"tracked file {tracked.name} with weight {number.weight}"
            self._add(FaultKind.FILE, tracked, number, words)
        for tracked in config.track_virtual_server:
            weighing = Weighing.of(tracked)
            words = f"tracked virtual server {tracked.name} with weight {weighing.weight}"
            self._add(FaultKind.VIRTUAL_SERVER, tracked, weighing, words)
        for tracked in config.track_bfd:
            weighing = Weighing.of(tracked)
            words = f"tracked bfd {tracked.name} with weight {weighing.weight}"
            self._add(FaultKind.BFD, tracked, weighing, words)
        self._has_source = False
        self._faulty_groups: set[str] = set()

    def _add_interfaces(self, config: VrrpInstance) -> None:
        weighings: dict[str, Weighing] = {}
        if config.interface is not None and not config.dont_track_primary:
            weighings[config.interface] = Weighing()
            own = own_interface(config)
            if own is not None:
                weighings[own] = Weighing()
        for entry in config.virtual_ipaddress + config.virtual_ipaddress_excluded:
            if entry.dev is not None and entry.dev != config.interface and not entry.no_track:
                weighings[entry.dev] = Weighing()
        for tracked in config.track_interface:
            weighing = Weighing.of(tracked)
            if weighing.weight and not (self._keeps_weights or tracked.by_group):
                self.notices.append(f"ignoring {tracked.name} tracked interface weight due to SYNC group")
                weighing = Weighing()
            weighings.setdefault(tracked.name, weighing)
        for name, weighing in weighings.items():
            self._add(FaultKind.INTERFACE, Tracked(name), weighing)

    def _add(self, kind: FaultKind, tracked: Tracked, weighing: Weighing, words: str = "") -> None:
        """``words``: what the weight is of that may not count; none: it counts."""
        if words and weighing.weight and not (self._keeps_weights or tracked.by_group):
            self.notices.append(f"ignoring {words} due to SYNC group")
        else:
            self._weighings[kind, tracked.name] = weighing
            self._values[kind, tracked.name] = _UNKNOWN.get(kind)

    def go_on_from(self, old: Tracking, known: Mapping[Thing, int]) -> None:
        """Know what ``old`` knew, and of what it did not track what others know."""
        self.election = old.election
        self._has_source = old._has_source
        self._faulty_groups = set(old._faulty_groups)
        for thing in self._weighings:
            value = known.get(thing, old._values.get(thing))
            if value is not None:
                self.turn(*thing, value)

    # -- what becomes known --------------------------------------------------------------

    def turn(self, kind: FaultKind, name: str, value: int | None) -> bool:
        """A thing is good (1), bad (0), a number or unknown (None) now; whether that is news."""
        thing = kind, name
        if thing not in self._weighings:
            return False
        before = self._values[thing]
        if value is not None:
            self._values[thing] = value
            if kind is FaultKind.FILE and not self._weighings[thing].is_fault(value):
                self._before_fault[thing] = value
        elif kind is not FaultKind.VIRTUAL_SERVER:
            # That the checkers are started again says nothing of a pool: it is as it was known last.
            self._values[thing] = _UNKNOWN.get(kind)
        return self._values[thing] != before

    def knows(self, kind: FaultKind, name: str) -> bool:
        """Whether a thing that is tracked is known to be good or bad."""
        return self._values.get((kind, name)) is not None

    def status(self, name: str) -> int | None:
        """What the number of a file amounts to; None: it is not tracked."""
        weighing = self._weighings.get((FaultKind.FILE, name))
        if not isinstance(weighing, NumberWeighing):
            return None
        return weighing.status(self._values[FaultKind.FILE, name] or 0)

    def value(self, kind: FaultKind, name: str) -> int | None:
        """What is known of a thing that is tracked."""
        return self._values.get((kind, name))

    def source(self, known: bool) -> None:
        """There is an address to send from, or there is none."""
        self._has_source = known

    def group(self, name: str, faulty: bool) -> None:
        """Another member of our sync group is in FAULT, or none is."""
        (self._faulty_groups.add if faulty else self._faulty_groups.discard)(name)

    # -- what follows from it ------------------------------------------------------------

    def things(self) -> Iterator[tuple[FaultKind, str, Weighing, int | None]]:
        """Kind and name of each thing, how it counts, and what is known of it."""
        for (kind, name), weighing in self._weighings.items():
            yield kind, name, weighing, self._values[kind, name]

    def of(self, kind: FaultKind) -> dict[str, Weighing]:
        """The things of a kind that count, and how."""
        return {name: weighing for (each, name), weighing in self._weighings.items() if each is kind}

    @property
    def pending(self) -> int:
        """How many things that decide about FAULT are not known yet."""
        return sum(self._values[thing] is None for thing, each in self._weighings.items() if each.decides)

    @property
    def is_pending(self) -> bool:
        """A thing that decides about FAULT is not known yet."""
        return self.pending > 0

    @property
    def own_faults(self) -> set[Fault]:
        """The reasons for FAULT that are this instance's own."""
        faults = {
            Fault(*thing)
            for thing, weighing in self._weighings.items()
            if weighing.is_fault(self._values[thing])
        }
        if not self._has_source:
            faults.add(Fault(FaultKind.ADDRESS, self._family))
        if not self._has_peer:
            faults.add(Fault(FaultKind.PEER, ""))
        return faults

    @property
    def faults(self) -> set[Fault]:
        """All reasons for FAULT, the sync group's included."""
        return self.own_faults | {Fault(FaultKind.GROUP, name) for name in self._faulty_groups}

    @property
    def priority(self) -> int:
        """The effective priority; an operator's word goes before what is tracked."""
        if self.election is Election.YIELD:
            return LOWEST_PRIORITY
        if self.election is Election.PREFER:
            return max(self._base, HIGHEST_PRIORITY)
        return self.unsteered_priority

    @property
    def unsteered_priority(self) -> int:
        """What it would be without an operator's word; an owner's never changes."""
        if self._base == OWNER_PRIORITY:
            return self._base
        return max(LOWEST_PRIORITY, min(self.total, HIGHEST_PRIORITY))

    @property
    def total(self) -> int:
        """The configured priority with all weights, which may be no priority any more."""
        return self._base + sum(
            each.share(self._before_fault.get(thing, self._values[thing]))
            for thing, each in self._weighings.items()
        )


class Verdict(Enum):
    """What a script's result changes."""

    NONE = "nothing"
    GOOD = "it is good now"
    BAD = "it is bad now"


class ScriptState:
    """``rise`` and ``fall`` of one ``vrrp_script``, whichever instances track it.

    ``lines`` fills with what the log is to be told; whoever runs the script empties it.
    """

    def __init__(self, script: VrrpScript) -> None:
        self.script = script
        self.good: bool | None = False if script.init_fail else None
        self.is_running = False
        self.last_result: ScriptResult | None = None
        self.lines: list[str] = []
        self._first = True
        self._in_a_row = 0
        self._last_status: int | None = 0

    @property
    def has_run(self) -> bool:
        """Whether it has ever told anything."""
        return not self._first

    @property
    def result(self) -> int:
        """How firmly it is good or bad, as keepalived counts: ``rise`` and above is good."""
        rise, fall = self.script.rise, self.script.fall
        if self.good:
            return rise + fall - 1 - min(self._in_a_row, fall - 1)
        if self._first:
            return rise - 1  # one success decides
        return min(self._in_a_row, rise - 1)

    def go_on_from(self, old: ScriptState) -> None:
        """Count as ``old`` did: what is known is not forgotten over another definition."""
        if old.good is not None:
            self.good = old.good
            self._first = False

    def due(self) -> bool:
        """Its interval is over: whether to run it.  One that still runs is not run again."""
        if self.is_running:
            self.lines.append(f"Script `{self.script.name}` is still running, skipping this run")
            return False
        self.is_running = True
        return True

    def finished(self, result: ScriptResult) -> Verdict:
        """A run ended.  The first run decides at once; then it takes ``rise`` or ``fall`` in a row."""
        self.is_running = False
        self.last_result = result
        good = result.status == 0 and not result.timed_out
        if result.status is not None and not result.timed_out and result.status != self._last_status:
            self._last_status = result.status
            self.lines.append(f"Script `{self.script.name}` now returning {result.status}")
        first, self._first = self._first, False
        if good == self.good:
            self._in_a_row = 0
            return Verdict.NONE
        self._in_a_row += 1
        if not first and self._in_a_row < (self.script.rise if good else self.script.fall):
            return Verdict.NONE
        self._in_a_row = 0
        self.good = good
        ending = "succeeded" if good else f"failed ({how_it_ended(result)})"
        self.lines.append(f"VRRP_Script({self.script.name}) {ending}")
        return Verdict.GOOD if good else Verdict.BAD


@attrs.frozen
class ScriptRuns:
    """A tracked script as it stands; times are seconds of the reactor's clock, None: never."""

    state: ScriptState
    last_run: float | None
    next_run: float | None


def how_it_ended(result: ScriptResult) -> str:
    """In words, for log and status."""
    if result.timed_out:
        return "timed out"
    if result.error is not None:
        return result.error
    if result.signal is not None:
        return f"due to signal {result.signal}"
    return f"exited with status {result.status}"
