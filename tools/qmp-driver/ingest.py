"""Rebuild the database of a session from its ctf/ directory.

Exit status: 0 when the trace is whole, 1 when it is damaged (the database then holds every packet
before the damage) or nothing could be read.
"""

import recording
import session
from build import Build, set_build_option



def set_argparser(parser) -> None:
    parser.add_argument("session", metavar="DIR", help="session directory or name")
    set_build_option(parser)


def main(args) -> int:
    directory = args.session
    intact = recording.load(directory, Build(args.build).ingest)
    session.write_manifest(directory)
    return 0 if intact else 1
