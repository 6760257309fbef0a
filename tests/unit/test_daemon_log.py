"""daemon.log: which lines are shown, how they look, and that nobody can hold us up."""

from __future__ import annotations

import io
import os
import select
import socket
import tempfile
import time
from pathlib import Path
from typing import Any

from twisted.logger import ILogObserver, Logger, LogLevel
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from kaltwisted.daemon.log import (
    LOOK_AGAIN_S,
    ConsoleObserver,
    Formatter,
    Observers,
    SyslogObserver,
    facility,
    ident,
    wanted,
)


def event(
    namespace: str = "kaltwisted.lvs.service", level: Any = LogLevel.info, **more: Any
) -> dict[str, Any]:
    return {"log_namespace": namespace, "log_level": level, "log_time": 1_795_413_600.0, **more}


class TestWanted(SynchronousTestCase):
    def test_by_detail(self) -> None:
        for what, shown_from in [
            (event(), 0),
            (event(level=LogLevel.debug), 1),
            (event("twisted.internet", LogLevel.warn), 0),
            (event("twisted.internet"), 1),
            (event("twisted.internet", LogLevel.debug), 2),
            (event("kaltwisted.x", log_format="Starting factory {factory!r}", factory=object()), 2),
            (event("kaltwisted.x", LogLevel.error, log_format="Starting factory", factory=object()), 0),
            (event("log_legacy", log_format="{log_text}", log_text="(UDP Port 112 Closed)"), 2),
            (event("log_legacy", log_format="{log_text}", log_text="VRRP starting on 112"), 2),
        ]:
            self.assertEqual(
                [wanted(what, detail) for detail in range(3)], [d >= shown_from for d in range(3)]
            )


class TestIdent(SynchronousTestCase):
    def test_the_rooms_speak_as_keepalived_s_processes(self) -> None:
        for namespace, name in [
            ("kaltwisted.healthcheck.tcp", "Keepalived_healthcheckers"),
            ("kaltwisted.lvs", "Keepalived_healthcheckers"),
            ("kaltwisted.lvsx", "Keepalived"),
            ("kaltwisted.alerts.mail.MailService", "Keepalived_healthcheckers"),
            ("kaltwisted.daemon.role.checker.CheckerRole", "Keepalived_healthcheckers"),
            ("kaltwisted.vrrp.service", "Keepalived_vrrp"),
            ("kaltwisted.bfd.service", "Keepalived_bfd"),
            ("kaltwisted.daemon.service", "Keepalived"),
            ("twisted.internet", "Keepalived"),
        ]:
            self.assertEqual(ident(namespace), name)

    def test_facilities(self) -> None:
        names = ("daemon", "user", "0", "7", "local3")
        self.assertEqual([facility(name) for name in names], [3, 1, 16, 23, 19])
        for wrong in ("8", "", "kern", "-1", "01"):
            with self.assertRaises(ValueError):
                facility(wrong)


class TestFormatter(SynchronousTestCase):
    def test_a_peer_cannot_forge_a_line(self) -> None:
        lines = list(Formatter().lines(event(log_format="said {w}", w="hi\nMon: Stopped \x1b[2J\u2028é\t.")))
        self.assertEqual(lines, [r"said hi\nMon: Stopped \x1b[2J\u2028é" + "\t."])

    def test_a_traceback_is_shown_once(self) -> None:
        events: list[Any] = []
        log = Logger(observer=events.append)
        for _ in range(2):
            try:
                raise ValueError("broken\nwhole")
            except ValueError:
                log.failure("Checking {what}", what="x")
        formatter = Formatter()
        first, second = (list(formatter.lines(each)) for each in events)
        self.assertEqual(first[0], "Checking x")
        self.assertTrue(any("ValueError: broken" in line for line in first))
        self.assertGreater(len(first), 3)
        self.assertEqual(second, ["Checking x", "  (with the same traceback as before)"])

    def test_tracebacks_are_not_collected_for_ever(self) -> None:
        events: list[Any] = []
        log = Logger(observer=events.append)
        formatter = Formatter()
        for number in range(200):
            try:
                raise ValueError(number)
            except ValueError:
                log.failure("x")
        for each in events:
            list(formatter.lines(each))
        self.assertLess(len(formatter._shown), 100)


