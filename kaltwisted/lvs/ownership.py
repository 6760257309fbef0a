"""Which services of the kernel's table are ours, remembered across a daemon's sudden death.

A file names them; whoever starts after a ``kill -9`` reads it, removes those
that are no longer configured and leaves what others made alone.  It is valid
for one boot of the machine, as the table is.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from ipaddress import ip_address
from pathlib import Path

from twisted.logger import Logger

from kaltwisted.config.model import Protocol
from kaltwisted.kernel.files import remove_unfinished
from kaltwisted.lvs.table import ServiceKey

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_SIZE_MAX = 16 << 20


def dump_keys(keys: Iterable[ServiceKey], boot: str) -> str:
    """The file's text."""
    services = [
        {"fwmark": key.fwmark, "ipv6": key.ipv6}
        if key.address is None
        else {"address": str(key.address), "port": key.port, "protocol": str(key.protocol)}
        for key in keys
    ]
    return json.dumps({"boot": boot, "services": services}, indent=0)


def load_keys(text: str, boot: str) -> frozenset[ServiceKey]:
    """What the text names; nothing where it is of another boot.  ValueError where it is no such file."""
    try:
        whole = json.loads(text)
        if whole["boot"] != boot:
            return frozenset()
        return frozenset(map(_key, whole["services"]))
    except (KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(f"not a list of services: {error!r}") from error


def _key(entry: dict[str, object]) -> ServiceKey:
    if "address" not in entry:
        return ServiceKey(bool(entry["ipv6"]), fwmark=int(str(entry["fwmark"])))
    address = ip_address(str(entry["address"]))
    protocol = Protocol[str(entry["protocol"]).upper()]
    return ServiceKey(address.version == 6, protocol, address, int(str(entry["port"])))


class OwnershipFile:
    """The file at ``path``; with None nothing is remembered.

    Trouble with the file is logged and no reason to stop balancing.  There is
    no fsync: the file outlives a process, and is not to outlive the machine.
    """

    _log = Logger()

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._written: frozenset[ServiceKey] | None = None

    def read(self) -> frozenset[ServiceKey]:
        """The services an earlier life of ours made."""
        if self._path is None:
            return frozenset()
        remove_unfinished(self._path)
        try:
            with self._path.open("rb") as file:
                text = file.read(_SIZE_MAX).decode("ascii")
            keys = load_keys(text, _boot())
        except FileNotFoundError:
            return frozenset()
        except (OSError, ValueError) as error:
            self._log.warn("{path} is of no use, ignored: {error}", path=str(self._path), error=error)
            return frozenset()
        self._written = keys
        return keys

    def write(self, keys: frozenset[ServiceKey]) -> None:
        """Remember these, all or nothing; no work where they are remembered already."""
        if self._path is None or keys == self._written:
            return
        new = self._path.with_name(self._path.name + f".{os.getpid()}")
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            new.unlink(missing_ok=True)
            descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
            with os.fdopen(descriptor, "w", encoding="ascii") as file:
                file.write(dump_keys(keys, _boot()))
            new.replace(self._path)
        except OSError as error:
            self._log.warn("cannot write {path}: {error}", path=str(self._path), error=error)
        self._written = keys  # a failure is reported once a change, not at every look

    def remove(self) -> None:
        """Nothing is ours any more."""
        self._written = None
        if self._path is not None:
            try:
                self._path.unlink(missing_ok=True)
            except OSError as error:
                self._log.warn("cannot remove {path}: {error}", path=str(self._path), error=error)


def _boot() -> str:
    try:
        return _BOOT_ID.read_text(encoding="ascii").strip()
    except OSError:
        return "unknown"
