"""Options of addresses in the kernel: as keepalived has them, and kept that way."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from kaltwisted.config.load import load_text
from tests.network import keepalived_verdicts
from tests.network.test_vrrp_failover import instance, vip
from tests.network.vrrp_lan import Host, lan, needs_keepalived, needs_lan, wait_for
from tests.unit.test_config_addresses import BROKEN, RIGHT, TOLD, WARNED, excluded

pytestmark = [pytest.mark.network, needs_lan]

MASTER = "version 3\nadvert_int 0.1\n"
EXCLUDED = """
virtual_ipaddress_excluded {
    10.77.0.102 peer 10.77.0.202
    10.77.0.103/24 noprefixroute brd +
    10.77.0.104/24 preferred_lft 100 home
    10.77.0.105 peer 10.77.0.205 brd +
    224.7.7.7 autojoin
    10.77.0.106/24 autojoin
    2001:db8::1/64
    2001:db8::2
    2001:db8::3/64 preferred_lft 0
    2001:db8::4 preferred_lft forever
    2001:db8::5 preferred_lft 3000
    2001:db8::6/64 home mngtmpaddr
    2001:db8:1::7/64 noprefixroute
    2001:db8::8 peer 2001:db8::9
    2001:db8::a mngtmpaddr
    ff05::7777 autojoin
    fe80::5555
}
"""
STATICS = """
static_ipaddress {
    10.99.0.1/24 dev eth0 noprefixroute
    10.99.1.1 peer 10.99.2.1 dev eth0
    2001:db8:9::1 dev eth0
    2001:db8:9::2/64 preferred_lft 0 dev eth0
    2001:db8:9::3/64 -nodad dev eth0
}
"""
#: What a reload, or a start after a kill -9, changes: an option and nothing else.
BEFORE = """
    10.99.3.1/24 dev eth0
    10.99.4.1/24 dev eth0
    10.99.5.1 peer 10.99.6.1 dev eth0
    2001:db8:8::1/64 dev eth0
    2001:db8:8::2 dev eth0
"""
AFTER = """
    10.99.3.1/24 noprefixroute dev eth0
    10.99.4.1 peer 10.99.6.2 dev eth0
    10.99.5.1 peer 10.99.6.3 dev eth0
    2001:db8:8::1/64 preferred_lft 0 dev eth0
    2001:db8:8::2 preferred_lft forever dev eth0
