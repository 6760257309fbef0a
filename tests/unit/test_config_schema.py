"""docs/configuration.schema.json: what the tables give, and what it says of right and wrong."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import jsonschema
from twisted.trial.unittest import SynchronousTestCase

from kaltwisted.config.formats import schema
from kaltwisted.config.keywords.table import tables
from kaltwisted.config.keywords.top import TOP
from tests.unit.test_config_formats import data

ROOT = Path(__file__).parents[2]
PUBLISHED = ROOT / "docs" / "configuration.schema.json"
RIGHT = [
    *(ROOT / "etc/keepalived").glob("*.sample"),
    *(ROOT / "tests/data/guide" / f"case_study_{name}.conf" for name in ("9", "9_ssl")),
]

ALL_KINDS = """\
global_defs {
    router_id lb1
    smtp_alert
    smtp_alert_vrrp off
    umask 022
    vrrp_version 3
    vrrp_cpu_affinity 0 1
    dynamic_interfaces
    smtp_server relay 2525
    script_user nobody
    notification_email {
        a@example.org
    }
}
vrrp_script s {
    script "/bin/x a b" nobody
    interval 1.5
    weight -20
}
vrrp_instance V {
    interface eth0
    virtual_router_id 007
    advert_int .5
    timer_expired_backup
    notify_master "/bin/x"
    track_script {
        s weight 5
    }
    virtual_ipaddress {
    }
}
vrrp_sync_group G {
    group {
        V
    }
}
virtual_server fwmark 7 {
    protocol tcp
    lb_algo rr
    lb_kind TUN type gue port 5
    persistence_timeout
    real_server 10.0.0.1 80 {
        weight 1
        weight 2
        HTTP_GET {
            url {
                path /
                status_code 200 301-302
            }
        }
        TCP_CHECK {
        }
        TCP_CHECK {
            connect_port 81
        }
    }
}
virtual_server_group X {
    10.0.0.1 80
}
"""


class SchemaTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.schema = json.loads(PUBLISHED.read_text("utf-8"))
        self.validator = jsonschema.Draft202012Validator(self.schema)

    def test_it_is_what_the_tables_give(self) -> None:
        self.assertEqual(
            PUBLISHED.read_text("utf-8"),
            schema.written(),
            "run: python -m kaltwisted.config.formats.schema > docs/configuration.schema.json",
        )
        jsonschema.Draft202012Validator.check_schema(self.schema)

    def test_every_keyword_of_every_block_is_in_it(self) -> None:
        described = [self.schema, *self.schema["$defs"].values()]
        for table in tables(TOP):
            if not table.values:
                names = set(table.keywords)
                self.assertTrue(
                    any(names <= set(each.get("properties", {})) for each in described), table.name
                )

    def test_what_is_right(self) -> None:
        for text in (ALL_KINDS, *(file.read_text("utf-8") for file in RIGHT)):
            self.assertEqual([error.message for error in self.validator.iter_errors(data(text))], [])
        self.validator.validate({"$schema": "x", "global_defs": {"lvs_flush": False, "smtp_alert": False}})

    def test_what_is_wrong(self) -> None:
        whole = data(ALL_KINDS)
        for path, value in (
            ("global_defs unheard_of", 1),
            ("global_defs router_id", {}),
            ("global_defs router_id", None),
            ("global_defs router_id", ["a", "b"]),
            ("global_defs smtp_alert", "never"),
            ("global_defs vrrp_version", 4),
            ("global_defs smtp_server", ["a", "b", "c"]),
            ("global_defs notification_email", "a@example.org"),
            ("global_defs notification_email", [7]),
            ("global_defs lvs_flush", "yes"),
            ("vrrp_script script", 5),
            ("vrrp_script interval", "soon"),
            ("vrrp_instance virtual_router_id", 256),
            ("vrrp_instance virtual_router_id", "x"),
            ("vrrp_instance advert_int", 0.001),
            ("vrrp_instance priority", True),
            ("vrrp_instance virtual_server", {}),
            ("virtual_server protocol", "ICMP"),
            ("virtual_server address", "10.0.0.1"),
            ("virtual_server real_server weight", -1),
            ("virtual_server real_server address", {}),
            ("virtual_server real_server checks", {}),
            ("virtual_server real_server checks 0 TCP_CHECK", {}),
            ("virtual_server real_server checks 1 TCP_CHECK connect_port", 0),
            ("virtual_server_group lines", [["10.0.0.1"]]),
        ):
            wrong = copy.deepcopy(whole)
            *around, last = path.split()
            place: Any = wrong
            for step in around:
                place = place[int(step) if step.isdigit() else step]
            place[last] = value
            self.assertFalse(self.validator.is_valid(wrong), f"{path} = {value!r}")
        for missing in ("vrrp_instance name", "virtual_server fwmark", "virtual_server real_server address"):
            wrong = copy.deepcopy(whole)
            *around, last = missing.split()
            place = wrong
            for step in around:
                place = place[step]
            del place[last]
            self.assertFalse(self.validator.is_valid(wrong), missing)
