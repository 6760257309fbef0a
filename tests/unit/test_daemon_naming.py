"""The names of our processes, as keepalived 2.2.7 chooses them."""

from __future__ import annotations

from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from kaltwisted.config.model import GlobalDefs
from kaltwisted.config.model_process import ProcessSettings
from kaltwisted.daemon.role.naming import name_process, parent_name, role_name

COMM = Path("/proc/thread-self/comm")


class Names(SynchronousTestCase):
    def test_keepalived_unless_the_configuration_says(self) -> None:
        own = ProcessSettings(process_name="mine")
        for defs, parent, vrrp, checker in (
            (GlobalDefs(), "keepalived", "keepalived", "keepalived"),
            (GlobalDefs(process_names=True), "keepalived", "keepalived_vrrp", "keepalived_lvs"),
            (GlobalDefs(process_name="boss"), "boss", "boss", "boss"),
            (
                GlobalDefs(process_name="boss", process_names=True),
                "boss",
                "keepalived_vrrp",
                "keepalived_lvs",
            ),
            (GlobalDefs(vrrp_process=own, process_names=True), "keepalived", "mine", "keepalived_lvs"),
            (GlobalDefs(checker_process=own), "keepalived", "keepalived", "mine"),
        ):
            names = parent_name(defs), role_name(defs, "vrrp"), role_name(defs, "checker")
            self.assertEqual(names, (parent, vrrp, checker), defs)

    def test_the_kernel_has_the_name_as_far_as_it_goes(self) -> None:
        before = COMM.read_text().strip()
        self.addCleanup(name_process, before)
        for name, told in (("keepalived", "keepalived"), ("a name that is too long", "a name that is ")):
            name_process(name)
            self.assertEqual(COMM.read_text(), told + "\n")
