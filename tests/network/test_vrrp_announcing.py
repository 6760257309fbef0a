"""When addresses are announced, and how fast: what a capture sees of us, and of keepalived."""

from __future__ import annotations

import signal
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise

import pytest

from tests.network.test_vrrp_failover import instance
from tests.network.vrrp_lan import Host, lan, needs_keepalived, needs_lan, wait_for

pytestmark = [pytest.mark.network, needs_lan]

BOTH = [Host.daemon, pytest.param(Host.keepalived, marks=needs_keepalived)]
ANNOUNCEMENTS = "arp or (icmp6 and ip6[40] == 136)"


class Capture:
    """What a host sends of announcements: interface, address and time of each."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, str, float]] = []

    def counts(self) -> Counter[tuple[str, str]]:
        return Counter((interface, address) for interface, address, _ in self.seen)

    def gaps(self, *interfaces: str) -> list[float]:
        """Seconds from one to the next on these interfaces together."""
        times = sorted(at for interface, _, at in self.seen if interface in interfaces)
        return [later - sooner for sooner, later in pairwise(times)]


@contextmanager
def capturing(host: Host) -> Iterator[Capture]:
    """Until the block ends."""
    command = ["ip", "netns", "exec", host.namespace, "tcpdump", "-nn", "-tt", "--immediate-mode", "-l"]
    with subprocess.Popen(
        [*command, "-i", "any", "-Q", "out", ANNOUNCEMENTS],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as running:
        assert running.stdout is not None
        assert running.stderr is not None
        while "listening on" not in running.stderr.readline():
            assert running.poll() is None
        capture = Capture()
        yield capture
        running.send_signal(signal.SIGINT)
        for line in running.stdout:
            words = line.split()
            if not words:
                continue  # tcpdump ends so
            # TIME INTERFACE Out ARP, Request who-has ADDRESS … or … IP6 ADDRESS > ff02::1: ICMP6, …
            address = words[words.index("who-has") + 1] if "who-has" in words else words[4]
            capture.seen.append((words[1], address, float(words[0])))


def announcing(globals_: str, more: str, *addresses: str) -> str:
    """One instance that is master in a third of a second."""
    text = instance(51, 200, address="\n".join(addresses), more="version 3\nadvert_int 0.1\n" + more)
    return globals_ + text


@pytest.mark.parametrize("start", BOTH)
@pytest.mark.parametrize(
    ("globals_", "more", "each"),
    [
        ("", "garp_master_repeat 3\ngarp_master_delay 1\n", 6),
        ("", "garp_master_repeat 2\ngarp_master_delay 0\ngarp_master_refresh 1\n", 3),
        ("global_defs {\n vrrp_min_garp\n}\n", "", 1),
    ],
)
def test_bursts_and_their_repetition(start: object, globals_: str, more: str, each: int) -> None:
    with lan(1) as (one,):
        with capturing(one) as capture:
            start(one, announcing(globals_, more, "10.77.0.51", "10.77.0.52"))  # type: ignore[operator]
            wait_for(lambda: one.holds("10.77.0.52"))
            # The second burst and the first refreshment, a second later, are among what is counted.
            time.sleep(1.5)
        assert capture.counts() == {("eth0", "10.77.0.51"): each, ("eth0", "10.77.0.52"): each}


@pytest.mark.parametrize("start", BOTH)
def test_a_lower_priority_is_answered_by_a_burst(start: object) -> None:
    """Of ``garp_lower_prio_repeat`` rounds, and again after ``garp_lower_prio_delay``."""
    with lan(2) as (one, two):
        more = "garp_master_repeat 1\ngarp_master_delay 0\n"
        more += "garp_lower_prio_repeat 2\ngarp_lower_prio_delay 0\n"
        start(one, announcing("", more, "10.77.0.51"))  # type: ignore[operator]
        wait_for(lambda: one.holds("10.77.0.51"))
        two.unplug()
        rival = two.ours(
            announcing("", "", "10.77.0.51")
            .replace("priority 200", "priority 50")
            .replace("int 0.1", "int 0.01")
        )
        wait_for(lambda: two.holds("10.77.0.51"))
        with capturing(one) as capture:
            two.plug()
            wait_for(lambda: not two.holds("10.77.0.51"))
        assert rival.says("with higher priority")
        found = capture.counts()["eth0", "10.77.0.51"]
        # One advert of the rival's is heard at least; it may have been two.
        assert found in (2, 4), capture.seen


PACED = """
global_defs {
    vrrp_garp_interval 0.05
    vrrp_gna_interval 0.2
    vrrp_garp_master_repeat 2
    vrrp_garp_master_delay 0
}
"""
TOGETHER = """
garp_group {
    garp_interval 0.1
    interfaces {
        eth0
        eth1
    }
}
"""
ON_BOTH = ("10.77.0.51", "10.77.0.52", "10.78.0.51 dev eth1", "10.78.0.52 dev eth1")
SLACK_S = 0.005


def test_the_pace_of_an_interface_and_of_those_that_share_one() -> None:
    """Every announcement is sent (keepalived leaves repeats out that are still to be sent), none too soon."""
    for groups, interval_s in (("", 0.05), (TOGETHER, 0.1)):
        with lan(1) as (one,):
            with capturing(one) as capture:
                one.daemon(announcing(PACED + groups, "", *ON_BOTH))
                wait_for(lambda: one.holds("10.78.0.52", "eth1"))
                time.sleep(1.2)
            assert set(capture.counts().values()) == {2}
            assert len(capture.seen) == 8
            for interfaces in [("eth0", "eth1")] if groups else [("eth0",), ("eth1",)]:
                gaps = capture.gaps(*interfaces)
                assert min(gaps) > interval_s - SLACK_S, gaps
            if not groups:
                assert min(capture.gaps("eth0", "eth1")) < interval_s - SLACK_S, "each has its own"


def test_the_pace_of_neighbour_advertisements_changes_with_a_reload() -> None:
    with lan(1) as (one,):
        text = announcing(PACED, "", "fe80::51", "fd77::51", "fd77::52")
        with capturing(one) as capture:
            router = one.daemon(text)
            wait_for(lambda: one.holds("fd77::52"))
            time.sleep(1.5)
        assert len(capture.seen) == 6
        assert min(capture.gaps("eth0")) > 0.2 - SLACK_S
        with capturing(one) as capture:
            router.reload(text.replace("gna_interval 0.2", "gna_interval 0.01").replace("::52", "::53"))
            wait_for(lambda: one.holds("fd77::53"))
            time.sleep(0.3)
        assert 0.01 - SLACK_S < min(capture.gaps("eth0")) < 0.1, capture.seen
        assert not router.says("Traceback")


@pytest.mark.parametrize("start", BOTH)
def test_interfaces_without_adverts_are_announced_again_and_again(start: object) -> None:
    more = "garp_master_repeat 1\ngarp_master_delay 0\ngarp_extra_if all 1\n"
    with lan(1) as (one,):
        start(one, announcing("", more, *ON_BOTH))  # type: ignore[operator]
        wait_for(lambda: one.holds("10.78.0.52", "eth1"))
        with capturing(one) as capture:
            time.sleep(2.5)
        found = capture.counts()
        # What was announced at the takeover may be seen still, once.
        assert found.pop(("eth1", "10.78.0.51")) in (2, 3, 4)
        assert all(count == 1 for count in found.values()), found


def test_a_virtual_mac_that_sends_no_adverts_is_announced() -> None:
    more = "use_vmac\nvmac_xmit_base\ngarp_master_repeat 1\ngarp_master_delay 0\ngarp_extra_if all 1\n"
    with lan(1) as (one,):
        one.daemon(announcing("", more, "10.77.0.51", "10.77.0.52"))
        wait_for(lambda: one.holds("10.77.0.52", "vrrp.51"))
        with capturing(one) as capture:
            time.sleep(1.5)
        assert {address for _, address, _ in capture.seen} == {"10.77.0.51"}
        assert ("vrrp.51", "10.77.0.51") in capture.counts()
