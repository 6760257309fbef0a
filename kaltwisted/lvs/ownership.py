"""Which services of the kernel's table are ours, remembered across a daemon's sudden death.

A file names them; whoever starts after a ``kill -9`` reads it, removes those
that are no longer configured and leaves what others made alone.
"""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from kaltwisted.config.model import Protocol
from kaltwisted.kernel.boot_file import BootFile
from kaltwisted.lvs.table import ServiceKey


def dump_keys(keys: Iterable[ServiceKey]) -> dict[str, Any]:
    """The file's content."""
    services = [
        {"fwmark": key.fwmark, "ipv6": key.ipv6}
        if key.address is None
        else {"address": str(key.address), "port": key.port, "protocol": str(key.protocol)}
        for key in keys
    ]
    return {"services": services}


def load_keys(content: dict[str, Any]) -> frozenset[ServiceKey]:
    """What it names; an error that tells what is odd where it names no services."""
    return frozenset(map(_key, content.get("services", ())))


def _key(entry: dict[str, object]) -> ServiceKey:
    if "address" not in entry:
        return ServiceKey(bool(entry["ipv6"]), fwmark=int(str(entry["fwmark"])))
    address = ip_address(str(entry["address"]))
    protocol = Protocol[str(entry["protocol"]).upper()]
    return ServiceKey(address.version == 6, protocol, address, int(str(entry["port"])))


class OwnershipFile:
    """The file at ``path``; with None nothing is remembered."""

    def __init__(self, path: Path | None) -> None:
        self._file = BootFile(path)
        self._written: frozenset[ServiceKey] | None = None

    def read(self) -> frozenset[ServiceKey]:
        """The services an earlier life of ours made."""
        try:
            keys = load_keys(self._file.read())
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            self._file.is_of_no_use(error)
            return frozenset()
        self._written = keys or None
        return keys

    def write(self, keys: frozenset[ServiceKey]) -> None:
        """Remember these; no work where they are remembered already."""
        if keys != self._written:
            self._file.write(dump_keys(keys))
            self._written = keys  # a failure is reported once a change, not at every look

    def remove(self) -> None:
        """Nothing is ours any more."""
        self._written = None
        self._file.remove()
