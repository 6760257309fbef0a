"""MailService against real servers: aiosmtpd, and some that refuse, hang, drop and drip."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from email import message_from_bytes
from typing import Any

import attrs
import pytest
import pytest_twisted
from aiosmtpd.controller import Controller
from twisted.internet import reactor, task
from twisted.internet.defer import Deferred, inlineCallbacks
from twisted.internet.protocol import Factory, Protocol
from twisted.logger import formatEvent, globalLogPublisher

from kaltwisted.alerts import mail as mail_module
from kaltwisted.alerts.mail import MailService
from kaltwisted.config.model import GlobalDefs, SmtpServer
from kaltwisted.ports import Mail

pytestmark = pytest.mark.network

ALERT = Mail(
    "Realserver [192.168.100.2]:tcp:80 of virtual server [10.0.0.1]:tcp:80 - DOWN",
    "=> TCP CHECK failed on service <=\n",
)


def settings(port: int, **more: Any) -> GlobalDefs:
    return attrs.evolve(
        GlobalDefs(
            router_id="LVS_MAIN",
            notification_email=("admin@example.org", "pager@example.org"),
            notification_email_from="keepalived@example.org",
            smtp_server=SmtpServer("127.0.0.1", port),
            smtp_connect_timeout_us=5_000_000,
            smtp_helo_name="lvs1.example.org",
        ),
        **more,
    )


class Mailbox:
    """aiosmtpd's handler: keeps what comes; ``refuse`` answers for a recipient, or by DATA for all."""

    def __init__(self) -> None:
        self.mails: list[tuple[str, list[str], bytes, str]] = []
        self.refuse: dict[str, list[str]] = {}

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:
        if self.refuse.get(address):
            return self.refuse[address].pop(0)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        if self.refuse.get("DATA"):
            return self.refuse["DATA"].pop(0)
        self.mails.append((envelope.mail_from, envelope.rcpt_tos, envelope.content, session.host_name))
        return "250 OK"


@pytest.fixture
def mailbox() -> Iterator[tuple[Mailbox, int]]:
    box = Mailbox()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    controller = Controller(box, hostname="127.0.0.1", port=port)
    controller.start()
    yield box, port
    controller.stop()


