"""daemon.api_tcp and api_tls: where the API listens and what its files say, before and after a reload."""

from __future__ import annotations

import contextlib
import errno
import shutil
import socket
import tempfile
from collections.abc import Callable, Mapping
from functools import partial
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import trustme
from OpenSSL import SSL
from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred, maybeDeferred, succeed
from twisted.internet.protocol import Factory
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.trial.unittest import SynchronousTestCase

from kaltwisted.api.access import Access
from kaltwisted.api.crowd import Crowd
from kaltwisted.api.exchange import Answer, Asked
from kaltwisted.api.http import Site
from kaltwisted.api.routes import Routes
from kaltwisted.api.tokens import new
from kaltwisted.config.model import ApiListen, ApiSettings
from kaltwisted.daemon import api_tcp
from kaltwisted.daemon.api_tcp import AGAIN_S, ApiOverTcp
from kaltwisted.daemon.api_tls import Tls, TlsError

HERE, FAR = (ApiListen(ip_address(address), 9650) for address in ("127.0.0.1", "192.0.2.1"))


class Port:
    """Listens, until it is told to stop."""

    def __init__(self, factory: Factory) -> None:
        self.factory = factory
        self.open = True

    def stopListening(self) -> Deferred[None]:
        self.open = False
        return succeed(None)


class Reactor(Clock):
    """Adopts sockets, of which there are none."""

    def __init__(self) -> None:
        super().__init__()
        self.ports: list[Port] = []

    def adoptStreamPort(self, descriptor: int, family: int, factory: Factory) -> Port:
        self.ports.append(Port(factory))
        return self.ports[-1]


class Transport(StringTransport):
    """Of a client at 192.0.2.9."""

    def __init__(self, where: ApiListen) -> None:
        us, them = (IPv4Address("TCP", address, 9650) for address in (str(where.address), "192.0.2.9"))
        super().__init__(us, them)
        self.cut = False

    def abortConnection(self) -> None:
        self.cut = True

    def setTcpNoDelay(self, enabled: bool) -> None:
        pass


class Client:
    """A connection to an address, on which one asks for what has no end."""

    def __init__(self, world: World, where: ApiListen, token: str = "") -> None:
        self.transport = Transport(where)
        self.protocol: Any = world.port(where).factory.buildProtocol(None)
        self.protocol.makeConnection(self.transport)
        lines = ["GET /stream HTTP/1.1", f"Host: {where.address}"]
        if token:
            lines.append(f"Authorization: Bearer {token}")
        self.protocol.dataReceived("\r\n".join([*lines, "", ""]).encode())
        world.reactor.advance(0)

    @property
    def status(self) -> int:
        return int(self.transport.value().split()[1])


class World(SynchronousTestCase):
    def setUp(self) -> None:
        self.directory = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.directory)
        self.reactor = Reactor()
        self.told: list[str] = []
        self.patch(ApiOverTcp, "_log", self)
        self.taken: set[ApiListen] = set()
        self.at: dict[int, ApiListen] = {}
        self.patch(api_tcp, "_socket", self.socket)
        self.routes = Routes()
        self.routes.add("GET", "/stream", self.stream)
        self.api = ApiOverTcp(self.site, self.reactor, maybeDeferred)
        self.addCleanup(self.api.stopService)

    def stream(self, asked: Asked) -> Answer:
        return Answer(b": hello\n", stream=lambda send: lambda: None)

    def site(self, admit: Callable[[Any, Mapping[str, str]], Access], crowd: Crowd | None) -> Site:
        return Site(self.routes, admit, self.reactor, crowd)

    def socket(self, where: ApiListen) -> socket.socket:
        if where in self.taken:
            raise OSError(errno.EADDRINUSE, "in use")
        self.at[len(self.reactor.ports)] = where
        return socket.socket()

    def emit(self, format: str, **fields: object) -> None:
        self.told.append(format.format(**fields))

    info = warn = error = emit

    def failure(self, format: str, failure: Any) -> None:
        failure.raiseException()

    def open(self) -> list[ApiListen]:
        return [self.at[index] for index, port in enumerate(self.reactor.ports) if port.open]

    def port(self, where: ApiListen) -> Port:
        return next(
            port for index, port in enumerate(self.reactor.ports) if port.open and self.at[index] == where
        )

    def tokens(self, *names: str) -> dict[str, str]:
        """A new file of them; the tokens by name."""
        made = {name: new("read", name) for name in names}
        path = self.directory / "tokens"
        path.write_text("".join(f"{line}\n" for _, line in made.values()))
        path.chmod(0o600)
        return {name: token for name, (token, _) in made.items()}

    def certificate(self, name: str = "lb.example.net") -> str:
        """A PEM file with a new one and its key."""
        path = self.directory / "pem"
        trustme.CA().issue_cert(name).private_key_and_cert_chain_pem.write_to_path(path)
        return str(path)

    def settings(self, *listen: ApiListen, **more: Any) -> ApiSettings:
        return ApiSettings(listen, tokens=str(self.directory / "tokens"), **more)


