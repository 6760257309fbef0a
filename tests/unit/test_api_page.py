"""api.page: its files, the headers that keep it to itself, and what is said of who looks at it."""

from __future__ import annotations

import json
import re
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from kaltwisted.api.access import Access, Role
from kaltwisted.api.exchange import Answer, Asked, RefusalError
from kaltwisted.api.page import assets, serve
from kaltwisted.api.routes import Routes

STATIC = Path(assets.__file__).with_name("static")
EVERYBODY = Access(Role.PUBLIC, "somebody")


class PageTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.routes = Routes()
        serve.add(self.routes)

    def ask(self, path: str, access: Access = EVERYBODY, **headers: str) -> Answer:
        asked = Asked("GET", path, access, headers={name.replace("_", "-"): v for name, v in headers.items()})
        answer = self.routes.find(asked).handler(asked)
        assert isinstance(answer, Answer)
        return answer

    def test_everybody_gets_every_file_and_nothing_else(self) -> None:
        paths = [route.path for route in self.routes if route.path != "/api/v1/access"]
        files = sorted(file.name for file in STATIC.iterdir() if file.name != "index.html")
        self.assertEqual(sorted(paths), ["/", *(f"/page/{name}" for name in files)])
        for path in paths:
            answer = self.ask(path)
            self.assertEqual(answer.status, 200)
            policy = answer.headers["Content-Security-Policy"]
            self.assertIn("default-src 'none'; script-src 'self'; style-src 'self'", policy)
            self.assertNotIn("unsafe", policy)
        for path in ("/page/", "/page/index.html", "/page/../assets.py", "/page/%2e%2e/assets.py"):
            with self.assertRaises(RefusalError) as caught:
                self.ask(path)
            self.assertEqual(caught.exception.status, 404)

    def test_types_are_right_for_browsers_that_do_not_guess(self) -> None:
        self.assertEqual(self.ask("/").content_type, "text/html; charset=utf-8")
        self.assertEqual(self.ask("/page/page.css").content_type, "text/css; charset=utf-8")
        self.assertEqual(self.ask("/page/app.mjs").content_type, "text/javascript; charset=utf-8")
        self.assertEqual(self.ask("/page/icon.svg").content_type, "image/svg+xml")

    def test_what_a_browser_has_already_is_not_sent_again(self) -> None:
        whole = self.ask("/page/app.mjs")
        self.assertEqual(whole.body, (STATIC / "app.mjs").read_bytes())
        for known in (whole.headers["ETag"], f'"x", {whole.headers["ETag"]}'):
            again = self.ask("/page/app.mjs", if_none_match=known)
            self.assertEqual((again.status, again.body), (304, b""))
            self.assertEqual(again.headers, whole.headers)
        self.assertEqual(self.ask("/page/app.mjs", if_none_match='"x"').status, 200)
        self.assertNotEqual(whole.headers["ETag"], self.ask("/page/link.mjs").headers["ETag"])

    def test_everything_that_a_file_names_is_there(self) -> None:
        html = self.ask("/").body.decode()
        named = re.findall(r'(?:src|href)="(?!#)([^"]+)"', html)
        self.assertEqual(len(named), 4)
        for file in STATIC.glob("*.mjs"):
            named += [f"page/{name}" for name in re.findall(r'from "\./([^"]+)"', file.read_text())]
        for path in named:
            self.assertEqual(self.ask(f"/{path}").status, 200)

    def test_nothing_is_inline_and_nothing_is_from_elsewhere(self) -> None:
        html = self.ask("/").body.decode()
        self.assertNotRegex(html, r"<style|style=|<script(?![^>]* src=)|\son[a-z]+=")
        for file in STATIC.iterdir():
            text = file.read_text().replace("http://www.w3.org/2000/svg", "")
            self.assertNotRegex(text, r"https?:|url\(|@import|innerHTML|insertAdjacentHTML|eval\(")

    def test_who_one_is(self) -> None:
        answer = self.ask("/api/v1/access", Access(Role.CONTROL, "uid 0 (root)"))
        self.assertEqual(json.loads(answer.body), {"role": "control", "by": "uid 0 (root)"})
        self.assertEqual(json.loads(self.ask("/api/v1/access").body), {"role": "public", "by": "somebody"})
