"""Netlink: bytes to messages and back, and the conversation with the kernel."""

from __future__ import annotations

import errno
import struct

from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IReadDescriptor
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from kaltwisted.kernel.generic import find_family, open_generic, parse_family
from kaltwisted.kernel.messages import (
    NLM_F_ACK_TLVS,
    NLM_F_DUMP_INTR,
    NLMSG_DONE,
    NLMSG_ERROR,
    NLMSG_OVERRUN,
    MalformedError,
    Message,
    NetlinkError,
    Request,
    attribute,
    attributes,
    error_of,
    pack,
    split,
)
from kaltwisted.kernel.netlink import WINDOW, Netlink
from kaltwisted.testing.netlink import FakeNetlinkSocket, ReaderClock, acknowledgement, listing, message

ASKED = Request(30, b"abcd", attempted="ask for something")


class MessageTests(SynchronousTestCase):
    """What the bytes say."""

    @given(st.lists(st.tuples(st.integers(16, 0xFFFF), st.integers(0, 2**32 - 1), st.binary(max_size=50))))
    def test_packed_messages_split_again(self, wanted: list[tuple[int, int, bytes]]) -> None:
        data = b"".join(pack(Request(type_, payload), 5, number) for type_, number, payload in wanted)
        got = [(each.type, each.sequence, each.data[16:]) for each in split(data)]
        self.assertEqual(got, wanted)

    @given(st.binary(max_size=200))
    def test_any_bytes_are_messages_or_the_one_error(self, data: bytes) -> None:
        try:
            for each in split(data):
                error_of(each)
                attributes(each.data, 16)
        except MalformedError:
            pass

    @given(st.dictionaries(st.integers(1, 0x3FFF), st.binary(max_size=30)))
    def test_attributes_come_back(self, wanted: dict[int, bytes]) -> None:
        data = b"".join(attribute(type_ | 0x8000, value) for type_, value in wanted.items())
        self.assertEqual(attributes(data), wanted)

    def test_extended_acknowledgement_after_the_whole_request(self) -> None:
        request = pack(ASKED, 0, 7)
        payload = struct.pack("=i", -errno.EINVAL) + request + attribute(1, b"no such thing\0")
        (answer,) = split(message(NLMSG_ERROR, 7, payload, NLM_F_ACK_TLVS))
        error = error_of(answer, "try")
        assert error is not None
        self.assertEqual(str(error), "try: no such thing (EINVAL)")


