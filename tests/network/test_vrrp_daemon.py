"""The whole daemon as a director: case study X, what it ends with, and scripts that nobody should run."""

from __future__ import annotations

import shutil
import signal
from pathlib import Path

import pytest

from tests.network.test_vrrp_failover import instance, vip
from tests.network.vrrp_lan import Host, lan, needs_lan, wait_for

pytestmark = [pytest.mark.network, needs_lan]

VG1 = (("eth0", "10.77.0.10"), ("eth0", "10.77.0.11"), ("eth1", "10.78.0.10"))
VG2 = (("eth0", "10.77.0.12"), ("eth0", "10.77.0.13"), ("eth1", "10.78.0.11"))


def director(first: int, second: int, told: Path | None = None) -> str:
    """The guide's case study X: four instances in two groups, one of which is ours."""

    def member(number: int, interface: str, *addresses: str) -> str:
        priority = first if number < 3 else second
        return f"""
vrrp_instance VI_{number} {{
    state {"MASTER" if priority == 150 else "BACKUP"}
    interface {interface}
    virtual_router_id {50 + number}
    priority {priority}
    advert_int 1
    authentication {{
        auth_type AH
        auth_pass k@l!ve{number}
    }}
    virtual_ipaddress {{
        {" ".join(f"{address} {chr(10)}" for address in addresses)}
    }}
}}
"""

    notify = f"notify {told}" if told else ""
    return f"""
global_defs {{
    script_user root
    enable_script_security
}}
vrrp_sync_group VG1 {{
    group {{
        VI_1
        VI_2
    }}
    {notify}
}}
vrrp_sync_group VG2 {{
    group {{
        VI_3
        VI_4
    }}
}}
""" + "".join(
        (
            member(1, "eth0", "10.77.0.10", "10.77.0.11"),
            member(2, "eth1", "10.78.0.10"),
            member(3, "eth0", "10.77.0.12", "10.77.0.13"),
            member(4, "eth1", "10.78.0.11"),
        )
    )


def owns(host: Host, group: tuple[tuple[str, str], ...]) -> bool:
    """Whether a director holds all that belongs to a group."""
    return all(host.holds(address, interface) for interface, address in group)


def owns_nothing_of(host: Host, group: tuple[tuple[str, str], ...]) -> bool:
    """Whether it holds none of it."""
    return not any(host.holds(address, interface) for interface, address in group)


def test_case_study_x() -> None:
    """Director 1 alone, then both, eth0 of director 1 fails, and is back: as the guide tells it."""
    with lan(2) as (one, two):
        script, told = one.directory / "told.sh", one.directory / "told"
        script.write_text(f'#!/bin/sh\necho "$*" >> {told}\n')
        script.chmod(0o755)
        first = one.daemon(director(150, 100))
        wait_for(lambda: owns(one, VG1) and owns(one, VG2), "for director 1 to own everything")
        second = two.daemon(director(100, 150))
        wait_for(lambda: owns(two, VG2) and owns_nothing_of(one, VG2), "for director 2 to take its own")
        assert owns(one, VG1)
        assert owns_nothing_of(two, VG1)

        one.ip("link", "set", "eth0", "down")
        wait_for(lambda: owns(two, VG1), "for VI_1 and VI_2 to move together")
        assert owns(two, VG2)
        assert owns_nothing_of(one, VG1)
        one.ip("link", "set", "eth0", "up")
        wait_for(lambda: owns(one, VG1) and owns_nothing_of(two, VG1), "for the first distribution")
        assert owns(two, VG2)

        first.stop()
        assert owns_nothing_of(one, VG1)
        wait_for(lambda: owns(two, VG1), "for director 2 after the stop")
        for router in (first, second):
            assert not router.says("Traceback")


