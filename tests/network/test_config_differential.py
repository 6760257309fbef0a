"""The verdict of ``-t`` beside that of C keepalived, for every broken configuration of the unit tests.

Where the two differ, the reason stands here.
"""

from __future__ import annotations

import pytest

from kaltwisted.config.load import load_text
from tests.network import keepalived_verdicts
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


@pytest.fixture(scope="module")
def verdicts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, int]:
    """Exit status of ``keepalived -t`` by the name of the configuration."""
    texts = {name: case[0].replace("«", "") for name, case in BROKEN.items()}
    return keepalived_verdicts.of_texts(tmp_path_factory.mktemp("differential"), texts)


@pytest.mark.parametrize("name", BROKEN)
def test_verdict_is_keepalived_s(name: str, verdicts: dict[str, int]) -> None:
    ours = load_text(BROKEN[name][0].replace("«", ""), "broken.conf").exit_status
    if name in DIFFERENT:
        assert verdicts[name] != ours, f"no longer different: {DIFFERENT[name]}"
    else:
        assert ours == verdicts[name]
