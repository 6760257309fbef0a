"""``auth_hmac`` on a real LAN: two of our daemons, whose keys are changed under way by reloads."""

from __future__ import annotations

import signal
import sys
import time
from pathlib import Path

import pytest

from tests.network.vrrp_lan import Host, Router, lan, needs_lan, wait_for

pytestmark = [pytest.mark.network, needs_lan]

OLD, NEW = "hex:" + "6fd1f3c5b60e4bb0" * 4, "hex:" + "a4c9a1d2f7e83b15" * 4
VIP4, VIP6 = "10.77.0.100", "fe80::77:100"


def configuration(priority: int, *lines: str) -> str:
    """A virtual router over each family, with this in their ``auth_hmac``."""
    inside = "\n".join(lines)
    block = f"auth_hmac {{\n{inside}\n}}\n" if lines else ""
    return "".join(
        f"vrrp_instance V{number} {{\ninterface eth0\nvirtual_router_id 51\nversion 3\npriority {priority}\n"
        f"advert_int 0.5\n{block}virtual_ipaddress {{\n{vip}\n}}\n}}\n"
        for number, vip in ((4, VIP4), (6, VIP6))
    )


def holds_both(host: Host) -> bool:
    return host.holds(VIP4) and host.holds(VIP6)


def written(router: Router) -> list[str]:
    """The lines of its statistics."""
    file = router.configuration.with_suffix(".run") / "keepalived.stats"
    file.unlink(missing_ok=True)
    router.process.send_signal(signal.SIGUSR2)
    wait_for(lambda: file.exists() and "Priority Zero" in file.read_text(), "for the statistics")
    return file.read_text().splitlines()


def daemon(host: Host, text: str) -> Router:
    """Our whole daemon, which writes its reports beside its other files."""
    path = host.directory / f"{host.number}-daemon-{len(host.routers)}.run"
    return host.daemon(text, "env", f"TMPDIR={path}")


def test_a_key_is_rotated_under_way_and_nothing_is_lost() -> None:
    with lan(2) as (one, two):
        key_file = one.directory / "vrrp.key"
        key_file.write_text(OLD + "\n")
        key_file.chmod(0o600)
        first = f"key 1 file:{key_file}"
        master = daemon(one, configuration(200, first))
        wait_for(lambda: holds_both(one), "for the master")
        backup = daemon(two, configuration(100, f"key 1 {OLD}"))
        wait_for(lambda: backup.lines.count("Entering BACKUP STATE") == 2, backup.lines)
        wait_for(lambda: backup.lines.count("master set to") == 2, "it hears the master")
        for lines in (
            ("key 1 {}", f"key 2 {NEW}"),
            ("key 1 {}", f"key 2 {NEW}", "active_key 2"),
            (f"key 2 {NEW}",),
        ):
            backup.reload_and_wait(configuration(100, *(line.format(OLD) for line in lines)))
            master.reload_and_wait(configuration(200, *(line.format(f"file:{key_file}") for line in lines)))
            time.sleep(0.7)
        assert holds_both(one)
        assert not backup.says("Entering MASTER STATE"), backup.lines
        for router in (master, backup):
            assert not router.says("dropped a packet"), router.lines
            stats = written(router)
            at = [number for number, line in enumerate(stats) if "Authentication Extension Errors" in line]
            assert len(at) == 2
            for begins in at:
                assert all(line.endswith(": 0") for line in stats[begins + 1 : begins + 7]), stats
            # What it was given is nowhere to be read.
            everything = [router.log, *router.configuration.with_suffix(".run").glob("*.stats")]
            for secret in (OLD[4:], NEW[4:]):
                assert not any(secret in path.read_text(errors="replace") for path in everything)
        # Without the key nobody can take their place: who signs otherwise is not heard, by either.
        backup.reload_and_wait(configuration(100, f"key 2 {OLD}"))
        wait_for(lambda: backup.lines.count("Entering MASTER STATE") == 2, "two masters")
        wait_for(lambda: backup.says("wrong HMAC") and master.says("wrong HMAC"), master.lines)
        wait_for(lambda: master.says("split brain: 10.77.0.2 is master too"), master.lines)
        backup.reload_and_wait(configuration(100, f"key 2 {NEW}"))
        wait_for(lambda: not two.holds(VIP4) and not two.holds(VIP6), backup.lines)
        master.stop()
        wait_for(lambda: holds_both(two), backup.lines)


def test_what_was_recorded_is_sent_again_in_vain() -> None:
    with lan(3) as (one, two, stranger):
        text = f"key 1 {OLD}"
        master = daemon(one, configuration(200, text))
        wait_for(lambda: holds_both(one), "for the master")
        backup = daemon(two, configuration(100, text))
        wait_for(lambda: backup.lines.count("master set to") == 2, backup.lines)
        # The stranger hears three seconds of adverts, and says all of it again.
        recorder = stranger.run(sys.executable, str(Path(__file__).with_name("vrrp_replay.py")), "3")
        assert recorder.wait(60) == 0
        assert holds_both(one)
        # On a busy machine it may be too old already.
        refused = "used before: replayed", "signed too long ago"
        wait_for(lambda: any(map(backup.says, refused)), backup.lines)
        assert not backup.says("Entering MASTER STATE"), backup.lines
        assert master.lines.count("Entering MASTER STATE") == 2
