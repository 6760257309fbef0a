"""FRR's bfdd on a host of ``vrrp_lan``, to have another's word for it that a session is up."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.network.vrrp_lan import Host, wait_for

_PLACE = Path("/usr/lib/frr")
NO_FRR = "FRR is not installed"
needs_frr = pytest.mark.skipif(not (_PLACE / "bfdd").exists(), reason=NO_FRR)


class Frr:
    """zebra, without which bfdd knows no interfaces, and bfdd; all of it ends with the host."""

    def __init__(self, host: Host, *peers: str) -> None:
        self._host = host
        self._directory = host.directory / f"frr-{host.number}"
        self._directory.mkdir()
        shutil.chown(self._directory, "frr", "frr")
        self._start("zebra", "")
        wait_for((self._directory / "zserv.api").exists, "zebra")
        self._start("bfdd", "bfd\n" + "".join(peers), f"--bfdctl={self._directory}/bfdd.sock")
        wait_for((self._directory / "bfdd.vty").exists, "bfdd")

    def _start(self, name: str, configuration: str, *more: str) -> None:
        place = self._directory
        (place / f"{name}.conf").write_text(configuration)
        self._host.run(
            *(str(_PLACE / name), "-u", "frr", "-g", "frr", "-f", f"{place}/{name}.conf"),
            *("-i", f"{place}/{name}.pid", "-z", f"{place}/zserv.api", "--vty_socket", str(place)),
            *("-A", "127.0.0.1", "-P", "0", "--log", f"file:{place}/{name}.log", *more),
        )

    def status(self, peer: str) -> str:
        """``up``, ``down``... of the session with a peer."""
        words = ["ip", "netns", "exec", self._host.namespace, "vtysh", "--vty_socket", str(self._directory)]
        shown = subprocess.run([*words, "-c", "show bfd peers json"], capture_output=True, check=False)
        try:
            found = json.loads(shown.stdout)
        except ValueError:
            return "unknown"
        return next((each["status"] for each in found if each["peer"] == peer), "unknown")


def peer(address: str, local: str, *, multihop: bool = False) -> str:
    """A session at 10 ms x 3."""
    return (
        f" peer {address}{' multihop' if multihop else ''} local-address {local}\n"
        "  receive-interval 10\n  transmit-interval 10\n  detect-multiplier 3\n !\n"
    )
