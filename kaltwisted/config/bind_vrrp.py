"""``vrrp_instance`` and ``vrrp_sync_group`` blocks to the model."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from ipaddress import IPv6Address
from typing import TYPE_CHECKING

import attrs

from kaltwisted.config import address_lines, bind_hmac, route_lines, rule_lines, vrrp_lines
from kaltwisted.config.bind_track import Trackers
from kaltwisted.config.bind_vrrp_strict import strictly
from kaltwisted.config.drafts import AuthenticationDraft, GlobalDraft, VrrpDraft
from kaltwisted.config.findings import Consequence, Severity
from kaltwisted.config.keywords.hmac import AUTH_HMAC
from kaltwisted.config.keywords.vrrp import (
    AUTHENTICATION,
    GROUP,
    NOTIFY,
    UNICAST_PEER,
    VIRTUAL_IPADDRESS,
    VIRTUAL_IPADDRESS_EXCLUDED,
    VIRTUAL_ROUTES,
    VIRTUAL_RULES,
    VRRP_INSTANCE,
    VRRP_SYNC_GROUP,
)
from kaltwisted.config.model import (
    SECOND_US,
    Address,
    Authentication,
    AuthHmac,
    AuthType,
    ExtraGarp,
    GlobalDefs,
    Ipvlan,
    Nftables,
    OldUnicastChecksum,
    Route,
    Rule,
    RxBufs,
    RxBufsPolicy,
    Script,
    UnicastPeer,
    VirtualIpAddress,
    VrrpDefaults,
    VrrpInstance,
    VrrpSyncGroup,
)
from kaltwisted.config.model_vrrp import OWNER_PRIORITY
from kaltwisted.config.reader import nameless, says

if TYPE_CHECKING:
    from kaltwisted.config.iproute import Names
    from kaltwisted.config.reader import Reader
    from kaltwisted.config.statement import Statement

DEFAULT_PRIORITY = 100
# vrrp_min_garp: one announcement of each address.
_ONE_EACH = VrrpDefaults(garp_master_delay_us=0, garp_master_repeat=1)


def _scripts(draft: VrrpDraft) -> dict[str, Script]:
    """Keyword to script, for those that are given."""
    found: dict[str, Script] = {}
    for name in (*NOTIFY, "notify_master_rx_lower_pri"):
        script: Script | None = getattr(draft, name)
        if script is not None:
            found[name] = script
    if isinstance(draft.notify_deleted, Script):
        found["notify_deleted"] = draft.notify_deleted
    return found


def shared_defaults(draft: GlobalDraft) -> VrrpDefaults:
    """The ``vrrp_*`` of ``global_defs``."""
    said = {name: getattr(draft, f"vrrp_{name}") for name in attrs.fields_dict(VrrpDefaults)}
    plain = _ONE_EACH if draft.vrrp_min_garp else VrrpDefaults()
    return attrs.evolve(plain, **{name: value for name, value in said.items() if value is not None})


def instance(reader: Reader, statement: Statement, defaults: GlobalDefs, names: Names) -> VrrpInstance | None:
    """One ``vrrp_instance``; None when it cannot be one.  ``names``: iproute2's."""
    if len(statement.words) < 2:
        nameless(reader, statement)
        return None
    draft = reader.read(statement.block or [], VRRP_INSTANCE, VrrpDraft())
    addresses: list[VirtualIpAddress] = []
    excluded: list[VirtualIpAddress] = []
    routes: list[Route] = []
    rules: list[Rule] = []
    authentication: Authentication | None = None
    auth_hmac: AuthHmac | None = None
    peers: list[UnicastPeer] = []
    for keyword, inner in draft.blocks:
        match keyword.block:
            case table if table is VIRTUAL_IPADDRESS:
                addresses.extend(address_lines.addresses(reader, inner))
            case table if table is VIRTUAL_IPADDRESS_EXCLUDED:
                excluded.extend(address_lines.addresses(reader, inner))
            case table if table is VIRTUAL_ROUTES:
                routes.extend(route_lines.routes(reader, inner, names))
            case table if table is VIRTUAL_RULES:
                rules.extend(rule_lines.rules(reader, inner, names))
            case table if table is UNICAST_PEER:
                peers.extend(vrrp_lines.peers(reader, inner))
            case table if table is AUTHENTICATION:
                authentication = _authentication(reader, inner) or authentication
            case table if table is AUTH_HMAC:
                auth_hmac = bind_hmac.auth_hmac(reader, inner)
                if auth_hmac is None:
                    # Unsigned it would be a second master beside those that sign.
                    return None
    trackers = Trackers(reader, draft.blocks)
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
    unicast = draft.unicast_src_ip is not None or draft.check_unicast_src
    if unicast and not draft.unicast_fault_no_peer:
        _unicast(reader, statement, peers)
    shared = defaults.vrrp
    state = draft.state or "BACKUP"
    priority = draft.priority or (OWNER_PRIORITY if state == "MASTER" else DEFAULT_PRIORITY)
    first = addresses[0].address if addresses else None
    ipv6 = draft.native_ipv6 if first is None else isinstance(first, IPv6Address)
    if not ipv6 and draft.use_ipvlan is not None and draft.use_vmac is None:
        _tell_of_lacking_source(reader, statement, draft.use_ipvlan)
    strict = _first(draft.strict_mode, shared.strict)
    bound = VrrpInstance(
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
        auth_hmac=auth_hmac,
        virtual_ipaddress=tuple(addresses),
        virtual_ipaddress_excluded=tuple(excluded),
        virtual_routes=tuple(dict.fromkeys(routes)),
        virtual_rules=tuple(dict.fromkeys(rules)),
        nopreempt=draft.nopreempt,
        preempt_delay_us=draft.preempt_delay_us or 0,
        unicast_src_ip=draft.unicast_src_ip,
        unicast_peer=tuple(peers),
        unicast_ttl=_or(draft.unicast_ttl, 255),
        unicast_fault_no_peer=draft.unicast_fault_no_peer,
        check_unicast_src=draft.check_unicast_src or shared.check_unicast_src,
        old_unicast_checksum=draft.old_unicast_checksum or OldUnicastChecksum.DETECT,
        v3_checksum_as_v2=_first(draft.v3_checksum_as_v2, shared.v3_checksum_as_v2),
        mcast_dst_ip=draft.mcast_dst_ip or (None if peers else _group(shared, ipv6)),
        accept=draft.accept is not False or priority == OWNER_PRIORITY,
        native_ipv6=draft.native_ipv6,
        strict_mode=strict,
        track_script=trackers.script,
        track_interface=trackers.interface,
        track_process=trackers.process,
        track_bfd=trackers.bfd,
        track_file=trackers.file,
        track_virtual_server=trackers.virtual_server,
        dont_track_primary=draft.dont_track_primary,
        garp_master_delay_us=_or(draft.garp_master_delay_us, shared.garp_master_delay_us),
        garp_master_repeat=_or(draft.garp_master_repeat, shared.garp_master_repeat),
        garp_master_refresh_us=_or(draft.garp_master_refresh_us, shared.garp_master_refresh_us),
        garp_master_refresh_repeat=_or(draft.garp_master_refresh_repeat, shared.garp_master_refresh_repeat),
        garp_lower_prio_delay_us=_either(draft.garp_lower_prio_delay_us, shared.garp_lower_prio_delay_us),
        garp_lower_prio_repeat=_either(draft.garp_lower_prio_repeat, shared.garp_lower_prio_repeat),
        garp_extra_if=_extra(draft.garp_extra_if or shared.garp_extra_if),
        lower_prio_no_advert=_first(draft.lower_prio_no_advert, shared.lower_prio_no_advert),
        higher_prio_send_advert=_first(draft.higher_prio_send_advert, shared.higher_prio_send_advert),
        down_timer_adverts=draft.down_timer_adverts or shared.down_timer_adverts,
        skip_check_adv_addr=_first(draft.skip_check_adv_addr, shared.skip_check_adv_addr),
        owner_ignore_adverts=_first(draft.owner_ignore_adverts, shared.owner_ignore_adverts),
        timer_expired_backup=draft.timer_expired_backup,
        use_vmac=draft.use_vmac,
        use_vmac_addr=draft.use_vmac_addr,
        use_ipvlan=draft.use_ipvlan,
        vmac_xmit_base=draft.vmac_xmit_base,
        track_src_ip=draft.track_src_ip,
        no_virtual_ipaddress=draft.no_virtual_ipaddress,
        notify_deleted=draft.notify_deleted is not False,
        promote_secondaries=draft.promote_secondaries,
        notify_priority_changes=_first(draft.notify_priority_changes, shared.notify_priority_changes),
        kernel_rx_buf_size=draft.kernel_rx_buf_size,
        smtp_alert=_first(draft.smtp_alert, defaults.smtp_alert_vrrp, defaults.smtp_alert, False),
        notify=_scripts(draft),
        where=reader.source.where(statement),
    )
    return strictly(reader, bound, draft) if strict else bound


