"""The page on a pair of directors that run, with clients at their virtual address."""

from __future__ import annotations

import http.client
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from kaltwisted.api.tokens import ROLES, new
from tests.network.vrrp_lan import Host, Router, lan, needs_lan, wait_for
from tests.page.gate import gate
from tests.page.test_page import button, node, wait_for_label, wait_for_words

if TYPE_CHECKING:
    from playwright.sync_api import Page

    Visit = Callable[..., Page]

pytestmark = needs_lan

VIRTUAL = "tcp/10.77.0.100:8080"
ONE, TWO = f"{VIRTUAL}/10.77.0.3:8001", f"{VIRTUAL}/10.77.0.3:8002"
CONFIGURATION = """
global_defs {{
  router_id lb{number}
  enable_script_security
}}
vrrp_script chk_up {{
  script "/bin/true"
  interval 1
  user root
}}
vrrp_instance VI_web {{
  state BACKUP
  interface eth0
  virtual_router_id 51
  priority {priority}
  advert_int 0.2
  version 3
  virtual_ipaddress {{ 10.77.0.100/24 }}
  track_script {{ chk_up }}
}}
virtual_server 10.77.0.100 8080 {{
  delay_loop 1
  lb_algo rr
  lb_kind NAT
  protocol TCP
  real_server 10.77.0.3 8001 {{ TCP_CHECK {{ connect_timeout 1 retry 0 }} }}
  real_server 10.77.0.3 8002 {{ TCP_CHECK {{ connect_timeout 1 retry 0 }} }}
}}
"""
CLIENT = """
import time, urllib.request
while True:
    try:
        urllib.request.urlopen("http://10.77.0.100:8080/", timeout=2).read()
        print("served", flush=True)
    except OSError as error:
        print(error, flush=True)
    time.sleep(0.05)
"""

GUARDED = """
global_defs {{
  api_listen 127.0.0.1 {port}
  api_tokens {tokens}
}}
virtual_server 127.0.0.1 9 {{
  delay_loop 1
  protocol TCP
  real_server 127.0.0.1 10 {{ TCP_CHECK {{ connect_timeout 1 retry 0 }} }}
}}
"""
MAIN = "import sys; from kaltwisted.daemon.command import main; sys.exit(main())"


class Site:
    """Two directors, a host with two web servers, and a client there."""

    def __init__(self, one: Host, two: Host, three: Host) -> None:
        self.one, self.two, self.three = one, two, three
        self.servers = {port: self.serve(port) for port in (8001, 8002)}
        self.first, self.second = self.start(one, 150), self.start(two, 100)
        self.client = three.run(sys.executable, "-c", CLIENT)

    def serve(self, port: int) -> Any:
        return self.three.run(sys.executable, "-m", "http.server", str(port))

    def start(self, host: Host, priority: int) -> Router:
        configuration = CONFIGURATION.format(number=host.number, priority=priority)
        return host.daemon(configuration, options=("--data-plane", "userspace"))


@pytest.fixture
def site() -> Iterator[Site]:
    with lan(3) as hosts:
        yield Site(*hosts)


@pytest.fixture
def addresses(site: Site) -> Iterator[list[str]]:
    """Of both directors' pages."""
    with ExitStack() as stack:
        found = []
        for router in (site.first, site.second):
            path = router.configuration.with_suffix(".run") / "api.sock"
            wait_for(path.exists, "for the socket")
            found.append(stack.enter_context(gate(path)))
        yield found


def ask(place: str, host: str, origin: str) -> int:
    """What a browser is told that sends this by order of a page of ``origin``."""
    connection = http.client.HTTPConnection(place, timeout=10)
    headers = {"Host": host, "Origin": origin, "Content-Type": "text/plain"}
    connection.request("POST", "/api/v1/checks/run", '{"target": "nobody"}', headers)
    try:
        return connection.getresponse().status
    finally:
        connection.close()


def steer(page: Page, action: str, reason: str) -> None:
    """Press a button of the panel, and the one that asks whether it is meant."""
    button(page, action).click()
    page.get_by_label("Reason").fill(reason)
    page.locator(".ask").get_by_role("button", name=action, exact=True).click()
    wait_for_words(page, "#panel .result", f"{action}: done.")


