"""Debian's keepalived and ours with the same configuration: the files that they write on signals."""

from __future__ import annotations

import json
import re
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest

from tests.network.dump_files import compare, without
from tests.network.test_vrrp_failover import vip
from tests.network.vrrp_lan import Host, Router, lan, needs_keepalived, needs_lan, wait_for

pytestmark = [pytest.mark.network, needs_lan, needs_keepalived]

JSON_SIGNAL = signal.SIGRTMIN + 2

GLOBAL = """
global_defs {
    router_id LVS1
    nftables
    nftables_counters
    notification_email {
        root@localhost
        second@example.org
    }
    notification_email_from from@example.org
    smtp_server 127.0.0.1 2525
    smtp_helo_name helo.example.org
    smtp_connect_timeout 12
    smtp_alert_vrrp false
    checker_log_all_failures
    script_user root
    enable_script_security
    vrrp_garp_master_delay 7
    vrrp_garp_master_repeat 2
    vrrp_garp_master_refresh 60
    vrrp_down_timer_adverts 4
    vrrp_garp_interval 0.001
    vrrp_garp_extra_if all 7200
    vrrp_rx_bufs_policy MTU
    vrrp_netlink_cmd_rcv_bufs 300000
    vrrp_netlink_monitor_rcv_bufs_force
    no_email_faults
    log_unknown_vrids
    rs_init_notifies
}
garp_group {
    garp_interval 0.25
    interfaces {
        eth1
    }
}
garp_group {
    gna_interval 0.5
    interface lo
}
vrrp_script good {
    script "/usr/bin/test -d /"
    interval 1
    timeout 3
    weight 5
    rise 2
    fall 3
}
vrrp_script bad {
    script "/usr/bin/false a b"
    interval 1
    weight -10
}
vrrp_script fatal {
    script "/usr/bin/false"
    interval 1
    user nobody nogroup
}
vrrp_script unused {
    script "/usr/bin/true"
}
vrrp_script grouped {
    script "/usr/bin/true"
    interval 60
}
track_file number2 {
    file /tmp/kaltwisted-no-such-file
    weight 4 reverse
}
vrrp_track_process proc {
    process kaltwistednosuch
    weight 4
    quorum_max 3
    terminate_delay 1.5
}
vrrp_track_process proc2 {
    process kaltwistednosuch 300
    weight 4 reverse
    param_match initial
}
bfd_instance session {
    neighbor_ip 10.77.0.99
    weight 5 reverse
}
vrrp_sync_group G3 {
    group {
        STRICT
        FAR
    }
    track_interface {
        eth1 weight 7
    }
    track_script {
        good weight 6
    }
    track_file {
        number2 weight 7
    }
    track_process {
        proc
    }
    track_bfd {
        session weight 3
    }
}
vrrp_sync_group G1 {
    group {
        PASS
        THREE
    }
    notify_master "/usr/bin/true m"
    notify_fault "/usr/bin/true f"
    notify "/usr/bin/true n"
    smtp_alert
    sync_group_tracking_weight
}
vrrp_sync_group G2 {
    group {
        FAILED
        BESIDE
    }
}
"""


def instance(name: str, vrid: int, *settings: str) -> str:
    """An instance on eth0 with one address."""
    body = "\n".join(settings)
    return f"""
vrrp_instance {name} {{
    interface eth0
    virtual_router_id {vrid}
    virtual_ipaddress {{
        {vip(vrid)}/24
    }}
    {body}
}}
"""


