"""``virtual_server`` and ``real_server`` blocks to the model; inheritance is settled here."""

from __future__ import annotations

from ipaddress import IPv6Address
from typing import TYPE_CHECKING

from kaltwisted.config import bind_checks
from kaltwisted.config.bind_checks import Inherited, Timings
from kaltwisted.config.drafts import RealServerDraft, VirtualServerDraft
from kaltwisted.config.findings import Consequence, Severity
from kaltwisted.config.keywords.convert import UINT_MAX, endpoint, missing_parameter, whole_number
from kaltwisted.config.keywords.table import Keep, Problems
from kaltwisted.config.keywords.virtual_server import PERSISTENCE_DEFAULT_S, REAL_SERVER, VIRTUAL_SERVER
from kaltwisted.config.model import (
    SECOND_US,
    Check,
    FirewallMark,
    ForwardingMethod,
    GlobalDefs,
    Listen,
    Protocol,
    RealServer,
    ServerGroup,
    SorryServer,
    VirtualAddress,
    VirtualServer,
)
from kaltwisted.config.reader import says

if TYPE_CHECKING:
    from kaltwisted.config.reader import Reader
    from kaltwisted.config.statement import Statement

DEFAULT_DELAY_LOOP_US = 60 * SECOND_US
DEFAULT_SCHEDULER = "wlc"
# Draft fields to keepalived's words for the scheduler's flags.
_FLAGS = {
    "flag_1": "flag-1",
    "flag_2": "flag-2",
    "flag_3": "flag-3",
    "sh_fallback": "sh-fallback",
    "sh_port": "sh-port",
    "mh_fallback": "mh-fallback",
    "mh_port": "mh-port",
}


def virtual_server(
    reader: Reader, statement: Statement, defaults: GlobalDefs, timings: Timings
) -> VirtualServer | None:
    """One ``virtual_server`` with its pool; None when its first line tells no service."""
    listen = _listen(reader, statement)
    if listen is None:
        return None
    draft = reader.read(statement.block or [], VIRTUAL_SERVER, VirtualServerDraft())
    if not draft.blocks:
        if says(statement, REAL_SERVER.name):
            return None
        name = listen.format(draft.protocol or Protocol.UDP)
        reader.error(
            statement,
            "this virtual_server has no real servers and is left out",
            expected="real_server IP PORT { … }",
            log=f"Virtual server {name} has no real servers - ignoring",
        )
        return None
    if isinstance(listen, FirewallMark) and draft.ip_family == 6:
        listen = FirewallMark(listen.mark, ipv6=True)
    # Whether a group has anything but marks is known later (verify_group).
    if draft.protocol is None and not isinstance(listen, FirewallMark | ServerGroup):
        _missing(reader, statement, "protocol", "protocol TCP (or UDP, SCTP)", "UDP is taken")
    if draft.lb_algo is None:
        _missing(reader, statement, "lb_algo lvs_sched", "lb_algo rr (or another scheduler)", "wlc is taken")
    if draft.forwarding is None:
        _missing(reader, statement, "lb_kind lvs_method", "lb_kind NAT (or DR, TUN)", "NAT is taken")
    forwarding = draft.forwarding or ForwardingMethod()
    delay_loop_us = draft.delay_loop_us or DEFAULT_DELAY_LOOP_US
    persistence = draft.persistence_timeout_s or 0
    if not persistence and draft.persistence_granularity is not None:
        persistence = PERSISTENCE_DEFAULT_S
    sorry = None
    if draft.sorry_server_inhibit and draft.sorry_server is None:
        reader.error(
            statement,
            "sorry_server_inhibit without a sorry_server does nothing",
            log="Ignoring sorry_server inhibit used before or without sorry_server",
        )
    if draft.sorry_server is not None:
        address, port = draft.sorry_server
        sorry = SorryServer(
            address,
            _port_of(listen) if port is None else port,
            draft.sorry_server_forwarding or forwarding,
            draft.sorry_server_inhibit,
        )
    servers = [
        server
        for _, inner in draft.blocks
        if (server := _real_server(reader, inner, draft, listen, forwarding, defaults, timings)) is not None
    ]
    if isinstance(listen, FirewallMark) and draft.ip_family is None and servers:
        listen = FirewallMark(listen.mark, ipv6=isinstance(servers[0].address, IPv6Address))
    return VirtualServer(
        listen=listen,
        protocol=_protocol(listen, draft),
        delay_loop_us=delay_loop_us,
        lb_algo=draft.lb_algo or DEFAULT_SCHEDULER,
        scheduler_flags=frozenset(name for field, name in _FLAGS.items() if getattr(draft, field)),
        forwarding=forwarding,
        persistence_timeout_s=persistence,
        persistence_granularity=draft.persistence_granularity,
        persistence_engine=draft.persistence_engine,
        ops=draft.ops,
        virtualhost=draft.virtualhost,
        alpha=bool(draft.alpha),
        omega=draft.omega,
        ha_suspend=draft.ha_suspend,
        quorum=draft.quorum or 1,
        hysteresis=draft.hysteresis or 0,
        quorum_up=draft.quorum_up,
        quorum_down=draft.quorum_down,
        smtp_alert=_first(draft.smtp_alert, defaults.smtp_alert_checker, defaults.smtp_alert, False),
        sorry_server=sorry,
        real_servers=tuple(servers),
        where=reader.source.where(statement),
    )


