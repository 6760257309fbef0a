"""config.formats.structured: places of findings in JSON and YAML, and what is no configuration."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from kaltwisted.config.findings import Finding, Severity, render
from kaltwisted.config.load import Reading, load_text
from kaltwisted.config.memory import Memory
from tests.unit.test_config_formats import turned
from tests.unit.test_config_robust import KEYWORDS, everything_said

SECRET = "Zq7xyZq7"

JSON = """\
{
  "virtual_server": {
    "address": "10.0.0.1", "port": 80,
    "protocol": "TCP",
    "lb_kind": "NAT",
    "lb_algo": "wcl",
    "real_server": [
      {"address": "10.0.0.2", "port": 80, "wieght": 3},
      {"address": "10.0.0.3", "port": 80, "weight": -3,
       "TCP_CHECK": {"connect_port": 99999}}
    ]
  },
  "vrrp_instance": {
    "name": "V", "interface": "eth0", "virtual_router_id": 1,
    "virtual_ipaddress": ["10.0.0.9/24 dev eth0", "10.0.0.10/24 lable x"]
  }
}
"""
YAML = """\
virtual_server:
  - address: 10.0.0.1
    port: 80
    protocol: TCP
    lb_kind: NAT
    lb_algo: wcl
    real_server:
      - {address: 10.0.0.2, port: 80, wieght: 3}
      - address: 10.0.0.3
        port: 80
        weight: -3
        TCP_CHECK: {connect_port: 99999}
vrrp_instance:
  name: V
  interface: eth0
  virtual_router_id: 1
  virtual_ipaddress:
    - "10.0.0.9/24 dev eth0"
    - 10.0.0.10/24 lable x
"""


def read(text: str, form: str = "json") -> Reading:
    return load_text(text, f"a.{form}")


def lines(text: str, form: str) -> list[str]:
    """Each finding's place and what the caret underlines."""
    found = []
    for finding in read(text, form).findings:
        at = finding.position
        source = text.split("\n")[at.line - 1]
        found.append(f"{at.line}:{at.column} {source[at.column - 1 : at.column - 1 + finding.width]}")
    return found


class PlaceTests(SynchronousTestCase):
    def test_findings_stand_where_the_words_stand(self) -> None:
        self.assertEqual(
            lines(JSON, "json"),
            ['6:16 "wcl"', '8:43 "wieght"', "9:53 -3", "10:38 99999", "15:65 lable"],
        )
        self.assertEqual(
            lines(YAML, "yaml"), ["6:14 wcl", "8:39 wieght", "11:17 -3", "12:35 99999", "19:20 lable"]
        )

    def test_a_caret_is_drawn(self) -> None:
        shown = render(read(JSON).findings[0]).split("\n")
        self.assertEqual(
            shown[:3],
            [
                "a.json:6:16: error: `wcl` is not known here",
                '        "lb_algo": "wcl",',
                "                   ^~~~~",
            ],
        )

    def test_blocks_stand_where_they_begin(self) -> None:
        one, two = read('{"virtual_server": [{"address": "10.0.0.1"},\n {"address": "10.0.0.2"}]}').findings
        self.assertEqual(
            [(each.position.line, each.position.column) for each in (one, two)], [(1, 21), (2, 2)]
        )

    def test_words_on_several_lines(self) -> None:
        text = 'global_defs:\n  smtp_server:\n    - relay\n    - "x"\n'
        self.assertEqual(lines(text, "yaml"), ['4:7 "x"'])

    def test_what_is_the_matter_with_crlf_and_marks(self) -> None:
        [mark, finding] = read("\ufeff" + '{\r\n "global_defs": {\r\n  "x": 1}}').findings
        self.assertEqual((mark.severity, finding.position.line), (Severity.ADVICE, 3))
        self.assertEqual(finding.source_line, '  "x": 1}}')

    def test_a_memory_changes_nothing(self) -> None:
        memory = Memory()
        for text in (JSON, JSON, JSON.replace('"weight": -3', '"weight": 5'), JSON):
            self.assertEqual(load_text(text, "a.json", memory=memory), read(text))


