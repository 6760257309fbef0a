"""Runs virtual routers: feeds the pure ``Router`` with what happens and does what it answers, in order."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from functools import partial
from typing import Any, assert_never

import attrs
from twisted.application.service import Service
from twisted.internet.defer import Deferred, DeferredList
from twisted.internet.defer import TimeoutError as DeferredTimeoutError
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger, LogLevel

from kaltwisted.config.diff import vrrp_key
from kaltwisted.config.model import Configuration, VrrpInstance, VrrpScript
from kaltwisted.ports import (
    BFD_SESSION,
    Fact,
    IAddresses,
    IAnnouncer,
    IFirewall,
    ILinks,
    Ipv6Message,
    IRouting,
    IScripts,
    IVirtualLinks,
    IWire,
    LinkPlan,
)
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
from kaltwisted.vrrp.dispatcher import Dispatcher
from kaltwisted.vrrp.events import FaultKind
from kaltwisted.vrrp.group import Router, Step
from kaltwisted.vrrp.lateness import Lateness
from kaltwisted.vrrp.notifier import Notifier
from kaltwisted.vrrp.routing import Statics, VirtualRouting
from kaltwisted.vrrp.surroundings import Surroundings
from kaltwisted.vrrp.track import Thing
from kaltwisted.vrrp.tracked import with_all_tracked
from kaltwisted.vrrp.trackers import Trackers
from kaltwisted.vrrp.vmac import (
    address_interface,
    link_plan,
    sending_interface,
    with_vmacs,
)

#: What is worked off per reactor turn before others have theirs.
TURN_S = 0.002
#: From when on a late timer is a line in the log, in keepalived's words: somebody may be master already.
LATE_S = 1.0
#: How long a stop waits for notify scripts; who runs them ends those that still run then.
SCRIPTS_S = 10.0
#: What other roles' facts are about, as instances track it.
_FACTS = {BFD_SESSION: FaultKind.BFD}


@attrs.frozen
class Network:
    """What VRRP asks of the host's network."""

    links: ILinks
    addresses: IAddresses
    wire: IWire
    announcer: IAnnouncer
    routing: IRouting
    virtual_links: IVirtualLinks
    firewall: IFirewall | None = None


@attrs.define(eq=False)
class _Timer:
    call: IDelayedCall
    generation: int


