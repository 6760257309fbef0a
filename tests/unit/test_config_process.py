"""``global_defs``: what is said of the processes, right and wrong, and how it is told."""

from __future__ import annotations

import attrs
from twisted.trial.unittest import SynchronousTestCase

from kaltwisted.config.diff import compare
from kaltwisted.config.dump import dump
from kaltwisted.config.load import Reading, load_text
from kaltwisted.config.model import Configuration, GlobalDefs
from kaltwisted.config.model_process import ProcessSettings

# Lines of global_defs with nothing wrong, and the fields they fill.
RIGHT: dict[str, dict[str, object]] = {
    "vrrp_priority -20": {"vrrp_process": ProcessSettings(priority=-20)},
    "vrrp_priority 19": {"vrrp_process": ProcessSettings(priority=19)},
    "vrrp_priority +5": {"vrrp_process": ProcessSettings(priority=5)},
    "checker_no_swap": {"checker_process": ProcessSettings(no_swap=True)},
    "bfd_rt_priority 1": {"bfd_process": ProcessSettings(rt_priority=1)},
    "vrrp_rt_priority 99": {"vrrp_process": ProcessSettings(rt_priority=99)},
    "vrrp_cpu_affinity 1 0 1": {"vrrp_process": ProcessSettings(cpu_affinity=(0, 1))},
    "checker_rlimit_rttime 1": {"checker_process": ProcessSettings(rlimit_rttime=1)},
    "vrrp_rlimit_rttime 4294967295": {"vrrp_process": ProcessSettings(rlimit_rttime=2**32 - 1)},
    "vrrp_priority 3\nvrrp_priority 4": {"vrrp_process": ProcessSettings(priority=4)},
    "max_auto_priority": {"max_auto_priority": 99},
    "max_auto_priority 7\nmin_auto_priority_delay 2000": {
        "max_auto_priority": 7,
        "min_auto_priority_delay": 2000,
    },
    "process_name boss": {"process_name": "boss"},
    "process_names": {"process_names": True},
    "vrrp_process_name v\nchecker_process_name c\nbfd_process_name b": {
        "vrrp_process": ProcessSettings(process_name="v"),
        "checker_process": ProcessSettings(process_name="c"),
        "bfd_process": ProcessSettings(process_name="b"),
    },
    "umask 022": {"umask": 0o022},
    "umask 0": {"umask": 0},
    "umask 18": {"umask": 18},
    "umask 0x12": {"umask": 0x12},
    "umask 0X1f": {"umask": 0x1F},
    "umask 0777": {"umask": 0o777},
    "umask IWGRP|IWOTH": {"umask": 0o022},
    "umask IXUSR | IRGRP| IROTH |IROTH": {"umask": 0o144},
    "json_version 2": {"json_version": 2},
    "state_dump_file /run/state": {"state_dump_file": "/run/state"},
    "stats_dump_file /run/stats\njson_dump_file json": {
        "stats_dump_file": "/run/stats",
        "json_dump_file": "json",
    },
    "reload_check_config": {},
}
# Lines with something wrong: part of the message, what is taken all the same, exit status of -t.
WRONG: dict[str, tuple[str, dict[str, object], int]] = {
    "vrrp_priority": ("lacks its parameter", {}, 5),
    "vrrp_priority -21": ("out of range", {}, 5),
    "checker_priority 20": ("out of range", {}, 5),
    "bfd_priority 5x": ("not a number", {}, 5),
    "vrrp_rt_priority": ("lacks its parameter", {}, 5),
    "vrrp_rt_priority 0": ("1 is used", {"vrrp_process": ProcessSettings(rt_priority=1)}, 5),
    "checker_rt_priority -1": ("1 is used", {"checker_process": ProcessSettings(rt_priority=1)}, 5),
    "vrrp_rt_priority 100": ("99 is used", {"vrrp_process": ProcessSettings(rt_priority=99)}, 5),
    "vrrp_rt_priority x": ("not a number", {}, 5),
    "vrrp_cpu_affinity": ("lacks its parameter", {}, 5),
    "vrrp_cpu_affinity 0 -1": ("`-1` is out of range", {}, 5),
    "vrrp_cpu_affinity x 0": ("`x` is not a number", {}, 5),
    "vrrp_cpu_affinity 0,1": ("not a number", {}, 5),
    "vrrp_cpu_affinity 1024": ("out of range", {}, 5),
    "vrrp_rlimit_rttime": ("lacks its parameter", {}, 2),
    "vrrp_rlimit_rttime 0": ("out of range", {}, 5),
    "vrrp_rlimit_rttime 4294967296": ("out of range", {}, 5),
    "vrrp_rlimit_rttime -1": ("out of range", {}, 5),
    "process_name": ("lacks its parameter", {}, 2),
    "process_name averyveryverylongname": (
        "`averyveryverylo` is used",
        {"process_name": "averyveryverylo"},
        5,
    ),
    "umask": ("lacks its parameter", {}, 2),
    "umask 01000": ("no umask", {}, 5),
    "umask 512": ("no umask", {}, 5),
    "umask 09": ("no umask", {}, 5),
    "umask 022x": ("no umask", {}, 5),
    "umask 0o22": ("no umask", {}, 5),
    "umask -1": ("no permission", {}, 5),
    "umask u=rw": ("no permission", {}, 5),
    "umask S_IRUSR": ("no permission", {}, 5),
    "umask irusr": ("no permission", {}, 5),
    "umask IRWXU": ("no permission", {}, 5),
    "umask IRUSR|": ("no permission", {}, 5),
    "umask IRUSR||IWGRP": ("no permission", {}, 5),
    "umask IRUSR IWGRP": ("no permission", {}, 5),
    "umask IXUSR|022": ("no permission", {}, 5),
    "umask 022 033": ("stands behind", {}, 5),
}
# Keywords that keepalived has since 2.2.8.
NEWER: dict[str, tuple[str, dict[str, object], int]] = {
    "json_version 3": ("out of range", {}, 5),
    "json_version 0": ("out of range", {}, 5),
    "json_version": ("lacks its parameter", {}, 2),
    "state_dump_file": ("lacks its parameter", {}, 2),
    "stats_dump_file": ("lacks its parameter", {}, 2),
    "json_dump_file": ("lacks its parameter", {}, 2),
}