def _extra(said: ExtraGarp | None) -> ExtraGarp | None:
    """0 is none."""
    return said if said is not None and said.interval_us else None


def _group(shared: VrrpDefaults, ipv6: bool) -> Address | None:
    """The group of ``global_defs``; None: the RFC's."""
    plain = VrrpDefaults()
    said, usual = (
        (shared.mcast_group6, plain.mcast_group6) if ipv6 else (shared.mcast_group4, plain.mcast_group4)
    )
    return None if said == usual else said


def rx_bufs(draft: GlobalDraft) -> RxBufs:
    """Of several policies a size counts before MTU, and MTU before ADVERT; of sizes the last."""
    said = draft.vrrp_rx_bufs_policy
    sizes = [each for each in said if isinstance(each, int)]
    named = [each for each in RxBufsPolicy if each in said]
    policies: list[RxBufsPolicy | int] = [*sizes[-1:], *named]
    policy = policies[0] if policies else None
    return RxBufs(policy, draft.vrrp_rx_bufs_multiplier or RxBufs().multiplier)


def nftables(draft: GlobalDraft) -> Nftables | None:
    """Where the rules of ``no_accept`` stand; None: nothing is said of it."""
    if draft.nftables is None and draft.nftables_priority is None and not draft.nftables_counters:
        return None
    plain = Nftables()
    return Nftables(
        draft.nftables or plain.table, _or(draft.nftables_priority, plain.priority), draft.nftables_counters
    )


