"""Why an address has two owners, or none, in words: the likely cause first.  Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

import attrs

from kaltwisted.config.model import SECOND_US, Address, VrrpInstance
from kaltwisted.config.model_hmac import AuthHmac, HmacMode
from kaltwisted.simulation.history import History, Span
from kaltwisted.simulation.topology import Place, Topology
from kaltwisted.vrrp.actions import State
from kaltwisted.vrrp.packet import Reason
from kaltwisted.vrrp.rivalry import CAUSES


@attrs.define
class CutOff:
    """That ``receiver`` did not hear ``sender`` on a LAN from ``since`` to ``until`` (None: the end), µs."""

    sender: str
    receiver: str
    lan: str
    since: int
    until: int | None = None

    def overlaps(self, span: Span) -> bool:
        """Whether it was so at some time of a span, and between two of its directors."""
        return (
            {self.sender, self.receiver} <= set(span.directors)
            and self.since < span.until
            and (self.until is None or self.until > span.since)
        )

    def __str__(self) -> str:
        return f"{self.receiver} does not hear {self.sender} on {self.lan}, which the scenario has cut"


@attrs.frozen
class Evidence:
    """What a run has left behind: cuts, and what each director's instances dropped, by reason."""

    history: History
    cut_off: tuple[CutOff, ...]
    dropped: Mapping[tuple[str, str], Counter[Reason]]


# -- two owners ----------------------------------------------------------------------------


def why_two(topology: Topology, address: Address, span: Span, evidence: Evidence) -> str:
    """Why several directors hold an address at once: what differs counts more than what happened."""
    sides = [pair for pair in topology.instances(address) if pair[0].name in span.directors]
    middle = (span.since + span.until) // 2
    for place, _ in sides:
        if not evidence.history.ran(place.name, middle):
            return f"the daemon of {place.name} does not run, and nobody has taken its addresses away"
    (one, ours), *others = sides
    differences = [words for other, theirs in others for words in _differences(one, ours, other, theirs)]
    if differences:
        return "; ".join(dict.fromkeys(differences))
    cuts = list(dict.fromkeys(str(each) for each in evidence.cut_off if each.overlaps(span)))
    if cuts:
        return "; ".join(cuts)
    dropped: Counter[Reason] = Counter()
    for place, instance in sides:
        dropped.update(evidence.dropped.get((place.name, instance.name), {}))
    for reason, _ in dropped.most_common(1):
        return f"adverts were dropped: {CAUSES.get(reason, reason.value)}"
    return "each became master before it had heard of the other, or adverts were lost"


def _differences(one: Place, ours: VrrpInstance, other: Place, theirs: VrrpInstance) -> Iterator[str]:
    """What keeps two instances from understanding each other."""
    here, there = one.name, other.name
    lans = [place.plugs[each.interface or ""].lan for place, each in ((one, ours), (other, theirs))]
    if ours.virtual_router_id != theirs.virtual_router_id:
        yield _both("virtual_router_id", ours.virtual_router_id, here, theirs.virtual_router_id, there)
        return
    if ours.ip_version != theirs.ip_version:
        yield _both("adverts go over", f"IPv{ours.ip_version}", here, f"IPv{theirs.ip_version}", there)
        return
    if ours.version != theirs.version:
        yield _both("version", ours.version, here, theirs.version, there)
        return
    if lans[0] != lans[1] and not (ours.unicast_peer and theirs.unicast_peer):
        yield (
            f"{ours.interface} of {here} and {theirs.interface} of {there} are on different LANs, {lans[0]}"
            f" and {lans[1]}: no advert gets from one to the other"
        )
    if ours.version == 2:
        yield from _of_version_2(here, ours, there, theirs)
    yield from _signatures(here, ours.auth_hmac, there, theirs.auth_hmac)
    yield from _ways(one, ours, other, theirs)


