"""BFD's part of its data file (``keepalived_bfd.data``, SIGUSR1), as keepalived 2.2.7 lays it out.  Pure.

What keepalived tells of its own insides (file descriptors, timers' addresses)
is left out; packets that went out and came in are ours.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from kaltwisted.bfd.packet import Reason
from kaltwisted.bfd.session import Session
from kaltwisted.config.report import checker_moment, true


def data(sessions: Iterable[Session], discarded: Mapping[Reason, int], epoch_us: int) -> Iterator[str]:
    """All sections after ``Global definitions``.

    :param epoch_us: the time of day when the sessions' clock was 0.
    """
    yield "------< BFD Topology >------"
    for session in sessions:
        yield from _session(session, epoch_us)
    if any(discarded.values()):
        yield "------< BFD packets discarded >------"
        for reason, count in discarded.items():
            yield f" {reason.value} = {count}"


def _session(session: Session, epoch_us: int) -> Iterator[str]:
    config, variables = session.config, session.variables
    yield f" BFD Instance = {config.name}"
    yield f"   Neighbor IP = {config.neighbor}"
    if config.source is not None:
        yield f"   Source IP = {config.source}"
    yield f"   Required min RX interval = {config.min_rx_us} us"
    yield f"   Desired min TX interval = {config.min_tx_us} us"
    yield f"   Desired idle TX interval = {config.idle_tx_us} us"
    yield f"   Detection multiplier = {config.multiplier}"
    yield f"   {'TTL' if config.neighbor.version == 4 else 'hop_limit'} = {config.ttl}"
    yield f"   max_hops = {config.max_hops}"
    yield f"   passive = {true(config.passive)}"
    yield f"   send event to VRRP process = {_yes(config.vrrp)}"
    yield f"   send event to checker process = {_yes(config.checker)}"
    yield f"   local state = {session.state}"
    yield f"   remote state = {variables.remote_state}"
    yield f"   local discriminator = 0x{variables.discriminator:x}"
    yield f"   remote discriminator = 0x{variables.remote_discriminator:x}"
    yield f"   local diag = {variables.diagnostic}"
    yield f"   remote diag = {variables.remote_diagnostic}"
    known = bool(variables.remote_discriminator)
    yield f"   remote min tx intv = {variables.remote_min_tx_us} us"
    yield f"   remote min rx intv = {variables.remote_min_rx_us if known else 0} us"
    yield "   local demand = 0"
    yield f"   remote demand = {variables.remote_demand:d}"
    yield f"   remote detect multiplier = {variables.remote_multiplier}"
    yield f"   {'' if variables.polling else '!'}poll, !final"
    yield f"   local tx intv = {variables.interval_us} us"
    yield f"   remote tx intv = {variables.remote_interval_us if known else 0} us"
    yield f"   local detection time = {variables.detection_us} us"
    yield f"   remote detection time = {variables.remote_detection_us if known else 0} us"
    if variables.last_seen is None:
        yield "   last_seen = [never]"
    else:
        yield f"   last seen = {checker_moment(variables.last_seen + epoch_us)}"
    yield f"   packets sent = {variables.sent}"
    yield f"   packets received = {variables.received}"


def _yes(flag: bool) -> str:
    return "Yes" if flag else "No"
