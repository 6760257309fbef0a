"""What a director is configured to do: a value, its text for keepalived.conf, and random variations."""

from __future__ import annotations

from random import Random

import attrs

#: Ports of the real servers; each is a server that may be down.
SERVERS = (9001, 9002, 9003, 9004)
#: Takes clients when nobody else does; never down.
SORRY = 9009
SERVER_ADDRESS = "10.78.0.3"

GROUP_VIPS = {"eth0": "10.77.0.100", "eth1": "10.78.0.100"}
EXTRA_VIP = "10.77.0.101"
THIRD_VIP = "10.77.0.103"

TIMING = "connect_timeout 1\n        retry 0\n        delay_before_retry 1"
CHECKS = {
    "tcp": f"TCP_CHECK {{\n        {TIMING}\n    }}",
    "http": f"HTTP_GET {{\n        url {{\n path /\n status_code 200\n }}\n        {TIMING}\n    }}",
    "misc": 'MISC_CHECK {{\n        misc_path "{script} {port}"\n        retry 0\n    }}',
}


@attrs.frozen
class Pool:
    """A virtual server: ``port`` of ``address`` ({own}: the director's), (port, weight) of servers."""

    address: str
    port: int
    servers: tuple[tuple[int, int], ...]
    check: str = "tcp"
    sorry: bool = False
    inhibit: bool = False

    def __str__(self) -> str:
        servers = " ".join(f"{port}*{weight}" for port, weight in self.servers)
        return f"{self.port}: {servers}"

    def listens(self, director: int) -> str:
        """Its address on that director."""
        return self.address.format(own=f"10.77.0.{director}")

    def text(self, director: int, script: str) -> str:
        """Its block."""
        lines = [f"virtual_server {self.listens(director)} {self.port} {{"]
        lines += ["delay_loop 1", "lb_algo wrr", "lb_kind NAT", "protocol TCP"]
        if self.sorry:
            lines.append(f"sorry_server {SERVER_ADDRESS} {SORRY}")
        for port, weight in self.servers:
            lines.append(f"real_server {SERVER_ADDRESS} {port} {{\n    weight {weight}")
            if self.inhibit:
                lines.append("    inhibit_on_failure")
            check = CHECKS[self.check]
            lines.append(
                f"    {check.format(script=script, port=port) if self.check == 'misc' else check}\n}}"
            )
        return "\n".join([*lines, "}\n"])

    def destinations(self, up: frozenset[int]) -> dict[int, int]:
        """Weights by port of what must take clients when these servers are up."""
        there = {port: weight for port, weight in self.servers if port in up}
        if self.sorry and not there:
            there = {SORRY: 1}
        if self.inhibit:
            there |= {port: 0 for port, _ in self.servers if port not in up}
        return there


OWN = Pool("{own}", 8001, ((9001, 1), (9002, 1)))
VIP = Pool(GROUP_VIPS["eth0"], 8002, ((9001, 1), (9003, 2)), check="http", inhibit=True)
MORE = Pool("{own}", 8003, ((9003, 1), (9004, 1)), check="misc", sorry=True)
POOLS = (OWN, VIP, MORE)


@attrs.frozen
class Plan:
    """One director's configuration.  ``third``: the priority of an instance that may be missing."""

    priority: int
    third: int | None = None
    extra: bool = False
    pools: tuple[Pool, ...] = (OWN, VIP)

    def __str__(self) -> str:
        third = "" if self.third is None else f", VI_3 {self.third}"
        extra = ", extra" if self.extra else ""
        return f"priority {self.priority}{third}{extra}, pools {'; '.join(map(str, self.pools))}"

    def text(self, director: int, script: str = "/bin/true") -> str:
        """The file for that director."""
        vips = f"{GROUP_VIPS['eth0']}/24" + (f"\n {EXTRA_VIP}/24" if self.extra else "")
        blocks = [f"global_defs {{\n router_id director{director}\n script_user root\n}}\n"]
        blocks.append("vrrp_sync_group G {\n group {\n VI_1\n VI_2\n }\n}\n")
        blocks.append(_instance("VI_1", "eth0", 51, self.priority, "version 3\n advert_int 0.3", vips))
        password = "authentication {\n auth_type PASS\n auth_pass chaotic\n }"
        settings = f"version 2\n advert_int 1\n {password}"
        blocks.append(_instance("VI_2", "eth1", 52, self.priority, settings, f"{GROUP_VIPS['eth1']}/24"))
        if self.third is not None:
            settings = "version 3\n advert_int 0.5"
            blocks.append(_instance("VI_3", "eth0", 53, self.third, settings, f"{THIRD_VIP}/24"))
        return "".join([*blocks, *(pool.text(director, script) for pool in self.pools)])

    def vips(self) -> list[tuple[str, str]]:
        """(interface, address) of what the sync group's master holds."""
        return [*GROUP_VIPS.items(), *([("eth0", EXTRA_VIP)] if self.extra else [])]


def _instance(name: str, interface: str, vrid: int, priority: int, settings: str, vips: str) -> str:
    return (
        f"vrrp_instance {name} {{\n interface {interface}\n virtual_router_id {vrid}\n"
        f" priority {priority}\n {settings}\n virtual_ipaddress {{\n {vips}\n }}\n}}\n"
    )


def vary(plan: Plan, director: int, random: Random) -> Plan:
    """A neighbour of a plan.  Directors never have the same priority: that is no election to test."""
    match random.choice(["weights", "weights", "servers", "servers", "pools", "priority", "third"]):
        case "weights":
            return _with_pool(plan, random, lambda pool: _reweighed(pool, random))
        case "servers":
            return _with_pool(plan, random, lambda pool: _staffed(pool, random))
        case "pools" if plan.pools and random.random() < 0.25:
            return attrs.evolve(plan, pools=())  # and no checkers
        case "pools":
            chosen = tuple(pool for pool in POOLS if pool is OWN or random.random() < 0.6)
            known = {pool.port: pool for pool in plan.pools}
            return attrs.evolve(plan, pools=tuple(known.get(pool.port, pool) for pool in chosen))
        case "priority":
            return attrs.evolve(plan, priority=_priority(director, random))
        case _:
            third = None if plan.third is not None else _priority(director, random)
            return attrs.evolve(plan, third=third)


def _priority(director: int, random: Random) -> int:
    return 80 + 20 * random.randrange(6) + 5 * director


def _with_pool(plan: Plan, random: Random, change) -> Plan:  # type: ignore[no-untyped-def]
    if not plan.pools:
        return attrs.evolve(plan, pools=(OWN,))
    number = random.randrange(len(plan.pools))
    pools = list(plan.pools)
    pools[number] = change(pools[number])
    return attrs.evolve(plan, pools=tuple(pools))


def _reweighed(pool: Pool, random: Random) -> Pool:
    return attrs.evolve(pool, servers=tuple((port, random.randint(1, 4)) for port, _ in pool.servers))


def _staffed(pool: Pool, random: Random) -> Pool:
    ports = sorted(random.sample(SERVERS, random.randint(1, len(SERVERS))))
    weights = dict(pool.servers)
    return attrs.evolve(pool, servers=tuple((port, weights.get(port, 1)) for port in ports))
