"""Scripts looked at before any of them runs: whom they run as, and who could tamper with them.

This is done at start and for ``-t``, as keepalived does it, and so it asks the
machine we are on.  A script that would fail at each run for what is wrong with
its user or its path is left out: a server is not down because its check cannot
be made, and nor is a virtual router.
"""

from __future__ import annotations

import linecache
from collections.abc import Iterator

import attrs

from kaltwisted.alerts.security import Users, find, is_root, tampering
from kaltwisted.config.findings import Consequence, Finding, Related, Severity, masked
from kaltwisted.config.model import (
    Configuration,
    MiscCheck,
    Position,
    RealServer,
    Script,
    VirtualServer,
    VrrpInstance,
)

SECURITY_VIOLATION = "SECURITY VIOLATION - scripts are being executed but script_security not enabled."
DAEMON_VIOLATION = SECURITY_VIOLATION.replace("- scripts", "- start/shutdown scripts")
# Settings of global_defs that the first process runs, and so speaks of by itself.
_OF_THE_DAEMON = ("startup_script", "shutdown_script")
_LISTED = 10
_REMEDY = "`enable_script_security` in global_defs, and a `script_user` who may do little"


@attrs.frozen
class Vetted:
    """A configuration without the checks that must not run, and what was found."""

    configuration: Configuration
    findings: tuple[Finding, ...] = ()


@attrs.frozen
class _Use:
    """A script, where it is used and what as."""

    script: Script
    name: str
    where: Position

    @property
    def of_the_daemon(self) -> bool:
        """Whether the first process runs it."""
        return self.name in _OF_THE_DAEMON


@attrs.frozen
class _Verdict:
    """What is wrong with a program, or with its running as root (then with no consequence of its own)."""

    what: str
    severity: Severity = Severity.WARNING
    consequence: Consequence = Consequence.NONE
    as_root: bool = False

    @property
    def bars(self) -> bool:
        """Whether it must not run."""
        return self.severity is Severity.ERROR


def vet(configuration: Configuration) -> Vetted:
    """Look at every script of ``configuration``; a program is told of once, however often it is used."""
    users = Users(configuration.global_defs)
    secure = configuration.global_defs.enable_script_security
    verdicts: dict[Script, _Verdict | None] = {}
    uses: dict[Script, list[_Use]] = {}
    linecache.checkcache()  # the file may have been read before, and changed
    for use in _uses(configuration):
        program = _program(use.script)
        if program not in verdicts:
            verdicts[program] = _judge(program, users, secure=secure)
        uses.setdefault(program, []).append(use)
    told = {program: verdict for program, verdict in verdicts.items() if verdict is not None}
    findings = [_finding(uses[program], each) for program, each in told.items() if not each.as_root]
    for words, of_the_daemon in ((DAEMON_VIOLATION, True), (SECURITY_VIOLATION, False)):
        as_root = [
            _finding(some, each)
            for program, each in told.items()
            if each.as_root and (some := [use for use in uses[program] if use.of_the_daemon is of_the_daemon])
        ]
        if as_root:
            findings.append(_violation(as_root, words))
    barred = {program for program, verdict in verdicts.items() if verdict is not None and verdict.bars}
    return Vetted(_without(configuration, barred), tuple(findings))


def _program(script: Script) -> Script:
    """The script without its arguments: thousands of checks may differ in nothing else."""
    return attrs.evolve(script, argv=script.argv[:1])


def _judge(program: Script, users: Users, *, secure: bool) -> _Verdict | None:
    try:
        who = users.of(program)
    except LookupError as error:
        return _Verdict(f"{error}, so it does not run", Severity.ERROR, Consequence.LOGGED)
    try:
        why = tampering(find(program.argv[0])) if is_root(who) else None
    except (LookupError, OSError) as error:
        return _Verdict(str(error))
    if not is_root(who):
        return None
    if not secure:
        return _Verdict(f"runs as root{'' if why is None else f', and {why}'}", as_root=True)
    if why is None:
        return None
    return _Verdict(
        f"insecure, so it does not run: {why}, and it would run as root",
        Severity.ERROR,
        Consequence.SCRIPT_SECURITY,
    )


