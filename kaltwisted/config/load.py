"""A configuration file to a ``Reading``: the model to run and all that is to be said about the file."""

from __future__ import annotations

import os
from pathlib import PurePath
from typing import NamedTuple

import attrs

from kaltwisted.config import include
from kaltwisted.config.bind import bind
from kaltwisted.config.definitions import Surroundings
from kaltwisted.config.expand import expand
from kaltwisted.config.findings import Consequence, Finding, Severity
from kaltwisted.config.keywords.top import TOP
from kaltwisted.config.memory import Memory, Recall
from kaltwisted.config.model import Configuration, Position
from kaltwisted.config.source import Source
from kaltwisted.config.tree import Tree, parse
from kaltwisted.config.verify import verify
from kaltwisted.config.written import Written

_FORMS = {".json": "json", ".yaml": "yaml", ".yml": "yaml"}


@attrs.frozen
class Reading:
    """What reading gave: a ``configuration`` that can run whatever the findings are, unless ``fatal``.

    ``written``: the text, for those who asked that it be kept.
    """

    configuration: Configuration
    findings: tuple[Finding, ...] = ()
    written: Written | None = attrs.field(default=None, eq=False, repr=False)

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


def load_file(
    path: str,
    *,
    config_id: str | None = None,
    all_includes: bool = False,
    memory: Memory | None = None,
    keep_text: bool = False,
) -> Reading:
    """Read a file and all it includes.

    One that cannot be read is a finding too, as is text that is none; nothing is raised.

    :param memory: of the readings before; it makes this one quicker, not different.
    :param keep_text: give the text back too.  It is whole only where no memory shortened the reading.
    """
    source = open_file(path, config_id=config_id, all_includes=all_includes)
    return source if isinstance(source, Reading) else read(source, memory, keep_text=keep_text).reading


def open_file(path: str, *, config_id: str | None = None, all_includes: bool = False) -> Source | Reading:
    """What is read of a file and all it includes; where it cannot be opened, the reading that says so.

    A file whose name ends in ``.json``, ``.yaml`` or ``.yml`` is one of that format.  A pattern such as
    ``/etc/keepalived/*.conf`` stands for all files of keepalived's language that it names, in their order.

    :param config_id: what ``@`` lines are chosen by (keepalived: ``-i``);
        None for the name of this host up to its first dot.
    :param all_includes: take every problem of an include as fatal (keepalived: ``-e``).
    """
    surroundings = Surroundings(host_id() if config_id is None else config_id, os.environ)
    checks = include.Check.ALL if all_includes else include.Check.NONE
    if include.names_files(path):
        return expand(include.line(path), path, surroundings, checks)
    try:
        text, identity = include.read(path)
    except include.UnreadableError as refused:
        finding = Finding(
            Severity.ERROR,
            Position(path, 1),
            f"configuration file {refused}",
            expected="the name of a readable file",
            consequence=Consequence.NO_FILE,
            log=f"Unable to find config file(s) '{path}'.",
        )
        return Reading(Configuration(), (finding,))
    return _open(text, path, surroundings, checks, identity)


def load_text(
    text: str,
    file: str,
    surroundings: Surroundings | None = None,
    memory: Memory | None = None,
    *,
    keep_text: bool = False,
) -> Reading:
    """Read a text; ``file`` is its name in the findings, and what it includes is relative to that."""
    return read(_open(text, file, surroundings or Surroundings()), memory, keep_text=keep_text).reading


def host_id() -> str:
    """The configuration id of a host that is not given one."""
    return os.uname().nodename.partition(".")[0]


def _open(
    text: str,
    file: str,
    surroundings: Surroundings,
    checks: include.Check = include.Check.NONE,
    identity: include.FileOnDisk | None = None,
) -> Source:
    form = _FORMS.get(PurePath(file).suffix.lower())
    if form is None:
        return expand(text, file, surroundings, checks, identity)
    from kaltwisted.config.formats.structured import structured  # who has no JSON needs none of it

    return structured(text, file, form)


class Whole(NamedTuple):
    """A reading, and the statements it is of."""

    reading: Reading
    tree: Tree


def read(source: Source, memory: Memory | None = None, *, keep_text: bool = False) -> Whole:
    """What a source says."""
    recall = Recall(memory or Memory())
    tree = parse(source, TOP, recall.feed)
    bound = bind(source, tree, recall)
    recall.keep()
    configuration = verify(bound.configuration, bound.reader)
    findings = tuple(bound.reader.finish())
    written = None
    if keep_text:
        written = Written(source, tree.statements, bound.reader.hidden_lines(), findings)
    return Whole(Reading(configuration, findings, written), tree)
