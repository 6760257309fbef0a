"""genhash: fetches one page and tells its digest, the one that a ``url``'s ``digest`` has to be.

The command of the 2002 user guide (8.2): its options, its letters, its output.
Options that keepalived's genhash has learned since are there by their long
names, and by their letters where the guide's have not taken them.
"""

from __future__ import annotations

import atexit
import hashlib
import os
import socket
import sys
import time
from collections.abc import Callable, Sequence
from ipaddress import ip_address
from typing import IO, Any, NoReturn

from OpenSSL import SSL
from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionDone, ConnectionLost
from twisted.internet.interfaces import IDelayedCall, IProtocol, IReactorTime
from twisted.internet.protocol import Protocol, connectionDone
from twisted.python import usage
from twisted.python.failure import Failure

from kaltwisted import __version__
from kaltwisted.config import model
from kaltwisted.healthcheck.connect import Connector, Opening
from kaltwisted.healthcheck.http import host_and_port, request
from kaltwisted.healthcheck.response import Response
from kaltwisted.healthcheck.tls import client_context, explain, wrap

_LINE = 16
_PRINTABLE = bytes(byte if 0x20 <= byte <= 0x7E else ord(".") for byte in range(256))
_PROTOCOLS = {protocol.value.lower(): protocol for protocol in model.HttpProtocol}


class Options(usage.Options):
    """The command line.  After parsing, ``target`` and ``protocol`` hold what was converted."""

    synopsis = (
        "Usage:\n"
        "  genhash -s server-address -p port -u url\n"
        "  genhash -S -K priv-key-file -P pem-password -s server-address -p port -u url\n"
        "  genhash -S -K priv-key-file -P pem-password -C cert-file"
        " -s server-address -p port -u url\n"
        "  genhash -h\n"
        "  genhash -v"
    )

    optFlags = [
        ["use-ssl", "S", "Use SSL connection to remote server."],
        ["use-sni", "I", "Ask for the virtualhost (-V) by SNI in the SSL handshake."],
        ["sni", None, "The same."],
        ["quiet", "q", "Print the digest alone."],
        ["verbose", None, "Print the response time, too."],
    ]
    optParameters = [
        ["server", "s", None, "Use the specified remote server address."],
        ["port", "p", None, "Use the specified remote server port (80, with -S 443)."],
        ["url", "u", "/", "Use the specified remote server url."],
        ["use-private-key", "K", None, "Use the specified SSL private key."],
        ["use-password", "P", None, "Use the specified SSL private key password."],
        ["use-virtualhost", "V", None, "Use the specified VirtualHost GET query."],
        ["use-certificate", "C", None, "Use the specified SSL Certificate file."],
        [
            "protocol",
            None,
            "1.0",
            "Use HTTP 1.0, 1.0c (with Connection: close) or 1.1.",
        ],
        ["timeout", "t", "5", "Give up when nothing happens for so many seconds."],
        ["fwmark", "m", "0", "Use the specified firewall mark."],
    ]

    target: tuple[str, int]
    protocol: model.HttpProtocol
    timeout_s: float

    def opt_version(self) -> NoReturn:
        """Display the version number."""
        print(f"genhash (kaltwisted {__version__})")
        sys.exit(0)

    def opt_help(self) -> NoReturn:
        """Display this short inlined help screen."""
        print(self)
        sys.exit(0)

    opt_v = opt_version
    opt_h = opt_help

    def parseArgs(self, *words: str) -> None:
        """Words that belong to no option are mistakes."""
        if words:
            raise usage.UsageError(f"unexpected argument: {words[0]}")

    def postOptions(self) -> None:
        """Convert and check."""
        if not self["server"]:
            raise usage.UsageError("which server? use -s server-address")
        port = self["port"] if self["port"] is not None else ("443" if self["use-ssl"] else "80")
        self.target = (self["server"], self._number("port", port, 1, 65535))
        self["fwmark"] = self._number("fwmark", self["fwmark"], 0, 2**32 - 1)
        protocol = _PROTOCOLS.get(self["protocol"].lower())
        if protocol is None:
            raise usage.UsageError(f"protocol {self['protocol']}: must be 1.0, 1.0c or 1.1")
        self.protocol = protocol
        try:
            self.timeout_s = float(self["timeout"])
        except ValueError:
            self.timeout_s = 0.0
        if not 0 < self.timeout_s <= 86400:
            raise usage.UsageError(f"timeout {self['timeout']}: must be a number of seconds above 0")
        if "\r" in self["url"] or "\n" in self["url"]:
            raise usage.UsageError("url: must be on one line")
        if (self["use-private-key"] or self["use-certificate"]) and not self["use-ssl"]:
            raise usage.UsageError("a private key or certificate is of use with --use-ssl only")

    def _number(self, name: str, text: str, low: int, high: int) -> int:
        if not (text.isascii() and text.isdecimal() and low <= int(text) <= high):
            raise usage.UsageError(f"{name} {text}: must be a number from {low} to {high}")
        return int(text)


