"""Real servers as child processes, and what genhash says of their pages."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from twisted.internet.defer import TimeoutError

from demo.daemon import PATIENCE, StoryError
from demo.processes import Child, tool


def start_server(
    reactor: Any, prefix: Sequence[str], name: str, address: str, listeners: Sequence[str]
) -> Child:
    """A ``demo.server`` with these listeners, on the host that ``prefix`` leads to."""
    return Child(reactor, [*prefix, tool("python"), "-m", "demo.server", name, address, *listeners])


async def listening(name: str, server: Child) -> None:
    """Until the server listens; a StoryError if it does not."""
    if "ready" in server.output:
        return
    try:
        await server.hear(PATIENCE)
    except (TimeoutError, ConnectionError) as error:
        raise StoryError(f"server {name} does not start: {error}") from error


async def page_digest(reactor: Any, prefix: Sequence[str], address: str, port: int, page: str) -> str:
    """What the administrator does: ask genhash about a page."""
    command = [tool("genhash"), "--quiet", "-s", address, "-p", str(port), "-u", page]
    genhash = Child(reactor, [*prefix, *command])
    status = await genhash.wait()
    answer = genhash.output[-1] if genhash.output else ""
    if status or not re.fullmatch("[0-9a-f]{32}", answer):
        raise StoryError(f"{' '.join(command)}: status {status}, {genhash.output}")
    return answer
