"""Why things are as they are, in sentences: a pure function of the status document."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from typing import Any, Final, TypeAlias

import attrs

Document: TypeAlias = Mapping[str, Any]

NEAR: Final = 5


@attrs.frozen
class Explanation:
    """``kind``: instance, group, tracker, virtual_server, real_server, bfd or role."""

    name: str
    kind: str
    sentences: tuple[str, ...]


class UnknownNameError(Exception):
    """The document has nothing of that name; ``near``: names that come close."""

    def __init__(self, name: str, near: tuple[str, ...]) -> None:
        super().__init__(f"nothing is called {name}")
        self.near = near


def explain(document: Document, name: str) -> list[Explanation]:
    """All that goes by a name; a real server's also without its virtual server, of which it may have several.

    :raises UnknownNameError: nothing does.
    """
    found = [
        Explanation(known, kind, (*_SENTENCES[kind](thing, document), *_overridden(kind, known, document)))
        for known, kind, thing in things(document)
        if name == known or (kind in _SERVERS and name in _other_names(known, kind, thing))
    ]
    if not found:
        names = [known for known, _, _ in things(document)]
        near = [known for known in names if name in known]
        near += [each for each in difflib.get_close_matches(name, names, NEAR, 0.5) if each not in near]
        raise UnknownNameError(name, tuple(near[:NEAR]))
    return found


def things(document: Document) -> Iterator[tuple[str, str, Document]]:
    """All that can be asked for: name, kind, and its place in the document."""
    vrrp, checkers, bfd = (document.get(part) or {} for part in ("vrrp", "checkers", "bfd"))
    for instance in vrrp.get("instances", ()):
        yield instance["name"], "instance", instance
    for group in vrrp.get("groups", ()):
        yield group["name"], "group", group
    for tracker in vrrp.get("trackers", ()):
        yield tracker["name"], "tracker", tracker
    for service in checkers.get("virtual_servers", ()):
        yield service["id"], "virtual_server", service
        for server in service["real_servers"]:
            yield server["id"], "real_server", server
    for session in bfd.get("sessions", ()):
        yield session["name"], "bfd", session
    for role in (document.get("daemon") or {}).get("roles", ()):
        yield role["name"], "role", role


def _overridden(kind: str, name: str, document: Document) -> Iterator[str]:
    """What operators want of it."""
    for each in document.get("overrides") or ():
        if (each["kind"], each["target"]) == (kind, name):
            why = f": {each['reason']}" if each["reason"] else ""
            yield f"Overridden by {each['by']}, {ago(each['at'], document)}: {doing(each)}{why}."


def doing(override: Document) -> str:
    """``drain``, ``weight 3``."""
    action: str = override["action"]
    return action if override["value"] is None else f"{action} {override['value']}"


_SERVERS: Final = ("virtual_server", "real_server")


def _other_names(known: str, kind: str, thing: Document) -> tuple[str, ...]:
    """As logs say it, and as one types it: ``[192.0.2.1]:tcp:80``, ``192.0.2.1:80``, ``10.0.0.1``."""
    if kind == "virtual_server":
        return thing["name"], known.partition("/")[2], str(thing["address"])
    return known.rpartition("/")[2], str(thing["address"])


# --- virtual routers ---------------------------------------------------------------------


def _instance(instance: Document, document: Document) -> Iterator[str]:
    name, state = instance["name"], instance["state"]
    yield f"{name} is {state}{_since(instance, document)}."
    match state:
        case "MASTER":
            yield from _as_master(instance)
        case "BACKUP":
            yield from _as_backup(instance, document)
        case "FAULT":
            yield "It cannot work while this is so: " + "; ".join(instance["faults"]) + "."
            group = instance["group"]
            if group is not None:
                yield from _of_the_group(group, name, document)
            if instance["waits_for"]:
                yield f"It has not heard yet of {_list(instance['waits_for'])}."
        case "INIT":
            if instance["waits_for"]:
                yield f"It waits for the first result of {_list(instance['waits_for'])}."
            else:
                yield "It has not begun."
    yield from _priority(instance)
    missing = [each["address"] for each in instance["addresses"] if not each["set"]]
    if state == "MASTER" and missing:
        yield f"It has not set {_list(missing)}: the log tells why."
    if instance["split_brain"]:
        yield f"Beware, {instance['split_brain']}."
    errors = instance["counters"]["packet_errors"]
    if errors:
        counts = _list([f"{count} for {reason.replace('_', ' ')}" for reason, count in errors.items()])
        yield f"It has dropped packets: {counts}."


def _as_master(instance: Document) -> Iterator[str]:
    where = _list([each["address"] for each in instance["addresses"] if each["set"]])
    yield f"It holds {where} on {instance['interface']}." if where else "It holds no address."
    if instance["next"]["what"] == "advert":
        yield f"Its next advert goes in {instance['next']['in_s']:.1f} s."
    if not instance["split_brain"]:
        yield "No other router of a higher priority is heard."


def _as_backup(instance: Document, document: Document) -> Iterator[str]:
    master, ours, what = instance["master"], instance["priority"], instance["next"]["what"]
    if what == "preempt":
        yield (
            f"It is to take over from {master['address'] if master else 'the master'}, of a lower priority,"
            f" in {instance['next']['in_s']:.1f} s (preempt_delay)."
        )
        return
    if master is None:
        yield "It has heard no master yet."
    elif master["priority"] > ours:
        yield (
            f"The master is {master['address']} with priority {master['priority']}, and ours is {ours}:"
            " the higher one is master."
        )
    elif master["priority"] == ours:
        yield (
            f"The master is {master['address']} with priority {ours}, the same as ours: a backup takes"
            " over only from a lower priority, and between two masters the higher address stays."
        )
    elif not instance["preempt"]:
        yield (
            f"The master is {master['address']} with priority {master['priority']}, lower than our {ours},"
            " but nopreempt is set: it stays master until it fails."
        )
    else:
        yield f"The master is {master['address']} with priority {master['priority']}, lower than our {ours}."
    if instance["group"] is not None:
        yield from _of_the_group(instance["group"], instance["name"], document)
    if what == "master_down":
        yield (
            f"If the master is not heard for {instance['next']['in_s']:.1f} s more"
            f" ({instance['master_down_s']:.2f} s in all), it takes over."
        )


def _of_the_group(group: str, name: str, document: Document) -> Iterator[str]:
    """What the other members have to do with it."""
    vrrp = document.get("vrrp") or {}
    for each in vrrp.get("groups", ()):
        if each["name"] == group:
            others = [member for member in each["instances"] if member != name]
            if others:
                yield f"It changes state together with {_list(others)}, by sync group {group}."
            theirs = [fault for fault in each["faults"] if not fault.startswith(f"{name}: ")]
            if theirs:
                yield f"What holds the group in FAULT: {'; '.join(theirs)}."


def _priority(instance: Document) -> Iterator[str]:
    base, now = instance["base_priority"], instance["priority"]
    reasons = [each["words"] for each in instance["reasons"]]
    if not reasons:
        yield f"Its priority is {now}, as configured."
        return
    yield f"Its priority is {now}, from {base} as configured and: {'; '.join(reasons)}."
    sum_ = base + sum(each["points"] for each in instance["reasons"])
    if sum_ != now:
        yield f"That makes {sum_}, and priorities go from 1 to 254."


def _group(group: Document, document: Document) -> Iterator[str]:
    yield f"Sync group {group['name']} is {group['state']}{_since(group, document)}."
    yield f"Its members are {_list(group['instances'])}: they change state together."
    if group["faults"]:
        yield f"What holds it in FAULT: {'; '.join(group['faults'])}."


def _tracker(tracker: Document, document: Document) -> Iterator[str]:
    kind = "BFD session" if tracker["kind"] == "bfd" else tracker["kind"].replace("_", " ").capitalize()
    what = f"{kind} {tracker['name']}"
    yield f"{what} is {tracker_state(tracker)}."
    if tracker["last_result"] is not None:
        when = "" if tracker["last_run"] is None else f", {ago(tracker['last_run'], document)}"
        yield f"It told last: {tracker['last_result']}{when}."
    if tracker["next_in_s"] is not None:
        yield f"It runs again in {max(0.0, tracker['next_in_s']):.1f} s."
    for instance in (document.get("vrrp") or {}).get("instances", ()):
        for reason in instance["reasons"]:
            if (reason["kind"], reason["name"]) == (tracker["kind"], tracker["name"]):
                yield f"{instance['name']}, priority {instance['priority']}: {reason['words']}."


def tracker_state(tracker: Document) -> str:
    """``up`` or ``down`` of interfaces and sessions, of other things ``good`` or ``bad``."""
    if tracker["up"] is None:
        return "not known yet"
    words = ("down", "up") if tracker["kind"] in ("interface", "bfd") else ("bad", "good")
    return words[tracker["up"]]


# --- pools -------------------------------------------------------------------------------


def _virtual_server(service: Document, document: Document) -> Iterator[str]:
    servers = service["real_servers"]
    serving = [each for each in servers if each["in_pool"]]
    up = "has quorum" if service["quorum_up"] else "has no quorum"
    yield f"{service['id']} {up}{_since(service, document)}."
    threshold = service["quorum"] + (
        -service["hysteresis"] if service["quorum_up"] else service["hysteresis"]
    )
    relation = "is lost below" if service["quorum_up"] else "is gained at"
    yield f"Its servers that are alive weigh {service['weight']} together; quorum {relation} {threshold}."
    sorry = service["sorry_server"]
    if sorry is not None and sorry["in_use"]:
        yield f"The sorry server {sorry['address']}:{sorry['port']} gets all clients."
    yield f"{len(serving)} of {len(servers)} servers are in the pool."
    if service["suspended"]:
        yield "Its checks stand still until this host has its address (ha_suspend)."
    for server in servers:
        if server["why"] is not None:
            yield f"{server['address']}:{server['port']}: {server['why']}."


def _real_server(server: Document, document: Document) -> Iterator[str]:
    alive = "alive" if server["alive"] else "down"
    pool = "gets clients" if server["in_pool"] and server["effective_weight"] else "gets no new clients"
    yield f"{server['id']} is {alive}{_since(server, document)}, and {pool}."
    if server["why"] is not None:
        yield f"Why: {server['why']}."
    if server["inhibited"]:
        yield "It stays in the table with weight 0 (inhibit_on_failure), so that its connections may end."
    if server["alive"] and server["effective_weight"] != server["weight"]:
        yield f"Its weight is {server['effective_weight']}, where {server['weight']} is configured."
    if not server["checks"]:
        yield "It has no check: it counts as alive whatever happens."
    for check in server["checks"]:
        yield from _check(check, document)


def _check(check: Document, document: Document) -> Iterator[str]:
    name = f"{check['kind']} {check['target']}"
    if check["paused"]:
        yield f"{name} stands still: an operator has paused it."
    if not check["has_run"]:
        yield f"{name} has not run yet{_next(check)}."
        return
    state = "is good" if check["up"] else "is bad"
    took = f" after {check['latency_ms']:.1f} ms" if check["latency_ms"] is not None else ""
    when = "" if check["last_run"] is None else f", {ago(check['last_run'], document)}"
    yield f"{name} {state}: {check['last_result']}{took}{when}{_next(check)}."


def _next(check: Document) -> str:
    return "" if check["next_in_s"] is None else f"; next in {max(0.0, check['next_in_s']):.1f} s"


# --- the rest ----------------------------------------------------------------------------


def _bfd(session: Document, document: Document) -> Iterator[str]:
    yield (
        f"The session {session['name']} with {session['neighbor']} is {session['state']}"
        f"{_since(session, document)}."
    )
    if session["state"] != "Up":
        yield f"What we found: {session['diagnostic']}; the neighbour: {session['remote_diagnostic']}."
        if session["last_seen"] is None:
            yield "Nothing was ever heard of the neighbour."
    if session["last_seen"] is not None:
        yield f"The neighbour was heard last {ago(session['last_seen'], document)}."


def _role(role: Document, document: Document) -> Iterator[str]:
    pid = "" if role["pid"] is None else f", pid {role['pid']}"
    yield f"The process {role['name']} is {role['state']}{_since(role, document)}{pid}."
    if role["restarts"]:
        yield f"It was started again {times(role['restarts'])}; the log tells what it died of."
    lateness = role["timer_lateness"]
    if lateness is not None and lateness["count"]:
        yield f"Its timers came {lateness['worst_ms']:g} ms late at worst."


_SENTENCES: Final = {
    "instance": _instance,
    "group": _group,
    "tracker": _tracker,
    "virtual_server": _virtual_server,
    "real_server": _real_server,
    "bfd": _bfd,
    "role": _role,
}


def now(document: Document) -> float:
    """The moment of the document, seconds since 1970."""
    daemon = document["daemon"]
    moment: float = daemon["started"] + daemon["uptime_s"]
    return moment


def span(seconds: float) -> str:
    """``0.4 s``, ``12 s``, ``3 min 20 s``, ``5 h 12 min``, ``8 d 3 h``."""
    whole = int(seconds)
    if seconds < 10:
        return f"{max(0.0, seconds):.1f} s"
    for unit, size, smaller, part in (("d", 86400, "h", 3600), ("h", 3600, "min", 60), ("min", 60, "s", 1)):
        if whole >= size:
            rest = whole % size // part
            return f"{whole // size} {unit}" + (f" {rest} {smaller}" if rest else "")
    return f"{whole} s"


def _since(thing: Document, document: Document) -> str:
    since = thing["since"]
    return "" if since is None else f" for {span(now(document) - since)}"


def ago(moment: float, document: Document) -> str:
    """``3 min 20 s ago``: how long before the document was made."""
    return f"{span(now(document) - moment)} ago"


def times(number: int) -> str:
    """``once``, ``twice``, ``3 times``."""
    return {1: "once", 2: "twice"}.get(number, f"{number} times")


def _list(words: list[str]) -> str:
    return ", ".join(words[:-1]) + " and " + words[-1] if len(words) > 1 else "".join(words)
