"""daemon.options: keepalived's flags, whatever their form and order."""

from __future__ import annotations

import contextlib
import io
import tempfile
from pathlib import Path
from typing import Any

from twisted.python.usage import UsageError
from twisted.trial.unittest import SynchronousTestCase

from kaltwisted.daemon.options import DEFAULT_FILE, Options, Settings


def read(*words: str, twistd: dict[str, Any] | None = None) -> Settings:
    options = Options()
    options.parent = twistd
    options.parseOptions(words)
    return options.settings()


def ended(*words: str) -> tuple[object, str]:
    """Exit status and what was printed."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
        try:
            read(*words)
        except SystemExit as end:
            return end.code, out.getvalue()
    raise AssertionError("did not end")


class TestOptions(SynchronousTestCase):
    def test_the_guide_s_flags_long_and_short(self) -> None:
        self.assertEqual(read(), Settings(file=DEFAULT_FILE))
        self.assertEqual(read("-f", "k", "-d", "-l", "-n"), Settings("k", dump=True, console=True))
        self.assertEqual(
            read("--use-file", "k", "--dump-conf", "--log-console", "--dont-fork"),
            Settings("k", dump=True, console=True),
        )
        self.assertEqual(read("-nldf", "k"), read("--dont-fork", "--log-c", "--dump", "--use-file=k"))

    def test_detail_counts(self) -> None:
        self.assertEqual(
            [read(*words).detail for words in ((), ("-D",), ("-DD",), ("--log-detail", "-D"))], [0, 1, 2, 2]
        )

    def test_ours_and_the_rest_that_works(self) -> None:
        found = read("--strict", "--data-plane=userspace", "-I", "-G", "-S", "3", "-C", "-P")
        self.assertEqual(
            found,
            Settings(
                strict=True, data_plane="userspace", keep_ipvs=True, syslog=False, facility=19, checkers=True
            ),
        )
        self.assertFalse(read("-P").checkers)

    def test_every_flag_of_keepalived_is_taken(self) -> None:
        words = (
            "-f k -P -C -B --all -l -D -S local1 -G -u 022 -X -V -I -R -n -d -p pid -r v -c c -b b -a -x -A s"
        )
        words += (
            " -m -M --core-dump-pattern=core -i id -e -L -O --no-mem-check --flush-log-file --perf --debug"
        )
        found = read(*words.split(), "--ignore-sigint")
        self.assertEqual(found.file, "k")
        self.assertTrue(found.keep_addresses)
        self.assertEqual((found.config_id, found.all_includes), ("id", True))
        self.assertEqual((found.idle_roles, found.respawn), (True, False))
        pid_files = {role: Path(path).name for role, path in found.role_pid_files}
        self.assertEqual(pid_files, {"vrrp": "v", "checkers": "c", "bfd": "b"})
        self.assertFalse(found.bfd)
        notes = "\n".join(found.notes)
        for flag in (
            "-X",
            "-a",
            "-x",
            "-A",
            "-m",
            "-L",
            "-O",
        ):
            self.assertIn(f"({flag}): accepted, has no effect yet", notes)
        for flag in ("--core-dump-pattern", "--perf", "--debug", "--ignore-sigint"):
            self.assertIn(f"{flag}: accepted, has no effect yet", notes)

    def test_words_are_reported_ignored_and_may_stand_anywhere(self) -> None:
        found = read("stray", "-f", "k", "more")
        self.assertEqual(found.file, "k")
        self.assertEqual(found.notes, ("Unexpected argument(s): stray more",))

    def test_what_is_no_flag_or_value(self) -> None:
        for words, message in [
            (("--bogus",), "--bogus"),
            (("-Z",), "-Z"),
            (("-f",), "requires argument"),
            (("--data-plane", "magic"), "magic"),
            (("-S", "kern"), "kern"),
            (("-u", "9"), "octal"),
            (("-s", "blue"), "ip netns exec blue"),
            (("-D", "-T"), "must come first"),
            (("--signum=NONE",), "RELOAD"),
        ]:
            with self.assertRaisesRegex(UsageError, message):
                read(*words)

    def test_what_prints_and_ends(self) -> None:
        from kaltwisted import __version__

        for flag in ("-v", "--version"):
            self.assertEqual(ended(flag), (0, f"Kaltwisted v{__version__}\n"))
        for flag in ("-h", "--help"):
            status, text = ended(flag)
            self.assertEqual(status, 0)
            for long in Options().longOpt:
                if long.rstrip("=") in ("config-test", "strict", "dump-conf", "use-file", "signum", "umask"):
                    self.assertIn(f"--{long.rstrip('=')}", text)
        self.assertEqual(ended("--signum=RELOAD"), (0, "1\n"))
        self.assertEqual(ended("--signum", "STOP"), (0, "15\n"))

    def test_twistd_is_told(self) -> None:
        twistd = {"nodaemon": 0, "pidfile": "twistd.pid", "umask": None, "logfile": "x"}
        with tempfile.TemporaryDirectory() as directory:
            found = read("-n", "-p", f"{directory}/pid", "-u", "27", "-f", "relative", twistd=twistd)
        self.assertEqual(
            twistd | {"pidfile": ""}, {"nodaemon": True, "pidfile": "", "umask": 0o27, "logfile": "x"}
        )
        self.assertEqual(twistd["pidfile"], f"{directory}/pid")
        self.assertTrue(found.twistd_logs, "the user's own --logfile wins")
        self.assertTrue(Path(found.file).is_absolute(), "a daemon changes its directory")


class TestConfigTest(SynchronousTestCase):
    def setUp(self) -> None:
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.directory = Path(directory.name)
        self.file = self.directory / "keepalived.conf"

    def test_exit_status_and_findings(self) -> None:
        for text, expected in [("global_defs {\n router_id A\n}\n", 0), ("unheard_of\n", 5)]:
            self.file.write_text(text)
            for flags in (("-t",), ("--config-test",), ("-nt",)):
                status, printed = ended(*flags, "-f", str(self.file))
                self.assertEqual(status, expected, printed)
                self.assertEqual("keepalived.conf:1:1: error" in printed, expected != 0)
        self.assertEqual(ended("-t", "-f", str(self.directory / "missing"))[0], 6)

    def test_id_and_includes_of_the_command_line(self) -> None:
        self.file.write_text("@lb9 unheard_of\ninclude none.conf\n")
        for flags, expected in ((("-i", "lb9"), 5), (("--config-id=lb8",), 0), (("-i", "lb8", "-e"), 6)):
            self.assertEqual(ended("-t", "-f", str(self.file), *flags)[0], expected, flags)

    def test_findings_to_a_file(self) -> None:
        self.file.write_text("unheard_of\n")
        log = self.directory / "findings"
        self.assertEqual(ended(f"--config-test={log}", "-f", str(self.file)), (5, ""))
        self.assertIn("unheard_of", log.read_text())
