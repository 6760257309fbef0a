"""VRRP's state as keepalived's JSON (SIGRTMIN+2): the same keys, types and order; without the password."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any, Final

from kaltwisted.config.model import SECOND_US, VirtualIpAddress
from kaltwisted.config.report import command, seconds
from kaltwisted.vrrp.actions import State
from kaltwisted.vrrp.events import FaultKind
from kaltwisted.vrrp.instance import Instance
from kaltwisted.vrrp.report_routing import route_words, rule_words
from kaltwisted.vrrp.report_statistics import counters
from kaltwisted.vrrp.report_words import (
    SCRIPTS,
    Topology,
    lower_priority_burst,
    own_lines,
    own_place,
    tracked_interfaces,
    virtual_address,
    wanted_state,
)
from kaltwisted.vrrp.vmac import own_interface

_STATES: Final = {State.INIT: 0, State.BACKUP: 1, State.MASTER: 2, State.FAULT: 3, State.STOP: 3}


def json_document(topology: Topology, version: int) -> Iterator[str]:
    """The document in pieces, whole with anything or nothing between them that JSON takes for blank.

    :param version: ``json_version``.  1: an array of instances; 2: an object that has it as ``vrrp``.
    """
    instances = tuple(topology.router.instances.values())
    yield '{"vrrp":[' if version == 2 else "["
    for number, instance in enumerate(instances):
        yield ',{"data":{' if number else '{"data":{'
        yield from _data(instance, topology)
        counted = counters(instance.statistics, extended=instance.config.auth_hmac is not None)
        yield f'}},"stats":{_text(counted)}}}'
    yield '],"track_process":[]}' if version == 2 else "]"


def _data(instance: Instance, topology: Topology) -> Iterator[str]:
    """The members of ``data``; lists of addresses may be long, and come an address at a time."""
    config, router = instance.config, instance.router
    yield ",".join(f'"{key}":{value}' for key, value in _members(instance, topology.epoch_us))
    for keyword, _, key in SCRIPTS:
        script = config.notify.get(keyword)
        if script is not None:
            yield f',"{key}":{_text(command(script))}'
    yield from _listed("vips", _addresses(instance, config.virtual_ipaddress, topology))
    yield from _listed("evips", _addresses(instance, config.virtual_ipaddress_excluded, topology))
    yield from _listed("track_ifp", tracked_interfaces(config))
    commands = {each.script.name: each.script.script for each in topology.scripts}
    tracked = (commands[name] for name in own_lines(instance, FaultKind.SCRIPT) if name in commands)
    yield from _listed("track_script", map(command, tracked))
    routes = (route_words(route, topology.vrf_table) for route in config.virtual_routes)
    yield from _listed("vroutes", routes)
    yield from _listed("vrules", map(rule_words, config.virtual_rules))
    authentication = router.expected.auth_type
    yield f',"auth_type":{0 if authentication is None else authentication.value}'


def _members(instance: Instance, epoch_us: int) -> Iterator[tuple[str, str]]:
    """What every instance has, as JSON's text."""
    config, router = instance.config, instance.router
    following = instance.state is State.BACKUP and router.master is not None
    heard_us = router.master_interval_us if following else config.advert_int_us
    delay, repeat = lower_priority_burst(config)
    entered = router.last_transition
    yield "iname", _text(config.name)
    yield "dont_track_primary", f"{config.dont_track_primary:d}"
    yield "skip_check_adv_addr", f"{config.skip_check_adv_addr:d}"
    yield "strict_mode", f"{config.strict_mode:d}"
    own = own_interface(config)
    yield "vmac_ifname", _text(own or "")
    yield "ifp_ifname", _text(own or config.interface or "")
    yield "master_priority", f"{router.master_priority if following else 0}"
    yield "last_transition", seconds(0 if entered is None else entered + epoch_us)
    yield "garp_delay", f"{config.garp_master_delay_us // SECOND_US}"
    yield "garp_refresh", f"{config.garp_master_refresh_us // SECOND_US}"
    yield "garp_rep", f"{config.garp_master_repeat}"
    yield "garp_refresh_rep", f"{config.garp_master_refresh_repeat}"
    yield "garp_lower_prio_delay", f"{delay}"
    yield "garp_lower_prio_rep", f"{repeat}"
    yield "lower_prio_no_advert", f"{config.lower_prio_no_advert:d}"
    yield "higher_prio_send_advert", f"{config.higher_prio_send_advert:d}"
    yield "vrid", f"{config.virtual_router_id}"
    yield "base_priority", f"{config.priority}"
    yield "effective_priority", f"{instance.priority}"
    yield "vipset", _text(instance.state is State.MASTER)
    yield "promote_secondaries", "false"
    yield "adver_int", f"{config.advert_int_us / SECOND_US:g}"
    yield "master_adver_int", f"{heard_us / SECOND_US:g}"
    yield "accept", f"{config.accept:d}"
    yield "nopreempt", _text(not router.preempts)
    yield "preempt_delay", f"{router.preempt_delay_us // SECOND_US}"
    yield "state", f"{_STATES[instance.state]}"
    yield "wantstate", f"{_STATES[wanted_state(instance)]}"
    yield "version", f"{config.version}"
    yield "smtp_alert", _text(config.smtp_alert)
    yield "notify_deleted", _text(config.notify_deleted)


def _addresses(instance: Instance, vips: tuple[VirtualIpAddress, ...], topology: Topology) -> Iterator[str]:
    name, interface = instance.name, own_place(instance.config)
    for vip in vips:
        stands = topology.stands(name, vip)
        yield virtual_address(vip, interface, stands=stands, accepted=instance.config.accept)


def _listed(key: str, values: Iterable[str]) -> Iterator[str]:
    """An array of strings, left out where it would be empty."""
    before = f',"{key}":['
    for value in values:
        yield before + _text(value)
        before = ","
    if before == ",":
        yield "]"


def _text(value: Any) -> str:
    """As compact as keepalived's, and like it with every slash escaped."""
    return json.dumps(value, separators=(",", ":")).replace("/", "\\/")