STATICS = """
track_group T {
    group {
        PASS
        THREE
    }
}
static_ipaddress {
    10.99.0.1/24 dev eth0
    10.99.0.2/24 brd + dev eth0 scope link track_group T
    fd99::1/64 dev eth0 no_track
    10.99.3.1 peer 10.99.4.1 label eth0:x no_track noprefixroute home -nodad mngtmpaddr dev eth0
    10.99.5.1/24 dev eth0 preferred_lft 5
    fd99:1::1/64 no_track noprefixroute home -nodad mngtmpaddr preferred_lft 500 dev eth0 track_group T
    fd99:1::2 peer fd99:1::3 dev eth0
    fd99:1::4 dev eth0 preferred_lft forever
    ff05::99 dev eth0 autojoin
}
static_routes {
    10.98.0.0/24 tos 0x10 via 10.99.0.9 dev eth0 src 10.99.0.1 table 300 metric 5 onlink realms 1/2 \
mtu lock 1400 advmss 1300 rtt 300ms rto_min 500 reordering 5 window 33 cwnd 9 ssthresh 20 initcwnd 10 \
initrwnd 7 features ecn quickack 1 hoplimit 4 fastopen_no_cookie 1
    2001:db8:52::/48 from 2001:db8:60::/48 via fd99::2 dev eth0 src fd99::1 metric 7 pref low mtu 1400
    10.97.0.0/24 via 10.99.0.9 dev eth0 no_track protocol static
    10.96.0.0/24 dev eth0 no_track
    local 10.95.0.0/24 dev lo
    10.94.0.0/24 dev eth0 append track_group T
    throw 10.93.0.0/24 table 7
    10.92.0.0/24 encap ip id 5 dst 10.99.0.3 src 10.99.0.1 tos 16 ttl 30 dev eth0
    default via 10.99.0.9 dev eth0 table 44
}
static_rules {
    not from 10.50.0.0/16 to 10.3.0.0/16 table 300 priority 50 iif eth0 oif eth1 fwmark 5/0xff tos 0x10 \
tunnel-id 77 suppress_ifgroup 5 suppress_prefixlength 3 uidrange 0-5 ipproto tcp sport 7-8 no_track
    to 10.3.0.0/16 prohibit priority 51 iif eth0 ipproto udp dport 5-6
    from 10.4.0.0/16 l3mdev priority 52
    from 10.5.0.0/16 nop priority 53
    goto 60 priority 54
    from 2001:db8::/32 table 300 priority 55
    from 10.6.0.0/16 table 300 priority 56 realms 3/4
}
""".replace("\\\n", "")
ROUTES = """
virtual_routes {
    10.50.0.0/16 via 10.77.0.2 dev eth0
    10.51.0.0/16 nexthop via 10.77.0.2 dev eth0 weight 2 nexthop via 10.77.0.3 dev eth0 onlink
}
virtual_rules {
    from 10.50.0.0/16 table 300 priority 900
}
"""
PASSWORD = "authentication {\n auth_type %s\n auth_pass kalive1\n}"
INSTANCES = (
    instance(
        "PASS",
        51,
        "state MASTER\npriority 150\nadvert_int 1\nsmtp_alert\ngarp_extra_if all 3600\n" + PASSWORD % "PASS",
        "virtual_ipaddress_excluded {\n 10.78.0.51/24 dev eth1 label eth1:x scope link no_track\n"
        " 10.77.0.161/24 brd 10.77.0.255\n 2001:db8::5/64\n 2001:db8::6 no_track\n}",
        "track_script {\n good\n bad weight 7\n}",
        *(f'notify_{state} "/usr/bin/true {state}"' for state in ("master", "backup", "fault", "stop")),
        "notify_master_rx_lower_pri /usr/bin/true",
        "notify \"/usr/bin/true 'x y' z\" nobody",
    ),
    instance(
        "THREE", 52, "version 3\nadvert_int 0.25\nnopreempt\ntrack_interface {\n eth1 weight 10\n lo\n}"
    ),
    instance("AH", 53, "priority 101\nadvert_int 2\ndont_track_primary\n" + PASSWORD % "AH"),
    instance(
        "ONE_BY_ONE",
        54,
        "priority 90\nunicast_src_ip 10.77.0.1\nunicast_peer {\n 10.77.0.8\n 10.77.0.9\n}\ncheck_unicast_src",
        "garp_master_delay 0\ngarp_lower_prio_delay 2\ngarp_lower_prio_repeat 3",
        ROUTES,
    ),
    instance("SIX", 59, "priority 70\nno_accept").replace(
        f"{vip(59)}/24", "fe80::59\n2001:db8:59::1/64\n2001:db8:59::2"
    ),
    instance("STRICT", 60, "version 3\nstrict_mode\nkernel_rx_buf_size 100000"),
    instance("FAR", 61, "unicast_ttl 64\nunicast_peer {\n 10.77.0.8 min_ttl 60 max_ttl 64\n}"),
    instance("FAILED", 55, "track_script {\n fatal\n grouped\n}"),
    instance("BESIDE", 56, "priority 60\nskip_check_adv_addr\nlower_prio_no_advert\nhigher_prio_send_advert"),
    instance("BACK", 57, "priority 60\npreempt_delay 30.5\nmcast_src_ip 10.77.0.1"),
    instance(
        "TRACKS",
        62,
        "priority 50\ntrack_file {\n number2 weight 2\n}\ntrack_process {\n proc\n proc2 weight 3\n}",
        "track_bfd {\n session weight 2 noreverse\n}",
    ),
    instance("BACK3", 58, "priority 60\nversion 3\nadvert_int 0.5\ndown_timer_adverts 5"),
)
RIVALS = (
    instance("BACK", 57, "state MASTER\npriority 200"),
    instance("BACK3", 58, "state MASTER\npriority 200\nversion 3\nadvert_int 0.75"),
)
MASTERS = (51, 52, 53, 54)

