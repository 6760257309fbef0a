"""What can go wrong on a host that runs us: links, addresses, leftovers, scripts; and who hears of it."""

from __future__ import annotations

import signal
import stat
from pathlib import Path

import pytest

from tests.network.test_vrrp_failover import authentication, holds_all, holds_none, instance, vip
from tests.network.vrrp_lan import Host, lan, needs_keepalived, needs_lan, wait_for

pytestmark = [pytest.mark.network, needs_lan]


def on_eth1(text: str) -> str:
    """The same instance on the other interface."""
    return text.replace("interface eth0", "interface eth1")


def test_a_link_that_fails_moves_its_instance_and_comes_back() -> None:
    """Down, up, gone and made anew: FAULT at once, the other takes over, the better returns."""
    with lan(2) as (one, two):
        router = one.ours(instance(51, 150))
        two.ours(instance(51, 100))
        wait_for(lambda: one.holds(vip(51)))

        one.ip("link", "set", "eth0", "down")
        wait_for(lambda: router.says("(VI_51) Entering FAULT STATE"))
        assert router.says("Netlink reports eth0 down")
        assert holds_none(one, [51])
        wait_for(lambda: two.holds(vip(51)))
        one.ip("link", "set", "eth0", "up")
        wait_for(lambda: one.holds(vip(51)) and not two.holds(vip(51)), "for the return")

        one.ip("link", "del", "eth0")
        wait_for(lambda: two.holds(vip(51)), "after eth0 is gone")
        one.add_interface()
        wait_for(lambda: one.holds(vip(51)) and not two.holds(vip(51)), "after eth0 was made anew")
        assert not router.says("Traceback")


@pytest.mark.parametrize("other", [Host.ours, pytest.param(Host.keepalived, marks=needs_keepalived)])
def test_a_sync_group_fails_and_returns_as_one(other: object) -> None:
    """Case study X: one interface of the active director fails, and the other director has everything."""
    group = "vrrp_sync_group VG1 {\n group {\n VI_51\n VI_52\n }\n}\n"

    def configuration(priority: int) -> str:
        other_net = on_eth1(instance(52, priority, address="10.78.0.52"))
        return group + instance(51, priority) + other_net

    def has_both(host: Host) -> bool:
        return host.holds(vip(51)) and host.holds("10.78.0.52", "eth1")

    def has_none(host: Host) -> bool:
        return not host.holds(vip(51)) and not host.holds("10.78.0.52", "eth1")

    with lan(2) as (one, two):
        router = one.ours(configuration(150))
        wait_for(lambda: has_both(one))
        other(two, configuration(100))  # type: ignore[operator]
        one.ip("link", "set", "eth0", "down")
        wait_for(lambda: has_none(one) and has_both(two), "for the whole group to move")
        assert router.says("VRRP_Group(VG1) Syncing instances to FAULT state")
        one.ip("link", "set", "eth0", "up")
        wait_for(lambda: has_both(one) and has_none(two), "for the whole group to return")


def test_an_instance_that_needs_its_source_waits_for_it() -> None:
    """On whatever interface: a loopback address that a routing daemon announces will do."""
    with lan(2) as (one, two):
        more = "advert_int 0.1\nversion 3\ntrack_src_ip\n"
        more += "unicast_src_ip 10.77.0.200\nunicast_peer {\n10.77.0.2\n}\n"
        router = one.ours(instance(51, 150, more=more))
        wait_for(lambda: router.says("(VI_51) entering FAULT state (src address not configured)"))
        one.ip("address", "add", "10.77.0.200/32", "dev", "lo")
        wait_for(lambda: one.holds(vip(51)))
        adverts = two.run(
            "timeout", "5", "tcpdump", "-c1", "-nni", "eth0", "ip proto 112 and src 10.77.0.200"
        )
        assert "10.77.0.200 > 10.77.0.2" in adverts.communicate()[0].decode()
        one.ip("address", "del", "10.77.0.200/32", "dev", "lo")
        wait_for(lambda: holds_none(one, [51]), "for FAULT")
        assert not router.says("Traceback")


