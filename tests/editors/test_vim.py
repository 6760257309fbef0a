"""The Vim syntax in Vim: it marks the words that ``kaltwisted check`` does not know or calls obsolete."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

TOP = Path(__file__).parents[2]
VIM = shutil.which("vim")

# For every character that begins a word of a group: line, column and the group.
SCRIPT = """\
set runtimepath^={runtime}
filetype on
syntax on
edit {file}
let found = [&filetype]
for l in range(1, line('$'))
  let before = ''
  for c in range(1, len(getline(l)))
    let group = synIDattr(synID(l, c, 1), 'name')
    if group != before
      call add(found, l . ' ' . c . ' ' . group)
    endif
    let before = group
  endfor
endfor
call writefile(found, {out})
qall!
"""
MISTAKES = """\
$NET=10.0.0
wieght 1
global_defs { router_id "a } b" } vrrp_script x { weight 2
  path /
}
virtual_server 192.0.2.1 80 # the brace comes

{
  real_server ${NET}.1 80 { path / } lb_alog rr
  nonsense { weight 1 { } } protocol TCP
  Virtualhost www
}
$CHECK=TCP_CHECK { \\
  nonsense }
include /nonexistent/*.conf
@lb1 vrrp_instance V { state MASTER }
"""


@pytest.fixture
def groups(tmp_path: Path) -> list[str]:
    """Where which group begins, in MISTAKES."""
    if VIM is None:
        pytest.skip("vim is missing: make packages")
    file, script, out = (tmp_path / name for name in ("a.keepalived.conf", "script.vim", "out"))
    file.write_text(MISTAKES)
    script.write_text(
        SCRIPT.format(runtime=TOP / "editors" / "vim", file=file, out=f"'{out}'"), encoding="utf-8"
    )
    command = [VIM, "-Nu", "NONE", "-i", "NONE", "-n", "-es", "-S", str(script)]
    subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=60, check=False)
    filetype, *found = out.read_text().splitlines()
    assert filetype == "keepalived"
    return found


def marked(groups: list[str], kind: str) -> list[tuple[int, str]]:
    """Lines and words of groups of a kind."""
    found = []
    for line, column, group in (each.split(" ") for each in groups):
        if group.endswith(f"_{kind}"):
            text = MISTAKES.splitlines()[int(line) - 1][int(column) - 1 :]
            found.append((int(line), re.split(r"[\s{}#!]", text)[0]))
    return found


def test_unknown_and_obsolete_words(groups: list[str], tmp_path: Path, kaltwisted: Path) -> None:
    command = [
        kaltwisted,
        "check",
        "--json",
        "--no-system",
        "--config-id",
        "lb1",
        tmp_path / "a.keepalived.conf",
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    findings = json.loads(done.stdout)["findings"]

    def told(pattern: str) -> list[tuple[int, str]]:
        return [(each["line"], m[1]) for each in findings if (m := re.match(pattern, each["message"]))]

    unknown = told("`(.*?)` is not a keyword")
    assert [word for _, word in unknown] == ["wieght", "path", "path", "lb_alog", "nonsense"]
    assert marked(groups, "Unknown") == unknown
    assert marked(groups, "Obsolete") == told("`(.*?)` is accepted; ") == [(11, "Virtualhost")]


def test_keywords_are_keywords_in_their_blocks(groups: list[str]) -> None:
    keywords = [word for _, word in marked(groups, "Keyword")]
    assert keywords == ["router_id", "weight", "protocol", "state"]
