"""The cookbook's recipes: what the console offers."""

import re
from pathlib import Path

from build import ROOT

PAGE = ROOT / "docs" / "cookbook.md"
# A heading, then the first block of SQL below it; the text behind the output block says how to read it.
RECIPE = re.compile(r"^## (?P<title>[^\n]+)\n(?P<body>.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
BLOCK = re.compile(r"^```sql\n(.*?)^```\n(?:\n```text\n.*?^```\n)?", re.MULTILINE | re.DOTALL)


def recipes(page: Path = PAGE) -> list[dict]:
    """title, sql, and text: what the cookbook says about reading the answer."""
    found = []
    for match in RECIPE.finditer(page.read_text()):
        blocks = list(BLOCK.finditer(match["body"]))
        for index, block in enumerate(blocks):
            end = blocks[index + 1].start() if index + 1 < len(blocks) else len(match["body"])
            title = match["title"] + (f" ({index + 1})" if len(blocks) > 1 else "")
            found.append({"title": title, "sql": block[1].strip(),
                          "text": match["body"][block.end():end].strip()})
    return found
