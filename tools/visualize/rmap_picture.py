"""Draws an RmapGraph: five columns, read from left to right as the kernel walks."""

from . import palette
from .drawing import INSET_PX, Drawing, card, cell, gap, shorten, table, text
from .rmap_graph import AnonVma, Page, Pte, RmapGraph, Vma
from .session_db import hexadecimal

# Left edge and width of each column.
PAGE_X, PAGE_W = 0, 250
ANON_X, ANON_W = 320, 130
LINK_X, LINK_W = 520, 34
VMA_X, VMA_W = 624, 516
TASK_X, TASK_W = 1200, 170
RIGHT_X = TASK_X + TASK_W

HEADING_Y = 78
BODY_Y = 116
LINE_H = 20
VMA_MARGIN = 10
BLOCK_GAP = 14
PAGE_H = 112
ANON_H = 64
CAPTION_LINE_H = 19

STATES = {
    "present": (palette.BLUE, "present", "maps the page itself"),
    "swapped": (palette.ORANGE, "swapped", "the page's own slot: a fault brings it back"),
    "copy": (palette.GREEN, "copy", "copy-on-write: maps a page of its own"),
    "other": (palette.PURPLE, "copy, swapped", "its own copy is in another slot"),
    "gone": (palette.GREY, "gone", "nothing, or the zero page"),
}


