"""Keywords of keepalived 2.4.3 that are known by their names only, and what they would do.

One line a keyword.  What gets its place in a table of its own is taken out here.
"""

from __future__ import annotations

from kaltwisted.config.keywords.table import Keyword, Stage

_NOT_YET = {
    "": """
net_namespace: run the daemon inside this network namespace; first one wins; not changeable at reload
net_namespace_ipvs: separate network namespace for the IPVS socket
namespace_with_ipsets: allow ipsets in a non-default namespace (old kernels)
child_wait_time: how long the parent waits for children at stop before killing them
""",
    "global_defs": """
use_symlink_paths: keep script paths as written instead of resolving symbolic links
set_supplementary_groups: give scripts the user's extra groups
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
debug: verbosity level (build option)
""",
    "url": """
regex_options: pattern options
regex_min_offset: first body offset of a match
regex_max_offset: last body offset of a match
regex_stack: PCRE2 JIT stack sizes
""",
}


def known(block: str) -> dict[str, Keyword]:
    """Keywords of one block, by name (``""``: top level), that are not read yet."""
    lines = (line.partition(": ") for line in _NOT_YET.get(block, "").strip().splitlines())
    return {name: Keyword(doc, words=None, stage=Stage.KNOWN) for name, _, doc in lines}
