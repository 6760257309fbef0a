"""alerts.message: keepalived's headers, and nothing that could be smuggled into them."""

from __future__ import annotations

from email import message_from_bytes
from email.header import decode_header, make_header

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from kaltwisted.alerts.message import address, compose, envelope
from kaltwisted.config.model import GlobalDefs
from kaltwisted.ports import Mail

NOVEMBER = 1_795_400_000.0
DEFS = GlobalDefs(
    router_id="LVS_MAIN",
    notification_email=("admin@example.org", "pager@example.org"),
    notification_email_from="keepalived@example.org",
)


class TestCompose(SynchronousTestCase):
    def test_headers_are_keepalived_s_in_its_order(self) -> None:
        text = compose(
            Mail("Realserver [192.168.100.2]:tcp:80 of virtual server [10.0.0.1]:tcp:80 - DOWN", "=> x <="),
            envelope(DEFS, "lvs1"),
            NOVEMBER,
        ).decode("ascii")
        head, _, body = text.partition("\n\n")
        date, *rest = head.split("\n")
        self.assertTrue(date.startswith("Date: "))
        self.assertEqual(
            rest,
            [
                "From: keepalived@example.org",
                "Subject: [LVS_MAIN] Realserver [192.168.100.2]:tcp:80"
                " of virtual server [10.0.0.1]:tcp:80 - DOWN",
                "X-Mailer: Keepalived",
                "To: admin@example.org,",
                " pager@example.org",
            ],
        )
        self.assertEqual(body, "=> x <=\n")

    def test_the_host_stands_in_for_what_is_not_configured(self) -> None:
        found = envelope(GlobalDefs(notification_email=("root",)), "lvs1")
        self.assertEqual((found.sender, found.helo, found.router_id), ("keepalived@lvs1", b"lvs1", "lvs1"))
        self.assertIn(b"\nSubject: [lvs1] hello\n", compose(Mail("hello", ""), found, NOVEMBER))

    def test_a_long_line_is_folded_for_the_wire(self) -> None:
        message = compose(Mail("x", "y" * 5000), envelope(DEFS, "h"), NOVEMBER)
        self.assertLessEqual(max(map(len, message.split(b"\n"))), 998)
        self.assertEqual(message_from_bytes(message).get_payload(decode=True), b"y" * 5000 + b"\n")

    @given(st.text(), st.text(), st.text(), st.text())
    def test_nothing_smuggles_a_header_in_or_breaks_the_message(
        self, router_id: str, sender: str, subject: str, body: str
    ) -> None:
        defs = GlobalDefs(
            router_id=router_id, notification_email=("a@example.org",), notification_email_from=sender
        )
        message = compose(Mail(subject, body), envelope(defs, "lvs1"), NOVEMBER)
        self.assertTrue(message.isascii())
        self.assertNotIn(b"\r", message)
        parsed = message_from_bytes(message)
        allowed = {"Date", "From", "Subject", "X-Mailer", "To", "MIME-Version", "Content-Type"}
        self.assertLessEqual(set(parsed.keys()) - {"Content-Transfer-Encoding"}, allowed)
        self.assertEqual(len(parsed.keys()), len(set(parsed.keys())))
        self.assertEqual(parsed["To"], "a@example.org")
        shown = str(make_header(decode_header(parsed["Subject"])))
        if (router_id + subject).isprintable() and router_id and "=?" not in router_id + subject:
            self.assertEqual("".join(shown.split()), "".join(f"[{router_id}]{subject}".split()))


class TestAddress(SynchronousTestCase):
    def test_what_can_stand_in_a_rcpt(self) -> None:
        for text, expected in [
            ("a@example.org", "a@example.org"),
            ("The Admin <a@example.org>", "a@example.org"),
            ("root", "root"),
            (" a@example.org ", "a@example.org"),
            ("", None),
            ("two words", None),
            ("a@example.org>\r\nRCPT TO:<b@example.org", None),
            ("a@example.org\n", "a@example.org"),
            ("jürgen@example.org", None),
            ("a" * 255, None),
        ]:
            self.assertEqual(address(text), expected, text)

    @given(st.text())
    def test_whatever_comes_out_is_one_word_of_ascii(self, text: str) -> None:
        found = address(text)
        if found is not None:
            self.assertTrue(found.isascii() and found.isprintable())
            self.assertFalse(set(found) & set(" <>\r\n"))
