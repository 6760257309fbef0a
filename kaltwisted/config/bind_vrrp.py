"""``vrrp_instance`` and ``vrrp_sync_group`` blocks to the model."""

from __future__ import annotations

from collections.abc import Collection
from ipaddress import IPv6Address
from typing import TYPE_CHECKING

from kaltwisted.config.drafts import AuthenticationDraft, VrrpDraft
from kaltwisted.config.findings import Consequence, Severity
from kaltwisted.config.keywords.convert import not_one_of, parse_address, whole_number
from kaltwisted.config.keywords.table import Problem
from kaltwisted.config.keywords.vrrp import (
    AUTHENTICATION,
    GROUP,
    NOTIFY,
    VIRTUAL_IPADDRESS,
    VIRTUAL_IPADDRESS_EXCLUDED,
    VRRP_INSTANCE,
    VRRP_SYNC_GROUP,
)
from kaltwisted.config.model import (
    SECOND_US,
    Authentication,
    AuthType,
    GlobalDefs,
    Script,
    VirtualIpAddress,
    VrrpInstance,
    VrrpSyncGroup,
)
from kaltwisted.config.tree import says

if TYPE_CHECKING:
    from kaltwisted.config.reader import Reader
    from kaltwisted.config.tree import Statement

OWNER_PRIORITY = 255
DEFAULT_PRIORITY = 100
# Options of an address that stand alone, and those that take a word.
_ADDRESS_FLAGS = frozenset(
    ("home", "-nodad", "mngtmpaddr", "noprefixroute", "autojoin", "no_track", "use_vmac")
)
_ADDRESS_WORDS = frozenset(("peer", "preferred_lft", "track_group"))
_ADDRESS_FIELDS = {"dev": "dev", "label": "label", "scope": "scope", "brd": "brd", "broadcast": "brd"}


def _scripts(draft: VrrpDraft) -> dict[str, Script]:
    """Keyword to script, for those that are given."""
    found: dict[str, Script] = {}
    for name in NOTIFY:
        script: Script | None = getattr(draft, name)
        if script is not None:
            found[name] = script
    return found


def instance(reader: Reader, statement: Statement, defaults: GlobalDefs) -> VrrpInstance | None:
    """One ``vrrp_instance``; None when it cannot be one."""
    if len(statement.words) < 2:
        _nameless(reader, statement)
        return None
    draft = reader.read(statement.block or [], VRRP_INSTANCE, VrrpDraft())
    addresses: list[VirtualIpAddress] = []
    excluded: list[VirtualIpAddress] = []
    authentication: Authentication | None = None
    for keyword, inner in draft.blocks:
        match keyword.block:
            case table if table is VIRTUAL_IPADDRESS:
                addresses.extend(_addresses(reader, inner))
            case table if table is VIRTUAL_IPADDRESS_EXCLUDED:
                excluded.extend(_addresses(reader, inner))
            case table if table is AUTHENTICATION:
                authentication = _authentication(reader, inner) or authentication
    if draft.virtual_router_id is None and not says(statement, "virtual_router_id"):
        reader.report(
            Severity.ERROR,
            statement,
            f"instance `{statement.words[1]}` has no virtual_router_id",
            word=1,
            expected="virtual_router_id 1..255 in its block",
            consequence=Consequence.FATAL,
            log=f"({statement.words[1]}) the virtual router id must be set",
        )
    if draft.interface is None and defaults.default_interface is None and not says(statement, "interface"):
        reader.report(
            Severity.ERROR,
            statement,
            f"instance `{statement.words[1]}` has no interface",
            word=1,
            expected="interface eth0, or what the interface is called",
            consequence=Consequence.FATAL,
            log=f"({statement.words[1]}) Unknown interface!",
        )
    state = draft.state or "BACKUP"
    priority = draft.priority or (OWNER_PRIORITY if state == "MASTER" else DEFAULT_PRIORITY)
    ipv6 = bool(addresses) and isinstance(addresses[0].address, IPv6Address)
    return VrrpInstance(
        name=statement.words[1],
        interface=draft.interface or defaults.default_interface,
        virtual_router_id=draft.virtual_router_id or 0,
        state=state,
        priority=priority,
        advert_int_us=draft.advert_int_us or SECOND_US,
        version=draft.version or (3 if ipv6 else defaults.vrrp_version),
        mcast_src_ip=draft.mcast_src_ip,
        lvs_sync_daemon_interface=draft.lvs_sync_daemon_interface,
        authentication=authentication,
        virtual_ipaddress=tuple(addresses),
        virtual_ipaddress_excluded=tuple(excluded),
        nopreempt=draft.nopreempt,
        preempt_delay_us=draft.preempt_delay_us or 0,
        smtp_alert=_first(draft.smtp_alert, defaults.smtp_alert_vrrp, defaults.smtp_alert, False),
        notify=_scripts(draft),
        where=reader.source.where(statement),
    )


