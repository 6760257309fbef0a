"""``python -m tools.pictures``: the pictures of the web page in ``docs/images``, of a pretended site.

It needs what ``tests/page`` needs (``make setup`` and ``make packages``); with
pngquant installed they are a third as large.
"""

from __future__ import annotations

import random
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import attrs
from playwright.sync_api import Browser, Page, sync_playwright

from tests.page.pretended import Pretended, latencies, serving
from tests.page.pretended_site import large_site, small_site

IMAGES: Final = Path(__file__).parents[1] / "docs" / "images"
RUNS: Final = 36
"""How often checks have run, for their sparklines."""
FAILING: Final = "tcp/192.0.2.10:80/10.1.0.3:80"
DRAINED: Final = "tcp/192.0.2.20:5432/10.2.0.3:5432"


def _trouble(daemon: Pretended, page: Page) -> None:
    """One server is down, one is drained."""
    daemon.fails(FAILING)
    daemon.override({"target": DRAINED, "action": "drain", "reason": "new kernel, ticket 4711"}, "ann")
    page.wait_for_selector(".node.server.tone-bad")


def _asked(daemon: Pretended, page: Page) -> None:
    """Somebody is about to drain a server."""
    _trouble(daemon, page)
    page.locator('[data-id="tcp/192.0.2.10:80/10.1.0.2:80"]').click()
    page.locator("#panel").get_by_role("button", name="Drain", exact=True).click()


def _open(daemon: Pretended, page: Page) -> None:
    """Somebody looks at the server that is down."""
    _trouble(daemon, page)
    page.locator(f'[data-id="{FAILING}"]').click()


def _as_it_is(daemon: Pretended, page: Page) -> None:
    """Nothing happens."""


@attrs.frozen
class Picture:
    """One of them: how large, on what, and what happens first."""

    name: str
    width: int
    height: int
    scene: Callable[[Pretended, Page], None]
    is_dark: bool = False
    is_large: bool = False


PICTURES: Final = (
    Picture("page-overview", 1280, 860, _trouble),
    Picture("page-drain", 1280, 860, _asked, is_dark=True),
    Picture("page-large", 1280, 700, _as_it_is, is_large=True),
    Picture("page-phone", 360, 740, _trouble),
    Picture("page-phone-server", 360, 740, _open, is_dark=True),
)


def _daemon(picture: Picture) -> Pretended:
    daemon = Pretended(large_site() if picture.is_large else small_site())
    now = time.time()
    daemon.event("instance", "VI_web", "BACKUP", "MASTER", "no advert for 3.61 s", now - 7200)
    if not picture.is_large:
        database = "tcp/192.0.2.20:5432/10.2.0.2:5432"
        daemon.event("real_server", database, "up", "down", "timeout", now - 3000)
        daemon.event("real_server", database, "down", "up", None, now - 2900)
    daemon.event("reload", "/etc/keepalived/keepalived.conf", None, "applied", None, now - 2400)
    return daemon


def _take(picture: Picture, browser: Browser) -> None:
    daemon, chance = _daemon(picture), random.Random(picture.name)
    with serving(daemon) as address:
        page = browser.new_page(
            viewport={"width": picture.width, "height": picture.height},
            color_scheme="dark" if picture.is_dark else "light",
            has_touch=picture.width < 600,
        )
        page.goto(address)
        page.wait_for_selector(".node")
        for _ in range(0 if picture.is_large else RUNS):
            latencies(daemon, chance)
            page.evaluate("dispatchEvent(new Event('online'))")
            page.wait_for_timeout(260)
        picture.scene(daemon, page)
        # What changed is marked for four seconds.
        page.wait_for_timeout(4500)
        file = IMAGES / f"{picture.name}.png"
        page.screenshot(path=file)
        page.close()
    if shutil.which("pngquant"):
        subprocess.run(["pngquant", "--force", "--output", file, "64", file], check=True)


def main() -> None:
    """Make those that the command line names, or all."""
    IMAGES.mkdir(exist_ok=True)
    with sync_playwright() as driver:
        browser = driver.chromium.launch(
            executable_path=shutil.which("chromium-headless-shell") or shutil.which("chromium"),
            args=["--no-sandbox"],
        )
        for picture in PICTURES:
            if not sys.argv[1:] or picture.name in sys.argv[1:]:
                _take(picture, browser)
        browser.close()


if __name__ == "__main__":
    main()
