"""IpvsDataPlane on a real kernel, with ipvsadm as the judge of what is in it."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path

import attrs
import pytest
import pytest_twisted
from twisted.internet import reactor

from kaltwisted.config.model import Forwarding, ForwardingMethod, Protocol, TunnelType
from kaltwisted.lvs.ipvs import IpvsDataPlane, why_not
from kaltwisted.lvs.table import Applied, Destination, DestinationKey, Service, ServiceKey, Table

NAT = ForwardingMethod(Forwarding.NAT)
DR = ForwardingMethod(Forwarding.DR)
TUN = ForwardingMethod(Forwarding.TUN)
WEB = ServiceKey(False, Protocol.TCP, ip_address("10.0.0.1"), 80)


def ipvsadm(*arguments: str) -> list[str]:
    """Run ipvsadm; its lines."""
    done = subprocess.run(["ipvsadm", *arguments], check=True, capture_output=True, text=True)
    return [line.strip() for line in done.stdout.splitlines()]


def saved() -> set[str]:
    """The kernel's table as ipvsadm would restore it."""
    return set(ipvsadm("-Sn"))


def destination(
    address: str,
    port: int = 80,
    weight: int = 1,
    forwarding: ForwardingMethod = DR,
    upper: int = 0,
    lower: int = 0,
) -> Destination:
    return Destination(DestinationKey(ip_address(address), port), weight, forwarding, upper, lower)


def service(key: ServiceKey, *destinations: Destination, scheduler: str = "rr", **rest: object) -> Service:
    made = Service(key, scheduler, destinations={each.key: each for each in destinations})
    return attrs.evolve(made, **rest)


def table(*services: Service) -> Table:
    return {each.key: each for each in services}


def thousands(weight: int = 1) -> Table:
    addresses = (str(ip_address(0x0A010001 + number)) for number in range(5000))
    return table(service(WEB, *(destination(each, weight=weight) for each in addresses)))


@pytest.fixture
def state_file(tmp_path: Path) -> Path:
    return tmp_path / "kaltwisted" / "ipvs.json"


@pytest.fixture
def plane(state_file: Path) -> Iterator[IpvsDataPlane]:
    ipvsadm("-C")
    made = IpvsDataPlane(reactor, state_file)
    yield made
    pytest_twisted.blockon(made.stop(keep=True))
    ipvsadm("-C")


async def adds(plane: IpvsDataPlane, desired: Table) -> None:
    """Start, apply, and nothing is left to do, not by the belief and not by a fresh look."""
    await plane.start()
    applied = await plane.apply(desired)
    assert applied.failures == ()
    assert (await plane.snapshot()).keys() >= desired.keys()
    assert await plane.apply({key: attrs.evolve(each) for key, each in desired.items()}) == Applied(0)


def test_ipvs_is_usable_here_and_the_answer_comes_at_once() -> None:
    began = time.monotonic()
    assert why_not() is None
    assert time.monotonic() - began < 1


def test_who_is_not_root_is_told(tmp_path: Path) -> None:
    child = os.fork()
    if child == 0:
        os.setuid(65534)
        os._exit(0 if "CAP_NET_ADMIN" in (why_not() or "") else 1)
    assert os.waitpid(child, 0)[1] == 0


