"""These tests run in a guest of tests/kernel/uml.py, where they may do as they like, and nowhere else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from .topology import Site

# The runner's folder, in its guests only.
if not Path("/run/uml/init").exists():
    collect_ignore_glob = ["test_*.py"]


@pytest.fixture(scope="session")
def built_site() -> Site:
    """The guest's only site."""
    return Site()


@pytest.fixture
def site(built_site: Site) -> Iterator[Site]:
    """The site with all servers up and nothing in the director's table; all is put back afterwards."""
    built_site.ipvsadm("-C")
    yield built_site
    for server in built_site.servers:
        server.stop()
        server.page = server.name.encode()
        server.start()
    built_site.ipvsadm("-C")