"""
_SHOWN = ("peer", "address", "prefixlen", "broadcast", "scope", "label", "nodad", "deprecated", "home")
_SHOWN += ("mngtmpaddr", "noprefixroute", "autojoin")


def options(host: Host, part: str = "") -> dict[str, dict[str, object]]:
    """What the kernel says of each address with ``part`` in it, with lifetimes in whole hours."""
    [found] = json.loads(host.ip("-d", "-j", "address", "show", "dev", "eth0"))
    return {
        each["local"]: {name: each[name] for name in _SHOWN if name in each}
        | {"preferred hours": -(-each["preferred_life_time"] // 3600)}
        for each in found["addr_info"]
        if part in each["local"]
    }


def test_the_verdict_of_a_line_is_keepalived_s(tmp_path: Path) -> None:
    lines = [*RIGHT, *(line for line, *_ in (*TOLD, *WARNED))]
    texts = {line: excluded(line) for line in lines}
    texts |= {name: text.replace("«", "") for name, (text, *_) in BROKEN.items()}
    theirs = keepalived_verdicts.of_texts(tmp_path, texts)
    ours = {name: load_text(text, "x.conf").exit_status for name, text in texts.items()}
    differ = {name: (theirs[name], ours[name]) for name in texts if theirs[name] != ours[name]}
    # 2.2.7 takes no prefix of a peer.
    assert differ == {"10.7.0.1 peer 10.8.0.9/24 dev eth1": (5, 0)}


@needs_keepalived
def test_the_kernel_has_what_keepalived_gives_it() -> None:
    """What it refuses is missing in both, and the rest stands."""
    text = STATICS + instance(51, 150, more=MASTER + EXCLUDED)
    with lan(2) as (one, two):
        for host in (one, two):
            host.unplug()
        ours, theirs = one.ours(text), two.keepalived(text)
        for host in (one, two):
            wait_for(lambda host=host: host.holds("fe80::5555"), "for the last of them")
        wait_for(lambda: ours.says("cannot set 2001:db8::a:"), "for the refusals")
        of_hosts = ("10.77.0.1", "10.77.0.2", "fd77::1", "fd77::2", "fe80::77:1", "fe80::77:2")
        found = [
            {address: each for address, each in options(host).items() if address not in of_hosts}
            for host in (one, two)
        ]
        assert found[0] == found[1]
        assert len(found[0]) == 21
        assert "224.7.7.7" in one.ip("maddress", "show", "dev", "eth0")
        ours.stop()
        assert set(options(one)) <= set(of_hosts)
        theirs.stop()
        # 2.2.7 asks the kernel to remove them without their peers.
        left = set(options(two)) - set(of_hosts)
        assert left == {"10.77.0.102", "10.77.0.105", "10.99.1.1"}
        assert not ours.says("Traceback")


def _with(statics: str, vips: str) -> str:
    excluded = f"virtual_ipaddress_excluded {{\n{vips}\n}}\n"
    return f"static_ipaddress {{\n{statics}\n}}\n" + instance(51, 150, more=MASTER + excluded)


def _elsewhere(lines: str) -> str:
    """The same addresses as virtual ones."""
    return lines.replace("10.99.", "10.98.").replace("db8:8:", "db8:7:").replace(" dev eth0", "")


def _changed(host: Host) -> bool:
    """Every option is as in AFTER."""
    found = options(host)
    for four, six in (("10.99", "2001:db8:8::"), ("10.98", "2001:db8:7::")):
        if not (
            found.get(f"{four}.3.1", {}).get("noprefixroute")
            and found.get(f"{four}.4.1", {}).get("address") == f"{four}.6.2"
            and found.get(f"{four}.5.1", {}).get("address") == f"{four}.6.3"
            and found.get(f"{six}1", {}).get("deprecated")
            and not found.get(f"{six}2", {"deprecated": True}).get("deprecated")
        ):
            return False
    return True


def test_a_reload_that_changes_an_option_sets_the_address_anew() -> None:
    with lan(1) as (one,):
        router = one.daemon(_with(BEFORE, _elsewhere(BEFORE)))
        wait_for(lambda: one.holds("2001:db8:7::2") and one.holds("2001:db8:8::2"))
        told = one.run("ip", "-o", "monitor", "address")
        router.reload_and_wait(_with(AFTER, _elsewhere(AFTER)))
        wait_for(lambda: _changed(one), str(options(one)))
        assert one.holds(vip(51))
        told.terminate()
        assert vip(51) not in told.communicate()[0].decode()
        router.stop()
        assert not router.says("Traceback")


def test_after_a_kill_9_options_are_those_of_the_configuration() -> None:
    """What stands is removed as it was put, so that nothing of it stays beside what is put now."""
    with lan(1) as (one,):
        before = one.ours(_with(BEFORE, _elsewhere(BEFORE)))
        wait_for(lambda: one.holds("2001:db8:7::2") and one.holds("2001:db8:8::2"))
        before.kill()
        router = one.ours(_with(AFTER, _elsewhere(AFTER)))
        wait_for(lambda: _changed(one), str(options(one)))
        [shown] = json.loads(one.ip("-j", "address", "show", "dev", "eth0"))
        there = [each["local"] for each in shown["addr_info"]]
        assert len(there) == len(set(there))
        router.stop()
        assert not [each for each in options(one) if each.startswith(("10.98", "10.99", "2001:db8:"))]
        assert not router.says("Traceback")


def test_what_others_remove_comes_back_as_it_was() -> None:
    """Static ones at once; of a virtual one its master steps down, and up again."""
    with lan(1) as (one,):
        router = one.daemon(_with(AFTER, _elsewhere(AFTER)))
        wait_for(lambda: _changed(one))
        for address in (
            "10.99.3.1/24",
            "10.99.4.1 peer 10.99.6.2",
            "2001:db8:8::1/64",
            "10.98.5.1 peer 10.98.6.3",
        ):
            one.ip("address", "del", *address.split(), "dev", "eth0")
        wait_for(lambda: router.says("static address 2001:db8:8::1 was removed by somebody else"))
        wait_for(lambda: _changed(one), str(options(one)))
        router.stop()
        assert not router.says("Traceback")
