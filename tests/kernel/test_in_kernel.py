"""The tests of tests/kernel/inside, in one guest with IPVS; each has its result here.

A guest boots once for all that were selected, so `-k` works as ever, and as soon as they are known
(conftest.py): it takes minutes, and the tests before these have no use for the second processor.  A test
that is skipped in there has failed: the guest has all that they need.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from xml.etree import ElementTree

import attrs
import pytest

from . import uml

pytestmark = pytest.mark.kernel

HERE = Path(__file__).parent
INSIDE = HERE / "inside"
TIMEOUT_S = 900
GUEST: pytest.StashKey[Guest] = pytest.StashKey()


def names() -> Iterator[str]:
    """``file.py::test_function`` of every test inside, as its source has it."""
    for path in sorted(INSIDE.glob("test_*.py")):
        for found in re.finditer(r"^(?:async )?def (test_\w+)\(", path.read_text(), re.MULTILINE):
            yield f"{path.name}::{found[1]}"


@attrs.frozen
class Report:
    """What the guest's pytest said: every case's trouble ("" for none) by name, and its output."""

    status: int
    output: str
    cases: dict[str, list[tuple[str, str]]]


class Guest:
    """A guest at work, on one processor, while other tests run on the others."""

    def __init__(self, selected: Sequence[str], folder: Path) -> None:
        self._folder = folder
        self._output = (folder / "output").open("w+")
        # What lies below /tmp is hidden in the guest unless it is shared.
        shares = {folder, Path(sys.prefix), Path(sys.base_prefix), HERE.parent.parent}
        command = [sys.executable, str(HERE / "uml.py"), f"--timeout={TIMEOUT_S}"]
        command += [f"--share={share}" for share in sorted(shares)]
        command += ["--", sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:randomly"]
        command += [f"--junit-xml={folder}/report.xml", f"--basetemp={folder}/inside", "--durations=10"]
        self._process = subprocess.Popen(
            [*command, *(str(INSIDE / name) for name in selected)],
            cwd=HERE.parent.parent,
            stdin=subprocess.DEVNULL,
            stdout=self._output,
            stderr=subprocess.STDOUT,
        )

    def report(self) -> Report:
        """What it said, when it has ended."""
        self._process.wait()
        self._output.seek(0)
        return Report(self._process.returncode, self._output.read(), read_cases(self._folder / "report.xml"))

    def stop(self) -> None:
        """End it, done or not."""
        self._process.terminate()
        self._process.wait()
        self._output.close()


def read_cases(path: Path) -> dict[str, list[tuple[str, str]]]:
    """(case, trouble) of each test function, from pytest's JUnit file."""
    cases: dict[str, list[tuple[str, str]]] = {}
    if path.exists():
        for case in ElementTree.parse(path).iter("testcase"):
            name = case.get("name", "")
            key = f"{case.get('classname', '').rpartition('.')[2]}.py::{name.partition('[')[0]}"
            trouble = "\n".join(
                f"{each.tag}: {each.text or each.get('message')}"
                for each in case
                if each.tag in ("failure", "error", "skipped")
            )
            cases.setdefault(key, []).append((name, trouble))
    return cases


@pytest.fixture(scope="session")
def guest(request: pytest.FixtureRequest) -> Report:
    """What the guest says in which all that is selected has run."""
    missing = uml.why_not()
    if missing:
        pytest.skip(missing)
    running: Guest = request.config.stash[GUEST]
    return running.report()


@pytest.mark.parametrize("name", list(names()))
def test_in_kernel(name: str, guest: Report) -> None:
    cases = guest.cases.get(name)
    if not cases:
        pytest.fail(f"no result; the guest ended with {guest.status}:\n{guest.output}", pytrace=False)
    troubles = [f"{case}\n{trouble}" for case, trouble in cases if trouble]
    if troubles:
        pytest.fail("\n\n".join(troubles), pytrace=False)
