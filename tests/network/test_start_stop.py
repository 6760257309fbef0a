"""``startup_script`` and ``shutdown_script`` of a real daemon: before and after all, and a stop meanwhile."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.network.daemon import daemon, free_port, wait_for, web_servers

pytestmark = pytest.mark.network

VIP = "127.0.0.78"


def script(folder: Path, name: str, does: str) -> Path:
    file = folder / name
    file.write_text(f"#!/bin/sh\n{does}\n")
    file.chmod(0o755)
    return file


def configuration(defs: str, port: int, server: int) -> str:
    return (
        f"global_defs {{\n{defs}\n}}\nvirtual_server {VIP} {port} {{\nprotocol TCP\nlb_algo rr\nlb_kind NAT\n"
        f"real_server 127.0.0.1 {server} {{\nTCP_CHECK {{\n}}\n}}\n}}\n"
    )


def test_they_run_before_everything_and_after_everything(tmp_path: Path) -> None:
    up = script(tmp_path, "up", f'echo "$@" >{tmp_path}/up.args; sleep 0.3')
    down = script(tmp_path, "down", "exit 7")
    with web_servers("one") as servers:
        text = configuration(
            f"startup_script \"{up} one 'and two'\"\nshutdown_script /bin/false\n",
            free_port(VIP),
            servers["one"].port,
        )
        with daemon(text, tmp_path, by="kaltwisted") as running:
            running.says("Startup complete")
            assert (tmp_path / "up.args").read_text() == "one and two\n"
            reloads = text.replace("/bin/false", str(down)).replace("one 'and", "other 'and")
            (tmp_path / "keepalived.conf").write_text(reloads)
            running.process.send_signal(1)
            running.says("Reload complete")
            assert (tmp_path / "up.args").read_text() == "one and two\n"
            assert running.stop() == 0
            log = running.log
    order = (
        f"Running startup script {up}",
        "startup script script succeeded",
        "Starting Healthcheck child process",
        "Startup complete",
        ", at the next start",
        "Stopping",
        f"Running shutdown script {down}",
        "shutdown script script failed, status 7",
        "Stopped Keepalived",
    )
    places = [log.index(line) for line in order]
    assert places == sorted(places), log


def test_a_stop_in_the_middle_of_the_startup_script_ends_it_and_starts_nothing(tmp_path: Path) -> None:
    up = script(tmp_path, "up", f"echo $$ >{tmp_path}/pid; exec sleep 600")
    down = script(tmp_path, "down", f"touch {tmp_path}/down")
    text = configuration(f"startup_script {up}\nshutdown_script {down}\n", free_port(VIP), 9)
    with daemon(text, tmp_path, by="kaltwisted") as running:
        pid = tmp_path / "pid"
        wait_for(lambda: pid.exists() and pid.read_text().endswith("\n"), "the script runs")
        began = time.monotonic()
        assert running.stop() == 0
        assert time.monotonic() - began < 20
        assert not Path(f"/proc/{pid.read_text().strip()}").exists()
        assert (tmp_path / "down").exists()
        assert "child process" not in running.log
        assert "Traceback" not in running.log
