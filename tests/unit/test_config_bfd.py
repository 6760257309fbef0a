"""``bfd_instance``, ``track_bfd``: what is read, the defaults, each mistake in keepalived's words."""

from __future__ import annotations

from ipaddress import ip_address

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from kaltwisted.config.diff import compare
from kaltwisted.config.dump import dump
from kaltwisted.config.load import Reading, load_text
from kaltwisted.config.model import BfdInstance, Tracked

NEIGHBOR = "neighbor_ip 10.0.0.2\n"


def session(body: str = NEIGHBOR, name: str = "far") -> str:
    return f"bfd_instance {name} {{\n{body}}}\n"


def router(lines: str, block: str = "") -> str:
    return (
        "vrrp_instance X {\n interface eth0\n virtual_router_id 7\n virtual_ipaddress {\n 10.0.0.9\n }\n"
        f"{block} track_bfd {{\n{lines} }}\n}}\n"
    )


def read(text: str) -> Reading:
    reading = load_text(text, "x.conf")
    assert not reading.findings, reading.findings
    return reading


class BfdTests(SynchronousTestCase):
    def test_the_defaults_are_keepalived_s(self) -> None:
        configuration = read(session() + session("neighbour_ip fe80::2\n", "six")).configuration
        four, six = configuration.bfd_instances
        self.assertEqual(four, BfdInstance("far", ip_address("10.0.0.2")))
        self.assertEqual(
            (four.min_rx_us, four.min_tx_us, four.idle_tx_us, four.multiplier), (10_000, 10_000, 1_000_000, 5)
        )
        self.assertEqual((four.ttl, four.least_ttl, six.ttl, six.least_ttl), (255, 255, 64, 64))
        self.assertEqual((four.vrrp, four.checker), (True, True))

    def test_everything_at_once(self) -> None:
        body = (
            f"{NEIGHBOR} source_ip 10.0.0.1\n min_rx 50.5\n min_tx 20\n idle_tx 2000\n"
            " multiplier 3\n passive\n"
            " hoplimit 100\n max_hops 10\n multihop\n weight -7 reverse\n vrrp\n"
        )
        [found] = read(session(body)).configuration.bfd_instances
        self.assertEqual(
            found,
            BfdInstance(
                "far",
                ip_address("10.0.0.2"),
                ip_address("10.0.0.1"),
                50_500,
                20_000,
                2_000_000,
                3,
                passive=True,
                ttl=100,
                max_hops=10,
                multihop=True,
                weight=-7,
                reverse=True,
                vrrp=True,
                checker=False,
            ),
        )
        self.assertEqual(found.least_ttl, 90)

    def test_behind_routers_any_number_of_hops_is_fine_unless_it_is_said(self) -> None:
        hops = ("multihop\n", "multihop\nmax_hops 5\n", "max_hops -1\n")
        found = [read(session(NEIGHBOR + each)).configuration.bfd_instances[0].least_ttl for each in hops]
        self.assertEqual(found, [0, 250, 0])

    def test_what_tracks_it(self) -> None:
        text = session() + session("neighbor_ip 10.0.0.3\n", "near")
        group = "vrrp_sync_group G {\n group {\n X\n Y\n }\n track_bfd {\n far weight 5 reverse\n }\n}\n"
        other = router("far\n").replace("X", "Y").replace("id 7", "id 8")
        reading = read(text + router("far weight 10 reverse\nnear\n") + other + group)
        self.assertEqual(
            reading.configuration.vrrp_instances[0].track_bfd,
            (Tracked("far", 10, True), Tracked("near")),
        )
        self.assertEqual(reading.configuration.vrrp_sync_groups[0].track_bfd, (Tracked("far", 5, True),))

    def test_mistakes(self) -> None:
        """(text, what is said, what keepalived logs, the sessions that are left)"""
        second = session("neighbor_ip 10.0.0.3\n", "near")
        long = "x" * 32
        for text, message, log, left in [
            (session(NEIGHBOR + "min_rx 0\n"), "0 is out of range", None, ["far"]),
            (session(NEIGHBOR + "idle_tx 500\n"), "500 is out of range", None, ["far"]),
            (session(NEIGHBOR + "min_tx x\n"), "is not a number of milliseconds", None, ["far"]),
            (session(NEIGHBOR + "min_tx 20000\n"), "very long for BFD", None, ["far"]),
            (session(NEIGHBOR + "multiplier 300\n"), "300 is out of range", None, ["far"]),
            (session(NEIGHBOR + "weight 300\n"), "300 is out of range", None, ["far"]),
            (session(NEIGHBOR + "weight 5 foo\n"), "`foo` is not known here", None, ["far"]),
            (session(NEIGHBOR + "max_hops -2\n"), "-2 is out of range", None, ["far"]),
            (
                session(NEIGHBOR + "ttl 2\nmax_hops 3\n"),
                "above its ttl",
                "BFD instance far: max_hops exceeds ttl/hoplimit - setting to ttl/hoplimit",
                ["far"],
            ),
            (
                session("source_ip 10.0.0.1\n"),
                "has no neighbour",
                "Configuration error: BFD instance far has no neighbor address set, disabling instance",
                [],
            ),
            (session("neighbor_ip 10.0.0.300\n"), "is not an IP address", None, []),
            (session(NEIGHBOR + "source_ip fe80::1\n"), "not of one family", None, []),
            (session(name=long), "is too long", f"BFD name {long} too long", []),
            (session(name=""), "lacks its name", None, []),
            (
                session() + session("neighbor_ip 10.0.0.3\n"),
                "second time",
                "BFD far already specified",
                ["far"],
            ),
            (
                session() + session(name="near"),
                "`far` has neighbour 10.0.0.2 already",
                "Configuration error: BFD instance near has duplicate neighbor address 10.0.0.2,"
                " ignoring instance",
                ["far"],
            ),
            (
                second + router("zz\n"),
                "tracks bfd `zz`, which is not defined",
                "(X) track bfd zz not found, ignoring...",
                ["near"],
            ),
            (
                session("neighbor_ip 10.0.0.3\nchecker\n", "near") + router("near\n"),
                "tracks bfd `near`, which is not defined",
                "(X) track bfd near not found, ignoring...",
                ["near"],
            ),
            (
                second + router("near\nnear weight 5\n"),
                "a second time: the first one counts",
                "duplicate track_bfd near - ignoring",
                ["near"],
            ),
            (second + router("near weight 300\n"), "`300` is out of range", None, ["near"]),
            (second + router("near weight 30 bar\n"), "`bar` is not known here", None, ["near"]),
        ]:
            reading = load_text(text, "x.conf")
            [finding] = reading.findings
            self.assertIn(message, finding.message, text)
            if log is not None:
                self.assertIn(log, finding.log_line())
            self.assertEqual([each.name for each in reading.configuration.bfd_instances], left, text)
            self.assertIsNone(reading.fatal)

    def test_a_missing_value_ends_it_as_keepalived_does(self) -> None:
        for keyword in ("min_rx", "max_hops", "weight", "neighbor_ip", "multiplier"):
            self.assertEqual(load_text(session(f"{keyword}\n"), "x.conf").exit_status, 2, keyword)

    def test_the_dump_has_all_that_is_not_at_its_default(self) -> None:
        lines = list(dump(read(session(NEIGHBOR + "min_tx 20\nweight 5 reverse\n")).configuration))
        start = lines.index("-----< BFD Topology >-----")
        self.assertEqual(
            lines[start + 1 :],
            [
                "  BFD Instance = far",
                "    Neighbor IP = 10.0.0.2",
                "    min_tx = 0.02",
                "    weight = 5",
                "    reverse = yes",
            ],
        )

    def test_what_a_reload_changes(self) -> None:
        old, new = read(session()).configuration, read(session(NEIGHBOR + "multiplier 3\n")).configuration
        self.assertEqual(list(compare(old, new).words()), ["bfd_instance far: multiplier 5 -> 3"])
        self.assertFalse(compare(old, read(session()).configuration))

    @given(st.lists(st.text(alphabet="abefhimnoprtx_ 0123456789.-:{}\n", max_size=30), max_size=6))
    def test_any_block_is_read_or_refused_in_words(self, lines: list[str]) -> None:
        reading = load_text(session(NEIGHBOR + "\n".join(lines)) + router("far\n"), "x.conf")
        for each in reading.configuration.bfd_instances:
            self.assertIn(each.neighbor.version, (4, 6))
