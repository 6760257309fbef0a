"""hypothesis strategies of LVS tables."""

from __future__ import annotations

from hypothesis import strategies as st

from kaltwisted.config.model import Forwarding, ForwardingMethod, Protocol, TunnelType
from kaltwisted.lvs.table import Destination, DestinationKey, Service, ServiceKey

PORTS = st.integers(0, 65_535)
COUNTS = st.integers(0, 2**31 - 1)
FORWARDINGS = st.one_of(
    st.sampled_from([ForwardingMethod(Forwarding.NAT), ForwardingMethod(Forwarding.DR)]),
    st.builds(ForwardingMethod, st.just(Forwarding.TUN), st.sampled_from([TunnelType.IPIP, TunnelType.GRE])),
    st.builds(ForwardingMethod, st.just(Forwarding.TUN), st.just(TunnelType.GUE), PORTS),
)
DESTINATIONS = st.builds(
    Destination, st.builds(DestinationKey, st.ip_addresses(), PORTS), COUNTS, FORWARDINGS, COUNTS, COUNTS
)


@st.composite
def keys(draw: st.DrawFn) -> ServiceKey:
    """Keys of services, by address and by mark."""
    if draw(st.booleans()):
        return ServiceKey(draw(st.booleans()), fwmark=draw(st.integers(1, 2**32 - 1)))
    address = draw(st.ip_addresses())
    return ServiceKey(address.version == 6, draw(st.sampled_from(Protocol)), address, draw(PORTS))


@st.composite
def services(draw: st.DrawFn) -> Service:
    """Services as the kernel would report them."""
    key = draw(keys())
    scheduler = draw(st.sampled_from(["rr", "wrr", "sh", "mh", "something-new"]))
    words = {"sh": ["sh-port", "sh-fallback"], "mh": ["mh-port", "mh-fallback"]}.get(scheduler, ["flag-1"])
    return Service(
        key,
        scheduler,
        persistence_timeout_s=draw(st.integers(0, 86_400)),
        granularity=draw(st.none() | st.integers(1, 127 if key.ipv6 else 31)),
        persistence_engine=draw(st.sampled_from([None, "sip"])),
        ops=draw(st.booleans()),
        scheduler_flags=draw(st.frozensets(st.sampled_from([*words, "flag-3"]))),
        destinations={each.key: each for each in draw(st.lists(DESTINATIONS, max_size=4))},
    )


def tables(of: st.SearchStrategy[Service] | None = None) -> st.SearchStrategy[dict[ServiceKey, Service]]:
    """Tables of a few services."""
    return st.lists(of or services(), max_size=4).map(lambda found: {each.key: each for each in found})
