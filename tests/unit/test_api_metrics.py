"""api.metrics and api.openapi: what Prometheus reads, and what the API says of itself."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from openapi_spec_validator import validate
from prometheus_client.parser import text_string_to_metric_families
from twisted.internet.defer import Deferred, maybeDeferred, succeed
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer

from kaltwisted.api import metrics, openapi
from kaltwisted.api.access import Access, Role
from kaltwisted.api.exchange import Answer, Asked
from kaltwisted.api.routes import Routes
from kaltwisted.api.table import routes
from kaltwisted.config.model import Public
from kaltwisted.ports import Health, IOperations, Part
from tests.unit.api_documents import STATUS
from tools.openapi import text

Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


@implementer(IOperations)
class Operations:
    events: Any = None

    def status(self, parts: frozenset[Part]) -> Deferred[bytes]:
        return succeed(json.dumps(STATUS).encode())

    def health(self) -> Health:
        return Health()


def samples(status: dict[str, Any]) -> Samples:
    exposed = metrics.exposition(json.dumps(status).encode(), "").body
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(exposed.decode())
        for sample in family.samples
    }


class TestMetrics(SynchronousTestCase):
    def value(self, metric: str, /, **labels: str) -> float | None:
        return samples(STATUS).get((f"keepalived_{metric}", tuple(sorted(labels.items()))))

    def test_exporters_names_and_labels(self) -> None:
        instance = {"iname": "VI_1", "intf": "eth0", "vrid": "51"}
        self.assertEqual(self.value("up"), 1)
        self.assertEqual(self.value("vrrp_state", **instance, ip_address="192.0.2.80"), 2)
        self.assertEqual(self.value("advertisements_sent_total", **instance), 12)
        self.assertEqual(self.value("authentication_failure_total", **instance), 3)
        self.assertEqual(self.value("script_status", name="chk"), 0)

    def test_pools(self) -> None:
        pool, server = "tcp/192.0.2.80:80", "10.0.0.1:80"
        self.assertEqual(self.value("virtual_server_quorum_up", virtual_server=pool), 1)
        self.assertEqual(self.value("virtual_server_real_servers_alive", virtual_server=pool), 1)
        self.assertEqual(self.value("real_server_up", virtual_server=pool, real_server=server), 1)
        check = {"virtual_server": pool, "real_server": server, "check": "TCP_CHECK", "target": server}
        self.assertEqual(self.value("check_duration_seconds", **check), 0.0025)

    def test_bfd_and_overrides(self) -> None:
        self.assertEqual(self.value("bfd_session_up", name="far", neighbor="192.0.2.9"), 1)
        self.assertEqual(self.value("override", target="VI_1", action="yield"), 1)
        self.assertEqual(self.value("override_created_time_seconds", target="VI_1", action="yield"), 1010)

    def test_processes(self) -> None:
        self.assertEqual(self.value("role_slow_turns_total", role="vrrp"), 3)
        self.assertIsNone(self.value("role_slow_turns_total", role="checkers"))
        self.assertEqual(self.value("role_restarts_total", role="checkers"), 2)

    def test_a_role_that_is_not_there_has_none(self) -> None:
        names = {name for name, _ in samples({**STATUS, "vrrp": None, "checkers": None, "bfd": None})}
        self.assertIn("keepalived_up", names)
        self.assertNotIn("keepalived_vrrp_priority", names)

    def test_as_the_client_likes_it(self) -> None:
        made = metrics.exposition(json.dumps(STATUS).encode(), "application/openmetrics-text")
        text, kind = made.body, made.content_type
        self.assertTrue(kind.startswith("application/openmetrics-text"))
        self.assertTrue(text.endswith(b"# EOF\n"))

    def test_it_is_served_and_may_be_public(self) -> None:
        table = Routes()
        metrics.add(table, Operations(), maybeDeferred)
        asked = Asked("GET", "/metrics", Access(Role.PUBLIC, "x", frozenset({Public.METRICS})))
        answer = self.successResultOf(maybeDeferred(table.find(asked).handler, asked))
        assert isinstance(answer, Answer)
        self.assertTrue(answer.content_type.startswith("text/plain"))
        self.assertIn(b"keepalived_up 1.0", answer.body)


class TestOpenApi(SynchronousTestCase):
    def setUp(self) -> None:
        self.routes: Any = routes(Operations(), object(), maybeDeferred)  # type: ignore[arg-type]
        self.document = openapi.document(self.routes, "1.0")

    def test_it_is_valid(self) -> None:
        validate(self.document)  # type: ignore[arg-type]

    def test_the_file_in_docs_is_the_present_one(self) -> None:
        path = Path(__file__).parents[2] / "docs" / "openapi.json"
        self.assertEqual(path.read_text(), text(), "python -m tools.openapi > docs/openapi.json")

    def test_every_route_is_described_and_nothing_else(self) -> None:
        browsers = re.compile("/|/page/.*")
        served = {(each.method, each.path) for each in self.routes if not browsers.fullmatch(each.path)}
        self.assertEqual(served - openapi.DESCRIBED.keys(), set())
        self.assertEqual(openapi.DESCRIBED.keys() - served, set())

    def test_it_says_what_takes_a_token(self) -> None:
        paths = self.document["paths"]
        self.assertEqual(paths["/api/v1/overrides"]["put"]["security"], [{"token": []}])
        self.assertEqual(paths["/metrics"]["get"]["security"], [{"token": []}, {}])
        self.assertNotIn("security", paths[openapi.PATH]["get"])