class MeaningTests(SynchronousTestCase):
    def test_yaml_means_what_is_written(self) -> None:
        for value in ("1:30", "0x10", "010", "1_000", "on", "y", "2001-01-01", "12e03", ".5", "No"):
            found = read(f"global_defs:\n  router_id: {value}\n", "yaml")
            self.assertEqual((found.configuration.global_defs.router_id, found.findings), (value, ()))

    def test_switches(self) -> None:
        for value, on in (
            ("true", True),
            ("yes", True),
            ("On", True),
            ("false", False),
            ("no", False),
            ("off", False),
        ):
            found = read(f"global_defs:\n  lvs_flush: {value}\n  smtp_alert: {value.lower()}\n", "yaml")
            defs = found.configuration.global_defs
            self.assertEqual((defs.lvs_flush, defs.smtp_alert, found.findings), (on, on, ()), value)
        for on in (True, False):
            found = read(json.dumps({"global_defs": {"lvs_flush": on, "smtp_alert": on}}))
            defs = found.configuration.global_defs
            self.assertEqual((defs.lvs_flush, defs.smtp_alert, found.findings), (on, on, ()))

    def test_aliases_are_what_they_stand_for(self) -> None:
        text = (
            "virtual_server:\n  address: 10.0.0.1\n  port: 80\n"
            "  protocol: TCP\n  lb_kind: NAT\n  lb_algo: rr\n"
            "  real_server:\n    - address: 10.0.0.2\n      TCP_CHECK: &check {connect_port: 81}\n"
            "    - address: 10.0.0.3\n      TCP_CHECK: *check\n"
        )
        found = read(text, "yaml")
        self.assertEqual(found.findings, ())
        [service] = found.configuration.virtual_servers
        self.assertEqual([server.checks[0].connection.port for server in service.real_servers], [81, 81])  # type: ignore[union-attr]

    def test_nothing_at_all_and_a_schema(self) -> None:
        for text, form in (
            ("", "yaml"),
            ("# nothing\n", "yaml"),
            ("{}", "json"),
            ('{"$schema": "x"}', "json"),
        ):
            self.assertEqual(read(text, form).findings, ())

    def test_definitions_and_marks_are_words(self) -> None:
        found = read(
            '{"global_defs": {"router_id": "${_PWD}"},'
            ' "vrrp_script": {"name": "~SEQ(n, 1, 9)", "script": "@a"}}'
        )
        self.assertEqual(found.findings, ())
        self.assertEqual(found.configuration.global_defs.router_id, "${_PWD}")


