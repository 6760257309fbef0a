"""What rehearsals cost: simulated days of two directors, and all ready scenarios of large ones.

``python bench/rehearsal.py [--day SECONDS]``
"""

from __future__ import annotations

import argparse
import resource
import time
from collections.abc import Iterator

from kaltwisted.config.load import load_text
from kaltwisted.config.model import SECOND_US, Configuration
from kaltwisted.simulation import scenario as sc
from kaltwisted.simulation.ready import ready
from kaltwisted.simulation.rehearsal import rehearse
from kaltwisted.simulation.scenario import Event, Life, Scenario
from kaltwisted.simulation.topology import lay_out

INSTANCE = """vrrp_instance VI_{number} {{
    interface eth0
    virtual_router_id {number}
    priority {priority}
    {more}
    virtual_ipaddress {{
        10.0.{number}.1/16
    }}
}}
"""
SIGNED = "authentication {\nauth_type AH\nauth_pass k\n}"


def directors(instances: int, more: str = "", servers: int = 0) -> dict[str, Configuration]:
    """A pair: so many virtual routers, and a pool of so many servers that are asked every six seconds."""
    check = "TCP_CHECK {\nconnect_timeout 3\n}"
    pool = "".join(
        f"real_server 10.1.{number // 250}.{number % 250 + 1} 80 {{\n{check}\n}}\n"
        for number in range(servers)
    )
    head = "virtual_server 10.0.1.1 80 {\ndelay_loop 6\nlb_algo rr\nlb_kind NAT\nprotocol TCP\n"
    return {
        name: load_text(
            "".join(
                INSTANCE.format(number=number, priority=priority, more=more)
                for number in range(1, instances + 1)
            )
            + (f"{head}{pool}}}\n" if servers else ""),
            name,
        ).configuration
        for name, priority in (("one", 150), ("two", 100))
    }


def day(seconds: int) -> Scenario:
    """The first director dies at noon for an hour."""
    noon, hour = seconds * SECOND_US // 2, seconds * SECOND_US // 24
    return Scenario(
        "day",
        "",
        seconds * SECOND_US,
        (
            Event(noon, sc.Lives("one", Life.DIES), "one dies"),
            Event(noon + hour, sc.Lives("one", Life.STARTS), "one starts"),
        ),
    )


def measured(seconds: int) -> Iterator[tuple[str, float]]:
    """What was rehearsed, and its CPU time in seconds."""
    for what, pair in (
        ("one virtual router", directors(1)),
        ("four virtual routers, AH", directors(4, SIGNED)),
        ("one virtual router, 10 real servers", directors(1, servers=10)),
    ):
        began = time.process_time()
        rehearsal = rehearse(lay_out(pair), day(seconds))
        assert rehearsal.judgement.good, rehearsal.judgement
        yield f"{seconds} s: {what}", time.process_time() - began
    for what, pair in (
        ("two virtual routers", directors(2)),
        ("250 virtual routers", directors(250)),
    ):
        began = time.process_time()
        topology = lay_out(pair)
        scenarios = list(ready(topology))
        for scenario in scenarios:
            assert rehearse(topology, scenario).judgement.good, scenario.name
        yield f"all {len(scenarios)} ready scenarios: {what}", time.process_time() - began


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--day", type=int, default=86400, metavar="SECONDS", help="how long a day is")
    for what, cpu in measured(parser.parse_args().day):
        print(f"{what:60} {cpu:8.1f} s of CPU", flush=True)
    print(f"memory at most {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")


if __name__ == "__main__":
    main()
