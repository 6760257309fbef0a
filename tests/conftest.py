"""What holds for all tests: lanes must not vanish silently in CI, and unit tests leave nothing behind."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
# Folders whose tests need more than Python; each has a marker of the same name.
LANES = ("docs", "editors", "page", "network", "kernel")

# A shell that puts us into the background lets SIGINT be ignored, and so would the daemons we start.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def lane_must_run() -> bool:
    """In CI, where everything is installed, a skipped lane is a lane that nobody noticed was lost."""
    return os.environ.get("CI", "").lower() not in ("", "0", "false")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A test in tests/network or tests/kernel belongs to that lane without saying so; lanes come last."""
    for item in items:
        lane = _lane(item.path)
        if lane is not None and item.get_closest_marker(lane) is None:
            item.add_marker(lane)
    items.sort(key=lambda item: LANES.index(lane) if (lane := _lane(item.path)) else -1)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, Any, Any]:
    """Turn the skip of a lane's test into a failure in CI."""
    report = yield
    if any(item.get_closest_marker(lane) for lane in LANES):
        _fail_if_skipped(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector: pytest.Collector) -> Generator[None, Any, Any]:
    """The same for a whole module that skips itself."""
    report = yield
    if _lane(collector.path) is not None:
        _fail_if_skipped(report)
    return report


def _fail_if_skipped(report: Any) -> None:
    if lane_must_run() and report.skipped and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome = "failed"
        report.longrepr = f"must not be skipped in CI: {reason}"


def _lane(path: Path) -> str | None:
    return next((lane for lane in LANES if (HERE / lane) in path.parents), None)


@pytest.fixture(scope="session")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where unit tests run, as trial would have it: their ``mktemp()`` makes files in the current folder."""
    return tmp_path_factory.mktemp("scratch")


@pytest.fixture(autouse=True)
def nothing_left_behind(
    request: pytest.FixtureRequest, scratch: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """A unit test leaves no file, no blocked signal, no call on the real reactor: it has its own clock."""
    if (HERE / "unit") not in request.path.parents:
        yield
        return
    monkeypatch.chdir(scratch)
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    yield
    assert signal.pthread_sigmask(signal.SIG_BLOCK, ()) == blocked, "every process of later tests inherits it"
    if "twisted.internet.reactor" not in sys.modules:
        return
    from twisted.internet import reactor

    left = [call for call in reactor.getDelayedCalls() if call.active()]
    for call in left:
        call.cancel()
    assert not left, f"left on the real reactor: {left}"
