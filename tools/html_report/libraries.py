"""The libraries that the page carries: installed once by `npm ci` from package-lock.json into the build
directory. Without npm, or when it fails, the page does without them and says why.
"""

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from errors import ToolError

HERE = Path(__file__).resolve().parent
PINNED = ("package.json", "package-lock.json", ".npmrc")
SCRIPTS = {
    "uplot": "uplot/dist/uPlot.iife.min.js",
    "viz": "@viz-js/viz/dist/viz-global.js",
    "sql": "sql.js/dist/sql-wasm-inline.js",
}
STYLES = "uplot/dist/uPlot.min.css"
NPM_SECONDS = 300


@dataclass(frozen=True)
class Libraries:
    """scripts: name -> source; empty when there are none, and missing says why."""

    scripts: dict[str, str]
    styles: str = ""
    missing: str = ""


def load(build: Path, use_npm: bool = True) -> Libraries:
    if not use_npm:
        return Libraries({}, missing="it was built without npm")
    try:
        modules = install(build)
        scripts = {name: (modules / path).read_text() for name, path in SCRIPTS.items()}
        return Libraries(scripts, (modules / STYLES).read_text())
    except ToolError as error:
        return Libraries({}, missing=str(error))


def install(build: Path, for_tests: bool = False) -> Path:
    """The node_modules directory; npm runs only when the lock file has changed or is new."""
    directory = build / "html_report"
    modules = directory / "node_modules"
    stamp = directory / ("installed-for-tests" if for_tests else "installed")
    wanted = "".join((HERE / name).read_text() for name in PINNED)
    for made in (stamp, directory / "installed-for-tests"):  # which has what the report needs, too
        if made.is_file() and made.read_text() == wanted:
            return modules
    npm = shutil.which("npm")
    if npm is None:
        raise ToolError("npm is missing (package npm)")
    directory.mkdir(parents=True, exist_ok=True)
    for name in PINNED:
        shutil.copyfile(HERE / name, directory / name)
    for old in directory.glob("installed*"):
        old.unlink()
    command = [npm, "ci", "--no-audit", "--no-fund", "--loglevel=error",
               *([] if for_tests else ["--omit=dev"])]
    try:
        done = subprocess.run(command, cwd=directory, check=False, text=True, timeout=NPM_SECONDS,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT)
    except subprocess.TimeoutExpired:
        raise ToolError(f"npm ci did not end within {NPM_SECONDS} s") from None
    if done.returncode:
        lines = [line for line in done.stdout.splitlines() if line.strip()]
        raise ToolError(f"npm ci failed in {directory}: {lines[0] if lines else done.returncode}")
    stamp.write_text(wanted)
    return modules
