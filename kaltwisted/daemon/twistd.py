"""The daemon by the command ``kaltwisted``: C keepalived's flags in, twistd's machinery underneath.

What twistd does stays twistd's (daemonizing, pid file, umask, running the
reactor); only its own command line is passed over, so that every flag means
what it means to keepalived.
"""

from __future__ import annotations

import signal
import sys

from twisted.application.service import ServiceMaker
from twisted.python import usage
from twisted.scripts._twistd_unix import ServerOptions, UnixApplicationRunner

from kaltwisted.daemon import signals
from kaltwisted.daemon.lean import import_sockets
from kaltwisted.daemon.options import Options


def run(words: list[str]) -> int:
    """Run the daemon with this command line; returns the exit status."""
    twistd = ServerOptions()
    # Where keepalived's is, for units and scripts wait for it there; the configuration has a say in that.
    twistd["pidfile"] = None
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
