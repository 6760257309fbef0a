"""Lines about processes, right and wrong, beside C keepalived's ``-t``."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from kaltwisted.config.load import load_text
from tests.unit.test_config_process import RIGHT, WRONG, globals_of

pytestmark = pytest.mark.network

# These are not in 2.2.7, or depend on how many processors this machine has.
NOT_COMPARED = ("json_version", "state_dump_file", "vrrp_cpu_affinity 1 0 1")


@pytest.mark.skipif(shutil.which("keepalived") is None, reason="needs C keepalived to compare with")
@pytest.mark.parametrize("lines", [each for each in (*RIGHT, *WRONG) if not each.startswith(NOT_COMPARED)])
def test_verdict_is_keepalived_s(lines: str, tmp_path: Path) -> None:
    text = globals_of(lines)
    file = tmp_path / "test.conf"
    file.write_text(text)
    done = subprocess.run(["keepalived", "-t", "-f", file], capture_output=True, timeout=20, check=False)
    assert load_text(text, "test.conf").exit_status == done.returncode, done.stderr.decode()
