"""ScriptService with real scripts: those that hang, fork, flood, are missing, and end as they should."""

from __future__ import annotations

import os
import signal
from collections.abc import Generator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import pytest_twisted
from twisted.internet import reactor, task
from twisted.internet.defer import CancelledError, Deferred, gatherResults, inlineCallbacks

from kaltwisted.alerts.scripts import ScriptService
from kaltwisted.config.model import GlobalDefs, Script
from kaltwisted.ports import ScriptResult

pytestmark = pytest.mark.network

SECOND = 1_000_000


@pytest.fixture
def scripts() -> ScriptService:
    service = ScriptService(reactor, GlobalDefs())
    service.startService()
    return service


def shell(text: str) -> Script:
    return Script(("/bin/sh", "-c", text))


@inlineCallbacks
def until(condition: Any) -> Generator[Deferred[Any], Any, None]:
    """Wait for ``condition``; a deadline only ends what would never come."""
    for _ in range(1000):
        if condition():
            return
        yield task.deferLater(reactor, 0.01, lambda: None)
    raise AssertionError("did not happen within 10 s")


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest_twisted.inlineCallbacks
def test_status_signal_and_arguments(scripts: ScriptService, tmp_path: Path) -> Any:
    ok, three, killed = yield gatherResults(
        [
            scripts.run(
                Script(("/bin/sh", "-c", 'printf "%s|" "$@" > ' + f"{tmp_path}/out", "x")),
                None,
                ("a b", "$c"),
            ),
            scripts.run(shell("exit 3")),
            scripts.run(shell("kill -9 $$")),
        ]
    )
    assert ok == ScriptResult(status=0)
    assert three == ScriptResult(status=3)
    assert killed == ScriptResult(signal=9)
    assert (tmp_path / "out").read_text() == "a b|$c|"


@pytest_twisted.inlineCallbacks
def test_what_cannot_be_started_is_told_in_words(scripts: ScriptService, tmp_path: Path) -> Any:
    plain = tmp_path / "plain"
    plain.write_text("#!/bin/sh\n")
    for argv, words in [
        (("/nonexistent/check",), "/nonexistent/check does not exist"),
        ((str(plain),), f"{plain} is not executable"),
        ((str(tmp_path),), f"{tmp_path} is a directory"),
    ]:
        result = yield scripts.run(Script(argv))
        assert result == ScriptResult(error=words)
    result = yield scripts.run(Script(("/bin/true",), user="no-such-user"))
    assert result == ScriptResult(error="user 'no-such-user' is unknown")
    result = yield scripts.run(shell("exit 0"))
    assert result.status == 0, "slots were given back"


@pytest_twisted.inlineCallbacks
def test_the_whole_group_ends_at_the_timeout(scripts: ScriptService, tmp_path: Path) -> Any:
    pids = tmp_path / "pids"
    result = yield scripts.run(shell(f"sleep 600 & echo $! $$ > {pids}; wait"), SECOND)
    assert result.timed_out
    assert result.signal == signal.SIGTERM
    assert not any(alive(int(pid)) for pid in pids.read_text().split())


