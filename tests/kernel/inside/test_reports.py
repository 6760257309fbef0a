"""Debian's keepalived and our checker role with the same file: the data files that they write on SIGUSR1."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from tests.network.daemon import PATIENCE_S, ROOT, Daemon, wait_for
from tests.network.dump_files import compare
from tests.network.test_vrrp_reports import ABOUT_GLOBALS

from .topology import Site, entered

GLOBAL = """
global_defs {
    router_id LVS1
    notification_email {
        root@localhost
    }
    notification_email_from from@example.org
    smtp_server 127.0.0.1
    smtp_helo_name helo.example.org
    enable_script_security
    script_user root
    no_checker_emails
}
"""

TIMING = "warmup 0\ndelay_loop 1\nretry 2\ndelay_before_retry 1\n"

SERVICES = """
virtual_server 192.0.2.10 80 {
    delay_loop 3
    lb_algo wrr
    lb_kind NAT
    protocol TCP
    persistence_timeout 300
    persistence_granularity 255.255.255.0
    quorum 3
    hysteresis 1
    quorum_up "/usr/bin/true up a"
    quorum_down "/usr/bin/true down" nobody nogroup
    omega
    virtualhost vs.example.org
    smtp_alert
    sorry_server 192.0.2.13 8080
    sorry_server_inhibit
    real_server 192.0.2.11 80 {
        weight 3
        inhibit_on_failure
        uthreshold 100
        lthreshold 50
        notify_up "/usr/bin/true rup"
        notify_down "/usr/bin/true rdown" nobody
        virtualhost rs.example.org
        TCP_CHECK {
            connect_timeout 1.5
            bindto 192.0.2.1
            fwmark 3
            log_all_failures
            alpha
            TIMING
        }
        MISC_CHECK {
            misc_path "/usr/bin/true 'a b' c"
            misc_timeout 4
            user nobody
            TIMING
        }
        MISC_CHECK {
            misc_path /usr/bin/false
            misc_timeout 4
            TIMING
        }
    }
    real_server 192.0.2.12 80 {
        weight 2
        MISC_CHECK {
            misc_path "/usr/bin/sh -c 'exit 11'"
            misc_timeout 4
            misc_dynamic
            TIMING
        }
    }
    real_server 192.0.2.13 80 {
        alpha
        TCP_CHECK {
            connect_ip 192.0.2.13
            connect_port 9
            retry 0
            warmup 0
        }
    }
}
virtual_server fwmark 7 {
    lb_algo sh
    sh-port
    sh-fallback
    lb_kind DR
    persistence_timeout 60
    real_server 192.0.2.11 0 {
        HTTP_GET {
            url {
                path /
                status_code 404 200 201-202
                virtualhost u.example.org
                regex "server[0-9]"
            }
            url {
                path /b
                regex_no_match
                regex "nothing"
            }
            connect_port 80
            virtualhost h.example.org
            http_protocol 1.1
            fast_recovery
            warmup 0
        }
    }
    real_server 192.0.2.12 0 {
        SSL_GET {
            url {
                path /s
                digest 0123456789abcdef0123456789abcdef
            }
            enable_sni
            http_protocol 1.0C
            connect_port 80
            connect_timeout 3
            retry 1
            delay_before_retry 1
            warmup 0
        }
    }
}
virtual_server fwmark 8 {
    ip_family inet6
    lb_algo wlc
    lb_kind TUN
    real_server 2001:db8::11 0 {
        lvs_method TUN type gue port 6080
    }
    real_server 2001:db8::12 0 {
        lvs_method TUN type gre
    }
}
virtual_server 192.0.2.10 5060 {
    protocol UDP
    ops
    lb_algo mh
    mh-port
    flag-1
    lvs_method TUN type gue port 6081
    sorry_server 192.0.2.14 5060
    sorry_server_lvs_method DR
    real_server 192.0.2.11 5060 {
    }
}
virtual_server_group web {
    192.0.2.50 80
    192.0.2.51-53 81
    fwmark 9
}
virtual_server group web {
    lb_algo rr
    lb_kind NAT
    protocol TCP
    real_server 192.0.2.11 80 {
    }
    real_server 192.0.2.12 80 {
    }
}
virtual_server group web {
    lb_algo rr
    lb_kind NAT
    protocol UDP
    real_server 192.0.2.11 53 {
    }
}
virtual_server_group six {
    2001:db8::50 80
    fwmark 9 inet6
}
virtual_server group six {
    lb_algo rr
    lb_kind NAT
    protocol TCP
    real_server 2001:db8::11 80 {
    }
}
virtual_server 192.0.2.61 53 {
    lb_algo rr
    lb_kind NAT
    protocol UDP
    real_server 192.0.2.11 53 {
        DNS_CHECK {
            warmup 3600
        }
        DNS_CHECK {
            type aaaa
            name www.example.org.
            delay_before_retry 2
            warmup 3600
        }
        UDP_CHECK {
            warmup 3600
        }
        UDP_CHECK {
            payload 0102
            require_reply
            min_reply_length 3
            connect_port 5300
            warmup 3600
        }
    }
    real_server 192.0.2.12 53 {
        UDP_CHECK {
            require_reply 0a0b
            warmup 3600
        }
        UDP_CHECK {
            require_reply 0a0x
            max_reply_length 9
            warmup 3600
        }
        PING_CHECK {
            connect_ip 192.0.2.13
            bindto 192.0.2.1
            bind_if eth0
            warmup 3600
        }
    }
}
virtual_server 192.0.2.60 80 {
    lb_algo rr
    lb_kind NAT
    protocol TCP
    ha_suspend
    quorum_up /usr/bin/true
    real_server 192.0.2.11 80 {
        TCP_CHECK {
            connect_timeout 3
        }
    }
}
virtual_server 2001:db8::10 443 {
    protocol TCP
    lb_algo lc
    flag-2
    lb_kind NAT
    persistence_timeout 30
    persistence_granularity 64
    alpha
    real_server 2001:db8::11 443 {
        weight 7
        TCP_CHECK {
            connect_port 80
            warmup 60
        }
    }
}
""".replace("TIMING", TIMING)

VALUES: Mapping[str, str] = {
    r"   Last ran = (.*)": "times",
    r"   Retries iterations = (\d+)": "keepalived counts past the last retry, and from 1 before the first",
}
LEFT_OUT = ABOUT_GLOBALS | {
    r" VRRP (IPv[46] mcast group|strict mode) = .*| nftables without counters": "told by the VRRP process",
    r" System is compiled with LVS .*": "nothing is compiled",
    r"   Hashed = .*": "the kernel's own flag",
    r"   (connection timeout|Delay loop) = [\d.]+": "handed down: told where it arrives, with the checkers",
    r"   (Retry count|Retry delay|Warmup) = [\d.]+": "likewise",
    r" +reloaded = (\d|False)": "keepalived's mark of a reload under way",
    r"   previous effective_weight = \d+": "likewise",
    r"   Last status = \d+": "only what it means is kept",
    r"     Regex ref count = 1": "a count inside",
    r"   Failed URL = .*": "not kept",
}
#: Where "Inhibit on failure" stands once too often: for a virtual server, which only hands it down.
_HANDED_DOWN = "   Inhibit on failure is"


def without_what_is_handed_down(text: str) -> str:
    """Without a virtual server's own ``Inhibit on failure``, of which the real servers have the outcome."""
    kept, at_server = [], False
    for line in text.splitlines():
        if line.strip(" -<>") in ("Virtual server", "Real server"):
            at_server = "Real" in line
        if at_server or not line.startswith(_HANDED_DOWN):
            kept.append(line)
    return "\n".join(kept)


