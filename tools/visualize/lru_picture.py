"""
Draws the LRU lists as text: from left to right and on in the next row, head first. A cell is a run
of neighbouring pages with the same state and owner; when the runs are too many, a list is cut into
pieces of equal length, and a cell's bar shows which states its pages have. Pages of 2 MiB stay apart from others.
"""

from collections import Counter
from dataclasses import dataclass

from . import palette
from .drawing import Drawing, card, cell, gap, shorten, table, text
from .lru_lists import STATES, UNEVICTABLE, Lists, Page

MAX_CELLS = 168  # with the labels, under 200 nodes
CELLS_A_ROW = 14
CELL_W, CELL_H = 88, 56
STEP_X, STEP_Y = 102, 70
GUTTER = 64  # left of the cells: where a list begins
HEAD_W = 50
RIGHT_X = GUTTER + CELLS_A_ROW * STEP_X - (STEP_X - CELL_W)
BAR_H = 16
PAGES_A_MEBIBYTE = 256

LOOK = {
    "accessed_unsaved": (palette.VERMILION, "accessed, only in memory"),
    "accessed_saved": (palette.ORANGE, "accessed, copy in swap"),
    "idle_unsaved": (palette.BLUE, "not accessed, must be written to be evicted"),
    "idle_saved": (palette.SKY, "not accessed, copy in swap: dropped for free"),
    "unmapped": (palette.GREY, "mapped by nobody"),
    "locked": (palette.PURPLE, "locked into memory"),
}


@dataclass(frozen=True)
class Piece:
    """Consecutive pages of a list; `first` is the place of the first one, 1 at the head."""

    first: int
    pages: list[Page]


def draw(lists: Lists) -> Drawing:
    drawing = Drawing("lru")
    lines = [text("The LRU lists, head to tail", 20, bold=True),
             text(f"at {lists.moment}", 13, palette.MUTED)]
    drawing.node("title", 0, 0, RIGHT_X, 52, card(lines, RIGHT_X, 52))
    y = _draw_legend(drawing, 68, with_locked=UNEVICTABLE in lists.lists) + 26
    for name, limit in _shares(lists).items():
        y = _draw_list(drawing, name, lists.lists[name], limit, y) + 26
    _draw_caption(drawing, y, [page for pages in lists.lists.values() for page in pages])
    return drawing


