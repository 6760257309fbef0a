"""One virtual router as one instance holds it: its settings and state, and the actions that express them.

The verbs here are what the state machine's transitions are made of; none of
them decides.  Actions gather in ``actions`` until the instance hands them out.
"""

from __future__ import annotations

from typing import Final

from kaltwisted.config.model import (
    SECOND_US,
    Address,
    AntiReplay,
    AuthHmac,
    AuthType,
    HmacMode,
    VirtualIpAddress,
    VrrpInstance,
)
from kaltwisted.vrrp import actions as act
from kaltwisted.vrrp import auth, hmac, packet, timers
from kaltwisted.vrrp.actions import Action, Level, State, TimerName
from kaltwisted.vrrp.checksum import Form
from kaltwisted.vrrp.packet import Advert, Expected
from kaltwisted.vrrp.statistics import Statistics
from kaltwisted.vrrp.vmac import extra_addresses

COMPLAINT_US: Final = 60 * SECOND_US
"""How seldom one kind of bad packet is logged."""

OFFERS: Final = 3
"""How many adverts ask to be relieved: one may be lost, and with ``nopreempt`` no other is acted on."""
LEAST_WINDOW_S: Final = 5
"""How far clocks may differ at least, where no ``time_window`` is given."""


class VirtualRouter:
    """State and vocabulary of one instance; ``sequence`` is AH's counter, handed on at a reload."""

    def __init__(self, config: VrrpInstance, sequence: auth.AhSequence | None = None) -> None:
        self._is_preferred = False
        self._adopt(config)
        self.state = State.INIT
        self.priority = config.priority
        self.sequence = sequence if sequence is not None else auth.AhSequence()
        self.hmac_sequence = hmac.Sequence()
        self.senders = hmac.Senders()
        self.epoch_us = 0
        """The time of day, in µs since 1970, at which the instance's clock was 0."""
        self.statistics = Statistics()
        self.actions: list[Action] = []
        self.master: bytes | None = None
        """The packed address of the master we follow; None while there is none or we are it."""
        self.master_priority = 0
        """What it advertised last; means nothing without a master."""
        self.master_interval_us = config.advert_int_us
        """The master's interval: learned in version 3 (RFC 5798 §6.1), ours otherwise."""
        self.wants_master = False
        """The master is silent, and only the rest of the sync group keeps us waiting."""
        self.preempt_at: int | None = None
        """When ``preempt_delay`` ends; None while it has not begun."""
        self.held_back_until: int | None = None
        """Until then it neither hears nor waits for anybody (keepalived: ``vrrp_startup_delay``)."""
        self.offers = 0
        """How many adverts of priority 0 are still to be sent in the place of others, to be relieved."""
        self.last_advert_at = 0
        self.last_transition: int | None = None
        """When ``state`` was entered, by the instance's clock; None: it is the first."""

        self._identification = 0
        self._messages: dict[tuple[int, bytes], bytes] = {}
        self._old_peers: set[bytes] = set()
        self._timers: dict[TimerName, tuple[int, int]] = {}
        self._generation = 0
        self._said: dict[object, int] = {}
        self.set_source(None)

    def _adopt(self, config: VrrpInstance) -> None:
        """What follows from the configuration alone."""
        self.config = config
        self.name = config.name
        self.addresses = config.virtual_ipaddress + config.virtual_ipaddress_excluded
        # keepalived: in state MASTER both options are cancelled.
        does_not_wait = config.state == "MASTER" or self._is_preferred
        self.preempts = does_not_wait or not config.nopreempt
        self.preempt_delay_us = 0 if does_not_wait else config.preempt_delay_us
        self.is_owner = config.priority == timers.OWNER_PRIORITY
        self.expected = _expected(config)
        self._seals = self.expected.auth_type is AuthType.AH
        self._signing = _signing(config)

    # -- what operators want -------------------------------------------------------------

    def prefer(self, preferred: bool, now: int) -> None:
        """Preempt whatever the configuration says, or again as it says; the priority is set before.

        A worse master that we follow is not waited for any longer.
        """
        if preferred is not self._is_preferred:
            self._is_preferred = preferred
            self._adopt(self.config)
        waits = self.deadline(TimerName.MASTER_DOWN)
        is_better = self.master is not None and self.master_priority < self.priority
        if preferred and waits is not None and is_better:
            self.arm(TimerName.MASTER_DOWN, min(waits, self.held_back(now) + self.skew_us()))

    def offer(self, now: int) -> None:
        """As master, ask to be relieved: backups take priority 0 for our leave, and one of them takes over.

        The addresses stay until it is heard, so that there is no moment without
        a holder, and altogether where there is nobody else.
        """
        self.offers = OFFERS
        self.log("sent 0 priority")
        self.send_offer_or_advert(now)
        # A whole interval, which no skew is as long as: another offer would have them wait anew.
        self.arm(TimerName.ADVERT, now + self.config.advert_int_us)

    def send_offer_or_advert(self, now: int) -> None:
        """The advert that is due."""
        if self.offers:
            self.offers -= 1
            self.send_advert(0, now)
        else:
            self.send_advert(self.priority, now)

    # -- a reload ------------------------------------------------------------------------

    def advertise(self, now: int) -> None:
        """An advert out of turn: nobody may miss us meanwhile.

        The next comes at its time.  Were it a whole interval from now, all
        virtual routers would be due in one moment, and from then on for ever.
        """
        if self.state is State.MASTER:
            self.send_advert(self.priority, now)

    def reconfigure(self, config: VrrpInstance, now: int) -> None:
        """Take over another configuration of the same VRID and interface, in whatever state we are."""
        old, addresses = self.config, self.addresses
        self._adopt(config)
        self.set_source(self._primary)
        waits = (config.advert_int_us, config.down_timer_adverts, config.version)
        if waits != (old.advert_int_us, old.down_timer_adverts, old.version):
            # Version 3 goes by what it has learned from its master.
            if config.version == 2 or self.master is None or old.version != config.version:
                self.master_interval_us = config.advert_int_us
            if self.deadline(TimerName.MASTER_DOWN) is not None:
                self.arm(TimerName.MASTER_DOWN, now + self.master_down_us())
            due = self.deadline(TimerName.ADVERT)
            if due is not None:
                # In step with what it sent by the old interval, so that all do not send in one moment.
                wait = (due - old.advert_int_us - now) % config.advert_int_us
                self.arm(TimerName.ADVERT, now + (wait or config.advert_int_us))
        if self.state is State.MASTER:
            self._change_addresses(addresses, now)
            if config.routing != old.routing:
                self.actions.append(act.SetRouting(config.routing))
            if config.garp_master_refresh_us != old.garp_master_refresh_us:
                self.disarm(TimerName.GARP_REFRESH)
                if config.garp_master_refresh_us:
                    self.arm(TimerName.GARP_REFRESH, now + config.garp_master_refresh_us)
            if (config.garp_extra_if, extra_addresses(config)) != (old.garp_extra_if, extra_addresses(old)):
                self.disarm(TimerName.GARP_EXTRA)
                self.arm_extra(now)

    def _change_addresses(self, old: tuple[VirtualIpAddress, ...], now: int) -> None:
        before, after = frozenset(old), frozenset(self.addresses)
        if before == after:
            return
        gone = tuple(each for each in old if each not in after)
        added = tuple(each for each in self.addresses if each not in before)
        if gone:
            self.actions.append(act.ChangeAddresses(gone, (), 0))
        if added:
            self.actions.append(act.ChangeAddresses((), added, self.config.garp_master_repeat))
        if added and self.config.garp_master_delay_us:
            self.arm(TimerName.GARP_DELAY, now + self.config.garp_master_delay_us)

    # -- the source address --------------------------------------------------------------

    @property
    def configured_source(self) -> Address | None:
        """The address that the configuration asks for."""
        return self.config.configured_source

    def set_source(self, primary: Address | None) -> None:
        """Send from here on from the configured source, else from ``primary``."""
        config = self.config
        self._primary = primary
        self.source = self.configured_source or primary
        self._messages.clear()
        # Others are heard also while there is no source: what is compared with them is there all the time.
        self.packed_source = b"" if self.source is None else self.source.packed
        packed = [entry.address.packed for entry in config.virtual_ipaddress]
        self.address_block = b"".join(packed)
        self.listed_addresses = frozenset(packed)
        peers = tuple(address.packed for address in config.peers)
        self._destinations = peers or (() if config.unicast_fault_no_peer else (config.group.packed,))
        self._hop_limit = config.unicast_ttl if peers else packet.TTL

    # -- times ---------------------------------------------------------------------------

    def skew_us(self) -> int:
        """Our skew time now."""
        return timers.skew_us(self.config.version, self.priority, self.master_interval_us)

    def master_down_us(self) -> int:
        """How long the master may be silent now."""
        return self.config.down_timer_adverts * self.master_interval_us + self.skew_us()

    def arm(self, which: TimerName, at: int) -> None:
        """Run a timer until ``at``, in place of the one of that name."""
        self._generation += 1
        self._timers[which] = (self._generation, at)
        self.actions.append(act.ArmTimer(which, at, self._generation))

    def disarm(self, *which: TimerName) -> None:
        """These timers are no longer wanted."""
        for name in which:
            if self._timers.pop(name, None) is not None:
                self.actions.append(act.CancelTimer(name))

    def deadline(self, which: TimerName) -> int | None:
        """When a running timer is due."""
        running = self._timers.get(which)
        return None if running is None else running[1]

    def is_running(self, which: TimerName, generation: int) -> bool:
        """Whether this is the timer's present life."""
        running = self._timers.get(which)
        return running is not None and running[0] == generation

    def forget(self, which: TimerName) -> None:
        """A timer has run out."""
        del self._timers[which]

    def running_timers(self) -> list[act.ArmTimer]:
        """What was armed and is neither over nor cancelled."""
        return [act.ArmTimer(which, at, generation) for which, (generation, at) in self._timers.items()]

    # -- what goes out -------------------------------------------------------------------

    def send_advert(self, priority: int, now: int) -> None:
        """One advert to each destination; silently nothing where we have no address to send from."""
        if self.source is None or (self._seals and self.sequence.in_cycle):
            return
        if self._seals:
            number = self.sequence.next()
        elif self._signing is not None:
            number = self.hmac_sequence.next(now + self.epoch_us, self._window_s)
        else:
            number = 0
        for destination in self._destinations:
            self.actions.append(
                act.SendAdvert(
                    self._packet(priority, destination, number),
                    self.source,
                    packet.unpacked(destination),
                    self._hop_limit,
                )
            )
        self.last_advert_at = now
        self.statistics.adverts_sent += 1
        if not priority:
            self.statistics.priority_zero_sent += 1

    def _packet(self, priority: int, destination: bytes, sequence: int) -> bytes:
        message = self._messages.get((priority, destination))
        if message is None:
            message = packet.encode(
                self.expected,
                priority,
                self.address_block,
                self.packed_source,
                destination,
                old_checksum=destination in self._old_peers,
            )
            self._messages[priority, destination] = message
        if self._signing is not None:
            trailer = hmac.sign(message, self.packed_source, *self._signing, sequence)
            message = packet.with_trailer(message, trailer, self.packed_source, destination)
        if len(self.packed_source) == 16:
            return message
        self._identification = packet.next_identification(self._identification)
        if self._seals:
            return packet.sealed_packet(
                message,
                self.packed_source,
                destination,
                self._identification,
                self.expected.password,
                sequence,
                ttl=self._hop_limit,
            )
        return packet.ipv4_packet(
            message, self.packed_source, destination, self._identification, ttl=self._hop_limit
        )

    def resign(self, now: int) -> None:
        """Tell the backups that we leave (RFC 3768 §6.4.3: priority 0), so that they wait no longer."""
        self.send_advert(0, now)
        self.log("sent 0 priority")

    def take_addresses(self, now: int) -> None:
        """Set the virtual addresses and tell the neighbours, now and again after ``garp_master_delay``."""
        config = self.config
        if not config.accept:
            self.log("setting firewall drop rule")
        self.log("setting VIPs.")
        self.actions.append(act.AddAddresses(self.addresses))
        if config.routing:
            self.log_routing("setting")
            self.actions.append(act.SetRouting(config.routing))
        self.announce(config.garp_master_repeat, config.garp_master_delay_us, now)
        if config.garp_master_refresh_us:
            self.arm(TimerName.GARP_REFRESH, now + config.garp_master_refresh_us)
        self.arm_extra(now)

    def arm_extra(self, now: int) -> None:
        """Announce more, in a while, if there is anything to be announced so."""
        if (extra := self.config.garp_extra_if) is not None and extra_addresses(self.config):
            self.arm(TimerName.GARP_EXTRA, now + extra.interval_us)

    def announce_extra(self, now: int) -> None:
        """Remind switches of the interfaces that no adverts go out of."""
        self.actions.append(act.Announce(extra_addresses(self.config), 1))
        self.arm_extra(now)

    def announce(self, repeat: int, again_after_us: int, now: int) -> None:
        """A burst of gratuitous ARPs, and unless ``again_after_us`` is 0 a second one later."""
        if not repeat:
            return
        self.actions.append(act.Announce(self.addresses, repeat))
        if again_after_us:
            self.arm(TimerName.GARP_DELAY, now + again_after_us)

    def drop_addresses(self) -> None:
        """Take rules, routes and then the virtual addresses away."""
        if self.config.routing:
            self.log_routing("removing")
            self.actions.append(act.SetRouting(()))
        self.log("removing VIPs.")
        if not self.config.accept:
            self.log("removing firewall drop rule")
        self.actions.append(act.RemoveAddresses(self.addresses))

    def log_routing(self, doing: str) -> None:
        """keepalived's lines: routes before rules, and the other way round when they go."""
        config = self.config
        kinds = [("Routes", config.virtual_routes), ("Rules", config.virtual_rules)]
        for kind, items in kinds if doing == "setting" else reversed(kinds):
            if items:
                self.log(f"{doing} Virtual {kind}")

    def notify(self, state: State) -> None:
        """Tell scripts, mail and the sync daemon."""
        self.actions.append(act.Notify(act.Subject.INSTANCE, self.name, state, self.priority))

    def log(self, line: str, level: Level = Level.INFO) -> None:
        """A log line under the instance's name."""
        self.actions.append(act.Log(f"({self.name}) {line}", level))

    def alarm(self, headline: str, words: str) -> None:
        """Something that an operator has to mend."""
        self.actions.append(act.Alarm(self.name, headline, words))

    def may_say(self, what: object, now: int, every_us: int = COMPLAINT_US) -> bool:
        """Whether ``what``, of a closed set, was not said for a while; then it counts as said now."""
        said = self._said.get(what)
        if said is not None and now - said < every_us:
            return False
        self._said[what] = now
        return True

    # -- the time of day ------------------------------------------------------------------

    def moment(self, now: int) -> packet.Moment:
        """What packets are judged by that come in now."""
        if self.expected.keys is None:
            return packet.ANY_MOMENT
        return packet.Moment(now + self.epoch_us, self.senders.latest)

    @property
    def _window_s(self) -> int | None:
        keys = self.expected.keys
        return None if keys is None else keys.window_s

    # -- bookkeeping ---------------------------------------------------------------------

    def enter(self, state: State, now: int) -> None:
        """The state is another now: what was said once may be said again."""
        self.state = state
        self.last_transition = now
        self.wants_master = False
        self.preempt_at = None
        self.offers = 0
        self._said.clear()

    def held_back(self, now: int) -> int:
        """When it may begin: now, or when it is held back no more."""
        return now if self.held_back_until is None else max(now, self.held_back_until)

    def leave_lockstep(self, source: bytes, now: int) -> None:
        """As master, we dropped an authentic advert of ``source`` for its AH sequence number.

        Two masters that became so in the same moment count alike, each drops the
        other's adverts as replayed, and both would stay.  keepalived leaves that
        to chance; here the router of the higher address skips a number, at most
        once an interval, so that the other one hears it.
        """
        if self.packed_source > source and self.may_say("lockstep", now, self.config.advert_int_us // 2):
            self.sequence.next()

    def answer_in_kind(self, advert: Advert) -> None:
        """Send a peer the form of checksum that it sends: it may be as old as it seems, or be upgraded."""
        old = advert.form is Form.OLD_UNICAST
        if old == (advert.source in self._old_peers):
            return
        (self._old_peers.add if old else self._old_peers.discard)(advert.source)
        self._messages.clear()
        which = "old" if old else "new"
        self.log(f"Setting unicast VRRPv3 checksum to {which} version")

    def follow(self, advert: Advert, now: int) -> None:
        """Take the sender for master: learn its interval, and wait for its next adverts."""
        self.wants_master = False
        if advert.source != self.master:
            source = packet.unpacked(advert.source)
            if self.master is None:
                self.log(f"master set to {source}")
            elif self.may_say("master changed", now, self.config.advert_int_us // 2):
                self.log(f"master changed from {packet.unpacked(self.master)} to {source}")
            self.master = advert.source
        self.master_priority = advert.priority
        # A version 3 interval of 0 is not allowed (RFC 5798 §5.2.7) and would mean: never wait.
        if self.config.version == 3 and advert.interval_us:
            self.master_interval_us = advert.interval_us
        self.arm(TimerName.MASTER_DOWN, now + self.master_down_us())
        self.arm(TimerName.OVERDUE, now + self.master_interval_us * 3 // 2)

    def wait_for_another(self, now: int) -> None:
        """Give the master the time of one more advert, and us that of our rank among the backups."""
        waits = self.deadline(TimerName.MASTER_DOWN) or now
        self.arm(TimerName.MASTER_DOWN, max(waits, now + self.master_interval_us + self.skew_us()))


def _expected(config: VrrpInstance) -> Expected:
    # Version 3 has no authentication at all (RFC 5798 §9).
    authentication = config.authentication if config.version == 2 else None
    peers = config.unicast_peer
    ttls = {
        peer.address.packed: (peer.min_ttl, peer.max_ttl)
        for peer in peers
        if (peer.min_ttl, peer.max_ttl) != (0, 255)
    }
    # A TTL to be checked is one of a peer: whoever is none must not be believed with any.
    check_sources = peers and (config.check_unicast_src or ttls)
    return Expected(
        vrid=config.virtual_router_id,
        version=config.version,
        interval_us=config.advert_int_us,
        auth_type=authentication.type if authentication else None,
        password=auth.pad(authentication.password if authentication else b""),
        unicast=bool(peers),
        sources=frozenset(peer.address.packed for peer in peers) if check_sources else None,
        ttls=ttls,
        checksum_as_v2=config.v3_checksum_as_v2,
        old_unicast_checksum=config.old_unicast_checksum,
        keys=None if config.auth_hmac is None else _keys(config.auth_hmac, config.advert_int_us),
        addressless=config.no_virtual_ipaddress and not config.virtual_ipaddress,
    )


def _keys(auth_hmac: AuthHmac, advert_int_us: int) -> hmac.Keys:
    """What adverts are judged by.  The window is as keepalived has it: three intervals, 5 s at least."""
    window_s = auth_hmac.time_window_s or max(-(-3 * advert_int_us // SECOND_US), LEAST_WINDOW_S)
    return hmac.Keys(
        {key.id: key.secret for key in auth_hmac.keys},
        window_s if auth_hmac.anti_replay is AntiReplay.TIME else None,
        auth_hmac.mode is HmacMode.ENFORCE,
    )


def _signing(config: VrrpInstance) -> tuple[int, bytes] | None:
    """Number and secret of the key that we sign with, None where we do not."""
    auth_hmac = config.auth_hmac
    if auth_hmac is None or auth_hmac.mode is HmacMode.RECEIVE_ONLY:
        return None
    return next((key.id, key.secret) for key in auth_hmac.keys if key.id == auth_hmac.active_key)
