"""``track_virtual_server``: how a virtual server is named, and what is said of a name that is none."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from kaltwisted.config.load import Reading, load_text
from kaltwisted.config.model import Tracked
from tests.unit.test_config_broken import instance

SERVER = "real_server 10.0.1.1 80 {\nweight 1\n}\n"


def service(head: str, protocol: str = "protocol TCP") -> str:
    settings = f"{protocol}\nlb_algo rr\nlb_kind NAT\ndelay_loop 5\n"
    return f"virtual_server {head} {{\n{settings}{SERVER}}}\n"


SERVICES = (
    service("10.0.0.9 80")
    + service("10.0.0.9 53")
    + service("10.0.0.9 53", "protocol UDP")
    + service("10.0.0.9 123", "protocol UDP")
    + service("fwmark 7", "")
)


def read(*lines: str) -> Reading:
    text = "\n".join(lines)
    return load_text(SERVICES + instance(f"track_virtual_server {{\n{text}\n}}"), "x.conf")


def tracked(*lines: str) -> tuple[Tracked, ...]:
    reading = read(*lines)
    assert not reading.findings, reading.findings
    [found] = reading.configuration.vrrp_instances
    return found.track_virtual_server


class TrackVirtualServerTests(SynchronousTestCase):
    def test_names(self) -> None:
        for line, name in (
            ("10.0.0.9 80", "[10.0.0.9]:tcp:80"),
            ("10.0.0.9 80 TCP", "[10.0.0.9]:tcp:80"),
            ("10.0.0.9 53", "[10.0.0.9]:tcp:53"),
            ("10.0.0.9 53 udp", "[10.0.0.9]:udp:53"),
            ("10.0.0.9 123", "[10.0.0.9]:udp:123"),
            ("fwmark 7", "FWM 7"),
        ):
            self.assertEqual(tracked(line), (Tracked(name),))

    def test_weights(self) -> None:
        self.assertEqual(
            tracked("10.0.0.9 80 weight -20", "fwmark 7 weight +253 reverse", "10.0.0.9 53 udp weight 0"),
            (
                Tracked("[10.0.0.9]:tcp:80", -20),
                Tracked("FWM 7", 253, reverse=True),
                Tracked("[10.0.0.9]:udp:53", 0),
            ),
        )

    def test_mistakes_are_told_once_and_at_their_word(self) -> None:
        for line, message, column in (
            ("10.0.0.9 81", "tracks virtual server [10.0.0.9]:*:81, which is no virtual_server here", None),
            ("10.0.0.9 80 udp", "which is no virtual_server here", None),
            ("fwmark 8", "tracks virtual server FWM 8, which is no virtual_server here", None),
            ("group web", "tracks virtual server [web]:*:0, which is no virtual_server here", None),
            ("web 80", "`web` is not an IP address", 1),
            ("10.0.0.9", "this names no virtual_server", 1),
            ("10.0.0.9 http", "port `http`", 10),
            ("10.0.0.9 80 icmp", "`icmp`", 13),
            ("fwmark many", "firewall mark `many`", 8),
            ("fwmark 7 inet7", "`inet7`", 10),
            ("10.0.0.9 80 weight", "lacks its value", 13),
            ("10.0.0.9 80 weight 254", "weight `254`", 20),
            ("10.0.0.9 80 weight 5 backwards", "`backwards`", 22),
            ("10.0.0.9 80\n10.0.0.9 80", "stands here a second time", 1),
            ("10.0.0.9 80\n10.0.0.9 80 tcp", "twice: the first one counts", None),
        ):
            [finding] = read(line).findings
            self.assertIn(message, finding.message, line)
            if column is not None:
                self.assertEqual(finding.position.column - 4, column, line)

    def test_a_sync_group_is_read_alike(self) -> None:
        group = (
            "vrrp_sync_group G {\ngroup {\nA\nB\n}\ntrack_virtual_server {\n10.0.0.9 80\n10.0.0.9 81\n}\n}\n"
        )
        text = SERVICES + instance("", "A") + instance("", "B", "virtual_router_id 52") + group
        reading = load_text(text, "x.conf")
        [finding] = reading.findings
        self.assertIn("`G` tracks virtual server [10.0.0.9]:*:81", finding.message)
        [found] = reading.configuration.vrrp_sync_groups
        self.assertEqual(found.track_virtual_server, (Tracked("[10.0.0.9]:tcp:80"),))

    def test_weights_that_do_not_count_are_told(self) -> None:
        body = "priority 255\nstate MASTER\ntrack_virtual_server {\n10.0.0.9 80 weight -5\n}"
        [finding] = load_text(SERVICES + instance(body), "x.conf").findings
        self.assertIn(
            "the weight of virtual server [10.0.0.9]:tcp:80 in `VI_1` does not count", finding.message
        )
