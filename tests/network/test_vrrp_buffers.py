"""Receive buffers of VRRP's sockets as the kernel has them, beside keepalived's, and over reloads."""

from __future__ import annotations

import ctypes
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from kaltwisted.kernel.netlink_socket import NetlinkSockets, ReceiveBuffer
from kaltwisted.kernel.process_events import open_events
from tests.network.test_vrrp_failover import instance, vip
from tests.network.vrrp_lan import Host, Router, lan, needs_keepalived, needs_lan, wait_for

pytestmark = [pytest.mark.network, needs_lan]

_PIDFD_GETFD = 438
#: What the kernel gives at least; sockets that only send have it.
SMALLEST = 2304
LIMIT = int(Path("/proc/sys/net/core/rmem_max").read_text())


def descendants(pid: int) -> Iterator[int]:
    """A process and all below it."""
    yield pid
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        yield from descendants(int(child))


def sockets(router: Router) -> Iterator[socket.socket]:
    """Copies of the sockets that the processes of a daemon have."""
    for pid in descendants(router.process.pid):
        process = os.pidfd_open(pid)
        for link in Path(f"/proc/{pid}/fd").iterdir():
            try:
                found = str(link.readlink()).startswith("socket:")
            except OSError:
                continue  # closed meanwhile
            number = ctypes.CDLL(None).syscall(_PIDFD_GETFD, process, int(link.name), 0) if found else -1
            if number >= 0:
                with socket.socket(fileno=number) as copy:
                    yield copy
        os.close(process)


def sizes_of(router: Router, family: int, *protocols: int) -> set[int]:
    """What its sockets of that kind are to keep, as asked for: the kernel doubles that."""
    return {
        each.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF) // 2
        for each in sockets(router)
        if each.family == family and each.proto in (protocols or (each.proto,))
    }


