"""Browsers that somebody else's page leads to us, where no token is asked for: a tunnel to our socket.  Pure.

Whoever has ``ssh -L 8080:…/api.sock`` running looks at other pages, too.  Such
a page may send requests to ``localhost:8080``; and its name server may say
that its own name is 127.0.0.1, which makes what it sends its own in the
browser's eyes.  The first kind tells its ``Origin``, the second its ``Host``.
"""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import ip_address
from urllib.parse import urlsplit

from kaltwisted.api.exchange import RefusalError


def host_name(host: str) -> str:
    """The name or address in a header ``Host``, without port, brackets and case."""
    has_port = host.rpartition("]")[2].count(":") == 1
    name = host.rpartition(":")[0] if has_port else host
    return name.strip("[]").lower().rstrip(".")


def refuse_strangers(headers: Mapping[str, str]) -> None:
    """Let pass what no other page can have sent.

    :param headers: of the request, names in lower case.
    :raises RefusalError: another page may have sent it.
    """
    host = headers.get("host", "")
    if not _is_ours(host_name(host)):
        raise RefusalError(421, "the request is for another host", "call localhost")
    origin = headers.get("origin")
    if origin is not None and urlsplit(origin).netloc.lower() != host.lower():
        raise RefusalError(403, "another site's page has sent this request", "use the page of this daemon")


def _is_ours(name: str) -> bool:
    """Whether no name server of somebody else's answers for it: it is an address, or has no dot."""
    if "." not in name and ":" not in name:
        return True
    try:
        ip_address(name)
    except ValueError:
        return False
    return True
