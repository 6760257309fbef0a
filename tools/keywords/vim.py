"""``editors/vim/syntax/keepalived.vim``: the grammar's colours for Vim, by the same nesting of blocks."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from kaltwisted.config.include import KEYWORDS as INCLUDES
from kaltwisted.config.reference import Block

_USE = r"\$\%({[^{}\"]*}\|\h\w*\)"
_ENDS = r"\%([[:space:]{}\"#!]\|$\)\@="
_TEXT = r"\"\%(\\.\|[^\"\\]\)*\"\|\"[^\"]*\"\|\".*$"
# A statement or a header up to a brace: in quotes, comments and uses of definitions there may be others.
_REST = rf"\%(\\[#!]\|[#!].*\|{_USE}\|{_TEXT}\|[^{{}}\"]\)*"
# The brace of a block may stand below, behind blank lines and comments.
_HEADER = rf"{_REST}\%({{\|\%(\%(\n\s*\%([#!].*\)\?\)*\n\s*{{\)\@=\)"
_LINKS = {
    "Comment": "Comment",
    "Use": "Identifier",
    "Text": "String",
    "Number": "Number",
    "Directive": "PreProc",
    "Block": "Structure",
    "Keyword": "Statement",
    "Obsolete": "Todo",
    "Unknown": "Error",
}
_INCLUDE = r"\|".join(INCLUDES)
_COMMON = rf"""
syntax match kaRest /[^{{}}]\@={_REST}/ contained contains=@kaValues nextgroup=kaSkipped
syntax region kaSkipped start=/{{/ end=/}}/ contained contains=kaSkipped,@kaValues
syntax match kaNumber /[^[:space:],({{]\@1<![+-]\?\d[0-9a-fA-F.]*\%([:/-][0-9a-fA-F.:/]*\)\?{_ENDS}/ contained
syntax match kaUse /{_USE}/
syntax match kaText /{_TEXT}/ contained contains=kaUse
syntax match kaComment /\\\@1<![#!].*$/
syntax match kaDirective /@^\?\S\+\ze\s/
syntax match kaDirective /\~\%(SEQx\?\|LST\)\s*([^)]*)/ contains=kaUse
syntax match kaDirective /\%({_INCLUDE}\){_ENDS}/ nextgroup=kaRest
syntax region kaDirective start=/\$\h\w*=/ skip=/\\$/ end=/$/ contains=kaUse
syntax cluster kaValues contains=kaNumber,kaUse,kaText,kaComment
"""


def text(blocks: list[Block]) -> str:
    """The whole syntax file."""
    return "\n".join(
        [
            '" keepalived.conf, made from the keyword tables by `make keywords`.',
            'if exists("b:current_syntax") | finish | endif',
            "syntax case match\nsyntax sync fromstart",
            *(line for block in blocks for line in ("", *_rules(block))),
            _COMMON,
            *(f"highlight default link ka{name} {group}" for name, group in _LINKS.items()),
            'let b:current_syntax = "keepalived"\n',
        ]
    )


def _name(block: Block) -> str:
    return "_".join(("ka", *block.path)).replace("-", "_")


def _rules(block: Block) -> Iterator[str]:
    """What stands in a block.  Of two rules that match at one place Vim takes the later one."""
    name, inside = _name(block), " contained" if block.path else ""
    groups = ["kaComment", "kaDirective", "kaUse"]
    if block.values:
        yield f"syntax cluster {name} contains={','.join(groups)},@kaValues"
        return
    plain = [entry for entry in block.entries if entry.opens is None]
    for kind, pattern in (
        ("Unknown", r"[^[:space:]{}#!$@~][^[:space:]{}#!]*"),
        ("Keyword", _any(entry.word for entry in plain if entry.instead is None)),
        ("Obsolete", _any(entry.word for entry in plain if entry.instead)),
    ):
        if pattern:
            yield f"syntax match {name}_{kind} /{pattern}/{inside} nextgroup=kaRest,kaSkipped"
            yield f"highlight default link {name}_{kind} ka{kind}"
            groups.append(f"{name}_{kind}")
    for entry in block.entries:
        if entry.opens is not None:
            group = f"{name}_{entry.word}"
            start = _any([entry.word]) + _HEADER
            colour = "kaObsolete" if entry.instead else "kaBlock"
            yield (
                f"syntax region {group} matchgroup={colour} start=/{start}/ end=/}}/"
                f"{inside} fold transparent contains=@{_name(entry.opens)}"
            )
            groups.append(group)
    yield f"syntax cluster {name} contains={','.join(groups)}"


def _any(words: Iterable[str]) -> str:
    found = [re.escape(word).replace(r"\-", "-") for word in words]
    return rf"\%({'|'.join(found)}\)".replace("|", r"\|") + _ENDS if found else ""