def draw(graph: RmapGraph) -> Drawing:
    drawing = Drawing("rmap")
    tops = _vma_tops(graph.vmas, BODY_Y)
    bottom = max(tops[-1], BODY_Y + len(graph.pages) * (PAGE_H + BLOCK_GAP),
                 BODY_Y + len(graph.anon_vmas) * (ANON_H + BLOCK_GAP))
    tops = _vma_tops(graph.vmas, BODY_Y + (bottom - tops[-1]) // 2)

    _draw_headings(drawing, graph)
    _draw_pages(drawing, graph.pages, bottom)
    _draw_anon_vmas(drawing, graph.anon_vmas, bottom)
    for i, vma in enumerate(graph.vmas):
        _draw_vma(drawing, vma, tops[i], tops[i + 1] - BLOCK_GAP)
        _draw_links(drawing, vma, tops[i], tops[i + 1] - BLOCK_GAP)
    for page in graph.pages:
        if any(anon.anon_vma_id == page.anon_vma_id for anon in graph.anon_vmas):
            drawing.edge(f"page {page.pfn}", f"anon_vma {page.anon_vma_id}", tailport="e",
                         headport="w")
    _draw_footer(drawing, graph, bottom + 8)
    return drawing


def _vma_tops(vmas: list[Vma], first: int) -> list[int]:
    """Top of each VMA, and of what would come behind the last."""
    tops = [first]
    for vma in vmas:
        tops.append(tops[-1] + LINE_H * (1 + len(vma.ptes)) + VMA_MARGIN + BLOCK_GAP)
    return tops


def _spread(count: int, height: int, bottom: int) -> list[float]:
    """Tops of `count` blocks, evenly over the body."""
    room = (bottom - BLOCK_GAP - BODY_Y) / count
    return [BODY_Y + room * i + (room - height) / 2 for i in range(count)]


def _draw_headings(drawing: Drawing, graph: RmapGraph) -> None:
    lines = [text(f"Reverse map of {graph.why}", 20, bold=True),
             text(f"at {graph.moment}", 13, palette.MUTED)]
    drawing.node("title", 0, 0, RIGHT_X, 52, card(lines, RIGHT_X, 52))
    columns = (("page", PAGE_X, PAGE_W), ("anon_vma", ANON_X, ANON_W),
               ("chain link", LINK_X - 16, LINK_W + 32),
               ("VMA, and its PTE for each page", VMA_X, VMA_W), ("task", TASK_X, TASK_W))
    for name, x, width in columns:
        label = card([text(name, 13, palette.MUTED, bold=True)], width, 24)
        drawing.node(f"heading {name}", x, HEADING_Y, width, 24, label)


def _draw_pages(drawing: Drawing, pages: list[Page], bottom: int) -> None:
    for page, y in zip(pages, _spread(len(pages), PAGE_H, bottom)):
        place = f"on list {page.list}" if page.list else "on no LRU list"
        copy = f"also in swap slot {page.slot}" if page.slot is not None else "no copy in swap"
        lines = [text(f"{page.tag}  pfn {page.pfn:#x}", 14, bold=True, mono=True)]
        lines += [text(line) for line in (
            f"{page.mapcount} mapping{'s' * (page.mapcount != 1)}, {page.kind}",
            f"since {page.born / 1e9:.6f} s", place, copy)]
        drawing.node(f"page {page.pfn}", PAGE_X, y, PAGE_W, PAGE_H,
                     card(lines, PAGE_W, PAGE_H, palette.PANEL, palette.INK))


def _draw_anon_vmas(drawing: Drawing, anon_vmas: list[AnonVma], bottom: int) -> None:
    for anon, y in zip(anon_vmas, _spread(max(len(anon_vmas), 1), ANON_H, bottom)):
        root = "a root" if anon.root_id == anon.anon_vma_id else f"root {anon.root_id}"
        lines = [text(f"anon_vma {anon.anon_vma_id}", 13, bold=True), text(root),
                 text(f"{anon.links} chain link{'s' * (anon.links != 1)}")]
        drawing.node(f"anon_vma {anon.anon_vma_id}", ANON_X, y, ANON_W, ANON_H,
                     card(lines, ANON_W, ANON_H, palette.PANEL, palette.INK))


def _draw_links(drawing: Drawing, vma: Vma, top: int, bottom: int) -> None:
    room = (bottom - top) / len(vma.anon_vma_ids)
    for i, anon_id in enumerate(vma.anon_vma_ids):
        name = f"avc {anon_id} {vma.vma_id}"
        drawing.node(name, LINK_X, top + room * (i + 0.5) - 10, LINK_W, 20, text("avc", 11),
                     shape="ellipse", color=palette.INK, style="filled", fillcolor=palette.PAPER,
                     tooltip=f"anon_vma {anon_id} links to VMA {vma.vma_id}")
        drawing.edge(f"anon_vma {anon_id}", name, arrowhead="none", tailport="e", headport="w")
        drawing.edge(name, f"vma {vma.vma_id}", tailport="e", headport="w")


def _draw_vma(drawing: Drawing, vma: Vma, top: int, bottom: int) -> None:
    rights = "".join(letter if letter in vma.flags else "-" for letter in "rwx")
    span = f"{hexadecimal(vma.va_start)} – {hexadecimal(vma.va_end)}"
    title = text(f"VMA {vma.vma_id}  ", 12, bold=True) + text(f"{rights}  {span}", 12, mono=True)
    rows = [gap(INSET_PX) + cell(title, colspan=6, height=LINE_H + VMA_MARGIN // 2)]
    rows += [_pte_cells(pte) for pte in vma.ptes]
    rows.append(f'<TD HEIGHT="{VMA_MARGIN // 2}"></TD>')
    drawing.node(f"vma {vma.vma_id}", VMA_X, top, VMA_W, bottom - top,
                 table(rows, VMA_W, bottom - top, palette.PANEL, palette.INK))

    name = shorten(vma.comm, 16) if vma.comm is not None else "no task any more"
    pid = f"pid {vma.pid}, " if vma.pid is not None else ""
    lines = [text(name, 13, bold=True), text(f"{pid}mm {vma.mm_id}")]
    drawing.node(f"task of vma {vma.vma_id}", TASK_X, (top + bottom) / 2 - 21, TASK_W, 42,
                 card(lines, TASK_W, 42, palette.PAPER, palette.INK))
    drawing.edge(f"vma {vma.vma_id}", f"task of vma {vma.vma_id}", arrowhead="none",
                 tailport="e", headport="w")


def _pte_cells(pte: Pte) -> str:
    colour, word, _ = STATES[pte.state]
    if pte.uncertain:
        state = cell(text(f"{word} ?", 12, bold=True), border=1, style="dashed", color=colour,
                     width=106, height=LINE_H, align="CENTER")
    else:
        state = cell(text(word, 12, palette.text_on(colour), bold=True), bgcolor=colour, width=106,
                     height=LINE_H, align="CENTER")
    target = ""
    if pte.refers_to is not None:
        in_swap = pte.state in ("swapped", "other")
        target = f"slot {pte.refers_to}" if in_swap else f"pfn {pte.refers_to:#x}"
    return (gap(INSET_PX) + cell(text(pte.tag, 12, bold=True, mono=True), width=20) +
            cell(text(hexadecimal(pte.va), 12, mono=True), width=140) +
            state + gap(INSET_PX) + cell(text(target, 12, mono=True), width=130) +
            cell(text(" ".join(pte.flags), 12, palette.MUTED, mono=True), width=100))


def _draw_footer(drawing: Drawing, graph: RmapGraph, y: int) -> None:
    shown = {pte.state for vma in graph.vmas for pte in vma.ptes}
    x = 0
    for state, (colour, word, meaning) in STATES.items():
        if state not in shown and state in ("copy", "other"):
            continue
        label_width, meaning_width = 16 + 7 * len(word), round(6.2 * len(meaning))
        width = label_width + 8 + meaning_width
        swatch = cell(text(word, 12, palette.text_on(colour), bold=True), bgcolor=colour,
                      align="CENTER", width=label_width, height=22)
        drawing.node(f"legend {state}", x, y, width, 22,
                     table([swatch + gap(8) + cell(text(meaning), width=meaning_width)], width, 22))
        x += width + 22

    caption = [
        "Read from left to right: to evict a page, the kernel follows its anon_vma through every "
        "chain link to the VMAs that may map it, and looks at one PTE in each.",
        "PTE flags: w writable, x executable, a accessed, d dirty (both as last read by the "
        "kernel), n no access. Grey PTEs are visits that find nothing.",
    ]
    if any(pte.uncertain for vma in graph.vmas for pte in vma.ptes):
        caption.append("?, a dashed rim: uncertain. Events were lost, and the entry may have "
                       "changed unseen.")
    if graph.hidden_vmas:
        caption.append(f"{graph.hidden_vmas} more VMAs of the chain are not drawn.")
    for page in graph.pages:
        if page.mapcount == 0:
            caption.append(f"Page {page.tag} is mapped by nobody at this instant.")
    lines = [text(line, 12, palette.MUTED) for line in caption]
    if graph.unreached:
        lines.append(text(f"{len(graph.unreached)} mappings are on no VMA of the chain: the "
                          "reverse map is broken.", 13, palette.VERMILION, bold=True))
    height = CAPTION_LINE_H * len(lines)
    drawing.node("caption", 0, y + 36, RIGHT_X, height, card(lines, RIGHT_X, height))
