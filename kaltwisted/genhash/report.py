"""genhash's output, in the layout of the 2002 user guide."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import IO

_LINE = 16
_PRINTABLE = bytes(byte if 0x20 <= byte <= 0x7E else ord(".") for byte in range(256))


class HexDump:
    """Bytes in the guide's layout as they come, line by line; at most a line is kept."""

    def __init__(self, write: Callable[[str], object]) -> None:
        self._write = write
        self._rest = b""
        self._offset = 0

    def update(self, data: bytes) -> None:
        """Print the lines that became whole."""
        data = self._rest + data
        whole = len(data) - len(data) % _LINE
        self._rest = data[whole:]
        self._write("".join(self._line(data[at : at + _LINE]) for at in range(0, whole, _LINE)))

    def end(self) -> None:
        """Print what is left."""
        if self._rest:
            self._write(self._line(self._rest))
            self._rest = b""

    def _line(self, data: bytes) -> str:
        left, right = data[:8].hex(" "), data[8:].hex(" ")
        line = f"{self._offset:04x} {left:<23} - {right:<23} {data.translate(_PRINTABLE).decode()}\n"
        self._offset += len(data)
        return line


class Report:
    """What is printed: header and body as they arrive, the digest at the end."""

    def __init__(self, output: IO[str], quiet: bool) -> None:
        self._output = output
        self._quiet = quiet
        self._digest = hashlib.md5(usedforsecurity=False)
        self._body = HexDump(output.write)

    def header(self, header: bytes) -> None:
        """The whole header arrived."""
        if not self._quiet:
            self._output.write("-----[ HTTP Header Buffer ]-----\n")
            dump = HexDump(self._output.write)
            dump.update(header)
            dump.end()
            self._output.write("-----[ HTML Buffer ]-----\n")

    def body(self, data: bytes) -> None:
        """A piece of the body arrived."""
        self._digest.update(data)
        if not self._quiet:
            self._body.update(data)

    def end(self) -> None:
        """The answer is complete."""
        digest = self._digest.hexdigest()
        if self._quiet:
            self._output.write(digest + "\n")
        else:
            self._body.end()
            self._output.write("-----[ HTML MD5 final resulting ]-----\n" + f"MD5 Digest : {digest}\n")
        self._output.flush()
