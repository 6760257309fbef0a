"""daemon.config: the words behind ``kaltwisted config``; and a daemon's file in JSON and YAML."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from kaltwisted import __version__
from kaltwisted.config.diff import compare
from kaltwisted.daemon import config
from kaltwisted.daemon.reading import ConfigurationFile
from tests.unit.commands import ended

POOL = """\
virtual_server 10.0.0.1 80 {{
    protocol TCP
    lb_algo rr
    lb_kind NAT
    real_server 10.0.0.2 80 {{
        weight {weight}
        TCP_CHECK {{
            connect_timeout 3
        }}
    }}
}}
"""


class Files(SynchronousTestCase):
    def setUp(self) -> None:
        self.directory = Path(self.mktemp())
        self.directory.mkdir()

    def file(self, name: str, text: str) -> str:
        path = self.directory / name
        path.write_text(text, "utf-8")
        return str(path)


class ConversionTests(Files):
    def test_from_each_format_to_each(self) -> None:
        conf = self.file("a.conf", POOL.format(weight=3))
        texts = {}
        for form in ("json", "yaml", "keepalived"):
            status, texts[form], error = ended("config", "--to", form, conf)
            self.assertEqual((status, error), (0, ""))
        self.assertEqual(texts["keepalived"], POOL.format(weight=3))
        for form, ending in (("json", "JSON"), ("yaml", "yaml"), ("yaml", "yml"), ("keepalived", "conf")):
            name = self.file(f"b.{ending}", texts[form])
            for to, expected in texts.items():
                self.assertEqual(ended("config", name, "--to", to), (0, expected, ""))
            self.assertEqual(ended("config", name)[1], texts["keepalived"])
            self.assertEqual(ended("check", "--no-system", name), (0, "", ""))
            self.assertEqual(ended("-t", "-f", name), (0, "", ""))

    def test_lines_for_this_machine_and_files_are_put_in(self) -> None:
        self.file("more.conf", POOL.format(weight=3))
        name = self.file("a.conf", "@lb1 include more.conf\n$W=5\nglobal_defs {\n router_id r$W\n}\n")
        _, with_more, _ = ended("config", "--to", "json", "-i", "lb1", name)
        _, without, _ = ended("config", "--to", "json", "-i", "lb2", name)
        self.assertEqual(list(json.loads(with_more)), ["virtual_server", "global_defs"])
        self.assertEqual(list(json.loads(without)), ["global_defs"])

    def test_what_is_found_goes_to_stderr_and_text_only_whole_to_stdout(self) -> None:
        status, text, error = ended("config", "--to", "yaml", self.file("a.conf", "unheard_of 1\n"))
        self.assertEqual((status, text), (5, "unheard_of: '1'\n"))
        self.assertIn("a.conf:1:1: error", error)
        for name, content, expected in (
            ("a.conf", "global_defs {\n", 5),
            ("a.json", "{", 5),
            ("a.yaml", "- x", 5),
        ):
            status, text, error = ended("config", self.file(name, content))
            self.assertEqual((status, text), (expected, ""))
            self.assertIn(f"{name}:1:", error)
        status, text, error = ended("config", str(self.directory / "none.json"))
        self.assertEqual((status, text), (6, ""))

    def test_help_version_and_mistakes(self) -> None:
        self.assertEqual(ended("config", "-h"), (0, config.HELP, ""))
        self.assertEqual(ended("config", "--version")[:2], (0, f"Kaltwisted v{__version__}\n"))
        for words, status, message in (
            (("--to", "toml"), 1, "one of json, yaml, keepalived"),
            (("a", "b"), 1, "one file"),
            (("--json",), 1, "--to json"),
            (("--diff", "a"), 2, "two files"),
            (("--diff", "--to", "json", "a", "b"), 2, "not both"),
            (("--bogus",), 1, "--bogus"),
        ):
            found, text, error = ended("config", *words)
            self.assertEqual((found, text), (status, ""))
            self.assertIn(message, error)
            self.assertIn("Usage:", error)

    def test_bytes_are_handed_over_as_they_are(self) -> None:
        path = self.directory / "a.conf"
        path.write_bytes(b"global_defs {\n    router_id \xe4\xc3\xa4\n}\n")
        command = [
            sys.executable,
            "-c",
            "import sys; from kaltwisted.daemon.command import main; sys.exit(main())",
        ]
        done = subprocess.run(
            [*command, "config", str(path)],
            capture_output=True,
            env={"LC_ALL": "C", "PYTHONPATH": ":".join(sys.path)},
        )
        self.assertEqual((done.returncode, done.stdout), (0, path.read_bytes()), done.stderr)


class DifferenceTests(Files):
    def test_statuses_are_those_of_diff(self) -> None:
        old = self.file("a.conf", POOL.format(weight=3))
        new = self.file(
            "b.yaml", ended("config", "--to", "yaml", self.file("c.conf", POOL.format(weight=4)))[1]
        )
        self.assertEqual(ended("config", "--diff", old, old), (0, "Nothing would change\n", ""))
        line = "real_server [10.0.0.2]:tcp:80 of VS [10.0.0.1]:tcp:80: weight 3 -> 4"
        self.assertEqual(ended("config", "--diff", old, new), (1, f"{line}\n", ""))
        status, text, _ = ended("config", "--diff", "--json", old, new)
        self.assertEqual((status, json.loads(text)), (1, {"refused": False, "changes": [line]}))

    def test_a_file_with_errors_is_refused_as_a_reload_refuses_it(self) -> None:
        old = self.file("a.conf", POOL.format(weight=3))
        new = self.file("b.conf", POOL.format(weight="x"))
        status, text, error = ended("config", "--diff", old, new)
        self.assertEqual((status, text), (2, f"A reload would be refused: {new} has errors\n"))
        self.assertIn("b.conf:6:16: error", error)
        # What runs may have errors: they were logged when it began.
        self.assertEqual(ended("config", "--diff", new, old)[0], 1)
        status, text, error = ended("config", "--diff", str(self.directory / "none"), old)
        self.assertEqual((status, text), (2, ""))
        self.assertIn("cannot be read", error)


class DaemonTests(Files):
    def test_a_start_and_a_reload_with_each_format(self) -> None:
        for form in ("json", "yaml"):
            path = self.directory / f"live.{form}"
            running = None
            for weight in (3, 3, 4):
                conf = self.file("a.conf", POOL.format(weight=weight))
                path.write_text(ended("config", "--to", form, conf)[1])
                if running is None:
                    running = ConfigurationFile(str(path))
                    before = running.read().configuration
                    continue
                reading = running.read()
                self.assertEqual(reading.findings, ())
                changes = list(compare(before, reading.configuration).words())
                self.assertEqual(len(changes), weight - 3, changes)
                before = reading.configuration

    def test_who_has_neither_loads_nothing_for_them(self) -> None:
        conf = self.file("a.conf", POOL.format(weight=3))
        script = (
            "import sys; from kaltwisted.config.load import load_file;"
            " load_file(sys.argv[1]); print(*sys.modules)"
        )
        done = subprocess.run(
            [sys.executable, "-c", script, conf], capture_output=True, text=True, check=True
        )
        loaded = {name for name in done.stdout.split() if name == "yaml" or ".formats" in name}
        self.assertEqual(loaded, set())


class PipeTests(Files):
    def test_nobody_reads_to_the_end(self) -> None:
        """``| head`` is no error, and nothing is said of it."""
        long = self.file("a.conf", "".join(f"unheard_of_{number} x\n" for number in range(4_000)))
        for words in (["check", long], ["check", "--json", long], ["config", "--to", "json", long]):
            command = [
                sys.executable,
                "-c",
                "import sys; from kaltwisted.daemon.command import main; sys.exit(main())",
            ]
            # Findings of `config` go to stderr, more of them than a pipe holds.
            with (
                (self.directory / "errors").open("w+") as errors,
                subprocess.Popen(
                    [*command, *words],
                    stdout=subprocess.PIPE,
                    stderr=errors,
                    env={"PYTHONPATH": ":".join(sys.path)},
                ) as running,
            ):
                assert running.stdout is not None
                running.stdout.read(10)
                running.stdout.close()
                self.assertEqual(running.wait(60), 5)
                errors.seek(0)
                said = errors.read()
            self.assertNotIn("Traceback", said)
            self.assertNotIn("BrokenPipe", said)
