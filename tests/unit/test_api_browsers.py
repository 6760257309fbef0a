"""api.browsers, and the socket that has it at its door."""

from __future__ import annotations

import os
import socket
from types import SimpleNamespace

from twisted.trial.unittest import SynchronousTestCase

from kaltwisted.api.access import Role
from kaltwisted.api.browsers import host_name, refuse_strangers
from kaltwisted.api.exchange import RefusalError
from kaltwisted.api.listening import admit_peer


class StrangerTests(SynchronousTestCase):
    def refused(self, **headers: str) -> int | None:
        try:
            refuse_strangers(headers)
        except RefusalError as refusal:
            return refusal.status
        return None

    def test_names(self) -> None:
        names = {
            "localhost": "localhost",
            "LocalHost:8080": "localhost",
            "127.0.0.1:8080": "127.0.0.1",
            "[::1]:8080": "::1",
            "[::1]": "::1",
            "evil.example.:80": "evil.example",
            "": "",
        }
        self.assertEqual({host: host_name(host) for host in names}, names)

    def test_commands_and_our_own_page_pass(self) -> None:
        for host in ("", "x", "localhost", "localhost:8080", "127.0.0.1:8080", "[::1]:8080", "192.0.2.1"):
            self.assertIsNone(self.refused(host=host), host)
        self.assertIsNone(self.refused(host="localhost:8080", origin="http://localhost:8080"))
        self.assertIsNone(self.refused(host="[::1]:8080", origin="http://[::1]:8080"))
        self.assertIsNone(self.refused())

    def test_a_name_that_a_name_server_can_turn_to_us_is_refused(self) -> None:
        for host in (
            "evil.example",
            "evil.example:8080",
            "127.0.0.1.evil.example",
            "a.localhost.evil",
            "1:2:3",
        ):
            self.assertEqual(self.refused(host=host, origin=f"http://{host}"), 421, host)

    def test_another_page_is_refused(self) -> None:
        for origin in ("http://evil.example", "null", "", "https://localhost", "http://localhost:8081"):
            self.assertEqual(self.refused(host="localhost:8080", origin=origin), 403, origin)

    def test_the_socket_asks_before_it_lets_in(self) -> None:
        ours, theirs = socket.socketpair()
        self.addCleanup(ours.close)
        self.addCleanup(theirs.close)
        transport = SimpleNamespace(socket=ours)
        access = admit_peer(transport, {"host": "localhost"})
        self.assertEqual(access.role, Role.CONTROL)
        self.assertIn(f"uid {os.getuid()}", access.by)
        with self.assertRaises(RefusalError):
            admit_peer(transport, {"host": "evil.example"})