class ListeningTests(World):
    def test_nothing_before_the_start_and_nothing_unless_configured(self) -> None:
        self.tokens("ann")
        self.api.reconfigure(self.settings(HERE))
        self.assertEqual(self.open(), [])
        self.api.startService()
        self.assertEqual(self.open(), [HERE])
        self.assertEqual(self.told, ["API: listening on http://127.0.0.1:9650"])
        self.api.reconfigure(ApiSettings())
        self.assertEqual(self.open(), [])

    def test_a_reload_touches_only_the_addresses_that_change(self) -> None:
        token = self.tokens("ann")["ann"]
        self.api.startService()
        self.api.reconfigure(self.settings(HERE, FAR))
        client = Client(self, HERE, token)
        self.api.reconfigure(self.settings(HERE))
        self.assertEqual((self.open(), client.transport.cut, client.status), ([HERE], False, 200))
        self.api.reconfigure(self.settings(FAR))
        self.assertEqual((self.open(), client.transport.cut), ([FAR], True))

    def test_an_address_in_use_is_tried_again_and_told_once(self) -> None:
        self.tokens("ann")
        self.taken.add(FAR)
        self.api.startService()
        self.api.reconfigure(self.settings(HERE, FAR))
        self.reactor.pump([AGAIN_S] * 3)
        self.assertEqual(self.open(), [HERE])
        self.assertEqual(sum("cannot listen" in line for line in self.told), 1)
        self.taken.clear()
        self.reactor.advance(AGAIN_S)
        self.assertEqual(self.open(), [HERE, FAR])
        self.assertEqual(self.reactor.getDelayedCalls(), [])

    def test_what_is_tried_again_ends_with_the_wish(self) -> None:
        for end in (partial(self.api.reconfigure, ApiSettings()), self.api.stopService):
            self.taken.add(FAR)
            self.api.startService()
            self.api.reconfigure(ApiSettings((FAR,)))
            end()
            self.taken.clear()
            self.reactor.advance(AGAIN_S)
            self.assertEqual((self.open(), self.reactor.getDelayedCalls()), ([], []))

    def test_a_stop_cuts_off(self) -> None:
        token = self.tokens("ann")["ann"]
        self.api.startService()
        self.api.reconfigure(self.settings(HERE))
        client = Client(self, HERE, token)
        self.api.stopService()
        self.assertEqual((self.open(), client.transport.cut), ([], True))

    def test_files_that_are_read_while_a_newer_wish_comes_change_nothing(self) -> None:
        waiting: list[Callable[[], None]] = []

        def later(read: Callable[[], Any]) -> Deferred[Any]:
            result: Deferred[Any] = Deferred()
            waiting.append(lambda: result.callback(read()))
            return result

        api = ApiOverTcp(self.site, self.reactor, later)
        api.startService()
        api.reconfigure(ApiSettings((HERE,)))
        api.reconfigure(ApiSettings((FAR,)))
        for each in reversed(waiting):
            each()
        self.assertEqual(self.open(), [FAR])
        api.stopService()


class TokenTests(World):
    def setUp(self) -> None:
        super().setUp()
        self.given = self.tokens("ann", "bob")
        self.api.startService()
        self.api.reconfigure(self.settings(HERE))

    def test_a_reload_takes_effect_on_connections_that_live_on(self) -> None:
        ann, bob = (Client(self, HERE, self.given[name]) for name in ("ann", "bob"))
        path = self.directory / "tokens"
        path.write_text(path.read_text().splitlines()[0] + "\n")
        self.api.reconfigure(self.settings(HERE))
        self.assertEqual((ann.transport.cut, bob.transport.cut), (False, True))
        self.assertEqual(Client(self, HERE, self.given["bob"]).status, 401)
        self.assertEqual(len(self.reactor.ports), 1)

    def test_a_wrong_file_is_told_and_the_tokens_before_it_stay(self) -> None:
        path = self.directory / "tokens"
        wrong: list[Callable[[], object]] = [
            lambda: path.write_text("read ann\n"),
            lambda: path.write_bytes(b"\xff\xfe"),
            lambda: path.chmod(0o666),
            path.unlink,
            path.mkdir,
        ]
        for spoil in wrong:
            self.told.clear()
            spoil()
            self.api.reconfigure(self.settings(HERE))
            (line,) = self.told
            self.assertTrue(line.startswith(f"API: {path}: "), line)
            self.assertTrue(line.endswith("the tokens before it are still good"), line)
            self.assertEqual(Client(self, HERE, self.given["ann"]).status, 200)
            for token in self.given.values():
                self.assertNotIn(token, line)

    def test_no_tokens_configured_is_nobody(self) -> None:
        self.api.reconfigure(ApiSettings((HERE,)))
        self.assertEqual(Client(self, HERE, self.given["ann"]).status, 401)

    def test_from_elsewhere_over_plain_http_no_token_is_taken(self) -> None:
        self.api.reconfigure(self.settings(HERE, FAR))
        self.assertEqual(Client(self, FAR, self.given["ann"]).status, 403)
        self.assertEqual(Client(self, FAR).status, 401)


