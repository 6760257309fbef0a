"""What the kernel keeps of messages that wait to be read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from kaltwisted.config.findings import Severity
from kaltwisted.config.keywords.convert import UINT_MAX, Number, boolean, whole_number
from kaltwisted.config.keywords.table import KEEP, Again, Keep, Keyword, Problem, Problems
from kaltwisted.config.model_vrrp import RxBufsPolicy

_POLICY: Final = "MTU, ADVERT, or a number of bytes"
SIZE: Final = Number(strict=True, fatal=False)


def _policy(words: list[str], problems: Problems) -> RxBufsPolicy | int | Keep:
    """One of them; what stands beside it is told of."""
    if len(words) < 2:
        log = f"{words[0]} missing"
        problems.append(Problem(f"`{words[0]}` lacks its parameter", 0, _POLICY, log=log))
        return KEEP
    named = [word.upper() for word in words[1:] if word.upper() in RxBufsPolicy.__members__]
    size = whole_number(words[1], 0, UINT_MAX)
    if words[1].upper() not in RxBufsPolicy.__members__:
        if isinstance(size, str):
            log = f"Invalid {words[0]} {words[-1]}"
            problems.append(Problem(f"`{words[1]}` {size}", 1, _POLICY, log=log))
            return KEEP
        if named:
            log = f"Cannot set {words[0]} size and policy, ignoring policy"
            problems.append(Problem("the number of bytes counts alone", 2, _POLICY, log=log))
        elif len(words) > 2:
            problems.append(Problem(f"`{words[2]}` is not read", 2, _POLICY, severity=Severity.WARNING))
        return size
    if len(named) < len(words) - 1:
        log = f"Invalid {words[0]} {words[-1]}"
        problems.append(Problem("not all of that is known here", 2, _POLICY, log=log))
    elif len(set(named)) > 1:
        log = f"Cannot set both {words[0]} MTU and ADVERT, ignoring ADVERT"
        problems.append(Problem("of both MTU counts", 2, _POLICY, log=log))
    return RxBufsPolicy.MTU if "MTU" in named else RxBufsPolicy.ADVERT


def _netlink(prefix: str, whose: str) -> Iterator[tuple[str, Keyword]]:
    size = f"{prefix}_rcv_bufs"
    yield size, Keyword(f"receive buffer in bytes of {whose}", size, SIZE)
    force = f"{size}_force"
    yield force, Keyword(f"{size} may be above net.core.rmem_max", force, boolean)


NETLINK_BUFS: Final = dict(
    (
        *_netlink("vrrp_netlink_cmd", "VRRP's netlink sockets that ask"),
        *_netlink("vrrp_netlink_monitor", "VRRP's netlink sockets that hear of changes"),
        *_netlink("process_monitor", "the netlink socket that hears of processes"),
    )
)

RX_BUFS: Final = {
    "vrrp_rx_bufs_policy": Keyword(
        "room for adverts that wait to be read, for each instance of a socket",
        "vrrp_rx_bufs_policy",
        _policy,
        words=None,
        again=Again.APPENDS,
        takes=_POLICY,
    ),
    "vrrp_rx_bufs_multiplier": Keyword(
        "how many MTUs or adverts that is",
        "vrrp_rx_bufs_multiplier",
        Number(1, strict=True, fatal=False),
        exact=True,
    ),
}
