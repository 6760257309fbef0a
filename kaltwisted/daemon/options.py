"""The command line of ``twistd keepalived`` and of ``kaltwisted``: C keepalived's flags, and a few of ours.

The flags of the 2002 guide (8.1) keep their letters and meaning.  Today's
other flags are all accepted, so that a unit file written for keepalived
works; those that do nothing here yet say so in the log.
"""

from __future__ import annotations

import re
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

from twisted.python import usage

from kaltwisted import __version__
from kaltwisted.daemon import log, pidfile, signals
from kaltwisted.daemon.role.kinds import BFD, CHECKERS, VRRP
from kaltwisted.daemon.settings import DEFAULT_FILE, Settings
from kaltwisted.daemon.words import in_any_order

HELP = f"""\
Kaltwisted v{__version__}: keepalived as a Twisted application
Usage:
  kaltwisted
  kaltwisted -n -l -D
  kaltwisted -f keepalived.conf
  kaltwisted -t -f keepalived.conf
  kaltwisted check [--json | --sarif] keepalived.conf ...   (check --help tells more)
  kaltwisted config [--to json | --diff] keepalived.conf ...  (config --help tells more)
  kaltwisted simulate director1.conf director2.conf ...  (simulate --help tells more)
  kaltwisted status [--json | --watch]   (status --help ...)
  kaltwisted explain NAME
  kaltwisted events [--follow]
  kaltwisted drain | disable | enable | weight | pause | resume SERVER  (drain --help ...)
  kaltwisted yield | prefer | release INSTANCE
  kaltwisted overrides
  kaltwisted run-check SERVER
  kaltwisted token ROLE NAME
  kaltwisted -d
  kaltwisted -h
  kaltwisted -v
  twistd -n --pidfile=FILE keepalived [the same flags]

Commands:
Either long or short options are allowed.
  --use-file     -f FILE  Use the specified configuration file: keepalived's language,
                          or JSON or YAML where its name ends so.
                          Default is {DEFAULT_FILE}.
  --dont-fork    -n       Don't fork the daemon process: stay in the foreground.
  --config-test  -t       Test the configuration file and exit: 0 when nothing is
                          wrong with it, else the status says how bad it is.
                          --config-test=FILE writes the findings there.
  --config-id    -i ID    What lines that begin with @ID or @^ID are for.
                          Default is the host name up to its first dot.
  --all-config   -e       Take every problem of an include as fatal.
  --strict                Take every error in the configuration as fatal.
  --dump-conf    -d       Dump the configuration data to the log.
  --log-console  -l       Log messages to the local console (and to syslog).
  --log-detail   -D       Detailed log messages; twice for even more.
  --no-syslog    -G       Don't log to syslog.
  --log-facility -S NAME  Syslog facility: 0-7 (local0-local7), user or daemon.
  --pid          -p FILE  Pid file.  Default is keepalived.pid in RUNTIME_DIRECTORY,
                          else in XDG_RUNTIME_DIR, else in /run.
  --vrrp_pid     -r FILE  Pid file of the VRRP process, vrrp.pid beside it.
  --checkers_pid -c FILE  Pid file of the checker process, checkers.pid beside it.
  --bfd_pid      -b FILE  Pid file of the BFD process, bfd.pid beside it.
  --umask        -u MASK  Umask for files we create, in octal.
  --data-plane NAME       What forwards the packets: ipvs (the kernel), userspace
                          (a balancer in this process) or auto, the default.
  --dont-release-ipvs -I  Leave the IPVS table in place at exit.
  --dont-release-vrrp -V  Leave the virtual addresses in place at exit.
  --check        -C       Only the health checkers.
  --vrrp         -P       Only VRRP.
  --no_bfd       -B       No BFD.
  --all                   Start all processes even if one has nothing to do.
  --dont-respawn -R       Do not start a process again that has died; end instead.
  --single-process        All of it in one process: for tests, and tiny machines.
  --signum=NAME           Print the number of a signal: RELOAD, STOP, DATA, STATS...
  --genhash      -T ...   Be genhash; the rest of the line is genhash's.
  --help         -h       Display this short inlined help screen.
  --version      -v       Display the version number.

Signals: TERM and INT stop it, HUP reloads the file, USR1 writes data and USR2
statistics to TMPDIR or /tmp; --signum tells the others.  To run several side by side give each its own
RUNTIME_DIRECTORY (or XDG_RUNTIME_DIR) and TMPDIR, or its own --pid.
keepalived's other flags are accepted, so that a unit file need not change;
the log tells which of them have no effect yet.
"""