@pytest_twisted.inlineCallbacks
def test_who_ignores_term_is_killed(scripts: ScriptService, tmp_path: Path) -> Any:
    pids = tmp_path / "pids"
    stubborn = (
        f"trap '' TERM; (trap '' TERM; sleep 600 & wait) & echo $! $$ > {pids}; while :; do sleep 1; done"
    )
    result = yield scripts.run(shell(stubborn), SECOND // 2)
    assert result == ScriptResult(signal=9, timed_out=True)
    yield until(lambda: not any(alive(int(pid)) for pid in pids.read_text().split()))


@pytest_twisted.inlineCallbacks
def test_a_leader_that_obeys_does_not_save_a_member_that_does_not(
    scripts: ScriptService, tmp_path: Path
) -> Any:
    pids = tmp_path / "pids"
    result = yield scripts.run(
        shell(f"(trap '' TERM; while :; do sleep 1; done) & echo $! > {pids}; wait"), SECOND // 2
    )
    assert result.timed_out
    yield until(lambda: not alive(int(pids.read_text())))


@pytest_twisted.inlineCallbacks
def test_a_daemon_left_behind_holding_the_pipe_does_not_hold_us(
    scripts: ScriptService, tmp_path: Path
) -> Any:
    pid_file = tmp_path / "pid"
    try:
        result = yield scripts.run(shell(f"sleep 600 & echo $! > {pid_file}; echo started"), 60 * SECOND)
        assert result == ScriptResult(status=0)
        assert alive(int(pid_file.read_text())), "what a script leaves behind on purpose lives on"
    finally:
        os.kill(int(pid_file.read_text()), signal.SIGKILL)


@pytest_twisted.inlineCallbacks
def test_a_flood_of_output_is_drained_and_not_kept(scripts: ScriptService) -> Any:
    result = yield scripts.run(shell("head -c 100000000 /dev/zero"), 60 * SECOND)
    assert result == ScriptResult(status=0)


@pytest_twisted.inlineCallbacks
def test_cancelling_ends_the_group(scripts: ScriptService, tmp_path: Path) -> Any:
    pids = tmp_path / "pids"
    running = scripts.run(shell(f"sleep 600 & echo $! $$ > {pids}; wait"))
    yield until(lambda: pids.exists() and len(pids.read_text().split()) == 2)
    running.cancel()
    with pytest.raises(CancelledError):
        yield running
    yield scripts.stopService()
    assert not any(alive(int(pid)) for pid in pids.read_text().split())


@pytest_twisted.inlineCallbacks
def test_stop_waits_for_what_runs_and_takes_no_more(scripts: ScriptService, tmp_path: Path) -> Any:
    running = scripts.run(shell(f"sleep 0.3; echo told > {tmp_path}/told"))
    stopped = scripts.stopService()
    refused = yield scripts.run(shell("exit 0"))
    assert refused.error == "not started: the daemon is stopping"
    yield stopped
    assert (tmp_path / "told").read_text() == "told\n"
    result = yield running
    assert result == ScriptResult(status=0)


@pytest_twisted.inlineCallbacks
def test_more_than_the_limit_wait_for_their_turn(tmp_path: Path) -> Any:
    scripts = ScriptService(reactor, GlobalDefs(), limit=4, share=4)
    missing = [scripts.run(Script(("/nonexistent",))) for _ in range(3000)]
    # Each notes how many run beside it.
    count = f"touch {tmp_path}/$$; ls {tmp_path} | wc -l >> {tmp_path}.seen; sleep 0.05; rm {tmp_path}/$$"
    results = yield gatherResults([scripts.run(shell(count)) for _ in range(20)])
    assert [result.status for result in results] == [0] * 20
    seen = [int(n) for n in Path(f"{tmp_path}.seen").read_text().split()]
    assert max(seen) <= 4
    assert max(seen) > 1
    failed = yield gatherResults(missing)
    assert all(result.error for result in failed)


@pytest_twisted.inlineCallbacks
def test_the_environment_is_small_and_stdin_is_empty(
    scripts: ScriptService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Any:
    monkeypatch.setenv("KALTWISTED_SECRET", "hush")
    out = tmp_path / "env"
    result = yield scripts.run(shell(f"env > {out}; cat >> {out}; ls -1 /proc/self/fd | wc -l >> {out}"))
    assert result.status == 0
    text = out.read_text()
    assert "hush" not in text
    assert "PATH=/usr/local/sbin" in text
    # 0, 1, 2 and the one that ls reads the directory with (1 is the pipe to wc).
    assert text.splitlines()[-1].strip() == "4", "no descriptor of ours is inherited"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs scripts as somebody else")
@pytest_twisted.inlineCallbacks
def test_another_user_has_his_ids_groups_and_name() -> Any:
    scripts = ScriptService(reactor, GlobalDefs(script_user=("nobody", None)))
    with TemporaryDirectory() as directory:  # pytest's own is closed to others
        Path(directory).chmod(0o777)
        out = Path(directory) / "who"
        result = yield scripts.run(shell(f"id -u > {out}; id -G >> {out}; echo $USER >> {out}"))
        assert result == ScriptResult(status=0)
        assert out.read_text().split() == ["65534", "65534", "nobody"]
        assert out.stat().st_uid == 65534


@pytest.mark.skipif(os.geteuid() != 0, reason="the rule is about scripts that run as root")
@pytest_twisted.inlineCallbacks
def test_script_security_refuses_what_others_may_change(tmp_path: Path) -> Any:
    script = tmp_path / "check.sh"
    script.write_text("#!/bin/sh\nexit 0\n")
    script.chmod(0o777)
    secure = ScriptService(reactor, GlobalDefs(enable_script_security=True, script_user=("root", None)))
    result = yield secure.run(Script((str(script),)))
    assert result.error == f"insecure: {script} is writable by everybody, and the script would run as root"
    result = yield secure.run(shell("exit 0"))
    assert result == ScriptResult(status=0), "/bin may be a symbolic link"
    script.chmod(0o755)
    result = yield secure.run(Script((str(script),)))
    assert result == ScriptResult(status=0)
