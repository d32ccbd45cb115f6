"""Where the project and the tests' data are."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
"""The project."""
ASSETS = ROOT / "tests" / "assets"
"""Data of other projects and of real tools, each with its origin."""