# Flags and parameters of C keepalived that do nothing here yet: long, short, what it would be about.
_IDLE_FLAGS = (
    ("release-vips", "X", "addresses are always released at exit, unless -V is given"),
    ("address-monitoring", "a", "address events are logged with -D"),
    ("snmp", "x", "there is no SNMP yet"),
    ("core-dump", "m", "Python leaves no core files worth having"),
    ("no-mem-check", None, "C keepalived's debugging"),
    ("mem-check-log", "L", "C keepalived's debugging"),
    ("openssl-mem-check", "O", "C keepalived's debugging"),
    ("flush-log-file", None, "there is no log file; lines are written at once"),
    ("perf", None, "C keepalived's debugging"),
    ("debug", None, "C keepalived's debugging"),
    ("ignore-sigint", None, "C keepalived's debugging"),
)
_IDLE_PARAMETERS = (("snmp-agent-socket", "A", "there is no SNMP yet"),)

SIGNALS = {
    "STOP": signal.SIGTERM,
    "RELOAD": signals.RELOAD,
    "HUP": signals.RELOAD,
    "DATA": signals.DATA,
    "STATS": signals.STATISTICS,
    "JSON": signals.JSON,
    "STATS_CLEAR": signals.CLEAR_STATISTICS,
    "TDUMP": signals.THREADS,
}


