"""``python -m kaltwisted.daemon.role NAME VERSION``: the process of a role.  The supervisor starts it."""

from __future__ import annotations

import sys

from kaltwisted.daemon import signals
from kaltwisted.daemon.lean import import_sockets

if __name__ == "__main__":
    signals.hold()  # whoever means all of the daemon's processes must not end us before we can pass it on
    import_sockets()
    from kaltwisted.daemon.role.main import main

    main(sys.argv[1:])
