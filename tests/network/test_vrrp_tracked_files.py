"""Tracked files, ours and keepalived's: both say the same of the same numbers, and hand over alike."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.network.vrrp_lan import Router, lan, needs_keepalived, needs_lan, wait_for

pytestmark = [pytest.mark.network, needs_lan, needs_keepalived]

#: What is written to which file, and what both say of it last.
STEPS = (
    ("f1", "5\n", "from 86 to 101"),
    ("f1", "-84", "from 101 to 1"),
    ("f1", "-85", "(V1) Entering FAULT STATE"),
    ("f1", "0x10", "(V1) Entering BACKUP STATE"),
    ("f1", "010", "from 134 to 110"),
    ("f1", "10garbage", "from 110 to 116"),
    ("f1", " 11 20", "from 116 to 119"),
    ("f1", "99999999999999", "- ignoring"),
    ("f1", "7", "from 119 to 107"),
    ("f1", "", "from 107 to 86"),
    ("f2", "126", "from 86 to 1"),
    ("f2", "127", "(V1) Entering FAULT STATE"),
    ("f2", "1", "(V1) Entering BACKUP STATE"),
    ("f3", "0", "(V2) Entering BACKUP STATE"),
    ("f3", "1", "(V2) Entering FAULT STATE"),
    ("f3", "0", "(V2) Entering BACKUP STATE"),
    ("f4", "20", "from 98 to 78"),
    ("f4", "1.5", "from 78 to 97"),
)


def instance(number: int, tracks: str, priority: int = 100) -> str:
    """An instance that stays BACKUP for long enough."""
    return f"""
vrrp_instance V{number} {{
    interface eth0
    virtual_router_id {number}
    priority {priority}
    virtual_ipaddress {{
        10.77.0.{100 + number}
    }}
    {tracks}
}}
"""


def configuration(directory: Path) -> str:
    """Four files, and who tracks them."""
    return f"""
vrrp_track_file f1 {{
    file {directory}/f1
    weight 3
}}
track_file f2 {{
    file {directory}/f2
    weight 2 reverse
    init_file 7
}}
track_file f3 {{
    file {directory}/f3
    weight 0
    init_file 5 overwrite
}}
track_file f4 {{
    file {directory}/f4
}}
""" + "".join(
        instance(number, f"advert_int 20\ntrack_file {{\n{tracks}\n}}")
        for number, tracks in ((1, "f1\nf2\nf4 weight 1 reverse"), (2, "f3"))
    )


def story(start: Callable[[str], Router], directory: Path) -> list[list[str]]:
    """What a program says at each step."""
    directory.mkdir()
    (directory / "f3").write_text("1")
    router = start(configuration(directory))
    wait_for(lambda: router.says("(V1) Entering BACKUP STATE (init)") and router.says("(V2): entering FAULT"))
    assert (directory / "f2").read_text().strip() == "7"
    assert (directory / "f3").read_text().strip() == "5"
    told, chapters = len(router.lines), []
    for name, number, last in STEPS:
        (directory / name).write_text(number)
        wait_for(lambda last=last, told=told: last in router.lines[told:], f"for {last}")  # type: ignore[misc]
        text = router.lines[told:]
        told += len(text)
        text = text.replace(str(directory), "")
        chapters.append(re.findall(r"\(V\d\).*|Invalid.*", text))
    router.stop()
    return chapters


def test_both_programs_say_the_same_of_the_same_numbers(tmp_path: Path) -> None:
    with lan(2) as (one, two):
        ours = story(one.daemon, tmp_path / "ours")
        theirs = story(two.keepalived, tmp_path / "theirs")
    assert ours == theirs


def test_a_file_hands_over_to_keepalived_and_back_wherever_it_comes_from(tmp_path: Path) -> None:
    """Also when its folder appears later, and when others are in its way; a reload disturbs nothing."""
    path = tmp_path / "later" / "number"
    text = f"track_file f {{\n file {path}\n weight 0\n}}\n" + instance(1, "track_file {\nf\n}", 150)
    with lan(2) as (one, two):
        ours = one.daemon(text)
        wait_for(lambda: one.holds("10.77.0.101"), "for ours to be master")
        two.keepalived(instance(1, ""))

        def there(host: object, other: object) -> None:
            wait_for(lambda: host.holds("10.77.0.101") and not other.holds("10.77.0.101"))  # type: ignore[attr-defined]

        path.parent.mkdir()
        path.write_text("1")
        there(two, one)
        ours.reload_and_wait(text + "\n# nothing new")
        assert ours.lines.count("Entering FAULT STATE") == 1
        path.write_text("down")
        wait_for(lambda: ours.says(f"Invalid number down read from {path} - ignoring"))
        path.parent.rename(tmp_path / "gone")
        there(one, two)
