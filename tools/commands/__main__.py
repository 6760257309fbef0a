"""Write docs/commands.md anew."""

from __future__ import annotations

from pathlib import Path

from tools import commands

(Path(__file__).parents[2] / commands.NAME).write_text(commands.text(), encoding="utf-8")
