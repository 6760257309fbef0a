"""genhash's command line: the guide's letters, and today's long names."""

from __future__ import annotations

import sys
from typing import NoReturn

from twisted.python import usage

from kaltwisted import __version__
from kaltwisted.config import model

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
