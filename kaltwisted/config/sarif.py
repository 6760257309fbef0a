"""An examination as SARIF 2.1.0, which GitHub's code scanning, GitLab, editors and others take.

Sections in comments are those of the OASIS standard "Static Analysis Results
Interchange Format (SARIF) Version 2.1.0".  Source lines are left out: whoever
shows a result has the file, and a password in it is none of the report's business.
"""

from __future__ import annotations

import os
from pathlib import PurePosixPath
from urllib.parse import quote

from kaltwisted.config.examination import Examination
from kaltwisted.config.findings import Finding, Related, Rule, Severity
from kaltwisted.config.model import Position
from kaltwisted.config.rules import RULES, rule_of

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
# GitHub's name for the root of the repository, and so what others use, too.
BASE = "%SRCROOT%"

# 3.58.6 level
_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.ADVICE: "note"}


def document(examination: Examination, version: str, directory: str) -> dict[str, object]:
    """A log (3.13) with one run (3.14).

    :param version: of kaltwisted.
    :param directory: where the files were named from; what is in it gets a relative URI.
    """
    return {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": _driver(version)},
                # 3.20: that mistakes were found is no failure of the tool.
                "invocations": [{"executionSuccessful": True, "exitCode": examination.exit_status}],
                "originalUriBaseIds": {BASE: {"uri": f"file://{_quoted(directory.rstrip('/'))}/"}},
                # 3.14.17: our columns count characters, not the UTF-16 units that are the default.
                "columnKind": "unicodeCodePoints",
                "results": [_result(finding, directory) for finding in examination.findings],
            }
        ],
    }


def _driver(version: str) -> dict[str, object]:
    """The tool (3.19), with all rules, so that a result's ``ruleIndex`` never changes its meaning."""
    return {
        "name": "kaltwisted",
        "version": version,
        "semanticVersion": version,
        "rules": list(map(_rule, RULES)),
    }


def _rule(rule: Rule) -> dict[str, object]:
    """A reportingDescriptor (3.49)."""
    return {
        "id": rule.id,
        "name": rule.name,
        "shortDescription": {"text": rule.brief},
        "fullDescription": {"text": rule.full},
        "help": {"text": rule.full},
        "defaultConfiguration": {"level": _LEVELS[rule.severity]},
        "properties": {"tags": ["configuration", "keepalived"]},
    }


def _result(finding: Finding, directory: str) -> dict[str, object]:
    """A result (3.27)."""
    rule = rule_of(finding)
    result: dict[str, object] = {
        "ruleId": rule.id,
        "ruleIndex": RULES.index(rule),
        "level": _LEVELS[finding.severity],
        "message": {"text": _message(finding)},
        "locations": [{"physicalLocation": _physical(finding.position, finding.width, directory)}],
    }
    if finding.related:
        result["relatedLocations"] = [
            _related_location(number, related, directory) for number, related in enumerate(finding.related, 1)
        ]
    return result


def _message(finding: Finding) -> str:
    """All that is to be said: viewers show no more than this.

    The related places are links (3.11.6) to the ids of ``relatedLocations``,
    which GitHub shows only where a message links to them.
    """
    lines = [finding.message]
    if finding.expected:
        lines.append(f"expected: {finding.expected}")
    if finding.suggestion:
        lines.append(finding.suggestion)
    text = _braced("\n".join(lines))
    for number, related in enumerate(finding.related, 1):
        note = related.note.replace("\\", "\\\\").replace("[", "\\[").replace("]", "\\]")
        text += f"\n[{_braced(note)}]({number})"
    return text


def _braced(text: str) -> str:
    """Braces stand for placeholders, and so a brace is written twice (3.11.5)."""
    return text.replace("{", "{{").replace("}", "}}")


def _related_location(number: int, related: Related, directory: str) -> dict[str, object]:
    """A location (3.28) that a message can link to."""
    return {
        "id": number,
        "physicalLocation": _physical(related.position, None, directory),
        "message": {"text": _braced(related.note)},
    }


def _physical(position: Position, width: int | None, directory: str) -> dict[str, object]:
    """A physicalLocation (3.29); ``endColumn`` of its region is behind the last character (3.30.8)."""
    region = {"startLine": position.line, "startColumn": position.column}
    if width is not None:
        region["endColumn"] = position.column + max(width, 1)
    return {"artifactLocation": _artifact(position.file, directory), "region": region}


def _artifact(file: str, directory: str) -> dict[str, str]:
    """An artifactLocation (3.4): relative to the base in the directory, else absolute."""
    path = os.path.normpath(PurePosixPath(directory, file))
    try:
        return {"uri": _quoted(str(PurePosixPath(path).relative_to(directory))), "uriBaseId": BASE}
    except ValueError:
        return {"uri": f"file://{_quoted(path)}"}


def _quoted(path: str) -> str:
    """A path in a URI: percent-encoded bytes (3.10.1), of names that are not UTF-8, too."""
    return quote(os.fsencode(path))