@pytest.fixture
def lines() -> Iterator[list[str]]:
    """What MailService logs."""
    seen: list[str] = []

    def observe(event: Any) -> None:
        if str(event.get("log_namespace")).startswith("kaltwisted.alerts"):
            seen.append(formatEvent(event))

    globalLogPublisher.addObserver(observe)
    yield seen
    globalLogPublisher.removeObserver(observe)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pauses of 20, 40, 80 and 160 ms."""
    monkeypatch.setattr(mail_module, "FIRST_PAUSE_S", 0.02)


def service(defs: GlobalDefs, **more: Any) -> MailService:
    made = MailService(reactor, defs, **more)
    made.startService()
    return made


class Scripted(Protocol):
    """A server that does what ``connected`` says, and records what it hears."""

    def __init__(self, connected: Callable[[Scripted], None]) -> None:
        self.connected_ = connected
        self.heard = b""

    def connectionMade(self) -> None:
        self.connected_(self)

    def dataReceived(self, data: bytes) -> None:
        self.heard += data


class Server:
    """Listens on loopback, counts connections, and ends them all at ``stop``."""

    def __init__(self, connected: Callable[[Scripted], None]) -> None:
        self.connections: list[Scripted] = []

        def build() -> Scripted:
            protocol = Scripted(connected)
            self.connections.append(protocol)
            return protocol

        factory = Factory.forProtocol(build)
        factory.noisy = False
        self.listening = reactor.listenTCP(0, factory, interface="127.0.0.1")
        self.port = self.listening.getHost().port

    @inlineCallbacks
    def stop(self) -> Any:
        for connection in self.connections:
            if connection.transport is not None:
                connection.transport.abortConnection()
        yield self.listening.stopListening()
        yield task.deferLater(reactor, 0, lambda: None)


@pytest_twisted.inlineCallbacks
def test_delivered_to_all_in_one_transaction(mailbox: Any, lines: list[str]) -> Any:
    box, port = mailbox
    sender = service(settings(port))
    first, second = sender.send(ALERT), sender.send(Mail("second", "body\n.\nend"))
    assert (yield first) is True
    assert (yield second) is True
    yield sender.stopService()
    (mail_from, recipients, content, helo), (_, _, other, _) = box.mails
    assert (mail_from, helo) == ("keepalived@example.org", "lvs1.example.org")
    assert recipients == ["admin@example.org", "pager@example.org"]
    message = message_from_bytes(content)
    assert message["Subject"] == f"[LVS_MAIN] {ALERT.subject}"
    assert message["X-Mailer"] == "Keepalived"
    assert message["From"] == "keepalived@example.org"
    assert message.get_payload().rstrip("\r\n") == "=> TCP CHECK failed on service <="
    assert message_from_bytes(other).get_payload() == "body\r\n.\r\nend\r\n"
    assert (
        lines
        == [
            f"Remote SMTP server [127.0.0.1]:{port} connected.",
            "SMTP alert successfully sent.",
        ]
        * 2
    )


@pytest_twisted.inlineCallbacks
def test_one_bad_recipient_and_one_who_is_greylisted(mailbox: Any, lines: list[str]) -> Any:
    box, port = mailbox
    box.refuse = {"bad@example.org": ["550 no such user"], "grey@example.org": ["451 come back later"]}
    defs = settings(
        port, notification_email=("bad@example.org", "grey@example.org", "ok@example.org", "jürgen@x")
    )
    sender = service(defs)
    assert (yield sender.send(ALERT)) is True
    yield sender.stopService()
    assert [recipients for _, recipients, _, _ in box.mails] == [["ok@example.org"], ["grey@example.org"]]
    text = "\n".join(lines)
    assert f"SMTP alert for bad@example.org refused by [127.0.0.1]:{port}: 550 no such user" in text
    assert f"SMTP alert for grey@example.org refused by [127.0.0.1]:{port} for now: 451 come back" in text
    assert "'jürgen@x' is no address" in text


@pytest_twisted.inlineCallbacks
def test_temporary_refusal_of_the_whole_is_tried_again_permanent_is_not(
    mailbox: Any, lines: list[str]
) -> Any:
    box, port = mailbox
    sender = service(settings(port))
    box.refuse["DATA"] = ["451 busy", "452 full"]
    assert (yield sender.send(ALERT)) is True
    assert len(box.mails) == 1
    box.refuse["DATA"] = ["554 spam"]
    assert (yield sender.send(ALERT)) is False
    assert (yield sender.send(ALERT)) is True, "the next one goes its way"
    assert len(box.mails) == 2
    assert lines.count(f"SMTP connection ERROR to [127.0.0.1]:{port}.") == 3
    yield sender.stopService()


@pytest_twisted.inlineCallbacks
def test_a_server_that_drops_is_tried_five_times(lines: list[str]) -> Any:
    server = Server(lambda connection: connection.transport.loseConnection())
    sender = service(settings(server.port))
    assert (yield sender.send(ALERT)) is False
    assert len(server.connections) == 5
    assert "SMTP alert not sent, given up after 5 tries" in lines
    yield sender.stopService()
    yield server.stop()


@pytest_twisted.inlineCallbacks
def test_refused_connections_then_a_server(lines: list[str]) -> Any:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]  # nobody listens there
        sender = service(settings(port))
        assert (yield sender.send(ALERT)) is False
    assert lines.count(f"SMTP connection ERROR to [127.0.0.1]:{port}.") == 5
    yield sender.stopService()


@pytest_twisted.inlineCallbacks
def test_silence_and_a_drip_without_end_are_timed_out(lines: list[str]) -> Any:
    def drip(connection: Scripted) -> None:
        dripping = task.LoopingCall(lambda: connection.transport.write(b"220-and\r\n"))
        dripping.clock = reactor
        done = dripping.start(0.05)
        connection.connectionLost = lambda reason: dripping.running and dripping.stop()  # type: ignore
        done.addErrback(lambda _: None)

    for behaviour in (lambda connection: None, drip):
        server = Server(behaviour)
        sender = service(settings(server.port, smtp_connect_timeout_us=200_000))
        assert (yield sender.send(ALERT)) is False
        assert f"Timeout reading data to remote SMTP server [127.0.0.1]:{server.port}." in lines
        yield sender.stopService()
        yield server.stop()


@pytest_twisted.inlineCallbacks
def test_a_dead_server_holds_up_nothing_at_stop(lines: list[str]) -> Any:
    server = Server(lambda connection: None)
    sender = service(settings(server.port))
    waiting = [sender.send(ALERT) for _ in range(5)]
    yield task.deferLater(reactor, 0.05, lambda: None)
    yield sender.stopService()
    for each in waiting:
        assert (yield each) is False
    assert "5 SMTP alerts were not sent before the end" in lines
    assert (yield sender.send(ALERT)) is False
    yield server.stop()


@pytest_twisted.inlineCallbacks
def test_what_is_queued_at_stop_goes_out_where_that_is_quick(
    mailbox: Any, monkeypatch: pytest.MonkeyPatch
) -> Any:
    monkeypatch.setattr(mail_module, "STOP_WAIT_S", 60.0)  # on a busy machine nothing is quick
    box, port = mailbox
    sender = service(settings(port))
    result: Deferred[bool] = sender.send(ALERT)
    yield sender.stopService()
    assert (yield result) is True
    assert len(box.mails) == 1


@pytest_twisted.inlineCallbacks
def test_the_queue_is_bounded_and_drops_the_oldest(lines: list[str]) -> Any:
    server = Server(lambda connection: None)
    sender = service(settings(server.port), limit=3)
    answers: list[tuple[int, bool]] = []
    for number in range(10):
        sender.send(ALERT).addCallback(lambda sent, number=number: answers.append((number, sent)))
    # 0 is being sent; of the others the last three stay.
    assert answers == [(number, False) for number in range(1, 7)]
    assert lines.count("More than 3 SMTP alerts are waiting: dropping the oldest") == 1
    yield sender.stopService()
    assert len(answers) == 10
    yield server.stop()


@pytest_twisted.inlineCallbacks
def test_a_name_is_looked_up_when_it_is_needed(mailbox: Any) -> Any:
    _, port = mailbox
    sender = service(settings(port, smtp_server=SmtpServer("localhost", port)))
    assert (yield sender.send(ALERT)) is True
    yield sender.stopService()


def test_without_server_or_recipients_nothing_is_sent() -> None:
    for defs in (settings(1, smtp_server=None), settings(1, notification_email=())):
        answers: list[bool] = []
        MailService(reactor, defs).send(ALERT).addCallback(answers.append)
        assert answers == [False]