VALUES = {
    r"   Last transition = ([\d.]+ \(\w{3} \w{3} [ \d]\d [\d:.]{15} \d{4}\))": "times",
    r"   Read timeout = ([\d.]+ \(\w{3} \w{3} [ \d]\d [\d:.]{15} \d{4}\))": "times",
    r"   Next gratuitous ARP for such secondary = (.*)": "times",
    r"   Master down timer = (\d+) usecs": (
        "keepalived's is as it was last reckoned, with another priority or the initial interval"
    ),
    r"   State = (idle|running)": "a script may run just then",
}
# keepalived looks after what names an interface only, and is not sure where that is.
_LOOKED_AFTER = re.compile(
    r"^(     (?:prepend|append|add) .*?)(?: no_track)?(?: \[installed ifindex \d+\])?$", re.MULTILINE
)
CHANGING = ("last_transition", "advert_rcvd", "advert_sent", "advert_interval_err")
ABOUT_GLOBALS = {
    r" Network namespace.*": "net_namespace is not ours yet",
    r" No test config before reload": "reload_check_config is not ours",
    r" Disable local IGMP = no": "a keyword that is not ours",
    r" LVS flush on stop = disabled": "a keyword that is not ours",
    r" FIFO write vrrp states on reload = false": "FIFOs are not ours",
    r" VRRP notify priority changes = false": "a keyword that is not ours",
    r" libnftnl version .*": "a library that is not ours",
    r" M(ax auto priority|in auto priority delay) = .*": "process priorities are not ours",
    r" (VRRP|Checker|BFD) (process priority|don't swap|realtime priority|realtime limit) = .*": "likewise",
    r" (SNMP|DBus) .*": "neither SNMP nor D-Bus",
    r" lvs_\w+_rcv_bufs(_force)? = 0": "keywords that are not ours",
    r" umask = 0177": "a keyword that is not ours",
}
#: Whole sections about keepalived's insides: queues and file descriptors.
SECTIONS = ("Gratuitous ARP delays", "GARP delay group 0", "GARP delay group 1", "VRRP Sockpool")
LEFT_OUT = ABOUT_GLOBALS | {
    r"   Additional IPv4 addresses :|     10\.99\.[035]\.1": "only the one to send from is told of",
    r"   Password = .*": "not to be shown",
    r"   fd_in .*": "file descriptors",
    r"   (Seen up|Delayed state change|Up debounce|Down debounce).*": "no debouncing",
    r"   (Reset|Original) .*|   Not IPv6 forwarding.*": "sysctls that keepalived changes",
}


@attrs.frozen
class Files:
    """What a daemon wrote."""

    data: str
    statistics: str
    json: Any


def keepalived_wrote(router: Router) -> Files:
    """All files of Debian's."""
    folder = router.configuration.with_suffix(".dumps")
    found = []
    for number, name in ((signal.SIGUSR1, "data"), (signal.SIGUSR2, "stats"), (JSON_SIGNAL, "json")):
        router.process.send_signal(number)
        found.append(written(folder / f"keepalived.{name}"))
    return Files(found[0], found[1], json.loads(found[2]))


