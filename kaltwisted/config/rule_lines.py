"""Lines of ``virtual_rules`` and ``static_rules``: policy rules in iproute2's words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from kaltwisted.config.keywords.convert import whole_number
from kaltwisted.config.model_routes import MAIN_TABLE, PROTOCOL_KEEPALIVED, Rule, RuleAction
from kaltwisted.config.option_words import STATIC_OPTION, UINT32_MAX, Options, OptionWords, Take, on

if TYPE_CHECKING:
    from kaltwisted.config.iproute import Names
    from kaltwisted.config.reader import Reader
    from kaltwisted.config.statement import Statement

DEFAULT_PRIORITY = 16384
"""What keepalived 2.2 gives a rule that has none."""
_IP_PROTOCOLS = {
    "icmp": 1, "igmp": 2, "tcp": 6, "udp": 17, "dccp": 33, "gre": 47, "esp": 50, "ah": 51, "ipv6-icmp": 58,
    "icmpv6": 58, "ospf": 89, "pim": 103, "vrrp": 112, "sctp": 132, "udplite": 136,
}  # fmt: skip
_ACTIONS = {
    "nop": RuleAction.NOP,
    "blackhole": RuleAction.BLACKHOLE,
    "unreachable": RuleAction.UNREACHABLE,
    "prohibit": RuleAction.PROHIBIT,
}

_table: Take = lambda words: words.named("rt_tables", UINT32_MAX)  # noqa: E731
_priority: Take = lambda words: words.number(1, UINT32_MAX)  # noqa: E731
_tos: Take = lambda words: words.named("rt_dsfield")  # noqa: E731
_prefix: Take = lambda words: words.number(0, 128)  # noqa: E731
_group: Take = lambda words: words.named("group", UINT32_MAX)  # noqa: E731

_FIELDS: Options = {
    "from": ("source", OptionWords.network),
    "to": ("destination", OptionWords.network),
    "table": ("table", _table),
    "lookup": ("table", _table),
    "not": ("inverted", on),
    "priority": ("priority", _priority),
    "preference": ("priority", _priority),
    "order": ("priority", _priority),
    "tos": ("tos", _tos),
    "dsfield": ("tos", _tos),
    "realms": ("realms", OptionWords.realms),
    "suppress_prefixlength": ("suppress_prefixlength", _prefix),
    "sup_pl": ("suppress_prefixlength", _prefix),
    "suppress_ifgroup": ("suppress_ifgroup", _group),
    "sup_group": ("suppress_ifgroup", _group),
    "dev": ("iif", OptionWords.interface),
    "iif": ("iif", OptionWords.interface),
    "oif": ("oif", OptionWords.interface),
    "tunnel-id": ("tunnel_id", lambda words: words.number(0, 2**63 - 1)),
    "uidrange": ("uidrange", lambda words: _range(words, UINT32_MAX, single=False)),
    "l3mdev": ("l3mdev", on),
    "protocol": ("protocol", lambda words: words.named("rt_protos")),
    "ipproto": ("ipproto", lambda words: _ip_protocol(words)),
    "ip_proto": ("ipproto", lambda words: _ip_protocol(words)),
    "sport": ("sport", lambda words: _range(words, 65535)),
    "dport": ("dport", lambda words: _range(words, 65535)),
    "goto": ("goto", _priority),
    "no_track": ("no_track", on),
}
RULE_OPTIONS = (*_FIELDS, *_ACTIONS, "fwmark", "type", "inet", "inet6")
"""The words that a line may have."""
_STATIC_FIELDS: Options = {**_FIELDS, STATIC_OPTION: (STATIC_OPTION, OptionWords.value)}


def rules(reader: Reader, statement: Statement, names: Names, *, static: bool = False) -> Iterator[Rule]:
    """The rules of a block; ``static`` ones have an option more."""
    for line in statement.block or ():
        rule = _rule(OptionWords(reader, line, names), _STATIC_FIELDS if static else _FIELDS)
        if rule is not None:
            yield rule


def _rule(words: OptionWords, known: Options) -> Rule | None:
    fields: dict[str, Any] = {}
    ipv6: bool | None = None
    while not words.at_end:
        word = words.take()
        option = known.get(word)
        if option is not None:
            fields[option[0]] = option[1](words)
        elif word == "fwmark":
            fields["fwmark"], fields["fwmask"] = _mark(words)
        elif word in ("inet", "inet6"):
            ipv6 = word == "inet6"
        elif word == "type":
            action = words.value()
            if action in _ACTIONS:
                fields["action"] = _ACTIONS[action]
            elif not words.failed:
                words.fail(f"`{action}` is not known here", " or ".join(_ACTIONS))
        elif word in _ACTIONS:
            fields["action"] = _ACTIONS[word]
        else:
            words.unknown(list(RULE_OPTIONS), "Unknown rule option")
    return None if words.failed else _checked(words, fields, ipv6)


def _checked(words: OptionWords, fields: dict[str, Any], ipv6: bool | None) -> Rule | None:
    families = {fields[end].version == 6 for end in ("source", "destination") if fields.get(end) is not None}
    families |= set() if ipv6 is None else {ipv6}
    if len(families) > 1:
        words.fail("IPv4 and IPv6 do not go together in a rule")
        return None
    if "goto" in fields:
        fields["action"] = RuleAction.GOTO
    if fields.get("action", RuleAction.LOOKUP) is not RuleAction.LOOKUP:
        fields.pop("table", None)
    elif not fields.get("l3mdev"):
        fields.setdefault("table", MAIN_TABLE)
    if "priority" not in fields:
        words.warn(
            f"a rule without priority gets {DEFAULT_PRIORITY}; its place among others is left to chance",
            "priority N",
        )
        fields["priority"] = DEFAULT_PRIORITY
    if fields.get("goto", UINT32_MAX) <= fields["priority"]:
        words.fail(
            "`goto` leads on to rules of a higher number only", f"goto {fields['priority'] + 1} or more"
        )
        return None
    if fields.get("protocol", PROTOCOL_KEEPALIVED) != PROTOCOL_KEEPALIVED and not fields.get("no_track"):
        words.warn(
            "only rules of protocol keepalived can be looked after: it is used",
            "no_track to keep another protocol",
        )
        del fields["protocol"]
    if "track_group" in fields and "iif" not in fields:
        words.warn(
            "`track_group` concerns nobody: the rule names no interface that packets come in by", "iif IF"
        )
    return Rule(True in families, **fields)


def _mark(words: OptionWords) -> tuple[int, int | None]:
    """``N[/MASK]``."""
    text = words.value()
    numbers: list[int] = []
    for part in text.split("/")[:2]:
        try:
            number = int(part, 0) if len(part) < 20 else -1
        except ValueError:
            number = -1
        if not 0 <= number <= UINT32_MAX:
            words.fail(f"`{text}` is not a mark", "NUMBER or NUMBER/MASK")
            return 0, None
        numbers.append(number)
    return numbers[0], numbers[1] if len(numbers) > 1 else None


def _range(words: OptionWords, high: int, *, single: bool = True) -> tuple[int, int]:
    """``A-B``, or with ``single`` also ``A``."""
    text = words.value()
    first, dash, last = text.partition("-")
    low, top = (whole_number(each, 0, high) for each in (first, last if dash else first))
    if not (dash or single) or isinstance(low, str) or isinstance(top, str) or top < low:
        words.fail(f"`{text}` is not a range", "FIRST-LAST, or one number" if single else "FIRST-LAST")
        return 0, 0
    return low, top


def _ip_protocol(words: OptionWords) -> int:
    if words.peek() in _IP_PROTOCOLS:
        return _IP_PROTOCOLS[words.take()]
    return words.number(0, 255)
