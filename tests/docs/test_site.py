"""The site: it is built without a warning, and no page of it asks anybody's server for anything."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest

from tests.docs.building import TOP, build

pytest.importorskip("mkdocs", reason="mkdocs-material is not installed: make setup")

LOADED = {"script": "src", "img": "src", "iframe": "src", "source": "src", "object": "data", "link": "href"}
"""Elements for which a browser fetches what an attribute names."""
ELSEWHERE = re.compile(r"(?:[a-z]+:)?//")
NOT_FETCHED = {"canonical", "next", "prev"}
"""Relations of a link element that are for reading only."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("site"))


class Fetched(HTMLParser):
    """What a browser fetches for a page, and the classes of its code blocks."""

    def __init__(self) -> None:
        super().__init__()
        self.urls: list[str] = []
        self.classes: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        url = given.get(LOADED.get(tag, ""))
        if url and given.get("rel") not in NOT_FETCHED:
            self.urls.append(url)
        if tag == "pre":
            self.classes |= set((given.get("class") or "").split())


def fetched(page: Path) -> Fetched:
    found = Fetched()
    found.feed(page.read_text(encoding="utf-8"))
    return found


def pages(site: Path) -> Iterator[Path]:
    return site.rglob("*.html")


def test_all_pages_are_there(site: Path) -> None:
    written = {path.relative_to(TOP / "docs").with_suffix("") for path in (TOP / "docs").rglob("*.md")}
    assert written <= {path.relative_to(site).with_suffix("") for path in pages(site)}


def test_everything_is_fetched_from_the_site_itself(site: Path) -> None:
    for page in pages(site):
        urls = fetched(page).urls
        assert urls, page
        for url in urls:
            assert not ELSEWHERE.match(url), f"{page.name} fetches {url}"
            if page.name != "404.html":  # Which has absolute paths, as it may be shown anywhere.
                assert (page.parent / url.partition("#")[0].partition("?")[0]).is_file(), (page, url)


def test_so_it_is_by_style_sheets(site: Path) -> None:
    sheets = list(site.rglob("*.css"))
    assert sheets
    for sheet in sheets:
        assert not re.search(r"(?:url\(|@import\s)\s*[\"']?(?:https?:)?//", sheet.read_text(encoding="utf-8"))


def test_no_page_has_the_theme_fetch_mermaid(site: Path) -> None:
    """Its script does for ``pre.mermaid``; here the text of such a picture is what is shown."""
    architecture = site / "architecture.html"
    assert "flowchart" in architecture.read_text(encoding="utf-8")
    assert all("mermaid" not in fetched(page).classes for page in pages(site))
