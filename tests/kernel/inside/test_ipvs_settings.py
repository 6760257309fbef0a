"""What ``global_defs`` say of IPVS as a whole: Debian's keepalived and ours, each on its own director."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator

import attrs
import pytest

from tests.network.vrrp_lan import Host, Router, lan, wait_for

FOREIGN = "198.51.100.7:80"
OUR_NUMBER = 2
MASTER, BACKUP = "master sync daemon", "backup sync daemon"
# Each differs from the one before; each has a TTL of its own, so that it is seen when it is in force.
EVERY = """lvs_sync_daemon eth1 VI_1 id 7 maxlen 1400 port 8849 ttl 3 group 224.0.0.99
lvs_timeouts tcp 100 udp 30"""
STAGES = (
    EVERY,
    "lvs_sync_daemon eth1 VI_1 id 7 group ff02::99 ttl 4\nlvs_timeouts tcp 100 tcpfin 50",
    "lvs_sync_daemon eth1 VI_1 ttl 5\nlvs_timeouts tcpfin 50",
    "lvs_sync_daemon eth1 VI_1 id 8 ttl 6",
)


def configuration(number: int, settings: str, *, priority: int = 100, more: str = "") -> str:
    """A director with one pool, whose VRID is ``number``; its server has no checks."""
    return f"""
global_defs {{
    script_user root
    vrrp_version 3
    {settings}
}}
vrrp_instance VI_1 {{
    interface eth0
    virtual_router_id {number}
    priority {priority}
    advert_int 0.2
    {more}
    virtual_ipaddress {{
        10.99.0.{100 + number}/32
    }}
}}
virtual_server 10.99.0.{100 + number} 80 {{
    lb_algo rr
    lb_kind NAT
    protocol TCP
    real_server 10.99.0.250 80 {{
    }}
}}
"""


def ipvsadm(director: Host, *words: str) -> list[str]:
    command = ["ip", "netns", "exec", director.namespace, "ipvsadm", *words]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return done.stdout.splitlines()


@attrs.frozen
class Settings:
    """What ipvsadm says: the sync daemons with all their options, and the timeouts."""

    daemons: list[str]
    timeouts: str

    @classmethod
    def of(cls, director: Host) -> Settings:
        [timeouts] = ipvsadm(director, "--list", "--timeout")
        return cls(sorted(ipvsadm(director, "--list", "--daemon")), timeouts)

    @property
    def roles(self) -> list[str]:
        return [line.partition(" (")[0] for line in self.daemons]

    @property
    def options(self) -> list[str]:
        return [line.partition(" (")[2] for line in self.daemons]


def become(director: Host, right: Callable[[Settings], bool]) -> Settings:
    """Wait for the director's settings to be right."""
    wait_for(lambda: right(Settings.of(director)), f"director {director.number}: {Settings.of(director)}")
    return Settings.of(director)


def start(director: Host, text: str) -> Router:
    """Ours on the second one, keepalived on the other."""
    if director.number == OUR_NUMBER:
        return director.daemon(text)
    return director.keepalived(text, checks=True)


@pytest.fixture
def directors() -> Iterator[tuple[Host, ...]]:
    with lan(2) as hosts:
        yield hosts


def through_all_stages(director: Host, untouched: Settings) -> list[Settings]:
    """From the start over reloads to the stop: the settings at each stage."""

    def text(settings: str) -> str:
        return configuration(director.number, settings)

    router = start(director, text(STAGES[0]))
    seen: list[Settings] = []
    for ttl, stage in enumerate(STAGES, 3):
        if seen:
            router.reload(text(stage))
        right = become(
            director, lambda now, ttl=ttl: now.roles == [MASTER] and f"ttl={ttl})" in now.options[0]
        )
        if ttl == 5:
            # By hand: a reload puts it right though nothing has changed.
            ipvsadm(director, "--set", "5", "6", "7")
            ipvsadm(director, "--stop-daemon", "master")
            router.reload(text(stage))
            become(director, lambda now, right=right: now == right)
        # Without an `id` it is the VRID, which each director has of its own.
        own = f"syncid={director.number},"
        seen.append(
            attrs.evolve(right, daemons=[line.replace(own, "syncid=VRID,") for line in right.daemons])
        )
    if director.number == OUR_NUMBER:
        # keepalived 2.2.7 has it go on.
        router.reload(text(""))
        become(director, lambda now: now == untouched)
    ipvsadm(director, "-A", "-t", FOREIGN)
    router.reload(text(f"{EVERY}\nlvs_flush_on_stop"))
    become(director, lambda now: now == seen[0])
    router.stop()
    become(director, lambda now: now == untouched)
    assert ipvsadm(director, "-Sn") == []
    assert not router.says("Shutting down service"), "servers go with the table, and nothing is said of them"
    return seen


def test_from_start_to_stop(directors: tuple[Host, ...]) -> None:
    untouched = Settings.of(directors[0])
    theirs, ours = (through_all_stages(director, untouched) for director in directors)
    assert "syncid=VRID," in ours[2].options[0]
    assert ours == theirs


def test_a_mixed_pair_synchronises_by_the_older_word(directors: tuple[Host, ...]) -> None:
    """What one sends the other takes, for it has the same sync id."""
    one, two = directors
    older = "lvs_sync_daemon_interface eth1"
    theirs = start(one, configuration(1, "", priority=150, more=older))
    ours = start(two, configuration(1, "", more=older))
    sends = become(one, lambda now: now.roles == [MASTER])
    listens = become(two, lambda now: now.roles == [BACKUP])
    assert sends.options == listens.options
    theirs.stop()
    become(one, lambda now: now.roles == [])
    become(two, lambda now: now.roles == [MASTER])
    ours.stop()
    become(two, lambda now: now.roles == [])


def test_one_that_follows_nobody_is_both(directors: tuple[Host, ...]) -> None:
    """With us also where somebody has left others; of the table only what is ours goes."""
    untouched = Settings.of(directors[0])
    for role in ("master", "backup"):
        ipvsadm(directors[1], "--start-daemon", role, "--mcast-interface", "eth0", "--syncid", "99")
    found = []
    for director in directors:
        ipvsadm(director, "-A", "-t", FOREIGN)
        settings = "lvs_sync_daemon eth1 id 5\nlvs_flush_on_stop VS"
        router = start(director, configuration(director.number, settings))
        both = become(director, lambda now: len(now.daemons) == 2 and "syncid=5" in now.daemons[0])
        found.append(both)
        router.stop()
        become(director, lambda now: now == untouched)
        assert ipvsadm(director, "-Sn") == [f"-A -t {FOREIGN} -s wlc"]
        assert not router.says("Shutting down service")
    assert found[0] == found[1]
