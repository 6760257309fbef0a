"""Read a configuration to run it here: the file, and then what it asks of this machine."""

from __future__ import annotations

import attrs

from kaltwisted.alerts.vetting import vet
from kaltwisted.config import load
from kaltwisted.config.load import Reading
from kaltwisted.daemon.interfaces import missing_interfaces


def load_file(
    path: str, *, config_id: str | None = None, all_includes: bool = False, vrrp: bool = True
) -> Reading:
    """As ``config.load.load_file``, with scripts looked at too, and interfaces where VRRP is to run."""
    reading = load.load_file(path, config_id=config_id, all_includes=all_includes)
    missing = missing_interfaces(reading.configuration) if vrrp else ()
    vetted = vet(reading.configuration)
    return attrs.evolve(
        reading,
        configuration=vetted.configuration,
        findings=(*reading.findings, *missing, *vetted.findings),
    )
