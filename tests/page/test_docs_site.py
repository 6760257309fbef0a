"""The documentation's site in a browser: it works, can be searched, and asks nobody but its own server."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest

from tests.docs.building import build

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytest.importorskip("mkdocs", reason="mkdocs-material is not installed: make setup")
CONTENT = ".md-content"


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = build(tmp_path_factory.mktemp("site"))
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("name", ["index", "tutorial", "architecture", "runbook", "man/kaltwisted.8"])
def test_a_page_asks_nobody_else(visit: Callable[..., Page], address: str, name: str) -> None:
    page = visit(f"{address}/{name}.html", wait=CONTENT)
    page.wait_for_load_state("networkidle")
    assert page.locator(f"{CONTENT} h1").count() == 1


def test_it_can_be_searched(visit: Callable[..., Page], address: str) -> None:
    page = visit(f"{address}/index.html", wait=CONTENT)
    page.click("input.md-search__input")
    page.keyboard.type("split brain")
    page.wait_for_selector(".md-search-result__item")
    assert "runbook.html" in page.locator(".md-search-result__list").inner_html()