class TestConsole(SynchronousTestCase):
    def test_keepalived_s_form(self) -> None:
        stream = io.StringIO()
        console = ConsoleObserver(stream)
        verifyObject(ILogObserver, console)
        console(event(log_format="Startup complete"))
        console(event(log_format="hidden", log_level=LogLevel.debug))
        console(event(log_format="one line", rendered="file:1:2: error\n    x\n    ^"))
        when = time.ctime(1_795_413_600.0)
        self.assertEqual(
            stream.getvalue().splitlines(),
            [f"{when}: {line}" for line in ("Startup complete", "file:1:2: error", "    x", "    ^")],
        )

    def test_a_stuck_console_drops_lines_and_tells_so_later(self) -> None:
        reader, writer = os.pipe()
        self.addCleanup(os.close, reader)
        with os.fdopen(writer, "w") as stream:
            console = ConsoleObserver(stream)
            for number in range(2000):
                console(event(log_format="x" * 100 + " {number}", number=number))
            taken = os.read(reader, 1 << 20).decode()
            console(event(log_format="after"))
            rest = os.read(reader, 1 << 20).decode()
        lost = 2000 - taken.count("\n")
        self.assertGreater(lost, 0)
        self.assertIn(f"{lost} log messages lost: the console was stuck\n", rest)
        self.assertTrue(rest.endswith(": after\n"))

    def test_a_file_is_not_asked_whether_it_takes_more(self) -> None:
        def poll() -> None:
            self.fail("asked")

        self.patch(select, "poll", poll)
        with tempfile.TemporaryFile("w+") as file:
            ConsoleObserver(file)(event(log_format="x"))
            file.seek(0)
            self.assertIn(": x\n", file.read())

    def test_a_reader_that_went_away_does_no_harm(self) -> None:
        reader, writer = os.pipe()
        os.close(reader)
        with os.fdopen(writer, "w") as stream:
            ConsoleObserver(stream)(event(log_format="x"))


class TestSyslog(SynchronousTestCase):
    def setUp(self) -> None:
        # Short: the name of a socket has at most 107 characters.
        directory = tempfile.TemporaryDirectory(prefix="kt")
        self.addCleanup(directory.cleanup)
        self.path = f"{directory.name}/log"
        self.now = 0.0
        self.syslog = SyslogObserver(facility("local1"), path=self.path, now=lambda: self.now)
        self.addCleanup(self.syslog.close)

    def listen(self) -> socket.socket:
        Path(self.path).unlink(missing_ok=True)
        server = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(server.close)
        server.bind(self.path)
        server.setblocking(False)
        return server

    def test_idents_end_with_the_daemon_s_name(self) -> None:
        server = self.listen()
        for name, whose in ((None, "Keepalived_edge["), ("Keepalived_vrrp", "Keepalived_vrrp_edge[")):
            syslog = SyslogObserver(path=self.path, name=name, instance="edge")
            self.addCleanup(syslog.close)
            syslog(event(log_format="a line", log_namespace="kaltwisted.daemon.service"))
            self.assertIn(whose, server.recv(4096).decode())

    def test_priority_ident_and_pid(self) -> None:
        server = self.listen()
        self.syslog(event(log_format="Removing service {s}", s="S"))
        self.syslog(event("kaltwisted.daemon.service", LogLevel.error, log_format="x"))
        stamp = time.strftime("%b %e %H:%M:%S", time.localtime(1_795_413_600.0))
        self.assertEqual(
            server.recv(9999).decode(),
            f"<142>{stamp} Keepalived_healthcheckers[{os.getpid()}]: Removing service S",
        )
        self.assertEqual(server.recv(9999).decode(), f"<139>{stamp} Keepalived[{os.getpid()}]: x")

    def test_a_missing_syslogd_is_found_when_it_comes(self) -> None:
        for _ in range(3):
            self.syslog(event(log_format="unheard"))
        server = self.listen()
        self.now += LOOK_AGAIN_S
        self.syslog(event(log_format="heard"))
        self.assertIn("3 log messages lost", server.recv(9999).decode())
        self.assertIn("heard", server.recv(9999).decode())

    def test_a_missing_syslogd_is_not_looked_for_with_every_line(self) -> None:
        looked: list[float] = []

        def connect() -> socket.socket:
            looked.append(self.now)
            raise FileNotFoundError

        self.patch(self.syslog, "_connect", connect)
        for _ in range(1000):
            self.syslog(event(log_format="unheard"))
            self.now += LOOK_AGAIN_S / 100
        self.assertLess(len(set(looked)), 12)
        self.assertEqual(self.syslog.dropped, 1000)

    def test_a_restarted_syslogd_loses_nothing(self) -> None:
        with self.listen():
            self.syslog(event(log_format="first"))
        server = self.listen()
        self.syslog(event(log_format="second"))
        self.assertIn("second", server.recv(9999).decode())

    def test_a_stuck_syslogd_does_not_block(self) -> None:
        server = self.listen()
        for _ in range(5000):
            self.syslog(event(log_format="x"))
        heard = 0
        try:
            while True:
                server.recv(9999)
                heard += 1
        except BlockingIOError:
            pass
        self.assertEqual(heard + self.syslog.dropped, 5000)
        self.assertGreater(self.syslog.dropped, 0)

    def test_together(self) -> None:
        seen: list[Any] = []
        both = Observers([seen.append, seen.append])
        verifyObject(ILogObserver, both)
        both({"a": 1})
        self.assertEqual(seen, [{"a": 1}] * 2)
