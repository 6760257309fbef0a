"""What instances have counted, by keepalived's names: the statistics file (SIGUSR2), JSON's ``stats``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from kaltwisted.vrrp.group import Router
from kaltwisted.vrrp.packet import Reason
from kaltwisted.vrrp.statistics import Statistics

COUNTED_AS: Final[Mapping[Reason, str | None]] = {
    Reason.FOREIGN: None,
    Reason.LENGTH: "packet_len_err",
    Reason.AH_MISSING: None,
    Reason.AH_UNEXPECTED: None,
    Reason.TTL: "ip_ttl_err",
    Reason.TTL_RANGE: "ip_ttl_err",
    Reason.VERSION: None,
    Reason.AUTH_UNKNOWN: "invalid_authtype",
    Reason.AUTH_MISMATCH: "authtype_mismatch",
    Reason.PASSWORD: "auth_failure",
    Reason.ICV: "auth_failure",
    Reason.SPI: "auth_failure",
    Reason.SEQUENCE: "auth_failure",
    Reason.INTERVAL: "advert_interval_err",
    Reason.TYPE: "invalid_type_rcvd",
    Reason.IP_LENGTH: "packet_len_err",
    Reason.CHECKSUM: None,
    Reason.ADDRESS_COUNT: "addr_list_err",
    Reason.NOT_MULTICAST: None,
    Reason.NOT_UNICAST: None,
    Reason.UNKNOWN_PEER: "advert_rcvd",
}
"""Under which name keepalived 2.2.7 counts a packet of each kind; None: it logs it and counts nothing.

Seen by sending it each of them, with one exception: it has a counter of
intervals that disagree (RFC 6527's), and its Debian build never moves it; ours
counts them, in version 3 too.
"""

_LAYOUT: Final = (
    "  Advertisements:",
    "    Received: {advert_rcvd}",
    "    Sent: {advert_sent}",
    "  Became master: {become_master}",
    "  Released master: {release_master}",
    "  Packet Errors:",
    "    Length: {packet_len_err}",
    "    TTL: {ip_ttl_err}",
    "    Invalid Type: {invalid_type_rcvd}",
    "    Advertisement Interval: {advert_interval_err}",
    "    Address List: {addr_list_err}",
    "  Authentication Errors:",
    "    Invalid Type: {invalid_authtype}",
    "    Type Mismatch: {authtype_mismatch}",
    "    Failure: {auth_failure}",
    "  Priority Zero:",
    "    Received: {pri_zero_rcvd}",
    "    Sent: {pri_zero_sent}",
)


def counters(statistics: Statistics) -> dict[str, int]:
    """All of keepalived's counters, in the order of its JSON."""
    counted = {
        "advert_rcvd": statistics.adverts_received,
        "advert_sent": statistics.adverts_sent,
        "become_master": statistics.became_master,
        "release_master": statistics.released_master,
        "packet_len_err": 0,
        "advert_interval_err": statistics.interval_mismatches,
        "ip_ttl_err": 0,
        "invalid_type_rcvd": 0,
        "addr_list_err": statistics.address_list_errors,
        "invalid_authtype": 0,
        "authtype_mismatch": 0,
        "auth_failure": 0,
        "pri_zero_rcvd": statistics.priority_zero_received,
        "pri_zero_sent": statistics.priority_zero_sent,
    }
    for reason, packets in statistics.packet_errors.items():
        name = COUNTED_AS[reason]
        if name is not None:
            counted[name] += packets
    return counted


def statistics(router: Router) -> Iterator[str]:
    """The lines of ``keepalived.stats``."""
    for instance in tuple(router.instances.values()):
        yield f"VRRP Instance: {instance.name}"
        counted = counters(instance.statistics)
        for line in _LAYOUT:
            yield line.format_map(counted)
