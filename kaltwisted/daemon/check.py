"""``kaltwisted check``: configuration files read as a daemon would, for people, editors and CI.

It goes beside keepalived's flags and uses none of them up, for these are all
options.  It ends with the exit status that ``-t`` would end with.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import attrs
from twisted.python import usage

from kaltwisted import __version__
from kaltwisted.config import examination, sarif
from kaltwisted.config.examination import Examination
from kaltwisted.config.load import Reading
from kaltwisted.daemon.output import tell
from kaltwisted.daemon.reading import ConfigurationFile
from kaltwisted.daemon.settings import DEFAULT_FILE
from kaltwisted.daemon.subcommand import FileOptions

HELP = f"""\
Usage:
  kaltwisted check [--json | --sarif] [-i ID] [-e] [--no-system] [FILE...]

Reads each FILE, and all it includes, as a daemon would, and prints what is wrong
with it, and advice.  Without FILE it is {DEFAULT_FILE}.
The files of both directors of a pair are compared, too.

  --json                  One JSON document, see docs/check.schema.json.
  --sarif                 SARIF 2.1.0, for code scanning and editors.
  --config-id    -i ID    What lines that begin with @ID or @^ID are for.
                          Default is the host name up to its first dot.
  --all-config   -e       Take every problem of an include as fatal.
  --no-system             Do not look for the scripts and interfaces of this machine:
                          it is not the director.
  --help         -h       Display this help.
  --version      -v       Display the version number.

The exit status is the highest of the files': 0 for nothing but warnings and
advice, 2 for a missing parameter, 5 for errors, 6 for a missing file or for
script security.  1: the command line is wrong.
"""


class CheckOptions(FileOptions):
    """The words behind ``check``.  After parsing, ``files`` are what to look at."""

    help = HELP
    optFlags = [
        ["json", None, "one JSON document"],
        ["sarif", None, "SARIF 2.1.0"],
        ["no-system", None, "do not look for scripts and interfaces"],
    ]

    def postOptions(self) -> None:
        """One form at a time."""
        if self["json"] and self["sarif"]:
            raise usage.UsageError("--json or --sarif, not both")
        self.files = self.files or (DEFAULT_FILE,)


def examine(
    files: Iterable[str], *, config_id: str | None = None, all_includes: bool = False, system: bool = True
) -> Examination:
    """Read files as ``ConfigurationFile`` does, with advice on each, and on directors that are a pair."""
    readings = [
        (
            file,
            ConfigurationFile(
                file, config_id=config_id, all_includes=all_includes, system=system, advise=True
            ).read(),
        )
        for file in files
    ]
    return Examination.of(_compared(readings) if len(readings) > 1 else readings)


def _compared(readings: list[tuple[str, Reading]]) -> Iterator[tuple[str, Reading]]:
    """The readings, each with what the others make of it."""
    from kaltwisted.config.advice import peers

    texts = [(each.configuration, each.written) for _, each in readings if each.written is not None]
    advice = peers.compare(texts)
    for file, reading in readings:
        written = reading.written
        told = [finding for about, finding in advice if about is written]
        if written is not None and told:
            reading = attrs.evolve(reading, findings=written.in_order((*reading.findings, *told)))
        yield file, reading


def main(words: Sequence[str]) -> int:
    """Do what the words behind ``check`` say; returns the exit status."""
    options = CheckOptions()
    if not options.read(words, "check"):
        return 1
    found = examine(
        options.files,
        config_id=options["config-id"],
        all_includes=bool(options["all-config"]),
        system=not options["no-system"],
    )
    if options["json"]:
        text = examination.written(examination.document(found, __version__))
    elif options["sarif"]:
        text = examination.written(sarif.document(found, __version__, str(Path.cwd())))
    else:
        text = found.text()
    tell(text)
    return found.exit_status