def _shares(lists: Lists) -> dict[str, int]:
    """How many cells each list may have: full rows, in proportion to its pages."""
    total = sum(map(len, lists.lists.values())) or 1
    spare_rows = MAX_CELLS // CELLS_A_ROW - len(lists.lists)
    return {name: CELLS_A_ROW * (1 + spare_rows * len(pages) // total)
            for name, pages in lists.lists.items()}


def pieces(pages: list[Page], limit: int) -> list[Piece]:
    runs: list[Piece] = []
    for place, page in enumerate(pages, start=1):
        last = runs[-1].pages[-1] if runs else None
        if last and (last.state, last.owner, last.nr_frames) == (page.state, page.owner, page.nr_frames):
            runs[-1].pages.append(page)
        else:
            runs.append(Piece(place, [page]))
    if len(runs) <= limit:
        return runs
    # A run of pages of 2 MiB stays a piece of its own while there is room, with a shorter piece before it and behind it.
    nr_huge = sum(run.pages[0].nr_frames > 1 for run in runs)
    apart = 4 * nr_huge < limit
    size = -(-len(pages) // (limit - 2 * nr_huge if apart else limit))
    cut: list[Piece] = []
    for place, page in enumerate(pages, start=1):
        last = cut[-1].pages if cut else []
        if last and len(last) < size and not (apart and last[0].nr_frames != page.nr_frames):
            last.append(page)
        else:
            cut.append(Piece(place, [page]))
    return cut


def _draw_list(drawing: Drawing, name: str, pages: list[Page], limit: int, y: int) -> int:
    """Returns the bottom."""
    states = Counter(page.state for page in pages)
    accessed = states["accessed_unsaved"] + states["accessed_saved"]
    frames, huge = sum(page.nr_frames for page in pages), sum(page.nr_frames > 1 for page in pages)
    facts = f"{len(pages):,} page{'s' * (len(pages) != 1)}, " + f"{huge:,} of them of 2 MiB, " * (huge > 0)
    facts += f"{frames / PAGES_A_MEBIBYTE:,.1f} MiB"
    if pages and name != UNEVICTABLE:
        facts += f", {100 * accessed / len(pages):.0f} % accessed"
    heading = text(f"{name}  ", 15, bold=True) + text(facts, 13, palette.MUTED)
    drawing.node(f"list {name}", 0, y, RIGHT_X, 24, card([heading], RIGHT_X, 24))
    y += 32
    if not pages:
        empty = card([text("empty", 12, palette.MUTED)], 200, 24)
        drawing.node(f"empty {name}", GUTTER, y, 200, 24, empty)
        return y + 24

    drawn = pieces(pages, limit)
    head_lines = [text("HEAD", 12, bold=True), text("newest", 11, palette.MUTED)]
    drawing.node(f"head {name}", 0, y, HEAD_W, CELL_H, card(head_lines, HEAD_W, CELL_H))
    previous = f"head {name}"
    for i, piece in enumerate(drawn):
        row, column = divmod(i, CELLS_A_ROW)
        node = f"{name} {piece.first}"
        is_tail = i == len(drawn) - 1 and name != UNEVICTABLE
        drawing.node(node, GUTTER + column * STEP_X, y + row * STEP_Y, CELL_W, CELL_H,
                     _cell_label(piece, is_tail), tooltip=_tooltip(piece))
        if column > 0 or row == 0:
            drawing.edge(previous, node, tailport="e", headport="w", arrowsize=0.5)
        previous = node
    return y + (len(drawn) - 1) // CELLS_A_ROW * STEP_Y + CELL_H


def _cell_label(piece: Piece, is_tail: bool) -> str:
    owner, owned = Counter(page.owner for page in piece.pages).most_common(1)[0]
    share = round(100 * owned / len(piece.pages))
    who = shorten(owner, 14) if owned == len(piece.pages) else f"{share} % {shorten(owner, 10)}"
    last = piece.first + len(piece.pages) - 1
    place = f"{piece.first:,}" if last == piece.first else f"{piece.first:,}–{last:,}"
    uncertain = any(page.uncertain for page in piece.pages)
    place += ", 2 MiB" * all(page.nr_frames > 1 for page in piece.pages) + " ?" * uncertain
    inner = CELL_W - 8
    line = [gap(4) + cell(text(place, 10, palette.MUTED), width=inner, height=20) + gap(4),
            gap(4) + cell(_bar(piece, inner), width=inner, height=BAR_H) + gap(4),
            gap(4) + cell(text(who, 10), width=inner, height=20) + gap(4)]
    border = palette.INK if is_tail else palette.LINE
    return table(line, CELL_W, CELL_H, palette.PAPER, border, uncertain)


def _bar(piece: Piece, width: int) -> str:
    """The states of the pages as shares of the width; a state that occurs has at least a pixel."""
    counts = Counter(page.state for page in piece.pages)
    present = [state for state in STATES if counts[state]]
    ends, seen = [0], 0
    for i, state in enumerate(present):
        seen += counts[state]
        left = len(present) - i - 1
        ends.append(min(max(round(width * seen / len(piece.pages)), ends[-1] + 1), width - left))
    cells = "".join(f'<TD WIDTH="{end - begin}" HEIGHT="{BAR_H}" BGCOLOR="{LOOK[state][0]}"></TD>'
                    for state, begin, end in zip(present, ends, ends[1:]))
    return (f'<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING="0" WIDTH="{width}" '
            f'HEIGHT="{BAR_H}"><TR>{cells}</TR></TABLE>')


def _tooltip(piece: Piece) -> str:
    counts = Counter(page.state for page in piece.pages)
    parts = [f"{counts[state]} {LOOK[state][1]}" for state in STATES if counts[state]]
    nr_pages = len(piece.pages)
    what = f"pfn {piece.pages[0].pfn:#x}" if nr_pages == 1 else f"{nr_pages} pages"
    return f"{what}: " + "; ".join(parts)


def _draw_legend(drawing: Drawing, y: int, with_locked: bool) -> int:
    x = 0
    for state, (colour, meaning) in LOOK.items():
        if state == "locked" and not with_locked:
            continue
        text_width = round(5.9 * len(meaning))
        width = 28 + 8 + text_width
        swatch = f'<TD WIDTH="28" HEIGHT="{BAR_H}" BGCOLOR="{colour}"></TD>'
        drawing.node(f"legend {state}", x, y, width, BAR_H,
                     table([swatch + gap(8) + cell(text(meaning), width=text_width)], width, BAR_H))
        x += width + 20
    return y + BAR_H


def _draw_caption(drawing: Drawing, y: int, pages: list[Page]) -> None:
    lines = [
        "Read each list like text: pages enter at the head, top left, and reclaim takes them from "
        "the tail, the dark-rimmed last cell. The numbers are places in the list, from the head.",
        "A cell is a run of neighbours alike in state and owner, or, in a list of many runs, a "
        "piece of equal length whose bar shows the shares of the states, in the legend's order. "
        "The name is the owner of most pages.",
        "Accessed and dirty bits are as the kernel last read them. A page that is dirty, or has no "
        "copy in swap, counts as only in memory.",
    ]
    if any(page.nr_frames > 1 for page in pages):
        lines.append("A page of 2 MiB has one place on its list for its 512 frames.")
    if any(page.state == "locked" for page in pages):
        lines.append("Pages on the unevictable list are locked (mlock, SHM_LOCK): reclaim does not look at them.")
    if any(page.owner.startswith("mapping ") for page in pages):
        lines.append("Who owns a page of a file that nobody maps is its mapping, the cached content of the file.")
    if any(page.uncertain for page in pages):
        lines.append("?, a dashed rim: uncertain. Events were lost, and pages of the cell may have "
                     "left or moved unseen.")
    height = 19 * len(lines)
    drawing.node("caption", 0, y, RIGHT_X, height,
                 card([text(line, 12, palette.MUTED) for line in lines], RIGHT_X, height))
