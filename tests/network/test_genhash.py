"""genhash beside Debian's, and checks with its digests, on nginx and on small servers of exact bytes."""

from __future__ import annotations

import hashlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path

import attrs
import pytest
import pytest_twisted
import trustme
from twisted.internet import reactor

from kaltwisted.config import model
from kaltwisted.config.model import CheckTiming, Connection, HttpCheck, TlsOptions, Url
from kaltwisted.healthcheck.build import build_check
from kaltwisted.healthcheck.known import Known
from kaltwisted.testing.healthcheck import FakeScripts

pytestmark = pytest.mark.network

DEBIAN = shutil.which("genhash", path="/usr/bin")
NGINX = shutil.which("nginx", path="/usr/sbin:/usr/bin")
PAGES = {
    "index.html": b"<html>the page</html>\n",
    "empty": b"",
    "large": b"0123456789abcdef" * 655360,
}


@attrs.frozen
class Web:
    """A running nginx: ``www.example.org`` has other pages than any other name; TLS asks SNI."""

    http: int
    https: int
    ca_file: str
    key: str


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Web]:
    if NGINX is None:
        pytest.skip("nginx is not installed")
    home = tmp_path_factory.mktemp("nginx")
    home.chmod(0o755)
    for name in ("any", "www"):
        (home / name).mkdir()
        for page, body in PAGES.items():
            (home / name / page).write_bytes(body if name == "any" else body + b"of www")
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(home / "ca.pem"))
    for name in ("any.example.org", "www.example.org"):
        authority.issue_cert(name).private_key_and_cert_chain_pem.write_to_path(str(home / f"{name}.pem"))
    ports = free_port(), free_port()
    hosts = "".join(
        f"server {{ listen 127.0.0.1:{ports[0]}; listen 127.0.0.1:{ports[1]} ssl; server_name {name};"
        f" root {home}/{root}; ssl_certificate {home}/{name}.pem; ssl_certificate_key {home}/{name}.pem; }}\n"
        for name, root in (("any.example.org", "any"), ("www.example.org", "www"))
    )
    temporary = "".join(
        f"{kind}_temp_path {home}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (home / "nginx.conf").write_text(
        f"daemon off; master_process off; pid {home}/pid; error_log {home}/error.log;\n"
        f"events {{}}\nhttp {{ access_log off; {temporary}\n{hosts}}}\n"
    )
    server = subprocess.Popen([NGINX, "-c", str(home / "nginx.conf"), "-e", str(home / "error.log")])
    try:
        for port in ports:
            wait_for(port)
        yield Web(*ports, ca_file=str(home / "ca.pem"), key=str(home / "www.example.org.pem"))
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(10)


def wait_for(port: int) -> None:
    for _ in range(500):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise AssertionError(f"nothing listens on port {port}")


@pytest.fixture
def exact() -> Iterator[dict[str, bytes]]:
    """A server that answers every connection with ``answer``, byte for byte; its port is ``port``."""
    said: dict[str, bytes] = {"answer": b""}
    listener = socket.create_server(("127.0.0.1", 0))
    said["port"] = b"%d" % listener.getsockname()[1]

    def serve() -> None:
        while True:
            try:
                connection, _peer = listener.accept()
            except OSError:
                return
            with connection:
                connection.settimeout(5)
                connection.recv(4096)
                connection.sendall(said["answer"])

    thread = threading.Thread(target=serve)
    thread.start()
    yield said
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    thread.join()


def ours(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from kaltwisted.genhash import main; main()", *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def debian(*words: str) -> str:
    """What Debian's genhash says; its options are ours where they mean the same."""
    if DEBIAN is None:
        pytest.skip("Debian's genhash is not installed")
    return subprocess.run(
        [DEBIAN, *words], capture_output=True, text=True, timeout=60, check=True
    ).stdout.strip()


def digest(*words: str) -> str:
    result = ours("--quiet", *words)
    assert (result.returncode, result.stderr) == (0, "")
    return result.stdout.strip()


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("options", [(), ("-V", "www.example.org")])
@pytest.mark.parametrize("tls", [False, True])
def test_nginx_s_pages_have_debian_s_digests(
    web: Web, page: str, options: tuple[str, ...], tls: bool
) -> None:
    port = web.https if tls else web.http
    words = ("-s", "127.0.0.1", "-p", str(port), "-u", f"/{page}", *(["-S"] if tls else []), *options)
    expected = hashlib.md5(PAGES[page] + (b"of www" if options else b"")).hexdigest()
    assert digest(*words) == debian(*words) == expected


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
        b"HTTP/1.0 200 OK\r\ncontent-length: 3\r\n\r\nabcdef",
        b"HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\nabcdef",
        b"HTTP/1.0 200 OK\r\nX-Content-Length: 3\r\n\r\nabcdef",
        b"HTTP/1.0 200 OK\r\nContent-Length: 3x\r\n\r\nabcdef",
        b"HTTP/1.0 200 OK\r\nContent-Length : 3\r\n\r\nabcdef",
        b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\nabcdef",
        b"HTTP/1.0 500 Oops\r\n\r\nabcdef",
        b"HTTP/1.0 200 OK\r\n\r\n",
    ],
)
def test_exact_bytes_have_debian_s_digests(exact: dict[str, bytes], answer: bytes) -> None:
    exact["answer"] = answer
    words = ("-s", "127.0.0.1", "-p", exact["port"].decode(), "-u", "/")
    assert digest(*words) == debian(*words)


