"""Which servers of a virtual server take clients: a pure decision, no kernel and no clock.

A pool is told what the checkers found; it answers with events (what to log,
whom to tell) and holds ``services``, what the data plane should have: one, or with
a ``virtual_server_group`` one for each of its addresses and marks, all alike.
The rules are keepalived's: a server is alive while none of its checkers has
failed; quorum has hysteresis; while quorum is lost the sorry server stands in
for all of them; with ``inhibit_on_failure`` a dead server stays at weight 0, so
that its connections may end in peace.  What an operator overrides (``steering``)
goes before configuration and checks, and changes nothing of what is known of a
server's health.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Final, TypeAlias

import attrs

from kaltwisted.config.diff import compare_real_servers
from kaltwisted.config.model import Forwarding, Listen, RealServer, ServerGroup, SorryServer, VirtualServer
from kaltwisted.lvs.entries import entry_name, pool_key, service_keys, within
from kaltwisted.lvs.member import Member, key_of
from kaltwisted.lvs.steering import UNSTEERED, Steering
from kaltwisted.lvs.table import Destination, DestinationKey, Service, ServiceKey


@attrs.frozen
class Log:
    """A line for the log, worded as keepalived words it."""

    line: str


@attrs.frozen
class ServerTurned:
    """A real server came up or went down (``notify_up``, ``notify_down``)."""

    server: RealServer
    up: bool


@attrs.frozen
class QuorumTurned:
    """Quorum was gained or lost (``quorum_up``, ``quorum_down``); ``summary`` is for the mail's body."""

    up: bool
    summary: str


Event: TypeAlias = Log | ServerTurned | QuorumTurned


_NONE_STEERED: Final[Mapping[DestinationKey, Steering]] = MappingProxyType({})


