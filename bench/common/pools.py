"""Configurations of many real servers: a hundred to a virtual server."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from common.ipvs import VIP

POOL = 100
_FIRST_PORT = 8000


def address(number: int) -> str:
    """A server's address: all of them are loopback's."""
    return f"127.1.{number // 250}.{number % 250 + 1}"


def ports(servers: int) -> list[int]:
    """The virtual servers, by their port."""
    return [_FIRST_PORT + group for group in range(-(-servers // POOL))]


def pool_of(number: int) -> int:
    """The port of a server's virtual server."""
    return _FIRST_PORT + number // POOL


def sizes(servers: int) -> dict[int, int]:
    """How many servers each virtual server has."""
    return {port: min(POOL, servers - POOL * group) for group, port in enumerate(ports(servers))}


def configuration(
    servers: int,
    port: int,
    weight: Callable[[int], int] = lambda number: 1,
    *,
    vip: str = VIP,
    delay: Callable[[int], float] = lambda group: 600,
    top: int = 0,
) -> str:
    """Servers at ``port`` with a TCP_CHECK each; ``top``: so many others before the first.

    :param delay: the time between two checks of a server, by its group.
    """

    def lines() -> Iterator[str]:
        yield "global_defs {\n    router_id bench\n}\n"
        for group, (number, size) in enumerate(sizes(servers).items()):
            yield (
                f"virtual_server {vip} {number} {{\n    delay_loop {delay(group):g}\n    lb_algo rr\n"
                "    lb_kind NAT\n    protocol TCP\n"
            )
            if not group:
                yield from (_server(f"127.3.0.{extra + 1}", port, 1) for extra in range(top))
            for each in range(POOL * group, POOL * group + size):
                yield _server(address(each), port, weight(each))
            yield "}\n"

    return "".join(lines())


def _server(ip: str, port: int, weight: int) -> str:
    return (
        f"    real_server {ip} {port} {{\n        weight {weight}\n"
        "        TCP_CHECK {\n            connect_timeout 3\n        }\n    }\n"
    )
