"""Choose the data plane: the kernel's IPVS where it can be used, else the balancer in userspace."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
from twisted.internet.defer import Deferred, succeed

from kaltwisted.config.model import GlobalDefs
from kaltwisted.lvs import ipvs
from kaltwisted.ports import IDataPlane

AUTO, IPVS, USERSPACE = "auto", "ipvs", "userspace"


class DataPlaneError(Exception):
    """The data plane that was asked for cannot be used; the text says why and what would help."""


@attrs.frozen
class Choice:
    """A data plane and, in words, why this one.

    ``configure``: has it take over what concerns IPVS as a whole; fires when that is done.
    """

    plane: IDataPlane
    why: str
    configure: Callable[[GlobalDefs], Deferred[None]] = lambda defs: succeed(None)


def choose(wanted: str, reactor: Any, state_directory: Path, *, lvs_flush: bool = False) -> Choice:
    """The plane for ``wanted`` (``auto``, ``ipvs`` or ``userspace``).

    ``lvs_flush``: IPVS starts with an empty table; userspace always does.

    :raises DataPlaneError: ``ipvs`` was asked for by name and cannot be used.
    """
    if wanted == USERSPACE:
        return _userspace(reactor, "as asked for")
    obstacle = ipvs.why_not()
    if obstacle is None:
        plane = ipvs.IpvsDataPlane(reactor, state_directory / "ipvs-services.json", flush_first=lvs_flush)
        why = "as asked for" if wanted == IPVS else "the kernel has it"
        return Choice(plane, why, plane.configure)
    if wanted == IPVS:
        raise DataPlaneError(f"IPVS: Can't initialize ipvs: {obstacle}")
    return _userspace(reactor, f"the kernel's IPVS cannot be used: {obstacle}")


def _userspace(reactor: Any, why: str) -> Choice:
    # Imported only where it is used: with IPVS it would be so much dead memory.
    from kaltwisted.lvs.userspace import UserspaceDataPlane

    return Choice(UserspaceDataPlane(reactor), why)
