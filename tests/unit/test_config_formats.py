"""config.formats: the same configuration in JSON, in YAML and in keepalived's language."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from twisted.trial.unittest import SynchronousTestCase

from kaltwisted.config import load
from kaltwisted.config.definitions import Surroundings
from kaltwisted.config.expand import expand
from kaltwisted.config.formats.conversion import Conversion, converted
from kaltwisted.config.formats.structured import structured
from kaltwisted.config.keywords.table import tables
from kaltwisted.config.keywords.top import TOP
from kaltwisted.config.source import Source
from kaltwisted.config.statement import Statement
from kaltwisted.config.tree import parse
from tests.unit.statements import Made, configurations, text_of

ROOT = Path(__file__).parents[2]
SAMPLES = sorted([*(ROOT / "tests/data/guide").glob("*.conf"), *(ROOT / "etc/keepalived").glob("*.sample")])
OF_THE_TEXT = ("the password ends at", "stands behind the end of")
"""Findings about comments and braces, of which there are none any more."""

ENDINGS = {"json": "a.json", "yaml": "a.yaml", "keepalived": "a.conf"}


def source_of(text: str, form: str) -> Source:
    if form == "keepalived":
        return expand(text, ENDINGS[form], Surroundings())
    return structured(text, ENDINGS[form], form)


def turned(text: str, *forms: str) -> str:
    """A text from the first format to the second, from that to the third, and so on."""
    for before, after in pairwise(forms):
        found = converted(source_of(text, before), after)
        assert found.text is not None, (text, before, after, found.reading.errors)
        text = found.text
    return text


def data(text: str) -> Any:
    """keepalived's language as JSON has it."""
    return json.loads(turned(text, "keepalived", "json"))


def said(text: str, form: str) -> tuple[Any, list[str]]:
    """What a text means, and what is found wrong with it, in any order."""
    reading = load.read(source_of(text, form)).reading
    found = sorted(
        f"{each.severity} {each.message.partition(' (also on')[0]}"
        for each in reading.findings
        if not any(part in each.message for part in OF_THE_TEXT)
    )
    return reading.configuration, found


def words(statements: list[Statement]) -> list[Made]:
    return [(each.words, None if each.block is None else words(each.block)) for each in statements]


def tree(text: str) -> list[Made]:
    return words(parse(source_of(text, "keepalived"), TOP).statements)


class RoundTripTests(SynchronousTestCase):
    @given(configurations())
    @settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
    def test_whatever_is_made_of_keywords(self, made: list[Made]) -> None:
        text = text_of(made)
        first = converted(source_of(text, "keepalived"), "json")
        if first.text is None:
            self.assertIn("cannot be converted", str(first.reading.errors))
            return
        meant = said(text, "keepalived")
        for form in ("json", "yaml"):
            written = turned(text, "keepalived", form)
            self.assertEqual(said(written, form), meant)
            self.assertEqual(said(turned(written, form, "keepalived"), "keepalived"), meant)
        self.assertEqual(turned(first.text, "json", "yaml", "json"), first.text)
        self.assertEqual(turned(first.text, "json", "keepalived", "json"), first.text)
        tidy = turned(text, "keepalived", "keepalived")
        self.assertEqual((said(tidy, "keepalived"), tree(tidy)), (meant, tree(text)))
        self.assertEqual(turned(tidy, "keepalived", "keepalived"), tidy)

    def test_samples(self) -> None:
        done = 0
        for sample in SAMPLES:
            text = sample.read_text("utf-8")
            if converted(source_of(text, "keepalived"), "json").text is None:
                continue  # braces that do not match, as the guide has them
            done += 1
            for form in ("json", "yaml"):
                written = turned(text, "keepalived", form)
                self.assertEqual(said(written, form), said(text, "keepalived"), sample.name)
                self.assertEqual(turned(written, form, "keepalived", form), written, sample.name)
        self.assertGreaterEqual(done, 6)


