"""Debian's keepalived and ours, sent the same adverts of every kind that is refused: they count alike."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from tests.network.test_vrrp_failover import vip
from tests.network.test_vrrp_reports import Files, instance, keepalived_wrote, ours_wrote
from tests.network.vrrp_lan import Host, Router, lan, needs_keepalived, needs_lan, wait_for

pytestmark = [pytest.mark.network, needs_lan, needs_keepalived]

PACKETS = Path(__file__).with_name("vrrp_bad_packets.py")
MASTER = "state MASTER\npriority 200"
SECRET = "authentication {\n auth_type %s\n auth_pass secret\n}"
TEXT = "".join(
    (
        instance("PLAIN", 51, MASTER),
        instance("PASS", 52, MASTER, SECRET % "PASS"),
        instance("AH", 53, MASTER, SECRET % "AH"),
        instance("THREE", 54, MASTER, "version 3"),
        instance(
            "UNICAST",
            55,
            MASTER,
            "unicast_src_ip 10.77.0.1\nunicast_peer {\n 10.77.0.2\n}\ncheck_unicast_src",
        ),
    )
)


def pestered(host: Host, sender: Host, router: Router) -> None:
    """Once it is master of all, send it everything."""
    wait_for(lambda: all(host.holds(vip(vrid)) for vrid in range(51, 56)), "for the master")
    sending = sender.run(sys.executable, str(PACKETS))
    assert sending.wait(60) == 0


def counted(files: Files) -> dict[str, Any]:
    """The counters by instance, but for adverts sent: their number is one of time."""
    return {
        each["data"]["iname"]: {key: value for key, value in each["stats"].items() if key != "advert_sent"}
        for each in files.json
    }


def test_both_count_every_kind_of_packet_alike() -> None:
    with lan(2) as (one, two):
        debians = one.keepalived(TEXT)
        pestered(one, two, debians)
        wanted = counted(keepalived_wrote(debians))
        debians.stop()
        router = one.ours(TEXT)
        pestered(one, two, router)
        found = counted(ours_wrote(router))
        router.stop()
    assert sum(value for each in wanted.values() for value in each.values()) > 30
    differences = [
        f"{name} {key}: keepalived {wanted[name][key]}, ours {found[name][key]}"
        for name, counts in wanted.items()
        for key in counts
        if found[name][key] != wanted[name][key]
    ]
    assert not differences
