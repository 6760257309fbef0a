"""The page's files, and who looks at them."""

from __future__ import annotations

from kaltwisted.api.access import Role
from kaltwisted.api.exchange import Answer, Asked, encoded
from kaltwisted.api.page.assets import HEADERS, INDEX, Asset, assets
from kaltwisted.api.routes import Handler, Routes


def add(routes: Routes) -> None:
    """Serve the page at ``/`` and what it is made of below ``/page/``, to everybody: it tells nothing.

    What it shows it asks for like any other client, and what its buttons may
    do it learns from ``GET /api/v1/access``.

    Reads files: call it where that may take its time.
    """
    for name, asset in assets().items():
        routes.add("GET", "/" if name == INDEX else f"/page/{name}", _handler(asset), Role.PUBLIC)
    routes.add("GET", "/api/v1/access", _access, Role.PUBLIC)


def _handler(asset: Asset) -> Handler:
    headers = {**HEADERS, "ETag": asset.etag}
    whole = Answer(asset.body, content_type=asset.content_type, headers=headers)
    unchanged = Answer(b"", 304, asset.content_type, headers)

    def answer(asked: Asked) -> Answer:
        known = asked.headers.get("if-none-match", "")
        return unchanged if asset.etag in (each.strip() for each in known.split(",")) else whole

    return answer


def _access(asked: Asked) -> Answer:
    return Answer(encoded({"role": asked.access.role.name.lower(), "by": asked.access.by}))