class ShapeTests(SynchronousTestCase):
    """What the data looks like, keyword by keyword."""

    def test_values(self) -> None:
        block = data(
            "global_defs {\n lvs_flush\n smtp_alert\n smtp_alert_vrrp off\n router_id 7\n"
            " smtp_connect_timeout 5\n smtp_server a 25\n umask 022\n unheard_of a b\n}\n"
        )["global_defs"]
        self.assertEqual(
            block,
            {
                "lvs_flush": True,
                "smtp_alert": True,
                "smtp_alert_vrrp": False,
                "router_id": "7",
                "smtp_connect_timeout": 5,
                "smtp_server": ["a", "25"],
                "umask": "022",
                "unheard_of": ["a", "b"],
            },
        )

    def test_numbers_only_where_they_are_written_so_everywhere(self) -> None:
        for text, value in (
            ("1.5", 1.5),
            ("1", 1),
            ("01", "01"),
            ("1.", "1."),
            ("+1", "+1"),
            ("1.50", "1.50"),
        ):
            found = data(f"vrrp_instance V {{\n advert_int {text}\n}}\n")
            self.assertEqual(found["vrrp_instance"]["advert_int"], value)

    def test_heads(self) -> None:
        for head, names in {
            "10.0.0.1 80": {"address": "10.0.0.1", "port": 80},
            "10.0.0.1": {"address": "10.0.0.1"},
            "fwmark 7": {"fwmark": 7},
            "group G": {"group": "G"},
            "fwmark": {"address": "fwmark"},
            "10.0.0.1 80 more": {"address": "10.0.0.1", "port": 80, "words": ["more"]},
            "fwmark 7 more": {"fwmark": 7, "words": ["more"]},
            "": {},
        }.items():
            self.assertEqual(data(f"virtual_server {head} {{\n}}\n")["virtual_server"], names)
        self.assertEqual(
            data("virtual_server_group G {\n fwmark 7\n}\n"),
            {"virtual_server_group": {"name": "G", "lines": ["fwmark 7"]}},
        )

    def test_what_stands_several_times_where_it_stands_last(self) -> None:
        found = data(
            "vrrp_instance V {\n priority 1\n state MASTER\n priority 2\n nopreempt\n nopreempt\n}\n"
        )
        self.assertEqual(
            list(found["vrrp_instance"].items()),
            [("name", "V"), ("state", "MASTER"), ("priority", [["1"], ["2"]]), ("nopreempt", [[], []])],
        )
        one, two = data("vrrp_script a {\n}\nvrrp_script b {\n}\n")["vrrp_script"]
        self.assertEqual((one, two), ({"name": "a"}, {"name": "b"}))

    def test_blocks_of_lines(self) -> None:
        text = 'vrrp_instance V {\n virtual_ipaddress {\n 10.0.0.1 dev eth0\n "a b"\n }\n%s}\n'
        one = ["10.0.0.1 dev eth0", '"a b"']
        self.assertEqual(data(text % "")["vrrp_instance"]["virtual_ipaddress"], one)
        again = data(text % " virtual_ipaddress {\n }\n")
        self.assertEqual(again["vrrp_instance"]["virtual_ipaddress"], [one, []])

    def test_checks_keep_their_order(self) -> None:
        checks = "TCP_CHECK {\n }\n MISC_CHECK {\n misc_path /a\n }\n TCP_CHECK {\n }\n weight 2\n"
        text = f"virtual_server 10.0.0.1 80 {{\n real_server 10.0.0.2 80 {{\n {checks} }}\n}}\n"
        server = data(text)["virtual_server"]["real_server"]
        self.assertEqual(
            server["checks"], [{"TCP_CHECK": {}}, {"MISC_CHECK": {"misc_path": "/a"}}, {"TCP_CHECK": {}}]
        )
        self.assertEqual(server["weight"], 2)
        direct = '{"virtual_server": {"address": "::1", "real_server": {"address": "::2", "TCP_CHECK": {}}}}'
        [service] = load.load_text(direct, "a.json").configuration.virtual_servers
        self.assertEqual(len(service.real_servers[0].checks), 1)

    def test_commands(self) -> None:
        for line, value in {
            "\"/bin/x a 'b c'\"": "/bin/x a 'b c'",
            "/bin/x user group": ["/bin/x", "user", "group"],
            r'"a \x22b\x22"': 'a "b"',
            "'single'": "single",
        }.items():
            text = f"vrrp_script S {{\n script {line}\n}}\n"
            self.assertEqual(data(text)["vrrp_script"]["script"], value)
            # Tidied up, a command stays as it was quoted.
            self.assertIn(f"    script {line}\n", turned(text, "keepalived", "keepalived"))

    def test_blocks_that_nobody_knows(self) -> None:
        text = "unheard_of a {\n x 1\n y {\n z\n }\n x 2\n}\n"
        lines = [["x", "1"], {"words": ["y"], "lines": [["z"]]}, ["x", "2"]]
        self.assertEqual(data(text), {"unheard_of": {"words": ["a"], "lines": lines}})
        self.assertEqual(tree(turned(text, "keepalived", "yaml", "keepalived")), tree(text))

    def test_names_of_heads_are_no_keywords_of_their_blocks(self) -> None:
        for table in tables(TOP):
            named = {*table.header, *table.marked, table.ordered, "words", "lines", "$schema"} - {""}
            self.assertFalse(named & {*table.keywords, *table.misprints}, table.name)

    def test_every_block_of_the_top_level_that_has_a_name_has_a_header(self) -> None:
        nameless = {
            name for name, keyword in TOP.keywords.items() if keyword.block and not keyword.block.header
        }
        self.assertEqual(
            nameless,
            {"global_defs", "SSL", "garp_group", "interface_up_down_delays", "linkbeat_interfaces"}
            | {"static_ipaddress", "static_routes", "static_rules"},
        )


