"""``vrrp_*`` of ``global_defs`` is what instances have that say nothing else."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from kaltwisted.config.keywords.vrrp_defaults import VRRP_DEFAULTS
from kaltwisted.config.load import load_text
from kaltwisted.config.model import SECOND_US, ExtraGarp, VrrpInstance

INSTANCE = """
vrrp_instance {name} {{
    interface eth0
    virtual_router_id {vrid}
    virtual_ipaddress {{
        10.0.0.{vrid}
    }}
    {more}
}}
"""
SAID = {
    "garp_master_delay": ("7", 7 * SECOND_US),
    "garp_master_repeat": ("2", 2),
    "garp_master_refresh": ("60", 60 * SECOND_US),
    "garp_master_refresh_repeat": ("3", 3),
    "garp_lower_prio_delay": ("9", 9 * SECOND_US),
    "garp_lower_prio_repeat": ("4", 4),
    "garp_extra_if": ("all 60", ExtraGarp(60 * SECOND_US, every=True)),
    "lower_prio_no_advert": ("true", True),
    "higher_prio_send_advert": ("", True),
    "down_timer_adverts": ("5", 5),
    "check_unicast_src": ("", True),
    "skip_check_adv_addr": ("yes", True),
    "owner_ignore_adverts": ("on", True),
}


def read(text: str) -> dict[str, VrrpInstance]:
    reading = load_text(text, "test.conf")
    assert not reading.findings, reading.findings
    return {instance.name: instance for instance in reading.configuration.vrrp_instances}


def field(instance: VrrpInstance, name: str) -> object:
    return getattr(instance, name, None) or getattr(instance, f"{name}_us", None)


# What is no default of instances, and what is not acted on yet.
OTHERS = {
    "garp_interval",
    "gna_interval",
    "min_garp",
    "vmac_garp_intvl",
    "strict",
    "notify_priority_changes",
    "mcast_group4",
    "mcast_group6",
}


class Defaults(SynchronousTestCase):
    def test_each_is_taken_over_and_each_can_be_said_otherwise(self) -> None:
        lines = "\n".join(f"vrrp_{name} {text}" for name, (text, _) in SAID.items())
        other = "garp_master_delay 1\ngarp_master_repeat 1\nlower_prio_no_advert off\ndown_timer_adverts 2"
        plain, own = read(
            f"global_defs {{\n{lines}\n}}\n"
            + INSTANCE.format(name="plain", vrid=1, more="")
            + INSTANCE.format(name="own", vrid=2, more=other)
        ).values()
        for name, (_, value) in SAID.items():
            self.assertEqual(field(plain, name), value, name)
        self.assertEqual((own.garp_master_delay_us, own.garp_master_repeat), (SECOND_US, 1))
        self.assertEqual((own.lower_prio_no_advert, own.down_timer_adverts), (False, 2))
        ours = {name[5:] for name in VRRP_DEFAULTS if name.startswith("vrrp_")}
        self.assertEqual(set(SAID), ours - OTHERS)

    def test_nothing_said_is_keepalived_s_default(self) -> None:
        [plain] = read(INSTANCE.format(name="plain", vrid=1, more="")).values()
        self.assertEqual(plain.garp_master_delay_us, 5 * SECOND_US)
        self.assertEqual((plain.garp_master_repeat, plain.down_timer_adverts), (5, 3))
        self.assertIsNone(plain.garp_lower_prio_repeat)

    def test_one_announcement_each_where_nothing_else_is_said(self) -> None:
        for more, expected in (("", (0, 1)), ("vrrp_garp_master_repeat 3", (0, 3))):
            text = f"global_defs {{\nvrrp_min_garp\n{more}\n}}\n"
            plain, own = read(
                text
                + INSTANCE.format(name="plain", vrid=1, more="")
                + INSTANCE.format(name="own", vrid=2, more="garp_master_delay 7")
            ).values()
            self.assertEqual((plain.garp_master_delay_us, plain.garp_master_repeat), expected)
            self.assertEqual(own.garp_master_delay_us, 7 * SECOND_US)

    def test_the_pace_of_announcements(self) -> None:
        text = "global_defs {\nvrrp_garp_interval 0.001\nvrrp_gna_interval 0.5\n}\n"
        defaults = load_text(text, "test.conf").configuration.global_defs.vrrp
        self.assertEqual((defaults.garp_interval_us, defaults.gna_interval_us), (1000, 500_000))
