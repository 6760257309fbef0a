"""Whatever the text: reading never raises, never hangs, never tells a password."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from kaltwisted.config.dump import dump
from kaltwisted.config.findings import render
from kaltwisted.config.keywords.table import tables
from kaltwisted.config.keywords.top import TOP
from kaltwisted.config.load import Reading, load_text

KEYWORDS = sorted({name for table in tables(TOP) for name in table.keywords})
PIECES = st.one_of(
    st.sampled_from(KEYWORDS),
    st.sampled_from(
        ["{", "}", "\n", "\n", '"', "'", "#", "!", "\\", "\0", "\r", "\t", "${A}", "$A=1\n", "@x "]
    ),
    st.sampled_from(
        ["10.0.0.1", "80", "::1", "1.5", "-1", "TCP", "NAT", "rr", "fwmark", "group", "yes", "5x", "~"]
    ),
    st.text(max_size=8),
)
SOUP = st.lists(PIECES, max_size=80).map(" ".join)


def everything_said(reading: Reading) -> str:
    """All that a person or a log could see of a reading."""
    lines = [*map(render, reading.findings), *(finding.log_line() for finding in reading.findings)]
    return "\n".join([*lines, *dump(reading.configuration), repr(reading.configuration)])


class RobustnessTests(SynchronousTestCase):
    @given(st.text(max_size=400))
    @settings(max_examples=300, deadline=None)
    def test_any_text_is_read(self, text: str) -> None:
        everything_said(load_text(text, "x"))

    @given(SOUP)
    @settings(max_examples=400, deadline=None)
    def test_any_soup_of_keywords_is_read(self, text: str) -> None:
        reading = load_text(text, "x")
        everything_said(reading)
        for finding in reading.findings:
            self.assertLessEqual(1, finding.position.line)
            self.assertLessEqual(finding.position.line, text.count("\n") + 1)
            self.assertLessEqual(1, finding.position.column)

    @given(SOUP)
    @settings(max_examples=200, deadline=None)
    def test_reading_is_a_function_of_the_text(self, text: str) -> None:
        self.assertEqual(load_text(text, "x"), load_text(text, "x"))

    @given(
        st.sampled_from(
            [
                "auth_pass SECRET",
                "auth_pass SECRET more words",
                'auth_pass "SECRET',
                "auth_pas SECRET",
                "auth_pass SECRET {",
                "auth_pass\nSECRET",
                "auth_pass SECRET!x",
                "auth_type PASS SECRET",
                "password SECRET",
                "auth_type PASS auth_pass SECRET",
            ]
        ),
        st.text(alphabet="QXZqxz0123456789%&*+", min_size=6, max_size=30),
        st.booleans(),
    )
    @settings(max_examples=300, deadline=None)
    def test_no_password_is_ever_told(self, line: str, tail: str, closed: bool) -> None:
        secret = "Zq" + tail
        line = line.replace("SECRET", secret)
        text = (
            "vrrp_instance V {\n    interface eth0\n    virtual_router_id 1\n    authentication {\n"
            f"        {line}\n{'    }' if closed else ''}\n}}\n"
        )
        told = everything_said(load_text(text, "x"))
        self.assertNotIn(secret, told)
        self.assertNotIn(secret[:8], told)

    def test_garbage_of_a_megabyte_is_read(self) -> None:
        for text in (
            "{" * 1_000_000,
            "}" * 100_000,
            "a {\n" * 100_000,
            "x\n" * 100_000,
            "".join(f"word{number}\n" for number in range(20_000)),
            "real_server 1.2.3.4 80 {\n" * 20_000,
            '"' * 100_000,
            "virtual_server 10.0.0.1 80 {\n" * 5_000 + "}\n" * 5_000,
            "x" * 1_000_000,
            "pass" * 250_000,
        ):
            self.assertNotEqual(load_text(text, "x").exit_status, 0)