def test_a_group_tells_its_script_of_every_state() -> None:
    """STOP too, and the group's priority is 0."""
    with lan(1) as (one,):
        script, told = one.directory / "told.sh", one.directory / "told"
        script.write_text(f'#!/bin/sh\necho "$*" >> {told}\n')
        script.chmod(0o755)
        router = one.daemon(director(150, 100, script))
        wait_for(lambda: told.exists() and "MASTER" in told.read_text())
        router.stop()
        assert told.read_text().splitlines() == [
            f"GROUP VG1 {state} 0" for state in ("BACKUP", "MASTER", "STOP")
        ]


def test_a_second_signal_while_stopping_is_told_so() -> None:
    """An operator who presses twice gets no traceback, and the hand-over is not cut short."""
    with lan(1) as (one,):
        slow = one.directory / "slow.sh"
        slow.write_text("#!/bin/sh\nsleep 1\n")
        slow.chmod(0o755)
        more = f"notify_stop {slow}"
        router = one.daemon("global_defs {\n script_user root\n}\n" + instance(51, 150, more=more))
        wait_for(lambda: one.holds(vip(51)))
        for _ in range(2):
            router.process.send_signal(signal.SIGTERM)
            wait_for(lambda: router.says("Stopping"))
        router.process.wait(30)
        assert router.says("Already stopping")
        assert not router.says("Traceback")
        assert not one.holds(vip(51))


def without(capability: str) -> tuple[str, ...]:
    """What runs a command without a capability."""
    return ("setpriv", f"--bounding-set=-{capability}", f"--inh-caps=-{capability}")


@pytest.mark.parametrize(
    ("configuration", "before", "status", "word"),
    [
        (instance(51, 150).replace("eth0", "eth7"), (), 2, "interface `eth7`"),
        (instance(51, 150, more="track_interface {\n eth7\n }"), (), 2, "interface `eth7`"),
        ("vrrp_instance V {\n version 3\n interface eth0\n virtual_router_id 1\n}\n", (), 2, "address"),
        (instance(51, 150), without("net_raw"), 4, "CAP_NET_RAW"),
        (instance(51, 150), without("net_admin"), 4, "CAP_NET_ADMIN"),
    ],
    ids=["no such interface", "no such tracked interface", "no address", "no NET_RAW", "no NET_ADMIN"],
)
def test_what_cannot_run_ends_with_keepalived_s_status(
    configuration: str, before: tuple[str, ...], status: int, word: str
) -> None:
    """A daemon that only seems to run is worse than none; the words say what is missing."""
    if before and shutil.which(before[0]) is None:
        pytest.skip("setpriv is not installed")
    with lan(1) as (one,):
        router = one.daemon(configuration, *before)
        assert router.process.wait(30) == status
        assert router.says(word)
        assert not router.says("Traceback")


def test_a_dynamic_interface_may_come_later() -> None:
    """``dynamic_interfaces``: FAULT until it is there."""
    with lan(1) as (one,):
        one.ip("link", "del", "eth0")
        router = one.daemon("global_defs {\n dynamic_interfaces\n}\n" + instance(51, 150))
        wait_for(lambda: router.says("(VI_51) Entering FAULT STATE"))
        assert router.says("will use if created")
        one.add_interface()
        wait_for(lambda: one.holds(vip(51)))


def test_an_insecure_track_script_is_not_run() -> None:
    """One that anybody could alter, and that would run as root."""
    with lan(1) as (one,):
        script, ran = one.directory / "check.sh", one.directory / "ran"
        script.write_text(f"#!/bin/sh\ntouch {ran}\nexit 1\n")
        script.chmod(0o777)
        router = one.daemon(
            "global_defs {\n script_user root\n enable_script_security\n}\n"
            f"vrrp_script check {{\n script {script}\n interval 1\n}}\n"
            + instance(51, 150, more="track_script {\n check\n }")
        )
        wait_for(lambda: one.holds(vip(51)))
        assert router.says("Disabling track script check due to insecure")
        assert not ran.exists()
