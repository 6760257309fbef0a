"""A pretended daemon: serves the page and the API's documents, and does at once what a test tells it.

For what a real daemon cannot be brought to in a second: ten thousand servers, a
stream that a proxy does not let through, no answer at all.  As a command
(``python -m tests.page.pretended [PORT] [large]``) it plays a site in which
something happens every few seconds.
"""

from __future__ import annotations

import json
import random
import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from kaltwisted.api.page.assets import HEADERS, INDEX, assets
from tests.page.pretended_site import down, large_site, small_site, up

JSON = "application/json"
GIVES_BACK = ("enable", "unweight", "resume", "release")
SERVICE, WEIGHT, CHECKS, ELECTION = {"drain", "disable"}, {"weight"}, {"pause"}, {"yield", "prefer"}
ASPECTS = {
    **dict.fromkeys(("drain", "disable", "enable"), SERVICE),
    **dict.fromkeys(("weight", "unweight"), WEIGHT),
    **dict.fromkeys(("pause", "resume"), CHECKS),
    **dict.fromkeys(("yield", "prefer", "release"), ELECTION),
}


class Pretended:
    """The daemon, and what is wrong with it: all of it may be changed while it runs.

    ``tokens``: the role of each; with none, everybody may control.  ``no_stream``: as behind a proxy that
    does not know streams.  ``asked``: the requests that changed something, and with which body.
    """

    def __init__(self, document: dict[str, Any]) -> None:
        self.document = document
        self.events: list[dict[str, Any]] = []
        self.tokens: dict[str, str] = {}
        self.no_stream = False
        self.broken = False
        self.requests: list[str] = []
        self.asked: list[tuple[str, str, Any]] = []
        self.changed = threading.Condition(threading.RLock())

    @property
    def servers(self) -> dict[str, dict[str, Any]]:
        """All real servers by their id."""
        services = self.document["checkers"]["virtual_servers"]
        return {each["id"]: each for service in services for each in service["real_servers"]}

    def event(
        self, kind: str, name: str, before: Any, after: Any, why: str | None = None, at: float | None = None
    ) -> None:
        """Tell everybody of something."""
        with self.changed:
            self.events.append(
                {
                    "id": len(self.events) + 1,
                    "at": at or time.time(),
                    "role": "vrrp" if kind == "instance" else "checkers",
                    "kind": kind,
                    "name": name,
                    "from": before,
                    "to": after,
                    "why": why,
                }
            )
            self.changed.notify_all()

    def fails(self, target: str, why: str = "connection refused") -> None:
        """A real server goes down."""
        with self.changed:
            down(self.servers[target], why)
            self.event("real_server", target, "up", "down", why)

    def recovers(self, target: str) -> None:
        """A real server comes up."""
        with self.changed:
            up(self.servers[target])
            self.event("real_server", target, "down", "up", None)

    def override(self, body: dict[str, Any], by: str) -> None:
        """As ``PUT /api/v1/overrides``."""
        with self.changed:
            target, action = body["target"], body["action"]
            kind = "real_server" if target in self.servers else "instance"
            target = target.removeprefix("instance/")
            self._drop(target, ASPECTS[action])
            if action not in GIVES_BACK:
                told = {"kind": kind, "at": time.time(), "by": by, "value": None, "reason": ""} | body
                told.pop("force", None)
                self.document["overrides"].append(told | {"target": target, "configured": True})
            self._settle(target)
            self.event("override", target, None, action, body.get("reason"))

    def costs_quorum(self, body: dict[str, Any]) -> bool:
        """Whether nobody would be left."""
        if body["action"] not in ("drain", "disable"):
            return False
        pool = body["target"].rpartition("/")[0]
        left = [
            each for name, each in self.servers.items() if name.startswith(pool) and name != body["target"]
        ]
        return not any(each["in_pool"] and each["effective_weight"] for each in left)

    def _drop(self, target: str, actions: set[str]) -> None:
        overrides = self.document["overrides"]
        overrides[:] = [
            each for each in overrides if each["target"] != target or each["action"] not in actions
        ]

    def _settle(self, target: str) -> None:
        actions = {e["action"]: e for e in self.document["overrides"] if e["target"] == target}
        server = self.servers.get(target)
        if server is not None:
            weight = actions["weight"]["value"] if "weight" in actions else server["weight"]
            server["effective_weight"] = 0 if "drain" in actions or not server["alive"] else weight
            server["in_pool"] = server["alive"] and "disable" not in actions
            for each in server["checks"]:
                each["paused"] = "pause" in actions
        for each in (self.document["vrrp"] or {"instances": ()})["instances"]:
            if each["name"] == target and "yield" in actions:
                each.update(state="BACKUP", priority=1, since=time.time())
                each["master"] = {"address": "10.0.0.2", "priority": 100}
                each["reasons"] = [
                    {
                        "kind": "override",
                        "name": "yield",
                        "value": None,
                        "points": -149,
                        "words": "yield, by root",
                    }
                ]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    daemon: Pretended

    def log_message(self, *_: Any) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        daemon = self.daemon
        url = urlsplit(self.path)
        query = {name: values[-1] for name, values in parse_qs(url.query).items()}
        daemon.requests.append(f"{self.command} {self.path}")
        if url.path == "/" or url.path.startswith("/page/"):
            return self._asset(INDEX if url.path == "/" else url.path.removeprefix("/page/"))
        if daemon.broken:
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
            return None
        role = self._role()
        if role is None:
            return self._json(
                {"error": f"{url.path} is not for everybody", "remedy": "send Authorization: Bearer TOKEN"},
                401,
            )
        length = int(self.headers.get("Content-Length", 0))
        body: Any = json.loads(self.rfile.read(length)) if length else None
        if self.command != "GET":
            if role != "control":
                return self._json(
                    {
                        "error": f"night may not {self.command} {url.path}",
                        "remedy": "it takes the role control",
                    },
                    403,
                )
            daemon.asked.append((self.command, self.path, body))
        match self.command, url.path:
            case "GET", "/api/v1/status":
                with daemon.changed:
                    document = daemon.document
                    document["daemon"]["uptime_s"] = time.time() - document["daemon"]["started"]
                    return self._json(document)
            case "GET", "/api/v1/access":
                return self._json({"role": role, "by": "night"})
            case "GET", "/api/v1/explain":
                return self._explain(query["name"])
            case "GET", "/api/v1/events":
                return self._events(int(query.get("after", 0)))
            case "PUT", "/api/v1/overrides":
                if daemon.costs_quorum(body) and not body.get("force"):
                    refusal = {
                        "error": "its pool has no quorum then",
                        "remedy": "force it to do it all the same",
                    }
                    return self._json(refusal, 409)
                daemon.override(body, "night")
                return self._json({})
            case "POST", "/api/v1/checks/run":
                ran = [{"kind": "TCP_CHECK", "result": "success", "latency_ms": 1.25}]
                return self._json({"checks": ran})
        return self._json({"error": "there is nothing at this path", "remedy": "try another"}, 404)

    do_PUT = do_DELETE = do_POST = do_GET

    def _role(self) -> str | None:
        if not self.daemon.tokens:
            return "control"
        return self.daemon.tokens.get(self.headers.get("Authorization", "").removeprefix("Bearer "))

    def _asset(self, name: str) -> None:
        asset = assets().get(name)
        if asset is None:
            return self._json({"error": "there is nothing at this path"}, 404)
        fresh = self.headers.get("If-None-Match") == asset.etag
        self.send_response(304 if fresh else 200)
        body = b"" if fresh else asset.body
        headers = {
            **HEADERS,
            "Content-Type": asset.content_type,
            "ETag": asset.etag,
            "Content-Length": str(len(body)),
        }
        for header, value in headers.items():
            self.send_header(header, value)
        self.end_headers()
        self.wfile.write(body)
        return None

    def _json(self, value: Any, code: int = 200) -> None:
        body = json.dumps(value).encode()
        self.send_response(code)
        self.send_header("Content-Type", JSON)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(body)

    def _explain(self, name: str) -> None:
        server = self.daemon.servers.get(name)
        if server is not None and not server["alive"]:
            sentences = [
                f"It is out of the pool because its check failed: {server['why']}.",
                "It comes back after one success.",
            ]
        elif server is not None and server["effective_weight"] == 0:
            sentences = [
                "Its checks succeed, but it is drained by hand.",
                "It keeps its connections and gets no new ones.",
            ]
        elif server is not None:
            sentences = [
                f"It takes clients with weight {server['effective_weight']}, as all its checks succeed."
            ]
        else:
            sentences = [f"{name} is as it is configured."]
        kind = "virtual_server" if server is None else "real_server"
        kind = kind if "/" in name else "instance"
        return self._json([{"name": name, "kind": kind, "sentences": sentences}])

    def _events(self, after: int) -> None:
        daemon = self.daemon
        if "text/event-stream" not in self.headers.get("Accept", "") or daemon.no_stream:
            return self._json({"events": daemon.events[after:], "last": len(daemon.events), "missed": False})
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Cache-Control", "no-store")
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True
        self.wfile.write(b": hello\n\n")
        try:
            while not daemon.broken and not daemon.no_stream:
                with daemon.changed:
                    fresh = daemon.events[after:]
                    if not fresh:
                        daemon.changed.wait(0.5)
                        fresh = daemon.events[after:]
                for event in fresh:
                    after = event["id"]
                    text = f"id: {after}\nevent: {event['kind']}\ndata: {json.dumps(event)}\n\n"
                    self.wfile.write(text.encode())
                if not fresh:
                    self.wfile.write(b":\n\n")
        except OSError:
            pass
        return None


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, *_: Any) -> None:
        """A browser that goes away is no error."""


