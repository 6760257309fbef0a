"""The kernel's connection sync daemon follows a role, with ipvsadm as the judge."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator

import pytest
import pytest_twisted
from twisted.internet import reactor
from twisted.internet.defer import Deferred

from kaltwisted.config.model import LvsSyncDaemon
from kaltwisted.kernel.ipvs_sync import IpvsSyncDaemon
from kaltwisted.ports import SyncRole


def running() -> list[str]:
    """What ipvsadm says of the daemons."""
    done = subprocess.run(["ipvsadm", "-L", "--daemon"], check=True, capture_output=True, text=True)
    return [line.split("(")[0].strip() for line in done.stdout.splitlines() if "sync" in line]


@pytest.fixture
def interface() -> Iterator[str]:
    name = "sync0"
    subprocess.run(["ip", "link", "add", name, "type", "dummy"], check=True)
    subprocess.run(["ip", "address", "add", "10.99.0.1/24", "dev", name], check=True)
    subprocess.run(["ip", "link", "set", name, "up", "multicast", "on"], check=True)
    yield name
    subprocess.run(["ip", "link", "del", name], check=True)


@pytest_twisted.inlineCallbacks
def test_the_daemon_is_what_the_instance_is(interface: str) -> Iterator[Deferred[str | None]]:
    daemon = IpvsSyncDaemon(reactor)
    try:
        for role in (SyncRole.BACKUP, SyncRole.MASTER, SyncRole.MASTER, SyncRole.BACKUP):
            why = yield daemon.run(frozenset((role,)), LvsSyncDaemon(interface, sync_id=51))
            assert why is None
            [line] = running()
            assert line.startswith(role.value), line
        why = yield daemon.run(frozenset(), LvsSyncDaemon(interface, sync_id=51))
        assert why is None
        assert running() == []
        why = yield daemon.run(frozenset((SyncRole.MASTER,)), LvsSyncDaemon("nowhere0", sync_id=51))
        assert why is not None
        assert "start the IPVS sync daemon as master" in why
    finally:
        daemon.stop()