def test_a_virtual_router_without_an_address_in_its_adverts() -> None:
    """Version 3: what it has is excluded, and the two agree on who has that."""
    text = instance(51, 150, more="advert_int 0.1\nversion 3\nno_virtual_ipaddress\n")
    text = text.replace("virtual_ipaddress {", "virtual_ipaddress_excluded {")
    with lan(2) as (one, two):
        better = one.ours(text)
        two.ours(text.replace("priority 150", "priority 100"))
        wait_for(lambda: one.holds(vip(51)) and not two.holds(vip(51)))
        assert not better.says("split brain")
        better.stop()
        wait_for(lambda: two.holds(vip(51)))


def test_an_address_deleted_by_hand_comes_back() -> None:
    """A rival would not notice, and clients would find nobody: so the master does."""
    with lan(1) as (one,):
        router = one.ours(instance(51, 150, address=f"{vip(51)}\n10.77.0.151"))
        wait_for(lambda: holds_all(one, [51, 151]))
        one.ip("address", "del", f"{vip(51)}/32", "dev", "eth0")
        wait_for(lambda: router.says(f"ip address {vip(51)} was removed by somebody else"))
        wait_for(lambda: holds_all(one, [51, 151]), "for the address")
        assert router.lines.count("was removed by somebody else") == 1


def test_leftovers_of_a_crash_are_removed_and_strangers_are_not() -> None:
    """A master that was killed comes back as backup: it must not answer ARP beside the new master."""
    with lan(2) as (one, two):
        master = one.ours(instance(51, 150))
        wait_for(lambda: one.holds(vip(51)))
        one.ip("address", "add", "10.77.0.200/32", "dev", "eth0")
        two.ours(instance(51, 100))
        master.kill()
        assert one.holds(vip(51))
        wait_for(lambda: two.holds(vip(51)))
        master = one.ours(instance(51, 50))
        wait_for(lambda: master.says("(VI_51) Entering BACKUP STATE (init)"))
        wait_for(lambda: not one.holds(vip(51)), "for the leftover to go")
        assert master.says("(VI_51) removing VIPs.")
        assert one.holds("10.77.0.200")
        assert two.holds(vip(51))


def test_scripts_hear_of_every_state_in_order(tmp_path: Path) -> None:
    """One at a time, with keepalived's arguments, addresses in place, and STOP before we are gone."""
    heard = tmp_path / "heard"
    script = tmp_path / "notify.sh"
    script.write_text(
        f'#!/bin/sh\nsleep 0.1\nip=$(ip -4 address show dev eth0 | grep -c "{vip(51)}/")\n'
        f'echo "$* ip=$ip" >> {heard}\n'
    )
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    notify = f'notify "{script}"\nnotify_master "{script} special"'
    with lan(1) as (one,):
        router = one.ours("global_defs {\n script_user root\n}\n" + instance(51, 150, more=notify))
        wait_for(lambda: heard.exists() and "INSTANCE VI_51 MASTER" in heard.read_text())
        router.stop()
    assert heard.read_text().splitlines() == [
        "INSTANCE VI_51 BACKUP 150 ip=0",
        "special ip=1",
        "INSTANCE VI_51 MASTER 150 ip=1",
        "INSTANCE VI_51 STOP 150 ip=0",
    ]


def test_a_thousand_addresses_are_set_announced_and_removed() -> None:
    """20 in the advert and 1,000 more, as in the guide's "unlimited"."""
    listed = "\n".join(f"10.80.0.{last}" for last in range(1, 21))
    excluded = "\n".join(f"10.81.{third}.{last}" for third in range(4) for last in range(1, 251))
    text = instance(51, 150, address=listed).replace(
        "virtual_ipaddress {", f"virtual_ipaddress_excluded {{\n{excluded}\n}}\nvirtual_ipaddress {{"
    )
    with lan(2) as (one, two):
        watching = two.run("tcpdump", "-i", "eth0", "-n", "-l", "arp")
        router = one.ours(text)
        wait_for(lambda: len(one.addresses()) == 1 + 20 + 1000)
        announced: set[str] = set()
        assert watching.stdout is not None
        while len(announced) < 1020:
            line = watching.stdout.readline().decode()
            assert line, "tcpdump ended"
            words = line.split()
            if "who-has" in words and "tell" in words:
                announced.add(words[words.index("who-has") + 1].strip("(),"))
        watching.kill()
        watching.wait()
        router.stop()
        assert one.addresses() == ["10.77.0.1"]


