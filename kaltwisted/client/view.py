"""The status document for a terminal, at a glance: a pure function of the document."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from kaltwisted.api.explain import Document, ago, doing, now, span, times, tracker_state
from kaltwisted.client.paint import Cell, Paint

_STATES: Final = {"MASTER": "good", "BACKUP": "", "FAULT": "bad", "INIT": "odd", "STOP": "dim"}
_KNOWN: Final[dict[bool | None, str]] = {None: "odd", True: "good", False: "bad"}
_ROLES: Final = {"running": "good", "starting": "odd", "dead": "bad"}


def view(document: Document, paint: Paint, names: Sequence[str] = ()) -> Iterator[str]:
    """All lines.  ``names``: show only what has one of them in its name, or in that of what it is part of."""
    if not names:
        yield from _daemon(document, paint)
        yield from _overrides(document.get("overrides", ()), document, paint)
    vrrp, checkers, bfd = (document.get(part) or {} for part in ("vrrp", "checkers", "bfd"))
    yield from _instances(_named(vrrp.get("instances", ()), names), document, paint)
    yield from _groups(_named(vrrp.get("groups", ()), names), document, paint)
    yield from _trackers(_named(vrrp.get("trackers", ()), names), document, paint)
    yield from _virtual_servers(checkers, names, document, paint)
    yield from _sessions(_named(bfd.get("sessions", ()), names), document, paint)


def _named(things: Sequence[Document], names: Sequence[str]) -> list[Document]:
    return [each for each in things if not names or any(name in each["name"] for name in names)]


def _for(thing: Document, document: Document) -> str:
    return "" if thing["since"] is None else span(now(document) - thing["since"])


def _section(title: str, rows: Sequence[Sequence[Cell]], paint: Paint) -> Iterator[str]:
    """A table under its title; nothing where there are no rows."""
    if rows:
        yield ""
        yield paint(title, "bold")
        yield from paint.table(rows)


# --- the daemon --------------------------------------------------------------------------


def _daemon(document: Document, paint: Paint) -> Iterator[str]:
    daemon = document["daemon"]
    ready = paint("ready", "good") if daemon["ready"] else paint("not ready", "bad")
    yield (
        f"{paint('kaltwisted ' + daemon['version'], 'bold')} on {paint(daemon['host'])}, {ready},"
        f" up {span(daemon['uptime_s'])}, pid {daemon['pid']}"
    )
    yield from paint.table([_role(role, document) for role in daemon["roles"]])
    yield "  " + _configuration(daemon["configuration"], document, paint)
    for warning in daemon["warnings"]:
        yield paint(f"! {warning}", "odd")


def _role(role: Document, document: Document) -> list[Cell]:
    more = []
    if role["restarts"]:
        more.append(f"started again {times(role['restarts'])}")
    lateness, turns = role["timer_lateness"], role["turns"]
    if lateness is not None and lateness["count"]:
        more.append(f"timers late by {lateness['worst_ms']:.1f} ms at worst")
    if turns is not None and turns["over_5_ms"]:
        more.append(f"turns over 5 ms: {turns['over_5_ms']}, the longest {turns['worst_ms']:.0f} ms")
    return [
        (role["name"], ""),
        (role["state"], _ROLES.get(role["state"], "")),
        (_for(role, document), "dim"),
        ("" if role["pid"] is None else f"pid {role['pid']}", "dim"),
        (", ".join(more), ""),
    ]


def _configuration(configuration: Document, document: Document, paint: Paint) -> str:
    words = f"{paint(configuration['file'])}, read {ago(configuration['read'], document)}"
    for what in ("errors", "warnings"):
        number = configuration[what]
        if number:
            words += ", " + paint(f"{number} {what if number > 1 else what[:-1]}", "odd")
    return words


def _overrides(overrides: Sequence[Document], document: Document, paint: Paint) -> Iterator[str]:
    rows: list[list[Cell]] = [
        [
            (override["target"], ""),
            (doing(override), "odd"),
            (span(now(document) - override["at"]), "dim"),
            (f"by {override['by']}", "dim"),
            (override["reason"] if override["configured"] else "not configured now", ""),
        ]
        for override in overrides
    ]
    yield from _section("Overridden", rows, paint)


# --- virtual routers ---------------------------------------------------------------------


def _instances(instances: list[Document], document: Document, paint: Paint) -> Iterator[str]:
    if not instances:
        return
    yield ""
    yield paint("Virtual routers", "bold")
    table = paint.table([_instance(each, document) for each in instances])
    for line, instance in zip(table, instances, strict=True):
        yield line
        if instance["faults"]:
            yield paint(f"      {'; '.join(instance['faults'])}", "bad")
        if instance["waits_for"]:
            yield paint(f"      waits for {', '.join(instance['waits_for'])}", "odd")
        for reason in instance["reasons"]:
            yield paint(f"      {reason['words']}", "dim" if reason["points"] >= 0 else "odd")
        if instance["split_brain"]:
            yield paint(f"    ! {instance['split_brain']}", "bad")


def _instance(instance: Document, document: Document) -> list[Cell]:
    state, priority, base = instance["state"], instance["priority"], instance["base_priority"]
    master, coming = instance["master"], instance["next"]
    if state == "MASTER":
        missing = [each for each in instance["addresses"] if not each["set"]]
        who: Cell = (_addresses(instance), "bad" if missing else "")
    elif master is not None:
        who = (f"master {master['address']} ({master['priority']})", "")
    else:
        who = ("no master" if state == "BACKUP" else "", "odd")
    doing = {"preempt": "preempts in", "master_down": "takes over unless heard in"}.get(coming["what"])
    return [
        (instance["name"], ""),
        (state, _STATES.get(state, "")),
        (_for(instance, document), "dim"),
        (f"{instance['interface']} vrid {instance['vrid']}", "dim"),
        (f"priority {priority}" + (f" ({base}{priority - base:+d})" if priority != base else ""), ""),
        who,
        ("" if doing is None else f"{doing} {coming['in_s']:.1f} s", "dim"),
    ]


def _addresses(instance: Document) -> str:
    addresses = [each["address"] + ("" if each["set"] else " NOT SET") for each in instance["addresses"]]
    more = len(addresses) - 3
    return ", ".join(addresses[:3]) + (f" and {more} more" if more > 0 else "")


def _groups(groups: list[Document], document: Document, paint: Paint) -> Iterator[str]:
    rows: list[list[Cell]] = [
        [
            (group["name"], ""),
            (group["state"], _STATES.get(group["state"], "")),
            (_for(group, document), "dim"),
            (", ".join(group["instances"]), ""),
            ("; ".join(group["faults"]), "bad"),
        ]
        for group in groups
    ]
    yield from _section("Sync groups", rows, paint)


def _trackers(trackers: list[Document], document: Document, paint: Paint) -> Iterator[str]:
    rows: list[list[Cell]] = []
    for tracker in trackers:
        up = tracker["up"]
        told = tracker["last_result"] or ""
        if tracker["last_run"] is not None:
            told += f", {ago(tracker['last_run'], document)}"
        rows.append(
            [
                (f"{tracker['kind'].replace('_', ' ')} {tracker['name']}", ""),
                (tracker_state(tracker), _KNOWN[up]),
                (told, "dim"),
            ]
        )
    yield from _section("Tracked", rows, paint)


# --- pools -------------------------------------------------------------------------------


def _virtual_servers(
    checkers: Document, names: Sequence[str], document: Document, paint: Paint
) -> Iterator[str]:
    services = checkers.get("virtual_servers", ())
    shown: list[tuple[Document, list[Document]]] = []
    for service in services:
        whole = not names or any(name in service["id"] or name in service["name"] for name in names)
        servers = [
            each for each in service["real_servers"] if whole or any(name in each["id"] for name in names)
        ]
        if whole or servers:
            shown.append((service, servers))
    if not shown:
        return
    yield ""
    yield paint("Virtual servers", "bold") + paint(f" ({checkers['data_plane']})", "dim")
    heads = paint.table([_virtual_server(service, document) for service, _ in shown])
    pools = [[_real_server(server, document) for server in servers] for _, servers in shown]
    # One table, so that columns are the same in all pools.
    lines = iter(paint.table([row for pool in pools for row in pool], "    "))
    for head, pool in zip(heads, pools, strict=True):
        yield head
        for _ in pool:
            yield next(lines)


def _virtual_server(service: Document, document: Document) -> list[Cell]:
    sorry = service["sorry_server"]
    if service["quorum_up"]:
        state: Cell = ("up", "good")
    elif sorry is not None:
        state = (f"sorry server {sorry['address']}:{sorry['port']}", "bad")
    else:
        state = ("no quorum", "bad")
    serving = sum(each["in_pool"] for each in service["real_servers"])
    return [
        (service["id"], ""),
        state,
        (_for(service, document), "dim"),
        (f"{service['scheduler']} {service['forwarding']}", "dim"),
        (
            f"{serving} of {len(service['real_servers'])} servers, weight {service['weight']}"
            + (f", quorum {service['quorum']}" if service["quorum"] > 1 else "")
            + (", checks suspended" if service["suspended"] else ""),
            "",
        ),
    ]


def _real_server(server: Document, document: Document) -> list[Cell]:
    if server["in_pool"]:
        state: Cell = ("up", "good")
    elif server["alive"]:
        state = ("waits", "odd")
    else:
        state = ("inhibited" if server["inhibited"] else "down", "bad")
    weight, configured = server["effective_weight"], server["weight"]
    name = server["id"].rpartition("/")[2]
    if server["why"] is not None:
        told: Cell = (server["why"], "odd" if server["alive"] else "bad")
    else:
        told = (_latencies(server["checks"]), "dim")
    return [
        (name, ""),
        state,
        (_for(server, document), "dim"),
        (
            f"weight {weight if server['alive'] else configured}"
            + (f" of {configured}" if server["alive"] and weight != configured else ""),
            "",
        ),
        told,
    ]


def _latencies(checks: Sequence[Document]) -> str:
    if not checks:
        return "no check"
    told: list[str] = []
    for check in checks:
        took: Any = check["latency_ms"]
        state = ("" if check["up"] else " fails") + (" paused" if check["paused"] else "")
        told.append(f"{check['kind']}{state} " + ("has not run" if took is None else f"{took:.1f} ms"))
    return ", ".join(told)


# --- BFD ---------------------------------------------------------------------------------


def _sessions(sessions: list[Document], document: Document, paint: Paint) -> Iterator[str]:
    rows: list[list[Cell]] = [
        [
            (session["name"], ""),
            (session["state"], "good" if session["state"] == "Up" else "bad"),
            (_for(session, document), "dim"),
            (session["neighbor"], ""),
            _session(session),
        ]
        for session in sessions
    ]
    yield from _section("BFD", rows, paint)


def _session(session: Document) -> Cell:
    if session["state"] == "Up":
        return f"every {session['interval_ms']:g} ms, lost after {session['detection_ms']:g} ms", "dim"
    return session["diagnostic"], "bad"
