"""Draws the sizes of the LRU lists over a session as a line chart, in SVG written by hand."""

import html
import math
from typing import Callable

from . import palette
from .lru_lists import Sizes
from .session_db import Moment

WIDTH, HEIGHT = 1200, 536
LEFT, RIGHT, TOP, BOTTOM = 84, 150, 112, 92  # margins of the plot
PLOT_W, PLOT_H = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM
LABEL_STEP = 18  # least distance of the line's names at the right
PAGES_A_MEBIBYTE = 256
MAX_KILL_LABELS = 8

Scale = Callable[[float], float]  # from nanoseconds or pages to pixels

# Colour and dash of each list: a line is known by its dash, too.
LOOK = {
    "active_anon": (palette.VERMILION, ""),
    "inactive_anon": (palette.BLUE, "7 4"),
    "active_file": (palette.ORANGE, ""),
    "inactive_file": (palette.SKY, "7 4"),
    "unevictable": (palette.INK, "2 3"),
    "isolated": (palette.GREEN, "2 3"),
}


def draw(sizes: Sizes, moment: Moment) -> str:
    t_begin, t_end = sizes.times[0], sizes.times[-1]
    lines = {name: values for name, values in sizes.lists.items() if any(values)}
    top = round_up(max((max(values) for values in lines.values()), default=1))

    def x_of(t: float) -> float:
        return LEFT + PLOT_W * (t - t_begin) / max(t_end - t_begin, 1)

    def y_of(pages: float) -> float:
        return TOP + PLOT_H * (1 - pages / top)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}px" height="{HEIGHT}px" '
        f'viewBox="0 0 {WIDTH} {HEIGHT}" font-family="{palette.SANS}">',
        "<title>Sizes of the LRU lists</title>",
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="{palette.PAPER}"/>',
        svg_text(24, 40, "Sizes of the LRU lists", 20, weight="bold"),
        svg_text(24, 64, f"{t_begin / 1e9:.3f} s to {t_end / 1e9:.3f} s after boot, sampled at "
                      f"{len(sizes.times)} instants", 13, palette.MUTED),
    ]
    parts += _axes(top, t_begin, t_end, x_of, y_of)
    parts += _marks(sizes, moment, x_of)
    for name, values in lines.items():
        colour, dash = LOOK.get(name, (palette.INK, ""))
        points = " ".join(f"{x_of(t):.1f},{y_of(n):.1f}" for t, n in zip(sizes.times, values))
        parts.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2" '
                     f'stroke-linejoin="round" stroke-dasharray="{dash or "none"}"/>')
    parts += _key(lines, y_of)
    parts.append(svg_text(24, HEIGHT - 20, "Each line is the number of frames on one list. Dashed: "
                       "inactive, where evictions come from. Triangles are OOM kills.", 12,
                       palette.MUTED))
    return "\n".join(parts + ["</svg>", ""])


def svg_text(x: float, y: float, content: str, size: int, colour: str = palette.INK,
          anchor: str = "start", weight: str = "normal") -> str:
    return (f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" fill="{colour}" '
            f'text-anchor="{anchor}" font-weight="{weight}">{html.escape(content)}</text>')


def nice_step(span: float, steps: int) -> float:
    """The smallest 1, 2 or 5 times a power of ten that cuts the span into `steps` or fewer."""
    least = span / steps
    power = 10.0 ** math.floor(math.log10(least))
    return next(power * factor for factor in (1, 2, 5, 10) if power * factor >= least * 0.999999)


def round_up(value: int) -> int:
    step = max(1, round(nice_step(value, 5)))
    return step * -(-value // step)


def _axes(top: int, t_begin: int, t_end: int, x_of: Scale, y_of: Scale) -> list[str]:
    parts = []
    step = max(1, round(nice_step(top, 5)))
    for pages in range(0, top + 1, step):
        y = y_of(pages)
        parts.append(f'<line x1="{LEFT}" x2="{LEFT + PLOT_W}" y1="{y:.1f}" y2="{y:.1f}" '
                     f'stroke="{palette.GRID if pages else palette.LINE}"/>')
        parts.append(svg_text(LEFT - 8, y + 4, f"{pages:,}", 12, palette.MUTED, "end"))
    parts.append(svg_text(LEFT - 8, TOP - 14, "frames", 12, palette.MUTED, "end"))
    parts.append(svg_text(LEFT + 4, TOP - 14, f"top line: {top / PAGES_A_MEBIBYTE:,.1f} MiB", 12,
                       palette.MUTED))

    seconds = nice_step(max(t_end - t_begin, 1) / 1e9, 10)
    digits = max(0, -math.floor(math.log10(seconds)))
    tick = math.ceil(t_begin / 1e9 / seconds)
    while tick * seconds * 1e9 <= t_end:
        x = x_of(round(tick * seconds * 1e9))
        parts.append(f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{TOP + PLOT_H}" y2="{TOP + PLOT_H + 5}" '
                     f'stroke="{palette.LINE}"/>')
        parts.append(svg_text(x, TOP + PLOT_H + 20, f"{tick * seconds:.{digits}f}", 12, palette.MUTED,
                           "middle"))
        tick += 1
    parts.append(svg_text(LEFT + PLOT_W + 14, TOP + PLOT_H + 20, "s after boot", 12, palette.MUTED))
    return parts


def _marks(sizes: Sizes, moment: Moment, x_of: Scale) -> list[str]:
    parts = []
    if sizes.times[0] <= moment.t <= sizes.times[-1]:
        x = x_of(moment.t)
        parts.append(f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{TOP - 4}" y2="{TOP + PLOT_H}" '
                     f'stroke="{palette.INK}" stroke-dasharray="1 3"/>')
        anchor = "end" if x > LEFT + PLOT_W / 2 else "start"
        parts.append(svg_text(x, TOP - 14, f"the lists are drawn at {moment.t / 1e9:.3f} s", 12,
                           palette.INK, anchor if x > LEFT + 170 else "start"))
    for i, (t, kill_id) in enumerate(sizes.kills):
        x, y = x_of(min(max(t, sizes.times[0]), sizes.times[-1])), TOP + PLOT_H
        parts.append(f'<path d="M{x:.1f},{y + 26} l-6,11 h12 z" fill="{palette.INK}"/>')
        if i < MAX_KILL_LABELS:
            near_end = x > LEFT + PLOT_W - 80
            parts.append(svg_text(x - 9 if near_end else x + 9, y + 37, f"OOM kill {kill_id}", 11,
                               anchor="end" if near_end else "start"))
    return parts


def _key(lines: dict[str, list[int]], y_of: Scale) -> list[str]:
    """Names each line at its right end, pushed apart where ends lie close together."""
    parts = []
    last = TOP - LABEL_STEP
    left = len(lines)
    for name, values in sorted(lines.items(), key=lambda item: -item[1][-1]):
        # Those still to come need their room above the axis, whose labels stand below it.
        left -= 1
        lowest = TOP + PLOT_H - left * LABEL_STEP
        last = max(min(y_of(values[-1]), lowest), last + LABEL_STEP)
        colour, dash = LOOK.get(name, (palette.INK, ""))
        x = LEFT + PLOT_W + 14
        parts.append(f'<line x1="{x}" x2="{x + 22}" y1="{last:.1f}" y2="{last:.1f}" '
                     f'stroke="{colour}" stroke-width="3" stroke-dasharray="{dash or "none"}"/>')
        parts.append(svg_text(x + 28, last + 4, name, 12, weight="bold"))
    return parts
