"""Debian's Prometheus: it scrapes two directors, takes our rules, and each of them comes when it should."""

from __future__ import annotations

import json
import shutil
import subprocess
import urllib.parse
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.network.api_client import PORT, Director, connect
from tests.network.vrrp_lan import Host, lan, needs_lan, wait_for

RULES = Path(__file__).parents[2] / "etc" / "prometheus" / "kaltwisted.rules.yml"
needs_prometheus = pytest.mark.skipif(
    shutil.which("prometheus") is None or shutil.which("promtool") is None,
    reason="Debian's prometheus is not installed",
)
pytestmark = needs_prometheus
ROUTER = """
vrrp_instance VI_1 {{
    interface eth0
    virtual_router_id 51
    version 3
    advert_int 0.1
    priority {priority}
    virtual_ipaddress {{
        10.77.0.100/24
    }}
}}
virtual_server 10.77.0.100 80 {{
    delay_loop 60
    lb_algo rr
    lb_kind NAT
    protocol TCP
    real_server 127.0.0.1 81 {{
        TCP_CHECK {{
            connect_timeout 1
            warmup 0
        }}
    }}
}}
"""

STATE = 'keepalived_vrrp_state{{job="keepalived",instance="{}",iname="V",vrid="1",ip_address="192.0.2.1"}}'
AT = '{job="keepalived",instance="a"}'
ROLE = '{job="keepalived",instance="a",role="vrrp"}'
POOL = '{job="keepalived",instance="a",virtual_server="tcp/192.0.2.1:80"}'
INSTANCE = '{job="keepalived",instance="a",iname="V",intf="e",vrid="1"}'
ERRORS = 'keepalived_configuration_findings{job="keepalived",instance="a",severity="error"}'
HEALTHY = {
    "up" + AT: "1x120",
    "keepalived_ready" + AT: "1x120",
    STATE.format("a"): "2x120",
    STATE.format("b"): "1x120",
    "keepalived_vrrp_split_brain" + INSTANCE: "0x120",
    'keepalived_vrrp_packet_errors_total{job="keepalived",instance="a",iname="V",reason="ttl"}': "7x120",
    'keepalived_bfd_session_up{job="keepalived",instance="a",name="B",neighbor="192.0.2.9"}': "1x120",
    "keepalived_virtual_server_quorum_up" + POOL: "1x120",
    "keepalived_virtual_server_sorry_server_in_use" + POOL: "0x120",
    "keepalived_virtual_server_real_servers" + POOL: "4x120",
    "keepalived_virtual_server_real_servers_alive" + POOL: "3x120",
    "keepalived_check_last_run_time_seconds" + AT: "0+60x120",
    "keepalived_role_up" + ROLE: "1x120",
    "keepalived_role_restarts_total" + ROLE: "2x120",
    "keepalived_reload_refused" + AT: "0x120",
    ERRORS: "0x120",
    ERRORS.replace("error", "warning"): "3x120",
    "keepalived_timer_lateness_worst_seconds" + ROLE: "0.5x120",
    'keepalived_override_created_time_seconds{job="keepalived",instance="a",target="V"}': "0x120",
}
"""Of two directors that do well, a sample a minute."""


def spoilt(name: str) -> dict[str, str]:
    """The healthy series with another one in place of that whose name begins so."""
    series, _, values = name.partition(" := ")
    (found,) = (each for each in HEALTHY if each.startswith(series))
    return {**HEALTHY, found: values}


ALERTS = {
    "KeepalivedNoMaster": STATE.format("a") + " := 1x120",
    "KeepalivedTwoMasters": STATE.format("b") + " := 2x120",
    "KeepalivedSplitBrain": "keepalived_vrrp_split_brain := 1x120",
    "KeepalivedInstanceFault": STATE.format("b") + " := 3x120",
    "KeepalivedFlapping": STATE.format("b")
    + " := 1 3 1 3 1 3 1 3 1 3 1 3 1 3 1 3 1 3 1 3 1 3 1 3 1 3 1 3 1 3 1x90",
    "KeepalivedPacketErrors": "keepalived_vrrp_packet_errors_total := 7+6x120",
    "KeepalivedBfdDown": "keepalived_bfd_session_up := 0x120",
    "KeepalivedQuorumLost": "keepalived_virtual_server_quorum_up := 0x120",
    "KeepalivedSorryServerInUse": "keepalived_virtual_server_sorry_server_in_use := 1x120",
    "KeepalivedServersDown": "keepalived_virtual_server_real_servers_alive := 2x120",
    "KeepalivedChecksNotRunning": "keepalived_check_last_run_time_seconds := 0+60x20 1200x100",
    "KeepalivedDirectorGone": "up := 0x120",
    "KeepalivedNotReady": "keepalived_ready := 0x120",
    "KeepalivedRoleDown": "keepalived_role_up := 0x120",
    "KeepalivedRoleRestarting": "keepalived_role_restarts_total := 2x20 3x100",
    "KeepalivedReloadRefused": "keepalived_reload_refused := 1x120",
    "KeepalivedConfigurationErrors": f"{ERRORS} := 1x120",
    "KeepalivedTimersLate": "keepalived_timer_lateness_worst_seconds := 0.01x20 0.5x100",
    "KeepalivedOverrideOld": "keepalived_override_created_time_seconds := -90000x120",
}
"""What makes each alert come."""


