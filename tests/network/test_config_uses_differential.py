"""The verdict of ``-t`` beside that of C keepalived, of several files and of lines that are made.

The broken ones are those of the unit tests, the good ones stand here.  Where
keepalived 2.2.7 differs, the reason stands here too.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.network import keepalived_verdicts
from tests.unit.test_config_broken import instance, server, service
from tests.unit.test_config_broken_uses import BROKEN_USES, read, write

pytestmark = pytest.mark.network

SITE: dict[str, str | dict[str, str]] = {
    "a folder of services": {
        "main.conf": "global_defs {\n    router_id lb\n}\ninclude conf.d/*.conf\n",
        "conf.d/web.conf": service(""),
        "conf.d/vip.conf": instance("include ../common/vrrp.conf"),
        "common/vrrp.conf": "priority 100\nadvert_int 1\n",
    },
    "one file for two machines": instance(
        "@lb1 priority 150\n@^lb1 priority 100\n@lb2 nonsense\n@lb1 advert_int 2"
    ),
    "definitions in a file of their own": {
        "main.conf": "include vars/{one,two}.conf\n" + instance("priority ${PRIO}\nadvert_int $INT"),
        "vars/one.conf": "$PRIO=1${REST}\n",
        "vars/two.conf": "$REST=50\n$INT=1\n",
    },
    "one service written once": "$RS=real_server ${IP} 80 { \\\n weight ${W} \\\n TCP_CHECK { \\\n } \\\n }\n"
    + service("", "    $IP=10.0.0.2\n    $W=1\n    $RS\n    $IP=10.0.0.3\n    $W=2\n    $RS\n"),
    "a list of servers": "$RS=real_server 10.0.0.${h} 80 { \\\n weight ${w} \\\n TCP_CHECK { \\\n } \\\n }\n"
    + service("", "    ~LST({h,w}, {2,5}, {3,1}, {4,1}) $RS\n"),
    "a row of addresses": instance("virtual_ipaddress {\n    ~SEQ(n, 10, 20) 10.0.0.${n}/24 dev eth0\n}"),
    "marks and braces": "@lb1 vrrp_script s {\n@lb2 script /bin/false\n@lb1 }\n" + server("weight 2"),
    "include in the same line as a brace": {
        "main.conf": "vrrp_instance V { include in.conf\n}\n",
        "in.conf": "interface eth0\nvirtual_router_id 5\nvirtual_ipaddress {\n10.0.0.9\n}\n",
    },
    "block over two files": {
        "main.conf": "include head.conf\n    priority 100\n}\n",
        "head.conf": instance("").removesuffix("}\n"),
    },
    "includes that find nothing": "include *.none\ninclude {x,y}/*.none\n" + service(""),
    "wrong line in a file of two": {
        "main.conf": "include a.conf\ninclude a.conf\n",
        "a.conf": "@lb1 nonsense\n" + service(""),
    },
    "wrong for another machine only": instance("@lb2 priority 999"),
    "wrong for all others": instance("@^lb2 priority 999"),
    "empty value": "$E=\n" + instance("priority ${E}150${E}\n$E"),
    "id by its name": "$P_lb1=150\n" + instance("priority ${P_${_INSTANCE}}"),
    "include_check undone": {
        "main.conf": "global_defs {\n    include_check -match\n}\ninclude a.conf\n" + service(""),
    },
}
# keepalived does not end with these.
ENDLESS = [name for name in BROKEN_USES if name.startswith(("bomb", "definition of itself"))]
CASES = {**SITE, **{name: case for name, (case, _, _) in BROKEN_USES.items() if name not in ENDLESS}}

HANDLES = "keepalived reads it until it has no more file handles, and goes on with what it has"
SECURITY = "keepalived finds fault with the script's security, which is looked at when scripts are run"
STRICTER = "keepalived reads over it in silence; what is written is not what would be done"
DIFFERENT = {
    "mark on one brace of two": SECURITY,
    "random of too many": STRICTER,
    "random of nothing": STRICTER,
    "list of one name twice": STRICTER,
    "include of itself": HANDLES,
    "include of itself by another": HANDLES,
    "include too deep": HANDLES,
}


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Where the files of each case are."""
    top = tmp_path_factory.mktemp("uses")
    found = {name: top / f"{index:03}" for index, name in enumerate(CASES)}
    for name, folder in found.items():
        write(CASES[name], folder)
    return found


@pytest.fixture(scope="module")
def verdicts(folders: dict[str, Path]) -> dict[str, int]:
    """Exit status of ``keepalived -t`` by the name of the case."""
    top = next(iter(folders.values())).parent
    found = keepalived_verdicts.of_files(top, [f"{folder.name}/main.conf" for folder in folders.values()])
    return {name: found[f"{folder.name}/main.conf"] for name, folder in folders.items()}


@pytest.mark.parametrize("name", CASES)
def test_verdict_is_keepalived_s(name: str, folders: dict[str, Path], verdicts: dict[str, int]) -> None:
    ours = read(folders[name]).exit_status
    if name in DIFFERENT:
        assert verdicts[name] != ours, f"no longer different: {DIFFERENT[name]}"
    else:
        assert ours == verdicts[name]
