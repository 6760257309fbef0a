"""The real commands, ``twistd keepalived`` and ``kaltwisted``, as processes of their own."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from kaltwisted import __version__

pytestmark = pytest.mark.network

DEADLINE_S = 60
CONFIGURATION = """\
global_defs {
    router_id LVS_TEST
}
virtual_server 127.0.0.1 %d {
    delay_loop 1
    lb_algo rr
    lb_kind NAT
    protocol TCP
    real_server 127.0.0.1 9 {
        TCP_CHECK {
            connect_timeout 1
        }
    }
}
"""

Command = Callable[..., list[str]]


def twistd(pid_file: Path, *words: str) -> list[str]:
    return [str(Path(sys.executable).parent / "twistd"), "-n", f"--pidfile={pid_file}", "keepalived", *words]


def kaltwisted(pid_file: Path, *words: str) -> list[str]:
    return [str(Path(sys.executable).parent / "kaltwisted"), "-n", "-p", str(pid_file), *words]


both_commands = pytest.mark.parametrize("command", [twistd, kaltwisted])


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


@pytest.fixture
def configuration(tmp_path: Path) -> Path:
    file = tmp_path / "keepalived.conf"
    file.write_text(CONFIGURATION % free_port())
    return file


def environment(directory: Path) -> dict[str, str]:
    directory.mkdir(exist_ok=True)
    kept = {
        name: value
        for name, value in os.environ.items()
        if name not in ("RUNTIME_DIRECTORY", "NOTIFY_SOCKET")
    }
    return kept | {"XDG_RUNTIME_DIR": str(directory), "TMPDIR": str(directory), "PYTHONUNBUFFERED": "1"}


def until(condition: Callable[[], object], what: str) -> None:
    end = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < end, f"{what} did not happen"
        time.sleep(0.02)


@contextmanager
def started(words: list[str], log: Path, directory: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A daemon in the foreground, until it has said that it started."""
    with log.open("wb") as out:
        process = subprocess.Popen(words, stdout=out, stderr=out, env=environment(directory), cwd=directory)
    try:
        until(lambda: b"Startup complete" in log.read_bytes() or process.poll() is not None, "the start")
        assert process.poll() is None, log.read_text()
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()


def run(words: list[str], directory: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        words,
        env=environment(directory),
        cwd=directory,
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        check=False,
    )


@both_commands
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_foreground_until_told_to_stop(
    command: Command, number: signal.Signals, configuration: Path, tmp_path: Path
) -> None:
    pid_file, log = tmp_path / "pid", tmp_path / "log"
    with started(
        command(pid_file, "-l", "-D", "-f", str(configuration), "--data-plane", "userspace"),
        log,
        tmp_path / "d",
    ) as process:
        assert pid_file.read_text().strip() == str(process.pid)
        process.send_signal(number)
        status = process.wait(DEADLINE_S)
    # twistd ends by the signal that stopped it, keepalived with 0.
    assert status == (-number if command is twistd else 0)
    text = log.read_text()
    assert f"Starting Keepalived v{__version__}" in text
    assert f"Stopped Keepalived v{__version__}" in text
    assert "Traceback" not in text
    assert not pid_file.exists()
    assert not list((tmp_path / "d").glob("twistd*"))


def test_int_stops_it_also_where_a_script_started_it_in_the_background(
    configuration: Path, tmp_path: Path
) -> None:
    """The shell has such a process ignore INT from the start."""
    words = ["sh", "-c", "trap '' INT; exec \"$@\"", "sh"]
    words += kaltwisted(tmp_path / "pid", "-l", "-G", "--data-plane", "userspace", "-f", str(configuration))
    with started(words, tmp_path / "log", tmp_path / "run") as process:
        process.send_signal(signal.SIGINT)
        assert process.wait(DEADLINE_S) == 0