def test_the_dump_shows_the_bytes_that_debian_s_shows(web: Web) -> None:
    words = ("-s", "127.0.0.1", "-p", str(web.http), "-u", "/index.html")
    shown = ours(*words)
    assert shown.returncode == 0
    line = re.compile(r"^[0-9a-f]{4} +((?:[0-9a-f]{2} |- )+)", re.MULTILINE)
    mine = "".join(line.findall(shown.stdout)).replace("-", "").split()
    theirs = "".join(line.findall(debian("-v", *words))).replace("-", "").split()
    assert mine == theirs[: len(mine)]
    assert shown.stdout.splitlines()[-1] == f"MD5 Digest : {hashlib.md5(PAGES['index.html']).hexdigest()}"


def test_a_client_certificate_is_shown_and_its_password_used(web: Web, tmp_path: Path) -> None:
    locked = tmp_path / "key.pem"
    subprocess.run(
        ["openssl", "pkcs8", "-topk8", "-in", web.key, "-passout", "pass:secret", "-out", str(locked)],
        check=True,
    )
    words = ("-S", "-s", "127.0.0.1", "-p", str(web.https), "-u", "/empty", "-C", web.key, "-K", str(locked))
    assert digest(*words, "-P", "secret") == "d41d8cd98f00b204e9800998ecf8427e"
    for wrong in (words, (*words, "-P", "wrong")):
        result = ours(*wrong)
        assert result.returncode == 1
        assert "password" in result.stderr


def test_every_failure_has_a_message_and_a_status(web: Web, exact: dict[str, bytes]) -> None:
    closed = str(free_port())
    exact["answer"] = b"SSH-2.0-OpenSSH\r\n"
    strange = exact["port"].decode()
    silent = socket.create_server(("127.0.0.1", 0))
    for words, text in (
        (("-p", closed), "Connection refused"),
        (("-p", strange), "not HTTP"),
        (("-p", strange, "-S"), "SSL handshake"),
        (("-p", str(silent.getsockname()[1]), "-t", "0.3"), "timeout"),
        (("-p", str(web.https), "-S", "-C", "/nonexistent"), "No such file"),
        (("-p", "x"), "port x"),
        (("--nonsense",), "nonsense"),
    ):
        result = ours("-s", "127.0.0.1", *words)
        assert (result.returncode, result.stdout) == (1, ""), words
        assert text in result.stderr
        assert result.stderr.startswith("genhash: ")
    silent.close()


def test_twistd_and_twist_have_it_too(web: Web, tmp_path: Path) -> None:
    words = ("genhash", "--quiet", "-s", "127.0.0.1", "-u", "/empty", "-p")
    for tool in (("twistd", "-n", "--pidfile="), ("twist",)):
        command = [str(Path(sys.executable).with_name(tool[0])), *tool[1:], *words]
        good, bad = (
            subprocess.run([*command, str(port)], capture_output=True, text=True, cwd=tmp_path, timeout=60)
            for port in (web.http, free_port())
        )
        assert good.returncode == 0
        assert "d41d8cd98f00b204e9800998ecf8427e" in good.stdout.splitlines()
        assert bad.returncode == 1
        assert "genhash: connection failed: Connection refused" in bad.stderr


def test_a_large_page_is_dumped_in_constant_memory(web: Web) -> None:
    code = (
        "import atexit, sys; from kaltwisted.genhash import main\n"
        "atexit.register(lambda: sys.stderr.write(open('/proc/self/status').read())); main()"
    )
    command = [sys.executable, "-c", code, "-s", "127.0.0.1", "-p", str(web.http), "-u", "/large"]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert result.stdout.count("\n") > len(PAGES["large"]) // 16
    # About 48 MB are Python's and Twisted's; the page has 10 MB, its dump 45 MB.
    assert int(re.findall(r"VmHWM:\s+(\d+)", result.stderr)[0]) < 56 * 1024


@pytest.mark.parametrize("tls", [None, TlsOptions(), TlsOptions(enable_sni=True, verify_name="")])
@pytest_twisted.ensureDeferred
async def test_checks_accept_genhash_s_digests(web: Web, tls: TlsOptions | None) -> None:
    address = ip_address("127.0.0.1")
    connection = Connection(address, web.https if tls else web.http)
    urls = tuple(
        Url(f"/{page}", hashlib.md5(body + b"of www").hexdigest(), virtualhost="www.example.org")
        for page, body in PAGES.items()
    )
    if tls is not None:
        tls = attrs.evolve(tls, ca_file=web.ca_file)
    check = HttpCheck(CheckTiming(), connection, urls, tls=tls)
    service = model.VirtualServer(model.VirtualAddress(address, 80))

    def build(wanted: HttpCheck):  # type: ignore[no-untyped-def]
        server = model.RealServer(address, connection.port)
        return build_check(wanted, server, service, reactor, FakeScripts(), Known())

    outcome = await build(check).run()
    assert outcome.good, outcome
    changed = attrs.evolve(check, urls=(*urls[:2], attrs.evolve(urls[2], digest="0" * 32)))
    outcome = await build(changed).run()
    assert outcome.reason == "MD5 digest error to"
