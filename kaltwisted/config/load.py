"""A configuration file to a ``Reading``: the model to run and all that is to be said about the file."""

from __future__ import annotations

from pathlib import Path

import attrs

from kaltwisted.config.bind import bind
from kaltwisted.config.findings import Consequence, Finding, Severity
from kaltwisted.config.keywords.top import TOP
from kaltwisted.config.model import Configuration, Position
from kaltwisted.config.tree import Source, parse
from kaltwisted.config.verify import verify


@attrs.frozen
class Reading:
    """What reading gave: a ``configuration`` that can run whatever the findings are, unless ``fatal``."""

    configuration: Configuration
    findings: tuple[Finding, ...] = ()

    @property
    def exit_status(self) -> int:
        """Exit status of ``--config-test``: 0 also with warnings.

        keepalived ends at once, with 2, at a missing parameter; otherwise the
        highest class of error counts.
        """
        statuses = {finding.consequence.test_status for finding in self.findings}
        missing = Consequence.MISSING_PARAMETER.test_status
        return missing if missing in statuses else max(statuses, default=0)

    @property
    def fatal(self) -> int | None:
        """Exit status that a normal start must end with, None to run."""
        return max(
            (status for finding in self.findings if (status := finding.consequence.start_status)),
            default=None,
        )

    @property
    def errors(self) -> tuple[Finding, ...]:
        """The findings that ``--strict`` makes fatal."""
        return tuple(finding for finding in self.findings if finding.severity is Severity.ERROR)


def load_file(path: str) -> Reading:
    """Read a file.  One that cannot be read is a finding too, as is text that is none; nothing is raised."""
    try:
        content = Path(path).read_bytes()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        finding = Finding(
            Severity.ERROR,
            Position(path, 1),
            f"configuration file cannot be read: {reason}",
            expected="a readable file, named by -f",
            consequence=Consequence.NO_FILE,
            log=f"Unable to find config file(s) '{path}'.",
        )
        return Reading(Configuration(), (finding,))
    # What is not UTF-8 is kept byte for byte: an old file may have Latin-1 in its comments.
    return load_text(content.decode("utf-8", "surrogateescape"), path)


def load_text(text: str, file: str) -> Reading:
    """Read a text; ``file`` is its name in the findings."""
    source = Source(text, file)
    bound = bind(source, parse(source, TOP))
    configuration = verify(bound.configuration, bound.reader)
    return Reading(configuration, tuple(bound.reader.finish()))
