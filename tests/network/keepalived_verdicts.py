"""What C keepalived's ``-t`` says of many configurations, a process a processor at a time."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path

import pytest

from tests.unit.test_config_broken_uses import CONFIG_ID

# Each of these is looked at in a network namespace that has the interfaces which the configurations
# name.  Some configurations would have all memory, or no end.
_RUN = f"""
ip link set lo up
for n in 0 1; do
    ip link add eth$n type veth peer name peer$n && ip link set eth$n up && ip link set peer$n up || exit 3
done
ip addr add 10.0.0.7/24 dev eth0
ulimit -v 2000000
xargs -0 -P {os.cpu_count()} -n 20 sh -c '
    for file; do
        timeout 20 keepalived -t -i {CONFIG_ID} -f "$file" > "$file.out" 2>&1
        echo "$? $file"
    done' sh
"""


def of_files(folder: Path, files: Iterable[str]) -> dict[str, int]:
    """Exit status of ``keepalived -t`` for each file of a folder; skips the test where it cannot be had."""
    if shutil.which("keepalived") is None:
        pytest.skip("needs C keepalived (apt-get install keepalived) to compare with")
    done = subprocess.run(
        ["unshare", "-n", "sh", "-c", _RUN],
        cwd=folder,
        input="\0".join(files),
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    found = [line.split(maxsplit=1) for line in done.stdout.splitlines()]
    if not found:
        pytest.skip(f"needs a network namespace with veth interfaces: {done.stderr.strip()[-120:]}")
    return {file: int(status) for status, file in found}


def of_texts(folder: Path, texts: Mapping[str, str]) -> dict[str, int]:
    """The same for texts, by their names; they become files of an empty folder."""
    files = {name: f"{index:05}.conf" for index, name in enumerate(texts)}
    for name, file in files.items():
        (folder / file).write_text(texts[name])
    found = of_files(folder, files.values())
    return {name: found[file] for name, file in files.items()}
