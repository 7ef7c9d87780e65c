"""What the tests of the HTML report share: import paths, and the reference session."""

import functools
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tools" / "qmp-driver"), str(ROOT / "tools")]

PALIMPSEST = ROOT / "tools" / "palimpsest"
REFERENCE = ROOT / "tests" / "golden" / "reference.tar.xz"
_holder = tempfile.TemporaryDirectory(prefix="plm-report-")


def run(*arguments: object, seconds: int = 60) -> str:
    done = subprocess.run([str(argument) for argument in arguments], capture_output=True, text=True,
                          check=False, timeout=seconds)
    if done.returncode:
        raise AssertionError(f"{' '.join(map(str, arguments))}: status {done.returncode}\n"
                             f"{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return done.stdout


@functools.cache
def reference() -> Path:
    """The reference session with its database; nobody changes it."""
    session = Path(_holder.name) / "reference"
    with tarfile.open(REFERENCE) as archive:
        archive.extractall(session)
    run(PALIMPSEST, "ingest", session)
    return session
