"""How changes of links are taken, to the model, and what instances have to do with it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import attrs

from kaltwisted.config.findings import Severity
from kaltwisted.config.keywords.convert import one_of
from kaltwisted.config.keywords.links import LINK_DELAY
from kaltwisted.config.keywords.table import Keep, Problems
from kaltwisted.config.model import SECOND_US, LinkbeatInterface, LinkbeatMethod, LinkDelay, VrrpInstance
from kaltwisted.config.verify_report import warn

if TYPE_CHECKING:
    from kaltwisted.config.reader import Reader
    from kaltwisted.config.statement import Statement

_MOST_WORDS = 3
_METHODS = {each.value: each for each in LinkbeatMethod}


def link_delays(reader: Reader, blocks: Iterable[Statement]) -> tuple[LinkDelay, ...]:
    """All blocks of ``INTERFACE DOWN_DELAY [UP_DELAY]`` as one."""
    found: dict[str, LinkDelay] = {}
    for line in (line for block in blocks for line in block.block or ()):
        delay = _link_delay(reader, line)
        if delay is None:
            continue
        if delay.name in found:
            reader.warn(line, f"`{delay.name}` stands here a second time: the last one counts")
        found[delay.name] = delay
    return tuple(found.values())


def _link_delay(reader: Reader, line: Statement) -> LinkDelay | None:
    """One line; None where it cannot be told what was meant."""
    if len(line.words) < 2:
        reader.report(
            Severity.WARNING,
            line,
            f"`{line.words[0]}` lacks its delay",
            expected=LINK_DELAY.expected,
            log=f"No timeouts specified for {line.words[0]} up/down delays",
        )
        return None
    delays: list[int] = []
    for place, word in enumerate(line.words[1:_MOST_WORDS], 1):
        problems: Problems = []
        value = LINK_DELAY(["", word], problems)
        if problems:
            reader.problems(line, [attrs.evolve(problems[0], word=place)])
        if isinstance(value, Keep):
            return None
        delays.append(value)
    reader.most_words(line, _MOST_WORDS)
    down_us, up_us = (*delays, 0)[:2]
    return LinkDelay(line.words[0], down_us, up_us, where=reader.source.where(line))


def linkbeat_interfaces(reader: Reader, blocks: Iterable[Statement]) -> tuple[LinkbeatInterface, ...]:
    """All blocks of ``INTERFACE [MII|ETHTOOL|IOCTL]`` as one; the name counts whatever is behind it."""
    found: dict[str, LinkbeatInterface] = {}
    for line in (line for block in blocks for line in block.block or ()):
        name, *words = line.words
        method = _METHODS.get(words[0]) if words else None
        place = 1 if method is None else 2
        if len(line.words) > place:
            log = f"extra characters {words[0]} in linkbeat interface"
            expected = one_of(list(_METHODS)) if method is None else None
            message = f"`{line.words[place]}` is not known here"
            reader.error(line, message, word=place, expected=expected, log=log)
        if name in found:
            reader.warn(line, f"`{name}` stands here a second time: the last one counts")
        found[name] = LinkbeatInterface(name, method, where=reader.source.where(line))
    return tuple(found.values())


def verify_linkbeat(
    interfaces: tuple[LinkbeatInterface, ...], instances: Iterable[VrrpInstance], reader: Reader
) -> tuple[LinkbeatInterface, ...]:
    """Those of instances that say so themselves are polled, too."""
    found = {each.name: each for each in interfaces}
    for instance in instances:
        if instance.linkbeat_use_polling:
            word = "linkbeat_use_polling"
            log = f"({instance.name}) '{word}' in vrrp instance deprecated - use linkbeat_interfaces block"
            warn(reader, instance, f"`{word}` is accepted; today it is `linkbeat_interfaces`", log=log)
            if instance.interface is not None:
                found.setdefault(
                    instance.interface, LinkbeatInterface(instance.interface, where=instance.where)
                )
    return tuple(found.values())


def verify_link_delays(
    delays: tuple[LinkDelay, ...], instances: Iterable[VrrpInstance], reader: Reader
) -> tuple[LinkDelay, ...]:
    """Who takes a dead link for a live one must learn better before silence makes it a second master."""
    found = {each.name: each for each in delays}
    for instance in instances:
        delay = found.get(instance.interface or "")
        if delay is None:
            continue
        missed = instance.down_timer_adverts - 1
        limit = missed * instance.advert_int_us
        down_us, up_us = (
            us if us < limit else max(0, limit - instance.advert_int_us // 256)
            for us in (delay.down_us, delay.up_us)
        )
        if (down_us, up_us) == (delay.down_us, delay.up_us):
            continue
        found[delay.name] = attrs.evolve(delay, down_us=down_us, up_us=up_us)
        message = (
            f"the delays of `{delay.name}` must be less than {limit / SECOND_US:g} s, which is {missed} times"
            f" the advert_int of `{instance.name}`: {down_us / SECOND_US:.8g} and {up_us / SECOND_US:.8g} s"
            " are used"
        )
        log = f"interface {delay.name} debounce timer(s) not less that {missed} * advert_int"
        if not missed:
            message = f"`{instance.name}` has down_timer_adverts 1, so `{delay.name}` can have no delays"
            log = "cannot use debounce timers with down_timer_adverts = 1"
        warn(reader, delay, message, log=f"{instance.name}: {log} - resetting")
    return tuple(found.values())
