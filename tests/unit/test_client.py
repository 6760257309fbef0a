"""client: what the commands print, what they end with, and what they say when nobody answers."""

from __future__ import annotations

import io
import json
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import ThreadingUnixStreamServer
from tempfile import TemporaryDirectory
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from kaltwisted.client import events, explain, status
from kaltwisted.client.paint import Paint, wanted
from kaltwisted.client.view import view
from tests.unit.status_documents import NOW, document, instance, virtual_server

EVENT = {
    "id": 7,
    "at": NOW,
    "role": "vrrp",
    "kind": "instance",
    "name": "one",
    "from": "BACKUP",
    "to": "MASTER",
    "why": None,
}
ANSWERS: dict[str, tuple[int, str, bytes]] = {
    "/health/live": (200, "application/json", b'{"ok": true, "why_not": []}'),
    "/health/ready": (503, "application/json", b'{"ok": false, "why_not": ["vrrp is dead for 3 s"]}'),
    "/api/v1/status": (200, "application/json", json.dumps(document()).encode()),
    "/api/v1/events": (
        200,
        "application/json",
        json.dumps({"events": [EVENT, EVENT | {"name": "two"}], "last": 7, "missed": False}).encode(),
    ),
}


class _Server(ThreadingUnixStreamServer):
    daemon_threads = True


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        code, kind, body = ANSWERS.get(self.path, (404, "", b'{"error": "nothing", "remedy": "try else"}'))
        self.send_response(code)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None: ...

    def address_string(self) -> str:
        return "client"


@contextmanager
def daemon() -> Iterator[Path]:
    with TemporaryDirectory() as directory:
        path = Path(directory) / "api.sock"
        with _Server(str(path), _Handler) as server:
            thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
            thread.start()
            try:
                yield path
            finally:
                server.shutdown()
                thread.join()


def run(main: Callable[..., int], *words: str, path: Path) -> tuple[int, str, str]:
    out, err = io.TextIOWrapper(io.BytesIO(), "utf-8"), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        try:
            ended = main(words, (path,))
        except SystemExit as error:
            ended = int(error.code or 0)
        out.flush()
        text = out.buffer.getvalue().decode()  # type: ignore[attr-defined]
    return ended, text, err.getvalue()


class CommandTests(SynchronousTestCase):
    def test_status_for_people_and_for_programs(self) -> None:
        with daemon() as path:
            ended, text, _ = run(status.main, path=path)
            self.assertEqual(ended, 0)
            self.assertIn("kaltwisted 0.1.0 on lvs2, ready, up 1 min 40 s", text)
            self.assertNotIn("\x1b", text)
            ended, text, _ = run(status.main, "--json", path=path)
            self.assertEqual((ended, json.loads(text)), (0, document()))
            ended, text, _ = run(status.main, "10.0.0.2", path=path)
            self.assertIn("10.0.0.2:80", text)
            self.assertNotIn("10.0.0.1:80", text)

    def test_probes(self) -> None:
        with daemon() as path:
            self.assertEqual(run(status.main, "--live", path=path), (0, "live\n", ""))
            self.assertEqual(
                run(status.main, "--ready", path=path), (1, "not ready: vrrp is dead for 3 s\n", "")
            )

    def test_explanations(self) -> None:
        with daemon() as path:
            ended, text, _ = run(explain.main, "one", path=path)
            self.assertEqual((ended, text.splitlines()[0]), (0, "one is BACKUP for 1 min."))
            ended, text, _ = run(explain.main, "--json", "one", path=path)
            self.assertEqual(json.loads(text)[0]["kind"], "instance")
            ended, text, error = run(explain.main, "onee", path=path)
            self.assertEqual((ended, text), (1, ""))
            self.assertIn("nothing is called onee; there is one", error)

    def test_events(self) -> None:
        with daemon() as path:
            ended, text, _ = run(events.main, "one", path=path)
            self.assertEqual(ended, 0)
            self.assertIn("instance one: BACKUP -> MASTER", text)
            self.assertEqual(len(text.splitlines()), 1)
            _, text, _ = run(events.main, "--json", path=path)
            self.assertEqual([json.loads(line)["name"] for line in text.splitlines()], ["one", "two"])

    def test_nobody_answers(self) -> None:
        with TemporaryDirectory() as directory:
            path = Path(directory) / "api.sock"
            ended, text, error = run(status.main, path=path)
            self.assertEqual((ended, text), (3, ""))
            self.assertEqual(len(error.splitlines()), 1)
            self.assertIn(f"there is no socket {path}", error)
            with socket.socket(socket.AF_UNIX) as left:
                left.bind(str(path))
            for main in (status.main, events.main):
                ended, text, error = run(main, path=path)
                self.assertEqual(ended, 3)
                self.assertIn(f"nobody listens at {path}", error)
            self.assertEqual(run(status.main, "--ready", path=path)[0], 3)

    def test_what_is_no_daemon(self) -> None:
        with TemporaryDirectory() as directory:
            path = Path(directory) / "api.sock"
            with socket.socket(socket.AF_UNIX) as other:
                other.bind(str(path))
                other.listen()

                def answer() -> None:
                    connection, _ = other.accept()
                    connection.recv(1000)
                    connection.sendall(b"220 mail ready\r\n")
                    connection.close()

                thread = threading.Thread(target=answer)
                thread.start()
                ended, _, error = run(status.main, path=path)
                thread.join()
            self.assertEqual(ended, 3)
            self.assertIn("does not answer: 220 mail ready", error)

    def test_wrong_words(self) -> None:
        path = Path("/nowhere")
        for words in (("--watch", "0"), ("--json", "--live"), ("--nonsense",)):
            self.assertEqual(run(status.main, *words, path=path)[0], 2)

    def test_it_loads_no_twisted(self) -> None:
        text = (
            "import sys, kaltwisted.daemon.command, kaltwisted.client.status, kaltwisted.client.events,"
            " kaltwisted.client.explain; print(*sys.modules)"
        )
        done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=True)
        self.assertEqual([name for name in done.stdout.split() if name.startswith("twisted")], [])


