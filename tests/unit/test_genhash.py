"""genhash's command line and output, without a server."""

from __future__ import annotations

import contextlib
import hashlib
import io
from errno import ECONNREFUSED
from itertools import pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.error import ConnectionDone, ConnectionLost
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure
from twisted.python.usage import UsageError
from twisted.trial.unittest import SynchronousTestCase

from kaltwisted.config.model import HttpProtocol
from kaltwisted.genhash.client import Fetch, FetchError
from kaltwisted.genhash.options import Options
from kaltwisted.genhash.report import HexDump, Report

PAGE = b"<HTML><HEAD><TITLE>Unauthorized</TITLE></HEAD>\r\n"


def parse(*words: str) -> Options:
    options = Options()
    options.parseOptions(words)
    return options


class OptionTests(SynchronousTestCase):
    def test_every_letter_of_the_guide_has_its_long_form(self) -> None:
        for letter, long, value in (
            ("-s", "--server", "10.0.0.1"),
            ("-p", "--port", "8080"),
            ("-u", "--url", "/x"),
            ("-K", "--use-private-key", "k.pem"),
            ("-P", "--use-password", "secret"),
            ("-V", "--use-virtualhost", "www"),
            ("-C", "--use-certificate", "c.pem"),
        ):
            short = parse("-S", "-s", "10.0.0.9", letter, value)
            self.assertEqual(short, parse("--use-ssl", "--server", "10.0.0.9", long, value))
            self.assertEqual(short[long.removeprefix("--")], value)

    def test_help_and_version_end_well(self) -> None:
        for word, text in (
            ("-h", "--use-virtualhost"),
            ("--help", "-S"),
            ("-v", "genhash"),
            ("--version", "0"),
        ):
            output = io.StringIO()
            with contextlib.redirect_stdout(output):
                self.assertEqual(self.assertRaises(SystemExit, parse, word).code, 0)
            self.assertIn(text, output.getvalue())

    def test_defaults_and_today_s_options(self) -> None:
        self.assertEqual(parse("-s", "h").target, ("h", 80))
        self.assertEqual(parse("-S", "-s", "h").target, ("h", 443))
        self.assertEqual(parse("-s", "h", "--protocol", "1.0c").protocol, HttpProtocol.HTTP_1_0_CLOSE)
        self.assertEqual(parse("-s", "h", "-t", "1.5").timeout_s, 1.5)

    def test_mistakes_are_named(self) -> None:
        for words, text in (
            ((), "which server"),
            (("-s", "h", "-p", "0"), "port 0"),
            (("-s", "h", "-p", "http"), "port http"),
            (("-s", "h", "-p", "65536"), "port 65536"),
            (("-s", "h", "-t", "soon"), "timeout soon"),
            (("-s", "h", "-t", "nan"), "timeout nan"),
            (("-s", "h", "--protocol", "2"), "protocol 2"),
            (("-s", "h", "word"), "word"),
            (("-s", "h", "-K", "key.pem"), "--use-ssl"),
            (("-s", "h", "-u", "/\r\nX: y"), "url"),
            (("--nonsense",), "nonsense"),
        ):
            self.assertIn(text, str(self.assertRaises(UsageError, parse, *words)))


class HexDumpTests(SynchronousTestCase):
    def dump(self, *pieces: bytes) -> str:
        output = io.StringIO()
        dump = HexDump(output.write)
        for piece in pieces:
            dump.update(piece)
        dump.end()
        return output.getvalue()

    def test_the_guide_s_lines(self) -> None:
        self.assertEqual(
            self.dump(PAGE[:36]),
            "0000 3c 48 54 4d 4c 3e 3c 48 - 45 41 44 3e 3c 54 49 54 <HTML><HEAD><TIT\n"
            "0010 4c 45 3e 55 6e 61 75 74 - 68 6f 72 69 7a 65 64 3c LE>Unauthorized<\n"
            "0020 2f 54 49 54             -                         /TIT\n",
        )

    def test_what_does_not_print_is_a_dot(self) -> None:
        self.assertTrue(self.dump(bytes([0, 10, 31, 32, 126, 127, 128, 255])).endswith(" ... ~...\n"))

    @given(st.binary(max_size=70), st.lists(st.integers(0, 70)))
    def test_pieces_make_no_difference(self, data: bytes, cuts: list[int]) -> None:
        places = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
        self.assertEqual(self.dump(*(data[a:b] for a, b in pairwise(places))), self.dump(data))


class FetchTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.output = io.StringIO()

    def fetch(self, data: bytes, end: BaseException | None, quiet: bool = False) -> Any:
        fetch = Fetch(b"GET", Report(self.output, quiet), 5.0, self.clock)
        fetch.makeConnection(StringTransport())
        fetch.dataReceived(data)
        if end is not None:
            fetch.connectionLost(Failure(end))
        return fetch.result

    def test_the_output_is_the_guide_s(self) -> None:
        self.successResultOf(self.fetch(b"HTTP/1.1 401 No\r\n\r\n" + PAGE[:4], ConnectionDone()))
        digest = hashlib.md5(PAGE[:4]).hexdigest()
        self.assertEqual(
            self.output.getvalue(),
            "-----[ HTTP Header Buffer ]-----\n"
            "0000 48 54 54 50 2f 31 2e 31 - 20 34 30 31 20 4e 6f 0d HTTP/1.1 401 No.\n"
            "0010 0a 0d 0a                -                         ...\n"
            "-----[ HTML Buffer ]-----\n"
            "0000 3c 48 54 4d             -                         <HTM\n"
            "-----[ HTML MD5 final resulting ]-----\n"
            f"MD5 Digest : {digest}\n",
        )
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_quiet_is_the_digest_alone(self) -> None:
        answer = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
        self.successResultOf(self.fetch(answer, None, quiet=True))
        self.assertEqual(self.output.getvalue(), "d41d8cd98f00b204e9800998ecf8427e\n")

    def test_no_digest_is_told_of_what_is_no_answer(self) -> None:
        for data, end, text in (
            (b"SSH-2.0\r\n", None, "not HTTP"),
            (b"", ConnectionDone(), "closed without an answer"),
            (b"HTTP/1.0 200 OK\r\nContent-Length: 9\r\n\r\nhi", ConnectionDone(), "end of the body"),
            (b"", ConnectionLost(), "broke the connection off"),
        ):
            self.output = io.StringIO()
            failure = self.failureResultOf(self.fetch(data, end), FetchError)
            self.assertIn(text, str(failure.value))
            self.assertNotIn("Digest", self.output.getvalue())

    def test_silence_is_a_timeout_and_bytes_put_it_off(self) -> None:
        fetch = Fetch(b"GET", Report(self.output, True), 5.0, self.clock)
        fetch.makeConnection(StringTransport())
        for piece in (b"HTTP/1.0 ", b"200 OK\r\n", b"\r\n", b"x"):
            self.clock.advance(4)
            fetch.dataReceived(piece)
        self.assertNoResult(fetch.result)
        self.clock.advance(5)
        failure = self.failureResultOf(fetch.result, FetchError)
        self.assertIn("timeout waiting for the answer", str(failure.value))

    def test_a_refused_connection_is_told(self) -> None:
        fetch = Fetch(b"GET", Report(self.output, True), 5.0, self.clock)
        fetch.begin(lambda _protocol, failed: failed(OSError(ECONNREFUSED, "Connection refused")), fetch)  # type: ignore[arg-type, return-value, func-returns-value]
        failure = self.failureResultOf(fetch.result, FetchError)
        self.assertEqual(str(failure.value), "connection failed: Connection refused")
