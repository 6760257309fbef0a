"""The verdict of ``-t`` beside that of C keepalived, for every broken configuration of the unit tests.

keepalived runs in a network namespace of its own that has the interfaces the
configurations name.  Where the two differ, the reason stands here.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from kaltwisted.config.load import load_text
from tests.unit.test_config_broken import BROKEN

pytestmark = pytest.mark.network

GUIDE = "a word of the 2002 guide, accepted with a warning"
CRASHES = "keepalived 2.2.7 dies of a segmentation fault"
SECURITY = "keepalived finds fault with the script's security, which is looked at when scripts are run"
STRICTER = "keepalived reads over it in silence; what is written is not what would be done"
DIFFERENT = {
    "HTTP_GET without url": CRASHES,
    "url without path": CRASHES,
    "virtual_server fwmark without mark": CRASHES,
    "the guide's Path": CRASHES,
    "decimals for misc_timeout": SECURITY,
    "quorum_up twice": SECURITY,
    "sorry_server with port 0": STRICTER,
    "granularity with holes": STRICTER,
    "regex that does not compile": STRICTER + " (Debian's is built without regex)",
    "arguments outside of quotes": STRICTER,
    "block keyword without block": STRICTER,
    "virtual_server twice": STRICTER,
    **{name: GUIDE for name in BROKEN if name.startswith("the guide's") and name != "the guide's Path"},
}
RUN = """
ip link set lo up
for n in 0 1; do
    ip link add eth$n type veth peer name peer$n && ip link set eth$n up && ip link set peer$n up || exit 3
done
ip addr add 10.0.0.7/24 dev eth0
for file in *.conf; do
    timeout 20 keepalived -t -f $file > $file.out 2>&1
    echo $file $?
done
"""


@pytest.fixture(scope="module")
def verdicts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, int]:
    """Exit status of ``keepalived -t`` by the name of the configuration."""
    if shutil.which("keepalived") is None:
        pytest.skip("needs C keepalived (apt-get install keepalived) to compare with")
    folder: Path = tmp_path_factory.mktemp("differential")
    names = list(BROKEN)
    for index, name in enumerate(names):
        (folder / f"{index:03}.conf").write_text(BROKEN[name][0].replace("«", ""))
    done = subprocess.run(
        ["unshare", "-n", "sh", "-c", RUN],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    found = [line.split() for line in done.stdout.splitlines()]
    if not found:
        pytest.skip(f"needs a network namespace with veth interfaces: {done.stderr.strip()[-120:]}")
    return {names[int(file[:3])]: int(status) for file, status in found}


@pytest.mark.parametrize("name", BROKEN)
def test_verdict_is_keepalived_s(name: str, verdicts: dict[str, int]) -> None:
    ours = load_text(BROKEN[name][0].replace("«", ""), "broken.conf").exit_status
    if name in DIFFERENT:
        assert verdicts[name] != ours, f"no longer different: {DIFFERENT[name]}"
    else:
        assert ours == verdicts[name]
