"""alerts.smtp: one conversation, and what becomes of every recipient in it."""

from __future__ import annotations

from twisted.internet.testing import StringTransportWithDisconnection
from twisted.trial.unittest import SynchronousTestCase

from kaltwisted.alerts.smtp import Delivery, Refusal, Transaction


class TestTransaction(SynchronousTestCase):
    def setUp(self) -> None:
        self.transaction = Transaction(b"lvs1", "k@h", ("a@h", "b@h"), b"Subject: s\n\n.dot\n", 30.0)
        self.transaction.setTimeout = lambda period: None  # type: ignore[method-assign]
        self.transport = StringTransportWithDisconnection()
        self.transport.protocol = self.transaction
        self.transport.abortConnection = self.transport.loseConnection  # type: ignore[method-assign]
        self.seen: list[Delivery] = []
        self.transaction.delivered.addCallback(self.seen.append)
        self.transaction.makeConnection(self.transport)

    def talk(self, *replies: str) -> None:
        for reply in replies:
            self.transaction.dataReceived(reply.encode() + b"\r\n")
            producer = self.transport.producer
            while self.transport.producer is producer is not None:
                producer.resumeProducing()

    def test_all_is_well(self) -> None:
        self.talk("220 hi", "250 h", "250 ok", "250 ok", "251 ok", "354 go", "250 taken")
        self.assertEqual(self.seen, [Delivery(accepted=("a@h", "b@h"))])
        self.assertEqual(
            self.transport.value(),
            b"HELO lvs1\r\nMAIL FROM:<k@h>\r\nRCPT TO:<a@h>\r\nRCPT TO:<b@h>\r\nDATA\r\n"
            b"Subject: s\r\n\r\n..dot\r\n.\r\nRSET\r\n",
        )
        self.talk("250 ok")
        self.assertTrue(self.transport.value().endswith(b"QUIT\r\n"))
        self.talk("221 bye")
        self.assertTrue(self.transaction.closed.called)

    def test_one_bad_recipient_does_not_keep_the_mail_from_the_other(self) -> None:
        self.talk("220 hi", "250 h", "250 ok", "550 who?", "250 ok", "354 go", "250 taken")
        self.assertEqual(self.seen, [Delivery(("b@h",), (Refusal("a@h", 550, "who?"),))])

    def test_no_recipient_left(self) -> None:
        self.talk("220 hi", "250 h", "250 ok", "550 who?", "451 later")
        self.assertEqual(
            self.seen, [Delivery((), (Refusal("a@h", 550, "who?"), Refusal("b@h", 451, "later")))]
        )

    def test_refusals_of_the_whole(self) -> None:
        for replies, code in [
            (["554 go away"], 554),
            (["421 busy"], 421),
            (["220 hi", "501 what?"], 501),
            (["220 hi", "250 h", "452 full"], 452),
            (["220 hi", "250 h", "250 ok", "250 ok", "250 ok", "554 no data"], 554),
            (["220 hi", "250 h", "250 ok", "250 ok", "250 ok", "354 go", "451 later"], 451),
        ]:
            self.setUp()
            self.talk(*replies)
            (delivery,) = self.seen
            self.assertEqual(delivery.accepted, ())
            (refusal,) = delivery.refusals
            self.assertEqual((refusal.recipient, refusal.code), (None, code))
            self.assertEqual(refusal.temporary, code < 500)

    def test_garbage_endless_replies_and_lost_connections_are_temporary(self) -> None:
        for data in [b"SSH-2.0-x\r\n", b"220-more\r\n" * 200, b"x" * 100_000]:
            self.setUp()
            self.transaction.dataReceived(data)
            (delivery,) = self.seen
            self.assertTrue(delivery.refusals[0].temporary)
            self.assertFalse(self.transport.connected)
        self.setUp()
        self.talk("220 hi")
        self.transport.loseConnection()
        self.assertEqual(self.seen, [Delivery((), (Refusal(None, 0, "the connection was lost"),))])

    def test_silence_ends_the_connection_even_after_delivery(self) -> None:
        self.talk("220 hi")
        self.transaction.timeoutConnection()
        self.assertTrue(self.seen[0].silent)
        self.assertTrue(self.transaction.closed.called)
