"""What an instance keeps an eye on besides its rival: interfaces, its address, scripts, its sync group.

``Tracking`` turns what is known about them into reasons for FAULT and an
effective priority; ``ScriptState`` turns a script's results into good or bad.
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from enum import Enum
from typing import Final

from kaltwisted.config.model import VrrpInstance, VrrpScript
from kaltwisted.ports import ScriptResult
from kaltwisted.vrrp.events import Fault, FaultKind
from kaltwisted.vrrp.timers import OWNER_PRIORITY

LOWEST_PRIORITY: Final = 1
HIGHEST_PRIORITY: Final = OWNER_PRIORITY - 1


class Tracking:
    """What one instance tracks.

    A weight of 0 makes bad mean FAULT; above 0 it is added while good, below 0
    subtracted while bad (keepalived: ``weight``).  ``keeps_weights`` False, in a
    sync group: an interface's weight counts as 0, and a script with a weight is
    not tracked at all; ``notices`` tells so in keepalived's words.
    """

    def __init__(
        self,
        config: VrrpInstance,
        scripts: Mapping[str, VrrpScript] | None = None,
        *,
        keeps_weights: bool = True,
    ) -> None:
        scripts = scripts or {}
        self.notices: list[str] = []
        self._base = config.priority
        self._family = f"IPv{config.ip_version}"
        self._has_peer = bool(config.unicast_peer) or not config.unicast_fault_no_peer
        self._interfaces: dict[str, int] = {}
        if config.interface is not None and not config.dont_track_primary:
            self._interfaces[config.interface] = 0
        for entry in config.virtual_ipaddress + config.virtual_ipaddress_excluded:
            if entry.dev is not None and entry.dev != config.interface and not entry.no_track:
                self._interfaces[entry.dev] = 0
        for tracked in config.track_interface:
            weight = tracked.weight or 0
            if weight and not keeps_weights:
                self.notices.append(f"ignoring {tracked.name} tracked interface weight due to SYNC group")
                weight = 0
            self._interfaces.setdefault(tracked.name, weight)
        self._scripts: dict[str, int] = {}
        self._good: dict[str, bool | None] = {}
        for tracked in config.track_script:
            script = scripts.get(tracked.name)
            if script is None:
                continue
            weight = script.weight if tracked.weight is None else tracked.weight
            if weight and not keeps_weights:
                self.notices.append(f"ignoring tracked script {tracked.name} with weights due to SYNC group")
                continue
            self._scripts[tracked.name] = weight
            self._good[tracked.name] = False if script.init_fail else None
        self._down: set[str] = set()
        self._has_source = False
        self._faulty_groups: set[str] = set()

    def go_on_from(self, old: Tracking, down: Container[str], good: Mapping[str, bool]) -> None:
        """Know what ``old`` knew, and of what it did not track what others know.

        ``down``: the interfaces that do not work; ``good``: the verdicts about scripts.
        """
        self._has_source = old._has_source
        self._faulty_groups = set(old._faulty_groups)
        self._down = {name for name in self._interfaces if name in down}
        for name in self._scripts:
            verdict = good.get(name, old._good.get(name))
            if verdict is not None:
                self._good[name] = verdict

    # -- what becomes known --------------------------------------------------------------

    def link(self, interface: str, up: bool) -> None:
        """An interface, one of ours or not, is up or down."""
        if interface in self._interfaces:
            (self._down.discard if up else self._down.add)(interface)

    def source(self, known: bool) -> None:
        """There is an address to send from, or there is none."""
        self._has_source = known

    def script(self, name: str, good: bool) -> None:
        """A script's verdict, of one we track or not."""
        if name in self._scripts:
            self._good[name] = good

    def group(self, name: str, faulty: bool) -> None:
        """Another member of our sync group is in FAULT, or none is."""
        (self._faulty_groups.add if faulty else self._faulty_groups.discard)(name)

    # -- what follows from it ------------------------------------------------------------

    @property
    def interfaces(self) -> Mapping[str, int]:
        """The interfaces that count, with their weights."""
        return self._interfaces

    @property
    def scripts(self) -> Mapping[str, int]:
        """The scripts that count, with their weights."""
        return self._scripts

    @property
    def pending(self) -> int:
        """How many scripts that decide about FAULT have not told anything yet."""
        return sum(self._good[name] is None for name, weight in self._scripts.items() if not weight)

    @property
    def is_pending(self) -> bool:
        """A script that decides about FAULT has not told anything yet."""
        return self.pending > 0

    @property
    def own_faults(self) -> set[Fault]:
        """The reasons for FAULT that are this instance's own."""
        faults = {Fault(FaultKind.INTERFACE, name) for name in self._down if not self._interfaces[name]}
        faults |= {
            Fault(FaultKind.SCRIPT, name)
            for name, weight in self._scripts.items()
            if not weight and self._good[name] is False
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
        """The effective priority; an owner's never changes."""
        if self._base == OWNER_PRIORITY:
            return self._base
        return max(LOWEST_PRIORITY, min(self.total, HIGHEST_PRIORITY))

    @property
    def total(self) -> int:
        """The configured priority with all weights, which may be no priority any more."""
        total = self._base
        total += sum(_share(weight, name not in self._down) for name, weight in self._interfaces.items())
        return total + sum(_share(weight, self._good[name]) for name, weight in self._scripts.items())


def _share(weight: int, good: bool | None) -> int:
    """What a tracked thing adds; one that is not yet known adds nothing."""
    if good is None:
        return 0
    return weight if (weight > 0) == good else 0


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
        ending = "succeeded" if good else f"failed ({_how(result)})"
        self.lines.append(f"VRRP_Script({self.script.name}) {ending}")
        return Verdict.GOOD if good else Verdict.BAD


def _how(result: ScriptResult) -> str:
    if result.timed_out:
        return "timed out"
    if result.error is not None:
        return result.error
    if result.signal is not None:
        return f"due to signal {result.signal}"
    return f"exited with status {result.status}"
