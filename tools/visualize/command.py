"""What the picture commands share: arguments, where the output goes, how failure is told."""

import argparse
import json
import sqlite3
import sys
from pathlib import Path
from typing import Any, Callable

from .drawing import DrawingError
from .session_db import SCHEMA_VERSION, SessionDb, SessionError

EXIT_FAILED = 1


def set_common_arguments(parser: argparse.ArgumentParser, picture: str) -> None:
    parser.add_argument("session", nargs="?", metavar="SESSION",
                        help="session directory (default: sessions/latest)")
    parser.add_argument("--at", default="peak", metavar="T",
                        help="nanoseconds since boot, end, event#N, barrier#N, oom#N, or peak, "
                             "the most telling instant (default)")
    parser.add_argument("-o", "--output", metavar="FILE.svg",
                        help=f"where to draw (default: {picture}.svg in the session); the DOT "
                             "source goes beside it")
    parser.add_argument("--json", action="store_true", help="print the data instead of drawing it")


def output_path(db: SessionDb, args: argparse.Namespace, picture: str) -> Path:
    return Path(args.output) if args.output else db.directory / f"{picture}.svg"


def print_json(kind: str, data: dict[str, Any]) -> None:
    document = {"schema_version": SCHEMA_VERSION, "kind": kind, **data}
    json.dump(document, sys.stdout, indent=1)
    sys.stdout.write("\n")


def run(name: str, args: argparse.Namespace,
        action: Callable[[SessionDb, argparse.Namespace], None]) -> int:
    """Runs the action on the session that args names. Returns the exit status."""
    try:
        with SessionDb(args.session) as db:
            action(db, args)
    except BrokenPipeError:  # the reader of --json has seen enough: not ours to report
        raise
    except (SessionError, DrawingError, OSError, sqlite3.Error) as error:
        print(f"palimpsest {name}: {error}", file=sys.stderr)
        return EXIT_FAILED
    return 0
