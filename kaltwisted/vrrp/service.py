"""Runs virtual routers: feeds the pure ``Router`` with what happens and does what it answers, in order."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, assert_never

import attrs
from twisted.application.service import Service
from twisted.internet.defer import Deferred, DeferredList
from twisted.internet.defer import TimeoutError as DeferredTimeoutError
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger, LogLevel

from kaltwisted.config.diff import vrrp_key
from kaltwisted.config.model import Configuration, VrrpInstance
from kaltwisted.ports import (
    BFD_SESSION,
    ELECTION_OF_GROUP,
    ELECTION_OF_INSTANCE,
    VIRTUAL_SERVER,
    Election,
    Fact,
    Ipv6Message,
    IScripts,
    LinkPlan,
    Note,
    unnoted,
)
from kaltwisted.tracked_files import TrackedFiles
from kaltwisted.vrrp import events
from kaltwisted.vrrp.actions import (
    Action,
    AddAddresses,
    Alarm,
    Announce,
    ArmTimer,
    CancelTimer,
    ChangeAddresses,
    Level,
    Log,
    Notify,
    NotifyLowerPriority,
    NotifyPriority,
    RemoveAddresses,
    SendAdvert,
    SetRouting,
    Subject,
    TimerName,
)
from kaltwisted.vrrp.addresses import VirtualAddresses
from kaltwisted.vrrp.backlog import Backlog
from kaltwisted.vrrp.countdowns import Countdowns
from kaltwisted.vrrp.dispatcher import Dispatcher
from kaltwisted.vrrp.events import FaultKind
from kaltwisted.vrrp.group import Router, Step
from kaltwisted.vrrp.lateness import Lateness
from kaltwisted.vrrp.network import Network
from kaltwisted.vrrp.notifier import Notifier
from kaltwisted.vrrp.noting import Noting
from kaltwisted.vrrp.process_tracking import ProcessTracking
from kaltwisted.vrrp.routing import Statics, VirtualRouting
from kaltwisted.vrrp.strangers import Strangers
from kaltwisted.vrrp.surroundings import Surroundings
from kaltwisted.vrrp.track import Thing
from kaltwisted.vrrp.tracked import tracked_files, tracked_processes, tracked_scripts, with_all_tracked
from kaltwisted.vrrp.trackers import Trackers
from kaltwisted.vrrp.vmac import (
    address_interface,
    link_plan,
    sending_interface,
    with_vmacs,
)

#: How long a stop waits for notify scripts; who runs them ends those that still run then.
SCRIPTS_S = 10.0
#: How far the time of day may move beside the instances' clock before they are told of it.
CLOCK_STEP_US = 1_000
#: What other roles' facts are about, as instances track it.
_FACTS = {BFD_SESSION: FaultKind.BFD, VIRTUAL_SERVER: FaultKind.VIRTUAL_SERVER}
#: Whose election operators' facts are about.
_ELECTIONS = {ELECTION_OF_INSTANCE: Subject.INSTANCE, ELECTION_OF_GROUP: Subject.GROUP}


class VrrpService(Service):
    """The virtual routers of one configuration.

    Adverts and timers are carried out at once.  What takes longer (addresses,
    announcements, logging, notifications) is worked off in order, a little per
    reactor turn: when 250 instances become master together, the first's log
    lines do not hold back the last's advert.

    ``router``, ``held``, ``statics``, ``surroundings`` and ``trackers`` are for reports to read.

    :param note: hears of state changes.
    :param keep_addresses: leave the virtual addresses in place at stop (keepalived: ``-V``).
    :param startup_delay_us: how long all instances are held back at the start.
    :param time_of_day: in seconds since 1970; adverts are signed with it (``auth_hmac``).
    """

    _log = Logger()

    def __init__(
        self,
        configuration: Configuration,
        clock: IReactorTime,
        network: Network,
        scripts: IScripts,
        notifier: Notifier,
        *,
        note: Note = unnoted,
        keep_addresses: bool = False,
        startup_delay_us: int = 0,
        time_of_day: Callable[[], float] = time.time,
    ) -> None:
        self._noting = Noting(note)
        configuration = with_all_tracked(self._ready(configuration))
        self.router = Router.from_configuration(configuration)
        self._clock = clock
        self._network = network
        self._notifier = notifier
        self._keep_addresses = keep_addresses
        self._startup_delay_us = startup_delay_us
        self._instances = {each.name: each for each in configuration.vrrp_instances}
        self._signs = _sign(self._instances.values())
        self._strangers = Strangers(clock)
        self._dispatcher = Dispatcher(
            network.wire, self._strangers_told(configuration), configuration.global_defs.rx_bufs
        )
        self.held: dict[str, VirtualAddresses] = {}
        self._routes: dict[str, VirtualRouting] = {}
        for config in self._instances.values():
            self._furnish(config)
        self.statics = Statics(
            configuration, clock, network.links, network.addresses, network.announcer, network.routing
        )
        self.surroundings = Surroundings(
            configuration,
            clock,
            network.links,
            network.linkbeat,
            self._dispatcher,
            self.held,
            self._tell,
        )
        self.trackers = Trackers(
            tracked_scripts(configuration), scripts, clock, partial(self._turned, FaultKind.SCRIPT)
        )
        self.processes = ProcessTracking(
            tracked_processes(configuration),
            network.processes,
            clock,
            partial(self._turned, FaultKind.PROCESS),
        )
        self.files = TrackedFiles(tracked_files(configuration), network.files, self._numbered)
        self._facts: dict[Thing, int] = {}
        self.lateness = Lateness()
        self._countdowns = Countdowns(clock, self._expired, self.lateness)
        self._backlog = Backlog(clock, self._do)
        self._time_of_day = time_of_day
        self._epoch_us: int | None = None
        self._began = False
        self._stopping = False
        self._reading_files = False

    def _ready(self, configuration: Configuration) -> Configuration:
        """VMACs have their names, and what is on them."""
        defaults = configuration.global_defs
        instances = with_vmacs(configuration.vrrp_instances, defaults.vmac_prefix, defaults.vmac_addr_prefix)
        return attrs.evolve(configuration, vrrp_instances=instances)

    def _strangers_told(self, configuration: Configuration) -> Strangers | None:
        return self._strangers if configuration.global_defs.log_unknown_vrids else None

    def _furnish(self, config: VrrpInstance) -> None:
        """What an instance needs beside its state."""
        network = self._network
        held = self.held[config.name] = VirtualAddresses(
            config.name,
            address_interface(config),
            network.links,
            network.addresses,
            network.announcer,
            network.firewall,
            network.virtual_links,
            accept=config.accept,
            virtual=lambda: self.surroundings.virtual,
        )
        self._routes[config.name] = VirtualRouting(config.name, held, network.routing)
        self._register(config)

    # --- beginning and end -------------------------------------------------------------

    async def begin(self) -> None:
        """Look at the network, then start every instance.

        :raises WireError: raw sockets cannot be opened.
        :raises NetlinkError: the kernel does not tell its interfaces.
        """
        network = self._network
        await network.links.start()
        await network.virtual_links.want(link_plan(self._instances.values()))
        virtual = [item for each in self._instances.values() for item in each.routing]
        await network.routing.start(self.statics.routing, virtual)
        network.links.watch(lambda _: network.routing.look_again())
        self.statics.begin()
        self._prepare_firewall()
        self.surroundings.begin()
        self._began = True
        self.files.start()
        self.trackers.start()
        self.processes.start()
        if self._startup_delay_us:
            self._log.info("Delaying startup for {delay:g} seconds", delay=self._startup_delay_us / 1_000_000)
        self._tell(None, events.Start(self._startup_delay_us))

    def _prepare_firewall(self) -> None:
        if self._network.firewall is not None:
            ip_versions = frozenset(
                vip.address.version
                for each in self._instances.values()
                if not each.accept
                for vip in each.virtual_ipaddress + each.virtual_ipaddress_excluded
            )
            self._network.firewall.prepare(ip_versions)

    def stopService(self) -> Deferred[None]:
        """Hand over: priority 0 at once, then the addresses go, then scripts; fires when all is done."""
        super().stopService()
        self.trackers.stop()
        self.processes.stop()
        self.files.stop()
        self._stopping = True
        if self._began:
            self._tell(None, events.Stop())
        return Deferred.fromCoroutine(self._stop())

    async def _stop(self) -> None:
        await self._quiet(self.held)
        if self._began:
            self.statics.end()
            await self.statics.settled()
            if not self._keep_addresses:
                await self._network.virtual_links.want(LinkPlan())
        try:
            await self._notifier.drained().addTimeout(SCRIPTS_S, self._clock)
        except DeferredTimeoutError:
            self._log.warn("Notify scripts are still running or waiting: VRRP waits no longer")
        self._countdowns.stop()
        self._dispatcher.close_all()
        self._network.announcer.stop()
        self._network.addresses.stop()
        self._network.routing.stop()
        self._network.virtual_links.stop()
        if self._network.firewall is not None:
            self._network.firewall.stop(keep=self._keep_addresses)
        self._network.links.stop()
        self.surroundings.stop()
        self._backlog.stop()

    async def _quiet(self, names: Iterable[str]) -> None:
        """Wait until all is done that was decided, and the addresses of these instances stand."""
        await self._backlog.worked_off()
        await self._settled(names)

    def _settled(self, names: Iterable[str]) -> Deferred[Any]:
        """Fires when addresses, routes and rules of these instances are as they were last asked to be."""
        return DeferredList([each[name].settled() for name in names for each in (self.held, self._routes)])

    # --- a reload ----------------------------------------------------------------------

    async def reconfigure(self, configuration: Configuration) -> None:
        """Go over to another configuration; virtual routers that stay keep all they have and know.

        Ends when the addresses are as they should be.  One call at a time.
        """
        if not self._began or not self.running:
            return
        configuration = with_all_tracked(self._ready(configuration))
        self._carry_out(self.router.advertise(self._now()))
        wanted = {vrrp_key(each): each for each in configuration.vrrp_instances}
        gone = [name for name, config in self._instances.items() if vrrp_key(config) not in wanted]
        if gone:
            await self._remove(gone)
            if not self.running:
                return
        await self._network.virtual_links.want(link_plan(configuration.vrrp_instances))
        if not self.running:
            return
        # Nothing is waited for from here to where the router has the new names and settings.
        self._forget(gone)
        self._rename({name: wanted[vrrp_key(config)].name for name, config in self._instances.items()})
        there = frozenset(self._instances)
        self._instances = {each.name: each for each in configuration.vrrp_instances}
        self._signs = _sign(self._instances.values())
        for config in self._instances.values():
            self._register(config)  # the group may be another
        new = [each for each in configuration.vrrp_instances if each.name not in there]
        for config in new:
            self._furnish(config)
        self._prepare_firewall()
        for name, config in self._instances.items():
            self.held[name].reconfigure(accept=config.accept)
        self._notifier.reconfigure(configuration)
        self._dispatcher.strangers = self._strangers_told(configuration)
        self._dispatcher.rx_bufs = configuration.global_defs.rx_bufs
        self.surroundings.reconfigure(configuration)
        self._reading_files = True
        self.files.reconfigure(tracked_files(configuration))
        self._reading_files = False
        known = self._known()
        self._carry_out(self.router.reconfigure(configuration, known, self._now()))
        self._epoch_us = None  # which new ones have not been told
        self.surroundings.look_again()
        for config in new:
            self.surroundings.introduce(config.name)
            for (kind, thing), value in known.items():
                if kind is not FaultKind.INTERFACE:
                    self._tell(config.name, events.Turned(kind, thing, value))
            self._tell(config.name, events.Start())
        self.trackers.reconfigure(tracked_scripts(configuration))
        self.processes.reconfigure(tracked_processes(configuration))
        self.statics.reconfigure(configuration)
        await self._quiet(tuple(self.held))
        await self.statics.settled()
        for notify in self.router.states():
            self._notifier.tell_again(notify)

    def follow_again(self) -> None:
        """A reload that changes nothing here: the IPVS sync daemon is put right all the same."""
        for notify in self.router.states():
            self._notifier.follow_again(notify)

    async def _remove(self, names: list[str]) -> None:
        self._carry_out(self.router.remove(names, self._now()))
        for name in names:
            self._dispatcher.unregister(self._instances[name])
        # Their names may be given to others at once, so nothing of theirs may be left.
        await self._quiet(names)
        for name in names:
            self._notifier.forget(self._instances[name])

    def _forget(self, names: list[str]) -> None:
        """They are gone, and the kernel tells nothing of theirs any more."""
        for name in names:
            del self._instances[name], self.held[name], self._routes[name]

    def _rename(self, names: dict[str, str]) -> None:
        """Instances have other names: whatever goes by them."""
        self._noting.rename(names)
        if all(old == new for old, new in names.items()):
            return
        held = {names[name]: each for name, each in self.held.items()}
        self.held.clear()
        self.held.update(held)
        self._routes = {names[name]: each for name, each in self._routes.items()}
        self._backlog.rename(names)
        self._countdowns.rename(names)
        self._instances = {names[name]: config for name, config in self._instances.items()}
        for name, config in self._instances.items():
            self._register(attrs.evolve(config, name=name))
            self.held[name].rename(name)
            self._routes[name].rename(name)

    def _register(self, config: VrrpInstance) -> None:
        self._dispatcher.register(config, partial(self._received, config.name))

    # --- what happens ------------------------------------------------------------------

    def _now(self) -> int:
        """The instances' clock; who signs adverts is told when the time of day has moved beside it."""
        now = int(self._clock.seconds() * 1_000_000)
        if self._signs:
            epoch_us = int(self._time_of_day() * 1_000_000) - now
            if self._epoch_us is None or abs(epoch_us - self._epoch_us) > CLOCK_STEP_US:
                self._epoch_us = epoch_us
                self._carry_out(self.router.broadcast(events.TimeOfDay(epoch_us), now))
        return now

    def _received(self, name: str, packet: bytes | Ipv6Message, waited_us: int) -> None:
        """Reckon from when it came in: what we were late in reading must not make a failover late."""
        if isinstance(packet, Ipv6Message):
            self._tell(name, events.MessageReceived(packet), waited_us)
        else:
            self._tell(name, events.PacketReceived(packet), waited_us)

    def _expired(self, name: str, which: TimerName, generation: int) -> None:
        self._tell(name, events.TimerExpired(which, generation))

    def _turned(self, kind: FaultKind, name: str, good: bool) -> None:
        self._noting.turned(kind, name, good)
        self._tell(None, events.Turned(kind, name, int(good)))

    def _numbered(self, name: str, number: int) -> None:
        if self._reading_files:
            return  # for a reload, which weighs it as it is configured from then on
        self._tell(None, events.Turned(FaultKind.FILE, name, number))

    def learn(self, fact: Fact) -> None:
        """What instances may track, of another role, or what an operator wants; also before the beginning."""
        if self._stopping:
            return
        subject = _ELECTIONS.get(fact.kind)
        if subject is not None:
            election = None if fact.value is None else Election(fact.value)
            self._carry_out(self.router.steer(subject, fact.name, election, self._now()))
            return
        kind = _FACTS.get(fact.kind)
        if kind is None:
            return
        if fact.value is None:
            self._facts.pop((kind, fact.name), None)
        else:
            self._facts[kind, fact.name] = fact.value
        self._tell(None, events.Turned(kind, fact.name, fact.value))

    def _known(self) -> dict[Thing, int]:
        """What is known of all that can be tracked."""
        return {
            **{(FaultKind.INTERFACE, name): int(up) for name, up in self.surroundings.up.items()},
            **{(FaultKind.SOURCE, str(each)): int(there) for each, there in self.surroundings.needed.items()},
            **{(FaultKind.SCRIPT, name): int(good) for name, good in self.trackers.verdicts.items()},
            **{(FaultKind.PROCESS, name): int(good) for name, good in self.processes.verdicts.items()},
            **{(FaultKind.FILE, name): number for name, number in self.files.values.items()},
            **self._facts,
        }

    def _tell(self, name: str | None, event: events.Event, ago_us: int = 0) -> None:
        """Something happened to one instance, or to all of them."""
        if name is not None and name not in self.router.instances:
            return  # it is being removed
        if name is None and self._began and isinstance(event, events.LinkChanged):
            self._noting.turned(FaultKind.INTERFACE, event.interface, event.up)
        now = self._now() - ago_us
        steps = self.router.broadcast(event, now) if name is None else self.router.handle(name, event, now)
        self._carry_out(steps)

    # --- carrying out ------------------------------------------------------------------

    def _carry_out(self, steps: Iterable[Step]) -> None:
        """Adverts and timers now, the rest in its turn."""
        for name, action in steps:
            match action:
                case SendAdvert(packet, source, destination, hop_limit):
                    interface = sending_interface(self._instances[name])
                    if interface is not None:
                        self._dispatcher.send(interface, packet, source, destination, hop_limit)
                case ArmTimer():
                    self._countdowns.arm(name, action)
                case CancelTimer(which):
                    self._countdowns.cancel(name, which)
                case _:
                    self._noting.action(self.router, action)
                    self._backlog.add(name, action)

    def _do(self, name: str, action: Action) -> None:
        match action:
            case Log(line, level):
                emitted = LogLevel.warn if level is Level.WARNING else LogLevel.info
                self._log.emit(emitted, "{line}", line=line)
            case AddAddresses(addresses):
                self.held[name].take(addresses)
            case RemoveAddresses(addresses):
                if not (self._stopping and self._keep_addresses):
                    self.held[name].remove(addresses)
            case ChangeAddresses(gone, added, repeat):
                self.held[name].change(gone, added, repeat)
            case SetRouting(items):
                if items or not (self._stopping and self._keep_addresses):
                    self._routes[name].set(items)
            case Announce(addresses, repeat):
                self.held[name].announce(addresses, repeat)
            case Notify():
                self._notify(name, action)
            case NotifyLowerPriority():
                self._notifier.tell_lower_priority(action)
            case NotifyPriority():
                self._notifier.tell_priority(action)
            case Alarm():
                self._notifier.alarm(action)
            case SendAdvert() | ArmTimer() | CancelTimer():
                raise AssertionError("done at once")
            case _:
                assert_never(action)

    def _notify(self, name: str, notify: Notify) -> None:
        """Tell once the addresses are as told: a notify script may want to use them."""
        concerned = [name]
        group = self.router.group_of(name)
        if notify.subject is Subject.GROUP and group is not None:
            concerned = [member.name for member in group.members]
        settled = self._settled(concerned)
        settled.addCallback(lambda _: self._notifier.tell(notify))
        settled.addErrback(lambda failure: self._log.failure("Notification", failure))


def _sign(instances: Iterable[VrrpInstance]) -> bool:
    """Whether any has to do with signed adverts."""
    return any(each.auth_hmac is not None for each in instances)
