"""The ways in which clients reach the site's servers, and keepalived's configuration for them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from textwrap import indent

import attrs

from kaltwisted.config.model import Forwarding

from . import topology
from .topology import Address, Download, Server, Site

NAT, DR, TUN = Forwarding.NAT, Forwarding.DR, Forwarding.TUN
_PORT = dict(zip((NAT, DR, TUN), topology.PORTS, strict=True))

#: As quick as keepalived can be.
TIMING = "connect_timeout 1\nretry 0\ndelay_before_retry 1\n"
TCP_CHECK = f"TCP_CHECK {{\n{TIMING}}}\n"


def real_server(address: Address, port: int, *settings: str, check: str = TCP_CHECK) -> str:
    """A ``real_server`` block."""
    body = "".join(f"{setting}\n" for setting in settings) + check
    return f"real_server {address} {port} {{\n{indent(body, '    ')}}}\n"


def virtual_server(listen: str, kind: Forwarding, *settings: str, servers: Sequence[str]) -> str:
    """A ``virtual_server`` block of wrr that checks every second."""
    body = f"delay_loop 1\nlb_algo wrr\nlb_kind {kind.name}\n"
    if not listen.startswith("fwmark"):
        body += "protocol TCP\n"
    body += "".join(f"{setting}\n" for setting in settings) + "".join(servers)
    return f"virtual_server {listen} {{\n{indent(body, '    ')}}}\n"


@attrs.frozen
class Way:
    """A virtual server of the site: by what method, in which family, by address or by mark.

    ``port``: the virtual server's; by default the servers' own, as only NAT can have another.
    """

    kind: Forwarding
    ipv6: bool = False
    marked: bool = False
    port: int = attrs.field()

    @port.default
    def _same(self) -> int:
        return _PORT[self.kind]

    @property
    def real_port(self) -> int:
        """Where the servers listen."""
        return _PORT[self.kind]

    @property
    def name(self) -> str:
        """As log lines have it."""
        return f"FWM {topology.MARK}" if self.marked else f"[{self.target}]:tcp:{self.port}"

    @property
    def target(self) -> Address:
        """Where clients go."""
        if self.marked:
            return topology.MARKED6 if self.ipv6 else topology.MARKED
        return topology.VIP6 if self.ipv6 else topology.VIP

    @property
    def source(self) -> Address:
        """From which address they must come for the answer to find its way."""
        if self.kind is NAT:
            return topology.THROUGH6 if self.ipv6 else topology.THROUGH
        return topology.DIRECT6 if self.ipv6 else topology.DIRECT

    def address(self, server: Server) -> Address:
        """The server's address."""
        return server.address6 if self.ipv6 else server.address

    def service(self, server: Server) -> str:
        """The server as log lines have it."""
        if self.marked:
            return f"[{self.address(server)}]:none:{self.real_port if self.kind is NAT else 0}"
        return f"[{self.address(server)}]:tcp:{self.real_port}"

    def configured(
        self, servers: Sequence[Server], *settings: str, weights: Sequence[int] = (), check: str = TCP_CHECK
    ) -> str:
        """The ``virtual_server`` block with these real servers."""
        blocks = [
            real_server(self.address(server), self.real_port, f"weight {weight}", check=check)
            for server, weight in zip(servers, weights or [1] * len(servers), strict=True)
        ]
        listen = f"fwmark {topology.MARK}" if self.marked else f"{self.target} {self.port}"
        return virtual_server(listen, self.kind, *settings, servers=blocks)

    def shares(self, site: Site, requests: int) -> Counter[str]:
        """Who answered how many of so many clients, one after the other."""
        return Counter(site.client.get(self.target, self.source, self.port) for _ in range(requests))

    def download(self, site: Site) -> Download:
        """An answer that never ends."""
        return site.client.download(self.target, self.source, self.port)


BY_ADDRESS = [Way(kind) for kind in (NAT, DR, TUN)]
BY_ADDRESS6 = [Way(kind, ipv6=True) for kind in (NAT, DR, TUN)]
BY_MARK = [Way(NAT, marked=True), Way(DR, marked=True, ipv6=True)]
