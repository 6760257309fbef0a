"""The files of the page with the headers that they are served with."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from hashlib import sha256
from importlib.resources import files
from types import MappingProxyType

from attrs import frozen

INDEX = "index.html"

_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}

# Nothing but our own files and our own API, nothing inline, in nobody's frame; and with trusted types
# not even our own scripts can make HTML of a text.
_POLICY = "; ".join(
    [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
    ]
)

HEADERS: Mapping[str, str] = MappingProxyType(
    {
        "Content-Security-Policy": _POLICY,
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Referrer-Policy": "no-referrer",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        # Asked for again each time, answered by 304: after an upgrade nobody sees half of an old page.
        "Cache-Control": "no-cache",
    }
)


@frozen
class Asset:
    """One file: ``etag`` is quoted, as a header has it."""

    body: bytes
    content_type: str
    etag: str


@cache
def assets() -> Mapping[str, Asset]:
    """All files by name, read once: together they are about 100 KB."""
    found = {}
    for file in files(__package__).joinpath("static").iterdir():
        content_type = _TYPES.get(file.name[file.name.rfind(".") :])
        if content_type is None:
            continue
        body = file.read_bytes()
        found[file.name] = Asset(body, content_type, f'"{sha256(body).hexdigest()[:20]}"')
    return MappingProxyType(found)