def globals_of(lines: str) -> str:
    return f"global_defs {{\n{lines}\n}}\n"


def read(lines: str) -> Reading:
    return load_text(globals_of(lines), "test.conf")


class Reads(SynchronousTestCase):
    def test_what_is_right(self) -> None:
        for lines, fields in RIGHT.items():
            reading = read(lines)
            self.assertEqual(reading.findings, (), lines)
            self.assertEqual(reading.configuration.global_defs, GlobalDefs(**fields), lines)  # type: ignore[arg-type]

    def test_what_is_wrong_is_told_once_and_the_rest_is_as_if_not_said(self) -> None:
        for lines, (words, fields, status) in (WRONG | NEWER).items():
            reading = read(lines)
            [finding] = reading.findings
            self.assertIn(words, finding.message, lines)
            self.assertEqual(reading.exit_status, status, lines)
            self.assertEqual(reading.configuration.global_defs, GlobalDefs(**fields), lines)  # type: ignore[arg-type]

    def test_old_words_are_taken_with_a_warning(self) -> None:
        for role in ("vrrp", "checker", "bfd"):
            reading = read(f"{role}_rlimit_rtime 7000")
            [finding] = reading.findings
            self.assertIn(f"today it is `{role}_rlimit_rttime`", finding.message)
            settings = getattr(reading.configuration.global_defs, f"{role}_process")
            self.assertEqual(settings, ProcessSettings(rlimit_rttime=7000))
        reading = read("lvs_process_name balance")
        self.assertEqual(reading.configuration.global_defs.checker_process.process_name, "balance")
        self.assertEqual(reading.exit_status, 0)

    def test_a_file_for_the_findings_of_a_reload_is_told_to_stay_empty(self) -> None:
        reading = read("reload_check_config /tmp/findings")
        [finding] = reading.findings
        self.assertIn("not in `/tmp/findings`", finding.message)
        self.assertEqual(reading.exit_status, 0)


class Names(SynchronousTestCase):
    def test_what_stands_outside_all_blocks(self) -> None:
        reading = load_text(f"instance edge\nuse_pid_dir\n{globals_of('data_use_instance')}", "test.conf")
        self.assertEqual(reading.findings, ())
        self.assertEqual(
            reading.configuration.global_defs,
            GlobalDefs(instance="edge", use_pid_dir=True, data_use_instance=True),
        )

    def test_the_first_name_counts_and_a_bad_one_does_not(self) -> None:
        for lines in (
            "instance edge\ninstance core",
            "instance a/b\ninstance edge",
            "instance\ninstance edge",
        ):
            reading = load_text(lines, "test.conf")
            self.assertEqual(reading.configuration.global_defs.instance, "edge", lines)
            self.assertEqual((len(reading.findings), reading.exit_status), (1, 5), lines)

    def test_a_reload_tells_them_without_a_block(self) -> None:
        found = compare(Configuration(), Configuration(GlobalDefs(use_pid_dir=True)))
        self.assertEqual(list(found.words()), ["use_pid_dir off -> on, at the next start"])


class Tells(SynchronousTestCase):
    def test_the_dump_has_each_setting_by_its_keyword(self) -> None:
        lines = (
            "vrrp_priority -5\nvrrp_no_swap\nvrrp_rt_priority 50\nvrrp_cpu_affinity 0 1\n"
            "vrrp_rlimit_rttime 20000\nchecker_process_name checks\numask 027\nprocess_names"
        )
        dumped = list(dump(read(lines).configuration))
        for line in (
            "  vrrp_priority = -5",
            "  vrrp_no_swap = yes",
            "  vrrp_rt_priority = 50",
            "  vrrp_cpu_affinity = 0, 1",
            "  vrrp_rlimit_rttime = 20000",
            "  checker_process_name = checks",
            "  umask = 0027",
            "  process_names = yes",
        ):
            self.assertIn(line, dumped)

    def test_a_reload_tells_each_change_as_the_file_has_it(self) -> None:
        old = GlobalDefs(vrrp_process=ProcessSettings(rt_priority=50), umask=0o022)
        new = attrs.evolve(
            old,
            vrrp_process=ProcessSettings(rlimit_rttime=7, cpu_affinity=(0, 1)),
            checker_process=ProcessSettings(no_swap=True),
            umask=0o077,
            vrrp=attrs.evolve(old.vrrp, garp_master_delay_us=2_000_000),
        )
        words = list(compare(Configuration(old), Configuration(new)).words())
        self.assertEqual(
            words,
            [
                "global_defs: vrrp_garp_master_delay 5 -> 2",
                "global_defs: vrrp_rt_priority 50 -> none",
                "global_defs: vrrp_cpu_affinity none -> 0 1",
                "global_defs: vrrp_rlimit_rttime none -> 7",
                "global_defs: checker_no_swap off -> on",
                "global_defs: umask 0022 -> 0077",
            ],
        )
