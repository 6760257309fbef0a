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
    Reason.HMAC_UNEXPECTED: "packet_len_err",
    Reason.HMAC_MISSING: "auth_ext_missing",
    Reason.HMAC_MALFORMED: "auth_ext_malformed",
    Reason.HMAC_UNKNOWN_KEY: "auth_ext_unknown_key",
    Reason.HMAC_INVALID: "auth_ext_invalid_hmac",
    Reason.HMAC_STALE: "auth_ext_stale",
    Reason.HMAC_REPLAY: "auth_ext_replay",
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
counts them, in version 3 too.  What begins with ``auth_ext`` is of keepalived 2.4.
"""

_EXTENSIONS: Final = {
    "auth_ext_missing": "Missing",
    "auth_ext_malformed": "Malformed",
    "auth_ext_unknown_key": "Unknown Key",
    "auth_ext_invalid_hmac": "Invalid HMAC",
    "auth_ext_stale": "Stale",
    "auth_ext_replay": "Replay",
}
_EXTENSION_LINES: Final = (
    "  Authentication Extension Errors:",
    *(f"    {title}: {{{name}}}" for name, title in _EXTENSIONS.items()),
)
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
    *_EXTENSION_LINES,
    "  Priority Zero:",
    "    Received: {pri_zero_rcvd}",
    "    Sent: {pri_zero_sent}",
)


def counters(statistics: Statistics, *, extended: bool = False) -> dict[str, int]:
    """All of keepalived's counters, in the order of its JSON; ``extended``: those of ``auth_hmac`` too."""
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
        **(dict.fromkeys(_EXTENSIONS, 0) if extended else {}),
        "pri_zero_rcvd": statistics.priority_zero_received,
        "pri_zero_sent": statistics.priority_zero_sent,
    }
    for reason, packets in statistics.packet_errors.items():
        name = COUNTED_AS[reason]
        if name in counted:
            counted[name] += packets
    if extended:
        counted["auth_ext_missing"] += statistics.unsigned
    return counted


def statistics(router: Router) -> Iterator[str]:
    """The lines of ``keepalived.stats``."""
    for instance in tuple(router.instances.values()):
        yield f"VRRP Instance: {instance.name}"
        extended = instance.config.auth_hmac is not None
        counted = counters(instance.statistics, extended=extended)
        for line in _LAYOUT:
            if extended or line not in _EXTENSION_LINES:
                yield line.format_map(counted)
