"""api.tokens and api.door: who comes in over TCP, and who does not."""

from __future__ import annotations

from ipaddress import ip_address
from unittest.mock import patch

from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.address import IPv4Address
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.logger import LogLevel
from twisted.trial.unittest import SynchronousTestCase

from kaltwisted.api.access import Access, Role
from kaltwisted.api.door import TELL_EVERY_S, Door, Rules
from kaltwisted.api.exchange import RefusalError
from kaltwisted.api.tokens import Tokens, TokensError, hashed, new
from kaltwisted.config.model import ApiListen, ApiSettings, Public

A, B = hashed("a"), hashed("b")


class TestTokens(SynchronousTestCase):
    def test_a_new_one_lets_its_bearer_in(self) -> None:
        token, line = new("control", "ann@noc")
        tokens = Tokens.read(f"# who\n\n{line}  # since May\nread prometheus sha256:{B}\n")
        self.assertEqual(tokens.who(token), Access(Role.CONTROL, "ann@noc"))
        self.assertEqual(tokens.who("b"), Access(Role.READ, "prometheus"))
        self.assertIsNone(tokens.who(token + "x"))
        self.assertIsNone(tokens.who(hashed(token)))
        self.assertNotIn(token, line)
        self.assertNotIn(token, repr(tokens))

    def test_each_mistake_has_its_line(self) -> None:
        for text, words in (
            ("read ann", "ROLE NAME"),
            (f"write ann sha256:{A}", "read, control"),
            (f"read a/b sha256:{A}", "letters"),
            ("read ann secret", "no hash"),
            (f"read ann sha256:{A[:-1]}", "no hash"),
            (f"read bob sha256:{A}", "bob has a token"),
            (f"read ann sha256:{B}", "bob's already"),
        ):
            with self.assertRaises(TokensError) as refused:
                Tokens.read(f"control bob sha256:{B}\n{text}\n")
            self.assertIn("line 2: ", str(refused.exception), text)
            self.assertIn(words, str(refused.exception), text)

    def test_a_token_that_stands_in_the_file_is_not_told(self) -> None:
        for line in ("read ann TOPSECRET", "TOPSECRET", "read TOP/SECRET x"):
            with self.assertRaises(TokensError) as refused:
                Tokens.read(line)
            self.assertNotIn("SECRET", str(refused.exception))

    @given(st.text())
    def test_whatever_the_text(self, text: str) -> None:
        try:
            self.assertIsNone(Tokens.read(text).who(text))
        except TokensError as error:
            self.assertTrue(str(error).startswith("line "))


class TestDoor(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.settings = ApiSettings(
            (ApiListen(ip_address("192.0.2.1"), 80),), public=(Public.HEALTH,), names=("lb.example.net",)
        )
        self.told: list[str] = []
        self.patch(Door, "_log", self)

    def emit(self, level: LogLevel, format: str, **fields: object) -> None:
        self.told.append(format.format(**fields))

    def warn(self, format: str, **fields: object) -> None:
        self.emit(LogLevel.warn, format, **fields)

    def door(self, *, secure: bool = True) -> Door:
        tokens = Tokens({A: Access(Role.CONTROL, "ann")})
        return Door(lambda: Rules(self.settings, tokens), self.clock, secure=secure)

    def admit(self, door: Door, at: str = "192.0.2.1", **headers: str) -> Access:
        transport = StringTransport(IPv4Address("TCP", at, 80), IPv4Address("TCP", "198.51.100.9", 40_000))
        return door.admit(transport, {"host": "192.0.2.1", **headers})

    def refused(self, door: Door, at: str = "192.0.2.1", **headers: str) -> int:
        with self.assertRaises(RefusalError) as refused:
            self.admit(door, at, **headers)
        self.assertTrue(refused.exception.remedy)
        return refused.exception.status

    def test_a_token_says_who_it_is(self) -> None:
        access = self.admit(self.door(), authorization="Bearer a")
        self.assertEqual((access.role, access.by), (Role.CONTROL, "ann (198.51.100.9)"))

    def test_without_one_there_is_what_is_public(self) -> None:
        access = self.admit(self.door())
        self.assertEqual((access.role, access.public), (Role.PUBLIC, frozenset({Public.HEALTH})))

    def test_a_wrong_token_is_not_no_token(self) -> None:
        for sent in ("Bearer b", "Bearer", "Bearer ", "Basic a", "a", "Bearer a a"):
            self.assertEqual(self.refused(self.door(), authorization=sent), 401, sent)

    def test_who_guesses_fills_no_log(self) -> None:
        door = self.door()
        for _ in range(1000):
            self.refused(door, authorization="Bearer b")
        self.assertEqual(self.told, ["API: wrong token from 198.51.100.9"])
        self.clock.advance(TELL_EVERY_S)
        self.refused(door, authorization="Bearer b")
        self.assertEqual(self.told[1:], ["API: wrong token from 198.51.100.9, and 999 times before"])
        self.assertEqual(door.refused, 1001)

    def test_over_plain_http_no_token_is_taken_even_a_good_one(self) -> None:
        door = self.door(secure=False)
        self.assertEqual(self.refused(door, authorization="Bearer a"), 403)
        self.assertIs(self.admit(door).role, Role.PUBLIC)

    def test_a_request_names_us(self) -> None:
        door = self.door()
        for host in ("192.0.2.1", "192.0.2.1:80", "lb.example.net", "LB.Example.Net.:80"):
            self.admit(door, host=host)
        for host in ("evil.example", "192.0.2.2", "", "localhost", "[::1]:80", "192.0.2.1.evil.example"):
            self.assertEqual(self.refused(door, host=host), 421, host)

    def test_localhost_is_us_where_nobody_else_can_ask(self) -> None:
        for host in ("localhost:9650", "127.0.0.1:9650"):
            self.admit(self.door(), "127.0.0.1", host=host)
        for host in ("[::1]:9650", "[::1]"):
            self.admit(self.door(), "::1", host=host)

    @given(st.text(max_size=40), st.text(max_size=40))
    def test_whatever_is_said(self, host: str, authorization: str) -> None:
        with patch.object(Door, "_log", self):
            try:
                self.assertIs(
                    self.admit(self.door(), host=host, authorization=authorization).role, Role.PUBLIC
                )
            except RefusalError as refusal:
                self.assertIn(refusal.status, (401, 421))
