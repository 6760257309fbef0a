"""``python -m tools.openapi > docs/openapi.json``: the API's description, as a daemon serves it."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

from kaltwisted import __version__
from kaltwisted.api.openapi import document
from kaltwisted.api.table import routes


def text() -> str:
    """The file."""
    nobody: Any = SimpleNamespace(events=None)  # nothing is asked of it
    return json.dumps(document(routes(nobody, nobody, nobody), __version__), indent=2) + "\n"


if __name__ == "__main__":
    print(text(), end="")
