"""Whether this host tells of its groups in 224.0.0.0/24 by IGMP (keepalived: ``disable_local_igmp``)."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from twisted.logger import Logger

_REPORTS: Final = Path("/proc/sys/net/ipv4/igmp_link_local_mcast_reports")


class LocalIgmp:
    """The kernel's setting, which is one for the whole host; ``file``: where it is."""

    _log = Logger()

    def __init__(self, file: Path = _REPORTS) -> None:
        self._file = file
        self._before: str | None = None

    def disable(self, disabled: bool) -> None:
        """Have no reports sent, or as many as before we asked for that; trouble is logged."""
        try:
            if disabled and self._before is None:
                before = self._file.read_text()
                self._file.write_text("0")
                self._before = before
            elif not disabled and self._before is not None:
                before, self._before = self._before, None
                self._file.write_text(before)
        except OSError as error:
            self._log.warn(
                "disable_local_igmp: {file} stays as it is: {why}", file=str(self._file), why=error.strerror
            )
