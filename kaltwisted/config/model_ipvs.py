"""Settings of the kernel's IPVS as a whole, of ``global_defs``."""

from __future__ import annotations

from enum import Enum

import attrs

from kaltwisted.config.model_values import Address


@attrs.frozen
class LvsSyncDaemon:
    """``lvs_sync_daemon``: the kernel's connection synchronisation, master or backup as an instance is.

    ``instance`` None: it follows nobody, and is both.  ``sync_id`` None: the VRID of
    the instance, else 0; filled in when all is read.  What is None beside these is the
    kernel's to choose: ``maxlen`` bytes of a packet, UDP ``port``, ``ttl``, multicast ``group``.
    """

    interface: str
    instance: str | None = None
    sync_id: int | None = None
    maxlen: int | None = None
    port: int | None = None
    ttl: int | None = None
    group: Address | None = None

    def __str__(self) -> str:
        options = {
            "id": self.sync_id,
            **{name: getattr(self, name) for name in ("maxlen", "port", "ttl", "group")},
        }
        said = [f"{name} {value}" for name, value in options.items() if value is not None]
        return " ".join([self.interface, *([self.instance] if self.instance else []), *said])


@attrs.frozen
class LvsTimeouts:
    """``lvs_timeouts``: how long IPVS keeps a connection, in seconds; 0: as it was before our start."""

    tcp: int = 0
    tcpfin: int = 0
    udp: int = 0

    def __str__(self) -> str:
        return " ".join(f"{name} {value}" for name, value in attrs.asdict(self).items() if value) or "none"


class FlushOnStop(Enum):
    """``lvs_flush_on_stop``: what goes from the kernel's table at the stop.

    keepalived's ``VS``, virtual servers with all that is in them at once, is how we always leave.
    """

    OURS = "VS"
    ALL = "all"

    def __str__(self) -> str:
        return self.value
