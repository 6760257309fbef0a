"""What is read, cut where blocks of the top level begin: the pieces that a reader can know again."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import compress, count, pairwise
from operator import attrgetter, is_not, lt, methodcaller
from typing import NamedTuple

from kaltwisted.config.findings import Related
from kaltwisted.config.model import Position
from kaltwisted.config.source import Source


class Standing(NamedTuple):
    """Where the lines of a segment are from: one file, one line of it for each, in their order.

    ``notes``: how the file came in.  ``numbers``: of the lines, from 1; a range where none is left out.
    """

    file: str
    notes: tuple[Related, ...]
    numbers: Sequence[int]

    def line_of(self, where: Position) -> int:
        """The line of the segment, from 0, that a place in the file is on."""
        return bisect_left(self.numbers, where.line)


class Segment(NamedTuple):
    """Lines ``first`` to ``last`` as they are read, which begin with the head of a block.

    ``text``: what they say.  ``standing`` is None, and ``text`` empty, where
    more than the text counts: lines with definitions put in, or repeated, or
    with something the matter, or in front of the first block.
    """

    first: int
    last: int
    text: str = ""
    standing: Standing | None = None


def segments(source: Source, heads: tuple[str, ...]) -> Iterator[Segment]:
    """The lines of ``source`` in their order, all of them.

    :param heads: what the first line of a segment begins with.  Where such a
        line stands inside a block, the segments are no blocks; it is for the
        reader to look at the braces.
    """
    lines, origins = source.lines, source.origins
    # In C, line by line: this is paid for every line of every reading.
    begins = map(methodcaller("startswith", heads), map(str.lstrip, lines))
    headed = set(compress(count(), begins))
    starts = {0, *headed}
    if origins is not None:
        # Comments on top of an included file are none of the block before the include.
        texts = [*map(attrgetter("text"), origins)]
        starts.update(compress(count(1), map(is_not, texts, texts[1:])))
    troubled = sorted({*source.told, *source.undefined})
    for start, end in pairwise((*sorted(starts), len(lines))):
        sound = not troubled or bisect_left(troubled, start + 1) == bisect_left(troubled, end + 1)
        standing = _standing(source, start, end) if sound and start in headed else None
        yield Segment(start + 1, end, "\n".join(lines[start:end]) if standing else "", standing)


def _standing(source: Source, start: int, end: int) -> Standing | None:
    """Where lines that are as they are in their file stand in it."""
    if source.origins is None:
        return Standing(source.file, (), range(start + 1, end + 1))
    origins = source.origins[start:end]
    if any(origin.uses or origin.repeated for origin in origins):
        return None
    numbers = [origin.number for origin in origins]
    if not all(map(lt, numbers, numbers[1:])):
        return None  # a line that was parted: its number does not tell which part
    text = origins[0].text
    whole = numbers[-1] - numbers[0] == len(numbers) - 1
    return Standing(text.file, text.notes(), range(numbers[0], numbers[-1] + 1) if whole else tuple(numbers))