class VrrpService(Service):
    """The virtual routers of one configuration.

    Adverts and timers are carried out at once.  What takes longer (addresses,
    announcements, logging, notifications) is worked off in order, a little per
    reactor turn: when 250 instances become master together, the first's log
    lines do not hold back the last's advert.

    ``router``, ``held``, ``surroundings`` and ``trackers`` are for reports to read.

    :param keep_addresses: leave the virtual addresses in place at stop (keepalived: ``-V``).
    :param startup_delay_us: how long all instances are held back at the start.
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
        keep_addresses: bool = False,
        startup_delay_us: int = 0,
    ) -> None:
        configuration = with_all_tracked(self._ready(configuration))
        self.router = Router.from_configuration(configuration)
        self._clock = clock
        self._network = network
        self._notifier = notifier
        self._keep_addresses = keep_addresses
        self._startup_delay_us = startup_delay_us
        self._instances = {each.name: each for each in configuration.vrrp_instances}
        self._dispatcher = Dispatcher(network.wire)
        self.held: dict[str, VirtualAddresses] = {}
        self._routes: dict[str, VirtualRouting] = {}
        for config in self._instances.values():
            self._furnish(config)
        self._statics = Statics(
            configuration, clock, network.links, network.addresses, network.announcer, network.routing
        )
        self.surroundings = Surroundings(
            self._instances.values(), network.links, self._dispatcher, self.held, self._tell
        )
        self.trackers = Trackers(_tracked(configuration), scripts, clock, self._script_turned)
        self._facts: dict[Thing, int] = {}
        self.lateness = Lateness()
        self._timers: dict[tuple[str, TimerName], _Timer] = {}
        self._work: deque[Step] = deque()
        self._working: IDelayedCall | None = None
        self._waiting: list[Deferred[None]] = []
        self._began = False
        self._stopping = False

    def _ready(self, configuration: Configuration) -> Configuration:
        """Without what cannot be as asked for, and VMACs with their names."""
        kept = []
        for config in configuration.vrrp_instances:
            if config.use_vmac is not None and config.ip_version == 6:
                # Its adverts need a link-local address of the VMAC's own (RFC 9568 §7.4).
                self._log.error(
                    "({name}) use_vmac is for adverts over IPv4 only yet: the instance is not run;"
                    " without use_vmac it would be",
                    name=config.name,
                )
            else:
                kept.append(config)
        instances = with_vmacs(kept, configuration.global_defs.vmac_prefix)
        return attrs.evolve(configuration, vrrp_instances=instances)

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
            accept=config.accept,
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
        await network.routing.start(self._statics.routing)
        network.links.watch(lambda _: network.routing.look_again())
        self._statics.begin()
        self._prepare_firewall()
        self.surroundings.begin()
        self._began = True
        self.trackers.start()
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
        self._stopping = True
        if self._began:
            self._tell(None, events.Stop())
        return Deferred.fromCoroutine(self._stop())

    async def _stop(self) -> None:
        await self._quiet(self.held)
        if self._began:
            self._statics.end()
            await self._statics.settled()
            if not self._keep_addresses:
                await self._network.virtual_links.want(LinkPlan())
        try:
            await self._notifier.drained().addTimeout(SCRIPTS_S, self._clock)
        except DeferredTimeoutError:
            self._log.warn("Notify scripts are still running or waiting: VRRP waits no longer")
        for timer in self._timers.values():
            timer.call.cancel()
        self._timers.clear()
        self._dispatcher.close_all()
        self._network.announcer.stop()
        self._network.addresses.stop()
        self._network.routing.stop()
        self._network.virtual_links.stop()
        if self._network.firewall is not None:
            self._network.firewall.stop(keep=self._keep_addresses)
        self._network.links.stop()
        if self._working is not None:
            self._working.cancel()
            self._working = None

    async def _quiet(self, names: Iterable[str]) -> None:
        """Wait until all is done that was decided, and the addresses of these instances stand."""
        if self._work:
            worked_off: Deferred[None] = Deferred()
            self._waiting.append(worked_off)
            await worked_off
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
        self._rename({name: wanted[vrrp_key(config)].name for name, config in self._instances.items()})
        await self._network.virtual_links.want(link_plan(configuration.vrrp_instances))
        if not self.running:
            return
        there = frozenset(self._instances)
        self._instances = {each.name: each for each in configuration.vrrp_instances}
        for config in self._instances.values():
            self._register(config)  # the group may be another
        new = [each for each in configuration.vrrp_instances if each.name not in there]
        for config in new:
            self._furnish(config)
        self._prepare_firewall()
        for name, config in self._instances.items():
            self.held[name].reconfigure(accept=config.accept)
        self._notifier.reconfigure(configuration)
        self.surroundings.reconfigure(self._instances.values())
        known = self._known()
        self._carry_out(self.router.reconfigure(configuration, known, self._now()))
        self.surroundings.look_again()
        for config in new:
            self.surroundings.introduce(config.name)
            for (kind, thing), value in known.items():
                if kind is not FaultKind.INTERFACE:
                    self._tell(config.name, events.Turned(kind, thing, value))
            self._tell(config.name, events.Start())
        self.trackers.reconfigure(_tracked(configuration))
        self._statics.reconfigure(configuration)
        await self._quiet(tuple(self.held))
        await self._statics.settled()
        for notify in self.router.states():
            self._notifier.tell_again(notify)

    async def _remove(self, names: list[str]) -> None:
        self._carry_out(self.router.remove(names, self._now()))
        for name in names:
            self._dispatcher.unregister(self._instances[name])
        # Their names may be given to others at once, so nothing of theirs may be left.
        await self._quiet(names)
        for name in names:
            self._notifier.forget(self._instances.pop(name))
            del self.held[name], self._routes[name]

    def _rename(self, names: dict[str, str]) -> None:
        """Instances have other names: whatever goes by them."""
        if all(old == new for old, new in names.items()):
            return
        held = {names[name]: each for name, each in self.held.items()}
        self.held.clear()
        self.held.update(held)
        self._routes = {names[name]: each for name, each in self._routes.items()}
        self._work = deque((names[name], action) for name, action in self._work)
        self._instances = {names[name]: config for name, config in self._instances.items()}
        for name, config in self._instances.items():
            self._register(attrs.evolve(config, name=name))
            self.held[name].rename(name)
            self._routes[name].rename(name)
        timers, self._timers = self._timers, {}
        for (name, which), timer in timers.items():
            delay = max(0.0, timer.call.getTime() - self._clock.seconds())
            timer.call.cancel()
            call = self._clock.callLater(delay, self._expired, names[name], which)
            self._timers[names[name], which] = _Timer(call, timer.generation)

    def _register(self, config: VrrpInstance) -> None:
        self._dispatcher.register(config, partial(self._received, config.name))

    # --- what happens ------------------------------------------------------------------

    def _now(self) -> int:
        return int(self._clock.seconds() * 1_000_000)

    def _received(self, name: str, packet: bytes | Ipv6Message, waited_us: int) -> None:
        """Reckon from when it came in: what we were late in reading must not make a failover late."""
        if isinstance(packet, Ipv6Message):
            self._tell(name, events.MessageReceived(packet), waited_us)
        else:
            self._tell(name, events.PacketReceived(packet), waited_us)

    def _expired(self, name: str, which: TimerName) -> None:
        timer = self._timers.pop((name, which))
        late_s = self._clock.seconds() - timer.call.getTime()
        self.lateness.note(late_s)
        if late_s >= LATE_S:
            self._log.warn("A thread timer expired {late:.6f} seconds ago", late=late_s)
        self._tell(name, events.TimerExpired(which, timer.generation))

    def _script_turned(self, script: str, good: bool) -> None:
        self._tell(None, events.Turned(FaultKind.SCRIPT, script, int(good)))

    def learn(self, fact: Fact) -> None:
        """Another role tells what instances may track; also before the beginning."""
        kind = _FACTS.get(fact.kind)
        if kind is None or self._stopping:
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
            **{(FaultKind.SCRIPT, name): int(good) for name, good in self.trackers.verdicts.items()},
            **self._facts,
        }

    def _tell(self, name: str | None, event: events.Event, ago_us: int = 0) -> None:
        """Something happened to one instance, or to all of them."""
        if name is not None and name not in self.router.instances:
            return  # it is being removed
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
                case ArmTimer(which, at, generation):
                    self._arm(name, which, at, generation)
                case CancelTimer(which):
                    timer = self._timers.pop((name, which), None)
                    if timer is not None:
                        timer.call.cancel()
                case _:
                    self._work.append((name, action))
        if self._work and self._working is None:
            self._working = self._clock.callLater(0, self._work_off)

    def _arm(self, name: str, which: TimerName, at: int, generation: int) -> None:
        delay = max(0.0, at / 1_000_000 - self._clock.seconds())
        timer = self._timers.get((name, which))
        if timer is None:
            call = self._clock.callLater(delay, self._expired, name, which)
            self._timers[name, which] = _Timer(call, generation)
        else:
            timer.generation = generation
            timer.call.reset(delay)

    def _work_off(self) -> None:
        self._working = None
        until = self._clock.seconds() + TURN_S
        while self._work:
            name, action = self._work.popleft()
            try:
                self._work_on(name, action)
            except Exception:  # whatever one action hits, the others are still to be done
                self._log.failure("({name}) {action}", name=name, action=action)
            if self._clock.seconds() >= until:
                break
        if self._work:
            self._working = self._clock.callLater(0, self._work_off)
        else:
            waiting, self._waiting = self._waiting, []
            for worked_off in waiting:
                worked_off.callback(None)

    def _work_on(self, name: str, action: Action) -> None:
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


def _tracked(configuration: Configuration) -> list[VrrpScript]:
    """The scripts that somebody tracks."""
    names = {each.name for config in configuration.vrrp_instances for each in config.track_script}
    return [each for each in configuration.vrrp_scripts if each.name in names]
