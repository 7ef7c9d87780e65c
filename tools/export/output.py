"""Files that appear whole or not at all: they grow beside their place and are renamed when
complete.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from errors import ToolError

BUFFER = 1 << 20  # bytes


@contextmanager
def whole_file(path: Path) -> Iterator[BinaryIO]:
    """The file that will be at `path`. What was there stays until the new one is complete."""
    with _named_errors(path):
        fresh = path.with_name(f".{path.name}.{os.getpid()}")
        try:
            with open(fresh, "w+b", buffering=BUFFER) as file:
                yield file
            os.replace(fresh, path)
        finally:
            fresh.unlink(missing_ok=True)


@contextmanager
def whole_files(directory: Path) -> Iterator[Path]:
    """An empty directory whose files are moved into `directory` when all are complete."""
    with _named_errors(directory):
        directory.mkdir(parents=True, exist_ok=True)
        fresh = directory / f".export.{os.getpid()}"
        fresh.mkdir()
        try:
            yield fresh
            for path in sorted(fresh.iterdir()):
                os.replace(path, directory / path.name)
        finally:
            shutil.rmtree(fresh)


@contextmanager
def _named_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        # A broken pipe is stdout's, not the file's.
        if isinstance(error, BrokenPipeError):
            raise
        raise ToolError(f"{path}: {error.strerror}: nothing was exported") from error
