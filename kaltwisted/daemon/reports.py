"""The files that keepalived writes when asked by a signal: data, statistics, JSON.

Exporters send the signal and read the file, so names and layout are
keepalived's.  They lie in $TMPDIR or /tmp, where anybody may have put a link of
that name, which ``files.replace`` does not follow.
"""

from __future__ import annotations

import os
from pathlib import Path
from tempfile import gettempdir
from typing import Final

from twisted.internet.defer import Deferred, DeferredLock
from twisted.logger import Logger

from kaltwisted.daemon.role.kinds import BFD, CHECKERS, VRRP
from kaltwisted.daemon.role.reports import parent_data
from kaltwisted.daemon.role.seam import Report
from kaltwisted.daemon.roles import Roles
from kaltwisted.files import replace
from kaltwisted.ports import InThread

PRIVATE: Final = 0o600
"""The files' permissions unless an umask was asked for; keepalived's, too."""

# Which role's report goes where; keepalived's checkers write neither statistics nor JSON.
_FILES: Final = {
    (VRRP.name, Report.DATA): "keepalived.data",
    (CHECKERS.name, Report.DATA): "keepalived_check.data",
    (BFD.name, Report.DATA): "keepalived_bfd.data",
    (VRRP.name, Report.STATISTICS): "keepalived.stats",
    (VRRP.name, Report.JSON): "keepalived.json",
}
_PARENT: Final = "keepalived_parent.data"


class Reports:
    """Writes what the roles tell; one after the other.

    :param umask: the command line's, None: the configuration's if it has one.
    """

    _log = Logger()

    def __init__(self, roles: Roles, in_thread: InThread, umask: int | None = None) -> None:
        self._roles = roles
        self._in_thread = in_thread
        self._umask = umask
        self._turn = DeferredLock()

    def write(self, report: Report) -> Deferred[None]:
        """Write the files of one report; never fails."""
        written = self._turn.run(lambda: Deferred.fromCoroutine(self._write(report)))
        return written.addErrback(lambda failure: self._log.failure("Report", failure))

    async def _write(self, report: Report) -> None:
        configuration = self._roles.configuration
        defs = configuration.global_defs
        if report is Report.DATA:
            self._log.info("Printing parent data for process({pid}) on signal", pid=os.getpid())
            parent = "".join(f"{line}\n" for line in parent_data(configuration))
            await self._file(self._place(_PARENT), parent.encode())
        for name, text in (await self._roles.report(report, defs.json_version)).items():
            file = _FILES.get((name, report))
            if file is not None and text:  # nothing comes of a role that has just died: the old file stays
                await self._file(self._place(file), text)

    def _place(self, name: str) -> Path:
        """The configuration may name other places: one for the data files, one for each of the others."""
        defs = self._roles.configuration.global_defs
        if not name.endswith(".data"):
            other = defs.stats_dump_file if name.endswith(".stats") else defs.json_dump_file
            return directory() / name if other is None else Path(other)
        stem = name.removesuffix(".data")
        whose = f".{defs.instance}" if defs.data_use_instance and defs.instance is not None else ""
        own = defs.state_dump_file
        if own is None:
            return directory() / f"{stem}{whose}.data"
        return Path(own).with_stem(Path(own).stem + stem.removeprefix("keepalived") + whose)

    async def _file(self, path: Path, text: bytes) -> None:
        umask = self._umask if self._umask is not None else self._roles.configuration.global_defs.umask
        mode = PRIVATE if umask is None else 0o666 & ~umask
        try:
            await self._in_thread(lambda: replace(path, text, mode))
        except OSError as error:
            self._log.error("{path} cannot be written: {why}", path=str(path), why=error.strerror)


def directory() -> Path:
    """Where they lie."""
    return Path(os.environ.get("TMPDIR") or gettempdir())