class Pool:
    """The state of one virtual server's pool.

    ``adopted``: the service, or any of them, that an earlier life of the daemon left in the data
    plane.  What is missing in it was down then, and stays out until its first
    good check: a restart never sends clients to a server known to be dead.
    ``steering``: what operators override of servers, in the pool or not; ``steer`` tells of changes.
    """

    def __init__(
        self,
        virtual_server: VirtualServer,
        adopted: Service | None = None,
        steering: Mapping[DestinationKey, Steering] = _NONE_STEERED,
    ) -> None:
        self.virtual_server = virtual_server
        self._steering = steering
        if adopted is not None:
            adopted = _as_configured(adopted, virtual_server)
        self.name = str(virtual_server)
        self.key = pool_key(virtual_server)
        members = [
            Member.begin(server, adopted, steering.get(key_of(server), UNSTEERED))
            for server in virtual_server.real_servers
        ]
        # One key for all tables: what is the same object is found fastest.
        self._members = {member.destination.key: member for member in members}
        self._sum = sum(member.counts for member in self._members.values())
        # Real servers in the table, and not the sorry server: there was quorum, and it takes losing.
        self._had_quorum = (
            adopted is not None and virtual_server.sorry_server is not None and self._holds_quorum(self._sum)
        )
        self.has_quorum = self._had_quorum or self._sum >= virtual_server.quorum + virtual_server.hysteresis
        self._settings = _settings(virtual_server)
        self._services: tuple[Service, ...] | None = None
        self._table: Mapping[DestinationKey, Destination] | None = None
        self.suspended = False
        """Whether its checks stand still until this host has its address; who runs them says so."""
        self.since: float | None = None
        """When quorum was gained or lost, by the clock of who runs the pool; None: not known."""

    # -- what others ask --------------------------------------------------------------

    @property
    def services(self) -> tuple[Service, ...]:
        """What the data plane should hold; the same objects for as long as nothing changes."""
        if self._services is None:
            self._services = tuple(_filled(self._settings, self.destinations))
        return self._services

    @property
    def service(self) -> Service:
        """One of ``services``: in a group the first, and but for their keys the others are the same."""
        return self.services[0]

    @property
    def destinations(self) -> Mapping[DestinationKey, Destination]:
        """The servers in the data plane's table, with the ports that are configured."""
        if self._table is None:
            self._table = self._destinations()
        return self._table

    def server(self, key: DestinationKey) -> RealServer:
        """The real server of this address and port."""
        return self._members[key].server

    def member(self, server: RealServer) -> Member | None:
        """The state of a real server; None: it is gone."""
        return self._members.get(key_of(server))

    def is_up(self, server: DestinationKey, checker: int) -> bool:
        """Whether this checker of the server counts as good."""
        return checker not in self._members[server].failed

    @property
    def weight(self) -> int:
        """The weights of the servers that are alive together, which quorum is measured by."""
        return self._sum

    @property
    def sorry_server_stands_in(self) -> bool:
        """Whether clients go to the sorry server, and to no other."""
        return self.virtual_server.sorry_server is not None and not self.has_quorum

    @property
    def alive(self) -> Mapping[DestinationKey, int]:
        """The weights of the servers that are alive."""
        return {key: member.effective_weight for key, member in self._members.items() if member.alive}

    @property
    def members(self) -> tuple[Member, ...]:
        """The state of each real server, in the order configured."""
        return tuple(self._members.values())

    def serves(self, member: Member) -> bool:
        """Whether a server is in the data plane's table: for clients, or at weight 0."""
        return member.destination.key in self.destinations

    # -- what happens -----------------------------------------------------------------

    def start(self) -> list[Event]:
        """The pool begins.  Its quorum is told as if it had been gained, for ``quorum_up`` to act on.

        Without quorum nothing is told, unless a sorry server has to stand in.
        """
        if self.has_quorum:
            words = self._gained("-" if self._had_quorum else "+")
            return [Log(f"{words} for VS {self.name}"), QuorumTurned(up=True, summary=f"=> {words} <=")]
        server = self.virtual_server
        if server.sorry_server is None:
            return []
        # The minus of a sum is keepalived's, to the letter.
        threshold = server.quorum + server.hysteresis
        sums = f"{server.quorum}-{server.hysteresis}={threshold} > {self._sum}"
        return [
            Log(f"Starting with quorum down {sums} for VS {self.name}"),
            *self._sorry(enter=True),
            QuorumTurned(up=False, summary=f"=> Starting with quorum down {sums} <="),
        ]

    def passed(self, server: DestinationKey, checker: int) -> list[Event]:
        """One checker of a server succeeds (again)."""
        member = self._members[server]
        if checker not in member.failed:
            return []
        member.failed -= {checker}
        if not member.alive:
            return []
        self._sum += member.counts
        return [*self._went_up(member), *self._weigh_quorum()]

    def failed(self, server: DestinationKey, checker: int) -> list[Event]:
        """One checker of a server has failed for good."""
        member = self._members[server]
        was_alive, counted = member.alive, member.counts
        member.fail(checker)
        if not was_alive:
            return []
        self._sum -= counted
        self._changed()
        if member.steering.is_disabled:
            line = f"Service {self._name(member)} of VS {self.name} fails, and is disabled"
        else:
            verb, word = ("Disabling", "of") if member.server.inhibit_on_failure else ("Removing", "from")
            line = f"{verb} service {self._name(member)} {word} VS {self.name}"
        return [Log(line), ServerTurned(member.server, up=False), *self._weigh_quorum()]

    def weigh(self, server: DestinationKey, weight: int) -> list[Event]:
        """A server's weight changes (a dynamic MISC_CHECK)."""
        member = self._members[server]
        before, counted = member.effective_weight, member.counts
        member.set_weight(weight)
        if before == member.effective_weight:
            return []
        self._sum += member.counts - counted
        self._changed()
        return [self._reweighted(member, before), *self._weigh_quorum()]

    def steer(self, server: DestinationKey) -> list[Event]:
        """What an operator overrides of a server is another now; perhaps it is not in the pool at all."""
        member = self._members.get(server)
        if member is None:
            return []
        was, before, counted = member.steering, member.effective_weight, member.counts
        member.steer(self._steering.get(server, UNSTEERED))
        self._sum += member.counts - counted
        self._changed()
        events: list[Event] = []
        if member.steering.service is not was.service:
            events.append(Log(f"Service {self._name(member)} of VS {self.name} {_words(member.steering)}"))
        elif member.effective_weight != before:
            events.append(self._reweighted(member, before))
        return [*events, *self._weigh_quorum()]

    def quorum_lost_by(self, server: DestinationKey, steering: Steering) -> int | None:
        """What weight would be left, if ``steering`` cost the quorum that is there; None: it would not."""
        member = self._members.get(server)
        if member is None or not self.has_quorum or not member.alive:
            return None
        left = self._sum - member.counts + steering.weight_of(member.weight)
        return None if self._holds_quorum(left) else left

    # -- a reload -----------------------------------------------------------------------

    def reconfigure(self, new: VirtualServer) -> list[Event]:
        """Take over the changed configuration of this virtual server; what did not change keeps its state.

        Servers are matched by address and port.  One that is new is in at
        once, or with ``alpha`` when its checkers have succeeded.  To one that
        goes nothing has happened, so nobody is told, unless ``omega`` asks so.
        """
        old, self.virtual_server = self.virtual_server, new
        self.name = str(new)
        events = self._change_entries(old.listen)
        events += self._change_sorry_server(old.sorry_server)
        settings = _settings(new)
        if settings != self._settings:
            self._settings = settings
            self._changed()
        servers = compare_real_servers(old, new)
        if servers:
            self._changed()
        for server in servers.added:
            member = Member.begin(server, steering=self._steering.get(key_of(server), UNSTEERED))
            self._members[member.destination.key] = member
            self._sum += member.counts
        for change in servers.changed:
            events += self._change_server(self._members[key_of(change.new)], change.new)
        for server in servers.removed:
            member = self._members.pop(key_of(server))
            self._sum -= member.counts
            events.append(Log(f"service {self._name(member)} no longer exist"))
            if old.omega and member.alive:
                events.append(ServerTurned(server, up=False))
        return [*events, *self._weigh_quorum()]

    def _change_server(self, member: Member, new: RealServer) -> list[Event]:
        was_alive, weight = member.alive, member.effective_weight
        self._sum -= member.counts
        member.reconfigure(new)
        self._sum += member.counts
        events: list[Event] = []
        if member.effective_weight != weight:
            events.append(self._reweighted(member, weight))
        if member.alive and not was_alive:
            events += self._went_up(member)
        return events

    def _change_entries(self, old: Listen) -> list[Event]:
        """What is in a group has changed; its other services go on."""
        new = self.virtual_server.listen
        if not (isinstance(old, ServerGroup) and isinstance(new, ServerGroup)):
            return []
        protocol, name = self.virtual_server.protocol, new.name
        gone = [entry_name(each, protocol) for each in old.entries if each not in new.entries]
        come = [entry_name(each, protocol) for each in new.entries if each not in old.entries]
        return [
            *(Log(f"VS [{each}] in group {name} no longer exists") for each in gone),
            *(Log(f"VS [{each}] added into group {name}") for each in come),
        ]

    def _change_sorry_server(self, old: SorryServer | None) -> list[Event]:
        new = self.virtual_server.sorry_server
        if old == new:
            return []
        self._changed()
        if self.has_quorum:
            return []
        protocol, events = self.virtual_server.protocol, list[Event]()
        if old is not None:
            events.append(Log(f"Removing sorry server {old.format(protocol)} from VS {self.name}"))
        if new is not None:
            events.append(Log(f"Adding sorry server {new.format(protocol)} to VS {self.name}"))
        return events

    # -- the end ------------------------------------------------------------------------

    def stop(self, *, at_once: bool = False) -> list[Event]:
        """The pool ends; with ``omega`` the down notifications run (keepalived: ``omega``).

        ``at_once``: with all that is in it, and nothing is told of its servers.
        """
        events: list[Event] = []
        for member in self._members.values() if not at_once else ():
            inhibited = member.server.inhibit_on_failure and not member.alive
            state = "(inhibited) " if inhibited else ""
            events.append(Log(f"Shutting down {state}service {self._name(member)} from VS {self.name}"))
            if self.virtual_server.omega and member.alive:
                events.append(ServerTurned(member.server, up=False))
        if self.virtual_server.omega and self.has_quorum:
            events.append(QuorumTurned(up=False, summary="=> Shutting down <="))
        return events

    # -- how it is decided ------------------------------------------------------------

    def _changed(self) -> None:
        """The data plane should hold something else."""
        self._services = self._table = None

    def _name(self, member: Member) -> str:
        return member.server.format(self.virtual_server.protocol)

    def _went_up(self, member: Member) -> list[Event]:
        self._changed()
        if member.steering.is_disabled:
            line = f"Service {self._name(member)} of VS {self.name} is alive, and is disabled"
        else:
            verb, word = ("Enabling", "of") if member.server.inhibit_on_failure else ("Adding", "to")
            line = f"{verb} service {self._name(member)} {word} VS {self.name}"
        return [Log(line), ServerTurned(member.server, up=True)]

    def _reweighted(self, member: Member, before: int) -> Log:
        state = "active" if member.alive else "inactive"
        return Log(
            f"Changing weight from {before} to {member.effective_weight}"
            f" for {state} service {self._name(member)} of VS {self.name}"
        )

    def _weigh_quorum(self) -> list[Event]:
        server = self.virtual_server
        if not self.has_quorum:
            if self._sum < server.quorum + server.hysteresis:
                return []
            words = self._gained("+")
        else:
            if self._holds_quorum(self._sum):
                return []
            threshold = server.quorum - server.hysteresis
            words = f"Lost quorum {server.quorum}-{server.hysteresis}={threshold} > {self._sum}"
        self.has_quorum = not self.has_quorum
        self._changed()
        return [
            Log(f"{words} for VS {self.name}"),
            *self._sorry(enter=not self.has_quorum),
            QuorumTurned(self.has_quorum, f"=> {words} <="),
        ]

    def _holds_quorum(self, weight: int) -> bool:
        """Whether a quorum that is there stays with that weight: it takes less than gaining it."""
        server = self.virtual_server
        return weight > 0 and weight >= server.quorum - server.hysteresis

    def _gained(self, sign: str) -> str:
        quorum, hysteresis = self.virtual_server.quorum, self.virtual_server.hysteresis
        threshold = quorum + hysteresis if sign == "+" else quorum - hysteresis
        return f"Gained quorum {quorum}{sign}{hysteresis}={threshold} <= {self._sum}"

    def _sorry(self, *, enter: bool) -> list[Event]:
        sorry = self.virtual_server.sorry_server
        if sorry is None:
            return []
        name = sorry.format(self.virtual_server.protocol)
        if enter:
            verb = "Enabling" if sorry.inhibit else "Adding"
            lines = [
                f"{verb} sorry server {name} to VS {self.name}",
                f"Removing alive servers from the pool for VS {self.name}",
            ]
        else:
            verb = "Disabling" if sorry.inhibit else "Removing"
            lines = [
                f"{verb} sorry server {name} from VS {self.name}",
                f"Adding alive servers to the pool for VS {self.name}",
            ]
        return [Log(line) for line in lines]

    def _destinations(self) -> dict[DestinationKey, Destination]:
        sorry = self.virtual_server.sorry_server
        standing_in = self.sorry_server_stands_in
        table: dict[DestinationKey, Destination] = {}
        for key, member in self._members.items():
            if member.steering.is_disabled:
                continue
            # Connections of a drained server live on beside the sorry server, too.
            if member.alive and (member.steering.is_drained or not standing_in):
                table[key] = member.destination
            elif member.server.inhibit_on_failure:
                table[key] = attrs.evolve(member.destination, weight=0)
        if sorry is not None:
            # A sorry server that is a real server too counts once: as what serves clients now.
            key = key_of(sorry)
            if standing_in:
                table[key] = Destination(key, 1, sorry.forwarding)
            elif sorry.inhibit and key not in table:
                table[key] = Destination(key, 0, sorry.forwarding)
        return table


