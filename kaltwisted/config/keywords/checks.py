"""The checks of a real server."""

from __future__ import annotations

import re

from kaltwisted.config.keywords.convert import (
    INT_MAX,
    IpAddress,
    Number,
    OneOf,
    Seconds,
    Word,
    boolean,
    flag,
    missing,
    whole_number,
)
from kaltwisted.config.keywords.known import known
from kaltwisted.config.keywords.scripts import checking_command, user
from kaltwisted.config.keywords.table import KEEP, Again, Keep, Keyword, Problem, Problems, Table
from kaltwisted.config.keywords.track import Weight
from kaltwisted.config.model import DnsType, HttpProtocol, ReplyPattern

_HEX_DIGEST = re.compile(r"[0-9a-fA-F]{32}")
_HEX_DIGITS = frozenset("0123456789abcdefABCDEF")
# A pattern's digit for "whatever it is".
_WHATEVER = frozenset("xX")
# RFC 1035 §3.1: octets of a label, and of a name with its lengths.
_LONGEST_LABEL, _LONGEST_NAME = 63, 255

LONGEST_DATAGRAM = 65535
DELAY = Seconds()
PERIOD = Seconds(low_us=1)


def _digest(words: list[str], problems: Problems) -> str | Keep:
    expected = "the MD5 digest that genhash prints, 32 hex digits"
    if len(words) < 2:
        return missing(words, problems, expected)
    if not _HEX_DIGEST.fullmatch(words[1]):
        problems.append(Problem(f"`{words[1]}` is not an MD5 digest", expected=expected))
        return KEEP
    return words[1].lower()


def _status_codes(words: list[str], problems: Problems) -> tuple[tuple[int, int], ...] | Keep:
    expected = "status codes from 100 to 599 and ranges: 200 301-302"
    if len(words) < 2:
        return missing(words, problems, expected, fatal=False)
    ranges = []
    for index, word in enumerate(words[1:], 1):
        first, _, last = word.partition("-")
        low = whole_number(first, 100, 599)
        high = whole_number(last, 100, 599) if last else low
        if isinstance(low, str) or isinstance(high, str) or low > high or word.endswith("-"):
            problems.append(Problem(f"`{word}` is no status code", index, expected))
            return KEEP
        ranges.append((low, high))
    return tuple(ranges)


def _regex(words: list[str], problems: Problems) -> str | Keep:
    expected = "a pattern, in double quotes when it holds blanks"
    if len(words) < 2:
        return missing(words, problems, expected, fatal=False)
    try:
        re.compile(words[1].encode("utf-8", "surrogateescape"))
    except (re.error, OverflowError, RecursionError) as error:
        problems.append(Problem(f"the pattern does not compile: {error}", expected=expected))
        return KEEP
    return words[1]


def _verify_name(words: list[str], problems: Problems) -> str:
    return words[1] if len(words) > 1 else ""


def _bytes(words: list[str], wildcards: frozenset[str] = frozenset()) -> ReplyPattern | None:
    """Pairs of hex digits, blanks between them or not; one that is alone is a byte.  None: they are not."""
    value, mask = bytearray(), bytearray()
    for text in " ".join(words).split():
        for index in range(0, len(text), 2):
            pair = text[index : index + 2].rjust(2, "0")
            if not wildcards.union(_HEX_DIGITS).issuperset(pair):
                return None
            value.append(int("".join("0" if digit in wildcards else digit for digit in pair), 16))
            mask.append(int("".join("0" if digit in wildcards else "f" for digit in pair), 16))
    return ReplyPattern(bytes(value), bytes(mask)) if value else None


def _payload(words: list[str], problems: Problems) -> bytes | Keep:
    expected = "bytes as pairs of hex digits, such as 0a ff 3c"
    if len(words) < 2:
        return missing(words, problems, expected, fatal=False)
    pattern = _bytes(words[1:])
    if pattern is None:
        problems.append(Problem(f"`{' '.join(words[1:])}` is not hexadecimal", expected=expected))
        return KEEP
    return pattern.value


def _require_reply(words: list[str], problems: Problems) -> ReplyPattern | Keep:
    """``require_reply [PATTERN]``."""
    if len(words) < 2:
        return ReplyPattern()
    pattern = _bytes(words[1:], _WHATEVER)
    if pattern is None:
        expected = "nothing more, or bytes as pairs of hex digits, X for any digit, such as 0a fX"
        problems.append(Problem(f"`{' '.join(words[1:])}` is not hexadecimal", expected=expected))
        return KEEP
    return pattern


