"""FRR's daemons on a host of ``vrrp_lan``, to have another's word for what is seen on the wire."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.network.vrrp_lan import Host, wait_for

_PLACE = Path("/usr/lib/frr")
needs_frr = pytest.mark.skipif(not (_PLACE / "bfdd").exists(), reason="FRR is not installed")


class Frr:
    """zebra, without which the others know no interfaces, and one of them; all of it ends with the host.

    :param daemon: ``bfdd`` or ``vrrpd``.
    """

    def __init__(self, host: Host, daemon: str, configuration: str, *more: str) -> None:
        self._host = host
        self.directory = host.directory / f"{daemon}-{host.number}"
        self.directory.mkdir()
        shutil.chown(self.directory, "frr", "frr")
        self._start("zebra", "")
        wait_for((self.directory / "zserv.api").exists, "zebra")
        self.process = self._start(daemon, configuration, *more)
        wait_for((self.directory / f"{daemon}.vty").exists, daemon)

    def _start(self, name: str, configuration: str, *more: str) -> subprocess.Popen[bytes]:
        place = self.directory
        (place / f"{name}.conf").write_text(configuration)
        return self._host.run(
            *(str(_PLACE / name), "-u", "frr", "-g", "frr", "-f", f"{place}/{name}.conf"),
            *("-i", f"{place}/{name}.pid", "-z", f"{place}/zserv.api", "--vty_socket", str(place)),
            *("-A", "127.0.0.1", "-P", "0", "--log", f"file:{place}/{name}.log", *more),
        )

    def shows(self, what: str) -> Any:
        """What ``show ... json`` says; None where that cannot be had just now."""
        words = ["ip", "netns", "exec", self._host.namespace, "vtysh", "--vty_socket", str(self.directory)]
        shown = subprocess.run(
            [*words, "-c", f"show {what} json"], capture_output=True, check=False, timeout=10
        )
        try:
            return json.loads(shown.stdout)
        except ValueError:
            return None


class Bfdd:
    """FRR's BFD daemon with sessions."""

    def __init__(self, host: Host, *peers: str) -> None:
        socket = host.directory / f"bfdd-{host.number}" / "bfdd.sock"
        self._frr = Frr(host, "bfdd", "bfd\n" + "".join(peers), f"--bfdctl={socket}")

    def status(self, peer: str) -> str:
        """``up``, ``down``... of the session with a peer."""
        found = self._frr.shows("bfd peers") or ()
        return next((each["status"] for each in found if each["peer"] == peer), "unknown")


def peer(address: str, local: str, *, multihop: bool = False) -> str:
    """A session at 10 ms x 3."""
    return (
        f" peer {address}{' multihop' if multihop else ''} local-address {local}\n"
        "  receive-interval 10\n  transmit-interval 10\n  detect-multiplier 3\n !\n"
    )