def _words(steering: Steering) -> str:
    """Where a server stands, for the log."""
    if steering.is_drained:
        return "is drained: it keeps its connections, and gets no others"
    return "is disabled: it is out of the pool" if steering.is_disabled else "is in service again"


def _settings(server: VirtualServer) -> tuple[Service, ...]:
    keys = service_keys(server)
    first = Service(
        key=keys[0],
        scheduler=server.lb_algo,
        persistence_timeout_s=server.persistence_timeout_s,
        granularity=server.persistence_granularity,
        persistence_engine=server.persistence_engine,
        ops=server.ops,
        scheduler_flags=server.scheduler_flags,
    )
    return first, *(attrs.evolve(first, key=key) for key in keys[1:])


def _filled(empty: Iterable[Service], table: Mapping[DestinationKey, Destination]) -> Iterator[Service]:
    """Services with their servers; a table is one object for all in which it is the same."""
    # All but NAT keep the port that packets came to: where these are that port, nothing is to be changed.
    ports = {key.port for key, each in table.items() if each.forwarding.method is not Forwarding.NAT}
    by_port: dict[int, Mapping[DestinationKey, Destination]] = {}
    for service in empty:
        port = service.key.port
        if port not in by_port:
            by_port[port] = table if ports <= {port} else dict(_inside(service.key, table))
        yield attrs.evolve(service, destinations=by_port[port])


def _inside(
    service: ServiceKey, table: Mapping[DestinationKey, Destination]
) -> Iterator[tuple[DestinationKey, Destination]]:
    """A service's table, with the ports that its servers have in it."""
    for key, each in table.items():
        inside = within(service, key, each.forwarding)
        yield inside, attrs.evolve(each, key=inside)


def _as_configured(found: Service, server: VirtualServer) -> Service:
    """A service as it was found, with the ports that the servers of a group are configured with."""
    if not isinstance(server.listen, ServerGroup):
        return found
    known = {within(found.key, key_of(each), each.forwarding): key_of(each) for each in server.real_servers}
    destinations = {known.get(key, key): each for key, each in found.destinations.items()}
    return attrs.evolve(found, destinations=destinations)