def _dns_name(words: list[str], problems: Problems) -> str | Keep:
    expected = "a domain name such as www.example.org, or . for the root"
    if len(words) < 2:
        return missing(words, problems, expected)
    labels = words[1].removesuffix(".").split(".") if words[1] not in ("", ".") else []
    octets = [len(label.encode(errors="surrogateescape")) for label in labels]
    if 0 in octets:
        wrong = "has an empty label"
    elif any(each > _LONGEST_LABEL for each in octets):
        wrong = f"has a label of more than {_LONGEST_LABEL} characters"
    elif sum(octets) + len(octets) + 1 > _LONGEST_NAME:
        wrong = f"has more than {_LONGEST_NAME - 2} characters"
    else:
        return words[1] or "."
    problems.append(Problem(f"`{words[1]}` {wrong}", expected=expected))
    return KEEP


def _session(words: list[str], problems: Problems) -> str | Keep:
    """``name SESSION``, and nothing more: keepalived, too, does not take the first of several."""
    expected = "the name of one bfd_instance"
    if len(words) < 2:
        return missing(words, problems, expected, fatal=False)
    if len(words) > 2 or not words[1]:
        message = "a BFD_CHECK goes by one session" if words[1] else "the name is empty"
        problems.append(Problem(message, min(2, len(words) - 1), expected))
        return KEEP
    return words[1]


_TIMING = {
    "delay_loop": Keyword("time from check to check", "delay_loop_us", PERIOD),
    "retry": Keyword("tries after the first failure", "retry", Number()),
    "delay_before_retry": Keyword("pause before each retry", "delay_before_retry_us", DELAY),
    "warmup": Keyword("longest random pause before the first check", "warmup_us", DELAY),
    "alpha": Keyword("counts as failed until it succeeds", "alpha", boolean),
    "log_all_failures": Keyword("log every failed attempt", "log_all_failures", boolean),
}

_CONNECTION = {
    "connect_ip": Keyword("address to check, if not the server's", "connect_ip", IpAddress()),
    "connect_port": Keyword("port to check, if not the server's", "connect_port", Number(1, 65535)),
    "connect_timeout": Keyword("limit of one attempt", "connect_timeout_us", PERIOD),
    "bindto": Keyword("source address of the check", "bindto", IpAddress()),
    "bind_port": Keyword("source port of the check", "bind_port", Number(1, 65535)),
    "bind_if": Keyword("interface of the check", "bind_if", Word("an interface")),
    "fwmark": Keyword("mark on the check's packets", "fwmark", Number()),
}

TCP_CHECK = Table("TCP_CHECK", {**_TIMING, **_CONNECTION})

URL = Table(
    "url",
    {
        "path": Keyword(
            "what to ask for", "path", Word("a path such as /index.html"), again=Again.OVERWRITES
        ),
        "digest": Keyword("MD5 of the right answer's body", "digest", _digest, again=Again.FIRST_WINS),
        "status_code": Keyword("good status codes and ranges", "status_codes", _status_codes, words=None),
        "virtualhost": Keyword(
            "Host name to ask for", "virtualhost", Word("a host name", fatal=False), again=Again.OVERWRITES
        ),
        "regex": Keyword("pattern the body must hold", "regex", _regex, script=True),
        "regex_no_match": Keyword("the pattern must not be there", "regex_no_match", flag, words=1),
        **known("url"),
    },
    misprints={"Path": "path", "Digest": "digest"},
)

_HTTP = {
    **_TIMING,
    **_CONNECTION,
    "nb_get_retry": Keyword("the guide's word for retry", "retry", Number(), today="retry"),
    "virtualhost": Keyword(
        "Host name to ask for", "virtualhost", Word("a host name", fatal=False), again=Again.OVERWRITES
    ),
    "http_protocol": Keyword(
        "version of the request",
        "http_protocol",
        OneOf(
            {
                "1.0": HttpProtocol.HTTP_1_0,
                "1.0C": HttpProtocol.HTTP_1_0_CLOSE,
                "1.0c": HttpProtocol.HTTP_1_0_CLOSE,
                "1.1": HttpProtocol.HTTP_1_1,
            },
            fatal=False,
        ),
    ),
    "fast_recovery": Keyword("up as soon as the failed url works again", "fast_recovery", boolean),
    "enable_sni": Keyword("send the server's name in the TLS handshake", "enable_sni", boolean),
    "sni_name": Keyword("the name to send, if not virtualhost", "sni_name", Word("a host name", fatal=False)),
    "url": Keyword("one request; as many as you like", block=URL, words=1),
}
_GUIDE_WORDS = {"Virtualhost": "virtualhost", "Nb_get_retry": "nb_get_retry"}