@pytest_twisted.ensureDeferred
async def test_every_forwarding_method(plane: IpvsDataPlane) -> None:
    gue = ForwardingMethod(Forwarding.TUN, TunnelType.GUE, 6080)
    gre = ForwardingMethod(Forwarding.TUN, TunnelType.GRE)
    desired = table(
        service(
            WEB,
            destination("10.0.1.1", 8080, 3, NAT, upper=100, lower=50),
            destination("10.0.1.2", forwarding=DR, weight=0),
            destination("10.0.1.3", forwarding=TUN, weight=65535),
            destination("10.0.1.4", forwarding=gue),
            destination("10.0.1.5", forwarding=gre),
            destination("2001:db8::5", forwarding=TUN),
        )
    )
    await adds(plane, desired)
    there = "-a -t 10.0.0.1:80 -r"
    assert saved() == {
        "-A -t 10.0.0.1:80 -s rr",
        f"{there} 10.0.1.1:8080 -m -w 3",
        f"{there} 10.0.1.2:80 -g -w 0",
        f"{there} 10.0.1.3:80 -i -w 65535 --tun-type ipip",
        f"{there} 10.0.1.4:80 -i -w 1 --tun-type gue --tun-port 6080 --tun-nocsum",
        f"{there} 10.0.1.5:80 -i -w 1 --tun-type gre --tun-nocsum",
        f"{there} [2001:db8::5]:80 -i -w 1 --tun-type ipip",
    }
    assert any(line.split()[1:4] == ["10.0.1.1:8080", "100", "50"] for line in ipvsadm("-Ln", "--thresholds"))
    # A change of the method is a change in place.
    turned = {
        key: attrs.evolve(each, forwarding=DR if each.forwarding == NAT else NAT)
        for key, each in desired[WEB].destinations.items()
        if key.address.version == 4
    }
    kept = {key: each for key, each in desired[WEB].destinations.items() if key not in turned}
    assert await plane.apply(table(service(WEB, *turned.values(), *kept.values()))) == Applied(5)
    assert f"{there} 10.0.1.4:80 -m -w 1" in saved()


@pytest_twisted.ensureDeferred
async def test_every_kind_of_service(plane: IpvsDataPlane) -> None:
    address, address6 = ip_address("10.0.0.1"), ip_address("2001:db8::1")
    four, six = destination("10.0.1.1"), destination("2001:db8::11")
    desired = table(
        service(WEB, four, scheduler="wlc", persistence_timeout_s=300, granularity=24),
        service(ServiceKey(False, Protocol.UDP, address, 53), four, ops=True, scheduler="sh",
                scheduler_flags=frozenset({"sh-port", "sh-fallback"})),
        service(ServiceKey(False, Protocol.SCTP, address, 99), four),
        service(ServiceKey(True, Protocol.UDP, address6, 5060), six, persistence_timeout_s=60, granularity=64,
                persistence_engine="sip"),
        service(ServiceKey(True, Protocol.TCP, address6, 443), six, persistence_timeout_s=1, granularity=128),
        service(ServiceKey(False, Protocol.TCP, address, 0), destination("10.0.1.1", 0),
                persistence_timeout_s=360),
        service(ServiceKey(False, fwmark=7), four, scheduler="mh", scheduler_flags=frozenset({"mh-port"})),
        service(ServiceKey(True, fwmark=7), six),
    )  # fmt: skip
    await adds(plane, desired)
    services = {line for line in saved() if line.startswith("-A")}
    assert services == {
        "-A -t 10.0.0.1:80 -s wlc -p 300 -M 255.255.255.0",
        "-A -u 10.0.0.1:53 -s sh -o -b sh-fallback,sh-port",
        "-A --sctp-service 10.0.0.1:99 -s rr",
        "-A -u [2001:db8::1]:5060 -s rr -p 60 -M 64 --pe sip",
        "-A -t [2001:db8::1]:443 -s rr -p 1",
        "-A -t 10.0.0.1:0 -s rr -p 360",
        "-A -f 7 -s mh -b mh-port",
        "-A -f 7 -6 -s rr",
    }
    assert "-a -f 7 -6 -r [2001:db8::11]:80 -g -w 1" in saved()
    # Settings change in place, and back.
    changed = {key: attrs.evolve(each, scheduler="wrr", scheduler_flags=frozenset(), persistence_timeout_s=9,
                                 granularity=None, ops=False, persistence_engine=None)
               for key, each in desired.items()}  # fmt: skip
    assert await plane.apply(changed) == Applied(8)
    assert {line.partition(" -s ")[2] for line in saved() if line.startswith("-A")} == {"wrr -p 9"}
    assert await plane.apply(desired) == Applied(8)
    assert {line for line in saved() if line.startswith("-A")} == services


