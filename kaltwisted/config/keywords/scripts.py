"""Commands: ``script [user [group]]``, the command in quotes when it has arguments."""

from __future__ import annotations

from kaltwisted.config.keywords.convert import missing
from kaltwisted.config.keywords.table import KEEP, Again, Keep, Keyword, Problem, Problems
from kaltwisted.config.lexer import command_words
from kaltwisted.config.model import Script

EXPECTED = 'a command, in double quotes when it has arguments: "/path/script.sh one two"'


def command(words: list[str], problems: Problems, *, fatal: bool = True) -> Script | Keep:
    """Words, as the reader of scripts cut them: keyword, command string, user, group."""
    if len(words) < 2 or not words[1].strip():
        return missing(words, problems, EXPECTED, fatal=fatal)
    argv = command_words(words[1])
    if not argv:
        problems.append(Problem("a quote of the command is not closed", expected=EXPECTED))
        return KEEP
    for index, word in enumerate(words[2:4], 2):
        if word.startswith("-") or "/" in word:
            problems.append(
                Problem(
                    f"`{word}` stands where the user or group of the script is expected",
                    index,
                    EXPECTED,
                    f'did you mean `{words[0]} "{" ".join(words[1:])}"`?',
                )
            )
            return KEEP
    return Script(tuple(argv), *words[2:4])


def perhaps_command(words: list[str], problems: Problems) -> Script | bool | Keep:
    """A command, or True where the keyword stands alone."""
    return command(words, problems) if len(words) > 1 else True


def checking_command(words: list[str], problems: Problems) -> Script | Keep:
    """The command of a check, which keepalived goes on without."""
    return command(words, problems, fatal=False)


def user(words: list[str], problems: Problems, *, fatal: bool = False) -> tuple[str, str | None] | Keep:
    """``user [group]``."""
    if len(words) < 2:
        return missing(words, problems, "a user and perhaps a group", fatal=fatal)
    return words[1], words[2] if len(words) > 2 else None


def script(field: str, doc: str) -> Keyword:
    """A keyword that takes a command; the first one counts."""
    return Keyword(doc, field, command, words=4, script=True, again=Again.FIRST_WINS)