class WritingTests(SynchronousTestCase):
    """keepalived's language out."""

    def test_tidy(self) -> None:
        text = 'a # comment\nglobal_defs { router_id "x" # why\n\tlvs_flush }\nvrrp_script s\n{\n}\n'
        self.assertEqual(
            turned(text, "keepalived", "keepalived"),
            "a\n\nglobal_defs {\n    router_id x\n    lvs_flush\n}\n\nvrrp_script s {\n}\n",
        )

    def refused(self, text: str, form: str, to: str, *why: str) -> None:
        found: Conversion = converted(source_of(text, form), to)
        self.assertIsNone(found.text)
        messages = [each.message for each in found.reading.errors]
        for word in why:
            self.assertTrue([each for each in messages if word in each], messages)
        self.assertNotEqual(found.reading.exit_status, 0)

    def test_what_the_language_cannot_say_is_told(self) -> None:
        for word, why in (('a"b', "a double quote"), ("a\nb", "a line break"), ("x" * 1100, "1023 bytes")):
            text = json.dumps({"global_defs": {"router_id": word}})
            self.refused(text, "json", "keepalived", why)
        for word in ("${X}", "${_PWD}", "$_HASH x"):
            self.refused(json.dumps({"global_defs": {"router_id": word}}), "json", "keepalived", "definition")

    def test_a_line_that_fits_only_without_its_indentation(self) -> None:
        text = json.dumps({"global_defs": {"router_id": "x" * 1010}})
        self.assertIsNotNone(converted(source_of(text, "json"), "yaml").text)
        self.refused(text, "json", "keepalived", "1023 bytes")

    def test_half_a_configuration_is_none(self) -> None:
        for text, why in (
            ("global_defs {\n", "not closed"),
            ('a "b\n', "quote"),
            ("includem /nowhere\n", "does not exist"),
            ("a ${X}\n", "not defined"),
            ("a " + "x" * 1100, "1023 bytes"),
            ("vrrp_script s\n", "has no block"),
            ("global_defs {\n router_id x {\n }\n}\n", "opens no block"),
            ("virtual_server 10.0.0.1 80 {\n address x\n}\n", "no keyword here"),
            ("$schema\n", "no keyword here"),
            ("vrrp_script s {\n script 'a\n}\n", "quote is not closed"),
        ):
            for to in ("json", "yaml"):
                self.refused(text, "keepalived", to, why)

    def test_what_was_taken_into_the_block_in_front_stands_there(self) -> None:
        text = "virtual_server 10.0.0.1 80 {\n real_server 10.0.0.2 80 {\n }\n TCP_CHECK {\n }\n}\n"
        [server] = [data(text)["virtual_server"]["real_server"]]
        self.assertEqual(server["checks"], [{"TCP_CHECK": {}}])
        self.assertNotIn("TCP_CHECK", data(text)["virtual_server"])
        self.assertEqual(turned(text, "keepalived", "keepalived").count("TCP_CHECK"), 1)

    def test_bytes_that_are_no_text_go_through_json(self) -> None:
        text = "global_defs {\n    router_id d\udce9j\n}\n"
        written = turned(text, "keepalived", "json")
        self.assertTrue(written.isascii())
        self.assertEqual(turned(written, "json", "keepalived"), text)
        self.refused(text, "keepalived", "yaml", "UTF-8")
