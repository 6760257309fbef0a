"""etc/prometheus and etc/grafana: they ask for metrics and labels that there are."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from twisted.trial.unittest import SynchronousTestCase

from kaltwisted.api import metrics
from tests.unit.api_documents import STATUS

ROOT = Path(__file__).parents[2]
RULES = ROOT / "etc" / "prometheus" / "kaltwisted.rules.yml"
DASHBOARD = ROOT / "etc" / "grafana" / "kaltwisted.json"
SCRAPED = {"job", "instance"}
"""What Prometheus itself adds."""


def served() -> dict[str, set[str]]:
    """The labels of each metric."""
    return {
        sample.name: set(sample.labels) | SCRAPED
        for family in metrics.families(STATUS)
        for sample in family.samples
    }


def rules() -> Iterator[dict[str, Any]]:
    for group in yaml.safe_load(RULES.read_text())["groups"]:
        yield from group["rules"]


def queries() -> Iterator[tuple[str, str]]:
    """All PromQL, each with the words that are made of its labels."""
    for rule in rules():
        yield rule["expr"], " ".join(rule["annotations"].values())
    dashboard = json.loads(DASHBOARD.read_text())
    for panel in dashboard["panels"]:
        for target in panel.get("targets", ()):
            yield target["expr"], target["legendFormat"]
    for each in dashboard["annotations"]["list"]:
        yield each["expr"], each["titleFormat"]
    for variable in dashboard["templating"]["list"]:
        if variable["type"] == "query":
            yield variable["query"], ""


class NameTests(SynchronousTestCase):
    def test_every_metric_and_label_that_is_asked_for_is_served(self) -> None:
        there = served()
        asked = 0
        for expression, words in queries():
            named = set(re.findall(r"\bkeepalived_\w+", expression))
            self.assertEqual(named - there.keys(), set(), expression)
            known = set.union(SCRAPED, *(there[name] for name in named))
            labels = set(re.findall(r"[{,]\s*(\w+)\s*(?:=|!)", expression))
            labels |= {
                each.strip()
                for listed in re.findall(r"\bby \(([^)]*)\)", expression)
                for each in listed.split(",")
            }
            labels |= {one or two for one, two in re.findall(r"\$labels\.(\w+)|\{\{(\w+)\}\}", words)}
            self.assertEqual(labels - known, set(), expression)
            asked += len(named)
        self.assertGreater(asked, 40)

    def test_every_alert_says_what_to_do(self) -> None:
        text = (ROOT / "docs" / "runbook.md").read_text()
        sections = {f"docs/runbook.md#{each}" for each in re.findall(r"^## ([\w-]+)$", text, re.MULTILINE)}
        self.assertEqual({rule["annotations"]["runbook_url"] for rule in rules()}, sections)
        names = [rule["alert"] for rule in rules()]
        self.assertEqual(len(names), len(set(names)))
        for rule in rules():
            self.assertEqual(set(rule["annotations"]), {"summary", "description", "runbook_url"})
            self.assertIn(rule["labels"]["severity"], ("critical", "warning", "info"))

    def test_panels_lie_side_by_side(self) -> None:
        panels = json.loads(DASHBOARD.read_text())["panels"]
        self.assertEqual(len({panel["id"] for panel in panels}), len(panels))
        covered: set[tuple[int, int]] = set()
        for panel in panels:
            at = panel["gridPos"]
            self.assertLessEqual(at["x"] + at["w"], 24, panel["title"])
            cells = {
                (x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])
            }
            self.assertEqual(cells & covered, set(), panel["title"])
            covered |= cells
