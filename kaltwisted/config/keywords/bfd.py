"""``bfd_instance``."""

from __future__ import annotations

from typing import Final

from kaltwisted.config.findings import Severity
from kaltwisted.config.keywords.convert import IpAddress, Number, Seconds, flag
from kaltwisted.config.keywords.table import Converter, Keep, Keyword, Problem, Problems, Table
from kaltwisted.config.keywords.track import MOST_WEIGHT, Weight

LONGEST_NAME: Final = 31
_MILLISECOND_US = 1000
_LONGEST_US = 4_294_967 * _MILLISECOND_US
_SENSIBLE_US = 10_000 * _MILLISECOND_US


def _interval(lowest_us: int) -> Converter:
    """Milliseconds; more than ten seconds are done, and worth a word."""
    milliseconds = Seconds(lowest_us, _LONGEST_US, unit_us=_MILLISECOND_US)

    def interval(words: list[str], problems: Problems) -> int | Keep:
        value = milliseconds(words, problems)
        if isinstance(value, int) and value > _SENSIBLE_US and not problems:
            message = f"{words[1]} milliseconds are very long for BFD"
            expected = f"up to {_SENSIBLE_US // _MILLISECOND_US} milliseconds"
            problems.append(Problem(message, expected=expected, severity=Severity.WARNING))
        return value

    return interval


_TTL = Number(1, 255)

BFD_INSTANCE: Final = Table(
    "bfd_instance",
    {
        "neighbor_ip": Keyword("address of the neighbour", "neighbor", IpAddress()),
        "neighbour_ip": Keyword("the same, in British spelling", "neighbor", IpAddress()),
        "source_ip": Keyword("address to send from", "source", IpAddress()),
        "min_rx": Keyword("shortest interval to receive at, ms", "min_rx_us", _interval(1000)),
        "min_tx": Keyword("shortest interval to send at, ms", "min_tx_us", _interval(1000)),
        "idle_tx": Keyword("interval while the session is not up, ms", "idle_tx_us", _interval(1_000_000)),
        "multiplier": Keyword("packets missed before it is down", "multiplier", Number(1, 255)),
        "passive": Keyword("send nothing until the neighbour is heard", "passive", flag, words=1),
        "ttl": Keyword("TTL of what is sent", "ttl", _TTL),
        "hoplimit": Keyword("the same, as IPv6 calls it", "ttl", _TTL),
        "max_hops": Keyword("hops that packets may have come, -1: any number", "max_hops", Number(-1, 255)),
        "multihop": Keyword("the neighbour is behind routers: UDP port 4784", "multihop", flag, words=1),
        "weight": Keyword("change of priority of who tracks it", "weight", Weight(MOST_WEIGHT), words=3),
        "vrrp": Keyword("virtual routers may track it", "vrrp", flag, words=1),
        "checker": Keyword("health checks may follow it", "checker", flag, words=1),
    },
    header=("name",),
)
