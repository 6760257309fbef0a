"""The state machine of an instance: which transition follows which input (RFC 3768 §6.4, RFC 5798 §6.4).

Each output below is a sentence in ``VirtualRouter``'s verbs.  Its order is the
order on the wire: an advert goes out before anything slower is done.
"""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import ip_address
from typing import Final, Protocol

from automat import TypeMachineBuilder

from kaltwisted.config.model import AuthType
from kaltwisted.vrrp import actions as act
from kaltwisted.vrrp import timers
from kaltwisted.vrrp.actions import Level, State, TimerName
from kaltwisted.vrrp.packet import Advert
from kaltwisted.vrrp.virtual_router import VirtualRouter

ANSWERS_AN_INTERVAL: Final = 10
"""How often at most a master answers other masters: a storm of their adverts must not make one of ours."""

_TIMEOUT = "Receive advertisement timeout"


class Machine(Protocol):
    """The inputs; ``now`` is the monotonic clock in µs."""

    def begin(self, now: int) -> None:
        """All that is tracked is known: work."""

    def hear(self, advert: Advert, now: int) -> None:
        """A good advert came in."""

    def take_over(self, now: int, silence: bool) -> None:
        """Become master: after ``silence``, or else to follow the sync group."""

    def hold(self, now: int) -> None:
        """The master is silent, but the sync group is not ready to take over."""

    def advert_due(self, due: int, now: int) -> None:
        """Our next advert was due at ``due``."""

    def outranked(self, advert: Advert, now: int) -> None:
        """A better master is there."""

    def step_down(self, now: int) -> None:
        """Be backup again, without a word."""

    def give_up(self, now: int) -> None:
        """Be backup again for a short while: something took our addresses."""

    def fail(self, now: int) -> None:
        """A reason for FAULT."""

    def recover(self, now: int) -> None:
        """No reason for FAULT is left."""

    def stop(self, now: int) -> None:
        """The end."""


