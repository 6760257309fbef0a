"""The commands that steer a daemon, as a user gives them, for tests of the whole thing."""

from __future__ import annotations

import io
import json
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

from kaltwisted.client import steer
from kaltwisted.client.connection import Daemon


class Console:
    """Somebody at the console of the director whose runtime directory this is."""

    def __init__(self, runtime: Path) -> None:
        self.runtime = runtime
        self.socket = runtime / "api.sock"

    def __call__(self, words: str, status: int = 0) -> str:
        """Run ``kaltwisted WORDS``, which must end with that; what it has said."""
        said = io.StringIO()
        with redirect_stdout(said), redirect_stderr(said):
            ended = steer.main(words.split(), (self.socket,))
        assert ended == status, f"kaltwisted {words} ended with {ended}: {said.getvalue()}"
        return said.getvalue()

    def overridden(self) -> list[str]:
        """What is, as ``ACTION TARGET``."""
        kept = json.loads((self.runtime / "overrides.json").read_text())["overrides"]
        listed = json.loads(Daemon((self.socket,)).ask(steer.OVERRIDES))["overrides"]
        assert [each["target"] for each in kept] == [each["target"] for each in listed]
        return [f"{each['action']} {each['target']}" for each in listed]

    def status(self, part: str) -> Any:
        """A part of the status document."""
        return json.loads(Daemon((self.socket,)).ask("/api/v1/status", {"part": part}))[part]
