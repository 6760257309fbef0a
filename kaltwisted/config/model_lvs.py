"""``virtual_server`` and ``real_server`` as frozen values."""

from __future__ import annotations

from enum import Enum
from typing import TypeAlias

import attrs

from kaltwisted.config.model_checks import Check
from kaltwisted.config.model_values import SECOND_US, Address, Position, Script, place


class Protocol(Enum):
    """``protocol``; the values are the IP protocol numbers."""

    TCP = 6
    UDP = 17
    SCTP = 132
    #: A firewall mark's: whatever was marked.
    NONE = 0

    def __str__(self) -> str:
        return self.name.lower()


class Forwarding(Enum):
    """``lb_kind``: how IPVS forwards a packet to a real server."""

    NAT = "NAT"
    DR = "DR"
    TUN = "TUN"


class TunnelType(Enum):
    """``lb_kind TUN type``."""

    IPIP = "ipip"
    GUE = "gue"
    GRE = "gre"


@attrs.frozen
class ForwardingMethod:
    """``lb_kind`` whole: the method and, for TUN, its encapsulation."""

    method: Forwarding = Forwarding.NAT
    tunnel_type: TunnelType = TunnelType.IPIP
    tunnel_port: int = 0

    def __str__(self) -> str:
        return self.method.value


@attrs.frozen
class VirtualAddress:
    """``virtual_server IP PORT``: address and port clients connect to."""

    address: Address
    port: int

    @property
    def ipv6(self) -> bool:
        """The family."""
        return self.address.version == 6

    def format(self, protocol: Protocol) -> str:
        """As keepalived writes it: ``[192.168.200.15]:tcp:80``."""
        return f"[{self.address}]:{protocol}:{self.port}"


@attrs.frozen
class FirewallMark:
    """``virtual_server fwmark N``: packets marked by the firewall."""

    mark: int
    ipv6: bool = False

    def __str__(self) -> str:
        return f"fwmark {self.mark}{' inet6' if self.ipv6 else ''}"

    def format(self, protocol: Protocol) -> str:
        """As keepalived writes it: ``FWM 7``."""
        return f"FWM {self.mark}"


@attrs.frozen
class AddressRange:
    """A line of ``virtual_server_group``: addresses from ``first`` to ``last``; port 0: all ports."""

    first: Address
    last: Address
    port: int = 0

    def __str__(self) -> str:
        end = "" if self.first == self.last else f"-{self.last}"
        return f"{self.first}{end} {self.port}"

    @property
    def ipv6(self) -> bool:
        """The family."""
        return self.first.version == 6

    @property
    def size(self) -> int:
        """How many addresses it has."""
        return int(self.last) - int(self.first) + 1


@attrs.frozen
class ServerGroup:
    """``virtual_server group NAME``: all that is in a ``virtual_server_group``.

    ``entries`` are of one family.  ``number``: which of the virtual servers of this group it is, from 0 on.
    """

    name: str
    entries: tuple[AddressRange | FirewallMark, ...] = ()
    number: int = 0

    @property
    def ipv6(self) -> bool:
        """The family."""
        return any(entry.ipv6 for entry in self.entries)

    def format(self, protocol: Protocol) -> str:
        """As keepalived writes it: ``[web]:0``; the group's second virtual server is ``[web]:1``."""
        return f"[{self.name}]:{self.number}"


Listen: TypeAlias = VirtualAddress | FirewallMark | ServerGroup


@attrs.frozen
class VirtualServerGroup:
    """``virtual_server_group``: addresses and marks that are served as one."""

    name: str
    entries: tuple[AddressRange | FirewallMark, ...]
    where: Position | None = place()


@attrs.frozen
class RealServer:
    """``real_server``, with what it inherits from its virtual server filled in.

    ``checks`` are what tells whether it is alive.
    """

    address: Address
    port: int
    weight: int = 1
    forwarding: ForwardingMethod = ForwardingMethod()
    inhibit_on_failure: bool = False
    alpha: bool = False
    uthreshold: int = 0
    lthreshold: int = 0
    smtp_alert: bool = True
    notify_up: Script | None = None
    notify_down: Script | None = None
    virtualhost: str | None = None
    checks: tuple[Check, ...] = ()
    where: Position | None = place()

    def format(self, protocol: Protocol) -> str:
        """As keepalived writes it: ``[192.168.100.2]:tcp:80``."""
        return f"[{self.address}]:{protocol}:{self.port}"


@attrs.frozen
class SorryServer:
    """``sorry_server``: in the pool while quorum is lost (with ``inhibit``, weight 0 otherwise)."""

    address: Address
    port: int
    forwarding: ForwardingMethod = ForwardingMethod()
    inhibit: bool = False

    def format(self, protocol: Protocol) -> str:
        """As keepalived writes it."""
        return f"[{self.address}]:{protocol}:{self.port}"


@attrs.frozen
class VirtualServer:
    """``virtual_server``: one load-balanced service and its pool.

    ``persistence_timeout_s`` 0: no persistence.  ``persistence_granularity``
    is a prefix length (32 and 128: each client by itself).
    ``scheduler_flags`` are the kernel's sched-1..3 bits (sh-port, mh-fallback...).
    """

    listen: Listen
    protocol: Protocol = Protocol.TCP
    delay_loop_us: int = 60 * SECOND_US
    lb_algo: str = "wlc"
    scheduler_flags: frozenset[str] = frozenset()
    forwarding: ForwardingMethod = ForwardingMethod()
    persistence_timeout_s: int = 0
    persistence_granularity: int | None = None
    persistence_engine: str | None = None
    ops: bool = False
    virtualhost: str | None = None
    alpha: bool = False
    omega: bool = False
    ha_suspend: bool = False
    quorum: int = 1
    hysteresis: int = 0
    quorum_up: Script | None = None
    quorum_down: Script | None = None
    smtp_alert: bool = False
    sorry_server: SorryServer | None = None
    real_servers: tuple[RealServer, ...] = ()
    where: Position | None = place()

    def __str__(self) -> str:
        return self.listen.format(self.protocol)

    @property
    def fact_name(self) -> str:
        """What roles call it among themselves: as logs do, and with a mark's family, a group's protocol."""
        if isinstance(self.listen, ServerGroup):
            return f"[{self.listen.name}]:{self.protocol}:0"
        six = isinstance(self.listen, FirewallMark) and self.listen.ipv6
        return f"{self} inet6" if six else str(self)
