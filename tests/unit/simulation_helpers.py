"""What the tests of rehearsals share: directors written as their files are."""

from __future__ import annotations

from collections.abc import Mapping

from kaltwisted.config.load import load_text
from kaltwisted.config.model import Configuration
from kaltwisted.simulation.reading import Script, read_scenario
from kaltwisted.simulation.ready import ready
from kaltwisted.simulation.rehearsal import Rehearsal, rehearse
from kaltwisted.simulation.topology import lay_out

VIP = "192.168.200.10"


def instance(
    priority: int,
    *lines: str,
    name: str = "VI_1",
    vrid: int = 51,
    interface: str = "eth0",
    vip: str = VIP,
) -> str:
    """A ``vrrp_instance``."""
    settings = "\n".join(
        (f"interface {interface}", f"virtual_router_id {vrid}", f"priority {priority}", *lines)
    )
    return f"vrrp_instance {name} {{\n{settings}\nvirtual_ipaddress {{\n{vip}\n}}\n}}\n"


def configurations(**texts: str) -> dict[str, Configuration]:
    """Directors by their names, without a mistake in any."""
    found = {}
    for name, text in texts.items():
        reading = load_text(text, f"{name}.conf")
        assert not reading.errors, reading.errors
        found[name] = reading.configuration
    return found


def pair(one: str, two: str) -> dict[str, Configuration]:
    """Two directors."""
    return configurations(one=one, two=two)


def script(text: str, directors: Mapping[str, Configuration]) -> Script:
    """A scenario about them, without a mistake."""
    read = read_scenario(text, "test.scenario", directors)
    assert not read.findings, read.findings
    return read


def rehearsed(text: str, directors: Mapping[str, Configuration]) -> Rehearsal:
    """What comes of a scenario."""
    read = script(text, directors)
    assert read.scenario is not None
    return rehearse(read.topology, read.scenario)


def rehearsed_ready(name: str, directors: Mapping[str, Configuration]) -> Rehearsal:
    """What comes of a ready one."""
    topology = lay_out(directors)
    (scenario,) = (each for each in ready(topology) if each.name == name)
    return rehearse(topology, scenario)
