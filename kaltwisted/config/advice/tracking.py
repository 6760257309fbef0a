"""Advice on what instances track: weights, and scripts that nobody tracks or that are slow."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from kaltwisted.config.advice.kinds import CLAMPED_PRIORITY, SLOW_SCRIPT, UNTRACKED_SCRIPT
from kaltwisted.config.advice.words import seconds
from kaltwisted.config.model import SECOND_US
from kaltwisted.config.model_vrrp import OWNER_PRIORITY

if TYPE_CHECKING:
    from kaltwisted.config.findings import Finding
    from kaltwisted.config.model import Configuration, VrrpInstance, VrrpScript
    from kaltwisted.config.written import Written

HIGHEST_PRIORITY = 254
LATE_US = 60 * SECOND_US
"""A failure that stays unnoticed for longer than this is worth a word."""


def weights(instance: VrrpInstance, scripts: Mapping[str, VrrpScript]) -> dict[str, int]:
    """The weights that can change an instance's priority, by what it tracks.

    An owner's priority never changes.
    """
    if instance.priority == OWNER_PRIORITY:
        return {}
    found: dict[str, int] = {}
    for tracked in instance.track_interface:
        if tracked.weight:
            found[f"interface {tracked.name}"] = tracked.weight
    for tracked in instance.track_virtual_server:
        if tracked.weight and not tracked.reverse:
            found[f"virtual server {tracked.name}"] = tracked.weight
    for tracked in instance.track_script:
        script = scripts.get(tracked.name)
        if script is None:
            continue
        weight = script.weight if tracked.weight is None else tracked.weight
        if weight:
            found[f"script {tracked.name}"] = weight
    return found


def by_name(configuration: Configuration) -> dict[str, VrrpScript]:
    """The scripts."""
    return {script.name: script for script in configuration.vrrp_scripts}


def weightless(configuration: Configuration) -> frozenset[str]:
    """Instances in sync groups without ``sync_group_tracking_weight``, where weights do not count."""
    return frozenset(
        name
        for group in configuration.vrrp_sync_groups
        if not group.sync_group_tracking_weight
        for name in group.group
    )


def clamped_priorities(configuration: Configuration, written: Written) -> Iterator[Finding]:
    """With all that it tracks in order, an instance would have more than 254.

    Below 1 nothing is told: a weight that is meant to put a router last may well be larger than its priority.
    """
    scripts, idle = by_name(configuration), weightless(configuration)
    for instance in configuration.vrrp_instances:
        if instance.name in idle:
            continue
        lifted = sum(weight for weight in weights(instance, scripts).values() if weight > 0)
        total = instance.priority + lifted
        if lifted and total > HIGHEST_PRIORITY and written.is_sound(instance.where):
            yield written.advise(
                CLAMPED_PRIORITY,
                written.spot(instance.where, "priority", word=1),
                f"priority {instance.priority} and weights of {lifted} are {total}, and {HIGHEST_PRIORITY} "
                "is used: a failure lowers it by less than its weight",
                expected=f"priority {HIGHEST_PRIORITY - lifted} or less"
                if lifted < HIGHEST_PRIORITY
                else "smaller weights",
            )


def untracked_scripts(configuration: Configuration, written: Written) -> Iterator[Finding]:
    """A ``vrrp_script`` that is in no ``track_script``, in a file with instances."""
    if not configuration.vrrp_instances:
        return
    tracked = {each.name for instance in configuration.vrrp_instances for each in instance.track_script}
    places = [instance.where for instance in configuration.vrrp_instances]
    places += [group.where for group in configuration.vrrp_sync_groups]
    for where in places:
        # A sync group may track, too.
        tracked.update(
            line.words[0]
            for block in written.blocks(where)
            for statement in block.block or ()
            if statement.words[0] == "track_script"
            for line in statement.block or ()
        )
    for script in configuration.vrrp_scripts:
        # What is wrong in an instance may have been meant to track it.
        if script.name not in tracked and all(map(written.is_sound, (script.where, *places))):
            yield written.advise(
                UNTRACKED_SCRIPT,
                written.spot(script.where, word=1),
                f"no instance tracks `{script.name}`: what it finds changes nothing",
                expected=f"track_script {{ {script.name} }} in a vrrp_instance",
            )


def slow_scripts(configuration: Configuration, written: Written) -> Iterator[Finding]:
    """A run that may outlast its interval, or failures that take more than a minute to count."""
    for script in configuration.vrrp_scripts:
        interval, spent_us = seconds(script.interval_us), script.interval_us * script.fall
        if script.timeout_us is not None and script.timeout_us > script.interval_us:
            keyword = "timeout"
            message = (
                f"timeout {seconds(script.timeout_us)} is longer than interval {interval}: "
                f"`{script.name}` may still run when it is due again, and that run is left out"
            )
            expected = f"timeout {interval} or less"
        elif spent_us > LATE_US:
            keyword = "interval"
            message = (
                f"`{script.name}` fails after {seconds(spent_us)} seconds (interval {interval}, "
                f"fall {script.fall}); until then a director goes on that should not"
            )
            expected = "a shorter interval, or a smaller fall"
        else:
            continue
        if written.is_sound(script.where):
            spot = written.spot(script.where, keyword, word=1)
            yield written.advise(SLOW_SCRIPT, spot, message, expected=expected)


RULES = (clamped_priorities, untracked_scripts, slow_scripts)
