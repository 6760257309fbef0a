"""Capabilities on a real kernel, as root: which are needed for what, and that scripts of others have none."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from kaltwisted.daemon.role.capabilities import CHECKER, VRRP, held

pytestmark = [
    pytest.mark.network,
    pytest.mark.skipif(os.geteuid() != 0, reason="only root has capabilities to give up"),
]
ROOT = Path(__file__).resolve().parents[2]
NOBODY = 65534

# What a role does, as short as it can be, and what it may not do without.
DEEDS = {
    "CAP_NET_RAW": "import socket; socket.socket(socket.AF_INET, socket.SOCK_RAW, 112)",
    "CAP_NET_ADMIN": "import socket; socket.socket().setsockopt(socket.SOL_SOCKET, 33, 9999)",
    "CAP_NET_BIND_SERVICE": "import socket; socket.socket().bind(('127.0.0.1', 79))",
    "CAP_DAC_READ_SEARCH": "open({file!r})",
    "CAP_KILL": "import os; os.kill({pid}, 0)",
    "CAP_SETUID": "import os; os.setuid(65534)",
    "CAP_SETGID": "import os; os.setgroups([])",
    "CAP_SYS_NICE": "import os; os.setpriority(os.PRIO_PROCESS, 0, -1)",
    "CAP_IPC_LOCK": (
        "import resource; resource.setrlimit(resource.RLIMIT_MEMLOCK, (0, 0));"
        " from kaltwisted.daemon.role.system import System; System().lock_memory()"
    ),
}
REDUCED = """
from kaltwisted.daemon.role.capabilities import held, keep_only
words = keep_only({names!r})
assert words is None, words
assert held() <= {names!r}, held()
{deed}
"""
# A daemon that is not root: it runs one script as somebody else and one as itself.
OTHERS = """
import sys
from twisted.internet import reactor
from twisted.internet.defer import gatherResults
from kaltwisted.alerts.scripts import ScriptService
from kaltwisted.config.model import GlobalDefs, Script
tell = "grep -E '^(Uid|CapInh|CapPrm|CapEff|CapAmb)' /proc/self/status > {folder}/"
scripts = ScriptService(reactor, GlobalDefs(script_user=("nobody", None)))
runs = [
    scripts.run(Script(("/bin/sh", "-c", tell + "nobody"))),
    scripts.run(Script(("/bin/sh", "-c", tell + "root"), "root")),
    scripts.run(Script(("/bin/sh", "-c", tell + "own"), "{uid}", "{uid}")),
]
def show(results):
    print(results, flush=True)
gatherResults(runs).addCallback(show).addBoth(lambda _: reactor.stop())
reactor.run()
"""


def python(text: str, *before: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*before, sys.executable, "-c", text],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("capability", sorted(VRRP | CHECKER))
def test_a_role_needs_each_of_its_capabilities(capability: str, tmp_path: Path) -> None:
    if capability not in held():
        pytest.skip(f"this machine's root has no {capability}")
    file = tmp_path / "private"
    file.touch(mode=0o600)
    os.chown(file, NOBODY, NOBODY)
    sleeper = subprocess.Popen(["sleep", "60"], user=NOBODY)
    try:
        deed = DEEDS[capability].format(file=str(file), pid=sleeper.pid)
        needed = set(VRRP | CHECKER)
        done = python(REDUCED.format(names=needed, deed=deed))
        assert done.returncode == 0, done.stderr
        done = python(REDUCED.format(names=needed - {capability}, deed=deed))
        assert done.returncode == 1, "it works without, so it is not needed"
        assert "Error" in done.stderr
    finally:
        sleeper.kill()
        sleeper.wait()


def test_what_root_starts_has_all_of_it_again() -> None:
    done = python(
        REDUCED.format(names=set(VRRP), deed="import os; os.execlp('cat', 'cat', '/proc/self/status')")
    )
    before = Path("/proc/self/status").read_text()
    (permitted,) = (line for line in before.splitlines() if line.startswith("CapBnd"))
    assert f"CapEff:{permitted.partition(':')[2]}" in done.stdout


def test_in_a_user_namespace_nothing_fails() -> None:
    done = python(REDUCED.format(names=set(VRRP), deed=""), "unshare", "--user")
    if "unshare failed" in done.stderr:
        pytest.skip("no user namespaces here")
    assert done.returncode == 0, done.stderr


def test_scripts_of_others_have_no_capability_of_a_daemon_that_is_not_root(tmp_path: Path) -> None:
    uid = 61234
    given = "+" + ",+".join(name.removeprefix("CAP_").lower() for name in sorted(VRRP & held()))
    folder = Path("/tmp") / f"kaltwisted-capabilities-{os.getpid()}"
    folder.mkdir()
    folder.chmod(0o777)
    try:
        words = ("setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups")
        words += (f"--inh-caps={given}", f"--ambient-caps={given}")
        done = python(OTHERS.format(folder=folder, uid=uid), *words)
        if "Permission denied" in done.stderr:
            pytest.skip(f"{sys.executable} or {ROOT} is not for other users")
        assert done.stdout.count("status=0") == 3, done.stdout + done.stderr
        told = {name: dict(pairs(folder / name)) for name in ("nobody", "root", "own")}
        assert told["nobody"].pop("Uid").split() == [str(NOBODY)] * 4
        assert set(told["nobody"].values()) == {"0000000000000000"}
        assert told["root"]["Uid"].split() == ["0"] * 4
        assert told["root"]["CapAmb"] == told["root"]["CapInh"] == "0000000000000000"
        assert told["own"]["Uid"].split() == [str(uid)] * 4
        assert int(told["own"]["CapEff"], 16), "the unit decides what the daemon's own user may do"
    finally:
        for file in folder.iterdir():
            file.unlink()
        folder.rmdir()


def pairs(file: Path) -> list[tuple[str, str]]:
    lines = file.read_text().splitlines()
    return [(name, value.strip()) for name, _, value in (line.partition(":") for line in lines)]
