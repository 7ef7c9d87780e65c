"""`rmap`: who maps a page? The reverse map of a page, an address, or the most shared pages."""

import argparse

from . import command, rmap_graph
from .rmap_picture import draw
from .session_db import SessionDb, SessionError

MAX_PAGES = 6  # more rows in every VMA than this, and the picture is a table


def _number(text: str) -> int:
    return int(text, 0)


def set_argparser(parser: argparse.ArgumentParser) -> None:
    parser.description = __doc__
    command.set_common_arguments(parser, "rmap")
    parser.add_argument("--pfn", type=_number, help="this frame")
    parser.add_argument("--pid", type=_number, help="with --va: the page at this task's address")
    parser.add_argument("--va", type=_number, help="the address")
    parser.add_argument("--pages", type=int, default=3, choices=range(1, MAX_PAGES + 1),
                        metavar="N", help="without --pfn and --va: the N most shared pages "
                                          f"(default 3, at most {MAX_PAGES})")


def _build(db: SessionDb, args: argparse.Namespace) -> rmap_graph.RmapGraph:
    if (args.pid is None) != (args.va is None):
        raise SessionError("--pid and --va go together")
    if args.pfn is not None and args.va is not None:
        raise SessionError("--pfn, or --pid with --va: not both")
    moment = db.moment(args.at, peak=lambda: rmap_graph.peak_sharing(db))
    if args.pfn is not None:
        pfns, why = [args.pfn], f"frame {args.pfn:#x}"
    elif args.va is not None:
        pfns = [rmap_graph.page_at_address(db, moment.t, args.pid, args.va)]
        why = f"the page at {args.va:#x} of task {args.pid}"
    else:
        pfns = rmap_graph.most_shared(db, moment.t, args.pages)
        why = "the most shared page" if len(pfns) == 1 else f"the {len(pfns)} most shared pages"
    return rmap_graph.build(db, moment, pfns, why)


def _action(db: SessionDb, args: argparse.Namespace) -> None:
    graph = _build(db, args)
    if args.json:
        command.print_json("rmap", graph.as_json())
        return
    path = command.output_path(db, args, "rmap")
    draw(graph).save(path)
    print(path)


def main(args: argparse.Namespace) -> int:
    return command.run("rmap", args, _action)