def buffers(router: Router, family: int = socket.AF_INET) -> set[int]:
    """The same of what adverts wait in."""
    return sizes_of(router, family, 112) - {SMALLEST // 2}


def netlink_buffers(router: Router) -> list[int]:
    """The same of its netlink sockets, from the smallest."""
    return sorted(sizes_of(router, socket.AF_NETLINK, 0))


def configured(policies: str, *more: str) -> str:
    """Owners from VRID 51 on, each with more to say."""
    text = f"global_defs {{\n{policies}\n}}\n"
    return text + "".join(
        instance(51 + number, 255, state="MASTER", more=each) for number, each in enumerate(more)
    )


CASES = (
    (configured("vrrp_rx_bufs_policy 100000", ""), 100_000),
    (configured("vrrp_rx_bufs_policy 90000", "kernel_rx_buf_size 50000", ""), 140_000),
    (configured("vrrp_rx_bufs_policy MTU\nvrrp_rx_bufs_multiplier 10", ""), 15_000),
    (configured("vrrp_rx_bufs_policy ADVERT\nvrrp_rx_bufs_multiplier 100", "", "version 3"), 7_200),
    (configured("vrrp_rx_bufs_policy 4294967295", ""), LIMIT),
)


def started(host: Host, router: Router, interface: str = "eth0") -> Router:
    wait_for(lambda: host.holds(vip(51), interface), router.lines)
    return router


@needs_keepalived
def test_they_are_keepalived_s() -> None:
    with lan(1) as (one,):
        for text, size in CASES:
            for start in (one.keepalived, one.ours):
                router = started(one, start(text))
                assert buffers(router) == {size}, (start, text)
                router.stop()


def lower(text: str) -> str:
    """The same for the backup."""
    return text.replace("priority 255", "priority 100")


def test_a_reload_changes_them_and_no_advert_is_missed() -> None:
    with lan(2) as (one, two):
        master = started(one, one.daemon(configured("", "advert_int 0.2\nversion 3")))
        backup = two.daemon(lower(configured("", "advert_int 0.2\nversion 3")))
        wait_for(lambda: backup.says("(VI_51) master set to 10.77.0.1"), backup.lines)
        assert buffers(backup) == {1 << 19}
        for policies, more, size in (
            ("vrrp_rx_bufs_policy 60000", "", 60_000),
            ("vrrp_rx_bufs_policy MTU", "", 4_500),
            ("vrrp_rx_bufs_policy MTU", "\nkernel_rx_buf_size 70000", 70_000),
            ("", "", 1 << 19),
        ):
            text = configured(policies, "advert_int 0.2\nversion 3" + more)
            master.reload_and_wait(text)
            backup.reload_and_wait(lower(text))
            assert buffers(master) == buffers(backup) == {size}, policies
        assert one.holds(vip(51))
        assert not backup.says("Entering MASTER STATE"), backup.lines
        assert master.lines.count("Entering MASTER STATE") == 1, master.lines


def test_over_ipv6_and_on_a_virtual_mac_s_interface_too() -> None:
    with lan(1) as (one,):
        six = instance(51, 255, state="MASTER", address="fe80::51:1\n2001:db8::51")
        router = one.ours("global_defs {\nvrrp_rx_bufs_policy 60000\n}\n" + six)
        wait_for(lambda: one.holds("fe80::51:1"), router.lines)
        assert buffers(router, socket.AF_INET6) == {60_000}
        router.stop()
        router = started(one, one.ours(configured("vrrp_rx_bufs_policy 60000", "use_vmac")), "vrrp.51")
        assert 60_000 in sizes_of(router, socket.AF_PACKET)


@needs_keepalived
def test_those_of_netlink_are_keepalived_s() -> None:
    below, above = LIMIT - 1000, LIMIT + 1000
    asked = f"vrrp_netlink_cmd_rcv_bufs {above}\nvrrp_netlink_monitor_rcv_bufs {below}"
    forced = asked + "\nvrrp_netlink_cmd_rcv_bufs_force"
    with lan(1) as (one,):
        for policies, sizes in ((asked, [below, LIMIT]), (forced, [below, above])):
            for start in (one.keepalived, one.ours):
                router = started(one, start(configured(policies, "")))
                assert netlink_buffers(router) == sizes, (start, policies)
                router.stop()


def test_a_reload_resizes_sockets_of_netlink_as_they_are() -> None:
    with lan(1) as (one,):
        router = started(one, one.daemon(configured("", "")))
        assert netlink_buffers(router) == [1 << 20]
        for policies, sizes in (
            ("vrrp_netlink_cmd_rcv_bufs 200000\nvrrp_netlink_monitor_rcv_bufs 300000", [200_000, 300_000]),
            ("vrrp_netlink_cmd_rcv_bufs 1\nvrrp_netlink_monitor_rcv_bufs 300000", [106_496, 300_000]),
            ("", [1 << 20]),
        ):
            router.reload_and_wait(configured(policies, ""))
            assert netlink_buffers(router) == sizes, policies
        router.reload_and_wait(configured("vrrp_netlink_cmd_rcv_bufs 1", "").replace(vip(51), "10.77.0.99"))
        wait_for(lambda: one.holds("10.77.0.99") and not one.holds(vip(51)), "what we ask is still done")
        assert router.lines.count("Entering MASTER STATE") == 1, router.lines


def test_that_of_process_events_is_resized_too() -> None:
    opener = NetlinkSockets(ReceiveBuffer(200_000))
    try:
        listener = open_events(os.getpid(), opener.open)
    except OSError as error:
        pytest.skip(f"no process connector here: {error}")
    with socket.socket(fileno=os.dup(listener.fileno())) as copy:
        for buffer, size in ((None, 200_000), (ReceiveBuffer(LIMIT + 1000, True), LIMIT + 1000)):
            if buffer is not None:
                opener.resize(buffer)
            assert copy.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF) == 2 * size
    listener.close()
    opener.resize(ReceiveBuffer())  # of what is closed nothing is wanted
