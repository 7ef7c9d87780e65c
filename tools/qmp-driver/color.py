"""Colours on the terminal: --color, NO_COLOR (no-color.org), and whether anybody would see them."""

import os
import sys

CHOICES = ("auto", "always", "never")
CODES = {"red": "31", "green": "32", "yellow": "33", "blue": "34", "cyan": "36", "dim": "2",
         "bold": "1"}

_choice = "auto"


def choose(choice: str) -> None:
    """What --color said; before it: auto."""
    global _choice
    _choice = choice


def used(stream=None) -> bool:
    """Whether output to the stream (stdout) gets colours. --color is stronger than NO_COLOR."""
    if _choice != "auto":
        return _choice == "always"
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return False
    return (stream or sys.stdout).isatty()


def paint(text: str, name: str, stream=None) -> str:
    return f"\x1b[{CODES[name]}m{text}\x1b[0m" if text and used(stream) else text
