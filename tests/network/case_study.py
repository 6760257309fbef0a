"""Case study XI of the 2002 guide, as tests need it: two whole daemons, each the other's backup.

Sync group VG1 (web service) is director 1's, VG2 (the second service) director
2's; the virtual servers' addresses are VRRP's.  Behind them is one real server.
"""

from __future__ import annotations

import hashlib
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.kernel.inside.topology import Download, Server, entered
from tests.network.vrrp_lan import Host, Router, lan, wait_for

WEB, SECOND = ("10.77.0.110", 80), ("10.77.0.112", 81)
_WEB_GATEWAY, _SECOND_GATEWAY = "10.78.0.110", "10.78.0.111"
_SERVER = "10.78.0.3"
GROUPS = {
    "VG1": {"eth0": {WEB[0], "10.77.0.111"}, "eth1": {_WEB_GATEWAY}},
    "VG2": {"eth0": {SECOND[0], "10.77.0.113"}, "eth1": {_SECOND_GATEWAY}},
}
#: Each instance's group and interface.
_INSTANCES = {
    "VI_1": ("VG1", "eth0"),
    "VI_2": ("VG1", "eth1"),
    "VI_3": ("VG2", "eth0"),
    "VI_4": ("VG2", "eth1"),
}


class Directors:
    """The LAN with everybody on it; daemons run once ``start`` is called."""

    def __init__(self, hosts: tuple[Host, ...], plane: str, sync_interface: str | None) -> None:
        self.one, self.two, self._behind, self._client = hosts
        self._plane = plane
        self._sync = sync_interface
        self.server = Server(self._behind.namespace, 3)
        self._furnish()

    def start(self, director: Host) -> Router:
        """Start the daemon on a director: the console program, both roles."""
        scratch = director.directory / f"daemon{director.number}"
        scratch.mkdir(exist_ok=True)
        conf = scratch / "keepalived.conf"
        conf.write_text(self._configuration(director))
        words = ["env", f"RUNTIME_DIRECTORY={scratch}", f"TMPDIR={scratch}"]
        words += [sys.executable, str(Path(sys.executable).with_name("twistd")), "-n"]
        words += [f"--pidfile={scratch}/twistd.pid", "keepalived", "-l", "-D", "-G", "-f", str(conf)]
        log = scratch / f"log{len(director.routers)}"
        router = Router(director, [*words, f"--data-plane={self._plane}"], log)
        director.routers.append(router)
        return router

    def owns(self, director: Host, group: str) -> bool:
        """Whether a director has all addresses of a group, on both interfaces."""
        return all(vips <= set(director.addresses(on)) for on, vips in GROUPS[group].items())

    def owns_none(self, director: Host, group: str) -> bool:
        """Whether a director has no address of a group."""
        return not any(vips & set(director.addresses(on)) for on, vips in GROUPS[group].items())

    def wait_for_masters(self, web: Host, second: Host) -> None:
        """Until each group is on its director, whole, and not on the other."""
        for group, master in (("VG1", web), ("VG2", second)):
            other = self.two if master is self.one else self.one
            what = f"for {group} on director {master.number}\n" + "\n".join(
                router.lines for host in (self.one, self.two) for router in host.routers
            )
            wait_for(lambda g=group, m=master, o=other: self.owns(m, g) and self.owns_none(o, g), what)

    def serves(self, service: tuple[str, int]) -> bool:
        """Whether the real server's page comes through a virtual address."""
        try:
            with self._connect(service, "/") as connection:
                answer = b""
                while data := connection.recv(65_536):
                    answer += data
        except OSError:
            return False
        return answer.endswith(b"\r\n\r\n" + self.server.page)

    def download(self, service: tuple[str, int]) -> Download:
        """An answer that never ends."""
        return Download(self._connect(service, "/drip"))

    def _connect(self, service: tuple[str, int], path: str) -> socket.socket:
        with entered(self._client.namespace):
            connection = socket.socket()
        connection.settimeout(10 if path == "/drip" else 2)
        try:
            connection.connect(service)
            connection.sendall(f"GET {path} HTTP/1.0\r\n\r\n".encode())
        except BaseException:
            connection.close()
            raise
        return connection

    def _furnish(self) -> None:
        for director in (self.one, self.two):
            with entered(director.namespace):
                Path("/proc/sys/net/ipv4/ip_forward").write_text("1")
        behind = self._behind
        behind.ip("link", "set", "eth0", "down")
        # With NAT an answer leaves through the director that its request came through.
        behind.ip("route", "add", "default", "via", _WEB_GATEWAY)
        behind.ip("route", "add", "default", "via", _SECOND_GATEWAY, "table", "2")
        behind.ip("rule", "add", "ipproto", "tcp", "sport", str(SECOND[1]), "table", "2")
        self.server.start()

    def _configuration(self, director: Host) -> str:
        instances = "".join(self._instance(director, vrid, name) for vrid, name in enumerate(_INSTANCES, 51))
        digest = hashlib.md5(self.server.page).hexdigest()
        page = f"HTTP_GET {{\nurl {{\npath /\ndigest {digest}\n}}\nconnect_timeout 3\n}}"
        return (
            "".join(_sync_group(group) for group in GROUPS)
            + instances
            + _virtual_server(WEB, "persistence_timeout 50", page)
            + _virtual_server(SECOND, "persistence_timeout 360", "TCP_CHECK {\nconnect_timeout 3\n}")
        )

    def _instance(self, director: Host, vrid: int, name: str) -> str:
        group, interface = _INSTANCES[name]
        favoured = (group == "VG1") == (director is self.one)
        state, priority = ("MASTER", 150) if favoured else ("BACKUP", 100)
        sync = f"lvs_sync_daemon_interface {self._sync}\n" if self._sync and name == "VI_1" else ""
        vips = "\n".join(sorted(GROUPS[group][interface]))
        return f"""vrrp_instance {name} {{
            state {state}
            interface {interface}
            virtual_router_id {vrid}
            priority {priority}
            advert_int 1
            {sync}
            authentication {{
                auth_type PASS
                auth_pass k@l!ve{vrid - 50}
            }}
            virtual_ipaddress {{
                {vips}
            }}
        }}
        """


def _sync_group(group: str) -> str:
    members = " ".join(name for name, (its, _) in _INSTANCES.items() if its == group)
    return f"vrrp_sync_group {group} {{\ngroup {{\n{members}\n}}\n}}\n"


def _virtual_server(service: tuple[str, int], setting: str, check: str) -> str:
    address, port = service
    return f"""virtual_server {address} {port} {{
        delay_loop 1
        lb_algo rr
        lb_kind NAT
        {setting}
        protocol TCP
        real_server {_SERVER} {port} {{
            weight 1
            {check}
        }}
    }}
    """


@contextmanager
def directors(plane: str, sync_interface: str | None = None) -> Iterator[Directors]:
    """Two directors, a real server and a client; all of it is gone at the end.

    ``sync_interface``: where the kernel's connections are synchronised, following VI_1.
    """
    with lan(4) as hosts:
        made = Directors(hosts, plane, sync_interface)
        try:
            yield made
        finally:
            made.server.stop()
