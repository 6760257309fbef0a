"""``python -m demo``: play the scenario, print the report, clean up on any exit."""

from __future__ import annotations

import argparse
import tempfile
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

from twisted.internet.defer import CancelledError, Deferred

from demo.case_study import HIGH, LOW, SECURED, WEB
from demo.clients import RETRY
from demo.daemon import StoryError
from demo.failover import RATES, Failover
from demo.network import Network, open_network
from demo.pair import Pair, open_pair
from demo.report import Report
from demo.scenario import Scenario
from demo.site import MAIL_WEIGHTS, WEB_WEIGHTS
from kaltwisted import __version__

OK, WRONG, INTERRUPTED = 0, 1, 130
TAIL = 30


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m demo", description="The main job, live.")
    parser.add_argument("--data-plane", choices=("auto", "ipvs", "userspace"), default="auto")
    arguments = parser.parse_args()
    with ExitStack() as stack:
        pair = open_pair(arguments.data_plane)
        if isinstance(pair, Pair):
            stack.callback(pair.close)
        network = stack.enter_context(closing(open_network(arguments.data_plane)))
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="kaltwisted-demo-")))
        from twisted.internet import reactor

        return Show(reactor, network, pair, folder).run()


class Show:
    """Plays both stories.  ``pair``: the hosts of the second, or why there are none."""

    def __init__(self, reactor: Any, network: Network, pair: Pair | str, folder: Path) -> None:
        self._reactor, self._network, self._pair, self._folder = reactor, network, pair, folder
        self._report = Report(reactor.seconds)
        self._story: Scenario | Failover | None = None
        self._status = WRONG
        # A signal (Ctrl-C) stops the reactor, which waits until what it cancels here has cleaned up.
        self._playing: Deferred[None] | None = None
        self._stopping = False
        self._over: Deferred[None] = Deferred()

    def run(self) -> int:
        """From the first line to the last; the exit status."""
        _introduce(self._report, self._network)
        self._reactor.addSystemEventTrigger("before", "shutdown", self._interrupt)
        self._reactor.callWhenRunning(self._begin)
        self._reactor.run()
        return self._conclude()

    def _begin(self) -> None:
        playing = self._playing = Deferred.fromCoroutine(self._play())
        playing.addErrback(lambda failure: self._report.print(failure.getTraceback())).addBoth(self._end)

    def _end(self, _: object) -> None:
        self._over.callback(None)
        if not self._stopping:
            self._reactor.stop()

    def _interrupt(self) -> Deferred[None]:
        self._stopping = True
        if self._playing is not None and not self._over.called:
            self._playing.cancel()
        return self._over

    async def _play(self) -> None:
        try:
            await self._tell(Scenario(self._reactor, self._network, self._folder, self._report))
            if isinstance(self._pair, str):
                self._report.print(f"\nNo failover is shown: {self._pair}.")
            elif not self._report.failed:
                self._network.close()
                _introduce_pair(self._report, self._pair)
                await self._tell(Failover(self._reactor, self._pair, self._folder, self._report))
            self._status = WRONG if self._report.failed else OK
        except StoryError as failure:
            self._report.row("the story", "goes on", str(failure), False)
        except OSError as failure:
            self._report.row("the hosts", "as they should be", str(failure), False)
        except CancelledError:
            self._status = INTERRUPTED
            self._report.print("\ninterrupted")

    async def _tell(self, story: Scenario | Failover) -> None:
        self._story = story
        try:
            await story.play()
        finally:
            await story.close()

    def _conclude(self) -> int:
        report = self._report
        if self._status == INTERRUPTED:
            return self._status
        if report.rows:
            report.table()
        if self._status == OK:
            report.print(report.colour("All as it should be.", "green"))
            return self._status
        wrong = ", ".join(row.step for row in report.failed) or "see above"
        report.print(report.colour(f"Went wrong: {wrong}.", "red"))
        for name, lines in (self._story.logs if self._story else {}).items():
            report.print(f"The end of {name}'s log (of {len(lines)} lines):")
            for line in lines[-TAIL:]:
                report.print(f"  | {line}")
        return self._status


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


def _introduce_pair(report: Report, pair: Pair) -> None:
    report.print()
    report.print(report.colour("Failover: two directors, and one dies", "bold"))
    report.print(f"  data plane  {pair.plane}: {pair.why}")
    report.print("  hosts       clients, two directors and the servers are network namespaces")
    report.print(f"  VG1         {WEB}:80 http, priority {HIGH} on director1, {LOW} on director2")
    report.print(f"  VG2         {SECURED}:443 https, priority {LOW} on director1, {HIGH} on director2")
    rates = " and ".join(f"{rate} a second of {service}" for service, rate in RATES.items())
    report.print(f"  clients     {rates}; one that gets no answer tries again every {RETRY} s")
    report.print()


if __name__ == "__main__":
    raise SystemExit(main())
