"""Rules that look at more than one place: duplicates, names that must exist, values that must agree."""

from __future__ import annotations

from kaltwisted.config.model import Configuration
from kaltwisted.config.reader import Reader


def verify(configuration: Configuration, reader: Reader) -> Configuration:
    """The configuration as it will run: what cannot be is taken out or corrected, with a finding each."""
    return configuration
