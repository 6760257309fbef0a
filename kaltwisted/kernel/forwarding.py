"""Whether this host forwards IPv6 packets, as its neighbour advertisements tell (RFC 4861 §4.4: R flag)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

#: How long an answer is believed, in seconds: a burst of announcements asks once.
_BELIEVED_S = 5.0
_CONF = Path("/proc/sys/net/ipv6/conf")


class Ipv6Forwarding:
    """``forwarding`` of each interface; ``seconds``: the monotonic clock."""

    def __init__(self, seconds: Callable[[], float], conf: Path = _CONF) -> None:
        self._seconds = seconds
        self._conf = conf
        self._known: dict[str, tuple[float, bool]] = {}

    def __call__(self, interface: str) -> bool:
        """Whether packets that come in there are forwarded; False where that cannot be known."""
        now = self._seconds()
        asked_at, forwards = self._known.get(interface, (-_BELIEVED_S, False))
        if now - asked_at >= _BELIEVED_S:
            try:
                forwards = (self._conf / interface / "forwarding").read_text().strip() not in ("", "0")
            except (OSError, ValueError):
                forwards = False
            self._known[interface] = (now, forwards)
        return forwards
