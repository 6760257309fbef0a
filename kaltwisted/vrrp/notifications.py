"""What a change of state tells people: scripts, FIFOs and mails, in keepalived's words.  Pure.

Who is told: the script for that state, without further arguments, then
``notify`` with ``INSTANCE|GROUP NAME STATE PRIORITY``, then the FIFOs, then the mailbox.
"""

from __future__ import annotations

from collections.abc import Mapping

from kaltwisted.config.model import Script, VrrpInstance, VrrpSyncGroup
from kaltwisted.ports import Mail
from kaltwisted.vrrp.actions import (
    Alarm,
    Notify,
    NotifyLowerPriority,
    NotifyPriority,
    State,
    Subject,
)

_OF_STATE: Mapping[State, str] = {
    State.MASTER: "notify_master",
    State.BACKUP: "notify_backup",
    State.FAULT: "notify_fault",
    State.STOP: "notify_stop",
    State.DELETED: "notify_deleted",
}

_HEADLINE: Mapping[State, str] = {
    State.MASTER: "Entering MASTER state",
    State.BACKUP: "Entering BACKUP state",
    State.FAULT: "Entering FAULT state",
    State.STOP: "Stopping",
}

_OWNING = "=> VRRP Instance is now owning VRRP VIPs <="
_NOT_OWNING = "=> VRRP Instance is no longer owning VRRP VIPs <="
_STOPPING = "=> Shutting down <="

Run = tuple[Script, tuple[str, ...]]
"""A script and the arguments to append."""


def scripts(config: VrrpInstance | VrrpSyncGroup, notify: Notify) -> list[Run]:
    """The scripts to run for a change, in their order."""
    runs: list[Run] = []
    special = config.notify.get(_OF_STATE.get(notify.state, ""))
    if special is not None:
        runs.append((special, ()))
    general = config.notify.get("notify")
    if general is not None:
        arguments = (notify.subject.value, notify.name, notify.state.value, str(notify.priority))
        runs.append((general, arguments))
    return runs


def lower_priority_scripts(config: VrrpInstance, notify: NotifyLowerPriority) -> list[Run]:
    """The script to run when, as master, we heard a lower priority."""
    script = config.notify.get("notify_master_rx_lower_pri")
    return [] if script is None else [(script, ())]


def mail(notify: Notify) -> Mail:
    """The mail about a change."""
    if notify.subject is Subject.GROUP:
        if notify.state is State.STOP:
            return Mail(f"VRRP Group {notify.name} - {_headline(notify.state)}", _STOPPING)
        body = f"=> All VRRP group instances are now in {notify.state.value} state <="
        return Mail(f"VRRP Group {notify.name} - {_headline(notify.state)}", body)
    bodies = {State.MASTER: _OWNING, State.STOP: _STOPPING}
    body = bodies.get(notify.state, _NOT_OWNING)
    return Mail(f"VRRP Instance {notify.name} - {_headline(notify.state)}", body)


def fifo_line(notify: Notify) -> str:
    """What a notify FIFO is told of a change: ``INSTANCE "VI_1" MASTER 150``."""
    return f'{notify.subject.value} "{notify.name}" {notify.state.value} {notify.priority}\n'


def lower_priority_line(notify: NotifyLowerPriority) -> str:
    """What a notify FIFO is told when, as master, we heard a lower priority."""
    return f'INSTANCE "{notify.name}" MASTER_RX_LOWER_PRI {notify.priority}\n'


def priority_line(notify: NotifyPriority) -> str | None:
    """What a notify FIFO is told of another priority, which counts in two states only."""
    if notify.state not in (State.MASTER, State.BACKUP):
        return None
    return f'INSTANCE "{notify.name}" {notify.state.value}_PRIORITY {notify.priority}\n'


def alarm_mail(alarm: Alarm) -> Mail:
    """The mail about what an operator has to mend."""
    return Mail(f"VRRP Instance {alarm.name} - {alarm.headline}", f"=> {alarm.words} <=")


def _headline(state: State) -> str:
    return _HEADLINE.get(state, f"Entering {state.value} state")
