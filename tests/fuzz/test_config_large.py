"""Ten megabytes of this and that: reading costs what its size costs, and never all memory."""

from __future__ import annotations

import gc
import subprocess
import sys
import time

import pytest

from kaltwisted.config import limits
from kaltwisted.config.load import load_text
from tests.fuzz.shapes import SHAPES

SMALL, LARGE = 20_000, 160_000
MOST_GROWTH = 20
"""Times as long for eight times as much; what is quadratic takes 64 times."""

TEN_MEGABYTES = ("real servers", "instances that track scripts", "words", "one word", "long lines")
MEMORY_BYTES = 1 << 30
CPU_S = 60
_READ = """
import resource, sys
resource.setrlimit(resource.RLIMIT_AS, ({memory}, {memory}))
resource.setrlimit(resource.RLIMIT_CPU, ({cpu}, {cpu}))
from kaltwisted.config.load import load_text
from tests.fuzz.shapes import SHAPES
text = SHAPES[sys.argv[1]](10_000_000)
assert len(text) > 9_000_000
print(len(load_text(text, "x").findings))
"""


def _seconds(text: str) -> float:
    """CPU time of one reading, without that of collecting garbage of tests before."""
    gc.collect()
    gc.disable()
    try:
        before = time.process_time()
        load_text(text, "x")
        return time.process_time() - before
    finally:
        gc.enable()


@pytest.mark.parametrize("name", SHAPES)
def test_time_grows_with_the_size(name: str) -> None:
    small, large = SHAPES[name](SMALL), SHAPES[name](LARGE)
    assert len(large) > 6 * len(small)
    # The machine may have been busy; what is quadratic is so every time.
    growth = [_seconds(large) / max(_seconds(small), 0.001)]
    while growth[-1] > MOST_GROWTH and len(growth) < 4:
        growth.append(_seconds(large) / max(_seconds(small), 0.001))
    assert growth[-1] <= MOST_GROWTH, growth


@pytest.mark.parametrize("name", TEN_MEGABYTES)
def test_ten_megabytes_are_read(name: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _READ.format(memory=MEMORY_BYTES, cpu=CPU_S), name],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert int(done.stdout) <= limits.MOST_FINDINGS + 1


def test_the_exit_status_is_that_of_all_findings() -> None:
    words = "x\n" * (limits.MOST_FINDINGS + 100)
    missing = "virtual_server 10.0.0.1 80 {\n    lb_algo\n    real_server 10.0.0.2 80 {\n    }\n}\n"
    reading = load_text(words + missing, "x")
    assert reading.exit_status == 2
    assert reading.findings[-1].message.startswith("there are 102 more findings")
    assert load_text(missing + words, "x").exit_status == 2