def _of_version_2(here: str, ours: VrrpInstance, there: str, theirs: VrrpInstance) -> Iterator[str]:
    if ours.advert_int_us != theirs.advert_int_us:
        intervals = [f"{each.advert_int_us / SECOND_US:g} s" for each in (ours, theirs)]
        yield _both("advert_int", intervals[0], here, intervals[1], there)
    mine, yours = ours.authentication, theirs.authentication
    types = ["none" if each is None else each.type.name for each in (mine, yours)]
    if types[0] != types[1]:
        yield _both("auth_type", types[0], here, types[1], there)
    elif mine is not None and yours is not None and mine.password != yours.password:
        yield "auth_pass differs"


def _signatures(here: str, ours: AuthHmac | None, there: str, theirs: AuthHmac | None) -> Iterator[str]:
    """What keeps one from taking the other's signature; clocks are no matter of configuration.

    A key that is in a file of the director's is taken for the right one.
    """
    for signer, reader, who in ((ours, theirs, there), (theirs, ours, here)):
        signs = signer is not None and signer.mode is not HmacMode.RECEIVE_ONLY
        if reader is None:
            if signs:
                yield f"auth_hmac: adverts to {who} are signed, and it has none"
        elif signer is None or not signs:
            if reader.mode is HmacMode.ENFORCE:
                yield f"auth_hmac: {who} asks for signed adverts, and gets others"
        else:
            secret = next((key.secret for key in signer.keys if key.id == signer.active_key), b"")
            if (signer.active_key, secret) not in {(key.id, key.secret) for key in reader.keys}:
                yield f"auth_hmac: {who} does not have key {signer.active_key} of the other"


def _ways(one: Place, ours: VrrpInstance, other: Place, theirs: VrrpInstance) -> Iterator[str]:
    here, there = one.name, other.name
    if bool(ours.unicast_peer) != bool(theirs.unicast_peer):
        with_, without = (here, there) if ours.unicast_peer else (there, here)
        yield f"{with_} has unicast_peer, {without} has none"
        return
    if not ours.unicast_peer:
        if ours.group != theirs.group:
            yield _both("adverts go to", ours.group, here, theirs.group, there)
        return
    for place, instance, peer_place, peer in ((one, ours, other, theirs), (other, theirs, one, ours)):
        own = {each.ip for plug in peer_place.plugs.values() for each in plug.addresses}
        if own.isdisjoint(instance.peers):
            source = peer.unicast_src_ip or next(
                (each.ip for each in peer_place.plugs[peer.interface or ""].addresses), None
            )
            yield f"unicast_peer of {place.name} does not name {peer_place.name}, which is {source}"


def _both(what: str, ours: object, here: str, theirs: object, there: str) -> str:
    return f"{what} {ours} on {here}, {theirs} on {there}"


# -- no owner ------------------------------------------------------------------------------


def why_nobody(topology: Topology, address: Address, span: Span, evidence: Evidence) -> str:
    """Why no director holds an address: how it is with each that could."""
    at = (span.since + span.until) // 2
    told = [
        f"{place.name} {_how(place, instance, at, evidence.history)}"
        for place, instance in topology.instances(address)
    ]
    return "; ".join(told)


def _how(place: Place, instance: VrrpInstance, at: int, history: History) -> str:
    if not history.ran(place.name, at):
        return "does not run"
    turned = history.last_turn(place.name, instance.name, at)
    if turned is None:
        return "begins"
    match turned.notify.state:
        case State.FAULT:
            return f"is in FAULT ({turned.why})" if turned.why else "is in FAULT"
        case State.MASTER:
            return "is MASTER, and cannot be reached by it"
        case State.BACKUP:
            waits = _waits_for(place, instance, at, history)
            return f"is BACKUP, and waits for {waits}" if waits else "is BACKUP"
        case other:
            return f"is in state {other.value}"


def _waits_for(place: Place, instance: VrrpInstance, at: int, history: History) -> str:
    """The members of its sync group that are no masters either."""
    for group in place.configuration.vrrp_sync_groups:
        if instance.name in group.group:
            others = [
                name
                for name in group.group
                if name != instance.name
                and (turned := history.last_turn(place.name, name, at)) is not None
                and turned.notify.state is State.BACKUP
            ]
            return f"{', '.join(others)} of its sync group {group.name}" if others else ""
    return ""
