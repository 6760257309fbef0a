"""The site that is shown: a pool for HTTP, one for HTTPS and one for SMTP behind one virtual address.

It has the shape of the case study that keepalived's guide explains healthchecks with.
"""

from __future__ import annotations

from collections.abc import Mapping

import attrs

PAGES = ("/testurl/test.jsp", "/testurl2/test.jsp")
WEB_WEIGHTS = {"web1": 3, "web2": 2, "web3": 1}
MAIL_WEIGHTS = {"mail1": 1, "mail2": 2}


@attrs.frozen
class Ports:
    """The ports of the three services, the same on virtual address and real servers."""

    http: int = 80
    https: int = 443
    smtp: int = 25


@attrs.frozen
class Site:
    """Who listens where.  ``network`` is the first octet pair: 192.168, or 127.168 on loopback."""

    network: str
    ports: Ports

    def host(self, subnet: int, number: int) -> str:
        """The address of a host in one of the site's two networks: 200 outside, 100 inside."""
        return f"{self.network}.{subnet}.{number}"

    @property
    def virtual_address(self) -> str:
        """Where clients go."""
        return self.host(200, 15)

    @property
    def mail_server(self) -> str:
        """Where the alerts go."""
        return self.host(200, 20)

    @property
    def clients(self) -> tuple[str, ...]:
        """Where clients come from."""
        return tuple(self.host(200, 101 + n) for n in range(12))

    @property
    def servers(self) -> Mapping[str, str]:
        """Address of each real server, and of the sorry server, by name."""
        names = [*WEB_WEIGHTS, *MAIL_WEIGHTS]
        return {name: self.host(100, 2 + n) for n, name in enumerate(names)} | {"sorry": self.host(100, 100)}

    def service(self, name: str, port: int) -> str:
        """A real server as keepalived writes it in the log."""
        return f"[{self.servers[name]}]:tcp:{port}"

    def virtual_service(self, port: int) -> str:
        """A virtual server as keepalived writes it in the log."""
        return f"[{self.virtual_address}]:tcp:{port}"


def keepalived_conf(site: Site, digests: Mapping[tuple[str, str], str]) -> str:
    """The configuration.  ``digests``: what genhash said, by server name and page."""

    def real_server(name: str, port: int, weight: int, check: str) -> str:
        body = f"weight {weight}\n{check}"
        return f"real_server {site.servers[name]} {port} {{\n{indent(body)}\n}}"

    def get(keyword: str, name: str, pages: tuple[str, ...]) -> str:
        urls = "\n".join(f"url {{\n    path {page}\n    digest {digests[name, page]}\n}}" for page in pages)
        timing = "connect_timeout 1\nnb_get_retry 1\ndelay_before_retry 1"
        return f"{keyword} {{\n{indent(urls)}\n{indent(timing)}\n}}"

    tcp_check = "TCP_CHECK {\n    connect_timeout 1\n}"
    first, second = PAGES
    http = [
        real_server("web1", site.ports.http, WEB_WEIGHTS["web1"], get("HTTP_GET", "web1", PAGES)),
        real_server("web2", site.ports.http, WEB_WEIGHTS["web2"], get("HTTP_GET", "web2", (first,))),
        real_server("web3", site.ports.http, WEB_WEIGHTS["web3"], get("HTTP_GET", "web3", PAGES)),
    ]
    https = [
        real_server("web1", site.ports.https, 1, get("SSL_GET", "web1", PAGES)),
        real_server("web2", site.ports.https, 1, get("SSL_GET", "web2", (second,))),
        real_server("web3", site.ports.https, 1, tcp_check),
    ]
    smtp = [real_server(name, site.ports.smtp, weight, tcp_check) for name, weight in MAIL_WEIGHTS.items()]
    sorry = f"sorry_server {site.servers['sorry']} {site.ports.http}"
    return f"""\
# A case study in healthchecks: three pools behind one virtual address.

global_defs {{
    notification_email {{
        admin@domain.example
        operator@domain.example
    }}
    notification_email_from keepalived@domain.example
    smtp_server {site.mail_server} {site.ports.smtp}
    smtp_connect_timeout 5
    lvs_id LVS_MAIN
}}

{_virtual_server(site, site.ports.http, "wrr", "", [sorry, *http])}

{_virtual_server(site, site.ports.https, "rr", "persistence_timeout 360", https)}

{_virtual_server(site, site.ports.smtp, "wlc", "", smtp)}
"""


def _virtual_server(site: Site, port: int, algorithm: str, persistence: str, parts: list[str]) -> str:
    head = f"delay_loop 1\nlb_algo {algorithm}\nlb_kind NAT\n{persistence}\nprotocol TCP".replace(
        "\n\n", "\n"
    )
    body = "\n\n".join([head, *parts])
    return f"virtual_server {site.virtual_address} {port} {{\n{indent(body)}\n}}"


def indent(text: str) -> str:
    """A block's lines, one level further in."""
    return "\n".join(f"    {line}" if line else "" for line in text.split("\n"))
