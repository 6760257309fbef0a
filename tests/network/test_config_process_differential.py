"""Lines about processes, right and wrong, beside C keepalived's ``-t``."""

from __future__ import annotations

import pytest

from kaltwisted.config.load import load_text
from tests.network import keepalived_verdicts
from tests.unit.test_config_process import RIGHT, WRONG, globals_of

pytestmark = pytest.mark.network

# These are not in 2.2.7, or depend on how many processors this machine has.
NOT_COMPARED = (
    "json_version",
    "state_dump_file",
    "stats_dump_file",
    "json_dump_file",
    "vrrp_cpu_affinity 1 0 1",
)
COMPARED = [lines for lines in (*RIGHT, *WRONG) if not lines.startswith(NOT_COMPARED)]


@pytest.fixture(scope="module")
def verdicts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, int]:
    """Exit status of ``keepalived -t`` by the lines."""
    texts = {lines: globals_of(lines) for lines in COMPARED}
    return keepalived_verdicts.of_texts(tmp_path_factory.mktemp("processes"), texts)


@pytest.mark.parametrize("lines", COMPARED)
def test_verdict_is_keepalived_s(lines: str, verdicts: dict[str, int]) -> None:
    assert load_text(globals_of(lines), "test.conf").exit_status == verdicts[lines]
