"""The story: all well, a server killed, a page gone wrong, none left, all back."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from signal import SIGTERM
from typing import Any

import trustme
from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.ssl import Certificate
from twisted.internet.task import deferLater

from demo.clients import Answer, Clients
from demo.daemon import PATIENCE, Daemon, StoryError
from demo.mailbox import Mailbox
from demo.network import DIRECTOR, SERVERS, Network
from demo.processes import Child
from demo.report import Report
from demo.servers import listening, page_digest, start_server
from demo.site import MAIL_WEIGHTS, PAGES, WEB_WEIGHTS, keepalived_conf

WATCH = 3.0
# The log line reaches us a moment after the fact, or before.
LEEWAY = 0.05
# Lines of the daemon worth showing.
TELLING = re.compile(r"(Removing|Adding) (service|sorry)|(Gained|Lost) quorum|Data plane|rror|Traceback")


class Scenario:
    """The story's people and things.  ``folder``: for files, removed by whoever made it."""

    def __init__(self, reactor: Any, network: Network, folder: Path, report: Report) -> None:
        self._reactor, self._network, self._folder, self._report = reactor, network, folder, report
        self._site = network.site
        self._servers: dict[str, Child] = {}
        self._clients: list[Clients] = []
        self._answers: list[Answer] = []
        self._mails: list[str] = []
        self._mails_due: list[str] = []
        self._excused: list[tuple[str, float, float]] = []
        self._mailbox: Any = None
        self._daemon: Daemon | None = None

    async def play(self) -> None:
        """Everything, in order; raises StoryError where it cannot go on."""
        ca = self._certificates()
        await self._start_servers(self._site.servers)
        digests = await self._digests()
        conf = self._folder / "keepalived.conf"
        conf.write_text(keepalived_conf(self._site, digests))
        self._mailbox = self._reactor.listenTCP(
            self._site.ports.smtp, Mailbox(self._mail), interface=self._site.mail_server
        )
        self._start_daemon(conf)
        self._clients = Clients.of(self._reactor, self._site, ca, self._answers.append)
        for clients in self._clients:
            clients.start()
        await self._first_answers()
        await self._all_well("shares at the start")
        await self._kill_a_server()
        await self._change_a_page()
        await self._lose_the_rest()
        await self._bring_all_back()
        await self._all_well("shares at the end", whole=False)
        await self._count_mails()
        self._count_failures()
        await self._stop_daemon()

    @property
    def logs(self) -> dict[str, list[str]]:
        """What the daemon wrote, by its name."""
        return {"daemon": self._daemon.output} if self._daemon else {}

    async def close(self) -> None:
        """End everything that was started."""
        if self._daemon is not None:
            self._daemon.hush()
        for clients in self._clients:
            clients.stop()
        children: list[Child | Daemon] = [*self._servers.values(), *([self._daemon] if self._daemon else [])]
        await gatherResults([Deferred.fromCoroutine(child.end()) for child in children])
        if self._mailbox is not None:
            await self._mailbox.stopListening()

    # --- setting the stage -----------------------------------------------------------

    def _certificates(self) -> Certificate:
        authority = trustme.CA()
        authority.issue_cert(self._site.virtual_address).private_key_and_cert_chain_pem.write_to_path(
            self._folder / "server.pem"
        )
        return Certificate.loadPEM(authority.cert_pem.bytes())

    async def _start_servers(self, names: Iterable[str]) -> None:
        ports = self._site.ports
        web = [f"http={ports.http}", f"https={ports.https},{self._folder / 'server.pem'}"]
        for name in names:
            listeners = [f"smtp={ports.smtp}"] if name in MAIL_WEIGHTS else web
            host = self._network.on(SERVERS)
            address = self._site.servers[name]
            self._servers[name] = start_server(self._reactor, host, name, address, listeners)
        for name in names:
            await listening(name, self._servers[name])

    async def _digests(self) -> Mapping[tuple[str, str], str]:
        digests: dict[tuple[str, str], str] = {}
        director, port = self._network.on(DIRECTOR), self._site.ports.http
        for name in WEB_WEIGHTS:
            for page in PAGES:
                address = self._site.servers[name]
                digests[name, page] = await page_digest(self._reactor, director, address, port, page)
        self._report.event("genhash", f"{len(digests)} pages of {len(WEB_WEIGHTS)} web servers")
        return digests

    def _start_daemon(self, conf: Path) -> None:
        director, plane = self._network.on(DIRECTOR), self._network.plane
        self._daemon = Daemon(self._reactor, director, conf, plane, self._folder, self._daemon_says)
        self._report.event("start", self._daemon.command, "yellow")

    async def _first_answers(self) -> None:
        """The story begins when every service has answered once."""
        deadline = self._reactor.seconds() + PATIENCE
        while {"http", "https", "smtp"} - {answer.service for answer in self._answers if answer.server}:
            self._running.must_live()
            if self._reactor.seconds() > deadline:
                silent = {a.service: a.reason for a in self._answers if not a.server}
                raise StoryError(
                    f"no answer through the virtual addresses: {'; '.join(map(' '.join, silent.items()))}"
                )
            await self._pause(0.05)
        begun = self._reactor.seconds()
        self._excused += [(service, 0.0, begun) for service in ("http", "https", "smtp")]
        self._report.event("clients", "have their first answers from all three services")

    # --- the scenes --------------------------------------------------------------------

    async def _all_well(self, step: str, whole: bool = True) -> None:
        since = self._reactor.seconds()
        await self._pause(WATCH)
        counts = self._counts("http", since)
        self._report.shares("http", counts, WEB_WEIGHTS)
        if whole:
            self._report.shares("https", self._counts("https", since), dict.fromkeys(WEB_WEIGHTS, 1))
            self._report.shares("smtp", self._counts("smtp", since), MAIL_WEIGHTS)
        total = max(1, sum(counts.values()))
        sum_of_weights = sum(WEB_WEIGHTS.values())
        seen = {name: 100 * counts[name] / total for name in WEB_WEIGHTS}
        due = {name: 100 * weight / sum_of_weights for name, weight in WEB_WEIGHTS.items()}
        self._report.row(
            f"{step} (http, wrr)",
            " / ".join(f"{share:.0f}" for share in due.values()) + " %",
            " / ".join(f"{share:.1f}" for share in seen.values()) + f" % of {total}",
            all(abs(seen[name] - due[name]) <= 5 for name in due),
        )
        self._sticky(step, since)

    def _sticky(self, step: str, since: float) -> None:
        """Persistence: no client of the https service may have met two servers."""
        met: dict[str, set[str]] = {}
        for answer in self._answers:
            if answer.service == "https" and answer.server and answer.began >= since:
                met.setdefault(answer.client, set()).add(answer.server)
        strays = sum(1 for servers in met.values() if len(servers) > 1)
        where = step.removeprefix("shares ")
        seen = f"{len(met) - strays} of {len(met)} clients"
        self._report.row(f"persistence {where} (https)", "every client keeps its server", seen, not strays)

    async def _kill_a_server(self) -> None:
        ports = self._site.ports
        gone = [("web1", ports.http), ("web1", ports.https), ("mail1", ports.smtp)]
        await self._kill("web1 killed, mail1 too", ["web1", "mail1"], gone)
        await self._watch_http({"web2": 2, "web3": 1})

    async def _change_a_page(self) -> None:
        self._report.event("page", f"{PAGES[0]} of web2 now shows an error, with status 200", "yellow")
        since = self._reactor.seconds()
        self._servers["web2"].say(f"change {PAGES[0]}")
        await self._removed("page of web2 changed", since, [("web2", self._site.ports.http)])
        await self._watch_http({"web3": 1})

    async def _lose_the_rest(self) -> None:
        ports = self._site.ports
        sorry = f"Adding sorry server {self._site.service('sorry', ports.http)} to VS"
        begun = self._reactor.seconds()
        await self._kill("web3 killed, the last one", ["web3"], [("web3", ports.http), ("web3", ports.https)])
        (since,) = await self._running.times(begun, [sorry])
        if since is None:
            self._report.row("all down: sorry server", "added", f"no line {sorry!r}", False)
            return
        self._excused.append(("http", begun - 1, since + LEEWAY))
        await self._pause(2.0)
        counts = self._counts("http", since + LEEWAY)
        failed = self._failures("http", since + LEEWAY)
        self._report.shares("http", counts, {})
        seen = f"{counts['sorry']} of {sum(counts.values()) + len(failed)} answers are its own"
        alone = counts["sorry"] > 0 and set(counts) == {"sorry"} and not failed
        self._report.row("all down: sorry server", "answers every client", seen, alone)

    async def _bring_all_back(self) -> None:
        ports = self._site.ports
        self._report.event("back", "web1, web3 and mail1 started again, web2's page restored", "yellow")
        since = self._reactor.seconds()
        back = [(name, port) for name in WEB_WEIGHTS for port in (ports.http, ports.https)]
        back.remove(("web2", ports.https))  # never gone
        back.append(("mail1", ports.smtp))
        lines = [f"Adding service {self._site.service(name, port)} to VS" for name, port in back]
        lines.append(f"Removing sorry server {self._site.service('sorry', ports.http)} from VS")
        self._servers["web2"].say(f"restore {PAGES[0]}")
        await self._start_servers(["web1", "web3", "mail1"])
        self._mails_due += [self._subject(name, port, "UP") for name, port in back]
        times = await self._running.times(since, lines)
        if (sorry_left := times[-1]) is not None:
            # A server that is taken out loses what is under way to it.
            self._excused.append(("http", sorry_left - 1, sorry_left + LEEWAY))
        missing = times.count(None)
        if missing:
            seen = f"{missing} of {len(lines)} lines missing in the log"
        else:
            seen = f"after {max(time for time in times if time is not None) - since:.1f} s"
        self._report.row("all back", "in the pools, sorry server out", seen, not missing)

    async def _kill(self, step: str, names: list[str], gone: list[tuple[str, int]]) -> None:
        self._report.event("kill", f"{' and '.join(names)} (SIGKILL)", "yellow")
        since = self._reactor.seconds()
        for name in names:
            self._servers[name].signal("KILL")
        await self._removed(step, since, gone)

    async def _removed(self, step: str, since: float, gone: list[tuple[str, int]]) -> None:
        """Wait until the daemon has taken these out of their pools; watch the clients from then on."""
        lines = [f"Removing service {self._site.service(name, port)} from VS" for name, port in gone]
        self._mails_due += [self._subject(name, port, "DOWN") for name, port in gone]
        times = await self._running.times(since, lines)
        services = {self._service(port) for _, port in gone}
        if None in times:
            for service in services:
                self._excused.append((service, since - 1, self._reactor.seconds()))
            self._report.row(step, "removed", f"{times.count(None)} of {len(times)} not removed", False)
            return
        for (_, port), time in zip(gone, times, strict=True):
            assert time is not None
            self._excused.append((self._service(port), since - 1, time + LEEWAY))
        last = max(time for time in times if time is not None)
        before = sum(len(self._failures(service, since - 1)) for service in services)
        await self._pause(max(0.0, last + 2.0 - self._reactor.seconds()))
        after = sum(len(self._failures(service, last + LEEWAY)) for service in services)
        strays = sum(self._counts(self._service(port), last + LEEWAY)[name] for name, port in gone)
        seen = f"{last - since:.1f} s; clients failed: {before} before, {after} after"
        if strays:
            seen += f"; {strays} answers from it after"
        self._report.row(step, "removed, then no client fails", seen, not after and not strays)

    async def _watch_http(self, weights: Mapping[str, int]) -> None:
        since = self._reactor.seconds() - 1.5
        self._report.shares("http", self._counts("http", since), weights)

    async def _count_mails(self) -> None:
        deadline = self._reactor.seconds() + PATIENCE
        while (missing := set(self._mails_due) - set(self._mails)) and self._reactor.seconds() < deadline:
            await self._pause(0.1)
        seen = f"{len(self._mails)} received"
        if missing:
            seen += f", {len(missing)} missing"
            for subject in sorted(missing):
                self._report.event("mail", f"missing: {subject}", "red")
        self._report.row("alert mails", f"{len(self._mails_due)}, one for each change", seen, not missing)

    def _count_failures(self) -> None:
        for clients in self._clients:
            clients.stop()
        failed = [
            answer for answer in self._answers if answer.server is None and not self._is_excused(answer)
        ]
        reasons = Counter(f"{answer.service} {answer.reason}" for answer in failed).most_common(3)
        seen = f"{len(failed)} of {len(self._answers)} connections" + "".join(
            f"; {n}x {r}" for r, n in reasons
        )
        self._report.row("failures at any other time", "none", seen, not failed)

    async def _stop_daemon(self) -> None:
        self._running.must_live()
        since = self._reactor.seconds()
        status = await self._running.end()
        took = f"{1000 * (self._reactor.seconds() - since):.0f} ms"
        # twistd, when all is done, ends itself by the signal that stopped it.
        good = status in (0, -SIGTERM)
        seen = f"ended after {took}" if good else f"status {status} after {took}"
        self._report.row("daemon told to stop (TERM)", "ends cleanly", seen, good)

    # --- looking and listening -------------------------------------------------------------

    @property
    def _running(self) -> Daemon:
        if self._daemon is None:
            raise StoryError("the daemon was never started")
        return self._daemon

    def _daemon_says(self, line: str) -> None:
        if TELLING.search(line):
            self._report.event("daemon", line, "dim")

    def _mail(self, subject: str) -> None:
        self._mails.append(subject)
        self._report.event("mail", subject, "dim")

    def _pause(self, seconds: float) -> Deferred[None]:
        return deferLater(self._reactor, seconds)

    def _service(self, port: int) -> str:
        ports = self._site.ports
        return {ports.http: "http", ports.https: "https", ports.smtp: "smtp"}[port]

    def _subject(self, name: str, port: int, state: str) -> str:
        server, virtual = self._site.service(name, port), self._site.virtual_service(port)
        return f"[LVS_MAIN] Realserver {server} of virtual server {virtual} - {state}"

    def _counts(self, service: str, since: float) -> Counter[str]:
        return Counter(
            answer.server
            for answer in self._answers
            if answer.service == service and answer.began >= since and answer.server
        )

    def _failures(self, service: str, since: float) -> list[Answer]:
        return [a for a in self._answers if a.service == service and a.began >= since and a.server is None]

    def _is_excused(self, answer: Answer) -> bool:
        return any(s == answer.service and a <= answer.began < b for s, a, b in self._excused)