@contextmanager
def serving(daemon: Pretended, port: int = 0) -> Iterator[str]:
    """Serve it on loopback; gives the address of its page."""
    handler = type("Handler", (_Handler,), {"daemon": daemon})
    server = _Server(("127.0.0.1", port), handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/"
    finally:
        daemon.broken = True
        server.shutdown()
        server.server_close()
        thread.join()


def latencies(daemon: Pretended, chance: random.Random) -> None:
    """All checks run once."""
    with daemon.changed:
        for server in daemon.servers.values():
            for each in server["checks"]:
                each["last_run"] = time.time()
                if each["up"]:
                    each["latency_ms"] = round(chance.lognormvariate(0.3, 0.4), 2)


def play(daemon: Pretended) -> None:
    """Something happens every few seconds, for ever."""
    chance = random.Random(3)
    while True:
        time.sleep(3)
        latencies(daemon, chance)
        target = chance.choice(sorted(daemon.servers))
        if daemon.servers[target]["alive"]:
            daemon.fails(
                target, chance.choice(["connection refused", "timeout after 3 s", "HTTP status 503"])
            )
        for each in chance.sample(sorted(daemon.servers), 3):
            if not daemon.servers[each]["alive"]:
                daemon.recovers(each)


if __name__ == "__main__":
    site = Pretended(large_site() if "large" in sys.argv else small_site())
    with serving(site, int(next((each for each in sys.argv if each.isdigit()), "8080"))) as address:
        print(address, flush=True)
        play(site)
