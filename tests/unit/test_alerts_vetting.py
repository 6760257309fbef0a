"""alerts.vetting: what is told of scripts before they run, and which never do."""

from __future__ import annotations

import os
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from kaltwisted.alerts.vetting import DAEMON_VIOLATION, SECURITY_VIOLATION, Vetted, vet
from kaltwisted.config.findings import Severity
from kaltwisted.config.load import load_text

SITE = """\
global_defs {{
    {defs}
}}
vrrp_script watch {{
    script "{tracked}"
}}
vrrp_instance VI_1 {{
    interface eth0
    virtual_router_id 7
    track_script {{
        watch
    }}
    virtual_ipaddress {{
        10.0.0.9
    }}
}}
virtual_server 10.0.0.1 80 {{
    protocol TCP
    lb_algo rr
    lb_kind NAT
    quorum_up "{notify} a"
    real_server 10.0.1.1 80 {{
        notify_down "{notify} b"
        MISC_CHECK {{
            misc_path "{misc} one two"
        }}
        TCP_CHECK {{
        }}
    }}
}}
"""


class TestVetting(SynchronousTestCase):
    """Root's view of a machine that has /bin/true, and a script that anybody may change."""

    def setUp(self) -> None:
        self.patch(os, "geteuid", lambda: 0)
        directory = Path(self.mktemp()).absolute()
        directory.mkdir()
        directory.chmod(0o777)
        self.loose = directory / "check.sh"
        self.loose.write_text("#!/bin/sh\n")
        self.loose.chmod(0o755)

    def vet(
        self,
        defs: str = "script_user root",
        misc: object = "/bin/true",
        notify: object = "/bin/true",
        tracked: object = "/bin/true",
    ) -> Vetted:
        text = SITE.format(defs=defs, misc=misc, notify=notify, tracked=tracked)
        reading = load_text(text, "site.conf")
        self.assertEqual([each for each in reading.findings if each.severity is Severity.ERROR], [])
        vetted = vet(reading.configuration)
        self.checks = len(vetted.configuration.virtual_servers[0].real_servers[0].checks)
        self.tracked = [each.name for each in vetted.configuration.vrrp_scripts]
        self.assertEqual(
            [each.name for each in vetted.configuration.vrrp_instances[0].track_script], self.tracked
        )
        return vetted

    def test_scripts_that_run_as_root_without_security_are_told_of_once_and_run(self) -> None:
        (finding,) = self.vet(misc=self.loose).findings
        self.assertTrue(finding.log_line().endswith(SECURITY_VIOLATION))
        self.assertEqual(finding.severity, Severity.WARNING)
        self.assertEqual(finding.consequence.test_status, 6)
        self.assertIsNone(finding.consequence.start_status)
        told = "\n".join(related.note for related in finding.related)
        self.assertIn("quorum_up `/bin/true`: runs as root (also on line 22, 4)", told)
        self.assertIn("check.sh`: runs as root, and", told)
        self.assertEqual((self.checks, self.tracked), (2, ["watch"]))

    def test_with_security_what_is_safe_is_not_worth_a_word(self) -> None:
        self.assertEqual(self.vet("enable_script_security\nscript_user root").findings, ())
        self.assertEqual((self.checks, self.tracked), (2, ["watch"]))

    def test_with_security_what_is_insecure_is_no_check_and_tracks_nothing(self) -> None:
        (finding,) = self.vet("enable_script_security", misc=self.loose, tracked=self.loose).findings
        self.assertEqual((finding.position.line, finding.severity), (24, Severity.ERROR))
        self.assertEqual(finding.consequence.test_status, 6)
        self.assertIn("(also on line 4)", finding.message)
        self.assertEqual((self.checks, self.tracked), (1, []))

    def test_an_unknown_user_is_an_error(self) -> None:
        (finding,) = self.vet("script_user no-such-user").findings
        self.assertIn("user 'no-such-user' is unknown", finding.message)
        self.assertEqual(finding.consequence.test_status, 5)
        self.assertEqual((self.checks, self.tracked), (1, []))

    def test_what_does_not_exist_is_a_warning(self) -> None:
        (finding,) = self.vet("enable_script_security\nscript_user root", misc="/no/such").findings
        self.assertEqual(finding.message, "misc script `/no/such`: /no/such does not exist")
        self.assertEqual(finding.consequence.test_status, 0)
        self.assertEqual(self.checks, 2)

    def test_scripts_of_the_daemon_are_told_of_apart(self) -> None:
        found = self.vet("script_user root\nstartup_script /bin/true\nshutdown_script /bin/false").findings
        self.assertEqual(
            [each.log_line().rpartition(") ")[2] for each in found], [DAEMON_VIOLATION, SECURITY_VIOLATION]
        )
        notes = [[related.note for related in each.related] for each in found]
        self.assertEqual(
            notes[0],
            ["startup_script `/bin/true`: runs as root", "shutdown_script `/bin/false`: runs as root"],
        )
        self.assertFalse([note for note in notes[1] if "startup" in note or "shutdown" in note])

    def test_one_of_the_daemon_that_must_not_run_is_left_out(self) -> None:
        defs = f"startup_script {self.loose}\nshutdown_script /bin/true"
        vetted = self.vet(f"enable_script_security\nscript_user root\n{defs}")
        (finding,) = vetted.findings
        self.assertEqual(finding.consequence.test_status, 6)
        kept = vetted.configuration.global_defs
        self.assertEqual((kept.startup_script, str(kept.shutdown_script)), (None, "/bin/true"))

    def test_who_is_not_root_is_told_nothing(self) -> None:
        self.patch(os, "geteuid", lambda: 12345)
        self.assertEqual(self.vet("router_id r", misc=self.loose).findings, ())

    def test_the_line_is_shown_as_it_is_now(self) -> None:
        site = Path(self.mktemp())
        for notify in ("/no/such", "/nor/this"):
            site.write_text(SITE.format(defs="", misc="/bin/true", notify=notify, tracked="/bin/true"))
            reading = load_text(site.read_text(), str(site))
            shown = [each.source_line for each in vet(reading.configuration).findings]
            self.assertIn("virtual_server 10.0.0.1 80 {", shown)
            site.write_text(f"# one line more\n\n{site.read_text()}")
