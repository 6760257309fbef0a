"""Answers as they arrive: what the body is, and when the answer is over."""

from __future__ import annotations

import hashlib
from itertools import pairwise

from hypothesis import example, given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from kaltwisted.healthcheck.response import MAX_HEADER, Flaw, Response, Window

HEAD = b"HTTP/1.1 200 OK\r\n"


class Read:
    """One answer read in the given pieces, then closed."""

    def __init__(self, *pieces: bytes, close: bool = True) -> None:
        self.pieces: list[bytes] = []
        self.response = Response(self.pieces.append)
        self.done = [self.response.feed(piece) for piece in pieces]
        if close:
            self.response.close()

    @property
    def body(self) -> bytes:
        return b"".join(self.pieces)

    def facts(self) -> tuple[object, ...]:
        response = self.response
        return response.status, response.header, response.flaw, response.done, self.body


def split(data: bytes, cuts: list[int]) -> list[bytes]:
    places = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    return [data[start:end] for start, end in pairwise(places)]


class BodyTests(SynchronousTestCase):
    def test_without_a_length_it_ends_with_the_connection(self) -> None:
        answer = Read(HEAD + b"\r\nabc", b"def")
        self.assertEqual((answer.body, answer.done), (b"abcdef", [False, False]))
        self.assertIsNone(answer.response.flaw)

    def test_content_length_ends_it_and_what_follows_does_not_count(self) -> None:
        answer = Read(HEAD + b"Content-Length: 3\r\n\r\nab", b"cdef", b"g", close=False)
        self.assertEqual((answer.body, answer.done), (b"abc", [False, True, True]))

    def test_an_empty_body_is_over_at_once(self) -> None:
        answer = Read(HEAD + b"Content-Length: 0\r\n\r\n", close=False)
        self.assertEqual((answer.body, answer.done), (b"", [True]))

    # What Debian's genhash 2.2.7 hashes of these six bytes: see also tests/network/test_genhash.py.
    def test_the_length_counts_in_that_spelling_only(self) -> None:
        for header, length in (
            (b"content-length: 3", 6),
            (b"Content-length: 3", 6),
            (b"Content-Length : 3", 6),
            (b"Content-Length: -3", 6),
            (b"Content-Length: 3x", 6),
            (b"Content-Length: +3", 3),
            (b"Content-Length:\t3", 3),
            (b"Content-Length:003", 3),
            (b"X-Content-Length: 3", 3),
            (b"Content-Length: 3\r\nContent-Length: 5", 3),
        ):
            self.assertEqual(Read(HEAD + header + b"\r\n\r\nabcdef").body, b"abcdef"[:length], header)

    def test_chunk_framing_is_part_of_the_body(self) -> None:
        chunks = b"3\r\nabc\r\n0\r\n\r\n"
        answer = Read(HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + chunks)
        self.assertEqual(answer.body, chunks)


class FlawTests(SynchronousTestCase):
    def test_each_flaw_has_its_name(self) -> None:
        for pieces, flaw in (
            ((), Flaw.NOTHING),
            ((b"SSH-2.0-OpenSSH_9.2\r\n",), Flaw.NOT_HTTP),
            ((b"HTTP/1.1 abc\r\n\r\n",), Flaw.NOT_HTTP),
            ((b"HTTP/1.1 2000\r\n\r\n",), Flaw.NOT_HTTP),
            ((b"HTT",), Flaw.NOT_HTTP),
            ((HEAD,), Flaw.HEADER_CUT),
            ((HEAD + b"A: b\n\n",), Flaw.HEADER_CUT),
            ((HEAD + b"Content-Length: 7\r\n\r\nabcdef",), Flaw.BODY_CUT),
            ((HEAD, b"x" * MAX_HEADER), Flaw.HEADER_TOO_LONG),
            ((HEAD + b"x" * MAX_HEADER + b"\r\n\r\n",), Flaw.HEADER_TOO_LONG),
        ):
            self.assertEqual(Read(*pieces).response.flaw, flaw, pieces)

    def test_it_is_hopeless_as_soon_as_it_is_known(self) -> None:
        self.assertEqual(Read(b"HTTP", b"S", close=False).done, [False, True])
        self.assertEqual(Read(HEAD, b"x" * MAX_HEADER, b"x", close=False).done, [False, True, True])

    def test_a_length_without_a_body_is_right_in_304(self) -> None:
        self.assertIsNone(Read(b"HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\n\r\n").response.flaw)


ANSWERS = st.builds(
    lambda start, header, body: start + header + b"\r\n\r\n" + body,
    st.sampled_from([HEAD, b"HTTP/1.0 503 x\r\n", b"HTTP/1.0 20\r\n", b"junk\r\n"]),
    st.sampled_from([b"", b"Content-Length: 4", b"Content-Length: 0", b"content-length: 4"]),
    st.binary(max_size=40),
)


class AnyBytesTests(SynchronousTestCase):
    @given(st.one_of(st.binary(max_size=200), ANSWERS), st.lists(st.integers(0, 400), max_size=12))
    @example(HEAD + b"Content-Length: 4\r\n\r\nabcdef", [len(HEAD), len(HEAD) + 19, len(HEAD) + 20])
    def test_pieces_make_no_difference_and_nothing_raises(self, data: bytes, cuts: list[int]) -> None:
        self.assertEqual(Read(*split(data, cuts)).facts(), Read(*([data] if data else [])).facts())

    def test_a_long_body_is_not_kept(self) -> None:
        digest = hashlib.md5(usedforsecurity=False)
        response = Response(digest.update)
        response.feed(HEAD + b"\r\n")
        piece = b"x" * 65536
        for _ in range(16):
            response.feed(piece)
        kept = sum(len(getattr(response, name)) for name in ("header", "_pending"))
        self.assertEqual(kept, len(HEAD) + 2)
        self.assertEqual(digest.hexdigest(), hashlib.md5(piece * 16).hexdigest())


class WindowTests(SynchronousTestCase):
    @given(st.lists(st.binary(max_size=20)), st.integers(0, 60))
    def test_it_keeps_the_beginning_up_to_its_limit(self, pieces: list[bytes], limit: int) -> None:
        window = Window(limit)
        for piece in pieces:
            window.update(piece)
        self.assertEqual(bytes(window), b"".join(pieces)[:limit])
