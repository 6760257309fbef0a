"""The seams by which virtual routers reach the host's network, in one value."""

from __future__ import annotations

import attrs

from kaltwisted.ports import (
    IAddresses,
    IAnnouncer,
    IFirewall,
    ILinkbeat,
    ILinks,
    IProcesses,
    IRouting,
    IVirtualLinks,
    IWatchedFiles,
    IWire,
)


@attrs.frozen
class Network:
    """What VRRP asks of the host's network."""

    links: ILinks
    addresses: IAddresses
    wire: IWire
    announcer: IAnnouncer
    routing: IRouting
    virtual_links: IVirtualLinks
    firewall: IFirewall | None = None
    processes: IProcesses | None = None
    files: IWatchedFiles | None = None
    linkbeat: ILinkbeat | None = None
