"""``TCP_CHECK``, ``HTTP_GET``, ``SSL_GET``, ``MISC_CHECK`` and ``url``."""

from __future__ import annotations

import re

from kaltwisted.config.keywords.convert import (
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
from kaltwisted.config.keywords.scripts import command, user
from kaltwisted.config.keywords.table import KEEP, Again, Keep, Keyword, Problem, Problems, Table
from kaltwisted.config.model import HttpProtocol, Script

_HEX_DIGEST = re.compile(r"[0-9a-fA-F]{32}")

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


def _misc_path(words: list[str], problems: Problems) -> Script | Keep:
    return command(words, problems, fatal=False)


def _verify_name(words: list[str], problems: Problems) -> str:
    return words[1] if len(words) > 1 else ""


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
        "digest": Keyword("MD5 of the right answer's body", "digest", _digest, again=Again.OVERWRITES),
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
            "verify chain and name of the certificate (ours); the name, if not the one asked for",
            "tls_verify",
            _verify_name,
        ),
        "tls_ca_file": Keyword("trusted certificates (ours)", "tls_ca_file", Word("a file", fatal=False)),
        **known("SSL_GET"),
    },
    misprints=_GUIDE_WORDS,
)

MISC_CHECK = Table(
    "MISC_CHECK",
    {
        **_TIMING,
        "misc_path": Keyword("the command to run", "misc_path", _misc_path, words=4, script=True),
        "misc_timeout": Keyword("limit of its run", "misc_timeout_us", Seconds(whole=True)),
        "misc_dynamic": Keyword("its exit status sets the weight too", "misc_dynamic", flag, words=1),
        "user": Keyword("who runs it: user, perhaps a group", "user", user, words=3),
    },
)

CHECKS = {
    "TCP_CHECK": Keyword("good when the connection opens", block=TCP_CHECK, words=1),
    "HTTP_GET": Keyword("asks a web server and looks at the answer", block=HTTP_GET, words=1),
    "SSL_GET": Keyword("HTTP_GET over TLS", block=SSL_GET, words=1),
    "MISC_CHECK": Keyword("a command of yours, by its exit status", block=MISC_CHECK, words=1),
}