@pytest_twisted.ensureDeferred
async def test_every_scheduler_that_the_kernel_has(plane: IpvsDataPlane) -> None:
    modules = Path("/run/uml/modules/lib/modules", os.uname().release, "kernel/net/netfilter/ipvs")
    known = {path.stem.removeprefix("ip_vs_") for path in modules.glob("ip_vs_*.ko")}
    schedulers = sorted(known - {"ftp", "pe_sip"})  # the two others among the modules
    assert {"rr", "wrr", "lc", "wlc", "lblc", "lblcr", "dh", "sh", "sed", "nq", "fo", "ovf", "mh"} <= set(
        schedulers
    )
    await plane.start()
    keys = [attrs.evolve(WEB, port=number) for number, _ in enumerate(schedulers, 1)]
    desired = table(*(service(key, scheduler=name) for key, name in zip(keys, schedulers, strict=True)))
    assert await plane.apply(desired) == Applied(len(schedulers))
    assert {line.split()[-1] for line in saved()} == set(schedulers)


@pytest_twisted.ensureDeferred
async def test_an_unknown_scheduler_and_bad_servers_stop_nothing_else(plane: IpvsDataPlane) -> None:
    other = attrs.evolve(WEB, port=81)
    await plane.start()
    servers = [
        destination("10.0.1.1"),
        destination("10.0.1.2", upper=1, lower=2),
        destination("2001:db8::1"),
        destination("10.0.1.3", weight=-1),
    ]
    applied = await plane.apply(
        table(service(WEB, destination("10.0.1.1"), scheduler="xyz"), service(other, *servers))
    )
    assert {each.reason for each in applied.failures} == {
        "no scheduler 'xyz' in this kernel",
        "lthreshold 2 is above uthreshold 1",
        "a real server of the other address family is reached by lb_kind TUN only",
        "weight -1 is out of range",
    }
    assert saved() == {"-A -t 10.0.0.1:81 -s rr", "-a -t 10.0.0.1:81 -r 10.0.1.1:80 -g -w 1"}
    good = table(service(WEB, destination("10.0.1.1")), service(other, destination("10.0.1.1")))
    assert (await plane.apply(good)).failures == ()
    assert await plane.snapshot() == good


@pytest_twisted.ensureDeferred
async def test_what_is_there_is_adopted_and_what_is_foreign_stays(plane: IpvsDataPlane) -> None:
    subprocess.run(
        ["ipvsadm", "-R"],
        check=True,
        text=True,
        input="-A -t 10.0.0.1:80 -s rr\n-a -t 10.0.0.1:80 -r 10.0.1.1:80 -g -w 1\n"
        "-a -t 10.0.0.1:80 -r 10.0.1.9:80 -g -w 1\n-A -t 10.9.9.9:80 -s lc -p 77 -M 255.255.0.0\n"
        "-a -t 10.9.9.9:80 -r 10.8.8.8:80 -m -w 8\n-A -f 99 -s rr\n",
    )
    found = await plane.start()
    assert len(found) == 3
    assert plane.ours == frozenset()
    wanted = table(service(WEB, destination("10.0.1.1"), destination("10.0.1.2")))
    assert await plane.apply(wanted) == Applied(2)
    foreign = {
        "-A -t 10.9.9.9:80 -s lc -p 77 -M 255.255.0.0",
        "-a -t 10.9.9.9:80 -r 10.8.8.8:80 -m -w 8",
        "-A -f 99 -s rr",
    }
    there = "-a -t 10.0.0.1:80 -r"
    ours = {"-A -t 10.0.0.1:80 -s rr", f"{there} 10.0.1.1:80 -g -w 1", f"{there} 10.0.1.2:80 -g -w 1"}
    assert saved() == foreign | ours
    await plane.stop(keep=False)
    assert saved() == foreign


