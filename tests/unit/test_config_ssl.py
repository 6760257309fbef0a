"""The block ``SSL``."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from kaltwisted.config.dump import dump
from kaltwisted.config.findings import render
from kaltwisted.config.load import Reading, load_text
from kaltwisted.config.model import SslContext
from tests.unit.test_config_broken import instance

SECRET = "open-sesame"


def read(*blocks: str) -> Reading:
    return load_text("".join(f"SSL {{\n{lines}\n}}\n" for lines in blocks) + instance(""), "x.conf")


class SslTests(SynchronousTestCase):
    def test_files_and_pass_phrase(self) -> None:
        reading = read(f"certificate /c.pem\nkey /k.pem\npassword {SECRET}\nca /a.pem")
        self.assertEqual(reading.findings, ())
        expected = SslContext("/c.pem", "/k.pem", "/a.pem", SECRET.encode())
        self.assertEqual(reading.configuration.global_defs.ssl, expected)

    def test_a_second_block_takes_the_place_of_the_first(self) -> None:
        reading = read("certificate /c.pem\nkey /k.pem", "ca /a.pem")
        self.assertEqual(
            [each.log for each in reading.findings], ["SSL context already specified - replacing"]
        )
        self.assertEqual(reading.configuration.global_defs.ssl, SslContext(ca="/a.pem"))

    def test_the_pass_phrase_shows_nowhere(self) -> None:
        for lines in (
            f"password {SECRET}",
            f"password {SECRET} {SECRET}",
            f"psswd {SECRET}",
            f"ca {SECRET} {SECRET}",
            f"password {SECRET} {{\n{SECRET}\n}}",
        ):
            reading = read(lines)
            configuration = reading.configuration
            shown = "".join([*map(render, reading.findings), *dump(configuration), repr(configuration)])
            self.assertNotIn(SECRET, shown.replace(f"CA-file : {SECRET}", "").replace(f"ca='{SECRET}'", ""))

    def test_what_the_dump_says(self) -> None:
        def told(reading: Reading) -> list[str]:
            lines = list(dump(reading.configuration))
            start = lines.index("-----< SSL definitions >-----") + 1
            return [line for line in lines[start:] if " : " in line or "autogen" in line]

        self.assertEqual(told(read("")), ["  Using autogen SSL context"])
        self.assertEqual(
            told(read(f"certificate /c.pem\nkey /k.pem\npassword {SECRET}\nca /a.pem")),
            ["  CA-file : /a.pem", "  Certificate file : /c.pem", "  Key file : /k.pem"],
        )
