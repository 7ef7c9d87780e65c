"""Ask a session's database; prints tab-separated rows under a header.

The query may use :at, the moment given by --at. In a value, tab, line break and backslash are
written \\t, \\n and \\\\; NULL is empty, a blob hexadecimal.
"""

import json
import sqlite3
from contextlib import closing

import color
import instant
import session
from errors import ToolError

SCHEMA_VERSION = 1
ESCAPES = str.maketrans({"\t": "\\t", "\n": "\\n", "\\": "\\\\"})


def set_argparser(parser) -> None:
    parser.add_argument("sql", metavar="SQL", help="one SELECT")
    parser.add_argument("session", nargs="?", metavar="SESSION", help="default: the newest")
    parser.add_argument("--at", default="end", metavar="T",
                        help=instant.HELP + "; :at in the query")
    parser.add_argument("--json", action="store_true", help="JSON instead of text")


def main(args) -> int:
    with closing(session.open_database(args.session)) as database:
        at = instant.resolve(database, args.at)
        try:
            cursor = database.execute(args.sql, {"at": at})
            if cursor.description is None:
                raise ToolError("this statement returns no rows")
            columns = [column[0] for column in cursor.description]
            if args.json:
                rows = [[_plain(value) for value in row] for row in cursor]
                document = {"schema_version": SCHEMA_VERSION, "columns": columns, "rows": rows}
                print(json.dumps(document))
            else:
                print(color.paint("\t".join(name.translate(ESCAPES) for name in columns), "bold"))
                for row in cursor:
                    print("\t".join(_text(value) for value in row))
        except sqlite3.Error as error:
            raise ToolError(str(error)) from error
    return 0


def _plain(value):
    return value.hex() if isinstance(value, bytes) else value


def _text(value) -> str:
    return "" if value is None else str(_plain(value)).translate(ESCAPES)
