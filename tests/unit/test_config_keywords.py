"""The keyword tables fit the drafts, and what is known by name only is not read."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from kaltwisted.config import drafts
from kaltwisted.config.keywords.bfd import BFD_INSTANCE
from kaltwisted.config.keywords.checks import (
    BFD_CHECK,
    DNS_CHECK,
    FILE_CHECK,
    HTTP_GET,
    MISC_CHECK,
    PING_CHECK,
    SMTP_CHECK,
    SSL_GET,
    TCP_CHECK,
    UDP_CHECK,
    URL,
)
from kaltwisted.config.keywords.global_defs import GLOBAL_DEFS
from kaltwisted.config.keywords.known import known
from kaltwisted.config.keywords.table import Stage, tables
from kaltwisted.config.keywords.top import TOP, homes
from kaltwisted.config.keywords.track import VRRP_SCRIPT, VRRP_TRACK_FILE, VRRP_TRACK_PROCESS
from kaltwisted.config.keywords.virtual_server import REAL_SERVER, VIRTUAL_SERVER
from kaltwisted.config.keywords.vrrp import AUTHENTICATION, VRRP_INSTANCE, VRRP_SYNC_GROUP
from kaltwisted.config.spelling import distance, nearest

DRAFTS = {
    TOP: drafts.TopDraft,
    GLOBAL_DEFS: drafts.GlobalDraft,
    VIRTUAL_SERVER: drafts.VirtualServerDraft,
    REAL_SERVER: drafts.RealServerDraft,
    TCP_CHECK: drafts.CheckDraft,
    HTTP_GET: drafts.CheckDraft,
    SSL_GET: drafts.CheckDraft,
    MISC_CHECK: drafts.CheckDraft,
    FILE_CHECK: drafts.CheckDraft,
    BFD_CHECK: drafts.CheckDraft,
    SMTP_CHECK: drafts.CheckDraft,
    PING_CHECK: drafts.CheckDraft,
    UDP_CHECK: drafts.CheckDraft,
    DNS_CHECK: drafts.CheckDraft,
    URL: drafts.UrlDraft,
    VRRP_INSTANCE: drafts.VrrpDraft,
    VRRP_SYNC_GROUP: drafts.VrrpDraft,
    VRRP_SCRIPT: drafts.VrrpScriptDraft,
    VRRP_TRACK_PROCESS: drafts.TrackProcessDraft,
    VRRP_TRACK_FILE: drafts.TrackFileDraft,
    BFD_INSTANCE: drafts.BfdDraft,
    AUTHENTICATION: drafts.AuthenticationDraft,
}


class TableTests(SynchronousTestCase):
    def test_every_field_is_an_attribute_of_the_block_s_draft(self) -> None:
        for table, draft in DRAFTS.items():
            for name, keyword in table.keywords.items():
                if keyword.field:
                    self.assertTrue(hasattr(draft, keyword.field), f"{table.name}: {name}")

    def test_every_keyword_is_read_or_opens_a_block_or_is_known_by_name(self) -> None:
        for table in tables(TOP):
            for name, keyword in table.keywords.items():
                by_name = keyword.stage is Stage.KNOWN
                ways = [
                    keyword.convert is not None,
                    keyword.block is not None and not by_name,
                    by_name,
                ]
                self.assertEqual(sum(ways), 1, f"{table.name}: {name}")
                self.assertTrue(keyword.doc)

    def test_nothing_that_is_read_is_known_by_name_only(self) -> None:
        for table in (TOP, *DRAFTS):
            for name in known(table.name):
                self.assertIs(table.keywords[name].stage, Stage.KNOWN, f"{table.name}: {name}")

    def test_one_word_opens_different_blocks_in_different_places(self) -> None:
        """A ``track_file`` of its own has keywords, one that an instance looks at has lines of names."""
        defined, looked_at = TOP.keywords["track_file"].block, VRRP_INSTANCE.keywords["track_file"].block
        assert defined is not None
        assert looked_at is not None
        self.assertIn("init_file", defined.keywords)
        self.assertEqual((looked_at.values, dict(looked_at.keywords)), (True, {}))
        self.assertIn("FILE_CHECK", homes()["track_file"])

    def test_misprints_are_other_words_for_keywords(self) -> None:
        for table in tables(TOP):
            for misprint, right in table.misprints.items():
                self.assertIn(right, table.keywords)
                self.assertNotIn(misprint, table.keywords)

    def test_homes(self) -> None:
        self.assertEqual(homes()["virtual_server"], ("",))
        self.assertIn("HTTP_GET", homes()["url"])
        self.assertNotIn("lvs_id", homes())


class SpellingTests(SynchronousTestCase):
    def test_nearest(self) -> None:
        words = ["weight", "lb_algo", "lb_kind", "connect_port", "real_server"]
        for slip, meant in {
            "weigth": "weight",
            "WEIGHT": "weight",
            "lb_alog": "lb_algo",
            "connetc_port": "connect_port",
            "realserver": "real_server",
            "zzz": None,
            "x": None,
            "w" * 1000: None,
        }.items():
            self.assertEqual(nearest(slip, words), meant, slip)

    def test_distance_counts_a_swap_once(self) -> None:
        self.assertEqual(distance("weigth", "weight", 9), 1)
        self.assertEqual(distance("", "abc", 9), 3)
        self.assertEqual(distance("abc", "xyz", 2), 2)
