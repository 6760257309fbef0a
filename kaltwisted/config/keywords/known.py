"""Keywords of keepalived 2.4.3 that are known by their names only, and what they would do.

One line a keyword; ``{}`` marks those that open a block, which is skipped
whole.  Blocks that are listed themselves, by their path (``track_group``,
``real_server FILE_CHECK``), lend their keywords to "that is valid in block …";
lines of the others are values.  What gets its place in a table of its own is
taken out here.
"""

from __future__ import annotations

from kaltwisted.config.keywords.table import Keyword, Stage, Table

_NOT_YET = {
    "": """
linkbeat_use_polling: use MII/ethtool polling instead of netlink for link state of all interfaces
net_namespace: run the daemon inside this network namespace; first one wins; not changeable at reload
net_namespace_ipvs: separate network namespace for the IPVS socket
namespace_with_ipsets: allow ipsets in a non-default namespace (old kernels)
child_wait_time: how long the parent waits for children at stop before killing them
linkbeat_interfaces {}: interfaces whose link is polled instead of using netlink
interface_up_down_delays {}: delay reaction to link changes
SSL {}: client certificate material for all SSL_GET checks
""",
    "global_defs": """
use_symlink_paths: keep script paths as written instead of resolving symbolic links
set_supplementary_groups: give scripts the user's extra groups
max_auto_priority: how far the scheduling priority may rise by itself after late timers
min_auto_priority_delay: lateness that triggers an automatic priority step
lvs_timeouts: IPVS connection timeouts
lvs_flush_on_stop: clear IPVS table (or only own virtual servers) at stop in one go
lvs_flush_onstop: the old word for lvs_flush_on_stop
lvs_sync_daemon: kernel IPVS connection sync, role following a VRRP instance
disable_local_igmp: suppress IGMP handling for the VRRP groups on sending interfaces
vrrp_iptables: use iptables for no-accept and VMAC rules
vrrp_ipsets: names of ipsets used with iptables rules; no argument switches ipsets off
nftables_ifindex: match by ifindex rather than name in nftables sets
nftables_ipvs: set fwmarks for virtual server groups through nftables
nftables_ipvs_priority: priority of those chains
nftables_ipvs_start_fwmark: first fwmark used for that
snmp_socket: AgentX master address
enable_traps: send SNMP traps
enable_snmp_vrrp: serve keepalived MIB for VRRP
enable_snmp_keepalived: the old word for enable_snmp_vrrp
enable_snmp_rfc: serve both RFC2787 and RFC6527 MIBs
enable_snmp_rfcv2: serve RFC2787 MIB
enable_snmp_rfcv3: serve RFC6527 MIB
enable_snmp_checker: serve keepalived MIB for virtual servers
snmp_vs_stats_update_interval: max age of virtual server statistics served
snmp_rs_stats_update_interval: max age of real server statistics served
enable_dbus: export VRRP objects on the system D-Bus
dbus_service_name: D-Bus name
dbus_no_interface_name: D-Bus path component used when instance has no interface
lvs_netlink_cmd_rcv_bufs: receive buffer of netlink command socket (checker)
lvs_netlink_cmd_rcv_bufs_force: use SO_RCVBUFFORCE for it
lvs_netlink_monitor_rcv_bufs: receive buffer of netlink monitor socket (checker)
lvs_netlink_monitor_rcv_bufs_force: use SO_RCVBUFFORCE for it
random_seed: make ${_RANDOM} repeatable
reload_time_file: file holding a time at which to reload
reload_repeat: allow the reload-time file to trigger repeatedly
reload_file: file whose presence marks that a reload is wanted/allowed
config_save_dir: keep copies of loaded configurations there
tmp_config_directory: where the parent writes the consolidated configuration for children
iproute_usr_dir: directory of rt_* name tables (vendor)
iproute_etc_dir: directory of rt_* name tables (local)
""",
    "vrrp_instance": """
vrf: VRF of an instance without interface; one that has an interface runs in the VRF that this is in
linkbeat_use_polling: poll link of the instance interface
debug: verbosity level (build option)
""",
    "SSL": """
password: pass phrase of the key file
ca: CA file (PEM)
certificate: client certificate file (PEM)
key: client key file (PEM)
""",
    "virtual_server": """
hashed: a scheduler flag that does nothing
snmp_name: name shown in SNMP
""",
    "real_server": """
snmp_name: name shown in SNMP
""",
    "url": """
regex_options: pattern options
regex_min_offset: first body offset of a match
regex_max_offset: last body offset of a match
regex_stack: PCRE2 JIT stack sizes
tls_compliant: send TLS close_notify properly for this URL
""",
    "SSL_GET": """
tls_compliant: send TLS close_notify properly
""",
}


def known(block: str) -> dict[str, Keyword]:
    """Keywords of one block, by name or path (``""``: top level), that are not read yet."""
    found = {}
    for line in _NOT_YET.get(block, "").strip().splitlines():
        head, _, doc = line.partition(": ")
        name, _, opens = head.partition(" ")
        path = f"{block} {name}".lstrip()
        inside = Table(name, known(path), values=path not in _NOT_YET) if opens else None
        found[name] = Keyword(doc, words=None, block=inside, stage=Stage.KNOWN)
    return found
