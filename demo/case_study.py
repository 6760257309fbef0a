"""The pair of directors that is shown: case study XI of keepalived's guide, checked more often.

Two sync groups over two directors: the first is master of the web service's
address, the second of the secured one's, and each stands by for the other.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from demo.site import PAGES, indent

NETWORK = "192.168"
WEB, SECURED = f"{NETWORK}.200.10", f"{NETWORK}.200.12"
#: The gateways of the servers' network: each moves with the virtual address it belongs to.
WEB_GATEWAY, SECURED_GATEWAY = f"{NETWORK}.100.10", f"{NETWORK}.100.11"
MAIL_SERVER = f"{NETWORK}.200.20"
CLIENTS = tuple(f"{NETWORK}.200.{101 + n}" for n in range(12))
SERVERS = {"web1": f"{NETWORK}.100.2", "web2": f"{NETWORK}.100.3", "sorry": f"{NETWORK}.100.100"}
#: The pages that are checked, and with which weight a server takes part in the web service.
CHECKED = {"web1": PAGES, "web2": PAGES[:1]}
WEIGHTS = {"web1": 2, "web2": 1}
DIRECTORS = (1, 2)

ADVERT_S = 1.0
HIGH, LOW = 150, 100
#: Name, interface, virtual router, director that is to be its master, addresses.
INSTANCES = (
    ("VI_1", "eth0", 51, 1, (WEB, f"{NETWORK}.200.11")),
    ("VI_2", "eth1", 52, 1, (WEB_GATEWAY,)),
    ("VI_3", "eth0", 53, 2, (SECURED, f"{NETWORK}.200.13")),
    ("VI_4", "eth1", 54, 2, (SECURED_GATEWAY,)),
)
GROUPS = {"VG1": ("VI_1", "VI_2"), "VG2": ("VI_3", "VI_4")}


def skew_s(priority: int) -> float:
    """How much longer a backup waits, the less the lower its priority is (RFC 3768 §6.1)."""
    return (256 - priority) / 256


def master_down_s(priority: int) -> float:
    """After how long a silence a backup takes over (RFC 3768 §6.1)."""
    return 3 * ADVERT_S + skew_s(priority)


def director_address(director: int, subnet: int) -> str:
    """A director's own address: outside (200) or towards the servers (100)."""
    return f"{NETWORK}.{subnet}.{4 + director}"


def addresses_of(group: str) -> frozenset[str]:
    """The virtual addresses of a sync group."""
    return frozenset(vip for name, *_, vips in INSTANCES if name in GROUPS[group] for vip in vips)


def keepalived_conf(director: int, digests: Mapping[tuple[str, str], str]) -> str:
    """The configuration of a director.  ``digests``: what genhash said, by server name and page."""
    groups = [
        f"vrrp_sync_group {name} {{\n    group {{\n{indent(indent(_lines(members)))}\n    }}\n}}"
        for name, members in GROUPS.items()
    ]
    instances = [_instance(director, *instance) for instance in INSTANCES]
    return "\n\n".join([_global_defs(director), *groups, *instances, _web(digests), _secured()]) + "\n"


def _global_defs(director: int) -> str:
    return f"""\
# A case study in mixing healthchecks and failover.

global_defs {{
    notification_email {{
        admin@domain.example
    }}
    notification_email_from keepalived@domain.example
    smtp_server {MAIL_SERVER}
    smtp_connect_timeout 5
    lvs_id LVS_{director}
}}"""


def _instance(
    director: int, name: str, interface: str, vrid: int, favourite: int, addresses: tuple[str, ...]
) -> str:
    state, priority = ("MASTER", HIGH) if director == favourite else ("BACKUP", LOW)
    return f"""\
vrrp_instance {name} {{
    state {state}
    interface {interface}
    virtual_router_id {vrid}
    priority {priority}
    advert_int {ADVERT_S:g}
    authentication {{
        auth_type PASS
        auth_pass k@l!ve{vrid - 50}
    }}
    virtual_ipaddress {{
{indent(indent(_lines(addresses)))}
    }}
}}"""


def _web(digests: Mapping[tuple[str, str], str]) -> str:
    def real_server(name: str, pages: tuple[str, ...]) -> str:
        urls = _lines(f"url {{\n    path {page}\n    digest {digests[name, page]}\n}}" for page in pages)
        timing = "connect_timeout 1\nnb_get_retry 3\ndelay_before_retry 1"
        check = f"HTTP_GET {{\n{indent(urls)}\n{indent(timing)}\n}}"
        body = f"weight {WEIGHTS[name]}\n{check}"
        return f"real_server {SERVERS[name]} 80 {{\n{indent(body)}\n}}"

    sorry = f"sorry_server {SERVERS['sorry']} 80"
    servers = [real_server(name, pages) for name, pages in CHECKED.items()]
    return _virtual_server(f"{WEB} 80", "wrr", 50, [sorry, *servers])


def _secured() -> str:
    body = indent("weight 1\nTCP_CHECK {\n    connect_timeout 1\n}")
    servers = [f"real_server {SERVERS[name]} 443 {{\n{body}\n}}" for name in CHECKED]
    return _virtual_server(f"{SECURED} 443", "rr", 360, servers)


def _virtual_server(where: str, algorithm: str, persistence_s: int, parts: list[str]) -> str:
    head = (
        f"delay_loop 1\nlb_algo {algorithm}\nlb_kind NAT\npersistence_timeout {persistence_s}\nprotocol TCP"
    )
    body = "\n\n".join([head, *parts])
    return f"virtual_server {where} {{\n{indent(body)}\n}}"


def _lines(parts: Iterable[str]) -> str:
    return "\n".join(parts)
