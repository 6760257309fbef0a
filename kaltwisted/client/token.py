"""``kaltwisted token ROLE NAME``: a token for the API over TCP, and the line that makes it known."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Final

from kaltwisted.api.tokens import ROLES, Tokens, TokensError, new

HELP: Final = f"""\
Usage: kaltwisted token ROLE NAME >> TOKENS-FILE

Makes a token for the HTTP API. The line for the file that api_tokens names goes
to stdout; the token itself, which nothing keeps, to stderr.

  ROLE   {" or ".join(ROLES)}: what its bearer may
  NAME   whose it is, for the log
"""


def main(words: Sequence[str]) -> int:
    """Run it; returns the exit status."""
    if any(word in ("-h", "--help") for word in words):
        print(HELP, end="")
        return 0
    if len(words) != 2:
        print(f"{HELP.partition(chr(10))[0]}\n\nkaltwisted token: ROLE and NAME, please", file=sys.stderr)
        return 1
    token, line = new(*words)
    try:
        Tokens.read(line)
    except TokensError as error:
        print(f"kaltwisted token: {str(error).partition(': ')[2]}", file=sys.stderr)
        return 1
    print(line)
    print(f"the token of {words[1]}, shown only now: {token}", file=sys.stderr)
    return 0
