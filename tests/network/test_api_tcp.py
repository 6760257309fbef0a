"""The API over TCP on a running daemon: tokens, TLS, reloads, wrong files, and who tries what he may not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.network.api_client import NAME, PORT, Director, connect, request
from tests.network.vrrp_lan import Host, lan, needs_lan, wait_for

pytestmark = needs_lan
OURS = """
vrrp_instance VI_1 {
    interface eth0
    virtual_router_id 51
    version 3
    advert_int 0.1
    priority 150
    virtual_ipaddress {
        10.77.0.100/24
    }
}
virtual_server 10.77.0.100 80 {
    delay_loop 60
    lb_algo rr
    lb_kind NAT
    protocol TCP
    real_server 10.77.0.2 81 {
    }
}
"""
LOCAL, FAR = f"127.0.0.1 {PORT}", f"10.77.0.1 {PORT}"
WISH = {"target": "VI_1", "action": "prefer", "reason": "a test"}


@pytest.fixture(scope="module")
def hosts() -> Iterator[tuple[Host, Host]]:
    with lan(2) as (one, two):
        yield one, two


@pytest.fixture
def director(hosts: tuple[Host, Host], tmp_path: Path) -> Iterator[Director]:
    made = Director(hosts[0], tmp_path, OURS)
    yield made
    if made.daemon is not None:
        made.daemon.stop()


def begin(director: Director, configuration: str, says: str = "API: listening") -> None:
    daemon = director.start(configuration)
    wait_for(lambda: daemon.says(says), f"for {says}: {daemon.lines}")
    wait_for(lambda: daemon.says("Startup complete"))


def reload(director: Director, configuration: str) -> None:
    assert director.daemon is not None
    director.daemon.reload_and_wait(configuration)


def test_plain_http_is_for_this_host_and_what_is_public(director: Director, hosts: tuple[Host, Host]) -> None:
    one, two = hosts
    begin(director, director.configuration(f"{LOCAL} {FAR} ::1 {PORT}", public="health"))
    assert director.ask(one, "/api/v1/status", token="read").json["vrrp"]["instances"][0]["name"] == "VI_1"
    assert director.ask(one, "/api/v1/status", token="read", address="::1").status == 200
    with director.connected(one) as connection:
        read, control = director.tokens["read"], director.tokens["control"]
        assert request(connection, "PUT", "/api/v1/overrides", body=WISH).status == 401
        assert request(connection, "PUT", "/api/v1/overrides", "wrong", WISH).status == 401
        refused = request(connection, "PUT", "/api/v1/overrides", read, WISH)
        assert (refused.status, "control" in refused.json["remedy"]) == (403, True)
        done = request(connection, "PUT", "/api/v1/overrides", control, WISH)
        assert done.status == 200
        assert request(connection, "DELETE", "/api/v1/overrides?target=VI_1", control).status == 200
    # From elsewhere, where anybody may read along, not even a good token is taken.
    assert director.ask(two, "/health/live", address="10.77.0.1").status == 200
    assert director.ask(two, "/api/v1/status", address="10.77.0.1").status == 401
    for path in ("/api/v1/status", "/health/live"):
        assert director.ask(two, path, address="10.77.0.1", token="control").status == 403
    with director.connected(two, "10.77.0.1") as connection:
        assert request(connection, "PUT", "/api/v1/overrides", control, WISH).status == 403
    assert director.daemon is not None
    lines = director.daemon.lines
    assert "the-control (127.0.0.1)" in lines
    assert not any(token in lines for token in director.tokens.values())


def test_a_foreign_name_and_odd_paths_get_nothing(director: Director, hosts: tuple[Host, Host]) -> None:
    one, _ = hosts
    begin(director, director.configuration(LOCAL))
    token = director.tokens["control"]
    with director.connected(one) as connection:
        for host, status in ((NAME, 200), ("localhost", 200), ("rebinding.example", 421), ("10.77.0.1", 421)):
            assert request(connection, "GET", "/api/v1/status", token, Host=host).status == status
        for path in (
            "/../../etc/passwd",
            "/api/v1/../../../etc/shadow",
            "/%2e%2e/%2e%2e/etc/passwd",
            "//api/v1/status",
            "/api/v1/status/",
            "/api/v1/status;x",
            "/api/v1/%73tatus",
            "/" + "a" * 10_000,
        ):
            answer = request(connection, "GET", path, token)
            assert (answer.status, "error" in answer.json) == (404, True), path
        assert request(connection, "GET", "http://rebinding.example/health/live", token).status == 421
        assert request(connection, "TRACE", "/api/v1/status", token).status == 405
        assert request(connection, "GET", "/api/v1/status?" + "a=1&" * 50, token).status == 400


def test_https_with_tokens_of_both_roles(director: Director, hosts: tuple[Host, Host]) -> None:
    _, two = hosts
    begin(director, director.configuration(FAR, tls=True), f"API: listening on https://10.77.0.1:{PORT}")
    with director.connected(two, "10.77.0.1", tls=True) as connection:
        read, control = director.tokens["read"], director.tokens["control"]
        assert request(connection, "GET", "/api/v1/status", read).status == 200
        assert request(connection, "GET", "/metrics", read).body.startswith(b"# HELP keepalived_up ")
        assert request(connection, "PUT", "/api/v1/overrides", read, WISH).status == 403
        assert request(connection, "PUT", "/api/v1/overrides", control, WISH).status == 200
        assert request(connection, "DELETE", "/api/v1/overrides?target=VI_1", control).status == 200
        assert request(connection, "GET", "/api/v1/status").status == 401
    with connect(two, "10.77.0.1") as plain:
        plain.sendall(b"GET /health/live HTTP/1.1\r\nHost: 10.77.0.1\r\n\r\n")
        assert b"HTTP" not in plain.recv(4096)


def test_a_reload_of_files_and_addresses(director: Director, hosts: tuple[Host, Host]) -> None:
    one, two = hosts
    text = director.configuration(FAR, tls=True)
    begin(director, text)
    daemon = director.daemon
    assert daemon is not None
    old = director.tokens["read"]
    with director.connected(two, "10.77.0.1", tls=True) as lives:
        assert request(lives, "GET", "/api/v1/status", old).status == 200
        shown = lives.sock.getpeercert(True)
        # Another certificate, other tokens, one address more.
        director.write_certificate()
        director.write_tokens("read", "control")
        both = director.configuration(f"{FAR} {LOCAL}", tls=True)
        reload(director, both)
        wait_for(lambda: daemon.says(f"API: listening on https://127.0.0.1:{PORT}"))
        assert request(lives, "GET", "/api/v1/status", old).status == 401
        assert request(lives, "GET", "/api/v1/status", director.tokens["read"]).status == 200
        assert director.ask(one, "/api/v1/status", token="read", tls=True).status == 200
        with director.connected(two, "10.77.0.1", tls=True) as newcomer:
            assert newcomer.sock.getpeercert(True) != shown
        # Files that are wrong: told, and what was good stays so.
        good = {name: (director.directory / name).read_bytes() for name in ("tokens", "pem")}
        (director.directory / "tokens").write_text("read somebody\n")
        (director.directory / "pem").write_text("nonsense")
        reload(director, both)
        wait_for(lambda: daemon.says("tokens: line 1: that is not ROLE NAME sha256:HASH"))
        assert daemon.says("that is no certificate in PEM: the one before it stays")
        assert director.ask(two, "/api/v1/status", token="read", address="10.77.0.1", tls=True).status == 200
        for name, data in good.items():
            (director.directory / name).write_bytes(data)
        # An address less: who came by the other one does not notice.
        reload(director, text)
        wait_for(lambda: not accepts(one, "127.0.0.1"))
        assert request(lives, "GET", "/api/v1/status", director.tokens["read"]).status == 200


def test_an_address_that_is_not_there_yet(director: Director, hosts: tuple[Host, Host]) -> None:
    """Such as the virtual one: where it goes, the API goes."""
    one, two = hosts
    begin(
        director,
        director.configuration(f"10.77.0.100 {PORT} 10.77.0.200 {PORT}", public="health"),
        f"API: listening on http://10.77.0.200:{PORT}",
    )
    wait_for(lambda: one.holds("10.77.0.100"))
    assert director.ask(two, "/health/live", address="10.77.0.100").status == 200
    one.ip("address", "add", "10.77.0.200/24", "dev", "eth0")
    assert director.ask(two, "/health/live", address="10.77.0.200").status == 200
    one.ip("address", "del", "10.77.0.200/24", "dev", "eth0")


def test_a_port_that_another_has_is_waited_for(director: Director, hosts: tuple[Host, Host]) -> None:
    one, _ = hosts
    taken = one.run("python3", "-m", "http.server", "--bind", "127.0.0.1", str(PORT))
    try:
        wait_for(lambda: accepts(one, "127.0.0.1"))
        begin(director, director.configuration(LOCAL, public="health"), "cannot listen on 127.0.0.1")
    finally:
        taken.kill()
        taken.communicate()
    daemon = director.daemon
    assert daemon is not None
    wait_for(lambda: daemon.says(f"API: listening on http://127.0.0.1:{PORT}"))
    assert director.ask(one, "/health/live").status == 200


def accepts(host: Host, address: str) -> bool:
    """Whether anybody listens there."""
    try:
        connect(host, address).close()
    except OSError:
        return False
    return True
