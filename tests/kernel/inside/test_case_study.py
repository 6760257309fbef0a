"""LVS and VRRP together on two directors (the guide's case study XI), with the kernel's connection sync."""

from __future__ import annotations

import subprocess

from tests.network.case_study import SECOND, WEB, Directors, directors
from tests.network.vrrp_lan import Host, wait_for


def syncing(director: Host) -> list[str]:
    """What ipvsadm says of a director's sync daemons."""
    command = ["ip", "netns", "exec", director.namespace, "ipvsadm", "-L", "--daemon"]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return [line.split(" (")[0] for line in done.stdout.splitlines() if "sync" in line]


def wait_for_sync(study: Directors, master: Host) -> None:
    """Until the sync daemons are as VI_1 is."""
    backup = study.two if master is study.one else study.one
    wait_for(lambda: syncing(master) == ["master sync daemon"], f"{syncing(master)} on {master.number}")
    if backup.routers[-1].process.poll() is None:
        wait_for(lambda: syncing(backup) == ["backup sync daemon"], f"{syncing(backup)} on {backup.number}")


def test_connections_outlive_their_director() -> None:
    """The sync daemon follows VI_1 through a lost link, kill -9 and a stop; it does what it is there for."""
    with directors("ipvs", sync_interface="eth1") as study:
        one, two = study.one, study.two
        study.start(one)
        study.start(two)
        study.wait_for_masters(one, two)
        wait_for(lambda: study.serves(WEB) and study.serves(SECOND), "for both services")
        wait_for_sync(study, one)

        download = study.download(WEB)
        assert download.grows(60), "so many packets that the connection is synchronised"
        one.ip("link", "set", "eth0", "down")
        study.wait_for_masters(two, two)
        wait_for_sync(study, two)
        assert download.grows(60), "through director 2"
        one.ip("link", "set", "eth0", "up")
        study.wait_for_masters(one, two)
        wait_for_sync(study, one)
        wait_for(lambda: study.serves(WEB), "for the web service on director 1")

        one.unplug(0)
        one.unplug(1)
        one.routers[-1].kill()
        wait_for(lambda: study.owns(two, "VG1"), "for director 2 after kill -9")
        wait_for_sync(study, two)
        wait_for(lambda: study.serves(WEB) and study.serves(SECOND), "for both services on director 2")

        study.start(one)
        wait_for(lambda: study.owns_none(one, "VG1"), "for the leftovers to go")
        one.plug(0)
        one.plug(1)
        study.wait_for_masters(one, two)
        wait_for_sync(study, one)

        one.routers[-1].stop()
        wait_for_sync(study, two)
        wait_for(lambda: study.serves(WEB) and study.serves(SECOND), "for both services on director 2")
        download.close()
        for router in (*one.routers, *two.routers):
            assert "Traceback" not in router.lines, router.lines