class NetlinkTests(SynchronousTestCase):
    """Requests, batches and dumps over a socket whose other end is played."""

    def setUp(self) -> None:
        self.reactor = ReaderClock()
        self.sockets: list[FakeNetlinkSocket] = []
        self.answer = lambda asked: [acknowledgement(asked)]
        self.events: list[Message] = []
        self.losses = 0
        self.netlink = Netlink(self.reactor, self.connect, heard=self.events.append, lost=self.lost)
        self.addCleanup(self.netlink.close)

    def connect(self) -> FakeNetlinkSocket:
        self.sockets.append(FakeNetlinkSocket(lambda asked: self.answer(asked)))
        return self.sockets[-1]

    def lost(self) -> None:
        self.losses += 1

    def failed(self, deferred: Deferred[object]) -> int:
        return self.failureResultOf(deferred, NetlinkError).value.errno  # type: ignore[no-any-return]

    def test_it_is_a_reader(self) -> None:
        verifyObject(IReadDescriptor, self.netlink)

    def test_a_request_fires_with_the_answers_before_its_acknowledgement(self) -> None:
        self.answer = lambda asked: [message(31, asked.sequence, b"1234"), acknowledgement(asked)]
        asked = self.netlink.request(ASKED)
        self.assertNoResult(asked)
        self.reactor.spin(2)
        self.assertEqual([each.data[16:] for each in self.successResultOf(asked)], [b"1234"])

    def test_a_refusal_says_what_was_attempted(self) -> None:
        self.answer = lambda asked: [acknowledgement(asked, errno.EEXIST)]
        asked = self.netlink.request(ASKED)
        self.reactor.spin(2)
        error = self.failureResultOf(asked, NetlinkError).value
        self.assertEqual(str(error), "ask for something: File exists (EEXIST)")

    def test_answers_find_their_request_in_any_order(self) -> None:
        self.answer = lambda asked: ()
        first, second = self.netlink.request(ASKED), self.netlink.request(ASKED)
        one, two = (next(split(data)) for data in self.sockets[0].sent)
        self.sockets[0].inbox.extend([acknowledgement(two), acknowledgement(one, errno.EPERM)])
        self.reactor.spin(2)
        self.assertEqual(self.successResultOf(second), [])
        self.assertEqual(self.failed(first), errno.EPERM)

    def test_a_batch_goes_out_in_one_piece_and_each_answer_counts(self) -> None:
        self.answer = lambda asked: [acknowledgement(asked, errno.EEXIST if asked.data[16] == 3 else 0)]
        asked = self.netlink.batch([Request(30, bytes([number])) for number in range(5)])
        self.reactor.spin(2)
        self.assertEqual(len(self.sockets[0].sent), 1)
        errors = self.successResultOf(asked)
        self.assertEqual([error and error.errno for error in errors], [None, None, None, errno.EEXIST, None])

    def test_an_empty_batch_is_done(self) -> None:
        self.assertEqual(self.successResultOf(self.netlink.batch([])), [])

    def test_no_more_than_the_window_is_ever_unanswered(self) -> None:
        unanswered: list[Message] = []
        self.answer = lambda asked: unanswered.append(asked) or ()  # type: ignore[func-returns-value]
        asked = self.netlink.batch([ASKED] * (2 * WINDOW + 1))
        sizes = []
        while unanswered:
            sizes.append(len(unanswered))
            now, unanswered[:] = list(unanswered), []
            self.sockets[0].inbox.extend(map(acknowledgement, now))
            self.reactor.spin(2)
        self.assertEqual(sizes, [WINDOW, WINDOW, 1])
        self.assertEqual(self.successResultOf(asked), [None] * (2 * WINDOW + 1))

    def test_a_dump_is_parsed_message_by_message_in_several_turns(self) -> None:
        payload = bytes(16_000)
        self.answer = lambda asked: listing(asked, [payload] * 20)
        sizes: list[int] = []
        asked = self.netlink.dump(ASKED, lambda each: sizes.append(len(each.data)))
        self.reactor.turn()
        self.assertTrue(0 < len(sizes) < 20)
        self.reactor.spin(20)
        self.assertEqual(len(self.successResultOf(asked)), 20)

    def test_one_dump_at_a_time(self) -> None:
        answered: list[Message] = []
        self.answer = lambda asked: answered.append(asked) or ()  # type: ignore[func-returns-value]
        first, second = (self.netlink.dump(ASKED, lambda each: each) for _ in range(2))
        self.reactor.spin(2)
        self.assertEqual(len(answered), 1)
        first.cancel()
        self.failureResultOf(first, CancelledError)
        self.reactor.spin(2)
        self.assertEqual(len(answered), 1)  # the kernel still has the first one's end to say
        self.sockets[0].inbox.extend(listing(answered[0], [b"late"]))
        self.answer = lambda asked: listing(asked, [b"good"])
        self.reactor.spin(3)
        self.assertEqual([each.data[16:] for each in self.successResultOf(second)], [b"good"])

    def test_a_dump_that_does_not_parse_fails_alone(self) -> None:
        self.answer = lambda asked: listing(asked, [b"good"])

        def parse(each: Message) -> None:
            raise MalformedError("nonsense")

        asked = self.netlink.dump(ASKED, parse)
        again = self.netlink.dump(ASKED, lambda each: each.data[16:])
        self.reactor.spin(5)
        self.failureResultOf(asked, MalformedError)
        self.assertEqual(self.successResultOf(again), [b"good"])

    def test_a_dump_that_changed_meanwhile_is_no_answer(self) -> None:
        self.answer = lambda asked: [
            message(30, asked.sequence, b"half", NLM_F_DUMP_INTR),
            message(NLMSG_DONE, asked.sequence, bytes(4)),
        ]
        asked = self.netlink.dump(ASKED, lambda each: each)
        self.reactor.spin(2)
        self.assertEqual(self.failed(asked), errno.EINTR)

    def test_after_an_overrun_all_unanswered_fail_and_the_rest_goes_on(self) -> None:
        lost = [OSError(errno.ENOBUFS, "no room"), bytes(3), message(NLMSG_OVERRUN, 0, b"")]
        for number, what in enumerate(lost, 1):
            self.answer = lambda asked: ()
            one, many = self.netlink.request(ASKED), self.netlink.batch([ASKED, ASKED])
            dump, cancelled = (self.netlink.dump(ASKED, lambda each: each) for _ in range(2))
            cancelled.addErrback(lambda failure: None).cancel()
            self.answer = lambda asked: [acknowledgement(asked)]
            self.sockets[-1].inbox.append(what)
            waiting = self.netlink.batch([ASKED] * WINDOW)
            self.reactor.spin(5)
            reason = errno.EBADMSG if number == 2 else errno.ENOBUFS
            self.assertEqual(self.failed(one), reason)
            self.assertEqual(self.failed(dump), reason)
            self.assertEqual([e and e.errno for e in self.successResultOf(many)], [reason] * 2)
            self.assertEqual(self.losses, number)
            self.assertTrue(self.sockets[-2].closed)
            self.assertEqual(self.successResultOf(waiting)[-1], None)

    def test_what_is_never_answered_ends_in_time(self) -> None:
        self.answer = lambda asked: ()
        asked = self.netlink.request(ASKED)
        self.reactor.advance(3)
        later = self.netlink.request(ASKED)
        self.reactor.pump([1] * 3)
        self.assertEqual(self.failed(asked), errno.ETIMEDOUT)
        self.assertEqual(self.failed(later), errno.ETIMEDOUT)
        self.netlink.close()
        self.assertEqual(self.reactor.getDelayedCalls(), [])

    def test_a_dump_that_goes_on_is_waited_for(self) -> None:
        self.answer = lambda asked: ()
        asked = self.netlink.dump(ASKED, lambda each: each.data[16:])
        (sent,) = split(self.sockets[0].sent[0])
        for _ in range(4):
            self.reactor.advance(4)
            self.sockets[0].inbox.append(message(30, sent.sequence, b"more"))
            self.reactor.turn()
        self.assertNoResult(asked)
        self.sockets[0].inbox.append(message(NLMSG_DONE, sent.sequence, bytes(4)))
        self.reactor.turn()
        self.assertEqual(self.successResultOf(asked), [b"more"] * 4)

    def test_closing_cancels_and_leaves_nothing(self) -> None:
        self.answer = lambda asked: ()
        asked = [self.netlink.request(ASKED), self.netlink.dump(ASKED, lambda each: each)]
        batch = self.netlink.batch([ASKED] * 200)
        self.netlink.close()
        for each in [*asked, batch, self.netlink.request(ASKED)]:
            self.failureResultOf(each, CancelledError)
        self.assertEqual(self.reactor.getDelayedCalls(), [])
        self.assertEqual(self.reactor.readers, [])
        self.assertTrue(self.sockets[0].closed)

    def test_a_flood_of_events_leaves_time_for_others(self) -> None:
        self.sockets[0].inbox.extend([(message(16, 0, b"address"), (0, 1))] * 1000)
        self.reactor.turn()
        self.assertTrue(0 < len(self.events) <= 50)
        self.reactor.spin(100)
        self.assertEqual(len(self.events), 1000)

    def test_requests_that_take_long_and_follow_one_another_leave_time_for_others(self) -> None:
        def answer(asked: Message) -> list[bytes]:
            self.reactor.advance(0.0015)  # the kernel makes an interface, while we send
            return [acknowledgement(asked)]

        self.answer = answer
        done: list[int] = []

        async def make() -> None:
            for number in range(10):
                await self.netlink.request(ASKED)
                done.append(number)

        made = Deferred.fromCoroutine(make())
        self.reactor.turn()
        self.assertTrue(0 < len(done) <= 3)
        self.reactor.spin(10)
        self.successResultOf(made)

    def test_events_are_heard_and_strangers_are_not(self) -> None:
        self.sockets[0].inbox.append((message(16, 0, b"link"), (0, 1)))
        self.sockets[0].inbox.append((message(16, 0, b"evil"), (4242, 1)))
        self.reactor.turn()
        self.assertEqual([each.data[16:] for each in self.events], [b"link"])

    def test_a_refused_send_fails_its_requests(self) -> None:
        def refuse(data: bytes) -> int:
            raise OSError(errno.EPERM, "no")

        self.sockets[0].send = refuse  # type: ignore[method-assign]
        self.assertEqual(self.failed(self.netlink.request(ASKED)), errno.EPERM)

    def test_a_socket_that_cannot_be_replaced_ends_the_conversation(self) -> None:
        self.answer = lambda asked: ()
        asked = self.netlink.request(ASKED)

        def connect() -> FakeNetlinkSocket:
            raise OSError(errno.EMFILE, "too many")

        self.netlink._connect = connect
        self.sockets[0].inbox.append(OSError(errno.ENOBUFS, "no room"))
        self.reactor.spin(2)
        self.assertEqual(self.failed(asked), errno.EMFILE)
        self.failureResultOf(self.netlink.request(ASKED), CancelledError)

    def test_the_sequence_number_never_marks_an_event(self) -> None:
        self.netlink._sequence = 0xFFFFFFFE
        asked = self.netlink.batch([ASKED, ASKED])
        self.reactor.spin(2)
        self.assertEqual(self.successResultOf(asked), [None, None])
        self.assertEqual([each.sequence for each in split(self.sockets[0].sent[0])], [0xFFFFFFFF, 1])


