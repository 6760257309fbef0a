"""``GET /metrics``: the status document as Prometheus' metrics.  Pure, but for its one route.

What keepalived's exporters have (mehdy/keepalived-exporter and its kin) has their names and labels, so that
dashboards and alerts go on working; what they do not have is named likewise.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import Any, Final, TypeVar

import attrs
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector
from twisted.internet.defer import Deferred

from kaltwisted.api.exchange import Answer, Asked
from kaltwisted.api.routes import Routes
from kaltwisted.api.sharing import Shared
from kaltwisted.config.model import Public
from kaltwisted.ports import InThread, IOperations, Part

T = TypeVar("T")

PIECE: Final = 25
"""Objects of the document, servers or samples: a quarter of a millisecond's work."""
PAUSE_S: Final = 0.00005

STATES: Final = {"INIT": 0, "BACKUP": 1, "MASTER": 2, "FAULT": 3}
"""As exporters number them."""

# keepalived's counters of an instance: its own name, the exporters', and what it counts.
_COUNTERS: Final = (
    ("advert_rcvd", "advertisements_received", "Adverts received"),
    ("advert_sent", "advertisements_sent", "Adverts sent"),
    ("become_master", "become_master", "Times that it became master"),
    ("release_master", "release_master", "Times that it was master no more"),
    ("packet_len_err", "packet_length_errors", "Packets of a wrong length"),
    ("advert_interval_err", "advertisements_interval_errors", "Adverts with another interval"),
    ("ip_ttl_err", "ip_ttl_errors", "Packets with a wrong TTL"),
    ("invalid_type_rcvd", "invalid_type_received", "Packets that are no adverts"),
    ("addr_list_err", "address_list_errors", "Adverts with other addresses"),
    ("invalid_authtype", "authentication_invalid", "Packets with an unknown authentication"),
    ("authtype_mismatch", "authentication_mismatch", "Packets with another authentication"),
    ("auth_failure", "authentication_failure", "Packets with a wrong password"),
    ("pri_zero_rcvd", "priority_zero_received", "Adverts of masters that stop"),
    ("pri_zero_sent", "priority_zero_sent", "Adverts that said that we stop"),
)


class _Families:
    """Metrics as they come together: each a family of samples."""

    def __init__(self) -> None:
        self._families: dict[str, GaugeMetricFamily | CounterMetricFamily] = {}

    def gauge(self, name: str, doc: str, labels: Mapping[str, str], value: float | None) -> None:
        """A value that goes up and down; None: there is none, and so no sample."""
        self._sample(GaugeMetricFamily, name, doc, labels, value)

    def count(self, name: str, doc: str, labels: Mapping[str, str], value: float | None) -> None:
        """A value that only grows; ``_total`` is put behind its name."""
        self._sample(CounterMetricFamily, name, doc, labels, value)

    def _sample(
        self,
        kind: type[GaugeMetricFamily] | type[CounterMetricFamily],
        name: str,
        doc: str,
        labels: Mapping[str, str],
        value: float | None,
    ) -> None:
        if value is None:
            return
        family = self._families.get(name)
        if family is None:
            family = self._families[name] = kind(f"keepalived_{name}", doc, labels=tuple(labels))
        family.add_metric(tuple(labels.values()), float(value))

    def __iter__(self) -> Iterator[Metric]:
        return iter(self._families.values())


class _Breath:
    """Pauses between pieces of work, so that a thread leaves the interpreter to the reactor in time."""

    def __init__(self, pause: Callable[[], object]) -> None:
        self._pause = pause
        self._left = PIECE

    def __call__(self, value: T) -> T:
        """One thing more is done."""
        self._left -= 1
        if not self._left:
            self._left = PIECE
            self._pause()
        return value


def families(
    status: Mapping[str, Any], breath: Callable[[Any], Any] = lambda value: value
) -> Iterable[Metric]:
    """All metrics of a status document; ``breath`` is called with each server."""
    found = _Families()
    _daemon(found, status["daemon"])
    if status["vrrp"] is not None:
        _vrrp(found, status["vrrp"])
    if status["checkers"] is not None:
        _checkers(found, status["checkers"], breath)
    if status["bfd"] is not None:
        _bfd(found, status["bfd"])
    for override in status.get("overrides", ()):
        labels = {"target": override["target"], "action": override["action"]}
        found.gauge("override", "What operators override", labels, 1)
        doc = "When the operator did so"
        found.gauge("override_created_time_seconds", doc, labels, override["at"])
    return found


