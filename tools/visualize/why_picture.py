"""
Draws the causal chain of an eviction: time goes downwards, one row a moment. The page's own steps stand in the first
column, each mapping has a lane beside it. The rows are not to scale: the time since the row above stands at the left.
"""

import textwrap
from itertools import groupby
from typing import Any

from . import palette
from .drawing import Drawing, card, shorten, text

TIME_W = 130
MAIN_X, MAIN_W = TIME_W + 14, 470
LANES_X, LANE_W, LANE_GAP = MAIN_X + MAIN_W + 50, 190, 16
MAX_LANES = 6
LINE_H = 19
MARGIN_H = 10
ROW_GAP = 26
HEADER_Y = 64
CAPTION_H = 60
MAIN_CHARS, LANE_CHARS = 68, 27

# Steps that belong to one row, and how a step looks.
ROWS = {"accessed": "looked", "idle": "looked"}
LOOK = {
    "watermark": (palette.VERMILION, "watermark crossed"), "kswapd": (palette.GREY, "kswapd"),
    "direct": (palette.VERMILION, "direct reclaim"), "asked": (palette.GREY, "madvise"),
    "pass": (palette.GREY, "reclaim pass"), "isolated": (palette.SKY, "isolated"),
    "looked": (palette.BLUE, "looked at"), "accessed": (palette.ORANGE, "accessed"),
    "idle": (palette.BLUE, "not accessed"), "slot": (palette.SKY, "swap slot"),
    "unmapped": (palette.PURPLE, "unmapped"), "written": (palette.PURPLE, "written"),
    "evicted": (palette.VERMILION, "evicted"), "freed": (palette.GREEN, "freed"),
    "read": (palette.ORANGE, "read from swap"), "back": (palette.ORANGE, "faulted back"),
    "dropped": (palette.GREY, "given up"), "again": (palette.VERMILION, "evicted again"),
}


def draw(title: str, chain: Any, steps: list[Any]) -> Drawing:
    """`chain` is a causes.Chain, `steps` what it says in words (why.Step), in the order of time."""
    lanes = chain.mappings[:MAX_LANES]
    steps = [step for step in steps if step.mapping is None or step.mapping < MAX_LANES]
    drawing = Drawing("why")
    right = LANES_X + max(len(lanes), 2) * (LANE_W + LANE_GAP) - LANE_GAP
    drawing.node("title", 0, 0, right, 30, card([text(title, 18, bold=True)], right, 30))
    y = _draw_heads(drawing, chain, lanes)
    last: dict[int | None, str] = {None: "head", **{lane: f"head {lane}" for lane in range(len(lanes))}}
    previous = None
    for n, row in enumerate(_rows(steps)):
        y = _draw_row(drawing, n, row, y, last, previous)
        previous = row[0].t
    _draw_caption(drawing, y, right, len(chain.mappings) - len(lanes))
    return drawing


def _rows(steps: list[Any]) -> list[list[Any]]:
    """Steps of one kind that follow each other, at most one of each lane."""
    rows: list[list[Any]] = []
    for _, group in groupby(steps, key=lambda step: ROWS.get(step.what, step.what)):
        row: list[Any] = []
        for step in group:
            if any(other.mapping == step.mapping for other in row):
                rows.append(row)
                row = []
            row.append(step)
        rows.append(row)
    return rows


def _lane_x(lane: int | None) -> int:
    return MAIN_X if lane is None else LANES_X + lane * (LANE_W + LANE_GAP)


def _draw_heads(drawing: Drawing, chain: Any, lanes: list[Any]) -> int:
    height = 2 * LINE_H + MARGIN_H
    page = [text(f"frame {chain.eviction['pfn']}, swap slot {chain.eviction['slot']}", 13, bold=True),
            text("the page" if chain.mapping_id is None else f"page {chain.pgoff} of mapping {chain.mapping_id}, the cached "
                 "content of a file", 12, palette.MUTED)]
    drawing.node("head", MAIN_X, HEADER_Y, MAIN_W, height, card(page, MAIN_W, height, palette.PANEL, palette.GREY))
    for lane, mapping in enumerate(lanes):
        lines = [text(f"0x{mapping.va:x}", 13, bold=True, mono=True),
                 text(shorten(mapping.task, LANE_CHARS), 12, palette.MUTED)]
        drawing.node(f"head {lane}", _lane_x(lane), HEADER_Y, LANE_W, height,
                     card(lines, LANE_W, height, palette.PANEL, palette.GREY))
    return HEADER_Y + height + ROW_GAP


def _draw_row(drawing: Drawing, n: int, row: list[Any], y: int, last: dict[int | None, str],
              previous: int | None) -> int:
    lines = {step.mapping: textwrap.wrap(step.text, MAIN_CHARS if step.mapping is None else LANE_CHARS)
             for step in row}
    height = max(LINE_H * (1 + len(wrapped)) + MARGIN_H for wrapped in lines.values())
    _draw_time(drawing, n, row[0].t, y, previous)
    for step in row:
        colour, word = LOOK[step.what]
        width = MAIN_W if step.mapping is None else LANE_W
        own = LINE_H * (1 + len(lines[step.mapping])) + MARGIN_H
        content = [text(word, 12, bold=True), *(text(line) for line in lines[step.mapping])]
        name = f"step {n} {'page' if step.mapping is None else step.mapping}"
        drawing.node(name, _lane_x(step.mapping), y, width, own,
                     card(content, width, own, palette.PAPER, colour))
        drawing.edge(last[step.mapping], name, tailport="s", headport="n",
                     color=palette.LINE if step.mapping is None else palette.GREY)
        last[step.mapping] = name
    beside = [step for step in row if step.mapping is not None]
    if beside and len(beside) < len(row):
        drawing.edge(f"step {n} page", f"step {n} {beside[0].mapping}", tailport="e", headport="w",
                     color=palette.BLUE)
    return y + height + ROW_GAP


def _draw_time(drawing: Drawing, n: int, t: int, y: int, previous: int | None) -> None:
    whole, rest = divmod(t, 1_000_000_000)
    lines = [text(f"{whole}.{rest // 1_000_000:03d} {rest // 1000 % 1000:03d} s", 12, mono=True)]
    if previous is not None:
        lines.append(text(f"+{since(t - previous)}", 11, palette.MUTED))
    height = LINE_H * len(lines)
    drawing.node(f"time {n}", 0, y + MARGIN_H // 2, TIME_W, height, card(lines, TIME_W, height))


def since(ns: int) -> str:
    """A length of time with the unit that suits it."""
    for unit, size in (("s", 1_000_000_000), ("ms", 1_000_000), ("us", 1_000)):
        if ns >= size:
            return f"{ns / size:,.1f} {unit}"
    return f"{ns} ns"


def _draw_caption(drawing: Drawing, y: int, right: int, hidden: int) -> None:
    lines = ["Read downwards: each step led to the next one in its column. The lanes at the right are the page-table "
             "entries that named the page.",
             "Rows are not to scale; at the left stands the time, and how long after the row above."]
    if hidden:
        lines.append(f"{hidden} more mapping{'s' * (hidden != 1)} of the page {'are' if hidden > 1 else 'is'} not drawn.")
    height = LINE_H * len(lines)
    drawing.node("caption", 0, y, right, height,
                 card([text(line, 12, palette.MUTED) for line in lines], right, height))
