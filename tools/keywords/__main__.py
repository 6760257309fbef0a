"""Write the files that are made from the keyword tables, where they differ from what is there."""

from __future__ import annotations

from pathlib import Path

from tools.keywords import files


def main() -> None:
    """Into the folders of the project that this file is part of."""
    top = Path(__file__).parents[2]
    for name, text in files():
        path = top / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
            print(f"{name} is new")


main()
