"""``SSL``: client certificate and trust roots of all ``SSL_GET`` checks."""

from __future__ import annotations

from kaltwisted.config.keywords.convert import Word
from kaltwisted.config.keywords.table import Again, Keyword, Table

_path = Word("a file in PEM", fatal=False)

SSL = Table(
    "SSL",
    {
        "certificate": Keyword(
            "file with the client certificate and its chain", "certificate", _path, again=Again.OVERWRITES
        ),
        "key": Keyword("file with its key", "key", _path, again=Again.OVERWRITES),
        "password": Keyword(
            "pass phrase of the key file",
            "password",
            Word("a pass phrase", fatal=False),
            again=Again.OVERWRITES,
        ),
        "ca": Keyword("file with trusted certificates, for tls_verify", "ca", _path, again=Again.OVERWRITES),
    },
)