class ShapeTests(SynchronousTestCase):
    """Wrong shapes are one finding each, and the rest is read."""

    def only(
        self, block: dict[str, Any], message: str, where: str = "global_defs", statuses: Any = (5, None)
    ) -> None:
        for form in ("json", "yaml"):
            text = json.dumps({where: block, "vrrp_script": {"name": "S", "script": "/x"}})
            found = read(text, form)
            [finding] = found.findings
            self.assertIn(message, finding.message)
            self.assertEqual((finding.severity, found.exit_status, found.fatal), (Severity.ERROR, *statuses))
            self.assertEqual(len(found.configuration.vrrp_scripts), 1)

    def test_values(self) -> None:
        self.only({"router_id": {"a": 1}}, "opens no block")
        self.only({"router_id": None}, "null is no word")
        self.only({"router_id": ["a", None]}, "null is no word")
        self.only({"router_id": []}, "empty list")
        self.only({"router_id": False}, "knows no false")
        self.only({"router_id": [["a"], "b"]}, "list of lists")
        self.only({"router_id": [["a", []]]}, "no word")
        self.only({"router_id": 'a"b'}, "a double quote")
        self.only({"router_id": "a\nb"}, "a line break")
        self.only({"router_id": "x" * 1100}, "1023 bytes")
        self.only({"unhaerd_of": {"a": 1}}, "not a keyword")
        self.only({"vrrp_instance": {"lines": []}}, "not a keyword")
        self.only({'a"b': 1}, "a double quote")
        self.only({"": 1}, "`` is not a keyword")
        self.only({"include": "conf.d/*.conf"}, "nothing is included", statuses=(6, 6))

    def test_blocks(self) -> None:
        self.only({"notification_email": "a@b"}, "opens a block")
        self.only({"notification_email": [["a@b"], "c@d"]}, "opens a block")
        self.only({"notification_email": ["a@b", None]}, "this is no line")
        self.only({"notification_email": ["a {"]}, "not one line of words")
        self.only({"notification_email": ["a # b"]}, "not one line of words")
        self.only({"notification_email": [""]}, "not one line of words")
        self.only({"notification_email": ["a\n}"]}, "not one line of words")
        self.only({"notification_email": {"lines": "a"}}, "a list of lines")
        self.only({"notification_email": {"line": []}}, "not a key here")

    def test_heads(self) -> None:
        self.only({"name": ["a", "b"]}, "is one word", "vrrp_instance")
        self.only({"port": 80}, "`address` is not", "virtual_server")
        self.only({"address": "::1", "fwmark": 1}, "cannot both be", "virtual_server")
        self.only({"fwmark": 1, "group": "g"}, "cannot both be", "virtual_server")
        self.only({"name": None}, "null is no word", "vrrp_instance")

    def test_checks(self) -> None:
        for checks, message in (
            ({"TCP_CHECK": {}}, "is a list"),
            ([{"TCP_CHECK": {}, "HTTP_GET": {}}], "nothing for `checks`"),
            (["TCP_CHECK"], "nothing for `checks`"),
            ([{"TPC_CHECK": {}}], "not a keyword"),
        ):
            server = {"address": "::2", "port": 1, "checks": checks}
            service = {"address": "::1", "port": 1, "protocol": "TCP", "lb_algo": "rr", "lb_kind": "NAT"}
            self.only(service | {"real_server": server}, message, "virtual_server")

    def test_a_key_twice(self) -> None:
        found = read('{"global_defs": {"router_id": "a", "router_id": "b"}}')
        self.assertEqual(found.configuration.global_defs.router_id, "a")
        self.assertIn("second time", found.findings[0].message)

    def test_blocks_where_they_do_not_belong_open_nothing(self) -> None:
        inner: dict[str, Any] = {"name": "W", "lines": [["a"], {"words": ["vrrp_instance"], "lines": []}]}
        for name, block in (("vrrp_instance", inner), ("other", {"lines": inner["lines"]})):
            text = json.dumps(
                {"vrrp_instance": {"name": "V", "interface": "e", "virtual_router_id": 1, name: block}}
            )
            for finding in read(text).findings:
                self.assertNotIn("not closed", finding.message)


BAD_JSON = {
    "": "expecting value",
    "{": "expecting property name",
    "[]": "not an object",
    "7": "not an object",
    '{"a": 1,}': "is not JSON",
    "{'a': 1}": "is not JSON",
    '{"a": NaN}': "`NaN` is not JSON",
    '{"a": -Infinity}': "is not JSON",
    '{"a": 01}': "is not JSON",
    '{"a": "\t"}': "control character",
    '{"a": "\\ud800"}': "surrogate",
    '{"a": 1} {"b": 2}': "extra data",
    "// comment\n{}": "is not JSON",
    "[" * 100_000: "deep in one another",
    '{"a":' * 100_000: "deep in one another",
    "global_defs {\n}\n": "is not JSON",
}
BAD_YAML = {
    "a: [": "is not YAML",
    "a:\n\t- b": "is not YAML",
    "a: b: c": "is not YAML",
    "- a": "not an object",
    "word": "not an object",
    "a: 1\n---\nb: 1": "second document",
    "a: !!python/object:os.system x": "a tag",
    "a: !!str x": "a tag",
    "a: *b": "has no `&b`",
    "a: &b [*b]": "has no `&b`",
    "<<: {a: 1}": "merge keys",
    "? [a, b]\n: c": "a list or an object",
    "a: \x01": "is not YAML",
    "a: \udce9": "not UTF-8",
    "[" * 200: "deep in one another",
    "[" * 100_000: "is not YAML",
    "- " * 50_000 + "x": "deep in one another",
    "x: &a [y]\n"
    + "".join(
        f"x{n}: &{b} [*{a},*{a},*{a},*{a},*{a},*{a},*{a},*{a},*{a}]\n"
        for n, (a, b) in enumerate(zip("abcdefghi", "bcdefghij", strict=True))
    ): "aliases stand for more",
    "x: &a [y]\n" + "".join(f"x{n}: &a [*a]\n" for n in range(200)): "deep in one another",
}