@contextlib.contextmanager
def running(words: list[str], scratch: Path) -> Iterator[Daemon]:
    """A daemon in the director, writing its files to the scratch directory."""
    environment = os.environ | {"TMPDIR": str(scratch), "PYTHONPATH": str(ROOT)}
    with (scratch / "log").open("wb") as log, entered("director"):
        process = subprocess.Popen(words, stdout=log, stderr=log, env=environment)
    try:
        yield Daemon(process, scratch)
    finally:
        process.terminate()
        process.wait(PATIENCE_S)


def report(daemon: Daemon) -> str:
    """Its data file, once all that is to happen has happened."""
    name = "[192.0.2.10]:tcp:80"
    daemon.says(f"Changing weight from 2 to 9 for active service [192.0.2.12]:tcp:80 of VS {name}")
    # No line tells that it is out of the pool where it fails before there is quorum.
    daemon.says(f"Misc check for [[192.0.2.11]:tcp:80 VS {name}] by [/usr/bin/false] failed")
    daemon.says("TCP_CHECK on service [192.0.2.13]:tcp:80 failed.")
    daemon.says("Remote Web server [192.0.2.11]:none:0 succeed")
    daemon.says("Removing service [192.0.2.12]:none:0 from VS FWM 7")
    file = daemon.scratch / "keepalived_check.data"
    daemon.process.send_signal(signal.SIGUSR1)
    sizes = [-1]

    def complete() -> bool:
        sizes.append(file.stat().st_size if file.exists() else -1)
        return sizes[-1] > 0 and sizes[-4:] == [sizes[-1]] * 4

    wait_for(complete, file.name)
    return file.read_text()


def test_the_same_file_makes_the_same_report(site: Site, tmp_path: Path) -> None:
    file = tmp_path / "keepalived.conf"
    file.write_text(GLOBAL + SERVICES)
    debians = ["keepalived", "--dont-fork", "--log-console", "--log-detail", "--check", f"--use-file={file}"]
    debians += [f"--pid={tmp_path}/keepalived.pid", f"--checkers_pid={tmp_path}/checkers.pid"]
    theirs, ours = tmp_path / "theirs", tmp_path / "ours"
    for each in (theirs, ours):
        each.mkdir()
    with running(debians, theirs) as daemon:
        wanted = without_what_is_handed_down(report(daemon))
    host = Path(__file__).with_name("checker_host.py")
    with running([sys.executable, str(host), str(file), str(ours)], ours) as daemon:
        found = report(daemon)
    compare(wanted, found, values=VALUES, left_out=LEFT_OUT)
