"""What is made from the keyword tables is up to date, and holds together."""

from __future__ import annotations

import json
import re
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from tools.keywords import files

TOP = Path(__file__).parents[2]
MADE = dict(files())


class MadeFilesTests(SynchronousTestCase):
    def test_they_are_as_the_tables_are(self) -> None:
        for name, text in MADE.items():
            there = (TOP / name).read_text(encoding="utf-8")
            self.assertTrue(there == text, f"{name} is not as the tables are: make keywords")


class PageTests(SynchronousTestCase):
    page = MADE["docs/keywords.md"]

    def test_every_link_leads_somewhere(self) -> None:
        anchors = re.findall(r'<a id="(.*?)"></a>', self.page)
        links = re.findall(r"\]\((.*?)\)", self.page)
        self.assertEqual(len(anchors), len(set(anchors)))
        self.assertGreater(len(links), len(anchors))
        for link in links:
            file, _, anchor = link.partition("#")
            self.assertTrue((TOP / "docs" / file).exists() if file else anchor in anchors, link)

    def test_the_numbers_add_up(self) -> None:
        whole = re.search(r"Of keepalived's (\d+) keywords", self.page)
        parts = re.findall(r"^- (\d+) are \*\*", self.page, re.MULTILINE)
        assert whole is not None
        self.assertEqual(int(whole[1]), sum(map(int, parts)))

    def test_rows_have_the_columns_of_their_table(self) -> None:
        columns = 0
        for line in self.page.splitlines():
            cells = len(re.findall(r"(?<!\\)\|", line)) - 1
            if not line.startswith("|"):
                columns = 0
            elif columns:
                self.assertEqual(cells, columns, line)
            else:
                columns = cells


class CompletionsTests(SynchronousTestCase):
    blocks = json.loads(MADE["editors/completions.json"])["blocks"]

    def test_every_block_that_is_opened_is_there(self) -> None:
        opened = {keyword.get("opens", "") for block in self.blocks.values() for keyword in _keywords(block)}
        self.assertEqual(opened, set(self.blocks))

    def test_snippets_begin_with_their_keyword_and_close_what_they_open(self) -> None:
        for block in self.blocks.values():
            for word, keyword in block.get("keywords", {}).items():
                snippet = keyword["snippet"]
                self.assertTrue(re.match(rf"{re.escape(word)}(\s|$)", snippet), snippet)
                bare = re.sub(r"\$\{[^}]*\}", "", snippet)
                self.assertEqual(bare.count("{"), bare.count("}"), snippet)
                self.assertEqual("{" in bare, "opens" in keyword, snippet)


def _keywords(block: dict[str, dict[str, dict[str, str]]]) -> list[dict[str, str]]:
    return list(block.get("keywords", {}).values())


class GrammarTests(SynchronousTestCase):
    def test_every_rule_that_is_included_is_there_and_every_rule_is_included(self) -> None:
        grammar = json.loads(MADE["editors/vscode/syntaxes/keepalived.tmLanguage.json"])
        included = set(re.findall(r'"include": "#(.*?)"', json.dumps(grammar)))
        self.assertEqual(included, set(grammar["repository"]))