class HostileTests(SynchronousTestCase):
    def one(self, text: str, form: str, message: str) -> Finding:
        found = read(text, form)
        [finding] = found.findings
        self.assertIn(message, finding.message)
        self.assertEqual((found.fatal, found.exit_status), (2, 5), text[:50])
        everything_said(found)
        return finding

    def test_what_is_not_of_the_format_is_one_finding_and_no_start(self) -> None:
        for text, message in BAD_JSON.items():
            self.one(text, "json", message)
        for text, message in BAD_YAML.items():
            self.one(text, "yaml", message)

    def test_its_place(self) -> None:
        self.assertEqual(str(self.one('{\n "a": 1,\n}', "json", "").position), "a.json:3:1")
        self.assertEqual(str(self.one("a: 1\nb: [1, 2\nc: 3\n", "yaml", "").position), "a.yaml:3:2")

    @given(st.text(max_size=60), st.sampled_from(["json", "yaml"]))
    @settings(max_examples=300, deadline=None)
    def test_any_text_is_read(self, text: str, form: str) -> None:
        everything_said(read(text, form))

    @given(
        st.recursive(
            st.none()
            | st.booleans()
            | st.integers()
            | st.floats()
            | st.text(max_size=5)
            | st.sampled_from(KEYWORDS),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(
                    st.sampled_from(
                        [*KEYWORDS, "name", "address", "port", "words", "lines", "checks", "fwmark", "x"]
                    ),
                    inner,
                    max_size=4,
                )
            ),
            max_leaves=25,
        ),
        st.sampled_from(["json", "yaml"]),
    )
    @settings(max_examples=400, deadline=None)
    def test_any_data_is_read(self, data: Any, form: str) -> None:
        text = json.dumps(data, indent=1)
        for finding in read(text, form).findings:
            everything_said(Reading(read("{}").configuration, (finding,)))
            self.assertLessEqual(finding.position.line, text.count("\n") + 1)
            self.assertNotIn("not closed", finding.message)

    def test_no_password_is_told(self) -> None:
        blocks: list[Any] = [
            {"auth_pass": SECRET + "long"},
            {"auth_pass": [SECRET, "x"]},
            {"auth_pass": {"x": SECRET}},
            {"auth_pass": [[SECRET], [SECRET, "long"]]},
            {"auth_pas": SECRET},
            {"auth_type": ["PASS", SECRET]},
            {"auth_type": "PASS", SECRET: 1},
            {"auth_pass": SECRET + '"'},
            {"auth_pass": [None, SECRET]},
            {SECRET: {"a": None}},
            {"lines": [SECRET]},
            [SECRET],
            SECRET,
        ]
        for block in blocks:
            for indent in (None, 1):
                data = {
                    "vrrp_instance": {
                        "name": "V",
                        "interface": "e",
                        "virtual_router_id": 1,
                        "authentication": block,
                    }
                }
                text = json.dumps(data, indent=indent)
                for form in ("json", "yaml"):
                    self.assertNotIn(
                        SECRET, everything_said(read(text, form)).replace(f"b'{SECRET}'", ""), block
                    )
                    # Broken off behind it.
                    cut = text[: text.index(SECRET) + len(SECRET)] + " : : ["
                    self.assertNotIn(SECRET, everything_said(read(cut, form)))
        lines = f"    auth_pass: {SECRET}long\n    auth_pas: {SECRET}\n"
        plain = f"vrrp_instance:\n  name: V\n  authentication:\n{lines}"
        self.assertNotIn(SECRET, everything_said(read(plain, "yaml")).replace(f"b'{SECRET}'", ""))

    def test_ten_thousand_servers(self) -> None:
        text = "virtual_server 10.0.0.1 80 {\n protocol TCP\n lb_algo rr\n lb_kind NAT\n"
        text += "".join(
            f" real_server 10.1.{n >> 8}.{n & 255} 80 {{\n TCP_CHECK {{\n }}\n }}\n" for n in range(10_000)
        )
        for form in ("json", "yaml"):
            [service] = read(turned(text + "}\n", "keepalived", form), form).configuration.virtual_servers
            self.assertEqual(len(service.real_servers), 10_000)