def sync_group(
    reader: Reader, statement: Statement, defaults: GlobalDefs, instances: Collection[str]
) -> VrrpSyncGroup | None:
    """One ``vrrp_sync_group``; ``instances``: the names there are."""
    if len(statement.words) < 2:
        _nameless(reader, statement)
        return None
    members: list[str] = []
    keywords: list[Statement] = []
    bare: list[Statement] = []
    for inner in statement.block or ():
        named = inner.block is None and inner.words[0] not in VRRP_SYNC_GROUP.keywords
        if named and all(word in instances for word in inner.words):
            bare.append(inner)
        else:
            keywords.append(inner)
    if bare:
        reader.warn(
            bare[0],
            f"members of `{statement.words[1]}` are accepted; today they stand in `group {{ … }}`",
        )
    draft = reader.read(keywords, VRRP_SYNC_GROUP, VrrpDraft())
    for inner in bare:
        members.extend(inner.words)
    for keyword, inner in draft.blocks:
        if keyword.block is GROUP:
            members.extend(word for line in inner.block or () for word in line.words)
    return VrrpSyncGroup(
        name=statement.words[1],
        group=tuple(dict.fromkeys(members)),
        smtp_alert=_first(draft.smtp_alert, defaults.smtp_alert_vrrp, defaults.smtp_alert, False),
        notify=_scripts(draft),
        where=reader.source.where(statement),
    )


def _first(*answers: bool | None) -> bool:
    """The first that is not None."""
    return next(answer for answer in answers if answer is not None)


def _nameless(reader: Reader, statement: Statement) -> None:
    name = statement.words[0]
    reader.report(
        Severity.ERROR,
        statement,
        f"`{name}` lacks its name",
        expected=f"`{name} NAME {{`",
        log=f"{name} must have a name",
    )


def _authentication(reader: Reader, statement: Statement) -> Authentication | None:
    draft = reader.read(statement.block or [], AUTHENTICATION, AuthenticationDraft())
    _tell_of_cut_password(reader, statement)
    if draft.auth_pass is None:
        if not says(statement, "auth_pass"):
            reader.error(
                statement, "authentication without auth_pass is not used", expected="auth_pass PASSWORD"
            )
        return None
    return Authentication(draft.auth_type or AuthType.PASS, draft.auth_pass)


def _tell_of_cut_password(reader: Reader, statement: Statement) -> None:
    """``auth_pass k@l!ve1``: the mark starts a comment, and nobody says that the password ends before it."""
    for inner in statement.block or ():
        if inner.words[0] == "auth_pass" and len(inner.words) == 2:
            end = reader.source.pieces(inner)[-1].end
            if reader.source.line(inner.line)[end : end + 1] in ("#", "!"):
                reader.warn(
                    inner,
                    "the password ends at the comment mark behind it, as it does in keepalived",
                    word=1,
                    expected='a password with # or ! in double quotes: auth_pass "…"',
                )


def _addresses(reader: Reader, statement: Statement) -> list[VirtualIpAddress]:
    found = []
    for line in statement.block or ():
        address = _address(reader, line)
        if address is not None:
            found.append(address)
    return found


def _address(reader: Reader, line: Statement) -> VirtualIpAddress | None:
    """``address[/prefix] [dev D] [label L] [scope S] [brd B] …``."""
    expected = "an address, such as 192.0.2.1/24 dev eth0"
    text, slash, length = line.words[0].partition("/")
    address = parse_address(text)
    if address is None:
        reader.error(line, f"`{line.words[0]}` is not an IP address", expected=expected)
        return None
    prefix = whole_number(length, 0, address.max_prefixlen) if slash else address.max_prefixlen
    if isinstance(prefix, str):
        reader.error(line, f"prefix length `{length}` {prefix}", expected=f"0 to {address.max_prefixlen}")
        return None
    options: dict[str, str] = {}
    index = 1
    while index < len(line.words):
        word = line.words[index]
        field = _ADDRESS_FIELDS.get(word)
        if word in _ADDRESS_FLAGS:
            reader.warn(line, f"`{word}` of an address is understood, not acted on yet", word=index)
            index += 1
            continue
        if field is None and word not in _ADDRESS_WORDS:
            known = [*_ADDRESS_FIELDS, *_ADDRESS_WORDS, *sorted(_ADDRESS_FLAGS)]
            reader.problems(line, [not_one_of(word, known, index)])
            break
        if index + 1 == len(line.words):
            reader.problems(line, [Problem(f"`{word}` lacks its value", index)])
            break
        if field is None:
            reader.warn(line, f"`{word}` of an address is understood, not acted on yet", word=index)
        else:
            options[field] = line.words[index + 1]
        index += 2
    return VirtualIpAddress(
        address,
        prefix,
        options.get("dev"),
        options.get("label"),
        options.get("scope"),
        options.get("brd"),
    )