def ours_wrote(router: Router) -> Files:
    """All files of ours."""
    router.process.send_signal(signal.SIGUSR1)
    last = router.configuration.with_suffix(".json2")
    second = json.loads(written(last))
    files = [router.configuration.with_suffix(f".{name}").read_text() for name in ("data", "stats", "json")]
    first = json.loads(files[2])
    assert second == {"vrrp": first, "track_process": []}
    return Files(files[0], files[1], first)


def written(file: Path) -> str:
    """A file once it is there and grows no more."""
    sizes = [-1]

    def complete() -> bool:
        sizes.append(file.stat().st_size if file.exists() else -1)
        return sizes[-1] > 0 and sizes[-4:] == [sizes[-1]] * 4

    wait_for(complete, f"for {file.name}")
    return file.read_text()


def settled(host: Host, router: Router) -> None:
    """Wait until all instances are where they belong, and the scripts have told what they have to."""

    def all_said() -> bool:
        return all(
            router.says(words)
            for words in (
                "VRRP_Script(bad) failed",
                "VRRP_Script(good) succeeded",
                "VRRP_Script(grouped) succeeded",
                "(PASS) Changing effective priority from 150 to 155",
            )
        )

    wait_for(lambda: all(host.holds(vip(vrid)) for vrid in MASTERS), "for the masters")
    wait_for(all_said, "for the scripts")
    wait_for(lambda: router.says("VRRP_Script(fatal) failed"), "for the faults")
    time.sleep(1.0)  # for the last of it to have been carried out


@pytest.fixture(scope="module")
def files() -> Iterator[tuple[Files, Files]]:
    """What Debian's and ours wrote on one host, one after the other, with a better router beside them."""
    text = GLOBAL + STATICS + "".join(INSTANCES)
    with lan(2) as (one, two):
        two.keepalived("".join(RIVALS))
        wait_for(lambda: two.holds(vip(57)) and two.holds(vip(58)), "for the rivals")
        debians = one.keepalived(text)
        settled(one, debians)
        theirs = keepalived_wrote(debians)
        debians.stop()
        router = one.ours(text)
        settled(one, router)
        yield theirs, ours_wrote(router)
        router.stop()


def test_the_data_file(files: tuple[Files, Files]) -> None:
    theirs, ours = files
    assert "kalive1" in theirs.data
    assert "kalive1" not in ours.data
    wanted, found = (_LOOKED_AFTER.sub(r"\1", each.data) for each in files)
    compare(without(wanted, *SECTIONS), found, values=VALUES, left_out=LEFT_OUT)


def test_the_statistics_file(files: tuple[Files, Files]) -> None:
    theirs, ours = files
    counts = {
        r"    (?:Received|Sent): (\d+)": "counted since the start",
        r"    Advertisement Interval: (\d+)": "Debian's never counts these; BACK3's rival has another",
    }
    compare(theirs.statistics, ours.statistics, values=counts, left_out={})


def test_the_json_file(files: tuple[Files, Files]) -> None:
    """The same keys in the same order, with values of the same types and, where they can be, the same."""
    theirs, ours = files
    for wanted, found in zip(theirs.json, ours.json, strict=True):
        for part, but in (("data", ["auth_data"]), ("stats", [])):
            expected = {key: value for key, value in wanted[part].items() if key not in but}
            assert list(found[part]) == list(expected)
            for key, value in expected.items():
                assert type(found[part][key]) is type(value), key
                if key not in CHANGING:
                    told = [_as_tracked(words) for words in (found[part][key], value)]
                    assert told[0] == told[1], (found["data"]["iname"], key)


def _as_tracked(value: Any) -> Any:
    """Routes without what keepalived adds to those that it does not look after."""
    if not isinstance(value, list):
        return value
    return [
        re.sub(r" no_track$", "", each) if each.startswith(("prepend ", "append ", "add ")) else each
        for each in value
    ]
