"""Operators steer the kernel's table: drained, disabled, weighted; kept over a reload and over kill -9."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from tests.network.daemon import wait_for
from tests.network.steering import Console
from tests.network.test_reload import reload

from .daemons import ours
from .test_daemon import destinations
from .topology import Site
from .ways import NAT, Way

WAY = Way(NAT, port=8021)


def test_overrides(site: Site, tmp_path: Path) -> None:
    one, two, three = site.servers
    console = Console(tmp_path / "run")
    names = {
        each.name: f"tcp/{WAY.target}:{WAY.port}/{each.address}:{WAY.real_port}" for each in site.servers
    }

    def stands(table: dict[str, int], what: str) -> None:
        wait_for(lambda: destinations(site, WAY) == table, f"{what}: {table}")

    with ours(WAY.configured(site.servers), tmp_path) as running:
        stands({"server1": 1, "server2": 1, "server3": 1}, "all serve")
        running.says("Startup complete")
        downloads = {each.page(): each for each in [WAY.download(site) for _ in range(3)]}
        assert sorted(downloads) == ["server1", "server2", "server3"]

        console(f"drain {one.address} --reason disk")
        console(f"weight {two.address} 7")
        stands({"server1": 0, "server2": 7, "server3": 1}, "drained and weighted")
        console(f"disable {three.address}")
        stands({"server1": 0, "server2": 7}, "disabled")
        assert WAY.shares(site, 4) == {"server2": 4}
        assert downloads["server1"].grows(20), "a drained server's connection lives on"
        assert downloads["server2"].grows(20)
        assert not downloads.pop("server3").grows(200), "a disabled server's connection is cut off"
        said = console(f"drain {two.address}", status=1)
        assert "weight 0 is left, quorum is 1" in said
        running.says(f"Override: root (uid 0) drains {names['server1']}: disk")

        # A reload that changes weights keeps them.
        reload(running, WAY.configured(site.servers, weights=(4, 5, 6)))
        stands({"server1": 0, "server2": 7}, "after the reload")

        # So does the death of a role: not for a moment is there another table.
        os.kill(int((tmp_path / "run" / "checkers.pid").read_text()), signal.SIGKILL)
        wait_for(lambda: _lives_again(running.log), "the role lives again")
        stands({"server1": 0, "server2": 7}, "after the death of the role")
        assert downloads["server1"].grows(20)
        assert running.stop(signal.SIGKILL) == -signal.SIGKILL

    # And that of the whole daemon.
    stands({"server1": 0, "server2": 7}, "nobody tidied")
    with ours(WAY.configured(site.servers, weights=(4, 5, 6)), tmp_path) as running:
        running.says(f"Override: kept from before: root (uid 0) drains {names['server1']}: disk")
        running.says("Startup complete")
        stands({"server1": 0, "server2": 7}, "in the next life")
        assert downloads["server1"].grows(20)
        assert console.overridden() == [
            f"drain {names['server1']}",
            f"weight {names['server2']}",
            f"disable {names['server3']}",
        ]
        for name in ("server1", "server3"):
            console(f"enable {names[name]}")
        console(f"weight {two.address} configured")
        stands({"server1": 4, "server2": 5, "server3": 6}, "given back")
        assert downloads["server1"].grows(20)

        # Checks that stand still leave a dead server where it is; those that are asked for tell.
        console(f"pause tcp/{WAY.target}:{WAY.port}")
        one.stop()
        assert "bad" in console(f"run-check {one.address}", status=1)
        stands({"server1": 4, "server2": 5, "server3": 6}, "nobody looks")
        console(f"resume tcp/{WAY.target}:{WAY.port}")
        stands({"server2": 5, "server3": 6}, "it is seen to be dead")
        assert console.overridden() == []
        running.stop()
        assert "Traceback" not in running.log
    for download in downloads.values():
        download.close()


def _lives_again(log: str) -> bool:
    """Whether the checks of a second life of the role have begun."""
    return log.count("Activating healthchecker for service") >= 6
