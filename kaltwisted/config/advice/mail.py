"""Advice on alert mails: they take a server, somebody who gets them, and something to tell."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from kaltwisted.config.advice.kinds import UNSENT_MAIL

if TYPE_CHECKING:
    from kaltwisted.config.findings import Finding
    from kaltwisted.config.model import Configuration
    from kaltwisted.config.written import Written


def unsent_mail(configuration: Configuration, written: Written) -> Iterator[Finding]:
    """One of the three is missing: ``smtp_server``, ``notification_email``, ``smtp_alert``."""
    defs = configuration.global_defs
    if defs.notification_email and defs.smtp_server is None:
        missing, keyword, expected = "there is no smtp_server", "notification_email", "smtp_server HOST"
    elif defs.notification_email and not _tells(configuration):
        missing, keyword = "nothing has smtp_alert", "notification_email"
        expected = "smtp_alert in global_defs, or in a vrrp_instance"
    elif defs.smtp_server is not None and not defs.notification_email:
        missing, keyword, expected = "nobody is named", "smtp_server", "notification_email { … }"
    else:
        return
    if written.is_sound(defs.where):
        spot = written.spot(defs.where, keyword)
        yield written.advise(UNSENT_MAIL, spot, f"{missing}: nobody gets mail", expected=expected)


def _tells(configuration: Configuration) -> bool:
    """Whether anything sends mail; real servers do unless told not to."""
    defs = configuration.global_defs
    servers = any(server.smtp_alert for each in configuration.virtual_servers for server in each.real_servers)
    return (
        (servers and not defs.no_checker_emails)
        or any(each.smtp_alert for each in configuration.virtual_servers)
        or any(each.smtp_alert for each in configuration.vrrp_instances)
        or any(each.smtp_alert for each in configuration.vrrp_sync_groups)
    )


RULES = (unsent_mail,)
