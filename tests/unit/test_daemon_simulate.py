"""daemon.simulate: the words behind ``kaltwisted simulate``."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from kaltwisted.simulation import rehearsal
from tests.unit import commands
from tests.unit.simulation_helpers import VIP, instance

#: What a rehearsal must not do to the host, told by the interpreter itself.
WATCHED = """
import sys
from kaltwisted.daemon import simulate
import kaltwisted.simulation.rehearsal, kaltwisted.simulation.ready, kaltwisted.simulation.report
FORBIDDEN = ("socket.", "subprocess.", "fcntl.", "os.exec", "os.fork", "os.posix_spawn", "os.system",
    "os.kill", "os.remove", "os.rename", "os.mkdir", "os.chmod", "os.chown", "os.link", "os.symlink")
def told(event, arguments):
    if event.startswith(FORBIDDEN):
        raise SystemExit(f"{event} {arguments}")
    if event == "open" and isinstance(arguments[1], str) and set(arguments[1]) & set("wax+"):
        raise SystemExit(f"{event} {arguments}")
sys.addaudithook(told)
sys.exit(simulate.main(sys.argv[1:]))
"""


def ended(*words: str) -> tuple[object, str, str]:
    return commands.ended("simulate", *words)


class SimulateTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.directory = Path(self.mktemp())
        self.directory.mkdir()
        self.one = self.write("lvs1.conf", instance(150))
        self.two = self.write("lvs2.conf", instance(100))

    def write(self, name: str, text: str) -> str:
        file = self.directory / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)
        return str(file)

    def test_all_ready_scenarios_with_a_line_each(self) -> None:
        status, out, error = ended(self.one, self.two)
        self.assertEqual((status, error), (0, ""))
        lines = out.splitlines()
        self.assertEqual(lines[0], "LAN eth0  lvs1 eth0 192.168.200.241*, lvs2 eth0 192.168.200.242*")
        self.assertEqual(lines[3].split()[:3], ["scenario", "nobody", "two"])
        self.assertEqual([line.split()[-1] for line in lines[4:]], ["ok"] * 7 + ["off"] + ["ok"] * 2)

    def test_what_is_wrong_is_told_and_is_the_exit_status(self) -> None:
        two = self.write("other.conf", instance(100, vrid=52))
        status, out, _ = ended(self.one, two)
        self.assertEqual(status, 3)
        self.assertIn("virtual_router_id 51 on lvs1, 52 on other", out.splitlines()[-1])

    def test_one_by_name_tells_its_story(self) -> None:
        status, out, _ = ended(self.one, self.two, "-s", "lvs1-dies")
        self.assertEqual(status, 0)
        self.assertIn("30.000 s  --    lvs1 dies\n", out)
        self.assertNotIn("| (VI_1)", out)
        self.assertIn(
            "| (VI_1) Entering MASTER STATE", ended(self.one, self.two, "-s", "lvs1-dies", "--log")[1]
        )

    def test_files_of_scenarios(self) -> None:
        site = self.write("site", "lvs1 eth0 has 192.168.200.5/24\nlvs2 eth0 has 192.168.200.6/24\n")
        status, out, _ = ended("-s", site, self.one, self.two)
        self.assertEqual(
            (status, out.splitlines()[0]), (0, "LAN eth0  lvs1 eth0 192.168.200.5, lvs2 eth0 192.168.200.6")
        )
        self.assertIn("lvs1-dies", out)
        later = self.write("later.scenario", "at 10s: lvs1 dies\n")
        out = ended("-s", site, "-s", later, self.one, self.two)[1]
        self.assertEqual(out.splitlines()[0], "LAN eth0  lvs1 eth0 192.168.200.5, lvs2 eth0 192.168.200.6")
        both = self.write("both.scenario", f"at 10s: lvs1 dies\nat 20s: expect {VIP} on lvs1\n")
        status, out, _ = ended("--scenario", both, self.one, self.two)
        self.assertEqual(status, 3)
        self.assertIn(f"both.scenario:2:1: expect {VIP} on lvs1, at 20.000 s: it is on lvs2", out)

    def test_a_wrong_scenario(self) -> None:
        wrong = self.write("wrong.scenario", "at 10s: lvs3 dies\n")
        status, out, error = ended("-s", wrong, self.one, self.two)
        self.assertEqual((status, out), (1, ""))
        self.assertIn("wrong.scenario:1:9: error: `lvs3`", error)
        self.assertIn("did you mean `lvs1`?", error)
        status, _, error = ended("-s", "lvs1-dyes", self.one, self.two)
        self.assertEqual((status, "did you mean lvs1-dies?" in error), (1, True))
        large = self.write("large.scenario", "#" * (1024 * 1024 + 1))
        status, _, error = ended("-s", large, self.one, self.two)
        self.assertEqual((status, "1,048,576" in error), (1, True))

    def test_the_list(self) -> None:
        status, out, _ = ended("--list", self.one, self.two)
        self.assertEqual(status, 0)
        self.assertIn("lvs1-eth0-down", [line.split()[0] for line in out.splitlines()])
        self.assertEqual(ended("--list", "-s", "start", self.one)[0], 1)

    def test_files_that_cannot_be_used(self) -> None:
        self.assertEqual(ended(str(self.directory / "none.conf"))[0], 6)
        status, out, error = ended(self.write("odd.conf", instance(150) + "unheard_of\n"), self.two)
        self.assertEqual(status, 0, "a daemon would start, too")
        self.assertIn("odd.conf:9:1: error:", error)
        self.assertIn("lvs2-dies", out)

    def test_interrupted(self) -> None:
        def interrupt(*_: object) -> None:
            raise KeyboardInterrupt

        self.patch(rehearsal, "rehearse", interrupt)
        self.assertEqual(ended(self.one, self.two), (130, "", "kaltwisted simulate: interrupted\n"))

    def test_nothing_to_rehearse(self) -> None:
        status, out, error = ended(self.write("empty.conf", "global_defs {\n}\n"))
        self.assertEqual((status, out), (1, ""))
        self.assertIn("nothing to rehearse", error)

    def test_names_of_directors(self) -> None:
        a, b = (
            self.write(f"{name}/keepalived.conf", instance(priority))
            for name, priority in (("a", 150), ("b", 100))
        )
        self.assertIn("a eth0", ended(a, b, "-s", "start")[1])
        common = self.write(
            "common.conf", f"@x {instance(150, vip=VIP)}".replace("\n", "\n@x ").rpartition("@x")[0]
        )
        self.write(
            "common.conf", Path(common).read_text() + instance(100, name="VI_9", vrid=9, vip="10.0.0.1")
        )
        out = ended(f"{common}@x", f"{common}@y", "-s", "start")[1]
        self.assertIn("x eth0", out)
        self.assertIn("y eth0", out)
        self.assertNotIn("y: VI_1", out)
        self.assertIn("lvs1-1", ended(self.one, self.one, "--list")[1])

    def test_most_real_servers_are_left_out_of_a_long_list(self) -> None:
        servers = "".join(f"real_server 10.1.0.{n} 80 {{\nTCP_CHECK {{\n}}\n}}\n" for n in range(1, 26))
        farm = self.write(
            "farm.conf", f"virtual_server {VIP} 80 {{\nlb_algo rr\nlb_kind NAT\nprotocol TCP\n{servers}}}\n"
        )
        out = ended(farm)[1]
        self.assertEqual(out.count("server-10.1.0."), 20)
        self.assertIn("5 more real servers were left out", out)
        self.assertIn("10.1.0.25 dies", ended(farm, "-s", "server-10.1.0.25-dies")[1])

    def test_one_director_alone(self) -> None:
        status, out, _ = ended(self.one)
        self.assertEqual(status, 3)
        self.assertIn(f"nobody has {VIP} from 30.000 s to 63.414 s", out)

    def test_help_and_wrong_words(self) -> None:
        self.assertEqual(ended("--help")[0], 0)
        status, _, error = ended("--unheard-of")
        self.assertEqual((status, "kaltwisted simulate:" in error), (1, True))

    def test_nothing_of_the_host_is_touched(self) -> None:
        script = self.write(
            "script.conf",
            "vrrp_script fit {\nscript /bin/false\n}\n"
            + instance(150, "track_script {\nfit\n}", "notify_master /bin/false", "smtp_alert"),
        )
        done = subprocess.run(
            [sys.executable, "-c", WATCHED, script, self.two],
            capture_output=True,
            text=True,
            env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
            check=False,
        )
        self.assertEqual((done.returncode, done.stderr), (0, ""), done.stdout)
        self.assertIn("script-script-fit-fails", done.stdout)