def _finding(uses: list[_Use], verdict: _Verdict) -> Finding:
    use = uses[0]
    others = list(dict.fromkeys(str(other.where.line) for other in uses if other.where != use.where))
    also = f" (also on line {', '.join(others[:_LISTED])})" if others else ""
    line = linecache.getline(use.where.file, use.where.line).rstrip("\n")
    insecure = verdict.consequence is Consequence.SCRIPT_SECURITY
    return Finding(
        verdict.severity,
        use.where,
        f"{use.name} `{use.script.argv[0]}`: {verdict.what}{also}",
        consequence=verdict.consequence,
        source_line=masked(line) if line else None,
        log=f"Disabling {use.name} due to insecure" if insecure else None,
    )


def _violation(as_root: list[Finding], words: str) -> Finding:
    """One finding for all scripts that run as root, in keepalived's own ``words``."""
    return attrs.evolve(
        as_root[0],
        message="scripts run as root, and script security is not enabled",
        expected=_REMEDY,
        related=tuple(Related(each.position, each.message) for each in as_root[:_LISTED]),
        consequence=Consequence.SCRIPT_SECURITY,
        log=words,
    )


# --- Where scripts are -------------------------------------------------------------------


def _uses(configuration: Configuration) -> Iterator[_Use]:
    for service in configuration.virtual_servers:
        yield from _uses_of(
            service.where, ("quorum_up", service.quorum_up), ("quorum_down", service.quorum_down)
        )
        for server in service.real_servers:
            yield from _uses_of(
                server.where, ("notify_up", server.notify_up), ("notify_down", server.notify_down)
            )
            for check in server.checks:
                if isinstance(check, MiscCheck):
                    yield from _uses_of(check.where, ("misc script", check.script))
    for tracked in configuration.vrrp_scripts:
        yield from _uses_of(tracked.where, (f"track script {tracked.name}", tracked.script))
    for instance in configuration.vrrp_instances:
        yield from _uses_of(instance.where, *instance.notify.items())
    for group in configuration.vrrp_sync_groups:
        yield from _uses_of(group.where, *group.notify.items())
    defs = configuration.global_defs
    for name, reports in (
        ("notify_fifo_script", configuration.vrrp_instances or configuration.virtual_servers),
        ("vrrp_notify_fifo_script", configuration.vrrp_instances),
        ("lvs_notify_fifo_script", configuration.virtual_servers),
    ):
        if reports:
            yield from _uses_of(defs.where, (name, getattr(defs, name)))
    yield from _uses_of(defs.where, *((name, getattr(defs, name)) for name in _OF_THE_DAEMON))


def _uses_of(where: Position | None, *scripts: tuple[str, Script | None]) -> Iterator[_Use]:
    for name, script in scripts:
        if script is not None:
            yield _Use(script, name, where or Position("", 0))


def _without(configuration: Configuration, barred: set[Script]) -> Configuration:
    """The configuration without what asks barred scripts; notify scripts stay, and fail by themselves."""
    if not barred:
        return configuration
    defs = configuration.global_defs
    gone = {tracked.name for tracked in configuration.vrrp_scripts if _program(tracked.script) in barred}
    return attrs.evolve(
        configuration,
        global_defs=attrs.evolve(
            defs,
            startup_script=_allowed(defs.startup_script, barred),
            shutdown_script=_allowed(defs.shutdown_script, barred),
        ),
        virtual_servers=tuple(_unchecked(service, barred) for service in configuration.virtual_servers),
        vrrp_scripts=tuple(each for each in configuration.vrrp_scripts if each.name not in gone),
        vrrp_instances=tuple(_untracked(instance, gone) for instance in configuration.vrrp_instances),
    )


def _allowed(script: Script | None, barred: set[Script]) -> Script | None:
    return None if script is None or _program(script) in barred else script


def _untracked(instance: VrrpInstance, gone: set[str]) -> VrrpInstance:
    kept = tuple(each for each in instance.track_script if each.name not in gone)
    return attrs.evolve(instance, track_script=kept) if len(kept) < len(instance.track_script) else instance


def _unchecked(service: VirtualServer, barred: set[Script]) -> VirtualServer:
    servers = tuple(_without_checks(server, barred) for server in service.real_servers)
    changed = any(new is not old for new, old in zip(servers, service.real_servers, strict=True))
    return attrs.evolve(service, real_servers=servers) if changed else service


def _without_checks(server: RealServer, barred: set[Script]) -> RealServer:
    kept = tuple(
        check
        for check in server.checks
        if not (isinstance(check, MiscCheck) and _program(check.script) in barred)
    )
    return attrs.evolve(server, checks=kept) if len(kept) < len(server.checks) else server