HTTP_GET = Table("HTTP_GET", _HTTP, misprints=_GUIDE_WORDS)

SSL_GET = Table(
    "SSL_GET",
    {
        **_HTTP,
        "tls_verify": Keyword(
            "verify chain and name of the certificate",
            "tls_verify",
            _verify_name,
            takes="the name to verify, if not the one asked for",
            ours=True,
        ),
        "tls_ca_file": Keyword("trusted certificates", "tls_ca_file", Word("a file", fatal=False), ours=True),
        **known("SSL_GET"),
    },
    misprints=_GUIDE_WORDS,
)

MISC_CHECK = Table(
    "MISC_CHECK",
    {
        **_TIMING,
        "misc_path": Keyword("the command to run", "misc_path", checking_command, words=4, script=True),
        "misc_timeout": Keyword("limit of its run", "misc_timeout_us", Seconds(whole=True)),
        "misc_dynamic": Keyword("its exit status sets the weight too", "misc_dynamic", flag, words=1),
        "user": Keyword("who runs it: user, perhaps a group", "user", user, words=3),
    },
)

FILE_CHECK = Table(
    "FILE_CHECK",
    {
        "track_file": Keyword("the track_file whose number counts", "track_file", Word("a track_file")),
        "weight": Keyword(
            "its number times this is added to the server's weight; 0: down unless it is 0",
            "file_weight",
            Weight(INT_MAX, fatal=False),
            words=3,
        ),
    },
)

BFD_CHECK = Table(
    "BFD_CHECK",
    {
        "name": Keyword(
            "the bfd_instance that it goes by", "name", _session, words=None, again=Again.FIRST_WINS
        ),
        "alpha": Keyword("counts as failed until the session is up", "alpha", boolean),
    },
)

_TARGET = {**_TIMING, **_CONNECTION}

SMTP_CHECK = Table(
    "SMTP_CHECK",
    {
        **_TARGET,
        "helo_name": Keyword(
            "name said in HELO, if not keepalived's",
            "helo_name",
            Word("a host name", fatal=False),
        ),
        "host": Keyword("the old place of connect_ip and the like", block=Table("host", _TARGET), words=1),
    },
)

PING_CHECK = Table("PING_CHECK", _TARGET)

UDP_CHECK = Table(
    "UDP_CHECK",
    {
        **_TARGET,
        "payload": Keyword("bytes to send, in hex", "payload", _payload, words=None),
        "require_reply": Keyword(
            "an answer must come, perhaps one that begins so", "require_reply", _require_reply, words=None
        ),
        "min_reply_length": Keyword(
            "shortest good answer, in bytes", "min_reply_length", Number(0, LONGEST_DATAGRAM)
        ),
        "max_reply_length": Keyword(
            "longest good answer, in bytes", "max_reply_length", Number(0, LONGEST_DATAGRAM)
        ),
    },
)

DNS_CHECK = Table(
    "DNS_CHECK",
    {
        **_TARGET,
        "type": Keyword("what to ask for", "type", OneOf({each.name: each for each in DnsType}, fold=True)),
        "name": Keyword("the name to ask for", "name", _dns_name, again=Again.FIRST_WINS),
    },
)

CHECKS = {
    "TCP_CHECK": Keyword("good when the connection opens", block=TCP_CHECK, words=1),
    "HTTP_GET": Keyword("asks a web server and looks at the answer", block=HTTP_GET, words=1),
    "SSL_GET": Keyword("HTTP_GET over TLS", block=SSL_GET, words=1),
    "MISC_CHECK": Keyword("a command of yours, by its exit status", block=MISC_CHECK, words=1),
    "FILE_CHECK": Keyword("goes by the number in a file", block=FILE_CHECK, words=1),
    "BFD_CHECK": Keyword("goes by a BFD session", block=BFD_CHECK, words=1),
    "SMTP_CHECK": Keyword("greets a mail server", block=SMTP_CHECK, words=1),
    "PING_CHECK": Keyword("asks for an ICMP echo", block=PING_CHECK, words=1),
    "UDP_CHECK": Keyword("sends a datagram", block=UDP_CHECK, words=1),
    "DNS_CHECK": Keyword("asks a name server", block=DNS_CHECK, words=1),
}
