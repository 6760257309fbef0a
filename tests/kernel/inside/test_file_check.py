"""FILE_CHECK: Debian's keepalived and ours on the same files, number for number."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

from tests.network.daemon import Daemon, wait_for

from .daemons import debians, lines, ours
from .topology import Site

_TOLD = re.compile(r"(Changing weight|Adding service|Removing service|.* tracked file) .*")
#: What is in the two files, one after the other; None: there is no file.
STORY: tuple[tuple[str | None, str | None], ...] = (
    ("1", "3"),
    ("0", "-3"),
    ("0", "-6"),
    ("0", "-200"),
    ("0", "-70000"),
    ("2", "30000"),
    ("0", "2000000000"),
    ("0", None),
)


def configuration(folder: Path) -> str:
    def server(number: int, *checks: str) -> str:
        body = "".join(f"FILE_CHECK {{\n{each}\n}}\n" for each in checks)
        return f"real_server 192.0.2.11 {number} {{\nweight 10\n{body}}}\n"

    servers = (
        server(81, "track_file door"),
        server(82, "track_file load"),
        server(83, "track_file load\nweight -3"),
        server(84, "track_file load\nweight 3 reverse", "track_file door\nweight 1"),
        server(85, "track_file load\nweight 0"),
    )
    return (
        f"track_file door {{\nfile {folder}/door\nweight 0\n}}\n"
        f"track_file load {{\nfile {folder}/load\nweight 2\n}}\n"
        f"virtual_server 192.0.2.10 80 {{\nlb_algo rr\nlb_kind NAT\nprotocol TCP\n{''.join(servers)}}}\n"
    )


def table(site: Site) -> list[str]:
    """Servers and their weights."""
    return sorted(line for line in site.ipvsadm("-S", "-n") if line.startswith("-a"))


def told(running: Daemon) -> list[str]:
    return sorted(line for line in lines(running) if _TOLD.match(line))


def put(file: Path, content: str | None) -> None:
    """As a script does that wants no one to read half of it."""
    if content is None:
        file.unlink()
    else:
        new = file.with_name("new")
        new.write_text(f"{content}\n")
        new.rename(file)


def test_the_same_numbers_make_the_same_tables_and_lines(site: Site, tmp_path: Path) -> None:
    # In the guest's own memory: a host's folder tells no one of what is renamed in it.
    folder = Path(tempfile.mkdtemp(dir="/dev/shm"))
    text = configuration(folder)

    def begin() -> None:
        for name in ("door", "load"):
            put(folder / name, "0")

    def turn(door: str | None, load: str | None) -> None:
        put(folder / "door", door)
        put(folder / "load", load)

    begin()
    expected: list[tuple[list[str], list[str]]] = []
    with debians(text, tmp_path) as running:
        wait_for(lambda: len(table(site)) == 5, "the table to stand")
        # What changes before it watches the files it takes for given.
        wait_for(lambda: "Startup complete" in running.log, "keepalived to have started")
        settled(running)
        for step in STORY:
            before = told(running)
            turn(*step)
            wait_for(lambda before=before: told(running) != before, f"keepalived to follow {step}")
            settled(running)
            expected.append((table(site), told(running)))
        running.stop()
    begin()
    with ours(text, tmp_path) as running:
        wait_for(lambda: len(table(site)) == 5, "the table to stand")
        for step, (there, said) in zip(STORY, expected, strict=True):
            turn(*step)
            wait_for(lambda there=there: table(site) == there, f"ours to follow {step}")
            wait_for(lambda said=said: told(running) == said, f"ours to say all of {step}")
        running.stop()


def settled(running: Daemon) -> None:
    """Wait until a log has been still for a little while."""
    still: list[list[str]] = []

    def is_still() -> bool:
        still.append(lines(running))
        return len(still) > 5 and all(each == still[-1] for each in still[-5:])

    wait_for(is_still, "the log to be still")
