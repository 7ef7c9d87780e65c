"""Write a session in a format that other people's tools read; docs/other-tools.md says which tool
opens what.

The output takes its place when it is complete; what was there stays until then.
"""

import signal
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import session
from errors import ToolError
from export import csv_tables, perfetto, trace_dat
from export.output import whole_file, whole_files


def set_argparser(parser) -> None:
    parser.add_argument("session", nargs="?", metavar="SESSION", help="default: the newest")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--perfetto", action="store_true",
                      help="a trace for ui.perfetto.dev and trace_processor")
    what.add_argument("--trace-dat", action="store_true",
                      help="a trace.dat for trace-cmd and KernelShark")
    what.add_argument("--csv", metavar="DIR", help="a CSV file for each table, in this directory")
    parser.add_argument("--tables", metavar="A,B",
                        help="with --csv: these tables or views, or all (default: the state "
                             "tables)")
    parser.add_argument("-o", "--output", metavar="FILE",
                        help="default: trace.perfetto-trace or trace.dat in the session")


def main(args) -> int:
    if args.csv is None and args.tables is not None:
        raise ToolError("export: --tables goes with --csv")
    if args.csv is not None and args.output is not None:
        raise ToolError("export: --csv names its directory; there is no -o beside it")
    # Ended by a signal, it leaves nothing half-written either.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    with closing(session.open_database(args.session)) as database:
        try:
            if args.csv is not None:
                path = _csv(database, Path(args.csv), args.tables)
            else:
                path = _file(database, args)
        except sqlite3.Error as error:
            raise ToolError(f"session database: {error}: nothing was exported; unless a disk is "
                            "full, rebuild it with `tools/palimpsest ingest`") from error
    print(session.shown(path.resolve()))
    return 0


def _csv(database: sqlite3.Connection, directory: Path, names: str | None) -> Path:
    tables = csv_tables.chosen(database, names)
    with whole_files(directory) as fresh:
        csv_tables.write(database, tables, fresh)
    return directory


def _file(database: sqlite3.Connection, args) -> Path:
    name = "trace.dat" if args.trace_dat else "trace.perfetto-trace"
    path = Path(args.output) if args.output else args.session / name
    with whole_file(path) as file:
        if args.trace_dat:
            trace_dat.write(database, args.session, file)
        else:
            perfetto.write(database, file)
    return path