def _listen(reader: Reader, statement: Statement) -> Listen | None:
    words = statement.words
    problems: Problems = []
    if len(words) > 1 and words[1] == "fwmark":
        mark = whole_number(words[2], 1, UINT_MAX) if len(words) > 2 else None
        if isinstance(mark, int):
            reader.most_words(statement, 3)
            return FirewallMark(mark)
        if mark is None:
            endpoint(words[:1], problems)
            reader.problems(statement, problems)
        else:
            reader.error(
                statement,
                f"firewall mark `{words[2]}` {mark}; the service is left out",
                word=2,
                expected="a mark from 1 on",
            )
        return None
    if len(words) > 1 and words[1] == "group":
        if len(words) < 3:
            reader.report(
                Severity.ERROR,
                statement,
                "`group` lacks its name",
                word=1,
                expected="the name of a virtual_server_group",
                consequence=Consequence.MISSING_PARAMETER,
                log=missing_parameter("group"),
            )
            return None
        reader.most_words(statement, 3)
        return ServerGroup(words[2])
    found = endpoint(words, problems)
    if isinstance(found, Keep):
        reader.problems(statement, problems)
        return None
    reader.most_words(statement, 3)
    return VirtualAddress(found[0], found[1] or 0)


def _protocol(listen: Listen, draft: VirtualServerDraft) -> Protocol:
    if isinstance(listen, FirewallMark):
        return Protocol.NONE
    return draft.protocol or (Protocol.NONE if isinstance(listen, ServerGroup) else Protocol.UDP)


def _port_of(listen: Listen) -> int:
    return listen.port if isinstance(listen, VirtualAddress) else 0


def _missing(reader: Reader, statement: Statement, keywords: str, expected: str, instead: str) -> None:
    """A keyword that every service should have; one that is there but wrong has its finding already."""
    names = keywords.split()
    if not says(statement, *names):
        log = "no scheduler set, setting default 'wlc'" if names[0] == "lb_algo" else None
        reader.error(
            statement, f"this virtual_server has no {names[0]}: {instead}", expected=expected, log=log
        )


def _first(*answers: bool | None) -> bool:
    """The first that is not None."""
    return next(answer for answer in answers if answer is not None)


def _real_server(
    reader: Reader,
    statement: Statement,
    service: VirtualServerDraft,
    listen: Listen,
    forwarding: ForwardingMethod,
    defaults: GlobalDefs,
    timings: Timings,
) -> RealServer | None:
    problems: Problems = []
    found = endpoint(statement.words, problems)
    if isinstance(found, Keep):
        reader.problems(statement, problems)
        return None
    reader.most_words(statement, 3)
    address, port = found
    if port is None:
        port = _port_of(listen)
    draft = reader.read(statement.block or [], REAL_SERVER, RealServerDraft())
    service_delay_loop_us = service.delay_loop_us or DEFAULT_DELAY_LOOP_US
    alpha = bool(service.alpha) if draft.alpha is None else draft.alpha
    virtualhost = draft.virtualhost or service.virtualhost
    checks: list[Check] = []
    if draft.blocks:
        inherited = Inherited(
            address,
            port,
            draft.delay_loop_us or service_delay_loop_us,
            service_delay_loop_us,
            service.retry if draft.retry is None else draft.retry,
            service.delay_before_retry_us
            if draft.delay_before_retry_us is None
            else draft.delay_before_retry_us,
            service.warmup_us if draft.warmup_us is None else draft.warmup_us,
            draft.connect_timeout_us or service.connect_timeout_us,
            alpha,
            virtualhost,
            defaults.checker_log_all_failures,
        )
        for keyword, inner in draft.blocks:
            check = bind_checks.check(reader, keyword, inner, inherited, timings)
            if check is not None:
                checks.append(check)
    weight = service.weight if draft.weight is None else draft.weight
    inhibit = service.inhibit_on_failure if draft.inhibit_on_failure is None else draft.inhibit_on_failure
    return RealServer(
        address,
        port,
        1 if weight is None else weight,
        draft.forwarding or forwarding,
        bool(inhibit),
        alpha,
        draft.uthreshold,
        draft.lthreshold,
        _first(draft.smtp_alert, defaults.smtp_alert_checker, defaults.smtp_alert, True),
        draft.notify_up,
        draft.notify_down,
        virtualhost,
        tuple(checks),
        where=reader.source.where(statement),
    )