class HexDump:
    """Bytes in the guide's layout as they come, line by line; at most a line is kept."""

    def __init__(self, write: Callable[[str], object]) -> None:
        self._write = write
        self._rest = b""
        self._offset = 0

    def update(self, data: bytes) -> None:
        """Print the lines that became whole."""
        data = self._rest + data
        whole = len(data) - len(data) % _LINE
        self._rest = data[whole:]
        self._write("".join(self._line(data[at : at + _LINE]) for at in range(0, whole, _LINE)))

    def end(self) -> None:
        """Print what is left."""
        if self._rest:
            self._write(self._line(self._rest))
            self._rest = b""

    def _line(self, data: bytes) -> str:
        left, right = data[:8].hex(" "), data[8:].hex(" ")
        line = f"{self._offset:04x} {left:<23} - {right:<23} {data.translate(_PRINTABLE).decode()}\n"
        self._offset += len(data)
        return line


class Report:
    """What is printed: header and body as they arrive, the digest at the end."""

    def __init__(self, output: IO[str], quiet: bool) -> None:
        self._output = output
        self._quiet = quiet
        self._digest = hashlib.md5(usedforsecurity=False)
        self._body = HexDump(output.write)

    def header(self, header: bytes) -> None:
        """The whole header arrived."""
        if not self._quiet:
            self._output.write("-----[ HTTP Header Buffer ]-----\n")
            dump = HexDump(self._output.write)
            dump.update(header)
            dump.end()
            self._output.write("-----[ HTML Buffer ]-----\n")

    def body(self, data: bytes) -> None:
        """A piece of the body arrived."""
        self._digest.update(data)
        if not self._quiet:
            self._body.update(data)

    def end(self) -> None:
        """The answer is complete."""
        digest = self._digest.hexdigest()
        if self._quiet:
            self._output.write(digest + "\n")
        else:
            self._body.end()
            self._output.write("-----[ HTML MD5 final resulting ]-----\n" + f"MD5 Digest : {digest}\n")
        self._output.flush()


class FetchError(Exception):
    """There is no digest to tell; the text says why."""


class Fetch(Protocol):
    """One request and its answer.  ``result`` fires when all is printed, or fails with FetchError."""

    def __init__(self, question: bytes, report: Report, timeout_s: float, clock: IReactorTime) -> None:
        self.result: Deferred[None] = Deferred()
        self._question = question
        self._report = report
        self._timeout_s = timeout_s
        self._response = Response(self._body)
        self._headed = False
        self._opening: Opening | None = None
        self._timeout: IDelayedCall = clock.callLater(timeout_s, self._timed_out)

    def begin(self, connector: Connector, protocol: IProtocol) -> None:
        """Connect; ``protocol`` is this one, or what stands before it."""
        self._opening = connector(protocol, self._connect_failed)

    def connectionMade(self) -> None:
        """Ask."""
        self._timeout.reset(self._timeout_s)
        self.transport.write(self._question)  # type: ignore[union-attr]

    def dataReceived(self, data: bytes) -> None:
        """Print as it comes."""
        if self.result.called:
            return
        self._timeout.reset(self._timeout_s)
        if self._response.feed(data):
            self._finish()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """The end of the answer, or an accident."""
        if self.result.called:
            return
        closed = reason.check(ConnectionDone) or (self._response.header and reason.check(ConnectionLost))
        if not closed and not isinstance(reason.value, ConnectionLost):
            self._end(f"SSL handshake/communication error: {explain(reason.value)}")
        elif not closed:
            self._end("the server broke the connection off")
        else:
            self._response.close()
            self._finish()

    def _body(self, data: bytes) -> None:
        self._head()
        self._report.body(data)

    def _head(self) -> None:
        if not self._headed and self._response.header:
            self._headed = True
            self._report.header(self._response.header)

    def _finish(self) -> None:
        self._head()
        if self._response.flaw is not None:
            self._end(f"no complete HTTP answer: {self._response.flaw.value}")
        else:
            self._report.end()
            self._end(None)

    def _connect_failed(self, problem: OSError) -> None:
        self._opening = None
        self._end(f"connection failed: {problem.strerror or problem}")

    def _timed_out(self) -> None:
        what = "waiting for the answer" if self.connected else "connecting"
        self._end(f"timeout {what}: nothing for {self._timeout_s:g} s")

    def _end(self, problem: str | None) -> None:
        if self._timeout.active():
            self._timeout.cancel()
        if self.result.called:
            return
        if problem is None:
            self.result.callback(None)
        else:
            self.result.errback(FetchError(problem))
        opening, self._opening = self._opening, None
        if opening is not None:
            opening.loseConnection() if problem is None else opening.abort()


