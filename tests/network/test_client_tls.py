"""The block ``SSL``: servers that want to see a certificate, asked by the whole daemon."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from kaltwisted.daemon.reading import ConfigurationFile

from .daemon import daemon, free_port, wait_for

pytestmark = pytest.mark.network
PASSWORD = "open-sesame"


class Demanding:
    """A web server over TLS that answers who shows a certificate of its authority.

    ``shown``: of whom.  ``orderly``: connections that ended as TLS wants it (RFC 8446 §6.1, close_notify).
    """

    def __init__(self, authority: trustme.CA) -> None:
        self.shown: list[str] = []
        self.strangers = self.orderly = 0
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("127.0.0.1").configure_cert(self._context)
        authority.configure_trust(self._context)
        self._context.verify_mode = ssl.CERT_REQUIRED
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            with connection:
                connection.settimeout(5)
                try:
                    wrapped = self._context.wrap_socket(
                        connection, server_side=True, suppress_ragged_eofs=False
                    )
                    with wrapped as secured:
                        certificate = secured.getpeercert() or {}
                        secured.recv(1000)
                        self.shown += [str(name) for _, name in certificate.get("subjectAltName", ())]  # type: ignore[misc]
                        secured.sendall(b"HTTP/1.0 200 OK\r\nContent-Length: 4\r\n\r\npage")
                        self.orderly += secured.recv(1) == b""
                except OSError:  # what ssl raises is one, too
                    self.strangers += 1

    def stop(self) -> None:
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self._thread.join(10)


class Site:
    """Files of a director: ``show`` writes the certificate that it shows from the next reading on."""

    def __init__(self, authority: trustme.CA, folder: Path) -> None:
        self._authority = authority
        self.certificate, self.key, self.ca = (
            folder / name for name in ("client.pem", "client.key", "ca.pem")
        )
        authority.cert_pem.write_to_path(str(self.ca))
        self.show("first.example.org")

    def show(self, name: str) -> None:
        leaf = self._authority.issue_cert(name)
        self.certificate.write_bytes(b"".join(blob.bytes() for blob in leaf.cert_chain_pems))
        key = load_pem_private_key(leaf.private_key_pem.bytes(), None)
        locked = BestAvailableEncryption(PASSWORD.encode())
        self.key.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, locked))

    def block(self, password: str = PASSWORD, **files: object) -> str:
        paths = {"certificate": self.certificate, "key": self.key, "ca": self.ca} | files
        lines = [f"{word} {path}" for word, path in paths.items() if path is not None]
        return "SSL {\n" + "\n".join([f"password {password}", *lines]) + "\n}\n"


def pool(vip: int, port: int, *options: str) -> str:
    return f"""
virtual_server 127.0.0.1 {vip} {{
    lb_algo rr
    lb_kind NAT
    protocol TCP
    delay_loop 1
    warmup 0
    real_server 127.0.0.1 {port} {{
        SSL_GET {{
            retry 0
            {" ".join(options)}
            url {{
                path /
            }}
        }}
    }}
}}
"""


@pytest.fixture
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def site(authority: trustme.CA, tmp_path: Path) -> Site:
    return Site(authority, tmp_path)


@contextlib.contextmanager
def demanding(authority: trustme.CA) -> Iterator[Demanding]:
    server = Demanding(authority)
    try:
        yield server
    finally:
        server.stop()


def test_a_server_sees_it_and_a_renewed_one_after_a_reload(
    authority: trustme.CA, site: Site, tmp_path: Path
) -> None:
    """With ``ca`` also our verification goes by that authority; the pass phrase shows nowhere."""
    with demanding(authority) as server:
        vip = free_port("127.0.0.1")
        good = site.block() + pool(vip, server.port, "tls_verify")
        name = f"[127.0.0.1]:tcp:{server.port}"
        with daemon(good, tmp_path, "--data-plane=userspace", "-d") as director:
            director.says(f"Remote Web server {name} succeed on service.")
            wait_for(lambda: "first.example.org" in server.shown, "the first certificate")
            wait_for(lambda: server.orderly == len(server.shown), "the end of each connection")
            assert server.strangers == 0
            site.show("second.example.org")
            director.process.send_signal(1)
            wait_for(lambda: "second.example.org" in server.shown, "the second certificate")
            director.says("SSL_GET begins anew, as up or down as it was")

            # What cannot be used refuses the reload, and the one before stays.
            (tmp_path / "keepalived.conf").write_text(site.block("wrong") + pool(vip, server.port))
            director.process.send_signal(1)
            director.says("New config failed validation")
            # And without a certificate the server is down.
            (tmp_path / "keepalived.conf").write_text(pool(vip, server.port))
            director.process.send_signal(1)
            director.says(f"Removing service {name} from VS")
            assert server.strangers
            processes = [path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline") if path.exists()]
        assert PASSWORD not in director.log
        assert f"  Certificate file : {site.certificate}" in director.log
        assert not any(PASSWORD.encode() in line for line in processes)


@pytest.mark.parametrize(
    ("files", "password", "problem"),
    [
        ({"certificate": "/nowhere/c.pem"}, PASSWORD, "/nowhere/c.pem: No such file or directory"),
        ({"key": "/nowhere/k.pem"}, PASSWORD, "/nowhere/k.pem: No such file or directory"),
        ({"ca": "/nowhere/a.pem"}, PASSWORD, "/nowhere/a.pem: No such file or directory"),
        ({"certificate": "/etc/hostname"}, PASSWORD, "/etc/hostname and {key}: no certificate in PEM"),
        ({"ca": "/etc/hostname"}, PASSWORD, "/etc/hostname: no certificate in PEM"),
        ({}, "wrong", "{certificate} and {key}: no private key in PEM, or not its password"),
        ({"certificate": None}, PASSWORD, "{key}: a key without a certificate is of no use"),
    ],
)
def test_what_cannot_be_used_is_one_finding(
    site: Site, tmp_path: Path, files: dict[str, object], password: str, problem: str
) -> None:
    path = tmp_path / "keepalived.conf"
    path.write_text(site.block(password, **files) + pool(8443, 443))
    reading = ConfigurationFile(str(path), vrrp=False).read()
    [finding] = reading.findings
    assert finding.message == "SSL: " + problem.format(certificate=site.certificate, key=site.key)
    assert (finding.position.line, finding.consequence.test_status) == (1, 5)
    assert password not in repr(reading) + finding.message
    [server] = reading.configuration.virtual_servers[0].real_servers
    assert server.checks, "it runs without"


def test_a_key_that_tls_has_no_use_for(site: Site, tmp_path: Path) -> None:
    key = X25519PrivateKey.generate()
    site.key.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    path = tmp_path / "keepalived.conf"
    path.write_text(site.block() + pool(8443, 443))
    [finding] = ConfigurationFile(str(path), vrrp=False).read().findings
    assert "a private key of a kind that TLS has no use for" in finding.message


def test_a_key_of_another_certificate(site: Site, tmp_path: Path) -> None:
    certificate = site.certificate.read_bytes()
    site.show("other.example.org")
    site.certificate.write_bytes(certificate)
    path = tmp_path / "keepalived.conf"
    path.write_text(site.block() + pool(8443, 443))
    [finding] = ConfigurationFile(str(path), vrrp=False).read().findings
    assert "key values mismatch" in finding.message
