"""Starts the guest of test_in_kernel.py when it is known what shall run in it, and ends it."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from . import test_in_kernel, uml


@pytest.hookimpl
def pytest_collection_finish(session: pytest.Session) -> None:
    """Boot it, unless nothing is selected or only asked for."""
    selected = [
        item.callspec.params["name"]
        for item in session.items
        if isinstance(item, pytest.Function) and item.function is test_in_kernel.test_in_kernel
    ]
    if not selected or session.config.option.collectonly or uml.why_not():
        return
    folder = tempfile.TemporaryDirectory(prefix="kaltwisted-guest.")
    guest = test_in_kernel.Guest(selected, Path(folder.name))
    session.config.stash[test_in_kernel.GUEST] = guest
    session.config.add_cleanup(folder.cleanup)
    session.config.add_cleanup(guest.stop)
