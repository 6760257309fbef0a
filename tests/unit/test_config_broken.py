"""A hundred small broken configurations: one finding each, at the place marked ``«``."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from kaltwisted.config.findings import Consequence, Severity, render
from kaltwisted.config.load import Reading, load_text

LOGGED, FATAL, MISSING = Consequence.LOGGED, Consequence.FATAL, Consequence.MISSING_PARAMETER
WARNS = Consequence.NONE

GOOD_SERVER = "    real_server 10.0.0.2 80 {\n        TCP_CHECK {\n        }\n    }\n"


def service(lines: str, server: str = GOOD_SERVER, head: str = "virtual_server 10.0.0.1 80 {") -> str:
    """A virtual server that lacks nothing, with more lines in it."""
    usual = [("lb_algo rr", "lb_algo"), ("lb_kind NAT", "lb_kind"), ("protocol TCP", "protocol")]
    missing = [line for line, keyword in usual if keyword not in lines.replace("«", "").split()]
    body = "".join(f"    {line}\n" for line in [*lines.splitlines(), *missing] if line)
    return f"{head}\n{body}{server}}}\n"


def server(lines: str, head: str = "real_server 10.0.0.2 80 {") -> str:
    """A service with one real server that holds these lines."""
    body = "".join(f"        {line}\n" for line in lines.splitlines())
    return service("", f"    {head}\n{body}    }}\n")


def check(kind: str, lines: str) -> str:
    """A service with one real server with one check."""
    body = "".join(f"    {line}\n" for line in lines.splitlines())
    return server(f"{kind} {{\n{body}}}")


def url(lines: str) -> str:
    """An HTTP_GET with one url."""
    body = "".join(f"    {line}\n" for line in lines.splitlines())
    return check("HTTP_GET", f"url {{\n{body}}}")


def instance(lines: str, name: str = "VI_1", vrid: str = "virtual_router_id 51") -> str:
    """A VRRP instance that lacks nothing."""
    body = "".join(f"    {line}\n" for line in [*lines.splitlines(), vrid] if line)
    address = "" if "virtual_ipaddress {" in lines else "    virtual_ipaddress {\n        10.0.0.9\n    }\n"
    own = lines.partition("authentication {")[0].replace("_interface", "")
    interface = "" if "interface" in own else "    interface eth0\n"
    return f"vrrp_instance {name} {{\n{body}{interface}{address}}}\n"


def globals_(lines: str) -> str:
    """A global_defs block."""
    return "global_defs {\n" + "".join(f"    {line}\n" for line in lines.splitlines()) + "}\n"


TWO = instance("", "VI_1") + instance("", "VI_2", "virtual_router_id 52")

# name: (text, part of the message, what it does to the daemon)
BROKEN: dict[str, tuple[str, str, Consequence]] = {
    # --- words that are no keywords
    "unknown at top level": ("«virtal_server 10.0.0.1 80 {\n    lb_algo rr\n}\n", "not a keyword", LOGGED),
    "unknown line at top level": ("«nonsense\n" + service(""), "not a keyword", LOGGED),
    "misspelt in global_defs": (globals_("«ruoter_id x"), "not a keyword", LOGGED),
    "misspelt in virtual_server": (service("«delay_lop 6"), "not a keyword", LOGGED),
    "misspelt in real_server": (server("«weigth 5"), "not a keyword", LOGGED),
    "misspelt in a check": (check("TCP_CHECK", "«connetc_port 80"), "not a keyword", LOGGED),
    "misspelt in a url": (url("path /\n«diggest 00"), "not a keyword", LOGGED),
    "misspelt in vrrp_instance": (instance("«netify_backup /bin/true"), "not a keyword", LOGGED),
    "misspelt check, skipped whole": (
        server("«HTTP_POST {\n    url {\n        path /\n    }\n}\nweight 2"),
        "its block is skipped",
        LOGGED,
    ),
    "misplaced: lb_algo in real_server": (server("«lb_algo rr"), "not a keyword", LOGGED),
    "misplaced: weight in global_defs": (globals_("«weight 3"), "not a keyword", LOGGED),
    "misplaced: router_id at top level": ("«router_id lb1\n", "not a keyword", LOGGED),
    "misplaced: virtual_router_id in global_defs": (
        globals_("«virtual_router_id 5"),
        "not a keyword",
        LOGGED,
    ),
    "capital keyword not in the guide": (service("«LB_ALGO rr\nlb_algo rr"), "not a keyword", LOGGED),
    "fork's keyword": ("«local_address_group LAG {\n    10.0.0.5\n}\n", "its block is skipped", LOGGED),
    # --- numbers
    "number missing digits": (service("quorum «many"), "is not a number", LOGGED),
    "number with rubbish behind": (service("weight «5x"), "stands behind the number", LOGGED),
    "negative number": (server("weight «-3"), "is out of range", LOGGED),
    "number beyond its range": (instance("priority «256"), "is out of range", LOGGED),
    "number of a thousand digits": (server("weight «" + "9" * 1000), "is out of range", LOGGED),
    "zero where one is least": (service("quorum «0"), "is out of range", LOGGED),
    "persistence_timeout 0": (service("persistence_timeout «0"), "is out of range", LOGGED),
    "port beyond 65535": (check("TCP_CHECK", "connect_port «70000"), "is out of range", LOGGED),
    "virtual_router_id with rubbish": (instance("", vrid="virtual_router_id «51x"), "not used", LOGGED),
    "virtual_router_id too big": (instance("", vrid="virtual_router_id «300"), "is out of range", LOGGED),
    "preempt_delay too long": (instance("preempt_delay «1001"), "is out of range", LOGGED),
    # --- seconds
    "seconds in words": (service("delay_loop «soon"), "is not a number of seconds", LOGGED),
    "seconds with a unit": (service("delay_loop «6s"), "stands behind the number", LOGGED),
    "zero delay_loop": (service("delay_loop «0"), "is out of range", LOGGED),
    "advert_int of 300": (instance("advert_int «300"), "is out of range", LOGGED),
    "seven decimals": (service("delay_loop «1.1234567"), "is rounded", LOGGED),
    "decimals for misc_timeout": (
        check("MISC_CHECK", "misc_path /bin/true\nmisc_timeout «1.5"),
        "is not a number of seconds",
        LOGGED,
    ),
    # --- one of a few words
    "unknown scheduler": (service("lb_algo «rrr"), "is not known here", LOGGED),
    "forwarding in lower case": (service("lb_kind «dr"), "is not known here", LOGGED),
    "unknown forwarding": (service("lb_kind «FULLNAT"), "is not known here", LOGGED),
    "tunnel type of nothing": (service("lb_kind TUN type «vxlan"), "is not known here", LOGGED),
    "tunnel type for NAT": (service("lb_kind NAT «type gre"), "goes with TUN only", WARNS),
    "unknown protocol": (service("protocol «ICMP"), "is not known here", LOGGED),
    "unknown ip_family": (service("ip_family «ipv6"), "is not known here", LOGGED),
    "state in mixed case": (instance("state «Master"), "is not known here", LOGGED),
    "unknown auth_type": (
        instance("authentication {\n    auth_type «MD5\n    auth_pass x\n}"),
        "is not known here",
        LOGGED,
    ),
    "vrrp_version 4": (globals_("vrrp_version «4"), "is not known here", LOGGED),
    "http_protocol 2": (
        check("HTTP_GET", "http_protocol «2\nurl {\n    path /\n}"),
        "is not known here",
        LOGGED,
    ),
    "neither yes nor no": (globals_("smtp_alert «maybe"), "neither yes nor no", LOGGED),
    "capital yes": (server("alpha «YES"), "neither yes nor no", LOGGED),
    # --- addresses
    "virtual_server that is no address": (
        service("", head="virtual_server «10.0.0.256 80 {"),
        "is not an IP address",
        LOGGED,
    ),
    "virtual_server with a bad port": (
        service("", head="virtual_server 10.0.0.1 «http {"),
        "port `http`",
        LOGGED,
    ),
    "firewall mark 0": (service("", head="virtual_server fwmark «0 {"), "firewall mark", LOGGED),
    "real_server that is a name": (
        server("weight 1", "real_server «www.example.org 80 {"),
        "is not an IP address",
        LOGGED,
    ),
    "real_server with a huge port": (
        server("weight 1", "real_server 10.0.0.2 «99999 {"),
        "port `99999`",
        LOGGED,
    ),
    "sorry_server that is no address": (service("sorry_server «later 80"), "is not an IP address", LOGGED),
    "sorry_server with port 0": (service("sorry_server 10.0.0.3 «0"), "port `0`", LOGGED),
    "connect_ip that is no address": (check("TCP_CHECK", "connect_ip «here"), "is not an IP address", LOGGED),
    "mcast_src_ip that is no address": (instance("mcast_src_ip «eth0"), "is not an IP address", LOGGED),
    "virtual address that is none": (
        instance("virtual_ipaddress {\n    10.0.0.9\n    «10.0.0.300\n}"),
        "is not an IP address",
        LOGGED,
    ),
    "virtual address with a long prefix": (
        instance("virtual_ipaddress {\n    «10.0.0.9/33\n}"),
        "prefix length",
        LOGGED,
    ),
    "virtual address with an unknown option": (
        instance("virtual_ipaddress {\n    10.0.0.9/24 «devv eth0\n}"),
        "is not known here",
        LOGGED,
    ),
    "virtual address option without value": (
        instance("virtual_ipaddress {\n    10.0.0.9/24 «dev\n}"),
        "lacks its value",
        LOGGED,
    ),
    "granularity with holes": (service("persistence_granularity «255.0.255.0"), "is not a mask", LOGGED),
    # --- what is missing
    "lb_algo without parameter": (service("«lb_algo"), "lacks its parameter", MISSING),
    "router_id without parameter": (globals_("«router_id"), "lacks its parameter", LOGGED),
    "interface without parameter": (instance("«interface"), "lacks its parameter", MISSING),
    "smtp_server without parameter": (globals_("«smtp_server"), "lacks its parameter", MISSING),
    "misc_path without parameter": (check("MISC_CHECK", "«misc_path"), "lacks its parameter", LOGGED),
    "auth_pass without parameter": (
        instance("authentication {\n    auth_type PASS\n    «auth_pass\n}"),
        "lacks its parameter",
        MISSING,
    ),
    "virtual_server without address": (service("", head="«virtual_server {"), "lacks its parameter", MISSING),
    "virtual_server fwmark without mark": (
        service("", head="«virtual_server fwmark {"),
        "lacks its parameter",
        MISSING,
    ),
    "real_server without address": (server("weight 1", "«real_server {"), "lacks its parameter", MISSING),
    "vrrp_instance without name": ("«vrrp_instance {\n    interface eth0\n}\n", "lacks its name", LOGGED),
    "sync group without name": (
        TWO + "«vrrp_sync_group {\n    group {\n        VI_1\n    }\n}\n",
        "lacks its name",
        LOGGED,
    ),
    "no protocol": (
        "«virtual_server 10.0.0.1 80 {\n    lb_algo rr\n    lb_kind NAT\n" + GOOD_SERVER + "}\n",
        "has no protocol",
        LOGGED,
    ),
    "no scheduler": (
        "«virtual_server 10.0.0.1 80 {\n    lb_kind NAT\n    protocol TCP\n" + GOOD_SERVER + "}\n",
        "has no lb_algo",
        LOGGED,
    ),
    "no forwarding method": (
        "«virtual_server 10.0.0.1 80 {\n    lb_algo rr\n    protocol TCP\n" + GOOD_SERVER + "}\n",
        "has no lb_kind",
        LOGGED,
    ),
    "no real servers": (service("", "", "«virtual_server 10.0.0.1 80 {"), "no real servers", LOGGED),
    "HTTP_GET without url": (server("«HTTP_GET {\n}"), "without a url", LOGGED),
    "url without path": (check("HTTP_GET", "«url {\n    digest " + "0" * 32 + "\n}"), "no path", LOGGED),
    "MISC_CHECK without command": (server("«MISC_CHECK {\n}"), "without misc_path", LOGGED),
    "no virtual_router_id": ("vrrp_instance «VI_1 {\n    interface eth0\n}\n", "no virtual_router_id", FATAL),
    "no interface": (
        "vrrp_instance «VI_1 {\n    virtual_router_id 5\n}\n",
        "no interface",
        FATAL,
    ),
    "authentication without password": (
        instance("«authentication {\n    auth_type PASS\n}"),
        "without auth_pass",
        LOGGED,
    ),
    # --- values that say too much or the wrong thing
    "digest too short": (url("path /\ndigest «64zz"), "is not an MD5 digest", LOGGED),
    "status code 700": (url("path /\nstatus_code 200 «700"), "is no status code", LOGGED),
    "status codes backwards": (url("path /\nstatus_code «300-200"), "is no status code", LOGGED),
    "regex that does not compile": (url("path /\nregex «([a-z"), "does not compile", LOGGED),
    "path twice": (url("path /\n«path /again"), "a second time", WARNS),
    "quorum_up twice": (service("quorum_up /bin/true\n«quorum_up /bin/false"), "a second time", LOGGED),
    "password too long": (
        instance("authentication {\n    auth_type PASS\n    auth_pass «123456789\n}"),
        "the first 8 are used",
        LOGGED,
    ),
    "arguments outside of quotes": (check("MISC_CHECK", "misc_path /bin/check «-v"), "user or group", LOGGED),
    "single quote of a script not closed": (server("notify_up «'/bin/up now"), "quote is not closed", LOGGED),
    "one word too many": (service("lb_algo rr «wrr"), "one word too many", WARNS),
    "one word too many in a header": (
        service("", head="virtual_server 10.0.0.1 80 «tcp {"),
        "one word too many",
        WARNS,
    ),
    "sorry_server_inhibit alone": (
        service("sorry_server_inhibit", head="«virtual_server 10.0.0.1 80 {"),
        "without a sorry_server",
        LOGGED,
    ),
    # --- quotes, comments, odd lines
    "quote not closed, parameter lost": (service('lb_algo «"rr'), "quote is not closed", MISSING),
    "quote not closed behind a parameter": (service('lb_algo rr «"x'), "quote is not closed", LOGGED),
    "comment mark inside a password": (
        instance("authentication {\n    auth_type PASS\n    auth_pass «k@l!ve1\n}"),
        "comment mark",
        WARNS,
    ),
    "line of 1100 bytes": ("«" + "x" * 1100 + "\n" + service(""), "longer than 1023", LOGGED),
    "line with a NUL byte": (service("") + "«router\0id\n", "NUL", LOGGED),
    "braces around nothing": (service("") + "«{\n}\n", "opens a block", LOGGED),
    "block behind a plain keyword": (service("«delay_loop 6 {\n    weight 1\n}"), "opens no block", LOGGED),
    "block keyword without block": (service("") + "«global_defs\n", "has no block", LOGGED),
    # --- braces
    "missing: check not closed": (
        "virtual_server 10.0.0.1 80 {\n    lb_algo rr\n    lb_kind NAT\n    protocol TCP\n"
        "    real_server 10.0.0.2 80 {\n        «TCP_CHECK {\n            connect_timeout 3\n    }\n}\n"
        + TWO,
        "`TCP_CHECK` opened here is not closed",
        LOGGED,
    ),
    "missing: real_server not closed": (
        "virtual_server 10.0.0.1 80 {\n    lb_algo rr\n    lb_kind NAT\n    protocol TCP\n"
        "    «real_server 10.0.0.2 80 {\n        weight 1\n"
        "    real_server 10.0.0.3 80 {\n        weight 2\n    }\n}\n",
        "`real_server` opened here is not closed",
        LOGGED,
    ),
    "missing: global_defs not closed": (
        "«global_defs {\n    router_id x\n" + service("") + TWO,
        "`global_defs` opened here is not closed",
        LOGGED,
    ),
    "missing: notification_email not closed": (
        "global_defs {\n    «notification_email {\n        a@example.org\n    router_id x\n}\n" + service(""),
        "`notification_email` opened here is not closed",
        LOGGED,
    ),
    "missing: virtual_server not closed": (
        "«" + service("").rstrip("}\n") + "\n    }\n" + service("", head="virtual_server 10.0.0.1 81 {"),
        "`virtual_server` opened here is not closed",
        LOGGED,
    ),
    "missing: last brace of the file": (
        "«" + instance("").rstrip("}\n") + "\n    }\n",
        "`vrrp_instance` opened here is not closed",
        LOGGED,
    ),
    "missing: no indentation at all": (
        "virtual_server 10.0.0.1 80 {\nlb_algo rr\nlb_kind NAT\nprotocol TCP\n"
        "«real_server 10.0.0.2 80 {\nweight 1\nreal_server 10.0.0.3 80 {\nweight 2\n}\n}\n",
        "`real_server` opened here is not closed",
        LOGGED,
    ),
    "missing: virtual_ipaddress not closed": (
        "vrrp_instance VI_1 {\n    interface eth0\n    «virtual_ipaddress {\n        10.0.0.9\n"
        "    virtual_router_id 51\n}\n",
        "`virtual_ipaddress` opened here is not closed",
        LOGGED,
    ),
    "missing: opening brace": (
        "virtual_server 10.0.0.1 80 {\n    lb_algo rr\n    lb_kind NAT\n    protocol TCP\n"
        "    «real_server 10.0.0.2 80\n        weight 1\n    }\n}\n",
        "has no opening brace",
        LOGGED,
    ),
    "surplus: at the end of the file": (service("") + "«}\n", "closes nothing", LOGGED),
    "surplus: between blocks": (globals_("router_id x") + "«}\n" + service(""), "closes nothing", LOGGED),
    "surplus: inside a real_server": (
        "virtual_server 10.0.0.1 80 {\n    lb_algo rr\n    lb_kind NAT\n    protocol TCP\n"
        "    real_server 10.0.0.2 80 {\n        TCP_CHECK {\n        }\n        «}\n        weight 1\n    }\n"
        "    real_server 10.0.0.3 80 {\n        weight 2\n    }\n}\n",
        "one closing brace too many",
        LOGGED,
    ),
    "surplus: no indentation": (
        "virtual_server 10.0.0.1 80 {\nlb_algo rr\nlb_kind NAT\nprotocol TCP\n"
        "real_server 10.0.0.2 80 {\n}\n}\n«real_server 10.0.0.3 80 {\nweight 2\n}\n}\n",
        "is closed too early",
        LOGGED,
    ),
    # --- values that do not go together
    "all ports without persistence": (
        service("", head="«virtual_server 10.0.0.1 {"),
        "needs persistence",
        LOGGED,
    ),
    "DR to another port": (
        service("lb_kind DR", "    «real_server 10.0.0.2 8080 {\n    }\n"),
        "cannot change the port",
        LOGGED,
    ),
    "real_server twice": (service("", GOOD_SERVER + "    «" + GOOD_SERVER.lstrip()), "a second time", LOGGED),
    "virtual_server twice": (service("") + "«" + service(""), "a second time", LOGGED),
    "real_server of the other family": (
        service("", GOOD_SERVER + "    «real_server 2001:db8::1 80 {\n    }\n"),
        "address family",
        LOGGED,
    ),
    "sorry_server of the other family": (
        service("sorry_server 2001:db8::1 80", head="«virtual_server 10.0.0.1 80 {"),
        "address family",
        LOGGED,
    ),
    "quorum out of reach": (
        service("quorum 5", head="«virtual_server 10.0.0.1 80 {"),
        "above the total",
        LOGGED,
    ),
    "hysteresis not below quorum": (
        service("hysteresis 3", head="«virtual_server 10.0.0.1 80 {"),
        "not below the quorum",
        LOGGED,
    ),
    "nothing but weight 0": (
        service(
            "", "    real_server 10.0.0.2 80 {\n        weight 0\n    }\n", "«virtual_server 10.0.0.1 80 {"
        ),
        "have weight 0",
        LOGGED,
    ),
    "no SMTP timeout": (globals_("smtp_connect_timeout «0"), "1 is used", LOGGED),
    "ops for TCP": (service("ops", head="«virtual_server 10.0.0.1 80 {"), "for UDP", LOGGED),
    "sh-port without sh": (
        service("sh-port", head="«virtual_server 10.0.0.1 80 {"),
        "for the scheduler sh",
        LOGGED,
    ),
    "instance twice": (
        instance("") + "«" + instance("", vrid="virtual_router_id 52"),
        "a second time",
        LOGGED,
    ),
    "virtual_router_id twice": (instance("") + "«" + instance("", "VI_2"), "both use", FATAL),
    "sync group with a stranger": (
        TWO + "«vrrp_sync_group G {\n    group {\n        VI_1\n        VI_2\n        VI_9\n    }\n}\n",
        "no vrrp_instance",
        LOGGED,
    ),
    "sync group of one": (
        TWO + "«vrrp_sync_group G {\n    group {\n        VI_1\n    }\n}\n",
        "has one member",
        LOGGED,
    ),
    "sync group of none": (TWO + "«vrrp_sync_group G {\n}\n", "has no members", LOGGED),
    "virtual addresses of two families": (
        "«" + instance("virtual_ipaddress {\n    10.0.0.9\n    2001:db8::9\n}"),
        "not IPv4 as its first",
        LOGGED,
    ),
    "half seconds in version 2": ("«" + instance("advert_int 1.5"), "whole seconds", LOGGED),
    "41 seconds in version 3": ("«" + instance("version 3\nadvert_int 41"), "at most 40.95", LOGGED),
    "password in version 3": (
        "«" + instance("version 3\nauthentication {\n    auth_type PASS\n    auth_pass x\n}"),
        "has no authentication",
        LOGGED,
    ),
    "nopreempt with MASTER": ("«" + instance("state MASTER\nnopreempt"), "state MASTER", LOGGED),
    "nopreempt of an owner": (
        "«" + instance("priority 255\nnopreempt"),
        "nopreempt does not go with priority 255",
        LOGGED,
    ),
    "preempt_delay with nopreempt": (
        "«" + instance("nopreempt\npreempt_delay 5"),
        "nothing to delay",
        LOGGED,
    ),
    "own interface tracked": (
        "«" + instance("track_interface {\n eth0\n}\ninterface eth0"),
        "its own interface",
        LOGGED,
    ),
    "weight of an owner": (
        "«" + instance("priority 255\ntrack_interface {\n eth1 weight 5\n}"),
        "never changes",
        LOGGED,
    ),
    "weight of an owner that did not mean to be": (
        globals_("enable_script_security\nscript_user root")
        + 'vrrp_script s {\n    script "/bin/true"\n    weight 5\n}\n'
        + "«"
        + instance("state MASTER\ntrack_script {\n s\n}"),
        "the weight of script s",
        LOGGED,
    ),
    "weight in a sync group": (
        "«"
        + instance("track_interface {\n eth1 weight 5\n}", "VI_1")
        + instance("", "VI_2", "virtual_router_id 52")
        + "vrrp_sync_group G {\n    group {\n        VI_1\n        VI_2\n    }\n}\n",
        "`G` has no sync_group_tracking_weight",
        LOGGED,
    ),
    "a script tracked in two blocks": (
        globals_("enable_script_security\nscript_user root")
        + "vrrp_script s {\n    script /bin/true\n}\n"
        + instance("track_script {\n    s\n}\ntrack_script {\n    «s\n}"),
        "a second time: the first one counts",
        LOGGED,
    ),
    "unicast_src_ip without peers": (
        instance("unicast_src_ip 10.0.0.7", "«VI_1"),
        "has no unicast_peer",
        LOGGED,
    ),
    "check_unicast_src without peers": (
        instance("check_unicast_src", "«VI_1"),
        "has no unicast_peer",
        LOGGED,
    ),
    "unicast_peer that is misspelt": (
        instance("unicast_src_ip 10.0.0.7\n«unicast_peeer {\n    10.0.0.8\n}"),
        "its block is skipped",
        LOGGED,
    ),
    "the only real_server misspelt": (
        service("", GOOD_SERVER.replace("real_server", "«reel_server")),
        "its block is skipped",
        LOGGED,
    ),
    "script with a quote that is open": (instance('notify «"/bin/true'), "quote is not closed", LOGGED),
    "preempt_delay with MASTER": ("«" + instance("state MASTER\npreempt_delay 5"), "state MASTER", LOGGED),
    # --- what is read later
    # --- accepted, with a word of warning
    "the guide's lvs_id": (globals_("«lvs_id LVS_MAIN"), "today it is `router_id`", WARNS),
    "the guide's smtp_connection_timeout": (globals_("«smtp_connection_timeout 30"), "today it is", WARNS),
    "the guide's lbhc": (service("lb_algo «lbhc"), "taken as `lblc`", WARNS),
    "the guide's nat_mask": (service("«nat_mask 255.255.255.0"), "does nothing", WARNS),
    "the guide's nb_get_retry": (
        check("HTTP_GET", "«nb_get_retry 3\nurl {\n    path /\n}"),
        "today it is `retry`",
        WARNS,
    ),
    "the guide's lvs_sync_daemon_inteface": (
        instance("«lvs_sync_daemon_inteface eth1"),
        "today it is `lvs_sync_daemon_interface`",
        WARNS,
    ),
    "the guide's vrrip_instance": ("«" + instance("").replace("vrrp_", "vrrip_"), "today it is", WARNS),
    "the guide's group without group": (
        TWO + "vrrp_sync_group G {\n    «VI_1\n    VI_2\n}\n",
        "today they stand in `group",
        WARNS,
    ),
    "the guide's Virtualhost": (
        service("«Virtualhost www.example.org"),
        "the keyword is `virtualhost`",
        WARNS,
    ),
    "the guide's Path": (url("«Path /"), "the keyword is `path`", WARNS),
    "for later: a keyword": (globals_("«enable_dbus"), "not acted on yet", WARNS),
}


def read_marked(text: str) -> tuple[Reading, int, int]:
    """The reading of a text, and where its mark was: line and column."""
    before, mark, after = text.partition("«")
    assert mark
    line = before.count("\n") + 1
    return load_text(before + after, "broken.conf"), line, len(before) - (before.rfind("\n") + 1) + 1


class BrokenConfigurationTests(SynchronousTestCase):
    """Every one of them gives exactly one finding, at its place and of its class."""


def _behaviour(text: str, message: str, consequence: Consequence):  # type: ignore[no-untyped-def]
    def test(self: BrokenConfigurationTests) -> None:
        reading, line, column = read_marked(text)
        told = "\n".join(map(render, reading.findings))
        self.assertEqual(len(reading.findings), 1, told)
        [finding] = reading.findings
        self.assertIn(message, finding.message)
        self.assertEqual((finding.position.line, finding.position.column), (line, column), told)
        self.assertIs(finding.consequence, consequence, told)
        warns = consequence is WARNS
        self.assertIs(finding.severity, Severity.WARNING if warns else Severity.ERROR)
        self.assertEqual(reading.exit_status, consequence.test_status)
        self.assertEqual(reading.fatal, consequence.start_status)

    return test


for _name, _case in BROKEN.items():
    _words = "".join(letter if letter.isalnum() else "_" for letter in _name)
    setattr(BrokenConfigurationTests, f"test_{_words}", _behaviour(*_case))


class GoodConfigurationTests(SynchronousTestCase):
    """What the broken ones are made of is not broken itself."""

    def test_no_findings(self) -> None:
        for text in (
            service(""),
            server("weight 2"),
            check("TCP_CHECK", ""),
            url("path /"),
            instance(""),
            TWO,
            # Next to what an owner and a sync group may not have.
            instance("priority 255\ntrack_interface {\n eth1\n}"),
            TWO.replace("VI_1 {", "VI_1 {\ntrack_interface {\n eth1 weight 5\n}")
            + "vrrp_sync_group G {\nsync_group_tracking_weight\ngroup {\nVI_1\nVI_2\n}\n}\n",
        ):
            self.assertEqual(load_text(text, "good.conf").findings, ())
