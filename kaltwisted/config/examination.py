"""What an examination of several files found, and how it is told to people and to programs.

``-t`` and ``kaltwisted check`` are both made of it.  The document for programs
is described by ``docs/check.schema.json``; ``VERSION`` goes up when a program
that reads it would have to change, not when there is more in it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from pathlib import PurePath

import attrs

from kaltwisted.config.findings import Finding, Related, render
from kaltwisted.config.load import Reading
from kaltwisted.config.rules import rule_of

VERSION = 1

_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


@attrs.frozen
class Examination:
    """The ``files`` that were asked for, each with its exit status, and each mistake in them once."""

    files: tuple[tuple[str, int], ...]
    findings: tuple[Finding, ...]

    @classmethod
    def of(cls, readings: Iterable[tuple[str, Reading]]) -> Examination:
        """Put together what files were read to.  What several of them include is told of once."""
        files: list[tuple[str, int]] = []
        findings: list[Finding] = []
        known: set[tuple[object, ...]] = set()
        for file, reading in readings:
            files.append((file, reading.exit_status))
            # One reading has each mistake once, so only those of other readings are looked for.
            new = [finding for finding in reading.findings if _mistake(finding) not in known]
            known.update(map(_mistake, new))
            findings += new
        return cls(tuple(files), tuple(findings))

    @property
    def exit_status(self) -> int:
        """The highest of the files'."""
        return max((status for _, status in self.files), default=0)

    def text(self) -> str:
        """For people: each finding on several lines."""
        return "".join(f"{render(finding)}\n" for finding in self.findings)


def _mistake(finding: Finding) -> tuple[object, ...]:
    """What makes findings of two readings one: place and words.  How the file came in is no part of it."""
    position = finding.position
    return PurePath(position.file), position.line, position.column, finding.severity, finding.message


def document(examination: Examination, version: str) -> dict[str, object]:
    """For programs, as ``docs/check.schema.json`` has it.  Every key is always there.

    :param version: of kaltwisted.
    """
    return {
        "version": VERSION,
        "tool": {"name": "kaltwisted", "version": version},
        "status": examination.exit_status,
        "files": [{"file": file, "status": status} for file, status in examination.files],
        "findings": list(map(_finding, examination.findings)),
    }


def _finding(finding: Finding) -> dict[str, object]:
    return {
        "rule": rule_of(finding).id,
        "severity": finding.severity.value,
        "message": finding.message,
        "file": finding.position.file,
        "line": finding.position.line,
        "column": finding.position.column,
        "width": finding.width,
        "source": finding.source_line,
        "expected": finding.expected,
        "suggestion": finding.suggestion,
        "related": list(_related(finding.related)),
        "log": finding.log_line(),
        "consequence": {
            "name": finding.consequence.name.lower().replace("_", "-"),
            "test_status": finding.consequence.test_status,
            "start_status": finding.consequence.start_status,
        },
    }


def _related(places: Iterable[Related]) -> Iterator[dict[str, object]]:
    for place in places:
        yield {
            "file": place.position.file,
            "line": place.position.line,
            "column": place.position.column,
            "message": place.note,
        }


def written(document: dict[str, object]) -> str:
    """A document as JSON, in ASCII, so that it is right whatever the locale is.

    Files that are not UTF-8 are read byte for byte, with halves of surrogate
    pairs; no JSON may have these (RFC 8259, 8.2).
    """
    text = json.dumps(document, ensure_ascii=False)
    return json.dumps(json.loads(_LONE_SURROGATE.sub("\ufffd", text)), indent=2) + "\n"
