"""``vrrp_strict`` and ``strict_mode``: what does not go with the RFC is told, and set right.

Words and corrections are those of keepalived 2.2.7 (tried with ``-t``).
"""

from __future__ import annotations

from ipaddress import IPv6Address
from typing import TYPE_CHECKING, Any

import attrs

from kaltwisted.config.findings import Severity
from kaltwisted.config.model import HmacMode
from kaltwisted.config.model_vrrp import OWNER_PRIORITY, VrrpInstance

if TYPE_CHECKING:
    from kaltwisted.config.drafts import VrrpDraft
    from kaltwisted.config.reader import Reader


def strictly(reader: Reader, instance: VrrpInstance, draft: VrrpDraft) -> VrrpInstance:
    """The instance as the RFC allows it; only what its own block said (``draft``) is told of."""

    def tell(message: str, log: str, severity: Severity = Severity.ERROR) -> None:
        if instance.where is not None:
            reader.findings.append(
                reader.source.finding(
                    severity,
                    instance.where,
                    f"`{instance.name}` is strict: {message}",
                    expected="strict_mode off, to have it as configured",
                    log=f"({instance.name}) {log}",
                )
            )

    changed: dict[str, Any] = {}
    ipv6 = instance.ip_version == 6
    version = instance.version
    if ipv6 and version == 2:
        tell("IPv6 needs version 3", "cannot use IPv6 with VRRP version 2; setting version 3")
        version = changed["version"] = 3
    owner = instance.priority == OWNER_PRIORITY
    if owner != (instance.state == "MASTER"):
        if draft.state is not None:
            tell(
                "state MASTER and priority 255 go together, and the priority counts",
                "State MASTER must match being address owner",
            )
        changed["state"] = "MASTER" if owner else "BACKUP"
    if instance.authentication is not None:
        log = "Strict mode does not support authentication. Ignoring."
        tell("the RFC has no authentication, it is left out", log)
        changed["authentication"] = None
    auth_hmac = instance.auth_hmac
    if auth_hmac is not None and auth_hmac.mode is not HmacMode.ENFORCE:
        log = f"Strict mode requires auth_hmac mode enforce, not {auth_hmac.mode.value}. Resetting."
        tell("its auth_hmac is in mode enforce", log)
        changed["auth_hmac"] = attrs.evolve(auth_hmac, mode=HmacMode.ENFORCE)
    if instance.preempt_delay_us:
        tell("preempt_delay is left out", "preempt_delay is incompatible with strict mode - resetting")
        changed["preempt_delay_us"] = 0
    if instance.down_timer_adverts != 3:
        if draft.down_timer_adverts is not None:
            log = "down_timer_adverts is incompatible with strict mode - resetting"
            tell("down_timer_adverts is 3", log)
        changed["down_timer_adverts"] = 3
    if draft.garp_lower_prio_repeat:
        tell("garp_lower_prio_repeat is 0", "Strict mode requires no repeat garps. resetting")
    if draft.garp_lower_prio_delay_us:
        tell("garp_lower_prio_delay is 0", "Strict mode requires no repeat garp delay. resetting")
    if draft.lower_prio_no_advert is False:
        log = "Strict mode requires no lower priority advert. resetting"
        tell("a lower priority is not answered", log)
    if draft.higher_prio_send_advert:
        log = "strict mode requires higher_prio_send_advert to be clear. resetting"
        tell("a higher priority is not answered", log)
    if owner:
        if draft.owner_ignore_adverts is False:
            log = "Strict mode requires owner_ignore_adverts to be set. resetting"
            tell("as master it takes no notice of adverts", log, Severity.WARNING)
        changed["owner_ignore_adverts"] = True
    changed |= {
        "garp_lower_prio_repeat": 0,
        "garp_lower_prio_delay_us": 0,
        "lower_prio_no_advert": True,
        "higher_prio_send_advert": False,
    }
    if draft.accept and version == 2 and not owner:
        tell(
            "in version 2 only the owner takes packets to the addresses; accept is left out",
            "warning - accept mode for VRRP version 2 does not comply with RFC3768 - resetting",
        )
    changed["accept"] = owner or bool(draft.accept and version == 3)
    first = instance.virtual_ipaddress[0].address if instance.virtual_ipaddress else None
    if isinstance(first, IPv6Address) and not first.is_link_local:
        tell(
            f"the first address of an IPv6 virtual router is a link-local one, {first} is not",
            "the first IPv6 VIP address must be link local",
        )
    if instance.unicast_peer:
        log = "Unicast peers are not supported in strict mode"
        tell("the RFC has no unicast; newer versions of keepalived refuse it", log, Severity.WARNING)
    return attrs.evolve(instance, **changed)
