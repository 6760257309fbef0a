"""What must be there when the chaos is over, and every difference from it, in words."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Iterator

from .director import FOREIGN, Director
from .plan import SERVER_ADDRESS, THIRD_VIP, Pool
from .world import World

DESCRIPTORS_MOST = 60
BAD_WORDS = ("Traceback", "Unhandled", "Unexpected", "unraisable", "Supervision of")


def differences(world: World) -> list[str]:
    """Everything that is not as the configurations and the links say."""
    found = list(_addresses(world))
    for director in world.directors.values():
        name = f"director {director.number}"
        found += [f"{name}: {each}" for each in _processes(director)]
        found += [f"{name}: {each}" for each in _files(director, world.plane)]
        found += [f"{name}: {each}" for each in _balancing(world, director)]
    return found


def complaints(world: World) -> list[str]:
    """Lines of logs that no daemon should ever write."""
    return [
        f"director {director.number} logged: {line}"
        for director in world.directors.values()
        for line in director.log.splitlines()
        if any(word in line for word in BAD_WORDS)
    ]


# -- VRRP ----------------------------------------------------------------------------------


def _addresses(world: World) -> Iterator[str]:
    """Every interface has its own address and the virtual ones of the instances that are master."""
    wanted = {number: [("lo", "127.0.0.1/8")] for number in world.directors}
    for number in world.directors:
        wanted[number] += [("eth0", f"10.77.0.{number}/24"), ("eth1", f"10.78.0.{number}/24")]
    master = _elected(world, "priority", ("eth0", "eth1"))
    if master is not None:
        wanted[master.number] += [(dev, f"{vip}/24") for dev, vip in master.plan.vips()]  # type: ignore[union-attr]
    master = _elected(world, "third", ("eth0",))
    if master is not None:
        wanted[master.number].append(("eth0", f"{THIRD_VIP}/24"))
    for number, director in world.directors.items():
        there = director.addresses()
        if there != sorted(wanted[number]):
            missing = [each for each in wanted[number] if each not in there]
            wrong = [each for each in there if each not in wanted[number]]
            yield f"director {number}: addresses {missing=} {wrong=}"


def _elected(world: World, field: str, interfaces: tuple[str, ...]) -> Director | None:
    """Who has the highest priority of those that can."""
    able = [
        director
        for number, director in world.directors.items()
        if director.runs
        and getattr(director.plan, field) is not None
        and all(world.works(number, interface) for interface in interfaces)
    ]
    return max(able, key=lambda director: getattr(director.plan, field), default=None)


# -- processes and files -------------------------------------------------------------------


def _processes(director: Director) -> Iterator[str]:
    there = director.processes()
    wanted = ["supervisor", "vrrp"] if director.runs else []
    if wanted and director.plan and director.plan.pools:
        wanted.insert(0, "checkers")
    # Scripts come and go.
    lasting = {pid: kind for pid, kind in there.items() if kind in ("checkers", "supervisor", "vrrp")}
    if sorted(lasting.values()) != wanted:
        yield f"processes {there}, not {wanted}"
        return
    if zombies := director.zombies():
        yield f"zombies {zombies}"
    for kind, count in director.descriptors().items():
        if count > DESCRIPTORS_MOST:
            yield f"{kind} has {count} descriptors open"
    for pid, kind in lasting.items():
        file = director.run / ("twistd.pid" if kind == "supervisor" else f"{kind}.pid")
        said = file.read_text().strip() if file.exists() else None
        if said != str(pid):
            yield f"{file.name} says {said} of {pid}"


def _files(director: Director, plane: str) -> Iterator[str]:
    there = {file.name for file in director.run.iterdir()}
    wanted = {"twistd.pid", "vrrp.pid", "api.sock"} if director.runs else set()
    if wanted and director.plan and director.plan.pools:
        wanted |= {"checkers.pid"} | ({"ipvs-services.json"} if plane == "ipvs" else set())
    if director.runs:
        there.discard("vrrp-addresses.json")  # of who is master of something
    if there != wanted:
        yield f"files {sorted(there)}, not {sorted(wanted)}"


# -- balancing -----------------------------------------------------------------------------


def _balancing(world: World, director: Director) -> Iterator[str]:
    wanted: dict[Pool, dict[int, int]] = {}
    if director.runs and director.plan is not None:
        for pool in director.plan.pools:
            # A script needs no network to find a server up.
            up = world.farm.up if pool.check == "misc" else world.up_for(director.number)
            wanted[pool] = pool.destinations(up)
    if world.plane == "ipvs":
        yield from _table(director, wanted)
    else:
        for pool, weights in wanted.items():
            yield from _answers(world, director, pool, weights)


def _table(director: Director, pools: dict[Pool, dict[int, int]]) -> Iterator[str]:
    wanted = {
        f"{pool.listens(director.number)}:{pool.port}": {"": "-s wrr"}
        | {f"{SERVER_ADDRESS}:{port}": f"-m -w {weight}" for port, weight in weights.items()}
        for pool, weights in pools.items()
    }
    wanted[FOREIGN] = {"": "-s rr"}
    there = director.table()
    for service in sorted(there.keys() | wanted.keys()):
        if there.get(service) != wanted.get(service):
            yield f"table {service}: {there.get(service)}, not {wanted.get(service)}"


def _answers(world: World, director: Director, pool: Pool, weights: dict[int, int]) -> Iterator[str]:
    """Two rounds of weighted round robin reach every server twice as often as it weighs."""
    if (director.number, "eth0") in world.cuts or (director.number, "eth1") in world.cuts:
        return
    address = pool.listens(director.number)
    holds = any(each.startswith(f"{address}/") for _, each in director.addresses())
    if not holds:
        return
    served = Counter(_ask(world, director.number, address, pool.port) for _ in range(2 * _total(weights)))
    wanted = {str(port): 2 * weight for port, weight in weights.items() if weight}
    if served != (wanted or {"": 2}):
        yield f"pool {pool.port} is served by {dict(served)}, not {wanted}"


def _total(weights: dict[int, int]) -> int:
    return sum(weights.values()) or 1


def _ask(world: World, director: int, address: str, port: int) -> str:
    """Who answers; "" when nobody does."""
    with contextlib.suppress(OSError), world.connect(director, address, port, 2.0) as connection:
        connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
        answer = b""
        while data := connection.recv(4096):
            answer += data
        return answer.rpartition(b"\r\n\r\n")[2].decode()
    return ""


__all__ = ["complaints", "differences"]