class TlsTests(World):
    def shown(self, where: ApiListen) -> bytes:
        """The certificate that a client of TLS sees there."""
        protocol = self.port(where).factory.buildProtocol(None)
        assert protocol is not None
        transport = Transport(where)
        protocol.makeConnection(transport)
        client = SSL.Connection(SSL.Context(SSL.TLS_CLIENT_METHOD), None)
        client.set_connect_state()
        for _ in range(3):
            with contextlib.suppress(SSL.WantReadError):
                client.do_handshake()
            with contextlib.suppress(SSL.WantReadError):
                protocol.dataReceived(client.bio_read(65536))
            self.reactor.advance(0)
            if transport.value():
                client.bio_write(transport.value())
            transport.clear()
        found = client.get_peer_certificate()
        assert found is not None
        return found.digest("sha256")

    def test_a_reload_brings_another_certificate_and_closes_nothing(self) -> None:
        self.tokens("ann")
        settings = self.settings(HERE, certificate=self.certificate())
        self.api.startService()
        self.api.reconfigure(settings)
        self.assertIn("https://", self.told[0])
        first = self.shown(HERE)
        self.assertEqual(first, self.shown(HERE))
        self.certificate()
        self.api.reconfigure(settings)
        second = self.shown(HERE)
        self.assertNotEqual(first, second)
        self.assertEqual(len(self.reactor.ports), 1)
        Path(self.directory / "pem").write_text("nonsense")
        self.api.reconfigure(settings)
        self.assertIn("the one before it stays", self.told[-1])
        self.assertEqual(second, self.shown(HERE))

    def test_without_a_certificate_that_can_be_used_it_is_not_served_in_plain(self) -> None:
        self.api.startService()
        self.api.reconfigure(ApiSettings((HERE,), certificate=str(self.directory / "none")))
        self.assertEqual(self.open(), [])
        self.assertIn("No such file or directory: it is not served over TLS, nor in plain", self.told[0])

    def test_plain_gives_way_to_tls_and_back(self) -> None:
        self.api.startService()
        self.api.reconfigure(ApiSettings((HERE,)))
        self.api.reconfigure(ApiSettings((HERE,), certificate=self.certificate()))
        self.api.reconfigure(ApiSettings((HERE,)))
        self.assertEqual([line.split()[3].partition(":")[0] for line in self.told], ["http", "https", "http"])
        self.assertEqual(self.open(), [HERE])

    def test_files_that_are_no_pair(self) -> None:
        one = self.certificate()
        other = self.directory / "other"
        shutil.copy(one, other)
        self.certificate()
        locked = self.directory / "locked"
        locked.write_text("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")
        for certificate, key, where in (
            (one, str(other), other),
            (one, str(locked), locked),
            (str(locked), one, locked),
            (one, "/nonexistent/key", "/nonexistent/key"),
        ):
            with self.assertRaises(TlsError) as refused:
                Tls.read(certificate, key)
            self.assertTrue(str(refused.exception).startswith(f"{where}: "), refused.exception)

    def test_two_of_the_same_files_are_equal(self) -> None:
        path = self.certificate()
        self.assertEqual(Tls.read(path, path), Tls.read(path, path))
        before = Tls.read(path, path)
        self.certificate()
        self.assertNotEqual(before, Tls.read(path, path))
        self.assertNotIn("digest", repr(before))


class SocketTests(SynchronousTestCase):
    def test_an_address_that_is_not_there_yet(self) -> None:
        with api_tcp._socket(ApiListen(ip_address("192.0.2.77"), 9650)) as listening:
            self.assertEqual(listening.getsockname(), ("192.0.2.77", 9650))
            self.assertFalse(listening.getblocking())
