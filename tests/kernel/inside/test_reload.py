"""Reload on a real kernel: connections of what stays go on, the table is what the last file says."""

from __future__ import annotations

import signal
import threading
from pathlib import Path

from tests.network.daemon import wait_for
from tests.network.test_reload import reload

from .daemons import ours
from .test_daemon import destinations
from .topology import Site
from .ways import BY_ADDRESS, Way


def test_what_stays_keeps_its_connections_while_the_rest_changes(site: Site, tmp_path: Path) -> None:
    _first, _second, _third = site.servers
    for way in BY_ADDRESS:

        def text(*weights: int, algorithm: str = "wrr", way: Way = way) -> str:
            servers = site.servers[: len(weights)]
            return way.configured(servers, weights=weights).replace("lb_algo wrr", f"lb_algo {algorithm}")

        with ours(text(1), tmp_path) as running:
            wait_for(lambda way=way: destinations(site, way) == {"server1": 1}, "in the table")
            download = way.download(site)
            assert download.grows()

            reload(running, text(1, 3))
            assert destinations(site, way) == {"server1": 1, "server2": 3}
            assert way.shares(site, 8) == {"server1": 2, "server2": 6}
            reload(running, text(2, 1, 1, algorithm="wlc"))
            assert destinations(site, way) == {"server1": 2, "server2": 1, "server3": 1}
            assert any("-s wlc" in line for line in site.ipvsadm("-Sn"))
            before = site.ipvsadm("-Sn")
            reload(running, text(2, 1, 1, algorithm="wlc") + "# the same\n")
            assert site.ipvsadm("-Sn") == before
            reload(running, text(5))
            assert destinations(site, way) == {"server1": 5}
            assert download.grows(), "one connection through all of it"
            download.close()
            assert running.stop() == -signal.SIGTERM
            assert site.ipvsadm("-Sn") == []
            assert "Traceback" not in running.log


def test_a_storm_of_reloads_leaves_the_table_of_the_last_file(site: Site, tmp_path: Path) -> None:
    way = BY_ADDRESS[0]
    texts = [way.configured(site.servers[:count], weights=[count] * count) for count in (1, 3)]
    failed: list[str] = []
    ending = threading.Event()

    def ask() -> None:
        while not ending.is_set():
            try:
                site.client.get(way.target, way.source, way.port)
            except OSError as error:
                failed.append(repr(error))

    with ours(texts[0], tmp_path) as running:
        wait_for(lambda: destinations(site, way) == {"server1": 1}, "in the table")
        clients = threading.Thread(target=ask)
        clients.start()
        try:
            for number in range(20):
                new = tmp_path / "new.conf"
                new.write_text(texts[number % 2])
                new.rename(tmp_path / "keepalived.conf")
                running.process.send_signal(signal.SIGHUP)
            reload(running, texts[1])
            wait_for(
                lambda: destinations(site, way) == {"server1": 3, "server2": 3, "server3": 3}, "the last file"
            )
        finally:
            ending.set()
            clients.join()
        assert "failed validation" not in running.log
        assert running.stop() == -signal.SIGTERM
        assert failed == []
