"""The how-to pages: each docs/adding-*.md holds one diff against the current tree."""

import os
import re
import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGES = ("adding-an-event.md", "adding-a-workload.md", "adding-a-view.md", "adding-a-policy.md")
DIFF = re.compile(r"^```diff\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def diff_of(page: str) -> str:
    found = DIFF.findall((ROOT / "docs" / page).read_text())
    if len(found) != 1:
        raise AssertionError(f"docs/{page}: {len(found)} diffs, expected one")
    return found[0]


def apply(diff: str, directory: Path, *options: str) -> subprocess.CompletedProcess:
    return subprocess.run(["git", "apply", *options], input=diff, cwd=directory,
                          capture_output=True, text=True)


def copy_tree(directory: Path) -> None:
    """The tree as git would have it, changes that are not committed included."""
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, check=True, capture_output=True).stdout
    for name in map(os.fsdecode, filter(None, listing.split(b"\0"))):
        if (ROOT / name).is_file():
            (directory / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, directory / name)
