"""`lru`: which page goes next? The LRU lists at one instant, and their sizes over the session."""

import argparse

from . import command, lru_lists, size_chart
from .lru_picture import draw
from .session_db import SessionDb

CHART_SAMPLES = 600


def set_argparser(parser: argparse.ArgumentParser) -> None:
    parser.description = f"{__doc__} The sizes go to a second file, FILE-sizes.svg."
    command.set_common_arguments(parser, "lru")


def _action(db: SessionDb, args: argparse.Namespace) -> None:
    moment = db.moment(args.at, peak=lambda: lru_lists.peak_length(db))
    lists = lru_lists.lists_at(db, moment)
    if args.json:
        command.print_json("lru", lists.as_json())
        return
    path = command.output_path(db, args, "lru")
    chart_path = path.with_name(f"{path.stem}-sizes.svg")
    draw(lists).save(path)
    sizes = lru_lists.sizes(db, CHART_SAMPLES)
    chart_path.write_text(size_chart.draw(sizes, moment), encoding="utf-8")
    print(path)
    print(chart_path)


def main(args: argparse.Namespace) -> int:
    return command.run("lru", args, _action)
