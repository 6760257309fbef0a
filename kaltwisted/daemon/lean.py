"""Twisted's sockets without OpenSSL, which they load wherever it is: 12 MB and a tenth of a second less.

Nothing of ours has them turn a connection into a TLS one: a check that speaks
TLS brings its own, and loads OpenSSL when the first such check is made.
"""

from __future__ import annotations

import sys


def import_sockets() -> None:
    """Import what reactors are made of, and let it not find OpenSSL; before a reactor is imported."""
    if "twisted.internet.posixbase" in sys.modules or "OpenSSL" in sys.modules:
        return
    sys.modules["OpenSSL"] = None  # type: ignore[assignment]
    try:
        import twisted.internet.posixbase
        import twisted.protocols.amp  # noqa: F401
    finally:
        del sys.modules["OpenSSL"]