def test_a_night_with_a_pair(site: Site, addresses: list[str], visit: Visit) -> None:
    wait_for(lambda: site.one.holds("10.77.0.100"))
    page = visit(addresses[0], wait=None)
    other = visit(addresses[1], wait=None)
    page.set_default_timeout(20_000)
    other.set_default_timeout(20_000)
    wait_for_label(page, "instance/VI_web", "MASTER")
    wait_for_label(page, VIRTUAL, "2/2")
    wait_for_label(other, "director/10.77.0.1", "master of 1")
    wait_for_words(page, "#reach-words", "live")

    # Another site's page that the same browser shows, and that site's name server, get nothing.
    place = urlsplit(addresses[0]).netloc
    assert ask(place, place, "http://evil.example") == 403
    assert ask(place, "evil.example", "http://evil.example") == 421
    assert ask(place, place, f"http://{place}") == 404

    # A server dies and comes back.
    site.servers[8001].kill()
    wait_for_label(page, ONE, "down")
    wait_for_label(page, VIRTUAL, "1/2")
    wait_for_words(page, "#problems", "10.77.0.100:8080: 1 of 2 servers out: 10.77.0.3:8001 (")
    wait_for_words(page, "#live", "10.77.0.3:8001 of 10.77.0.100:8080 is down")
    wait_for_words(page, "#events", "10.77.0.3:8001 of 10.77.0.100:8080")
    page.locator("#problems button").click()
    wait_for_words(page, "#panel .explained", "10.77.0.3:8001")
    site.servers[8001] = site.serve(8001)
    wait_for_label(page, VIRTUAL, "2/2")
    page.keyboard.press("Escape")

    # One is drained, and enabled again.
    node(page, TWO).click()
    button(page, "Check now").click()
    wait_for_words(page, "#panel .result", "Check now: TCP_CHECK success after ")
    steer(page, "Drain", "a new kernel")
    wait_for_label(page, TWO, "drained by hand")
    wait_for_words(page, "#overrides", "a new kernel")
    wait_for(lambda: "a new kernel" in site.first.lines, "for the log")
    wait_for_label(other, VIRTUAL, "2/2")
    steer(page, "Enable", "it has its kernel")
    wait_for_label(page, VIRTUAL, "2/2")

    # The other director takes over and gives back.
    node(page, "instance/VI_web").click()
    steer(page, "Yield", "practice")
    wait_for(lambda: site.two.holds("10.77.0.100"))
    wait_for_label(page, "instance/VI_web", "BACKUP")
    wait_for_label(page, "director/10.77.0.2", "master of 1")
    wait_for_label(other, "instance/VI_web", "MASTER")
    wait_for_words(page, "#panel .explained", "operator")
    steer(page, "Give back", "practised")
    wait_for(lambda: site.one.holds("10.77.0.100"))
    wait_for_label(page, "instance/VI_web", "MASTER")
    wait_for_label(other, "instance/VI_web", "BACKUP")

    # The director dies, the other one notices, and it is back.
    page.allowed.append("net::ERR")  # type: ignore[attr-defined]
    site.first.kill()
    wait_for_words(page, "#unreachable", "The daemon cannot be reached (no answer). What is shown is from ")
    wait_for_label(other, "instance/VI_web", "MASTER")
    site.client.kill()
    told = site.client.communicate()[0].decode().splitlines()
    served = told.count("served")
    assert served > 20 and served > 0.8 * len(told), told


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[tuple[str, dict[str, str]]]:
    """A daemon that listens on loopback and takes tokens: its address, and a token for each role."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    made = {role: new(role, f"night-{role}") for role in ROLES}
    tokens, configuration, log = (tmp_path / name for name in ("tokens", "keepalived.conf", "log"))
    tokens.touch(0o600)
    tokens.write_text("".join(f"{line}\n" for _, line in made.values()))
    configuration.write_text(GUARDED.format(port=port, tokens=tokens))
    runtime = tmp_path / "run"
    runtime.mkdir(mode=0o700)
    command = [sys.executable, "-c", MAIN, "-n", "-l", "-D", "--data-plane", "userspace", "-f", configuration]
    with log.open("wb") as output:
        daemon = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env={**os.environ, "RUNTIME_DIRECTORY": str(runtime), "STATE_DIRECTORY": str(runtime)},
            start_new_session=True,
        )
    try:
        wait_for(lambda: "Startup complete" in log.read_text(), "for the daemon")
        yield f"http://127.0.0.1:{port}/", {role: token for role, (token, _) in made.items()}
    finally:
        daemon.terminate()
        daemon.wait(30)


def test_who_may_what(guarded: tuple[str, dict[str, str]], visit: Visit) -> None:
    address, tokens = guarded
    page = visit(address, wait="#ask-token[open]")
    page.set_default_timeout(20_000)
    page.allowed.append("401")  # type: ignore[attr-defined]
    token = page.get_by_role("textbox", name="Token")
    token.fill("guessed")
    page.keyboard.press("Enter")
    wait_for_words(page, "#token-why", "that is nobody's token")
    token.fill(tokens["read"])
    page.keyboard.press("Enter")
    server = "tcp/127.0.0.1:9/127.0.0.1:10"
    wait_for_label(page, server, "Connection refused")
    node(page, server).click()
    wait_for_words(page, "#forbidden", "Your token may only read.")
    assert button(page, "Drain").is_disabled()
    page.get_by_role("button", name="Token", exact=True).click()
    token.fill(tokens["control"])
    page.keyboard.press("Enter")
    page.wait_for_selector("#panel [data-focus='act pause']:not([disabled])")
    steer(page, "Pause checks", "it is being mended")
    wait_for_words(page, "#panel .checks", "paused")
    wait_for_words(page, "#overrides", "night-control")