def fetch(options: Options, output: IO[str], reactor: Any) -> Deferred[None]:
    """Do what the command line asks for.  Fails with FetchError."""
    server, port = options.target
    try:
        # Blocks while a name is looked up: this tool has nothing else to do.
        found = socket.getaddrinfo(server, port, type=socket.SOCK_STREAM)
        address = ip_address(found[0][4][0])
        connection = model.Connection(address, port, fwmark=options["fwmark"])
        connector = Connector(connection, reactor)
    except (OSError, ValueError) as unknown:
        raise FetchError(f"server {server}: {explain(unknown)}") from unknown
    virtualhost = options["use-virtualhost"]
    question = request(options["url"], virtualhost or host_and_port(address, port), options.protocol)
    report = Report(output, bool(options["quiet"]))
    fetching = Fetch(question, report, options.timeout_s, reactor)
    protocol: IProtocol = fetching
    if options["use-ssl"]:
        sni = virtualhost if options["use-sni"] or options["sni"] else None
        protocol = wrap(fetching, _context(options), reactor, sni)
    fetching.begin(connector, protocol)
    if options["verbose"]:
        began = time.monotonic()

        def timing(result: None) -> None:
            took = (time.monotonic() - began) * 1e6
            output.write(f"Global response time for [{options['url']}] = {took:.0f} usecs\n")

        fetching.result.addCallback(timing)
    return fetching.result


def _context(options: Options) -> SSL.Context:
    try:
        return client_context(options["use-certificate"], options["use-private-key"], options["use-password"])
    except (OSError, ValueError, SSL.Error) as unusable:
        name = " and ".join(filter(None, (options["use-certificate"], options["use-private-key"])))
        raise FetchError(f"{name}: {explain(unusable)}") from unusable


class _Genhash(Service):
    """Runs once, then ends the reactor; ``status`` is the exit status."""

    def __init__(self, options: Options, reactor: Any, output: IO[str], errors: IO[str]) -> None:
        self._options = options
        self._reactor = reactor
        self._output = output
        self._errors = errors
        self.status = 0

    def startService(self) -> None:
        """Begin when the reactor runs."""
        super().startService()
        self._reactor.callWhenRunning(self._go)

    def _go(self) -> None:
        def failed(failure: Failure) -> None:
            self.status = 1
            self._output.flush()
            if failure.check(BrokenPipeError):
                return
            text = str(failure.value) if failure.check(FetchError) else failure.getTraceback()
            print(f"genhash: {text}", file=self._errors)

        try:
            going = fetch(self._options, self._output, self._reactor)
        except FetchError:
            failed(Failure())
            self._reactor.stop()
            return
        going.addErrback(failed)
        going.addBoth(lambda _: self._reactor.callLater(0, self._reactor.stop))


def makeService(options: Options) -> Service:
    """The plugin's service, for twistd and twist: prints to the real stdout, whatever becomes of the log."""
    from twisted.internet import reactor

    service = _Genhash(options, reactor, sys.__stdout__ or sys.stdout, sys.__stderr__ or sys.stderr)

    def leave() -> None:
        # twistd knows no exit status; this is the last thing the process does.
        if service.status:
            sys.stdout.flush()
            os._exit(service.status)

    atexit.register(leave)
    return service


def main(argv: Sequence[str] | None = None) -> NoReturn:
    """The console command; ends the process with status 0, or 1 after a message on stderr."""
    options = Options()
    try:
        options.parseOptions(list(sys.argv[1:] if argv is None else argv))
    except usage.UsageError as mistake:
        print(f"genhash: {mistake}\nTry genhash --help.", file=sys.stderr)
        sys.exit(1)
    from twisted.internet import reactor

    service = _Genhash(options, reactor, sys.stdout, sys.stderr)
    service.startService()
    reactor.run()
    sys.exit(service.status)
