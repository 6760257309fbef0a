"""What commands print: whole, or as much of it as somebody wants."""

from __future__ import annotations

import os
import sys
from typing import TextIO


def tell(text: str) -> None:
    """Print for people, whatever is in it: a file need not be UTF-8, and nor need the terminal."""
    _write(_printable(text, sys.stdout))


def complain(text: str) -> None:
    """The same on stderr."""
    print(_printable(text, sys.stderr), end="", file=sys.stderr)


def hand_over(text: str) -> None:
    """Print what is a file: in UTF-8 whatever the locale is, and byte for byte what was read so."""
    binary = getattr(sys.stdout, "buffer", None)
    if binary is None:
        _write(text)
        return
    sys.stdout.flush()
    try:
        binary.write(text.encode("utf-8", "surrogateescape"))
        binary.flush()
    except BrokenPipeError:
        _nobody_reads()


def _printable(text: str, stream: TextIO) -> str:
    encoding = getattr(stream, "encoding", None) or "utf-8"
    return text.encode(encoding, "backslashreplace").decode(encoding)


def _write(text: str) -> None:
    try:
        print(text, end="", flush=True)
    except BrokenPipeError:
        _nobody_reads()


def _nobody_reads() -> None:
    """``| head`` has what it wants.  The interpreter flushes once more at its end, and must not fail."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