def _build() -> Callable[[VirtualRouter], Machine]:
    builder = TypeMachineBuilder(Machine, VirtualRouter)
    init = builder.state("Init")
    backup = builder.state("Backup")
    master = builder.state("Master")
    fault = builder.state("Fault")
    stopped = builder.state("Stopped")

    # -- Init (§6.4.1) -------------------------------------------------------------------

    @init.upon(Machine.begin).to(backup)
    def begin_as_backup(machine: Machine, router: VirtualRouter, now: int) -> None:
        router.enter(State.BACKUP, now)
        router.log("Entering BACKUP STATE (init)")
        wait_for_master(router, now)

    @init.upon(Machine.fail).to(fault)
    def begin_in_fault(machine: Machine, router: VirtualRouter, now: int) -> None:
        router.enter(State.FAULT, now)
        router.log("Entering FAULT STATE (init)")
        router.notify(State.FAULT)

    @init.upon(Machine.stop).to(stopped)
    def stop_before_begin(machine: Machine, router: VirtualRouter, now: int) -> None:
        router.enter(State.STOP, now)

    # -- Backup (§6.4.2) -----------------------------------------------------------------

    @backup.upon(Machine.hear).loop()
    def hear_as_backup(machine: Machine, router: VirtualRouter, advert: Advert, now: int) -> None:
        if advert.priority == 0:
            if router.may_say("priority 0", now, router.config.advert_int_us // 2):
                router.log("Backup received priority 0 advertisement")
            router.arm(TimerName.MASTER_DOWN, now + router.skew_us())
        elif advert.priority >= router.priority:
            router.preempt_at = None
            router.follow(advert, now)
        elif not router.preempts or preemption_waits(router, now):
            router.follow(advert, now)
        elif router.may_say("lower priority", now, router.config.advert_int_us // 2):
            # The timer runs on: the better router takes over when it ends, with no gap.
            source = ip_address(advert.source)
            router.log(f"received lower priority ({advert.priority}) advert from {source} - discarding")

    @backup.upon(Machine.take_over).to(master)
    def become_master(machine: Machine, router: VirtualRouter, now: int, silence: bool) -> None:
        said = router.wants_master
        router.enter(State.MASTER, now)
        router.master = None
        router.master_interval_us = router.config.advert_int_us
        if router.sequence.in_cycle:
            router.sequence.restart()
        router.send_advert(router.priority, now)
        router.disarm(TimerName.MASTER_DOWN, TimerName.OVERDUE)
        router.arm(TimerName.ADVERT, now + router.config.advert_int_us)
        if silence and not said:
            router.log(_TIMEOUT)
        router.log("Entering MASTER STATE")
        router.take_addresses(now)
        router.statistics.became_master += 1
        router.notify(State.MASTER)

    @backup.upon(Machine.hold).loop()
    def wait_for_group(machine: Machine, router: VirtualRouter, now: int) -> None:
        if not router.wants_master:
            router.log(_TIMEOUT)
        router.wants_master = True
        router.arm(TimerName.MASTER_DOWN, now + router.master_down_us())

    @backup.upon(Machine.fail).to(fault)
    def fail_as_backup(machine: Machine, router: VirtualRouter, now: int) -> None:
        router.enter(State.FAULT, now)
        router.disarm(TimerName.MASTER_DOWN, TimerName.OVERDUE)
        router.log("Entering FAULT STATE")
        router.notify(State.FAULT)

    @backup.upon(Machine.stop).to(stopped)
    def stop_as_backup(machine: Machine, router: VirtualRouter, now: int) -> None:
        router.enter(State.STOP, now)
        router.disarm(TimerName.MASTER_DOWN, TimerName.OVERDUE)
        router.notify(State.STOP)

    # -- Master (§6.4.3) -----------------------------------------------------------------

    @master.upon(Machine.advert_due).loop()
    def advertise(machine: Machine, router: VirtualRouter, due: int, now: int) -> None:
        rival = router.config.timer_expired_backup
        interval = router.config.advert_int_us
        if rival is not None and now - router.last_advert_at >= timers.master_down_us(
            router.config.version, rival, interval, router.config.down_timer_adverts
        ):
            late_s = (now - due) // 1_000_000
            router.log(f"A thread timer expired {late_s} seconds ago: another may be master", Level.WARNING)
            machine.step_down(now)
            return
        if router.expected.auth_type is AuthType.AH and router.sequence.in_cycle:
            router.log("IPSEC-AH sequence numbers are used up: starting anew as backup")
            machine.step_down(now)
            return
        silent_us = now - router.last_advert_at
        router.send_offer_or_advert(now)
        if silent_us >= router.config.down_timer_adverts * interval:
            # We stood still: another may have taken over, and yields without a word to the neighbours.
            router.log(f"was held up for {(now - due) / 1000:.0f} ms: announcing the addresses again")
            router.announce(router.config.garp_master_repeat, 0, now)
        # An absolute schedule: a late turn does not shift the adverts after it.
        following = due + interval
        router.arm(TimerName.ADVERT, following if following > now else now + interval)

    @master.upon(Machine.hear).loop()
    def hear_as_master(machine: Machine, router: VirtualRouter, advert: Advert, now: int) -> None:
        ours = (router.priority, router.packed_source)
        if advert.priority == router.priority == timers.OWNER_PRIORITY and router.may_say("two owners", now):
            other = ip_address(advert.source)
            router.log(f"we and {other} are both configured as address owner", Level.WARNING)
        if advert.priority == 0:
            if may_answer(router, now):
                router.send_advert(router.priority, now)
                router.arm(TimerName.ADVERT, now + router.config.advert_int_us)
        elif (advert.priority, advert.source) > ours:
            machine.outranked(advert, now)
        elif (advert.priority, advert.source) == ours:
            if router.may_say("own address", now):
                router.log(f"received an advert from our own address {router.source}", Level.WARNING)
        else:
            force_election(router, advert, now)

    @master.upon(Machine.outranked).to(backup)
    def yield_to_better(machine: Machine, router: VirtualRouter, advert: Advert, now: int) -> None:
        if router.config.higher_prio_send_advert:
            router.send_advert(router.priority, now)
        words = (
            f"higher priority {advert.priority}, ours {router.priority}"
            if advert.priority > router.priority
            else f"same priority {advert.priority} but higher IP address than ours"
        )
        router.log(f"Master received advert from {ip_address(advert.source)} with {words}")
        leave_master(router, State.BACKUP, now)
        router.drop_addresses()
        router.follow(advert, now)
        router.notify(State.BACKUP)

    @master.upon(Machine.step_down).to(backup)
    def step_down(machine: Machine, router: VirtualRouter, now: int) -> None:
        leave_master(router, State.BACKUP, now)
        router.drop_addresses()
        router.arm(TimerName.MASTER_DOWN, now + router.master_down_us())
        router.notify(State.BACKUP)

    @master.upon(Machine.give_up).to(backup)
    def give_up(machine: Machine, router: VirtualRouter, now: int) -> None:
        leave_master(router, State.BACKUP, now)
        router.resign(now)
        router.drop_addresses()
        router.arm(TimerName.MASTER_DOWN, now + router.skew_us())
        router.notify(State.BACKUP)

    @master.upon(Machine.fail).to(fault)
    def fail_as_master(machine: Machine, router: VirtualRouter, now: int) -> None:
        leave_master(router, State.FAULT, now)
        router.resign(now)
        router.drop_addresses()
        router.notify(State.FAULT)

    @master.upon(Machine.stop).to(stopped)
    def stop_as_master(machine: Machine, router: VirtualRouter, now: int) -> None:
        router.resign(now)
        leave_master(router, State.STOP, now)
        router.drop_addresses()
        router.notify(State.STOP)

    # -- Fault (keepalived's own) --------------------------------------------------------

    @fault.upon(Machine.recover).to(backup)
    def recover(machine: Machine, router: VirtualRouter, now: int) -> None:
        router.enter(State.BACKUP, now)
        router.log("Entering BACKUP STATE")
        wait_for_master(router, now)

    @fault.upon(Machine.stop).to(stopped)
    def stop_in_fault(machine: Machine, router: VirtualRouter, now: int) -> None:
        router.enter(State.STOP, now)

    # -- what means nothing where it comes -----------------------------------------------

    for state in (init, fault, stopped):
        state.upon(Machine.hear).loop().returns(None)
    for state in (init, master, fault, stopped):
        state.upon(Machine.take_over).loop().returns(None)
        state.upon(Machine.hold).loop().returns(None)
    for state in (init, backup, fault, stopped):
        state.upon(Machine.advert_due).loop().returns(None)
        state.upon(Machine.outranked).loop().returns(None)
        state.upon(Machine.step_down).loop().returns(None)
        state.upon(Machine.give_up).loop().returns(None)
    for state in (backup, master, fault, stopped):
        state.upon(Machine.begin).loop().returns(None)
    for state in (init, backup, master, stopped):
        state.upon(Machine.recover).loop().returns(None)
    for state in (fault, stopped):
        state.upon(Machine.fail).loop().returns(None)
    stopped.upon(Machine.stop).loop().returns(None)
    return builder.build()


# -- what several outputs share ----------------------------------------------------------


def wait_for_master(router: VirtualRouter, now: int) -> None:
    """Enter Backup: an owner that begins as MASTER does not wait (§6.4.1), anybody else does."""
    router.master = None
    router.master_interval_us = router.config.advert_int_us
    at_once = router.priority == timers.OWNER_PRIORITY and router.config.state == "MASTER"
    wait_us = 1 if at_once else router.master_down_us()
    router.arm(TimerName.MASTER_DOWN, router.held_back(now) + wait_us)
    router.notify(State.BACKUP)


def leave_master(router: VirtualRouter, state: State, now: int) -> None:
    """Everything that ends with being master, whatever comes next."""
    router.enter(state, now)
    router.disarm(TimerName.ADVERT, TimerName.GARP_DELAY, TimerName.GARP_REFRESH, TimerName.GARP_EXTRA)
    router.statistics.released_master += 1
    if state is not State.STOP:
        router.log(f"Entering {state.value} STATE")


def preemption_waits(router: VirtualRouter, now: int) -> bool:
    """``preempt_delay``: it begins with the first lower priority heard, which is followed until it ends."""
    if not router.preempt_delay_us:
        return False
    if router.preempt_at is None:
        router.preempt_at = now + router.preempt_delay_us
        if router.may_say("preempt delay", now, router.config.advert_int_us // 2):
            router.log(f"start preempt delay ({router.preempt_delay_us / 1_000_000:.6f})")
    return now < router.preempt_at


def may_answer(router: VirtualRouter, now: int) -> bool:
    """Whether an advert out of turn is due: not sooner than a tenth of an interval after the last."""
    return now - router.last_advert_at >= router.config.advert_int_us // ANSWERS_AN_INTERVAL


def force_election(router: VirtualRouter, advert: Advert, now: int) -> None:
    """A worse master is there: answer, so that it yields, and win the neighbours back (RFC 9568 §6.4.3)."""
    config = router.config
    if advert.sequence is not None:
        router.sequence.value = max(router.sequence.value, advert.sequence + 1)
    if not router.may_say("new election", now, config.advert_int_us // ANSWERS_AN_INTERVAL):
        return
    source = ip_address(advert.source)
    if not config.lower_prio_no_advert and may_answer(router, now):
        router.send_advert(router.priority, now)
    router.log(
        f"Received advert from {source} with lower priority {advert.priority},"
        f" ours {router.priority}, forcing new election"
    )
    router.actions.append(act.NotifyLowerPriority(router.name, router.priority))
    if not router.may_say("announced", now, config.advert_int_us):
        return
    repeat, delay_us = config.garp_lower_prio_repeat, config.garp_lower_prio_delay_us
    router.announce(
        config.garp_master_repeat if repeat is None else repeat,
        config.garp_master_delay_us if delay_us is None else delay_us,
        now,
    )


build_machine: Final = _build()
