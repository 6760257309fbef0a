"""A ``virtual_server_group`` on the userspace plane: clients, operators, a reload; a mark is refused."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from tests.network.daemon import ask, daemon, free_port, wait_for, web_servers
from tests.network.steering import Console
from tests.network.test_reload import reload

pytestmark = pytest.mark.network


def configuration(entries: list[str], reals: list[int]) -> str:
    check = "TCP_CHECK {\nretry 0\nconnect_timeout 2\n}\n"
    pool = "".join(f"real_server 127.0.0.1 {real} {{\n{check}}}\n" for real in reals)
    lines = "".join(f"{entry}\n" for entry in entries)
    settings = "delay_loop 1\nlb_algo rr\nlb_kind NAT\nprotocol TCP\n"
    return f"virtual_server_group web {{\n{lines}}}\nvirtual_server group web {{\n{settings}{pool}}}\n"


def test_all_of_it_is_served_and_steered_as_one(tmp_path: Path) -> None:
    with web_servers("a", "b") as servers:
        port, other = free_port("127.0.0.9"), free_port("127.0.0.20")
        reals = [server.port for server in servers.values()]
        text = configuration([f"127.0.0.9 {port}", f"127.0.0.20-22 {other}", "fwmark 7"], reals)
        ways = [("127.0.0.9", port), *((f"127.0.0.{last}", other) for last in (20, 21, 22))]

        def shares(clients: int = 4) -> list[Counter[str]]:
            return [Counter(ask(*way) for _ in range(clients)) for way in ways]

        console = Console(tmp_path / "run")
        with daemon(text, tmp_path, "--data-plane=userspace") as running:
            running.says("Startup complete")
            running.says("firewall marks need the kernel's IPVS")
            assert shares() == [{"a": 2, "b": 2}] * 4

            console(f"drain web/127.0.0.1:{reals[0]}")
            wait_for(lambda: shares() == [{"b": 4}] * 4, "drained in all services")
            [pool] = console.status("checkers")["virtual_servers"]
            assert (pool["id"], pool["name"]) == ("tcp/group/web", "[web]:0")
            assert pool["group"]["entries"][2] == "fwmark 7"
            assert pool["real_servers"][0]["id"] == f"tcp/group/web/127.0.0.1:{reals[0]}"
            console(f"enable tcp/group/web/127.0.0.1:{reals[0]}")
            wait_for(lambda: shares() == [{"a": 2, "b": 2}] * 4, "given back")

            servers["a"].stop()
            running.says(f"Removing service [127.0.0.1]:tcp:{reals[0]} from VS [web]:0")
            wait_for(lambda: shares() == [{"b": 4}] * 4, "one failure is one of all services")
            assert running.log.count("Removing service") == 1

            reload(running, configuration([f"127.0.0.9 {port}", f"127.0.0.20-21 {other}"], reals))
            running.says(f"VS [[127.0.0.20]:tcp:{other}-127.0.0.22] in group web no longer exists")
            gone = ways.pop()
            assert shares() == [{"b": 4}] * 3
            with pytest.raises(ConnectionRefusedError):
                ask(*gone)
            assert "Traceback" not in running.log
