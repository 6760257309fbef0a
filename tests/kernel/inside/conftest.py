"""These tests run in a guest of tests/kernel/uml.py, where they may do as they like, and nowhere else."""

from __future__ import annotations

from pathlib import Path

# The runner's folder, in its guests only.
if not Path("/run/uml/init").exists():
    collect_ignore_glob = ["test_*.py"]