class FamilyTests(SynchronousTestCase):
    """Generic netlink families."""

    def find(self, *errors: int) -> int | None:
        reactor = ReaderClock()

        def answer(asked: Message) -> list[bytes]:
            if errors:
                return [acknowledgement(asked, errors[0])]
            family = bytes(4) + attribute(1, struct.pack("=H", 33)) + attribute(2, b"IPVS\0")
            return [message(16, asked.sequence, family), acknowledgement(asked)]

        conversation = Netlink(reactor, lambda: FakeNetlinkSocket(answer))
        found = Deferred.fromCoroutine(find_family(conversation, "IPVS"))
        reactor.spin(3)
        conversation.close()
        return self.successResultOf(found)

    def test_by_name(self) -> None:
        self.assertEqual(self.find(), 33)
        self.assertIsNone(self.find(errno.ENOENT))

    @given(st.binary(max_size=60))
    def test_any_bytes_are_a_family_or_the_one_error(self, data: bytes) -> None:
        try:
            parse_family(Message(16, 0, 1, bytes(20) + data))
        except MalformedError:
            pass


class RealSocketTests(SynchronousTestCase):
    """Every Linux has generic netlink, for everybody."""

    def test_the_kernel_knows_its_own_control_family(self) -> None:
        reactor = ReaderClock()
        conversation = Netlink(reactor, open_generic)
        self.addCleanup(conversation.close)
        found = Deferred.fromCoroutine(find_family(conversation, "nlctrl"))
        missing = Deferred.fromCoroutine(find_family(conversation, "no-such-family"))
        reactor.spin(50)
        self.assertEqual(self.successResultOf(found), 16)
        self.assertIsNone(self.successResultOf(missing))
