"""``python -m kaltwisted.daemon.role NAME VERSION``: the process of a role.  The supervisor starts it."""

from __future__ import annotations

import sys

if __name__ == "__main__":
    if sys.argv[1:2] == ["vrrp"]:
        # VRRP speaks no TLS, and Twisted's sockets load OpenSSL only where they find it: 12 MB less.
        sys.modules["OpenSSL"] = None  # type: ignore[assignment]
    from kaltwisted.daemon.role.main import main

    main(sys.argv[1:])
