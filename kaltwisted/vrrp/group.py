"""Instances together: sync groups, whose members are all in one state (keepalived: ``vrrp_sync_group``).

``Router`` stands above the instances of a configuration.  Every event goes
through it; what it returns is in the order in which it must be done.  The
rules, as case study X of the 2002 guide tells them and keepalived does them:

- one member in FAULT takes all there, and all leave when the last reason is gone;
- a member that leaves MASTER for BACKUP takes the others along;
- the group becomes MASTER when every member finds its master silent: a member
  alone waits, or a fault of one link between two healthy routers would make the
  group move to and fro.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from kaltwisted.config.diff import vrrp_key
from kaltwisted.config.model import Configuration, VrrpSyncGroup
from kaltwisted.ports import Election
from kaltwisted.vrrp.actions import (
    Action,
    ChangeAddresses,
    Log,
    Notify,
    SendAdvert,
    State,
    Subject,
    TimerName,
)
from kaltwisted.vrrp.auth import AhSequence
from kaltwisted.vrrp.events import (
    AddressLost,
    Event,
    GroupFault,
    LinkChanged,
    SourceChanged,
    Start,
    Steered,
    Stop,
    Sync,
    TimerExpired,
    Turned,
)
from kaltwisted.vrrp.instance import Instance
from kaltwisted.vrrp.track import Thing

Step = tuple[str, Action]
"""The instance (for a group's own actions the one that began it), and what to do for it."""

_MAY_FAULT: Final = (Start, LinkChanged, SourceChanged, Turned)
"""The events that can change reasons for FAULT; packets and timers, which are many, cannot."""


class SyncGroup:
    """One sync group: its members in the order configured, and the state it was last in."""

    def __init__(self, config: VrrpSyncGroup, members: Iterable[Instance]) -> None:
        self.config = config
        self.members = tuple(members)
        self.state = State.INIT

    @property
    def name(self) -> str:
        """The group's name."""
        return self.config.name

    @property
    def faults(self) -> list[str]:
        """Why the group is in FAULT, if it is: each member's own reasons, in words."""
        return [
            f"{member.name}: {fault}"
            for member in self.members
            for fault in sorted(map(str, member.tracking.own_faults))
        ]

    def others(self, instance: Instance) -> list[Instance]:
        """All members but this one."""
        return [member for member in self.members if member is not instance]

    def may_take_over(self, instance: Instance) -> bool:
        """Whether every other member is master already, or finds its master silent too."""
        return all(member.state is State.MASTER or member.wants_master for member in self.others(instance))

    def stop(self) -> list[Step]:
        """The members have stopped; as of an instance, nothing is told of a group that was in FAULT."""
        before, self.state = self.state, State.STOP
        if before not in (State.BACKUP, State.MASTER):
            return []
        return [(self.members[0].name, Notify(Subject.GROUP, self.name, State.STOP, 0))]


class Router:
    """All instances and sync groups of one configuration.

    A member belongs to one group, the first that names it; names of instances
    that do not exist are passed over (the configuration's check tells of both).
    """

    def __init__(self, instances: Mapping[str, Instance], groups: Iterable[VrrpSyncGroup] = ()) -> None:
        self._elections: dict[tuple[Subject, str], Election] = {}
        self._arrange(instances, groups)

    def _arrange(self, instances: Mapping[str, Instance], groups: Iterable[VrrpSyncGroup]) -> None:
        self.instances = dict(instances)
        self.groups: list[SyncGroup] = []
        self._group_of: dict[str, SyncGroup] = {}
        for config in groups:
            names = [name for name in config.group if name in self.instances and name not in self._group_of]
            if not names:
                continue
            group = SyncGroup(config, [self.instances[name] for name in names])
            self.groups.append(group)
            self._group_of.update(dict.fromkeys(names, group))

    @classmethod
    def from_configuration(
        cls, configuration: Configuration, sequences: Mapping[str, AhSequence] | None = None
    ) -> Router:
        """The instances and groups of a configuration; ``sequences``: AH's counters of an earlier life."""
        scripts = {script.name: script for script in configuration.vrrp_scripts}
        weightless = _weightless(configuration)
        instances = {
            config.name: Instance(
                config,
                scripts,
                keeps_weights=config.name not in weightless,
                sequence=(sequences or {}).get(config.name),
            )
            for config in configuration.vrrp_instances
        }
        return cls(instances, configuration.vrrp_sync_groups)

    def group_of(self, name: str) -> SyncGroup | None:
        """The sync group of an instance."""
        return self._group_of.get(name)

    def states(self) -> list[Notify]:
        """Where each instance and each group is, as notifications would say it."""
        instances = [
            Notify(Subject.INSTANCE, each.name, each.state, each.priority) for each in self.instances.values()
        ]
        return instances + [Notify(Subject.GROUP, group.name, group.state, 0) for group in self.groups]

    def handle(self, name: str, event: Event, now: int) -> list[Step]:
        """Give an instance an event, and its sync group the consequences.  ``now``: monotonic µs."""
        instance = self.instances[name]
        group = self._group_of.get(name)
        if group is None:
            return [(name, action) for action in instance.handle(event, now)]
        if self._must_wait(instance, group, event):
            event = Sync.HOLD
        before = instance.state
        steps = _run(instance, event, now)
        if isinstance(event, Stop):
            return steps
        if instance.state is not before:
            steps += self._follow(instance, group, event, before, now)
        if isinstance(event, _MAY_FAULT):
            steps += self._share_faults(instance, group, now)
        if instance.state is not before:
            steps += self._settle(instance, group)
        return steps

    def broadcast(self, event: Event, now: int) -> list[Step]:
        """Give every instance the same event: Start, Stop, LinkChanged, Turned.

        Stop: every master resigns before any address is taken away.
        """
        steps = [step for name in self.instances for step in self.handle(name, event, now)]
        if isinstance(event, Stop):
            for group in self.groups:
                steps += group.stop()
            steps.sort(key=lambda step: not isinstance(step[1], SendAdvert))
        return steps

    # -- what operators want -------------------------------------------------------------

    def steer(self, subject: Subject, name: str, election: Election | None, now: int) -> list[Step]:
        """An operator wants this of an instance or group, there or not, or (None) nothing any more."""
        if election is None:
            self._elections.pop((subject, name), None)
        else:
            self._elections[subject, name] = election
        return self._steer_all(now)

    def _steer_all(self, now: int) -> list[Step]:
        return [
            step for name in self.instances for step in self.handle(name, Steered(self._election(name)), now)
        ]

    def _election(self, name: str) -> Election | None:
        """A sync group moves as one: what is wanted of one member concerns all, and to yield goes first."""
        group = self._group_of.get(name)
        concerned = [(Subject.INSTANCE, name)]
        if group is not None:
            concerned = [(Subject.INSTANCE, member.name) for member in group.members]
            concerned.append((Subject.GROUP, group.name))
        wanted = [self._elections[each] for each in concerned if each in self._elections]
        return min(wanted, default=None)

    # -- a reload ------------------------------------------------------------------------

    def advertise(self, now: int) -> list[Step]:
        """Every master sends an advert, before a reload that may take a moment."""
        return [
            (name, action) for name, instance in self.instances.items() for action in instance.advertise(now)
        ]

    def remove(self, names: Iterable[str], now: int) -> list[Step]:
        """These instances end; their groups go on without them."""
        steps: list[Step] = []
        for name in names:
            instance = self.instances.pop(name)
            group = self._group_of.pop(name, None)
            if group is not None:
                group.members = tuple(group.others(instance))
                if not group.members:
                    self.groups.remove(group)
            steps += [(name, action) for action in instance.remove(now)]
        return steps

    def reconfigure(self, configuration: Configuration, known: Mapping[Thing, int], now: int) -> list[Step]:
        """Go over to another configuration; new instances are made, and begin with ``Start``.

        Instances are matched by VRID, interface and family; those that are
        gone must have been removed.  The steps have the new names.  ``known``: what
        is known of things that can be tracked.
        """
        scripts = {script.name: script for script in configuration.vrrp_scripts}
        weightless = _weightless(configuration)
        there = {vrrp_key(instance.config): instance for instance in self.instances.values()}
        groups_before = {group.name: (group, frozenset(map(id, group.members))) for group in self.groups}
        group_before = {id(self.instances[name]): group.name for name, group in self._group_of.items()}
        steps: list[Step] = []
        instances: dict[str, Instance] = {}
        for config in configuration.vrrp_instances:
            keeps_weights = config.name not in weightless
            instance = there.get(vrrp_key(config))
            if instance is None:
                instance = Instance(config, scripts, keeps_weights=keeps_weights)
            else:
                actions = instance.reconfigure(
                    config, scripts, keeps_weights=keeps_weights, known=known, now=now
                )
                steps += [(config.name, action) for action in actions]
            instances[config.name] = instance
        self._arrange(instances, configuration.vrrp_sync_groups)
        for name, instance in self.instances.items():
            left = group_before.get(id(instance))
            group = self._group_of.get(name)
            if left is not None and (group is None or group.name != left):
                steps += _run(instance, GroupFault(left, False), now)
        for group in self.groups:
            was = groups_before.get(group.name)
            if was is not None:
                group.state = was[0].state
            moved = was is None or was[1] != frozenset(map(id, group.members))
            steps += self._align(group, now, moved=moved)
        steps += self._steer_all(now)
        # An address that goes from one instance to another must not be taken away last.
        steps.sort(key=lambda step: not (isinstance(step[1], ChangeAddresses) and step[1].gone))
        return steps

    def _align(self, group: SyncGroup, now: int, *, moved: bool) -> list[Step]:
        """Bring a group's members to one state; ``moved``: they are not the same instances as before."""
        leader = group.members[0]
        steps = self._share_faults(leader, group, now)
        if moved and {State.MASTER, State.BACKUP} <= {member.state for member in group.members}:
            steps.append(_syncing(leader, group, State.BACKUP))
            for member in group.members:
                steps += _run(member, Sync.TO_BACKUP, now)
        return steps + self._settle(leader, group)

    # -- how a group moves ---------------------------------------------------------------

    def _must_wait(self, instance: Instance, group: SyncGroup, event: Event) -> bool:
        return (
            isinstance(event, TimerExpired)
            and event.which is TimerName.MASTER_DOWN
            and instance.is_current(event)
            and instance.state is State.BACKUP
            and not group.may_take_over(instance)
        )

    def _follow(
        self, leader: Instance, group: SyncGroup, event: Event, before: State, now: int
    ) -> list[Step]:
        """The others follow a member between BACKUP and MASTER."""
        if leader.state is State.MASTER:
            order, follows = Sync.TO_MASTER, State.BACKUP
        elif leader.state is State.BACKUP and before is State.MASTER:
            order = Sync.GIVE_UP if isinstance(event, AddressLost) else Sync.TO_BACKUP
            follows = State.MASTER
        else:
            return []
        followers = [member for member in group.others(leader) if member.state is follows]
        if not followers:
            return []
        steps: list[Step] = [_syncing(leader, group, leader.state)]
        for member in followers:
            steps += _run(member, order, now)
        return steps

    def _share_faults(self, leader: Instance, group: SyncGroup, now: int) -> list[Step]:
        """Each member is in FAULT while any other has a reason of its own."""
        faulty = [member for member in group.members if member.has_own_faults]
        steps: list[Step] = []
        announced = False
        for member in [leader, *group.others(leader)]:
            before = member.state
            moved = _run(member, GroupFault(group.name, any(other is not member for other in faulty)), now)
            if member is not leader and member.state is not before and before is not State.INIT:
                if not announced:
                    steps.append(_syncing(leader, group, member.state))
                announced = True
            steps += moved
        return steps

    def _settle(self, leader: Instance, group: SyncGroup) -> list[Step]:
        """The group's own notification, once every member is in its new state."""
        states = {member.state for member in group.members}
        if len(states) != 1:
            return []
        (state,) = states
        if state is group.state:
            return []
        group.state = state
        return [(leader.name, Notify(Subject.GROUP, group.name, state, 0))]


def _weightless(configuration: Configuration) -> set[str]:
    """The instances whose tracking has no weights: those of groups that do not keep them."""
    return {
        name
        for group in configuration.vrrp_sync_groups
        if not group.sync_group_tracking_weight
        for name in group.group
    }


def _run(instance: Instance, event: Event, now: int) -> list[Step]:
    return [(instance.name, action) for action in instance.handle(event, now)]


def _syncing(leader: Instance, group: SyncGroup, state: State) -> Step:
    return leader.name, Log(f"VRRP_Group({group.name}) Syncing instances to {state.value} state")