def promtool(*words: str, stdin: bytes = b"") -> str:
    done = subprocess.run(["promtool", *words], input=stdin, capture_output=True, check=False)
    output = (done.stdout + done.stderr).decode()
    assert done.returncode == 0, output
    return output


def test_rules_are_well_formed() -> None:
    assert f"{len(ALERTS)} rules found" in promtool("check", "rules", str(RULES))


def test_each_alert_comes_when_it_should_and_none_when_all_is_well(tmp_path: Path) -> None:
    names = [
        rule["alert"] for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]
    ]
    assert sorted(names) == sorted(ALERTS)

    def firing(alert: str) -> dict[str, Any]:
        return {"expr": f'count(ALERTS{{alertname="{alert}",alertstate="firing"}})', "eval_time": "28m"}

    tests: list[dict[str, Any]] = [
        {
            "interval": "1m",
            "input_series": [{"series": name, "values": values} for name, values in HEALTHY.items()],
            "promql_expr_test": [{**firing(alert), "exp_samples": []} for alert in ALERTS],
        }
    ]
    for alert, change in ALERTS.items():
        series = [{"series": name, "values": values} for name, values in spoilt(change).items()]
        expected = [{"labels": "{}", "value": 1}]
        tests.append(
            {
                "interval": "1m",
                "input_series": series,
                "promql_expr_test": [{**firing(alert), "exp_samples": expected}],
            }
        )
    path = tmp_path / "tests.yml"
    path.write_text(yaml.safe_dump({"rule_files": [str(RULES)], "evaluation_interval": "1m", "tests": tests}))
    promtool("test", "rules", str(path))


class Prometheus:
    """A server on a host, which scrapes every second."""

    def __init__(self, host: Host, directory: Path, targets: list[str], director: Director) -> None:
        self.host = host
        (directory / "token").write_text(director.tokens["read"])
        director.authority.cert_pem.write_to_path(directory / "ca.pem")
        file = directory / "prometheus.yml"
        file.write_text(
            yaml.safe_dump(
                {
                    "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
                    "rule_files": [str(RULES)],
                    "scrape_configs": [
                        {
                            "job_name": "keepalived",
                            "scheme": "https",
                            "tls_config": {"ca_file": str(directory / "ca.pem")},
                            "authorization": {"credentials_file": str(directory / "token")},
                            "static_configs": [{"targets": targets}],
                        }
                    ],
                }
            )
        )
        self.process = host.run(
            "prometheus",
            f"--config.file={file}",
            f"--storage.tsdb.path={directory}/data",
            "--web.listen-address=127.0.0.1:9090",
        )

    def ask(self, path: str, **fields: str) -> Any:
        """One answer of its API; None while there is none."""
        connection = HTTPConnection("127.0.0.1", 9090, timeout=10)
        try:
            connection.sock = connect(self.host, "127.0.0.1", 9090)
            connection.request("GET", f"/api/v1/{path}?{urllib.parse.urlencode(fields)}")
            return json.loads(connection.getresponse().read())["data"]
        except (OSError, ValueError, KeyError):
            return None
        finally:
            connection.close()

    def values(self, query: str) -> dict[str, float]:
        """What a query finds, by the host it is from."""
        found = self.ask("query", query=query)
        return {
            each["metric"].get("instance", ""): float(each["value"][1])
            for each in (found or {}).get("result", ())
        }

    def alerts(self) -> set[str]:
        """Those that fire."""
        found = (self.ask("alerts") or {}).get("alerts", ())
        return {each["labels"]["alertname"] for each in found if each["state"] == "firing"}


@needs_lan
def test_a_server_scrapes_a_pair_over_https_with_a_token(tmp_path: Path) -> None:
    with lan(2) as hosts:
        directors = []
        for host in hosts:
            (tmp_path / str(host.number)).mkdir()
            text = ROUTER.format(priority=100 + host.number)
            directors.append(Director(host, tmp_path / str(host.number), text))
        first, second = directors
        second.authority = first.authority
        issued = first.authority.issue_cert("10.77.0.2")
        issued.private_key_and_cert_chain_pem.write_to_path(second.directory / "pem")
        shutil.copy(first.directory / "tokens", second.directory / "tokens")
        for each in directors:
            address = f"10.77.0.{each.host.number} {PORT}"
            each.start(each.configuration(address, tls=True, names=""))
        server = Prometheus(hosts[0], tmp_path, [f"10.77.0.{n}:{PORT}" for n in (1, 2)], first)
        one, two = (f"10.77.0.{n}:{PORT}" for n in (1, 2))
        try:
            wait_for(lambda: server.values("keepalived_vrrp_state") == {one: 1, two: 2})
            assert server.values("up") == {one: 1, two: 1}
            assert server.values("keepalived_virtual_server_quorum_up") == {one: 0, two: 0}
            wait_for(lambda: "KeepalivedQuorumLost" in server.alerts())
            assert "KeepalivedNoMaster" not in server.alerts()
            exposition = first.ask(hosts[1], "/metrics", token="read", address="10.77.0.1", tls=True)
            assert promtool("check", "metrics", stdin=exposition.body) == ""
            # The master's file is spoilt: its reload is refused, and that is an alert.
            assert second.daemon is not None
            second.daemon.reload("vrrp_instance VI_1 {\n    interface nowhere\n")
            wait_for(lambda: "KeepalivedReloadRefused" in server.alerts())
            wait_for(
                lambda: server.values("rate(keepalived_advertisements_sent_total[5s]) > 0").keys() == {two}
            )
        finally:
            server.process.kill()
            server.process.communicate()
