"""VRRP's part of the dump."""

from __future__ import annotations

from collections.abc import Iterator

import attrs

from kaltwisted.config.dump_settings import command, others, seconds, yes
from kaltwisted.config.findings import MASK
from kaltwisted.config.model import (
    AuthHmac,
    Configuration,
    VrrpDefaults,
    VrrpInstance,
    VrrpScript,
    VrrpSyncGroup,
)


def vrrp_topology(configuration: Configuration) -> Iterator[str]:
    """The lines under ``VRRP Topology``."""
    for script in configuration.vrrp_scripts:
        yield from _script(script)
    for process in configuration.vrrp_track_processes:
        yield f"  VRRP Track process = {process.name}"
        yield f"    process = {' '.join(process.process)}"
        yield from others(process, "name process", "    ")
    for file in configuration.track_files:
        yield f"  Track file = {file.name}"
        yield from others(file, "name", "    ")
    for title, items in (
        ("Static IP", configuration.static_ipaddress),
        ("Static Routes", configuration.static_routes),
        ("Static Rules", configuration.static_rules),
    ):
        if items:
            yield f"  {title} = {len(items)}"
            yield from (f"    {item}" for item in items)
    for tracked in configuration.track_groups:
        yield f"  Static Track Group = {tracked.name}"
        yield from (f"    monitor = {member}" for member in tracked.group)
    yield from (f"  GARP group = {group}" for group in configuration.garp_groups)
    for instance in configuration.vrrp_instances:
        yield from _instance(instance, configuration.global_defs.vrrp)
    for group in configuration.vrrp_sync_groups:
        yield from _sync_group(group)


def _script(script: VrrpScript) -> Iterator[str]:
    yield f"  VRRP Script = {script.name}"
    yield f"    script = {command(script.script)}"
    yield from others(script, "name script", "    ")


def _instance(instance: VrrpInstance, defaults: VrrpDefaults) -> Iterator[str]:
    yield f"  VRRP Instance = {instance.name}"
    yield f"    Want State = {instance.state}"
    if instance.interface is not None:
        yield f"    Running on device = {instance.interface}"
    yield f"    Virtual Router ID = {instance.virtual_router_id}"
    yield f"    Priority = {instance.priority}"
    yield f"    Advert interval = {seconds(instance.advert_int_us)}sec"
    yield f"    Version = {instance.version}"
    if instance.mcast_src_ip is not None:
        yield f"    Using src_ip = {instance.mcast_src_ip}"
    if instance.lvs_sync_daemon_interface is not None:
        yield f"    Running LVS sync daemon on interface = {instance.lvs_sync_daemon_interface}"
    yield f"    Preempt = {yes(not instance.nopreempt)}"
    if instance.preempt_delay_us:
        yield f"    Preempt delay = {seconds(instance.preempt_delay_us)}"
    if instance.authentication is not None:
        yield f"    Authentication type = {instance.authentication.type.name}"
        yield f"    Password = {MASK}"
    if instance.auth_hmac is not None:
        yield from _auth_hmac(instance.auth_hmac)
    yield from others(
        instance,
        "name state interface virtual_router_id priority advert_int_us version mcast_src_ip"
        " lvs_sync_daemon_interface nopreempt preempt_delay_us authentication auth_hmac virtual_ipaddress"
        " virtual_ipaddress_excluded virtual_routes virtual_rules use_vmac use_ipvlan notify smtp_alert",
        "    ",
        **attrs.asdict(defaults),
    )
    for title, addresses in (
        ("Virtual IP", instance.virtual_ipaddress),
        ("Virtual IP Excluded", instance.virtual_ipaddress_excluded),
    ):
        if addresses:
            yield f"    {title} = {len(addresses)}"
            for address in addresses:
                yield f"      {address}"
    for title, items in (
        ("Virtual Routes", instance.virtual_routes),
        ("Virtual Rules", instance.virtual_rules),
    ):
        if items:
            yield f"    {title} = {len(items)}"
            yield from (f"      {item}" for item in items)
    if instance.use_vmac is not None:
        yield "    use_vmac = yes"
        yield from others(instance.use_vmac, "", "      ")
    if instance.use_ipvlan is not None:
        yield "    use_ipvlan = yes"
        yield from others(instance.use_ipvlan, "", "      ")
    for name, script in instance.notify.items():
        yield f"    {name} script = {command(script)}"
    if instance.smtp_alert:
        yield "    Using smtp notification"


def _auth_hmac(auth_hmac: AuthHmac) -> Iterator[str]:
    yield "    Authentication extension = HMAC-SHA256"
    for key in auth_hmac.keys:
        yield f"      Key {key.id} = {MASK if key.file is None else f'file:{key.file}'}"
    yield f"      Active key = {auth_hmac.active_key}"
    yield from others(auth_hmac, "keys active_key", "      ")


def _sync_group(group: VrrpSyncGroup) -> Iterator[str]:
    yield f"  VRRP Sync Group = {group.name}"
    for member in group.group:
        yield f"    monitor = {member}"
    yield from others(group, "name group smtp_alert notify", "    ")
    for name, script in group.notify.items():
        yield f"    {name} script = {command(script)}"
    if group.smtp_alert:
        yield "    Using smtp notification"
