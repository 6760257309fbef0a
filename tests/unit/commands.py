"""``kaltwisted`` commands, run within the test."""

from __future__ import annotations

import contextlib
import io

from kaltwisted.daemon.command import main


def ended(*words: str) -> tuple[object, str, str]:
    """Exit status, and what was printed on stdout and stderr."""
    out, error = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(error):
        try:
            status: object = main(list(words))
        except SystemExit as end:
            status = end.code
    return status, out.getvalue(), error.getvalue()
