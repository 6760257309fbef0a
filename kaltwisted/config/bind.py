"""Tree to model: every block by its table, inheritance and defaults filled in, all findings collected."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

import attrs

from kaltwisted.config import (
    bind_bfd,
    bind_garp,
    bind_group,
    bind_links,
    bind_lvs,
    bind_track,
    bind_track_group,
    bind_vrrp,
    route_lines,
    rule_lines,
)
from kaltwisted.config.bind_checks import Timings
from kaltwisted.config.drafts import GlobalDraft, SslDraft, TopDraft
from kaltwisted.config.iproute import FOLDERS, read_names
from kaltwisted.config.keywords.bfd import BFD_INSTANCE
from kaltwisted.config.keywords.garp import GARP_GROUP
from kaltwisted.config.keywords.global_defs import GLOBAL_DEFS, NOTIFICATION_EMAIL
from kaltwisted.config.keywords.links import INTERFACE_UP_DOWN_DELAYS, LINKBEAT_INTERFACES
from kaltwisted.config.keywords.ssl import SSL
from kaltwisted.config.keywords.top import TOP, VIRTUAL_SERVER_GROUP
from kaltwisted.config.keywords.track import VRRP_SCRIPT, VRRP_TRACK_FILE, VRRP_TRACK_PROCESS
from kaltwisted.config.keywords.virtual_server import VIRTUAL_SERVER
from kaltwisted.config.keywords.vrrp import (
    STATIC_IPADDRESS,
    STATIC_ROUTES,
    STATIC_RULES,
    TRACK_GROUP,
    VRRP_INSTANCE,
    VRRP_SYNC_GROUP,
)
from kaltwisted.config.model import ApiSettings, Configuration, GlobalDefs, LvsTimeouts, SslContext
from kaltwisted.config.model_process import ProcessSettings
from kaltwisted.config.reader import Reader

if TYPE_CHECKING:
    from kaltwisted.config.findings import Findings
    from kaltwisted.config.keywords.table import Table
    from kaltwisted.config.memory import B, Recall
    from kaltwisted.config.source import Source
    from kaltwisted.config.statement import Statement
    from kaltwisted.config.tree import Tree

T = TypeVar("T", ApiSettings, ProcessSettings)


@attrs.frozen
class Bound:
    """A configuration as it was written, findings in the order of the file."""

    configuration: Configuration
    reader: Reader

    @property
    def findings(self) -> Findings:
        """All of them, so far."""
        return self.reader.findings


def bind(source: Source, tree: Tree, recall: Recall) -> Bound:
    """The model of a tree.  The order of blocks does not matter: global_defs count wherever they stand.

    :param recall: knows the blocks that were read before.
    """
    reader = Reader(source, tree)
    top = reader.read(tree.statements, TOP, TopDraft())
    blocks: dict[str, list[Statement]] = {}
    for keyword, statement in top.blocks:
        assert keyword.block is not None
        blocks.setdefault(keyword.block.name, []).append(statement)

    defaults = attrs.evolve(
        _global_defs(reader, blocks.get(GLOBAL_DEFS.name, [])),
        instance=top.instance,
        use_pid_dir=top.use_pid_dir,
        linkbeat_use_polling=top.linkbeat_use_polling,
        ssl=_ssl(reader, blocks.get(SSL.name, [])),
    )
    timings: Timings = {}

    def bound(table: Table, context: object, how: Callable[[Statement], B | None]) -> tuple[B, ...]:
        return tuple(recall.bind(reader, table.name, blocks.get(table.name, []), context, how))

    services = bound(
        VIRTUAL_SERVER,
        defaults,
        lambda statement: bind_lvs.virtual_server(reader, statement, defaults, timings),
    )
    server_groups = bound(
        VIRTUAL_SERVER_GROUP, None, lambda statement: bind_group.server_group(reader, statement)
    )
    users = {table.name for table in (VRRP_INSTANCE, STATIC_ROUTES, STATIC_RULES)}
    iproute = read_names(FOLDERS if users & blocks.keys() else ())
    instances = bound(
        VRRP_INSTANCE,
        (defaults, iproute),
        lambda statement: bind_vrrp.instance(reader, statement, defaults, iproute),
    )
    scripts = bound(VRRP_SCRIPT, None, lambda statement: bind_track.script(reader, statement))
    processes = bound(VRRP_TRACK_PROCESS, None, lambda statement: bind_track.track_process(reader, statement))
    files = bound(VRRP_TRACK_FILE, None, lambda statement: bind_track.track_file(reader, statement))
    names = frozenset(instance.name for instance in instances)
    groups = bound(
        VRRP_SYNC_GROUP,
        (defaults, names),
        lambda statement: bind_vrrp.sync_group(reader, statement, defaults, names),
    )
    track_groups = bound(TRACK_GROUP, None, lambda statement: bind_track_group.track_group(reader, statement))
    statics = (STATIC_IPADDRESS, STATIC_ROUTES, STATIC_RULES)
    bind_track_group.tell_of_items(
        reader,
        [each for table in statics for each in blocks.get(table.name, ())],
        frozenset(each.name for each in track_groups),
    )
    addresses = [
        address
        for each in blocks.get(STATIC_IPADDRESS.name, ())
        for address in bind_vrrp.static_addresses(reader, each, defaults)
    ]
    routes = [
        route
        for each in blocks.get(STATIC_ROUTES.name, ())
        for route in route_lines.routes(reader, each, iproute, static=True)
    ]
    rules = [
        rule
        for each in blocks.get(STATIC_RULES.name, ())
        for rule in rule_lines.rules(reader, each, iproute, static=True)
    ]
    configuration = Configuration(
        defaults,
        tuple(services),
        vrrp_scripts=scripts,
        vrrp_instances=instances,
        vrrp_sync_groups=groups,
        vrrp_track_processes=processes,
        track_groups=track_groups,
        garp_groups=bound(GARP_GROUP, None, lambda statement: bind_garp.garp_group(reader, statement)),
        interface_up_down_delays=bind_links.link_delays(
            reader, blocks.get(INTERFACE_UP_DOWN_DELAYS.name, ())
        ),
        linkbeat_interfaces=bind_links.linkbeat_interfaces(reader, blocks.get(LINKBEAT_INTERFACES.name, ())),
        track_files=files,
        static_ipaddress=tuple(dict.fromkeys(addresses)),
        static_routes=tuple(dict.fromkeys(routes)),
        static_rules=tuple(dict.fromkeys(rules)),
        virtual_server_groups=server_groups,
        bfd_instances=bound(BFD_INSTANCE, None, lambda statement: bind_bfd.instance(reader, statement)),
    )
    return Bound(configuration, reader)


def _global_defs(reader: Reader, blocks: list[Statement]) -> GlobalDefs:
    """All ``global_defs`` blocks as one."""
    if not blocks:
        return GlobalDefs()
    inside = [inner for statement in blocks for inner in statement.block or ()]
    draft = reader.read(inside, GLOBAL_DEFS, GlobalDraft())
    recipients = [
        word
        for keyword, statement in draft.blocks
        if keyword.block is NOTIFICATION_EMAIL
        for line in statement.block or ()
        for word in line.words
    ]
    plain = GlobalDefs()
    return GlobalDefs(
        router_id=draft.router_id,
        notification_email=tuple(recipients),
        notification_email_from=draft.notification_email_from,
        smtp_server=draft.smtp_server,
        smtp_connect_timeout_us=draft.smtp_connect_timeout_us or plain.smtp_connect_timeout_us,
        smtp_helo_name=draft.smtp_helo_name,
        smtp_alert=draft.smtp_alert,
        smtp_alert_checker=draft.smtp_alert_checker,
        smtp_alert_vrrp=draft.smtp_alert_vrrp,
        no_checker_emails=draft.no_checker_emails,
        no_email_faults=draft.no_email_faults,
        log_unknown_vrids=draft.log_unknown_vrids,
        disable_local_igmp=draft.disable_local_igmp,
        checker_log_all_failures=draft.checker_log_all_failures,
        rs_init_notifies=draft.rs_init_notifies,
        lvs_flush=draft.lvs_flush,
        lvs_flush_on_stop=draft.lvs_flush_on_stop,
        lvs_sync_daemon=draft.lvs_sync_daemon,
        lvs_timeouts=LvsTimeouts(**ChainMap(*reversed(draft.lvs_timeouts))),
        script_user=draft.script_user,
        enable_script_security=draft.enable_script_security,
        dynamic_interfaces=draft.dynamic_interfaces,
        vrrp_version=draft.vrrp_version or plain.vrrp_version,
        default_interface=draft.default_interface,
        vmac_prefix=draft.vmac_prefix,
        vmac_addr_prefix=draft.vmac_addr_prefix,
        vrrp=bind_vrrp.shared_defaults(draft),
        rx_bufs=bind_vrrp.rx_bufs(draft),
        vrrp_netlink_cmd_rcv_bufs=draft.vrrp_netlink_cmd_rcv_bufs,
        vrrp_netlink_cmd_rcv_bufs_force=draft.vrrp_netlink_cmd_rcv_bufs_force,
        vrrp_netlink_monitor_rcv_bufs=draft.vrrp_netlink_monitor_rcv_bufs,
        vrrp_netlink_monitor_rcv_bufs_force=draft.vrrp_netlink_monitor_rcv_bufs_force,
        process_monitor_rcv_bufs=draft.process_monitor_rcv_bufs,
        process_monitor_rcv_bufs_force=draft.process_monitor_rcv_bufs_force,
        nftables=bind_vrrp.nftables(draft),
        vrrp_process=_settings(draft, "vrrp", ProcessSettings),
        checker_process=_settings(draft, "checker", ProcessSettings),
        bfd_process=_settings(draft, "bfd", ProcessSettings),
        max_auto_priority=draft.max_auto_priority,
        min_auto_priority_delay=draft.min_auto_priority_delay or plain.min_auto_priority_delay,
        process_names=draft.process_names,
        process_name=draft.process_name,
        umask=draft.umask,
        json_version=draft.json_version or plain.json_version,
        state_dump_file=draft.state_dump_file,
        stats_dump_file=draft.stats_dump_file,
        json_dump_file=draft.json_dump_file,
        notify_fifo=draft.notify_fifo,
        notify_fifo_script=draft.notify_fifo_script,
        vrrp_notify_fifo=draft.vrrp_notify_fifo,
        vrrp_notify_fifo_script=draft.vrrp_notify_fifo_script,
        lvs_notify_fifo=draft.lvs_notify_fifo,
        lvs_notify_fifo_script=draft.lvs_notify_fifo_script,
        fifo_write_vrrp_states_on_reload=draft.fifo_write_vrrp_states_on_reload,
        data_use_instance=draft.data_use_instance,
        startup_script=draft.startup_script,
        startup_script_timeout_us=draft.startup_script_timeout_us or plain.startup_script_timeout_us,
        shutdown_script=draft.shutdown_script,
        shutdown_script_timeout_us=draft.shutdown_script_timeout_us or plain.shutdown_script_timeout_us,
        vrrp_startup_delay_us=draft.vrrp_startup_delay_us or 0,
        vrrp_delay_after_boot_us=draft.vrrp_delay_after_boot_us or 0,
        api=_settings(draft, "api", ApiSettings),
        where=reader.source.where(blocks[0]),
    )


def _ssl(reader: Reader, blocks: list[Statement]) -> SslContext:
    """The last ``SSL`` block."""
    found = SslContext()
    for block in blocks:
        if block is not blocks[0]:
            log = "SSL context already specified - replacing"
            reader.error(block, "a second SSL block: all of the first one is forgotten", log=log)
        draft = reader.read(block.block or [], SSL, SslDraft())
        where = reader.source.where(block)
        password = None if draft.password is None else draft.password.encode(errors="surrogateescape")
        found = SslContext(draft.certificate, draft.key, draft.ca, password, where=where)
    return found


def _settings(draft: GlobalDraft, prefix: str, kind: type[T]) -> T:
    """The settings whose keywords have ``prefix``, as one value."""
    return kind(**{name: getattr(draft, f"{prefix}_{name}") for name in attrs.fields_dict(kind)})
