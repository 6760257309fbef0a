"""What an experienced network engineer would say of a configuration in which each line is right by itself.

For those who write: ``-t`` and ``kaltwisted check`` tell it.  A daemon does
not.  Its log is read by monitoring that knows keepalived's lines, and by people
who ask what it does, not what could be written better; and a reload stays as
fast as it is.

A rule is a function that yields findings, of one kind each.  It says what is
certain, or is worth a look in nearly every case; a configuration that is right
hears nothing.  Of a block with an error no advice is given, for what is wrong
is not in the model as it was meant.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, TypeAlias

import attrs

from kaltwisted.config.advice import commands, hmac, lvs, mail, networks, secrets, tracking, vrrp

if TYPE_CHECKING:
    from ipaddress import IPv4Interface, IPv6Interface

    from kaltwisted.config.findings import Finding
    from kaltwisted.config.model import Configuration
    from kaltwisted.config.written import Written

Networks: TypeAlias = "Mapping[str, tuple[IPv4Interface | IPv6Interface, ...]]"

RULES = (*lvs.RULES, *vrrp.RULES, *hmac.RULES, *tracking.RULES, *mail.RULES, *commands.RULES)


@attrs.frozen
class Machine:
    """The director, where the configuration is looked at on it.

    ``networks``: addresses with their prefixes, by interface.  ``user``: whom we run as.
    """

    networks: Networks
    user: int


def advise(configuration: Configuration, written: Written, machine: Machine | None = None) -> list[Finding]:
    """All advice on one configuration.

    :param machine: None where it is not for this machine.
    """
    found = [finding for rule in RULES for finding in rule(configuration, written)]
    addresses = frozenset[object]()
    if machine is not None:
        addresses = frozenset(each.ip for there in machine.networks.values() for each in there)
        found += networks.foreign_addresses(configuration, written, machine.networks)
        found += secrets.readable_secrets(written, machine.user)
    found += networks.unheld_addresses(configuration, written, addresses)
    return found
