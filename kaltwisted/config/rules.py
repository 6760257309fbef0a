"""Kinds of findings, under names that stay: what a report for programs files each one under.

Of mistakes there are as many as there are answers to "what becomes of it?",
which is what an operator filters by and what a rule of SARIF is to be.  A finer
kind would be the message itself, and messages get better.  Advice has a kind
for each thing that is advised, for one may be followed and another not.
"""

from __future__ import annotations

from kaltwisted.config.advice.kinds import KINDS
from kaltwisted.config.findings import Consequence, Finding, Rule, Severity

MISTAKE = Rule(
    "mistake",
    "Mistake",
    Severity.ERROR,
    "Not understood, and left out",
    "What is written here cannot be done. A start logs it and runs the rest; a reload keeps what runs, and"
    " --strict makes no start. Mend the line, or take it out.",
)
NO_START = Rule(
    "no-start",
    "NoStart",
    Severity.ERROR,
    "The daemon does not start with this",
    "A start ends here with exit status 2, as keepalived's does.",
)
MISSING_PARAMETER = Rule(
    "missing-parameter",
    "MissingParameter",
    Severity.ERROR,
    "A keyword lacks a value it must have",
    "A start ends here with exit status 2, as keepalived's does. Write the value behind the keyword.",
)
UNREADABLE_FILE = Rule(
    "unreadable-file",
    "UnreadableFile",
    Severity.ERROR,
    "A file that must be there cannot be read",
    "The configuration, or what it includes, is missing, is no regular file or may not be read. A start ends"
    " with exit status 6.",
)
SCRIPT_SECURITY = Rule(
    "script-security",
    "ScriptSecurity",
    Severity.WARNING,
    "A script could be used to become root",
    "Scripts run as root, and others may change them, or script security is not enabled. Set"
    " enable_script_security in global_defs, and a script_user who may do little.",
)
ODDITY = Rule(
    "oddity",
    "Oddity",
    Severity.WARNING,
    "Done, but worth a word",
    "It is read and run, though perhaps not as meant, or it has no effect yet.",
)
ADVICE = Rule("advice", "Advice", Severity.ADVICE, "A tip", "All is well; it could be said better.")

RULES = (MISTAKE, NO_START, MISSING_PARAMETER, UNREADABLE_FILE, SCRIPT_SECURITY, ODDITY, ADVICE, *KINDS)

_BY_CONSEQUENCE = {
    Consequence.FATAL: NO_START,
    Consequence.MISSING_PARAMETER: MISSING_PARAMETER,
    Consequence.NO_FILE: UNREADABLE_FILE,
    Consequence.SCRIPT_SECURITY: SCRIPT_SECURITY,
}
_BY_SEVERITY = {Severity.ERROR: MISTAKE, Severity.WARNING: ODDITY, Severity.ADVICE: ADVICE}


def rule_of(finding: Finding) -> Rule:
    """The rule that a finding falls under."""
    return finding.rule or _BY_CONSEQUENCE.get(finding.consequence) or _BY_SEVERITY[finding.severity]
