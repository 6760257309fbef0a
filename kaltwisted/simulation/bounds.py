"""How long things take by the configured intervals: what a rehearsal waits for, and what it allows.  Pure."""

from __future__ import annotations

from typing import Final

from kaltwisted.config.model import SECOND_US, Address, Configuration, VrrpInstance
from kaltwisted.simulation.topology import Topology
from kaltwisted.vrrp.timers import master_down_us

GRACE_US: Final = SECOND_US
"""What is allowed beyond the reckoned times."""


def takeover_us(configuration: Configuration, instance: VrrpInstance) -> int:
    """How long it takes an instance to become master once there is none, from the start of its daemon on."""
    defs = configuration.global_defs
    down_us = master_down_us(
        instance.version, instance.priority, instance.advert_int_us, instance.down_timer_adverts
    )
    return defs.vrrp_startup_delay_us + down_us + _scripts_us(configuration)


def _scripts_us(configuration: Configuration) -> int:
    """The longest that a tracked script takes to turn."""
    return max(
        (max(each.rise, each.fall) * each.interval_us for each in configuration.vrrp_scripts), default=0
    )


def settles_us(configuration: Configuration) -> int:
    """How long it takes until all that follows from a failure, or from its end, has happened."""
    vrrp_us = max(
        (
            takeover_us(configuration, instance) + instance.preempt_delay_us
            for instance in configuration.vrrp_instances
        ),
        default=0,
    )
    checks_us = 0
    for service in configuration.virtual_servers:
        for server in service.real_servers:
            for check in server.checks:
                timing = check.timing
                connection = getattr(check, "connection", None)
                attempt_us = timing.delay_before_retry_us + (
                    0 if connection is None else connection.timeout_us
                )
                takes_us = timing.warmup_us + timing.delay_loop_us + (timing.retry + 1) * attempt_us
                checks_us = max(checks_us, takes_us)
    return max(vrrp_us, checks_us) + 5 * SECOND_US


def nobody_us(topology: Topology, address: Address) -> int:
    """The longest that an address may be without an owner: what its slowest heir needs."""
    return GRACE_US + max(
        takeover_us(place.configuration, instance) for place, instance in topology.instances(address)
    )


def two_us(topology: Topology, address: Address) -> int:
    """The longest that an address may have two owners: until each has heard the other's next advert."""
    return GRACE_US + max(instance.advert_int_us for _, instance in topology.instances(address))
