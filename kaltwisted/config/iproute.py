"""The names that iproute2 gives numbers: routing tables, protocols, scopes, realms, fields, interface groups.

They are read from ``/etc/iproute2`` and the distribution's folder, as ``ip``
reads them; without files the standard names are known all the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import attrs

FOLDERS: Final = (Path("/usr/lib/iproute2"), Path("/usr/share/iproute2"), Path("/etc/iproute2"))
"""In the order in which they are read; what comes later wins."""

_STANDARD: Final[Mapping[str, Mapping[str, int]]] = {
    "rt_tables": {"unspec": 0, "default": 253, "main": 254, "local": 255},
    "rt_protos": {
        "unspec": 0, "redirect": 1, "kernel": 2, "boot": 3, "static": 4, "gated": 8, "ra": 9, "mrt": 10,
        "zebra": 11, "bird": 12, "dnrouted": 13, "xorp": 14, "ntk": 15, "dhcp": 16, "keepalived": 18,
        "babel": 42, "openr": 99, "bgp": 186, "isis": 187, "ospf": 188, "rip": 189, "eigrp": 192,
    },
    "rt_scopes": {"global": 0, "site": 200, "link": 253, "host": 254, "nowhere": 255},
    "rt_realms": {"cosmos": 0},
    "rt_dsfield": {},
    "group": {"default": 0},
}  # fmt: skip
_LARGEST_FILE = 1 << 20


@attrs.frozen
class Names:
    """Name to number, one mapping for each kind of thing; the fields are the files' names."""

    rt_tables: Mapping[str, int]
    rt_protos: Mapping[str, int]
    rt_scopes: Mapping[str, int]
    rt_realms: Mapping[str, int]
    rt_dsfield: Mapping[str, int]
    group: Mapping[str, int]


def read_names(folders: tuple[Path, ...] = FOLDERS) -> Names:
    """The names of this machine; what cannot be read is passed over, as ``ip`` does.

    A later folder's file counts before an earlier one's; what stands in folders
    of additions takes no name away: FRR's has another ``static``.
    """
    return Names(**{kind: _found(kind, standard, folders) for kind, standard in _STANDARD.items()})


def _found(kind: str, standard: Mapping[str, int], folders: tuple[Path, ...]) -> dict[str, int]:
    names = dict(standard)
    for folder in folders:
        names.update(_entries(folder / kind))
    for folder in folders:
        try:
            more = sorted((folder / f"{kind}.d").glob("*.conf"))
        except OSError:
            more = []
        for path in more:
            names = dict(_entries(path)) | names
    return names


def _entries(path: Path) -> Iterator[tuple[str, int]]:
    """Lines of ``NUMBER NAME``, the number decimal or hexadecimal."""
    try:
        with path.open(encoding="utf-8", errors="surrogateescape") as file:
            text = file.read(_LARGEST_FILE)
    except OSError:
        return
    for line in text.splitlines():
        words = line.partition("#")[0].split()
        if len(words) >= 2:
            try:
                yield words[1], int(words[0], 0)
            except ValueError:
                continue
