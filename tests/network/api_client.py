"""A director whose API is asked over TCP from its own host and from another one."""

from __future__ import annotations

import ctypes
import http.client
import json
import os
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import attrs
import trustme

from kaltwisted.api.tokens import new
from tests.network.vrrp_lan import Host, Router

T = TypeVar("T")
_CLONE_NEWNET = 0x40000000
PORT = 9650
NAME = "lb.example.net"


def inside(host: Host, make: Callable[[], T]) -> T:
    """Call ``make`` on a host; the sockets that it opens stay there."""
    libc = ctypes.CDLL(None, use_errno=True)
    with Path("/proc/self/ns/net").open("rb") as home, Path("/run/netns", host.namespace).open("rb") as there:
        if libc.setns(there.fileno(), _CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), f"cannot enter {host.namespace}")
        try:
            return make()
        finally:
            if libc.setns(home.fileno(), _CLONE_NEWNET):
                os._exit(70)  # in the wrong network nothing must go on


def connect(host: Host, address: str, port: int = PORT) -> socket.socket:
    """A connection of a client on that host."""
    return inside(host, lambda: socket.create_connection((address, port), 10))


@attrs.frozen
class Answered:
    """What a client got."""

    status: int
    body: bytes
    headers: dict[str, str]

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Director:
    """The daemon on a host, with files for its API; ``tokens``: by role."""

    def __init__(self, host: Host, directory: Path, more: str = "") -> None:
        self.host = host
        self.directory = directory
        self.more = more
        self.tokens: dict[str, str] = {}
        self.authority = trustme.CA()
        self.write_tokens("read", "control")
        self.write_certificate()
        self.daemon: Router | None = None

    def write_tokens(self, *roles: str) -> None:
        """A file of new ones."""
        made = {role: new(role, f"the-{role}") for role in roles}
        self.tokens.update({role: token for role, (token, _) in made.items()})
        path = self.directory / "tokens"
        path.write_text("".join(f"{line}\n" for _, line in made.values()))
        path.chmod(0o600)

    def write_certificate(self) -> None:
        """A new one, with its key in the same file."""
        issued = self.authority.issue_cert(NAME, "10.77.0.1", "127.0.0.1")
        issued.private_key_and_cert_chain_pem.write_to_path(self.directory / "pem")

    def configuration(self, listen: str, *, tls: bool = False, public: str = "", names: str = NAME) -> str:
        """Ours, with the API there."""
        lines = [f"api_listen {listen}" if listen else "", f"api_tokens {self.directory}/tokens"]
        lines += [f"api_certificate {self.directory}/pem"] if tls else []
        lines += [f"api_public {public}"] if public else []
        lines += [f"api_names {names}"] if names else []
        return "global_defs {\n" + "".join(f"    {line}\n" for line in lines) + "}\n" + self.more

    def start(self, configuration: str) -> Router:
        """Run it."""
        self.daemon = self.host.daemon(configuration, options=("--data-plane", "userspace"))
        return self.daemon

    @property
    def context(self) -> ssl.SSLContext:
        """For clients that trust its authority."""
        context = ssl.create_default_context()
        self.authority.configure_trust(context)
        return context

    @contextmanager
    def connected(
        self, client: Host, address: str = "127.0.0.1", *, tls: bool = False, port: int = PORT
    ) -> Iterator[http.client.HTTPConnection]:
        """A connection that lives on."""
        connection = http.client.HTTPConnection(address, port, timeout=20)
        connection.sock = connect(client, address, port)
        if tls:
            connection.sock = self.context.wrap_socket(connection.sock, server_hostname=address)
        try:
            yield connection
        finally:
            connection.close()

    def ask(self, client: Host, path: str, *, token: str = "", **way: Any) -> Answered:
        """One GET on a connection of its own; ``token``: the name of one."""
        with self.connected(client, **way) as connection:
            return request(connection, "GET", path, self.tokens.get(token, token))


def request(
    connection: http.client.HTTPConnection,
    method: str,
    path: str,
    token: str = "",
    body: Any = None,
    **headers: str,
) -> Answered:
    """One request on a connection, and its answer."""
    if token:
        headers["Authorization"] = f"Bearer {token}"
    connection.request(method, path, None if body is None else json.dumps(body), headers)
    response = connection.getresponse()
    return Answered(response.status, response.read(), dict(response.getheaders()))
