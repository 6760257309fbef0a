"""``python -m demo``: play the scenario, print the report, clean up on any exit."""

from __future__ import annotations

import argparse
import tempfile
from contextlib import closing
from pathlib import Path
from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.python.failure import Failure

from demo.network import Network, open_network
from demo.report import Report
from demo.scenario import Scenario, StoryError
from demo.site import MAIL_WEIGHTS, WEB_WEIGHTS
from kaltwisted import __version__

OK, WRONG, INTERRUPTED = 0, 1, 130
TAIL = 30


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m demo", description="The main job, live.")
    parser.add_argument("--data-plane", choices=("auto", "ipvs", "userspace"), default="auto")
    arguments = parser.parse_args()
    with (
        closing(open_network(arguments.data_plane)) as network,
        tempfile.TemporaryDirectory(prefix="kaltwisted-demo-") as folder,
    ):
        from twisted.internet import reactor

        return _run(reactor, network, Path(folder))


def _run(reactor: Any, network: Network, folder: Path) -> int:
    report = Report(reactor.seconds)
    _introduce(report, network)
    scenario = Scenario(reactor, network, folder, report)
    status = WRONG

    async def play() -> None:
        nonlocal status
        try:
            await scenario.play()
            status = WRONG if report.failed else OK
        except StoryError as failure:
            report.row("the story", "goes on", str(failure), False)
            status = WRONG
        except CancelledError:
            status = INTERRUPTED
            report.print("\ninterrupted")
        finally:
            await scenario.close()

    # A signal (Ctrl-C) stops the reactor, which waits until what it cancels here has cleaned up.
    playing: list[Deferred[None]] = []
    over: Deferred[None] = Deferred()

    def begin() -> None:
        playing.append(Deferred.fromCoroutine(play()).addErrback(log_failure).addBoth(end))

    def log_failure(failure: Failure) -> None:
        report.print(failure.getTraceback())

    def end(_: object) -> None:
        over.callback(None)
        if not stopping:
            reactor.stop()

    def interrupt() -> Deferred[None]:
        stopping.append(True)
        if not over.called:
            playing[0].cancel()
        return over

    stopping: list[bool] = []
    reactor.addSystemEventTrigger("before", "shutdown", interrupt)
    reactor.callWhenRunning(begin)
    reactor.run()
    return _conclude(report, scenario, status)


def _introduce(report: Report, network: Network) -> None:
    site = network.site
    web = ", ".join(f"{name} weight {weight}" for name, weight in WEB_WEIGHTS.items())
    mail = ", ".join(f"{name} weight {weight}" for name, weight in MAIL_WEIGHTS.items())
    report.print(
        report.colour(f"kaltwisted {__version__}: health checks drive a load balancer, live", "bold")
    )
    report.print(f"  data plane  {network.plane}: {network.why}")
    report.print(f"  http        {site.virtual_address}:{site.ports.http}  wrr, {web}; a sorry server")
    report.print(f"  https       {site.virtual_address}:{site.ports.https}  rr, web1, web2, web3; persistent")
    report.print(f"  smtp        {site.virtual_address}:{site.ports.smtp}  wlc, {mail}")
    report.print("  clients     140 connections a second from 12 addresses, all the time, without retry")
    report.print()


def _conclude(report: Report, scenario: Scenario, status: int) -> int:
    if status == INTERRUPTED:
        return status
    if report.rows:
        report.table()
    if status == OK:
        report.print(report.colour("All as it should be.", "green"))
        return status
    wrong = ", ".join(row.step for row in report.failed) or "see above"
    report.print(report.colour(f"Went wrong: {wrong}.", "red"))
    if scenario.daemon is not None:
        report.print(f"The end of the daemon's log (of {len(scenario.daemon.output)} lines):")
        for line in scenario.daemon.output[-TAIL:]:
            report.print(f"  | {line}")
    return status


if __name__ == "__main__":
    raise SystemExit(main())
