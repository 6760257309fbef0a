"""What is made of others' adverts beside the state machine: counted, compared, and told of.  Pure."""

from __future__ import annotations

from typing import Final

from kaltwisted.config.model import SECOND_US
from kaltwisted.vrrp import hmac, packet, rivalry
from kaltwisted.vrrp.actions import Level, State
from kaltwisted.vrrp.packet import Advert, Reason
from kaltwisted.vrrp.rivalry import Rivalry
from kaltwisted.vrrp.virtual_router import VirtualRouter

ALARM_US: Final = 3600 * SECOND_US
"""An operator is told again of the same mismatch with a peer after so long, unless states change."""


class Hearing:
    """What one virtual router hears; its log lines, counters and alarms are ``router``'s."""

    def __init__(self, router: VirtualRouter) -> None:
        self._router = router
        self._rivalry = Rivalry()

    def refused(self, reason: Reason, source: bytes, now: int) -> None:
        """A packet is no advert for us.  ``source``: packed, empty when the packet is too short to tell."""
        router = self._router
        if reason is Reason.FOREIGN:
            return
        router.statistics.packet_errors[reason] += 1
        if reason is Reason.SEQUENCE and router.state is State.MASTER:
            router.leave_lockstep(source, now)
        if router.may_say(reason, now):
            sender = f" from {packet.unpacked(source)}" if source else ""
            router.log(f"dropped a packet{sender}: {reason.value}", Level.WARNING)
            self._alarm_of_mismatch(source, rivalry.CAUSES.get(reason), now)
        self.beside_us(source, reason, now)

    def accepted(self, advert: Advert, now: int) -> None:
        """An advert is good, whatever the state machine will make of it."""
        router = self._router
        router.statistics.adverts_received += 1
        if not advert.priority:
            router.statistics.priority_zero_received += 1
        if advert.sequence is not None:
            router.sequence.value = advert.sequence
        self._take_note_of_signature(advert, now)
        if router.expected.unicast:
            router.answer_in_kind(advert)
        if advert.address_block != router.address_block:
            self._compare_addresses(advert, now)
        ours_us = router.config.advert_int_us
        if advert.interval_us != ours_us:
            router.statistics.interval_mismatches += 1
            if router.may_say("interval", now):
                router.log(
                    f"advertisement interval mismatch: mine={ours_us} us, received={advert.interval_us} us"
                )
                self._alarm_of_mismatch(advert.source, rivalry.CAUSES[Reason.INTERVAL], now)

    def _take_note_of_signature(self, advert: Advert, now: int) -> None:
        """Of an advert that is accepted, where adverts are signed."""
        router, keys = self._router, self._router.expected.keys
        if keys is None:
            return
        source = packet.unpacked(advert.source)
        if advert.signed is None:
            router.statistics.unsigned += 1
            if router.may_say("unsigned", now):
                router.log(f"accepted an advert from {source} without an HMAC trailer")
            return
        router.senders.heard(advert.source, advert.signed)
        if keys.window_s is None:
            return
        ahead_s = hmac.ahead_s(advert.signed, now + router.epoch_us)
        if 2 * abs(ahead_s) > keys.window_s and router.may_say("clocks", now):
            router.log(
                f"the clock of {source} differs from ours by {ahead_s:+} s, of {keys.window_s} s that are"
                " allowed (time_window): compare them with NTP",
                Level.WARNING,
            )

    def _compare_addresses(self, advert: Advert, now: int) -> None:
        """Another list is told and counted, and the advert is used (keepalived; against RFC 3768 §7.1)."""
        router = self._router
        if router.config.skip_check_adv_addr and advert.source == router.master:
            return
        ours, theirs = router.listed_addresses, advert.listed_addresses
        if theirs == ours:
            return
        router.statistics.address_list_errors += 1
        if not router.may_say("addresses", now):
            return
        self._alarm_of_mismatch(
            advert.source, "its virtual addresses are others: compare virtual_ipaddress", now
        )
        source = packet.unpacked(advert.source)
        if len(theirs) != len(ours):
            router.log(f"expected {len(ours)} VIPs but received {len(theirs)}", Level.WARNING)
        elif missing := min(ours - theirs, default=None):
            router.log(
                f"ip address associated with VRID {router.config.virtual_router_id}"
                f" not present in advert from {source}: {packet.unpacked(missing)}",
                Level.WARNING,
            )

    def _alarm_of_mismatch(self, source: bytes, cause: str | None, now: int) -> None:
        """A peer is configured otherwise; its log line is written already."""
        router = self._router
        if source and cause is not None and router.may_say(("alarm", cause), now, ALARM_US):
            other, vrid = packet.unpacked(source), router.config.virtual_router_id
            router.alarm("Mismatch with a peer", f"{other} sends adverts for VRID {vrid}, and {cause}")

    # -- split brain -----------------------------------------------------------------------

    def split_brain(self, now: int) -> str | None:
        """Who is master beside us, since when and why, in words."""
        return self._rivalry.words(now)

    def beside_us(self, source: bytes, reason: Reason | None, now: int) -> None:
        """Another router spoke as master; if we are master too, and stay so, that may be a split brain.

        ``reason``: why its advert was refused; None: it was not.
        """
        router = self._router
        if router.state is not State.MASTER or not source:
            return
        words = self._rivalry.heard(source, reason, now, router.config.advert_int_us)
        if words is not None:
            router.statistics.split_brains += 1
            self._tell_of_split("Split brain", words)

    def still(self, now: int) -> None:
        """We speak as master again: who has been silent meanwhile is no rival any more."""
        over = self._rivalry.still(now, self._router.config.advert_int_us)
        self._tell_of_split("Split brain is over", over)

    def yielded(self, now: int) -> None:
        """We are not master, and beside nobody."""
        self._tell_of_split("Split brain is over", self._rivalry.yielded(now))

    def _tell_of_split(self, headline: str, words: str | None) -> None:
        if words is not None:
            self._router.log(words, Level.WARNING)
            self._router.alarm(headline, words)
