"""
A drawing as DOT in which every node has its place already: dot only draws it (`-Kneato -n2`).

Letting dot place the nodes was rejected: it gives no columns to put headings over, and a list of
pages must read like text, from left to right in rows. Coordinates are pixels, y downwards, (x, y)
the top left corner of a node.
"""

import html
import re
import subprocess
from pathlib import Path

from . import palette

MAX_NODES = 200
PADDING_PX = 24
INSET_PX = 10
CARD_MARGIN_PX = 4
NO_BREAK_SPACE = "&#160;"


class DrawingError(Exception):
    """dot is missing, or refused the drawing."""


def text(value: object, size: int = 12, colour: str = palette.INK, bold: bool = False,
         mono: bool = False) -> str:
    """One run of text as DOT's HTML. DOT refuses an empty one and drops spaces at the ends."""
    face = palette.MONO if mono else palette.SANS
    escaped = html.escape(str(value)).replace(" ", NO_BREAK_SPACE) or NO_BREAK_SPACE
    if bold:
        escaped = f"<B>{escaped}</B>"
    return f'<FONT FACE="{face}" POINT-SIZE="{size}" COLOR="{colour}">{escaped}</FONT>'


def table(rows: list[str], width: int, height: int, background: str | None = None,
          border: str | None = None, dashed: bool = False) -> str:
    """
    A table of this size; each row is the HTML of its cells (<TD>...</TD>). dot shares among all
    columns what the cells' widths leave over: let them add up to `width`, and one height of each
    row to `height`.
    """
    style = "ROUNDED,DASHED" if dashed else "ROUNDED"
    attributes = (f'BORDER="{1 if border else 0}" STYLE="{style}" CELLBORDER="0" CELLSPACING="0" '
                  f'CELLPADDING="0" WIDTH="{width}" HEIGHT="{height}"')
    if background:
        attributes += f' BGCOLOR="{background}"'
    if border:
        attributes += f' COLOR="{border}"'
    body = "".join(f"<TR>{row}</TR>" for row in rows)
    return f"<TABLE {attributes}>{body}</TABLE>"


def card(lines: list[str], width: int, height: int, background: str | None = None,
         border: str | None = None) -> str:
    """Lines of text, one below the other, a little away from the border when there is one."""
    inset, margin = (INSET_PX, CARD_MARGIN_PX) if border else (0, 0)
    line_height = (height - 2 * margin) // len(lines)
    blank = [f'<TD HEIGHT="{margin}"></TD>'] if margin else []
    rows = blank + [gap(inset) + cell(line, width=width - inset, height=line_height)
                    for line in lines] + blank
    return table(rows, width, height, background, border)


def gap(width: int) -> str:
    return f'<TD WIDTH="{width}"></TD>' if width else ""


def cell(content: str, **attributes: object) -> str:
    given = {"ALIGN": "LEFT", **{key.upper(): value for key, value in attributes.items()}}
    words = " ".join(f'{key}="{value}"' for key, value in given.items())
    return f"<TD {words}>{content}</TD>"


def shorten(value: str, limit: int) -> str:
    return value if len(value) <= limit else value[:limit - 1] + "…"


class Drawing:
    def __init__(self, title: str) -> None:
        self._title = title
        self._nodes: list[str] = []
        self._edges: list[str] = []

    @property
    def nr_nodes(self) -> int:
        return len(self._nodes)

    def node(self, name: str, x: float, y: float, width: float, height: float, label: str,
             **attributes: object) -> None:
        """`label` is DOT's HTML. Attributes are DOT's, such as shape, style and tooltip."""
        # dot's y axis points upwards and its pos is the middle of the node.
        place = f"{x + width / 2:.1f},{-(y + height / 2):.1f}!"
        given = {"shape": "none", "pos": place, "width": f"{width / 72:.4f}",
                 "height": f"{height / 72:.4f}", "fixedsize": "true", **attributes}
        self._nodes.append(f'\t"{name}" [label=<{label}>, {_attributes(given)}];')

    def edge(self, tail: str, head: str, **attributes: object) -> None:
        self._edges.append(f'\t"{tail}" -> "{head}" [{_attributes(attributes)}];')

    def dot(self) -> str:
        head = [
            f"digraph {_quote(self._title)} {{",
            f'\tgraph [bgcolor="{palette.PAPER}", pad="{PADDING_PX / 72:.4f}", splines=line, '
            f'outputorder=edgesfirst, fontname="{palette.SANS}"];',
            f'\tnode [fontname="{palette.SANS}", fontsize=12, margin=0];',
            f'\tedge [color="{palette.LINE}", penwidth=1.2, arrowsize=0.7];',
        ]
        return "\n".join(head + self._nodes + self._edges + ["}", ""])

    def save(self, svg_path: Path) -> None:
        """Writes the SVG, and its DOT source beside it."""
        dot_path = svg_path.with_suffix(".dot")
        dot_path.write_text(self.dot(), encoding="utf-8")
        try:
            done = subprocess.run(["dot", "-Kneato", "-n2", "-Tsvg", str(dot_path)], check=False,
                                  capture_output=True, text=True, timeout=120)
        except FileNotFoundError as error:
            raise DrawingError("dot is missing: install the package graphviz") from error
        if done.returncode != 0:
            raise DrawingError(f"dot failed on {dot_path}: {done.stderr.strip()}")
        svg_path.write_text(_in_pixels(done.stdout), encoding="utf-8")


def _in_pixels(svg: str) -> str:
    """dot sizes its output in points; one unit of the drawing is meant to be one pixel."""
    return re.sub(r'<svg width="([\d.]+)pt" height="([\d.]+)pt"',
                  r'<svg width="\1px" height="\2px"', svg, count=1)


def _quote(value: object) -> str:
    return '"' + str(value).replace("\\", "\\\\").replace('"', '\\"') + '"'


def _attributes(attributes: dict[str, object]) -> str:
    return ", ".join(f"{key}={_quote(value)}" for key, value in attributes.items())
