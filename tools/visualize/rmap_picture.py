"""Draws an RmapGraph: five columns, read from left to right as the kernel walks."""

from . import palette
from .drawing import CARD_MARGIN_PX, INSET_PX, Drawing, card, cell, gap, shorten, table, text
from .rmap_graph import AnonVma, Mapping, Page, Pte, RmapGraph, Vma
from .session_db import hexadecimal

# Left edge and width of each column.
PAGE_X, PAGE_W = 0, 250
ROOT_X, ROOT_W = 300, 170  # anon_vma, or mapping of a file
LINK_X, LINK_W = 512, 50
VMA_X, VMA_W = 624, 516
TASK_X, TASK_W = 1200, 170
RIGHT_X = TASK_X + TASK_W

HEADING_Y = 78
BODY_Y = 116
LINE_H = 20
VMA_MARGIN = 10
BLOCK_GAP = 14
ROOT_H, ROOT_LINES = 84, 4
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
    roots = [*graph.anon_vmas, *graph.mappings]
    cards = {page.pfn: _page_lines(page) for page in graph.pages}
    page_lines = max(map(len, cards.values()))
    page_h = LINE_H * page_lines + 2 * CARD_MARGIN_PX + 4
    tops = _vma_tops(graph.vmas, BODY_Y)
    bottom = max(tops[-1], BODY_Y + len(graph.pages) * (page_h + BLOCK_GAP),
                 BODY_Y + len(roots) * (ROOT_H + BLOCK_GAP))
    tops = _vma_tops(graph.vmas, BODY_Y + (bottom - tops[-1]) // 2)

    _draw_headings(drawing, graph)
    for page, y in zip(graph.pages, _spread(len(graph.pages), page_h, bottom)):
        drawing.node(f"page {page.pfn}", PAGE_X, y, PAGE_W, page_h,
                     card(_filled(cards[page.pfn], page_lines), PAGE_W, page_h, palette.PANEL, palette.INK))
    for root, y in zip(roots, _spread(max(len(roots), 1), ROOT_H, bottom)):
        drawing.node(_root_name(root), ROOT_X, y, ROOT_W, ROOT_H,
                     card(_filled(_root_lines(root), ROOT_LINES), ROOT_W, ROOT_H, palette.PANEL, palette.INK))
    for i, vma in enumerate(graph.vmas):
        _draw_vma(drawing, vma, tops[i], tops[i + 1] - BLOCK_GAP)
        _draw_links(drawing, vma, tops[i], tops[i + 1] - BLOCK_GAP)
    for page in graph.pages:
        for root in roots:
            if _leads_to(page, root):
                drawing.edge(f"page {page.pfn}", _root_name(root), tailport="e", headport="w")
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
    root, link = "anon_vma", "chain link"
    if graph.mappings:
        root, link = ("anon_vma or mapping", "link") if graph.anon_vmas else ("mapping of the file", "tree")
    columns = (("page", PAGE_X, PAGE_W), (root, ROOT_X, ROOT_W), (link, LINK_X - 8, LINK_W + 16),
               ("VMA, and its PTE for each page", VMA_X, VMA_W), ("task", TASK_X, TASK_W))
    for name, x, width in columns:
        label = card([text(name, 13, palette.MUTED, bold=True)], width, 24)
        drawing.node(f"heading {name}", x, HEADING_Y, width, 24, label)


def _count(n: int, word: str) -> str:
    return f"{n:,} {word}{'s' * (n != 1)}"


def _filled(lines: list[str], nr_lines: int) -> list[str]:
    """With empty lines: a card spreads those that it has over its height."""
    return lines + [text("")] * (nr_lines - len(lines))


def _page_lines(page: Page) -> list[str]:
    """What a page's card says."""
    huge = page.nr_frames > 1
    frames = f"{page.pfn:#x}" + (f"–{page.pfn + page.nr_frames - 1:#x}" if huge else "")
    lines = [f"{_count(page.mapcount, 'mapping')}, {page.kind}" + ", 2 MiB" * huge]
    if page.mapping_id:
        lines.append(f"page {page.pgoff:,} of its file")
    lines += [f"since {page.born / 1e9:.6f} s",
              f"on list {page.list}" if page.list else "on no LRU list",
              f"also in swap slot {page.slot}" if page.slot is not None else "no copy in swap"]
    return [text(f"{page.tag}  pfn {frames}", 14, bold=True, mono=True), *map(text, lines)]


def _root_name(root: AnonVma | Mapping) -> str:
    return f"anon_vma {root.anon_vma_id}" if isinstance(root, AnonVma) else f"mapping {root.mapping_id}"


def _root_lines(root: AnonVma | Mapping) -> list[str]:
    if isinstance(root, AnonVma):
        lines = ["a root" if root.root_id == root.anon_vma_id else f"root {root.root_id}",
                 _count(root.links, "chain link")]
    else:
        lines = [f"{_count(root.pages, 'page')} in memory", f"{root.slots:,} in swap",
                 _count(root.links, "VMA")]
    return [text(_root_name(root), 13, bold=True), *map(text, lines)]


def _leads_to(page: Page, root: AnonVma | Mapping) -> bool:
    if isinstance(root, AnonVma):
        return page.anon_vma_id == root.anon_vma_id
    return page.mapping_id == root.mapping_id


def _draw_links(drawing: Drawing, vma: Vma, top: int, bottom: int) -> None:
    links = [(f"anon_vma {one}", "avc", f"anon_vma {one} links to VMA {vma.vma_id}")
             for one in vma.anon_vma_ids]
    links += [(f"mapping {one}", "i_mmap", f"VMA {vma.vma_id} is in the tree of mapping {one}")
              for one in vma.mapping_ids]
    room = (bottom - top) / max(len(links), 1)
    for i, (root, word, tooltip) in enumerate(links):
        name = f"{word} {root} {vma.vma_id}"
        drawing.node(name, LINK_X, top + room * (i + 0.5) - 10, LINK_W, 20, text(word, 11),
                     shape="ellipse", color=palette.INK, style="filled", fillcolor=palette.PAPER,
                     tooltip=tooltip)
        drawing.edge(root, name, arrowhead="none", tailport="e", headport="w")
        drawing.edge(name, f"vma {vma.vma_id}", tailport="e", headport="w")


def _draw_vma(drawing: Drawing, vma: Vma, top: int, bottom: int) -> None:
    rights = "".join(letter if letter in vma.flags else "-" for letter in "rwx")
    rights += "s" if "s" in vma.flags else "p"
    span = f"{hexadecimal(vma.va_start)} – {hexadecimal(vma.va_end)}"
    title = text(f"VMA {vma.vma_id}  ", 12, bold=True) + text(f"{rights}  {span}", 12, mono=True)
    if vma.pgoff is not None:
        title += text(f"  from page {vma.pgoff:,}", 12, palette.MUTED)
    rows = [gap(INSET_PX) + cell(title, colspan=6, height=LINE_H + VMA_MARGIN // 2)]
    rows += [_pte_cells(pte) for pte in vma.ptes]
    rows.append(f'<TD HEIGHT="{VMA_MARGIN // 2}"></TD>')
    drawing.node(f"vma {vma.vma_id}", VMA_X, top, VMA_W, bottom - top,
                 table(rows, VMA_W, bottom - top, palette.PANEL, palette.INK))

    name = shorten(vma.comm, 16) if vma.comm is not None else "no task"
    pid = f"pid {vma.pid}, " if vma.pid is not None else ""
    threads = f", {vma.threads} threads" if vma.threads > 1 else ""
    lines = [text(name, 13, bold=True), text(f"{pid}mm {vma.mm_id}{threads}")]
    drawing.node(f"task of vma {vma.vma_id}", TASK_X, (top + bottom) / 2 - 21, TASK_W, 42,
                 card(lines, TASK_W, 42, palette.PAPER, palette.INK))
    drawing.edge(f"vma {vma.vma_id}", f"task of vma {vma.vma_id}", arrowhead="none",
                 tailport="e", headport="w")


def _pte_cells(pte: Pte) -> str:
    colour, word, _ = STATES[pte.state]
    if pte.level == 2:
        word += ", 2 MiB"
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

    caption = _how_to_read(graph)
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


def _how_to_read(graph: RmapGraph) -> list[str]:
    caption = []
    if graph.anon_vmas or not graph.mappings:
        caption.append("Read from left to right: to evict a page, the kernel follows its anon_vma through every "
                       "chain link to the VMAs that may map it, and looks at one PTE in each.")
    if graph.mappings:
        caption.append("A page of a file knows its place in it: the kernel asks the tree of its mapping (i_mmap) for "
                       "the VMAs that cover that place. Copies that a private VMA made are not the file's any more.")
    caption.append("PTE flags: w writable, x executable, a accessed, d dirty (both as last read by the "
                   "kernel), n no access. Grey PTEs are visits that find nothing.")
    if any(page.nr_frames > 1 for page in graph.pages):
        caption.append("A page of 2 MiB is 512 frames, but one page: one entry of level 2 in each address space, "
                       "one place on a list.")
    return caption
