"""Draws several sessions of one workload on the same time axis: free memory, the LRU lists, waiting in faults. SVG by hand."""

import math
from dataclasses import dataclass

from . import palette
from .size_chart import nice_step, round_up, svg_text

WIDTH, LEFT, RIGHT = 1200, 84, 40
PANEL_H, GAP, TOP, BOTTOM = 190, 62, 118, 74
PLOT_W = WIDTH - LEFT - RIGHT
NS_PER_MS = 1_000_000

# Colour and dash of each session: a line is known by its dash, too.
LOOK = ((palette.BLUE, "none"), (palette.VERMILION, "7 4"), (palette.GREEN, "2 3"), (palette.PURPLE, "10 3 2 3"),
        (palette.ORANGE, "4 2"), (palette.SKY, "12 5"))


@dataclass(frozen=True)
class Line:
    """session: its place among those compared; points: (ns since boot, value)."""

    session: int
    points: list[tuple[int, float]]


@dataclass(frozen=True)
class Panel:
    title: str
    unit: str
    lines: list[Line]


def draw(names: list[str], panels: list[Panel]) -> str:
    t_end = max((t for panel in panels for line in panel.lines for t, _ in line.points), default=1)
    height = TOP + len(panels) * (PANEL_H + GAP) - GAP + BOTTOM
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}px" height="{height}px" '
        f'viewBox="0 0 {WIDTH} {height}" font-family="{palette.SANS}">',
        "<title>Sessions of one workload</title>",
        f'<rect width="{WIDTH}" height="{height}" fill="{palette.PAPER}"/>',
        svg_text(24, 40, "Sessions of one workload", 20, weight="bold"),
        *_key(names),
    ]
    for n, panel in enumerate(panels):
        parts += _panel(panel, TOP + n * (PANEL_H + GAP), t_end)
    parts += _time_axis(height - BOTTOM, t_end)
    parts.append(svg_text(24, height - 18, "All panels share one time axis, and in each panel all sessions share one scale; "
                          "a line of a session has the same colour and dash everywhere.", 12, palette.MUTED))
    return "\n".join(parts + ["</svg>", ""])


def look(session: int) -> tuple[str, str]:
    return LOOK[session % len(LOOK)]


def _key(names: list[str]) -> list[str]:
    parts, x = [], 24.0
    for session, name in enumerate(names):
        colour, dash = look(session)
        parts.append(f'<line x1="{x:.0f}" x2="{x + 34:.0f}" y1="66" y2="66" stroke="{colour}" stroke-width="3" '
                     f'stroke-dasharray="{dash}"/>')
        parts.append(svg_text(x + 42, 71, name, 13, weight="bold"))
        x += 66 + 8 * len(name)
    return parts


def _panel(panel: Panel, top: float, t_end: int) -> list[str]:
    highest = round_up(math.ceil(max((value for line in panel.lines for _, value in line.points), default=1)) or 1)
    parts = [svg_text(LEFT, top - 10, panel.title, 13, weight="bold"),
             svg_text(LEFT - 8, top - 10, panel.unit, 12, palette.MUTED, "end")]
    step = max(1, round(nice_step(highest, 4)))
    for value in range(0, highest + 1, step):
        y = top + PANEL_H * (1 - value / highest)
        parts.append(f'<line x1="{LEFT}" x2="{LEFT + PLOT_W}" y1="{y:.1f}" y2="{y:.1f}" '
                     f'stroke="{palette.GRID if value else palette.LINE}"/>')
        parts.append(svg_text(LEFT - 8, y + 4, f"{value:,}", 12, palette.MUTED, "end"))
    for line in panel.lines:
        colour, dash = look(line.session)
        points = " ".join(f"{LEFT + PLOT_W * t / t_end:.1f},{top + PANEL_H * (1 - value / highest):.1f}"
                          for t, value in line.points)
        parts.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="1.6" '
                     f'stroke-linejoin="round" stroke-dasharray="{dash}"/>')
    return parts


def _time_axis(y: float, t_end: int) -> list[str]:
    seconds = nice_step(max(t_end, 1) / 1e9, 10)
    digits = max(0, -math.floor(math.log10(seconds)))
    parts = []
    for tick in range(int(t_end / 1e9 / seconds) + 1):
        x = LEFT + PLOT_W * tick * seconds * 1e9 / t_end
        parts.append(f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{y}" y2="{y + 5}" stroke="{palette.LINE}"/>')
        parts.append(svg_text(x, y + 20, f"{tick * seconds:.{digits}f}", 12, palette.MUTED, "middle"))
    parts.append(svg_text(LEFT + PLOT_W, y + 36, "s after boot", 12, palette.MUTED, "end"))
    return parts