@pytest_twisted.ensureDeferred
async def test_with_lvs_flush_the_table_is_empty_first(state_file: Path) -> None:
    ipvsadm("-A", "-f", "99", "-s", "rr")
    ipvsadm("-a", "-f", "99", "-r", "10.0.1.1", "-g")
    plane = IpvsDataPlane(reactor, state_file, flush_first=True)
    assert await plane.start() == {}
    assert saved() == set()
    await plane.stop(keep=False)


@pytest_twisted.ensureDeferred
async def test_after_kill_9_what_is_no_longer_configured_goes(plane: IpvsDataPlane, state_file: Path) -> None:
    ipvsadm("-A", "-f", "99", "-s", "rr")
    other = attrs.evolve(WEB, port=81)
    both = table(service(WEB, destination("10.0.1.1")), service(other, destination("10.0.1.1")))
    await plane.start()
    await plane.apply(both)
    # What a killed daemon leaves: its table and its file.  The plane at hand plays no part any more.
    heir = IpvsDataPlane(reactor, state_file)
    assert (await heir.start()).keys() == {*both, ServiceKey(False, fwmark=99)}
    assert heir.ours == both.keys()
    assert await heir.apply(table(both[WEB])) == Applied(1)
    assert {line for line in saved() if line.startswith("-A")} == {
        "-A -t 10.0.0.1:80 -s rr",
        "-A -f 99 -s rr",
    }
    await heir.stop(keep=False)
    assert saved() == {"-A -f 99 -s rr"}
    assert not state_file.exists()


@pytest_twisted.ensureDeferred
async def test_changes_by_hand_are_repaired(plane: IpvsDataPlane) -> None:
    desired = table(service(WEB, destination("10.0.1.1"), destination("10.0.1.2")))
    await plane.start()
    await plane.apply(desired)
    right = saved()
    ipvsadm("-d", "-t", "10.0.0.1:80", "-r", "10.0.1.1:80")
    ipvsadm("-e", "-t", "10.0.0.1:80", "-r", "10.0.1.2:80", "-m", "-w", "9")
    ipvsadm("-a", "-t", "10.0.0.1:80", "-r", "10.0.1.3:80", "-g")
    ipvsadm("-E", "-t", "10.0.0.1:80", "-s", "lc", "-p", "60")
    await plane.snapshot()
    assert await plane.apply(desired) == Applied(4)
    assert saved() == right
    # A service gone behind our back, noticed while changing it, and with no look taken before.
    ipvsadm("-C")
    assert await plane.apply(
        table(service(WEB, *desired[WEB].destinations.values(), destination("10.0.1.7")))
    )
    assert saved() == right | {"-a -t 10.0.0.1:80 -r 10.0.1.7:80 -g -w 1"}


@pytest_twisted.ensureDeferred
async def test_five_thousand_real_servers(
    plane: IpvsDataPlane, record_property: pytest.RecordProperty
) -> None:
    first, second = thousands(), thousands(weight=2)
    await plane.start()
    for what, work in (
        ("added", lambda: plane.apply(first)),
        ("weights set", lambda: plane.apply(second)),
        ("read", plane.snapshot),
        ("unchanged", lambda: plane.apply(second)),
        ("deleted one by one", lambda: plane.apply(table(service(WEB)))),
        ("added again", lambda: plane.apply(first)),
        ("stopped", lambda: plane.stop(keep=False)),
    ):
        began = time.monotonic()
        result = await work()
        took = time.monotonic() - began
        record_property(what, f"{took:.3f} s")
        print(f"5,000 real servers {what}: {took:.3f} s")
        if isinstance(result, Applied):
            assert result.failures == ()
        if what == "added":
            assert len(ipvsadm("-Sn")) == 5001
    assert saved() == set()
