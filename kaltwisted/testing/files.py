"""Watched files, for tests without them."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from zope.interface import implementer

from kaltwisted.ports import IWatchedFiles, Unreadable


@implementer(IWatchedFiles)
class FakeWatchedFiles:
    """``contents`` is what is in files; change it by ``write``."""

    def __init__(self, **contents: bytes) -> None:
        self.contents: dict[str, bytes | Unreadable] = dict(contents)
        self.watched: tuple[str, ...] = ()
        self._heard: Callable[[str, bytes | Unreadable], object] | None = None

    def watch(self, paths: Iterable[str], heard: Callable[[str, bytes | Unreadable], object]) -> None:
        before, self.watched, self._heard = self.watched, tuple(paths), heard
        for path in self.watched:
            if path not in before:
                heard(path, self.contents.get(path, b""))

    def stop(self) -> None:
        self.watched = ()

    # -- what a test does ---------------------------------------------------------------

    def write(self, path: str, content: bytes | Unreadable) -> None:
        """Somebody writes a file."""
        self.contents[path] = content
        if path in self.watched and self._heard is not None:
            self._heard(path, content)
