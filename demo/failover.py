"""The second story: a director dies, another takes over, the first returns, and hands over in peace."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from signal import SIGTERM
from typing import Any

import trustme
from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.ssl import Certificate
from twisted.internet.task import deferLater

from demo.case_study import (
    ADVERT_S,
    CHECKED,
    CLIENTS,
    DIRECTORS,
    GROUPS,
    HIGH,
    LOW,
    MAIL_SERVER,
    SECURED,
    SERVERS,
    WEB,
    addresses_of,
    keepalived_conf,
    master_down_s,
    skew_s,
)
from demo.clients import RETRY, Answer, PatientClients, tcp_endpoint, tls_endpoint, web_page
from demo.daemon import PATIENCE, Daemon
from demo.mailbox import Mailbox
from demo.pair import Pair
from demo.processes import Child
from demo.report import Report
from demo.servers import listening, page_digest, start_server

WATCH = 1.5
#: New clients a second; those that wait for a new master retry, and must not wear a slow machine out.
RATES = {"http": 20, "https": 10}
# What a busy machine may add to a wait before the row is a failure.
LEEWAY = 0.75
TELLING = re.compile(r"^\(VI_\d\) [EeRBM]|VRRP_Group|rror|Traceback|dropped")


class Failover:
    """The story's people and things.  ``folder``: for files, removed by whoever made it."""

    def __init__(self, reactor: Any, pair: Pair, folder: Path, report: Report) -> None:
        self._reactor, self._pair, self._folder, self._report = reactor, pair, folder, report
        self._servers: dict[str, Child] = {}
        self._daemons: dict[int, Daemon] = {}
        self._clients: list[PatientClients] = []
        self._answers: list[Answer] = []
        self._mailbox: Any = None

    async def play(self) -> None:
        """Everything, in order; raises StoryError where it cannot go on."""
        ca = await self._start_servers()
        for director in DIRECTORS:
            await self._pair.power_on(self._reactor, director)
        digests = await self._digests()
        self._mailbox = self._reactor.listenTCP(25, Mailbox(self._mail), interface=MAIL_SERVER)
        for director in DIRECTORS:
            (self._folder / f"director{director}").mkdir()
            self._conf(director).write_text(keepalived_conf(director, digests))
        await self._share()
        self._start_clients(ca)
        await self._all_well()
        await self._kill()
        await self._return()
        await self._hand_over()
        await self._count_unanswered()
        await self._stop()

    @property
    def logs(self) -> dict[str, list[str]]:
        """What the daemons wrote, by director."""
        return {f"director{number}": daemon.output for number, daemon in self._daemons.items()}

    async def close(self) -> None:
        """End everything that was started."""
        for clients in self._clients:
            clients.stop()
        for daemon in self._daemons.values():
            daemon.hush()
        running: list[Child | Daemon] = [*self._servers.values(), *self._daemons.values()]
        await gatherResults([Deferred.fromCoroutine(each.end()) for each in running])
        if self._mailbox is not None:
            await self._mailbox.stopListening()

    # --- setting the stage -----------------------------------------------------------

    async def _start_servers(self) -> Certificate:
        authority, pem = trustme.CA(), self._folder / "director.pem"
        authority.issue_cert(SECURED).private_key_and_cert_chain_pem.write_to_path(pem)
        for name, address in SERVERS.items():
            listeners = ["http=80", f"https=443,{pem}"]
            server = start_server(self._reactor, self._pair.servers, name, address, listeners)
            self._servers[name] = server
        for name, server in self._servers.items():
            await listening(name, server)
        return Certificate.loadPEM(authority.cert_pem.bytes())

    async def _digests(self) -> Mapping[tuple[str, str], str]:
        digests = {}
        for name, pages in CHECKED.items():
            for page in pages:
                director = self._pair.director(1)
                digests[name, page] = await page_digest(self._reactor, director, SERVERS[name], 80, page)
        return digests

    def _conf(self, director: int) -> Path:
        return self._folder / f"director{director}" / "keepalived.conf"

    def _start_daemon(self, director: int) -> None:
        conf = self._conf(director)
        host, plane, name = self._pair.director(director), self._pair.plane, f"director{director}"

        def tell(line: str) -> None:
            if TELLING.search(line):
                self._report.event(name, line, "dim")

        self._daemons[director] = Daemon(self._reactor, host, conf, plane, conf.parent, tell)

    def _start_clients(self, ca: Certificate) -> None:
        def tcp(address: str, port: int) -> Callable[[str], Any]:
            return partial(tcp_endpoint, self._reactor, address, port, timeout=RETRY)

        secured = tls_endpoint(tcp(SECURED, 443), SECURED, ca)
        services = (("http", RATES["http"], WEB, tcp(WEB, 80)), ("https", RATES["https"], SECURED, secured))
        for service, rate, address, endpoint in services:
            page, note = partial(web_page, address), self._answers.append
            clients = PatientClients(self._reactor, service, rate, CLIENTS, note, endpoint, page)
            clients.start()
            self._clients.append(clients)

    # --- the scenes --------------------------------------------------------------------

    async def _share(self) -> None:
        since = self._reactor.seconds()
        for director in DIRECTORS:
            self._start_daemon(director)
        self._report.event(
            "start", f"both directors, as twistd keepalived: plane {self._pair.plane}", "yellow"
        )
        first = await self._masters(1, "VG1", since)
        second = await self._masters(2, "VG2", since)
        await self._served()
        seen = f"after {max(first, second) - since:.1f} s, {master_down_s(HIGH):.2f} s of them silence"
        self._own("both directors start", "each is master of its group", seen, {"VG1": 1, "VG2": 2})

    async def _all_well(self) -> None:
        since = self._reactor.seconds()
        await self._pause(WATCH)
        self._waits("clients wait", self._at_most(0.0), since, 0.0)

    async def _kill(self) -> None:
        self._report.event("kill", "director1: its daemon (SIGKILL), and its power", "yellow")
        since = self._reactor.seconds()
        self._daemons[1].child.signal("KILL")
        await self._pair.power_off(self._reactor, 1)
        taken = await self._masters(2, "VG1", since)
        await self._pause(WATCH)
        self._own(
            "director1 killed", "director2 has all", f"after {taken - since:.2f} s", {"VG1": 2, "VG2": 2}
        )
        limit = master_down_s(LOW)
        sum_of_it = f"from the last advert {3 * ADVERT_S:g} s + skew {skew_s(LOW):.2f} s = {limit:.2f} s"
        self._report.event(
            "VRRP", f"allows {sum_of_it}; director2 was master {taken - since:.2f} s after the kill"
        )
        self._waits("killed: clients wait", self._at_most(limit), since, limit)

    async def _return(self) -> None:
        await self._pair.power_on(self._reactor, 1)
        self._report.event("back", "director1 boots and starts again", "yellow")
        since = self._reactor.seconds()
        self._start_daemon(1)
        taken = await self._masters(1, "VG1", since)
        await self._gone(2, since)
        await self._pause(WATCH)
        self._own(
            "director1 returns", "takes its group back", f"after {taken - since:.2f} s", {"VG1": 1, "VG2": 2}
        )
        self._waits("back: clients wait", self._at_most(0.0), since, 0.0)

    async def _hand_over(self) -> None:
        self._report.event("stop", "director1 is told to stop (TERM): priority 0 hands over", "yellow")
        since = self._reactor.seconds()
        ending = Deferred.fromCoroutine(self._daemons[1].end())
        taken = await self._masters(2, "VG1", since)
        status = await ending
        await self._pause(WATCH)
        good = status in (0, -SIGTERM)
        seen = f"after {taken - since:.2f} s" + ("" if good else f", status {status}")
        self._own("director1 stopped", "director2 has all", seen, {"VG1": 2, "VG2": 2}, good)
        self._waits("stopped: clients wait", self._at_most(skew_s(LOW)), since, skew_s(LOW))

    async def _count_unanswered(self) -> None:
        await gatherResults([Deferred.fromCoroutine(clients.finish()) for clients in self._clients])
        unanswered = [answer for answer in self._answers if answer.server is None]
        seen = f"{len(unanswered)} of {len(self._answers)}"
        if unanswered:
            seen += f": {unanswered[-1].service}, {unanswered[-1].reason}"
        self._report.row("clients never answered", "none", seen, not unanswered)

    async def _stop(self) -> None:
        since = self._reactor.seconds()
        status = await self._daemons[2].end()
        took = f"{1000 * (self._reactor.seconds() - since):.0f} ms"
        left = self._pair.holds(2) & (addresses_of("VG1") | addresses_of("VG2"))
        good = status in (0, -SIGTERM) and not left
        seen = f"ended after {took}" if good else f"status {status}, left {', '.join(left) or 'nothing'}"
        self._report.row("director2 stopped (TERM)", "ends, addresses gone", seen, good)

    # --- looking and listening -------------------------------------------------------------

    async def _masters(self, director: int, group: str, since: float) -> float:
        """When a director was master of a whole group."""
        lines = [f"({name}) Entering MASTER STATE" for name in GROUPS[group]]
        return max([await self._daemons[director].time(since, line) for line in lines])

    async def _gone(self, director: int, since: float) -> None:
        for name in GROUPS["VG1"]:
            await self._daemons[director].time(since, f"({name}) Entering BACKUP STATE")

    async def _served(self) -> None:
        """Until each director knows its pools: the clients' first answers shall not have to wait."""
        for director in DIRECTORS:
            daemon = self._daemons[director]
            for virtual in (f"[{WEB}]:tcp:80", f"[{SECURED}]:tcp:443"):
                await daemon.time(0.0, f"for VS {virtual}")

    def _own(
        self, step: str, expected: str, seen: str, masters: Mapping[str, int], good: bool = True
    ) -> None:
        """A row about who holds whose addresses; nobody else may."""
        wrong = []
        for director in self._pair.running:
            held = self._pair.holds(director)
            for group, master in masters.items():
                due = addresses_of(group) if master == director else frozenset()
                if held & addresses_of(group) != due:
                    wrong.append(f"director{director} holds {len(held & addresses_of(group))} of {group}")
        self._report.row(step, expected, "; ".join([seen, *wrong]), good and not wrong)

    def _waits(self, step: str, words: str, since: float, limit: float) -> None:
        """A row about the longest wait of any client since then, which retries as patient clients do."""
        answers = [answer for answer in self._answers if answer.ended >= since]
        longest = max((answer.ended - answer.began for answer in answers), default=PATIENCE)
        again = sum(1 for answer in answers if answer.tries > 1)
        seen = f"longest {longest:.2f} s; {again} of {len(answers)} tried again"
        good = longest <= limit + RETRY + LEEWAY
        self._report.event("clients", f"wait: {seen}", "bold")
        self._report.row(step, words, seen, good)

    def _at_most(self, limit: float) -> str:
        return f"at most {limit:.2f} s + a retry" if limit else "at most a retry"

    def _mail(self, subject: str) -> None:
        self._report.event("mail", subject, "dim")

    def _pause(self, seconds: float) -> Deferred[None]:
        return deferLater(self._reactor, seconds)