class ViewTests(SynchronousTestCase):
    def lines(self, whole: Any, colours: bool = False) -> str:
        return "\n".join(view(whole, Paint(colours)))

    def test_all_of_it(self) -> None:
        text = self.lines(document())
        for words in (
            "vrrp  running  1 min 40 s  pid 101  started again twice, timers late by 0.4 ms at worst",
            "/etc/keepalived/keepalived.conf, read 1 min 40 s ago, 1 warning",
            "one  BACKUP  1 min  eth0 vrid 51  priority 100  master 10.0.0.1 (150)",
            "(150)  takes over unless heard in 3.1 s",
            "tcp/192.0.2.1:80/10.0.0.2:80  drain  10 min  by root  new disk",
            "G  BACKUP  1 min  one, two",
            "script chk  bad  exited with status 1, 1.0 s ago",
            "tcp/192.0.2.1:80  up  1 min 30 s  rr NAT  1 of 2 servers, weight 1",
            "10.0.0.1:80  up    30 s  weight 1  TCP_CHECK 1.2 ms",
            "10.0.0.2:80  down  30 s  weight 1  TCP_CHECK 10.0.0.2:80: timeout",
            "far  Up  1 h  10.0.0.9  every 10 ms, lost after 30 ms",
        ):
            self.assertIn(words, text)

    def test_trouble_stands_out(self) -> None:
        whole = document()
        whole["daemon"].update(ready=False, warnings=["vrrp is dead for 3 s"])
        whole["vrrp"]["instances"] = [
            instance(state="FAULT", faults=["interface eth0 down"], next={"what": None, "in_s": None}),
            instance(name="b", waits_for=["script chk"], split_brain="split brain: 10.0.0.1"),
            instance(name="c", state="MASTER", master=None, next={"what": "advert", "in_s": 0.5}),
        ]
        sorry = {"address": "10.0.0.9", "port": 81, "in_use": True}
        whole["checkers"]["virtual_servers"] = [
            virtual_server(quorum_up=False, quorum=2, sorry_server=sorry),
            virtual_server(quorum_up=False),
        ]
        text = self.lines(whole)
        for words in (
            "not ready",
            "! vrrp is dead for 3 s",
            "interface eth0 down",
            "waits for script chk",
            "! split brain: 10.0.0.1",
            "192.0.2.1/24 NOT SET",
            "sorry server 10.0.0.9:81",
            "no quorum",
            "quorum 2",
        ):
            self.assertIn(words, text)

    def test_colours_and_none(self) -> None:
        self.assertIn("\x1b[32mready\x1b[0m", self.lines(document(), colours=True))
        plain = self.lines(document())
        self.assertNotIn("\x1b", plain)

    def test_what_a_server_said_does_not_move_the_cursor(self) -> None:
        whole = document()
        whole["checkers"]["virtual_servers"][0]["real_servers"][1]["why"] = "\x1b[2J\x07fails\nhere"
        for colours in (False, True):
            text = self.lines(whole, colours)
            self.assertIn("?[2J?fails?here", text)
            self.assertNotIn("\x1b[2J", text)

    def test_a_daemon_without_roles(self) -> None:
        whole = document() | {"vrrp": None, "checkers": None, "bfd": None}
        whole["daemon"]["roles"] = []
        self.assertEqual(len(self.lines(whole | {"overrides": []}).splitlines()), 2)

    def test_when_colours_are_wanted(self) -> None:
        class Terminal(io.StringIO):
            def isatty(self) -> bool:
                return True

        self.assertTrue(wanted(Terminal(), {"TERM": "xterm"}))
        self.assertFalse(wanted(Terminal(), {"TERM": "xterm", "NO_COLOR": "1"}))
        self.assertFalse(wanted(Terminal(), {"TERM": "dumb"}))
        self.assertFalse(wanted(io.StringIO(), {}))
