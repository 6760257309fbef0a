"""BFD Control packets: bytes to values and back (RFC 5880 §4.1), intervals in µs.

``decode`` is one ladder of checks (§6.8.6) that ends in a ``Control`` or a
``Reason``; it raises nothing, whatever the bytes are.
"""

from __future__ import annotations

from enum import Enum
from struct import Struct
from typing import Final

import attrs

SIZE: Final = 24
VERSION: Final = 1
SINGLE_HOP_PORT: Final = 3784
"""RFC 5881 §4."""
MULTIHOP_PORT: Final = 4784
"""RFC 5883 §5."""

# version and diagnostic, state and flags, multiplier, length; discriminators; intervals
_LAYOUT = Struct("!BBBBIIIII")
_POLL, _FINAL, _AUTHENTICATION, _DEMAND, _MULTIPOINT = 0x20, 0x10, 0x04, 0x02, 0x01
_VERSION_SHIFT, _STATE_SHIFT = 5, 6
_DIAGNOSTIC_MASK = 0x1F


class State(Enum):
    """Where a session is; the values are the wire's."""

    ADMIN_DOWN = 0
    DOWN = 1
    INIT = 2
    UP = 3

    def __str__(self) -> str:
        """keepalived's word."""
        return _STATE_WORDS[self]


_STATE_WORDS = {
    State.ADMIN_DOWN: "AdminDown",
    State.DOWN: "Down",
    State.INIT: "Init",
    State.UP: "Up",
}
_STATES = tuple(State)


class Diagnostic(Enum):
    """Why a session left its last state; the values are the wire's."""

    NONE = 0
    EXPIRED = 1
    ECHO_FAILED = 2
    NEIGHBOR_DOWN = 3
    FORWARDING_RESET = 4
    PATH_DOWN = 5
    CONCATENATED_PATH_DOWN = 6
    ADMIN_DOWN = 7
    REVERSE_CONCATENATED_PATH_DOWN = 8
    #: 9 to 31, which no RFC gives a meaning to.
    RESERVED = 9

    def __str__(self) -> str:
        """As RFC 5880 and keepalived say it."""
        return _DIAGNOSTIC_WORDS[self]


_DIAGNOSTIC_WORDS = {
    Diagnostic.NONE: "No Diagnostic",
    Diagnostic.EXPIRED: "Control Detection Time Expired",
    Diagnostic.ECHO_FAILED: "Echo Function Failed",
    Diagnostic.NEIGHBOR_DOWN: "Neighbor Signaled Session Down",
    Diagnostic.FORWARDING_RESET: "Forwarding Plane Reset",
    Diagnostic.PATH_DOWN: "Path Down",
    Diagnostic.CONCATENATED_PATH_DOWN: "Concatenated Path Down",
    Diagnostic.ADMIN_DOWN: "Administratively Down",
    Diagnostic.REVERSE_CONCATENATED_PATH_DOWN: "Reverse Concatenated Path Down",
    Diagnostic.RESERVED: "Reserved",
}
_DIAGNOSTICS = tuple(Diagnostic)


class Reason(Enum):
    """Why a packet is discarded, in the words of its log line."""

    SHORT = "it is too small"
    LENGTH = "its length field does not agree with its size"
    VERSION = "its version is not 1"
    AUTHENTICATION = "its auth bit is set, but no authentication is in use"
    MULTIPLIER = "its detection multiplier is zero"
    MULTIPOINT = "its multipoint flag is set"
    POLL_AND_FINAL = "its poll and final flags are both set"
    MY_DISCRIMINATOR = "its 'my discriminator' is zero"
    YOUR_DISCRIMINATOR = "its 'your discriminator' is zero and its state is not Down or AdminDown"
    HOPS = "its TTL or hop limit is too low"
    SESSION = "it belongs to no session"


@attrs.frozen
class Control:
    """One BFD Control packet.  Echo is never offered: its interval is sent as 0 and ignored."""

    state: State
    multiplier: int
    my_discriminator: int
    your_discriminator: int
    desired_min_tx_us: int
    required_min_rx_us: int
    diagnostic: Diagnostic = Diagnostic.NONE
    poll: bool = False
    final: bool = False
    demand: bool = False


def encode(control: Control) -> bytes:
    """The packet's 24 bytes."""
    flags = (_POLL if control.poll else 0) | (_FINAL if control.final else 0)
    flags |= _DEMAND if control.demand else 0
    return _LAYOUT.pack(
        VERSION << _VERSION_SHIFT | control.diagnostic.value,
        control.state.value << _STATE_SHIFT | flags,
        control.multiplier,
        SIZE,
        control.my_discriminator,
        control.your_discriminator,
        control.desired_min_tx_us,
        control.required_min_rx_us,
        0,
    )


def decode(data: bytes | memoryview) -> Control | Reason:
    """What a packet says, or why it must be discarded whatever session it is for (§6.8.6)."""
    if len(data) < SIZE:
        return Reason.SHORT
    first, second, multiplier, length, mine, yours, desired_min_tx, required_min_rx, _ = _LAYOUT.unpack_from(
        data
    )
    if first >> _VERSION_SHIFT != VERSION:
        return Reason.VERSION
    # keepalived discards also what has bytes behind its end; the RFC does not.
    if not SIZE <= length <= len(data):
        return Reason.LENGTH
    if not multiplier:
        return Reason.MULTIPLIER
    if second & _MULTIPOINT:
        return Reason.MULTIPOINT
    if not mine:
        return Reason.MY_DISCRIMINATOR
    state = _STATES[second >> _STATE_SHIFT]
    if not yours and state not in (State.DOWN, State.ADMIN_DOWN):
        return Reason.YOUR_DISCRIMINATOR
    if second & _AUTHENTICATION:
        return Reason.AUTHENTICATION
    if second & _POLL and second & _FINAL:
        return Reason.POLL_AND_FINAL
    return Control(
        state,
        multiplier,
        mine,
        yours,
        desired_min_tx,
        required_min_rx,
        _DIAGNOSTICS[min(first & _DIAGNOSTIC_MASK, Diagnostic.RESERVED.value)],
        bool(second & _POLL),
        bool(second & _FINAL),
        bool(second & _DEMAND),
    )
