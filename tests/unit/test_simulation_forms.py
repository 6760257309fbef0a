"""Rehearsals as JSON by its schema, and as a picture that says what the JSON says."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import ModuleType
from unittest import SkipTest, mock
from xml.etree import ElementTree

import jsonschema
from twisted.trial.unittest import SynchronousTestCase

from kaltwisted import __version__
from kaltwisted.simulation.picture import svg
from kaltwisted.simulation.rehearsal import Rehearsal
from kaltwisted.simulation.report_json import document
from tests.unit.simulation_helpers import VIP, instance, pair, rehearsed
from tests.unit.test_daemon_simulate import ended

SCHEMA = json.loads((Path(__file__).parents[2] / "docs" / "rehearsal.schema.json").read_text("utf-8"))
SVG = "{http://www.w3.org/2000/svg}"
RED = "#d40000"


def rich() -> Rehearsal:
    """One in which everything happens that can be told of."""
    smtp = "global_defs {\nsmtp_server 127.0.0.1\nnotification_email {\na@b.example\n}\n}\n"
    group = "vrrp_sync_group G {\ngroup {\nVI_1\nVI_2\n}\n}\n"
    second = {"name": "VI_2", "vip": "192.168.200.11"}
    servers = (
        f"virtual_server {VIP} 80 {{\nlb_algo rr\nlb_kind NAT\nprotocol TCP\ndelay_loop 5\n"
        "real_server 10.1.0.1 80 {\nTCP_CHECK {\nconnect_timeout 3\n}\n}\n}\n"
    )
    directors = pair(
        smtp
        + group
        + instance(150, "smtp_alert", "notify_master /bin/m")
        + instance(150, vrid=52, **second)
        + servers,
        group + instance(100) + instance(100, vrid=52, **second),
    )
    return rehearsed(
        "title A <bad> & long day\nduration 60s\nat 20s: one eth0 down\nat 20s: server 10.1.0.1 dies\n"
        f"at 30s: one eth0 up\nat 50s: expect {VIP} on two\n",
        directors,
    )


class JsonTests(SynchronousTestCase):
    def test_by_its_schema(self) -> None:
        told = json.loads(json.dumps(document([rich()], __version__, log=True)))
        jsonschema.validate(told, SCHEMA)
        (rehearsal,) = told["rehearsals"]
        kinds = {each["kind"] for each in rehearsal["events"]}
        self.assertEqual(kinds, set(SCHEMA["$defs"]["event"]["properties"]["kind"]["enum"]))
        self.assertEqual((told["good"], rehearsal["good"]), (False, False))
        self.assertEqual(rehearsal["missed"][0]["found"], ["one"])
        spans = [(each["since"], each["directors"]) for each in rehearsal["addresses"][VIP]]
        self.assertEqual(spans[:3], [(0.0, []), (3.414062, ["one"]), (20.0, [])])
        self.assertIn("(VI_1) Entering MASTER STATE", [each["line"] for each in rehearsal["log"]])

    def test_a_document_that_lacks_something_is_not_right_by_the_schema(self) -> None:
        told = json.loads(json.dumps(document([rich()], __version__)))
        self.assertNotIn("log", told["rehearsals"][0])
        for event in told["rehearsals"][0]["events"]:
            if event["kind"] == "mail":
                del event["body"]
        self.assertRaises(jsonschema.ValidationError, jsonschema.validate, told, SCHEMA)


class PictureTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.rehearsal = rich()
        self.root = ElementTree.fromstring(svg([self.rehearsal]))

    def bars(self) -> list[tuple[str, list[tuple[float, str]]]]:
        """The bars, by what they say, as widths and colours."""
        found = []
        for group in self.root.iter(f"{SVG}g"):
            title = group.find(f"{SVG}title")
            if group.get("role") is None and title is not None:
                boxes = [
                    (float(box.get("width", 0)), box.get("fill") if box.get("fill") != "none" else RED)
                    for box in group.iter(f"{SVG}rect")
                ]
                found.append((title.text or "", [(width, str(colour)) for width, colour in boxes]))
        return found

    def test_a_bar_for_each_span_as_wide_as_it_is_long(self) -> None:
        bars = self.bars()
        spans = self.rehearsal.spans(self.rehearsal.topology.addresses[0])
        self.assertEqual(len(bars), len(spans))
        per_second = 750 / 60
        for (says, boxes), span in zip(bars, spans, strict=True):
            self.assertTrue(says.startswith(" and ".join(span.directors) or "nobody"), says)
            self.assertEqual(len(boxes), len(span.directors) + (len(span.directors) != 1))
            for width, _ in boxes:
                self.assertLess(abs(width - max(1, span.length / 1e6 * per_second)), 0.06)
            self.assertEqual(boxes[-1][1] == RED, len(span.directors) != 1, says)

    def test_words(self) -> None:
        texts = [text.text for text in self.root.iter(f"{SVG}text")]
        for expected in (
            "test: A <bad> & long day",
            f"{VIP} 192.168.200.11",
            "1  20.000 s  one eth0 down",
            "1 2",
            f"50.000 s  not as expected: expect {VIP} on two",
            "one",
        ):
            self.assertIn(expected, texts)

    def test_addresses_that_move_together_are_one_row(self) -> None:
        vips = "\n".join(f"192.168.200.{number}" for number in range(10, 15))
        both = pair(instance(150, vip=vips), instance(100, vip=vips))
        root = ElementTree.fromstring(svg([rehearsed("at 10s: one dies", both)]))
        texts = [text.text or "" for text in root.iter(f"{SVG}text")]
        self.assertEqual(sum(VIP in text for text in texts), 1)
        self.assertIn(f"{VIP} +4", texts)

    def test_many_panels_and_long_ones(self) -> None:
        day = rehearsed("duration 20d\nat 1s: one dies\nat 2s: two dies", pair(instance(150), instance(100)))
        root = ElementTree.fromstring(svg([self.rehearsal, day]))
        self.assertEqual(len([group for group in root.iter(f"{SVG}g") if group.get("role")]), 2)
        ticks = [text for text in root.iter(f"{SVG}text") if text.get("text-anchor") == "middle"]
        self.assertLess(len(ticks), 30)


class CommandTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.directory = Path(self.mktemp())
        self.directory.mkdir()
        self.files = []
        for name, priority in (("one", 150), ("two", 100)):
            file = self.directory / f"{name}.conf"
            file.write_text(instance(priority))
            self.files.append(str(file))

    def test_json(self) -> None:
        status, out, _ = ended("--json", *self.files)
        jsonschema.validate(json.loads(out), SCHEMA)
        self.assertEqual((status, json.loads(out)["good"]), (0, True))

    def test_svg(self) -> None:
        picture = self.directory / "a.svg"
        status, out, _ = ended("--picture", str(picture), *self.files)
        self.assertEqual((status, "one-dies" in out), (0, True))
        self.assertEqual(ElementTree.parse(picture).getroot().tag, f"{SVG}svg")

    def test_png(self) -> None:
        try:
            import cairosvg  # noqa: F401
        except (ImportError, OSError) as error:
            raise SkipTest(f"no cairosvg here: {error}") from None
        picture = self.directory / "a.PNG"
        self.assertEqual(ended("-p", str(picture), "-s", "start", *self.files)[0], 0)
        self.assertTrue(picture.read_bytes().startswith(b"\x89PNG"))

    def test_png_where_it_cannot_be(self) -> None:
        missing: dict[str, ModuleType | None] = {"cairosvg": None}
        with mock.patch.dict(sys.modules, missing):
            status, out, error = ended("-p", "a.png", "-s", "start", *self.files)
        self.assertEqual((status, out), (1, ""))
        self.assertIn("pip install 'kaltwisted[png]'", error)

    def test_a_picture_that_cannot_be_written_or_is_none(self) -> None:
        status, out, error = ended("-p", str(self.directory / "none" / "a.svg"), "-s", "start", *self.files)
        self.assertEqual((status, out), (1, ""))
        self.assertIn("the picture cannot be written", error)
        status, _, error = ended("-p", "a.jpeg", *self.files)
        self.assertEqual((status, "ends in .svg or .png" in error), (1, True))