class Options(usage.Options):  # type: ignore[misc,unused-ignore]
    """Flags in twistd's form; ``settings()`` is what the rest of us reads."""

    synopsis = "[options]"
    longdesc = "keepalived as a Twisted application"

    optFlags = [
        ["dont-fork", "n", "stay in the foreground"],
        ["config-test", "t", "test the configuration and exit"],
        ["all-config", "e", "every problem of an include is fatal"],
        ["strict", None, "every error in the configuration is fatal"],
        ["dump-conf", "d", "dump the configuration data to the log"],
        ["log-console", "l", "log to the console"],
        ["no-syslog", "G", "do not log to syslog"],
        ["dont-release-ipvs", "I", "leave the IPVS table at exit"],
        ["dont-release-vrrp", "V", "leave the virtual addresses at exit"],
        ["check", "C", "only the health checkers"],
        ["vrrp", "P", "only VRRP"],
        ["no_bfd", "B", "no BFD"],
        ["all", None, "start all processes, even if unused"],
        ["dont-respawn", "R", "do not start a process again that has died"],
        ["single-process", None, "all in one process"],
        *([long, short, f"accepted, has no effect yet: {why}"] for long, short, why in _IDLE_FLAGS),
    ]
    optParameters = [
        ["use-file", "f", DEFAULT_FILE, "the configuration file"],
        ["config-id", "i", None, "what lines that begin with @ are chosen by"],
        ["config-test-log", None, None, "where --config-test writes its findings"],
        ["data-plane", None, "auto", "auto, ipvs or userspace"],
        ["log-facility", "S", None, "0-7, local0-local7, user or daemon"],
        ["pid", "p", None, "pid file"],
        ["vrrp_pid", "r", None, "pid file of the VRRP process"],
        ["checkers_pid", "c", None, "pid file of the checker process"],
        ["bfd_pid", "b", None, "pid file of the BFD process"],
        ["umask", "u", None, "umask for files we create, octal"],
        ["namespace", "s", None, "network namespace"],
        *(
            [long, short, None, f"accepted, has no effect yet: {why}"]
            for long, short, why in _IDLE_PARAMETERS
        ),
    ]

    def __init__(self) -> None:
        super().__init__()
        self["detail"] = 0
        self["notes"] = []

    # --- flags that act at once --------------------------------------------------

    def opt_log_detail(self) -> None:
        """detailed log messages; twice for even more"""
        self["detail"] += 1

    opt_D = opt_log_detail

    def opt_version(self) -> NoReturn:
        """display the version number"""
        print(f"Kaltwisted v{__version__}")
        raise SystemExit(0)

    opt_v = opt_version

    def opt_help(self) -> NoReturn:
        """display the help screen"""
        print(HELP, end="")
        raise SystemExit(0)

    opt_h = opt_help

    def opt_signum(self, name: str) -> NoReturn:
        """print the number of a signal"""
        if name not in SIGNALS:
            raise usage.UsageError(f"unknown signal {name!r}: one of {', '.join(SIGNALS)}")
        print(int(SIGNALS[name]))
        raise SystemExit(0)

    def opt_core_dump_pattern(self) -> None:
        """accepted, has no effect yet"""
        self["notes"].append("--core-dump-pattern: accepted, has no effect yet")

    opt_M = opt_core_dump_pattern

    def opt_genhash(self) -> NoReturn:
        """be genhash"""
        raise usage.UsageError("--genhash must come first: kaltwisted --genhash ... (or the command genhash)")

    opt_T = opt_genhash

    def __str__(self) -> str:
        """What an error in the command line is shown with."""
        return self.usage_lines()

    @staticmethod
    def usage_lines() -> str:
        """The first lines of the help."""
        return HELP.partition("Commands:")[0].rstrip() + "\n"

    def getUsage(self, width: int | None = None) -> str:
        """The help screen."""
        return HELP

    # --- reading -------------------------------------------------------------------

    def parseOptions(self, options: Sequence[str] | None = None) -> None:
        """Read ``options`` as C's getopt_long does: flags may follow words, ``-t`` may have a value."""
        words = [_optional_value(word) for word in (sys.argv[1:] if options is None else options)]
        super().parseOptions(in_any_order(words, self.shortOpt, self.longOpt))

    def parseArgs(self, *extra: str) -> None:
        """Words that are no flags are reported and ignored, as C keepalived does it."""
        if extra:
            self["notes"].append(f"Unexpected argument(s): {' '.join(extra)}")

    def postOptions(self) -> None:
        """Check the values, tell twistd what concerns it, and do what ends here (``-t``)."""
        if self["data-plane"] not in ("auto", "ipvs", "userspace"):
            raise usage.UsageError(f"--data-plane {self['data-plane']!r}: one of auto, ipvs, userspace")
        if self["namespace"] is not None:
            raise usage.UsageError(
                "--namespace is not supported yet;"
                f" start it with: ip netns exec {self['namespace']} kaltwisted ..."
            )
        for long, short, why in (*_IDLE_FLAGS, *_IDLE_PARAMETERS):
            if self[long]:
                name = f"--{long}" if short is None else f"--{long} (-{short})"
                self["notes"].append(f"{name}: accepted, has no effect yet ({why})")
        self.settings()
        umask = self._umask()
        if self["config-test"] or self["config-test-log"] is not None:
            raise SystemExit(self._test_configuration())
        if self.parent is not None:
            self._instruct_twistd(self.parent, umask)

    def settings(self) -> Settings:
        """The command line as a value.

        :raises twisted.python.usage.UsageError: for a value that cannot be.
        """
        twistd: Any = self.parent or {}
        try:
            facility = log.facility(self["log-facility"] or "daemon")
        except ValueError as error:
            raise usage.UsageError(f"--log-facility: {error}") from None
        return Settings(
            file=self["use-file"],
            config_id=self["config-id"],
            all_includes=bool(self["all-config"]),
            data_plane=self["data-plane"],
            strict=bool(self["strict"]),
            dump=bool(self["dump-conf"]),
            keep_ipvs=bool(self["dont-release-ipvs"]),
            keep_addresses=bool(self["dont-release-vrrp"]),
            checkers=bool(self["check"]) or not self["vrrp"],
            vrrp=bool(self["vrrp"]) or not self["check"],
            bfd=not self["no_bfd"],
            idle_roles=bool(self["all"]),
            respawn=not self["dont-respawn"],
            single_process=bool(self["single-process"]),
            role_pid_files=self._role_pid_files(),
            umask=self._umask(),
            console=bool(self["log-console"]),
            detail=self["detail"],
            syslog=not self["no-syslog"],
            facility=facility,
            twistd_logs=any(twistd.get(option) for option in ("logfile", "syslog", "logger")),
            notes=tuple(self["notes"]),
        )

    def _role_pid_files(self) -> tuple[tuple[str, str], ...]:
        given = (
            (VRRP.name, self["vrrp_pid"]),
            (CHECKERS.name, self["checkers_pid"]),
            (BFD.name, self["bfd_pid"]),
        )
        return tuple((role, str(Path(path).absolute())) for role, path in given if path is not None)

    def _umask(self) -> int | None:
        if self["umask"] is None:
            return None
        try:
            mask = int(self["umask"], 8)
        except ValueError:
            mask = -1
        if not 0 <= mask <= 0o777:
            raise usage.UsageError(f"--umask {self['umask']!r}: not an octal number up to 777")
        return mask

    def _instruct_twistd(self, twistd: Any, umask: int | None) -> None:
        if self["dont-fork"]:
            twistd["nodaemon"] = True
        if self["pid"] is not None:
            twistd["pidfile"] = self["pid"]
        if umask is not None:
            twistd["umask"] = umask
        # The file is read before the daemon changes to its rundir, but a reload will read it after.
        self["use-file"] = str(Path(self["use-file"]).absolute())
        if twistd["pidfile"]:
            pidfile.claim(Path(twistd["pidfile"]))

    def _test_configuration(self) -> int:
        from kaltwisted.daemon.check import examine

        found = examine(
            [self["use-file"]], config_id=self["config-id"], all_includes=bool(self["all-config"])
        )
        for note in self["notes"]:
            print(note, file=sys.stderr)
        if self["config-test-log"]:
            Path(self["config-test-log"]).write_text(found.text(), encoding="utf-8")
        else:
            print(found.text(), end="", file=sys.stderr)
        return found.exit_status


def _optional_value(word: str) -> str:
    """getopt knows no optional values, so ``--config-test=FILE`` is given a name of its own."""
    if word.startswith("--core-dump-pattern="):
        return "--core-dump-pattern"
    return re.sub(r"^--config-test=", "--config-test-log=", word)