def _used_up(values: list[T]) -> Iterator[T]:
    """Each in turn, and gone thereafter: to let go of a hundred thousand at once takes long, too."""
    values.reverse()
    while values:
        yield values.pop()


def exposition(text: bytes, accept: str, pause: Callable[[], object] = lambda: None) -> Answer:
    """The metrics of a status document as text, as the client would like it.

    :param pause: called after each piece of the work, of less than a millisecond.
    """
    breath = _Breath(pause)
    status = json.loads(text, object_hook=breath)
    encode, content_type = choose_encoder(accept)
    texts = []
    for family in families(status, breath):
        family.samples = map(breath, _used_up(family.samples))  # type: ignore[assignment]
        # One by one: the library's last step is one for all that it was given.
        texts.append(encode(_One(family)).removesuffix(_END))
    if content_type.startswith("application/openmetrics-text"):
        texts.append(_END)
    for pool in (status["checkers"] or {"virtual_servers": ()})["virtual_servers"]:
        for server in _used_up(pool["real_servers"]):
            breath(server)
    return Answer(b"".join(texts), content_type=content_type)


_END: Final = b"# EOF\n"


@attrs.frozen
class _One(Collector):
    """A family by itself."""

    family: Metric

    def collect(self) -> Iterable[Metric]:
        return (self.family,)


def add(routes: Routes, operations: IOperations, in_thread: InThread) -> None:
    """Serve them.  With thousands of servers that takes a second, so a thread does it, which pauses:
    else it would keep the interpreter for 5 ms and more whenever the reactor wants it.
    """

    shared: dict[str, Shared[Answer]] = {}

    def made(accept: str) -> Deferred[Answer]:
        text: Deferred[Any] = operations.status(frozenset(Part))
        return text.addCallback(
            lambda text: in_thread(lambda: exposition(text, accept, partial(time.sleep, PAUSE_S)))
        )

    def metrics(asked: Asked) -> Deferred[Answer]:
        accept = asked.headers.get("accept", "")
        kind = choose_encoder(accept)[1]
        if kind not in shared:
            shared[kind] = Shared(lambda: made(accept))
        return shared[kind].answer()

    routes.add("GET", "/metrics", metrics, public=Public.METRICS)


# --- the parts ---------------------------------------------------------------------------


def _daemon(found: _Families, daemon: Mapping[str, Any]) -> None:
    found.gauge("up", "Whether the daemon lives", {}, daemon["live"])
    found.gauge("ready", "Whether all its processes do their work", {}, daemon["ready"])
    found.gauge("build_info", "The version", {"version": daemon["version"]}, 1)
    found.gauge("start_time_seconds", "When the daemon started", {}, daemon["started"])
    configuration = daemon["configuration"]
    doc = "When the configuration that runs was read"
    found.gauge("configuration_read_time_seconds", doc, {}, configuration["read"])
    doc = "What is wrong with it"
    for severity in ("errors", "warnings"):
        found.gauge("configuration_findings", doc, {"severity": severity[:-1]}, configuration[severity])
    reload = configuration["reload"]
    refused = reload is not None and reload["result"] == "refused"
    found.gauge("reload_refused", "Whether the last reload was refused", {}, refused)
    for role in daemon["roles"]:
        labels = {"role": role["name"]}
        found.gauge("role_up", "Whether the process of a role runs", labels, role["state"] == "running")
        found.count("role_restarts", "How often it was started again", labels, role["restarts"])
        turns = role["turns"]
        doc = "Turns of its reactor that took more than 5 ms"
        found.count("role_slow_turns", doc, labels, None if turns is None else turns["over_5_ms"])
        lateness = role["timer_lateness"]
        if lateness is not None:
            worst = lateness["worst_ms"]
            doc = "How late a timer was at worst"
            found.gauge("timer_lateness_worst_seconds", doc, labels, None if worst is None else worst / 1000)


