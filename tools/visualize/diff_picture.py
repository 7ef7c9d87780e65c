"""Draws a DiffGraph: VMAs on the left, frames on the right, a line for each mapping."""

from . import palette
from .diff_graph import ADDED, CHANGED, REMOVED, SAME, DiffGraph, Frame, Vma
from .drawing import Drawing, card, cell, gap, shorten, table, text
from .session_db import hexadecimal

VMA_W, VMA_H = 400, 44
FRAME_X, FRAME_W, FRAME_H = 720, 330, 44
WIDTH = FRAME_X + FRAME_W
GAP = 8
BODY_Y = 104
LEGEND_H = 26

# Colour, sign and style say the same.
STYLES = {
    REMOVED: (palette.VERMILION, "−", "dashed", 1.6, "went"),
    ADDED: (palette.BLUE, "+", "bold", 2.4, "came"),
    CHANGED: (palette.ORANGE, "~", "dotted", 2.4, "holds another page, is on another list, or has other bounds"),
    SAME: (palette.LINE, "=", "solid", 1.0, "as it was"),
}


def draw(graph: DiffGraph, instants: list[str]) -> Drawing:
    drawing = Drawing("diff")
    title = [text("What changed in the reverse map", 20, bold=True),
             text(f"from {instants[0]} to {instants[1]}", 13, palette.MUTED)]
    drawing.node("title", 0, 0, WIDTH, 52, card(title, WIDTH, 52))
    for name, x, width in (("VMA, and its task", 0, VMA_W),
                           ("frame: what it was, what it is", FRAME_X, FRAME_W)):
        drawing.node(name, x, BODY_Y - 32, width, 24,
                     card([text(name, 13, palette.MUTED, bold=True)], width, 24))
    height = max(len(graph.frames) * (FRAME_H + GAP), len(graph.vmas) * (VMA_H + GAP), FRAME_H)
    for vma, y in zip(graph.vmas, _spread(len(graph.vmas), VMA_H, height)):
        span = f"{hexadecimal(vma.va_start)} – {hexadecimal(vma.va_end)}"
        lines = [_marked(vma, f"{shorten(vma.task, 24)}, VMA {vma.vma_id}"),
                 text(span, 12, mono=True)]
        _box(drawing, f"vma {vma.vma_id}", 0, y, VMA_W, VMA_H, vma, lines)
    for frame, y in zip(graph.frames, _spread(len(graph.frames), FRAME_H, height)):
        place = frame.after if frame.before == frame.after else f"{frame.before} → {frame.after}"
        lines = [_marked(frame, f"frame {frame.pfn:#x}"), text(place, 12)]
        _box(drawing, f"frame {frame.pfn}", FRAME_X, y, FRAME_W, FRAME_H, frame, lines)
    for link in graph.mappings:
        colour, sign, style, width, word = STYLES[link.change]
        now = f"; now {link.now}" if link.now else ""
        doubt = {"style": "dotted", "headlabel": "?", "labeldistance": 2} if link.uncertain else {}
        drawing.edge(f"vma {link.vma_id}", f"frame {link.pfn}", **{
            "color": colour, "style": style, "penwidth": width, "tailport": "e", "headport": "w",
            "tooltip": f"{sign} {hexadecimal(link.va)}: {word}{now}", **doubt})
    _footer(drawing, graph, BODY_Y + height + 8)
    return drawing


def _spread(count: int, height: int, room: int) -> list[float]:
    """Tops of `count` boxes, evenly over the body."""
    return [BODY_Y + room * (i + 0.5) / count - height / 2 for i in range(count)]


def _marked(thing: Vma | Frame, words: str) -> str:
    return text(f"{STYLES[thing.change][1]} {words}{' ?' * thing.uncertain}", 13, bold=True)


def _box(drawing: Drawing, name: str, x: float, y: float, width: int, height: int,
         thing: Vma | Frame, lines: list[str]) -> None:
    colour, _, style, pen, _ = STYLES[thing.change]
    if thing.uncertain:
        style += ",diagonals"
    drawing.node(name, x, y, width, height, card(lines, width - 20, height - 6), shape="box",
                 style=f"filled,{style}", color=colour, penwidth=pen, fillcolor=palette.PANEL)


def _footer(drawing: Drawing, graph: DiffGraph, y: float) -> None:
    x = 0
    for change, (colour, sign, style, pen, word) in STYLES.items():
        width = 60 + 7 * len(word)
        drawing.node(f"legend {change}", x, y, 30, LEGEND_H, text(sign, 13, bold=True), shape="box",
                     style=f"filled,{style}", color=colour, penwidth=pen, fillcolor=palette.PANEL)
        drawing.node(f"legend {change} text", x + 36, y, width - 36, LEGEND_H,
                     table([gap(2) + cell(text(word), width=width - 38)], width - 36, LEGEND_H))
        x += width + 14
    things = [*graph.vmas, *graph.frames, *graph.mappings]
    caption = ["A line is a mapping: an entry of the VMA's page tables that refers to the frame. "
               "Its tooltip has the address,", "and what the entry refers to now."]
    if not graph.mappings:
        caption = ["No mapping came or went."]
    if any(thing.uncertain for thing in things):
        caption.append("?, cut corners and dotted lines: uncertain. Events were lost, and it may "
                       "have changed unseen.")
    if graph.hidden_frames:
        caption.append(f"{graph.hidden_frames} more frames have changed mappings and are not "
                       "drawn.")
    if graph.hidden_mappings:
        caption.append(f"{graph.hidden_mappings} mappings of these frames are in VMAs that are "
                       "not drawn.")
    lines = [text(line, 12, palette.MUTED) for line in caption]
    drawing.node("caption", 0, y + LEGEND_H + 12, WIDTH, 19 * len(lines),
                 card(lines, WIDTH, 19 * len(lines)))
