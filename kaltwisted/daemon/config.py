"""``kaltwisted config``: a configuration in another format, and what a reload would do.

It reads as ``kaltwisted check --no-system`` does, and changes nothing.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from twisted.python import usage

from kaltwisted.config.diff import compare
from kaltwisted.config.examination import Examination
from kaltwisted.config.formats.conversion import FORMATS, convert
from kaltwisted.config.load import Reading, load_file
from kaltwisted.daemon.output import complain, hand_over, tell
from kaltwisted.daemon.settings import DEFAULT_FILE
from kaltwisted.daemon.subcommand import FileOptions

SAME, DIFFERENT, TROUBLE = 0, 1, 2
"""Exit statuses of ``--diff``, as those of diff(1)."""

HELP = f"""\
Usage:
  kaltwisted config [--to json | yaml | keepalived] [-i ID] [-e] [FILE]
  kaltwisted config --diff [--json] [-i ID] [-e] OLD NEW

Prints a configuration in another format, or tells what a reload from OLD to NEW
would do.  Files that end in .json, .yaml or .yml are read as such, all others as
keepalived's; without FILE it is {DEFAULT_FILE}.

  --to FORMAT             json, yaml or keepalived, which is the default: the same
                          text, tidied up.  docs/configuration.schema.json is the
                          schema of the others.
  --diff                  One line for each change, or "Nothing would change".
  --json                  With --diff: one JSON document.
  --config-id    -i ID    What lines that begin with @ID or @^ID are for.
                          Default is the host name up to its first dot.
  --all-config   -e       Take every problem of an include as fatal.
  --help         -h       Display this help.
  --version      -v       Display the version number.

Includes and definitions are put in, and comments are left out.  Passwords are
printed: they are part of a configuration.  Findings go to stderr, where they are
masked.  What is not a keyword passes through; a file of which a line cannot be
read at all (braces, quotes, includes, definitions) is not converted.

The exit status is that of kaltwisted check --no-system.  With --diff, as with
diff: 0 nothing would change, 1 something would, 2 a file cannot be used, and a
reload would be refused.  1 or 2 also: the command line is wrong.
"""


class ConfigOptions(FileOptions):
    """The words behind ``config``."""

    help = HELP
    optFlags = [
        ["diff", None, "what a reload would do"],
        ["json", None, "the differences as one JSON document"],
    ]
    optParameters = [["to", None, None, "json, yaml or keepalived"]]

    def postOptions(self) -> None:
        """One file, or two to compare."""
        if self["diff"]:
            if self["to"] is not None:
                raise usage.UsageError("--to or --diff, not both")
            if len(self.files) != 2:
                raise usage.UsageError("--diff takes two files: OLD and NEW")
            return
        if self["json"]:
            raise usage.UsageError("--json goes with --diff; for a configuration it is --to json")
        if self["to"] is not None and self["to"] not in FORMATS:
            raise usage.UsageError(f"--to {self['to']!r}: one of {', '.join(FORMATS)}")
        if len(self.files) > 1:
            raise usage.UsageError("one file at a time; with --diff two")
        self.files = self.files or (DEFAULT_FILE,)


def main(words: Sequence[str]) -> int:
    """Do what the words behind ``config`` say; returns the exit status."""
    options = ConfigOptions()
    if not options.read(words, "config"):
        return TROUBLE if "--diff" in words else 1
    return _differences(options) if options["diff"] else _conversion(options)


def _conversion(options: ConfigOptions) -> int:
    file = options.files[0]
    found = convert(
        file,
        options["to"] or "keepalived",
        config_id=options["config-id"],
        all_includes=bool(options["all-config"]),
    )
    _complain((file, found.reading))
    if found.text is not None:
        hand_over(found.text)
    return found.reading.exit_status


def _differences(options: ConfigOptions) -> int:
    """What a reload would do, by ``daemon.reload``: with an error in the new file, nothing."""
    old, new = (
        load_file(file, config_id=options["config-id"], all_includes=bool(options["all-config"]))
        for file in options.files
    )
    compared = compare(old.configuration, new.configuration)
    refused = bool(new.errors or new.fatal is not None)
    if refused or old.fatal is not None:
        _complain(*zip(options.files, (old, new), strict=True))
    if old.fatal is not None:
        return TROUBLE
    refused = refused or compared.refusal is not None
    changes = [] if refused else list(compared.words())
    if options["json"]:
        tell(json.dumps({"refused": refused, "changes": changes}, indent=2) + "\n")
    elif refused:
        why = compared.refusal or f"{options.files[1]} has errors"
        tell(f"A reload would be refused: {why}\n")
    else:
        tell("".join(f"{line}\n" for line in changes or ["Nothing would change"]))
    if refused:
        return TROUBLE
    return DIFFERENT if changes else SAME


def _complain(*readings: tuple[str, Reading]) -> None:
    complain(Examination.of(readings).text())
