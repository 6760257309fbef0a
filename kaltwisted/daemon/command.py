"""The console command ``kaltwisted``: C keepalived's flags in, twistd's machinery underneath.

What twistd does stays twistd's (daemonizing, pid file, umask, running the
reactor); only its own command line is passed over, so that every flag means
what it means to keepalived.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from typing import NoReturn

from twisted.application.service import ServiceMaker
from twisted.python import usage
from twisted.scripts._twistd_unix import ServerOptions, UnixApplicationRunner

from kaltwisted.daemon import directories, signals
from kaltwisted.daemon.lean import import_sockets
from kaltwisted.daemon.options import Options


def main(arguments: Sequence[str] | None = None) -> int:
    """Run ``kaltwisted`` with ``arguments`` (default: the process's); returns the exit status."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if words[:1] in (["-T"], ["--genhash"]):
        _genhash(words[1:])
    if words[:1] == ["check"]:
        return _check(words[1:])
    if words[:1] == ["config"]:
        return _config(words[1:])
    if words[:1] == ["status"]:
        return _status(words[1:])
    if words[:1] == ["simulate"]:
        return _simulate(words[1:])
    twistd = ServerOptions()
    # A unit of Type=notify and a script that waits for the pid file both look for it where keepalived's is.
    twistd["pidfile"] = str(directories.pid_file(os.environ, os.geteuid()))
    twistd["umask"] = 0o022
    twistd["no_save"] = True
    twistd["originalname"] = True
    twistd["rundir"] = "/"
    options = Options()
    options.parent = twistd
    try:
        options.parseOptions(words)
    except usage.UsageError as error:
        print(f"{Options.usage_lines()}\nkaltwisted: {error}", file=sys.stderr)
        return 1
    twistd.subCommand = "keepalived"
    twistd.subOptions = options
    twistd.loadedPlugins = {
        "keepalived": ServiceMaker("keepalived", "kaltwisted.daemon.service", "", "keepalived")
    }
    twistd.postOptions()
    # A shell ignores INT for what it starts in the background, and so would the reactor; keepalived obeys it.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    signals.hold()
    import_sockets()
    UnixApplicationRunner(twistd).run()
    # twistd would now end by the signal that stopped it; keepalived's users see 0.
    return 0


def _genhash(words: list[str]) -> NoReturn:
    from kaltwisted import genhash

    sys.argv = ["genhash", *words]
    genhash.main()


def _check(words: list[str]) -> int:
    from kaltwisted.daemon import check

    return check.main(words)


def _config(words: list[str]) -> int:
    from kaltwisted.daemon import config

    return config.main(words)


def _status(words: list[str]) -> int:
    from kaltwisted.client import status

    return status.main(words, directories.api_sockets(os.environ, os.geteuid()))


def _simulate(words: list[str]) -> int:
    from kaltwisted.daemon import simulate

    return simulate.main(words)