def test_term_while_starting_ends_cleanly() -> None:
    """Stopped before it has become anything."""
    with lan(1) as (one,):
        router = one.ours(instance(51, 150))
        wait_for(lambda: router.says("Entering BACKUP STATE"))
        router.process.send_signal(signal.SIGTERM)
        assert router.process.wait(30) == 0
        assert not router.says("Traceback")


def test_a_tracked_script_decides_who_is_master(tmp_path: Path) -> None:
    """A failing script with weight makes the other better, without is a FAULT; a hanging one is ended."""
    good, hangs = tmp_path / "good", tmp_path / "hangs"
    good.touch()
    script = tmp_path / "check.sh"
    script.write_text(f"#!/bin/sh\n[ -e {hangs} ] && sleep 60\n[ -e {good} ]\n")
    script.chmod(0o755)
    scripts = f"""
global_defs {{
    script_user root
}}
vrrp_script check {{
    script {script}
    interval 0.3
    timeout 1
}}
"""
    tracks = "track_script {{\n check{weight}\n }}"
    weighted = instance(51, 150, more=tracks.format(weight=" weight -60"))
    unweighted = instance(52, 150, more=tracks.format(weight=""))
    with lan(2) as (one, two):
        router = one.ours(scripts + weighted + unweighted)
        wait_for(lambda: holds_all(one, [51, 52]))
        two.ours(instance(51, 100) + instance(52, 100))
        good.unlink()
        wait_for(lambda: holds_none(one, [51, 52]) and holds_all(two, [51, 52]), "after the script fails")
        assert router.says("VRRP_Script(check) failed (exited with status 1)")
        assert router.says("(VI_51) Changing effective priority from 150 to 90")
        assert router.says("(VI_52) Entering FAULT STATE")
        good.touch()
        wait_for(lambda: holds_all(one, [51, 52]) and holds_none(two, [51, 52]), "after it succeeds")
        hangs.touch()
        wait_for(lambda: router.says("VRRP_Script(check) failed (timed out)"))
        wait_for(lambda: holds_all(two, [51, 52]), "after the script hangs")
        router.stop()
        assert not router.says("Traceback")


def test_a_split_brain_is_told_with_its_cause_and_told_to_be_over() -> None:
    """Two passwords, so both are master and say what to compare; then it is mended.

    keepalived 2.2.7 is no such rival: as master it sends nothing while hearing adverts with another password.
    """
    with lan(2) as (one, two):
        routers = [
            host.daemon(instance(51, priority, more=authentication("PASS", password)))
            for host, priority, password in ((one, 150, "right"), (two, 100, "wrong"))
        ]
        wait_for(lambda: one.holds(vip(51)) and two.holds(vip(51)), "for two masters")
        for router, rival in zip(routers, ("10.77.0.2", "10.77.0.1"), strict=True):
            wait_for(lambda r=router, a=rival: r.says(f"(VI_51) split brain: {a} is master too, for"))  # type: ignore[misc]
            assert router.says("its password is another: compare auth_pass")
        routers[1].reload(instance(51, 100, more=authentication("PASS", "right")))
        wait_for(lambda: not two.holds(vip(51)), "for the other to yield")
        for router in routers:
            wait_for(lambda r=router: r.says("(VI_51) split brain is over after"))  # type: ignore[misc]
            assert router.lines.count("split brain:") == 1
        assert one.holds(vip(51))