def static_addresses(
    reader: Reader, statement: Statement, defaults: GlobalDefs
) -> Iterator[VirtualIpAddress]:
    """The lines of ``static_ipaddress``; each needs its interface."""
    for address in address_lines.addresses(reader, statement, static=True):
        dev = address.dev or defaults.default_interface
        if dev is None:
            reader.error(
                statement,
                f"static address {address.address} has no interface, and is left out",
                expected=f"{address.address}/{address.prefix} dev eth0, or default_interface in global_defs",
            )
        else:
            yield attrs.evolve(address, dev=dev)


def sync_group(
    reader: Reader, statement: Statement, defaults: GlobalDefs, instances: Collection[str]
) -> VrrpSyncGroup | None:
    """One ``vrrp_sync_group``, None when it cannot be one; ``instances``: the names there are."""
    if len(statement.words) < 2:
        nameless(reader, statement)
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
    if not members and not draft.blocks and says(statement, GROUP.name):
        return None
    trackers = Trackers(reader, draft.blocks)
    return VrrpSyncGroup(
        name=statement.words[1],
        group=tuple(dict.fromkeys(members)),
        sync_group_tracking_weight=draft.sync_group_tracking_weight,
        track_script=trackers.script,
        track_interface=trackers.interface,
        track_process=trackers.process,
        track_bfd=trackers.bfd,
        track_file=trackers.file,
        track_virtual_server=trackers.virtual_server,
        notify_priority_changes=_first(draft.notify_priority_changes, defaults.vrrp.notify_priority_changes),
        smtp_alert=_first(draft.smtp_alert, defaults.smtp_alert_vrrp, defaults.smtp_alert, False),
        notify=_scripts(draft),
        where=reader.source.where(statement),
    )


def _or(value: int | None, default: int) -> int:
    return default if value is None else value


def _either(value: int | None, default: int | None) -> int | None:
    return default if value is None else value


def _first(*answers: bool | None) -> bool:
    """The first that is not None."""
    return next(answer for answer in answers if answer is not None)


def _unicast(reader: Reader, statement: Statement, peers: list[UnicastPeer]) -> None:
    """What is said of unicast is for nothing where nobody is to have it."""
    if not peers and not says(statement, UNICAST_PEER.name):
        name = statement.words[1]
        reader.error(
            statement,
            f"instance `{name}` has no unicast_peer: its adverts are multicast",
            word=1,
            expected="unicast_peer { 192.0.2.2 }, or unicast_fault_no_peer",
            log=f"({name}) A unicast keyword has been specified without any unicast peers."
            " Defaulting to multicast. This usage is deprecated - please update your configuration.",
        )


def _tell_of_lacking_source(reader: Reader, statement: Statement, ipvlan: Ipvlan) -> None:
    """Over IPv4 an ipvlan needs its address; one that is wrong was told of."""
    name = statement.words[1]
    for inner in statement.block or ():
        tried = any(":" in word or word[:1].isdecimal() for word in inner.words[1:])
        if inner.words[0] == "use_ipvlan" and ipvlan.address is None and not tried:
            reader.error(
                inner,
                f"use_ipvlan of `{name}` needs an address: without it the instance stays in FAULT",
                expected="use_ipvlan 192.0.2.5/24",
                log=f"({name}) IPv4 ipvlan requires a source ip address to be configured."
                " setting instance to fault state",
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