@both_commands
def test_hup_and_the_other_signals_leave_it_running(
    command: Command, configuration: Path, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    with started(
        command(tmp_path / "pid", "-l", "-f", str(configuration), "--data-plane=userspace"),
        log,
        tmp_path / "d",
    ) as process:
        for number in (signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2, signal.SIGRTMIN + 2):
            process.send_signal(number)
        until(lambda: "Printing parent data for process" in log.read_text(), "an answer to USR1")
        until(lambda: "Reload complete" in log.read_text(), "a reload")
        assert process.poll() is None
        process.terminate()
        process.wait(DEADLINE_S)


def test_two_side_by_side(configuration: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.conf"
    other.write_text(CONFIGURATION % free_port())
    command = str(Path(sys.executable).parent / "kaltwisted")
    flags = ["-n", "-l", "-D", "--data-plane", "userspace", "-f"]
    with (
        started([command, *flags, str(configuration)], tmp_path / "1", tmp_path / "d1") as one,
        started([command, *flags, str(other)], tmp_path / "2", tmp_path / "d2") as two,
    ):
        for process, directory in ((one, "d1"), (two, "d2")):
            pid_file = tmp_path / directory / "keepalived" / "keepalived.pid"
            assert pid_file.read_text() == str(process.pid)
        third = run([command, *flags, str(other)], tmp_path / "d2")
        assert third.returncode == 1
        assert f"already running with pid {two.pid}" in third.stderr
        one.kill()
        one.wait()
        # The pid file of a dead process is no obstacle.
        with started([command, *flags, str(configuration)], tmp_path / "1", tmp_path / "d1") as again:
            again.terminate()
            assert again.wait(DEADLINE_S) == 0


def test_two_side_by_side_by_their_names(configuration: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.conf"
    other.write_text("instance edge\n" + CONFIGURATION % free_port())
    command = str(Path(sys.executable).parent / "kaltwisted")
    flags = ["-n", "-l", "-D", "--data-plane", "userspace", "-f"]
    where = tmp_path / "d"
    with (
        started([command, *flags, str(configuration)], tmp_path / "1", where) as plain,
        started([command, *flags, str(other)], tmp_path / "2", where) as named,
    ):
        own = where / "keepalived"
        for process, name, folder in ((plain, "", own), (named, "_edge", own / "edge")):
            assert (own / f"keepalived{name}.pid").read_text() == str(process.pid)
            until(lambda name=name: (own / f"checkers{name}.pid").exists(), "the role's pid file")
            status = run([command, "status", "--socket", str(folder / "api.sock")], where)
            assert f"pid {process.pid}" in status.stdout
        assert "Changing syslog ident to Keepalived_edge" in (tmp_path / "2").read_text()
        again = run([command, *flags, str(other)], where)
        assert again.returncode == 1
        assert f"already running with pid {named.pid}" in again.stderr
        other.write_text(other.read_text().replace("edge", "core"))
        named.send_signal(signal.SIGHUP)
        refused = "Cannot change instance name at a reload - please restart keepalived"
        until(lambda: refused in (tmp_path / "2").read_text(), "the reload refused")
        named.terminate()
        assert named.wait(DEADLINE_S) == 0
        assert not (own / "keepalived_edge.pid").exists()
        assert (own / "keepalived.pid").exists()


def test_how_long_it_runs_is_told_in_a_single_process_too(tmp_path: Path) -> None:
    file = tmp_path / "bfd.conf"
    file.write_text("bfd_instance far {\n    neighbor_ip 127.0.0.2\n}\n")
    command = str(Path(sys.executable).parent / "kaltwisted")
    words = [command, "-n", "-l", "--single-process", "-f", str(file)]
    with started(words, tmp_path / "log", tmp_path / "d"):
        until(lambda: "Startup complete" in (tmp_path / "log").read_text(), "the start")
        ages = [
            json.loads(run([command, "status", "--json"], tmp_path / "d").stdout)["daemon"]["uptime_s"]
            for _ in range(2)
        ]
        assert 0 < ages[0] < ages[1] < DEADLINE_S


def test_daemon_with_pid_file_readiness_and_no_log_file(configuration: Path, tmp_path: Path) -> None:
    command = str(Path(sys.executable).parent / "kaltwisted")
    pid_file, where = tmp_path / "pid", tmp_path / "d"
    finished = run([command, "-p", str(pid_file), "--data-plane=userspace", "-f", str(configuration)], where)
    assert finished.returncode == 0, finished.stderr
    until(lambda: pid_file.exists() and pid_file.read_text(), "the pid file")
    pid = int(pid_file.read_text())
    try:
        assert os.getsid(pid) != os.getsid(0)
        assert Path(f"/proc/{pid}/cwd").readlink() == Path("/")
        assert pid_file.stat().st_mode & 0o777 == 0o644
    finally:
        os.kill(pid, signal.SIGTERM)
    until(lambda: not pid_file.exists(), "the end")
    assert not (where / "twistd.log").exists()


def test_systemd_is_told(configuration: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        address = f"\0kaltwisted-{os.getpid()}"
        manager.bind(address)
        manager.settimeout(DEADLINE_S)
        words = ["env", f"NOTIFY_SOCKET=@{address[1:]}"]
        words += kaltwisted(tmp_path / "pid", "-l", "--data-plane=userspace", "-f", str(configuration))
        with started(words, tmp_path / "log", tmp_path / "d") as process:
            assert manager.recv(999).decode() == f"READY=1\nMAINPID={process.pid}"
            process.terminate()
            assert manager.recv(999) == b"STOPPING=1"
            assert process.wait(DEADLINE_S) == 0


@both_commands
def test_exit_statuses(command: Command, configuration: Path, tmp_path: Path) -> None:
    broken, pid_file = tmp_path / "broken.conf", tmp_path / "pid"
    broken.write_text("unheard_of\n" + configuration.read_text())
    for words, status, told in [
        (["-t", "-f", str(configuration)], 0, ""),
        (["-t", "-f", str(broken)], 5, "broken.conf:1:1: error"),
        (["-t", "-f", "/nonexistent"], 6, "/nonexistent"),
        (["-f", "/nonexistent"], 6, "/nonexistent"),
        (["--strict", "-f", str(broken)], 2, "broken.conf:1:1: error"),
        (["-v"], 0, f"Kaltwisted v{__version__}"),
        (["-h"], 0, "--use-file"),
        (["--bogus"], 1, "option --bogus not recognized"),
        (["--pid", "/nonexistent/pid", "-f", str(configuration)], 1, "/nonexistent/pid cannot be written"),
    ]:
        finished = run(command(pid_file, *words), tmp_path / "d")
        assert finished.returncode == status, (words, finished.stdout, finished.stderr)
        assert told in finished.stdout + finished.stderr
        assert "Traceback" not in finished.stderr
        assert not pid_file.exists()


def check(*words: str) -> list[str]:
    return [str(Path(sys.executable).parent / "kaltwisted"), "check", *words]


def test_check_tells_people_and_programs(configuration: Path, tmp_path: Path) -> None:
    where = tmp_path / "d"
    where.mkdir()
    (where / "broken.conf").write_text("unheard_of\n" + configuration.read_text())
    (where / "includes.conf").write_text("include /nonexistent/*.conf\n")
    for words, status, places in [
        ([str(configuration)], 0, []),
        (["broken.conf"], 5, ["broken.conf"]),
        (["nonexistent.conf"], 6, ["nonexistent.conf"]),
        (["broken.conf", str(configuration), "nonexistent.conf"], 6, ["broken.conf", "nonexistent.conf"]),
        (["-e", "broken.conf", "includes.conf"], 6, ["broken.conf", "includes.conf"]),
    ]:
        told = run(check(*words), where)
        assert (told.returncode, told.stderr) == (status, "")
        heads = [line for line in told.stdout.splitlines() if ": error: " in line]
        assert [head.partition(":")[0] for head in heads] == places

        told = run(check("--json", *words), where)
        assert (told.returncode, told.stderr) == (status, "")
        document = json.loads(told.stdout)
        assert document["status"] == status
        assert [each["file"] for each in document["files"]] == [word for word in words if word != "-e"]
        assert [each["file"] for each in document["findings"]] == places

        told = run(check("--sarif", *words), where)
        assert (told.returncode, told.stderr) == (status, "")
        [found] = json.loads(told.stdout)["runs"]
        assert found["invocations"][0]["exitCode"] == status
        locations = [result["locations"][0]["physicalLocation"] for result in found["results"]]
        assert [location["artifactLocation"]["uri"] for location in locations] == places
        assert found["originalUriBaseIds"]["%SRCROOT%"]["uri"] == f"file://{where}/"


def test_check_with_a_wrong_command_line(tmp_path: Path) -> None:
    told = run(check("--bogus"), tmp_path / "d")
    assert (told.returncode, told.stdout) == (1, "")
    assert "kaltwisted check: option --bogus not recognized" in told.stderr
