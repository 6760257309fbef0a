"""A browser, and pages in it that must neither complain nor ask anybody else."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

BROWSERS = ("chromium-headless-shell", "chromium", "google-chrome")


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Debian's Chromium without a window, for this lane only: playwright keeps an event loop running."""
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        pytest.skip("Chromium is missing: make packages")
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is missing: make setup")
    with playwright.sync_playwright() as driver:
        # Its sandbox is nothing for root, and what it sees here is our own.
        browser = driver.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def visit(browser: Browser) -> Iterator[Callable[..., Page]]:
    """``visit(address, **options of the context)`` opens a page.

    At the end none may have written to the console, failed, or asked anybody but its own daemon.
    What a test provokes it allows: ``page.allowed`` is a list of words of which a complaint may have one.
    """
    complaints: list[tuple[Any, str]] = []
    contexts: list[Any] = []

    def visit(address: str, wait: str | None = ".node", **options: Any) -> Page:
        settings: dict[str, Any] = {"viewport": {"width": 1280, "height": 900}, "reduced_motion": "reduce"}
        context = browser.new_context(**(settings | options))
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(8000)
        page.allowed = []  # type: ignore[attr-defined]
        host = urlsplit(address).netloc

        def asked(request: Any) -> None:
            if urlsplit(request.url).netloc != host:
                complaints.append((page, f"asked {request.url}"))

        page.on("request", asked)
        page.on("console", lambda message: complaints.append((page, f"{message.type}: {message.text}")))
        page.on("pageerror", lambda error: complaints.append((page, f"error: {error}")))
        page.goto(address)
        if wait:
            page.wait_for_selector(wait)
        return page

    yield visit
    for context in contexts:
        context.close()
    left = [words for page, words in complaints if not any(each in words for each in page.allowed)]
    assert not left


@pytest.fixture(scope="session")
def axe() -> str:
    """The text of axe-core, which finds what people with a screen reader or weak eyes would stumble over."""
    file = Path(__file__).parent / "node_modules" / "axe-core" / "axe.min.js"
    if not file.exists():
        pytest.skip("npm packages are missing: make test")
    return file.read_text()