def _vrrp(found: _Families, vrrp: Mapping[str, Any]) -> None:
    for instance in vrrp["instances"]:
        labels = {
            "iname": instance["name"],
            "intf": instance["interface"],
            "vrid": str(instance["vrid"]),
        }
        state = STATES.get(instance["state"], 0)
        for address in instance["addresses"] or [{"address": "", "interface": instance["interface"]}]:
            held = {
                **labels,
                "intf": address["interface"],
                "ip_address": address["address"].partition("/")[0],
            }
            found.gauge("vrrp_state", "0: init, 1: backup, 2: master, 3: fault", held, state)
        doc = "When it entered its state"
        found.gauge("vrrp_state_since_time_seconds", doc, labels, instance["since"])
        found.gauge("vrrp_priority", "Its priority as it is", labels, instance["priority"])
        found.gauge("vrrp_base_priority", "Its priority as configured", labels, instance["base_priority"])
        doc = "Whether another master is heard"
        found.gauge("vrrp_split_brain", doc, labels, instance["split_brain"] is not None)
        counters = instance["counters"]
        for name, exported, doc in _COUNTERS:
            found.count(exported, doc, labels, counters["keepalived"][name])
        doc = "Times that another master was heard"
        found.count("vrrp_split_brains", doc, labels, counters["split_brains"])
        for reason, packets in counters["packet_errors"].items():
            doc = "Packets that were dropped, by reason"
            found.count("vrrp_packet_errors", doc, {**labels, "reason": reason}, packets)
    for group in vrrp["groups"]:
        doc = "0: init, 1: backup, 2: master, 3: fault"
        found.gauge("vrrp_group_state", doc, {"gname": group["name"]}, STATES.get(group["state"], 0))
    for tracker in vrrp["trackers"]:
        labels = {"kind": tracker["kind"], "name": tracker["name"]}
        found.gauge("tracker_up", "Whether what is tracked is as it should be", labels, tracker["up"])
        if tracker["kind"] == "script":
            labels = {"name": tracker["name"]}
            found.gauge("script_state", "0: idle, 1: running", labels, tracker["running"])
            found.gauge("script_status", "0: bad, 1: good", labels, tracker["up"])


def _checkers(found: _Families, checkers: Mapping[str, Any], breath: Callable[[Any], Any]) -> None:
    for pool in checkers["virtual_servers"]:
        labels = {"virtual_server": pool["id"]}
        found.gauge("virtual_server_quorum_up", "Whether it has its quorum", labels, pool["quorum_up"])
        found.gauge("virtual_server_quorum", "The quorum", labels, pool["quorum"])
        found.gauge("virtual_server_weight", "The weight of all in the pool", labels, pool["weight"])
        servers = pool["real_servers"]
        found.gauge("virtual_server_real_servers", "Servers that are configured", labels, len(servers))
        alive = sum(server["alive"] for server in servers)
        found.gauge("virtual_server_real_servers_alive", "Those that are alive", labels, alive)
        sorry = pool["sorry_server"]
        if sorry is not None:
            doc = "Whether clients meet the sorry server"
            found.gauge("virtual_server_sorry_server_in_use", doc, labels, sorry["in_use"])
        for server in servers:
            _real_server(found, pool["id"], breath(server))


def _real_server(found: _Families, pool: str, server: Mapping[str, Any]) -> None:
    name = server["id"].removeprefix(f"{pool}/")
    labels = {"virtual_server": pool, "real_server": name}
    found.gauge("real_server_up", "Whether its checks succeed", labels, server["alive"])
    found.gauge("real_server_in_pool", "Whether clients meet it", labels, server["in_pool"])
    found.gauge("real_server_weight", "Its weight as it is", labels, server["effective_weight"])
    for check in server["checks"]:
        of_check = {**labels, "check": check["kind"], "target": check["target"]}
        found.gauge("check_up", "Whether a check succeeds", of_check, check["up"])
        latency = check["latency_ms"]
        doc = "How long its last run took"
        found.gauge("check_duration_seconds", doc, of_check, None if latency is None else latency / 1000)
        found.gauge("check_last_run_time_seconds", "When it ran last", of_check, check["last_run"])
        found.gauge("check_paused", "Whether an operator has paused it", of_check, check["paused"])


def _bfd(found: _Families, bfd: Mapping[str, Any]) -> None:
    for session in bfd["sessions"]:
        labels = {"name": session["name"], "neighbor": session["neighbor"]}
        found.gauge("bfd_session_up", "Whether the neighbour is there", labels, session["state"] == "Up")
        found.count("bfd_packets_sent", "Packets sent", labels, session["sent"])
        found.count("bfd_packets_received", "Packets received", labels, session["received"])
