"""The units: systemd understands them, and the daemon does its work with no more than they leave it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from kaltwisted.daemon.role.capabilities import CHECKER, SCHEDULING, VRRP, held

pytestmark = pytest.mark.network
ROOT = Path(__file__).resolve().parents[2]
UNITS = sorted((ROOT / "etc/systemd").glob("*.service"))
OWN_USER = ROOT / "etc/systemd/kaltwisted.service"
UID = 61235
CONFIGURATION = """
global_defs {
    script_user nobody
    vrrp_rt_priority 2
    vrrp_no_swap
}
vrrp_script fit {
    script "/bin/true"
    interval 1
}
vrrp_instance VI_1 {
    interface eth0
    virtual_router_id 51
    priority 254
    version 3
    advert_int 0.1
    virtual_ipaddress {
        10.0.0.9/24
    }
    track_script {
        fit
    }
    notify_master "/bin/sh -c 'id -un; echo done > FOLDER/notified'"
}
virtual_server 127.0.0.1 80 {
    protocol TCP
    lb_algo rr
    lb_kind NAT
    real_server 127.0.0.1 8080 {
    }
}
"""
# A host with one interface, then the daemon as systemd would start it, until all of it has happened.
RUN = """
ip link set lo up && ip link add eth0 type veth peer name peer0 && ip link set peer0 up || exit 3
ip addr add 10.0.0.7/24 dev eth0 && ip link set eth0 up || exit 3
"$@" > log 2>&1 &
for i in $(seq 200); do
    sleep 0.1
    [ -e open/notified ] && grep -q 'Entering MASTER STATE' log && break
done
ip -o addr show dev eth0 | grep -c 10.0.0.9
stat -c %U open/notified
echo capabilities $(grep CapEff /proc/$!/status)
kill -TERM $!
wait $!
echo status $?
"""


def settings(unit: Path, name: str) -> list[str]:
    found = re.search(rf"^{name}=(.*)$", unit.read_text(), re.MULTILINE)
    assert found is not None, f"{unit.name} has no {name}"
    return found[1].split()


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd's systemd-analyze")
@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: str(unit.name))
def test_systemd_understands_it(unit: Path, tmp_path: Path) -> None:
    copy = tmp_path / unit.name
    copy.write_text(unit.read_text().replace("/usr/bin/kaltwisted ", "/bin/true "))
    done = subprocess.run(
        ["systemd-analyze", "verify", str(copy)], capture_output=True, text=True, timeout=60, check=False
    )
    complaints = [line for line in done.stderr.splitlines() if unit.name in line]
    assert (done.returncode, complaints) == (0, []), done.stderr


def test_it_has_the_capabilities_that_the_roles_need_and_that_limits_do_not_replace() -> None:
    ambient = settings(OWN_USER, "AmbientCapabilities")
    assert ambient == settings(OWN_USER, "CapabilityBoundingSet")
    # The configuration is made readable for the user; real time and locked memory have limits.
    assert set(ambient) == (VRRP | CHECKER) - SCHEDULING - {"CAP_DAC_READ_SEARCH"}
    for limit in ("LimitRTPRIO", "LimitNICE", "LimitMEMLOCK"):
        assert settings(OWN_USER, limit)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can hand out capabilities")
def test_the_daemon_does_its_work_as_its_own_user(tmp_path_factory: pytest.TempPathFactory) -> None:
    given = set(settings(OWN_USER, "AmbientCapabilities"))
    if not given <= held():
        pytest.skip("this machine's root has not all of the capabilities")
    # The tests' own files lie where others may not look; an installed program does not.
    caps = ",".join(
        f"+{name.removeprefix('CAP_').lower()}" for name in sorted({*given, "CAP_DAC_READ_SEARCH"})
    )
    folder = Path("/tmp") / f"kaltwisted-unit-{os.getpid()}"
    for name, owner in (("", 0), ("run", UID), ("open", UID)):
        (folder / name).mkdir()
        (folder / name).chmod(0o777 if name == "open" else 0o755)
        os.chown(folder / name, owner, owner)
    try:
        (folder / "c.conf").write_text(CONFIGURATION.replace("FOLDER", str(folder / "open")))
        words = ["setpriv", f"--reuid={UID}", f"--regid={UID}", "--clear-groups", "--no-new-privs"]
        words += [f"--inh-caps=-all,{caps}", f"--ambient-caps=-all,{caps}", f"--bounding-set=-all,{caps}"]
        words += [sys.executable, "-c", "from kaltwisted.daemon.command import main; main()"]
        words += ["-n", "-l", "-G", "-D", "-f", "c.conf", "--data-plane", "userspace"]
        done = subprocess.run(
            ["unshare", "-n", "sh", "-c", RUN, "sh", *words],
            cwd=folder,
            env={**os.environ, "RUNTIME_DIRECTORY": str(folder / "run"), "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        if done.returncode == 3:
            pytest.skip(f"needs a network namespace with veth interfaces: {done.stderr.strip()[-120:]}")
        log = (folder / "log").read_text()
        lines = done.stdout.splitlines()
        assert lines[:2] == ["1", "nobody"], done.stdout + done.stderr + log
        assert lines[-1] == "status 0", done.stdout + log
        assert "cannot listen" not in log, log
    finally:
        shutil.rmtree(folder)
