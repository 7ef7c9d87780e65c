"""Draws the reverse map of a story's page at one instant as DOT, from left to right as the kernel walks:
page, anon_vma (or mapping, of a page of a file), VMAs with the entry that each has for the page, tasks.

Unlike the picture of `palimpsest rmap` dot places the nodes: the drawing changes with the slider, and has no columns of
headings to keep.
"""

import html

from visualize import palette
from visualize.rmap_picture import STATES
from visualize.session_db import hexadecimal

from .story_spans import Row, Spans, at

MAX_VMAS = 24
HEAD = f"""digraph rmap {{
rankdir=LR; bgcolor="transparent"; nodesep=0.12; ranksep="0.9"; pad=0.1;
node [shape=plain, fontname="Helvetica,Arial,sans-serif", fontsize=12, fontcolor="{palette.INK}"];
edge [color="{palette.LINE}", arrowsize=0.6];
"""
PTE_FLAGS = ((1, "w"), (2, "x"), (4, "a"), (8, "d"), (16, "n"))
VMA_FLAGS = ((1, "r"), (2, "w"), (4, "x"))
PAGE_FLAGS = ((1, "locked"), (4, "dirty"), (8, "being written"))

# What a drawing's colours are called in report.css, where dark and light have values for them.
THEMED = {palette.INK: "ink", palette.LINE: "line"}
LEGEND = tuple((word, colour, meaning) for colour, word, meaning in STATES.values())


def draw(spans: Spans, t: int) -> str:
    own = next(iter(at(spans.own, t)), None)
    pfn, slot = _subject(spans, own, t)
    lines = [HEAD, f"page [label=<{_page(spans, own, pfn, slot, t)}>];"]
    mappings = [row for row in at(spans.mappings, t) if row["pfn"] == pfn]
    root = _root(spans, mappings, t)
    if own is not None and root is not None:
        lines += _walk(spans, root, pfn, slot, t)
    return "\n".join([*lines, "}\n"])


def _subject(spans: Spans, own: Row | None, t: int) -> tuple[int | None, int | None]:
    """The page's frame and its slot: either, both (in the swap cache) or neither."""
    if own is None or own["kind"] == "zero":
        return None, None
    cached = at(spans.cached, t)
    if own["kind"] == "page":
        return own["pfn"], next((row["slot"] for row in cached if row["pfn"] == own["pfn"]), None)
    return next((row["pfn"] for row in cached if row["slot"] == own["slot"]), None), own["slot"]


def _root(spans: Spans, mappings: list[Row], t: int) -> int | None:
    """The page's anon_vma, or the mapping of its file; of a page that nobody maps, what its next mapping will be found by."""
    if mappings:
        return mappings[0]["mapping_id"]
    before = [row for row in spans.mappings
              if row["mm_id"] == spans.mm_id and row["va"] == spans.va and row["t_begin"] <= t]
    return max(before, key=lambda row: row["t_begin"])["mapping_id"] if before else None


def _page(spans: Spans, own: Row | None, pfn: int | None, slot: int | None, t: int) -> str:
    if own is None:
        return _card(["no entry", *(_content(spans, t) or ["nothing is mapped here"])], palette.GREY)
    if own["kind"] == "zero":
        return _card(["the zero page", "shared by all, never evicted"], palette.GREY)
    lines = []
    if pfn is None:
        lines += [f"slot {slot}", "only in swap"]
    else:
        lines.append(f"frame {pfn}")
        lines += [f"of a page of 2 MiB, {row['pfn']} on" for row in at(spans.huge, t)
                  if row["pfn"] <= pfn < row["pfn"] + (1 << row["order"])]
        lines += [f"page {row['pgoff']} of mapping {row['mapping_id']}" for row in at(spans.content, t)
                  if row["pfn"] == pfn]
        lines += [row["list"] for row in at(spans.lists, t) if row["pfn"] == pfn] or ["on no list"]
        lines += [name for row in at(spans.flags, t) if row["pfn"] == pfn
                  for bit, name in PAGE_FLAGS if row["flags"] & bit]
        if slot is not None:
            lines.append(f"and in slot {slot}")
    return _card(lines, palette.BLUE if pfn is not None else palette.ORANGE)


def _content(spans: Spans, t: int) -> list[str]:
    """Where a page of a file is that the address may map but does not."""
    return [line for row in at(spans.content, t) for line in (
        f"page {row['pgoff']} of mapping {row['mapping_id']}",
        f"is in frame {row['pfn']}" if row["kind"] == "page" else f"is in slot {row['slot']}")]


def _walk(spans: Spans, root: int, pfn: int | None, slot: int | None, t: int) -> list[str]:
    entries = {(row["mm_id"], row["va"]): row for row in at(spans.entries, t)}
    tasks = {row["mm_id"]: row for row in sorted(at(spans.tasks, t), key=lambda row: row["pid"] == row["tgid"])}
    vmas = sorted((row for row in at(spans.vmas, t) if row["root"] == root),
                  key=lambda row: (row["mm_id"], row["va"]))
    kind = "mapping" if any(row["mapping_id"] == root for row in spans.content) else "anon_vma"
    style = "solid" if pfn is not None else "dashed"
    lines = [f"anon [label=<{_card([f'{kind} {root}', f'{len(vmas)} VMA' + 's' * (len(vmas) != 1)], palette.LINE)}>];",
             f"page -> anon [style={style}, tailport=e, headport=w];"]
    for vma in vmas[:MAX_VMAS]:
        name, task = f"vma{vma['vma_id']}", tasks.get(vma["mm_id"])
        who = [task["comm"], f"pid {task['pid']}"] if task else [f"mm {vma['mm_id']}", "no task"]
        mine = vma["mm_id"] == spans.mm_id
        lines += [f"{name} [label=<{_vma(vma, entries.get((vma['mm_id'], vma['va'])), pfn, slot)}>];",
                  f"task{name} [label=<{_card(who, palette.INK if mine else palette.LINE)}>];",
                  f"anon -> {name} [headport=w];",
                  f"{name} -> task{name} [arrowhead=none, tailport=e, headport=w];"]
    if len(vmas) > MAX_VMAS:
        lines += [f"more [label=<{_card([f'and {len(vmas) - MAX_VMAS} more'], palette.LINE)}>];",
                  "anon -> more;"]
    return lines


def _state(entry: Row | None, pfn: int | None, slot: int | None) -> tuple[str, str]:
    """Of STATES, and what the entry refers to."""
    if entry is None or entry["kind"] == "zero":
        return "gone", "" if entry is None else "zero page"
    if entry["kind"] == "page":
        return "present" if entry["pfn"] == pfn else "copy", f"frame {entry['pfn']}"
    return "swapped" if entry["slot"] == slot else "other", f"slot {entry['slot']}"


def _vma(vma: Row, entry: Row | None, pfn: int | None, slot: int | None) -> str:
    state, target = _state(entry, pfn, slot)
    colour, word, _ = STATES[state]
    # Pure black and white: the page gives INK another colour in the dark, but not what stands on colours.
    ink = "#ffffff" if palette.text_on(colour) == palette.PAPER else "#000000"
    rights = "".join(letter if vma["flags"] & bit else "-" for bit, letter in VMA_FLAGS)
    bits = " ".join(letter for bit, letter in PTE_FLAGS if entry and entry["flags"] & bit)
    head = f"VMA {vma['vma_id']} {rights} {hexadecimal(vma['va_start'])}"
    return (f'<TABLE BORDER="1" STYLE="ROUNDED" CELLBORDER="0" CELLSPACING="3" COLOR="{palette.LINE}">'
            f'<TR><TD COLSPAN="3" ALIGN="LEFT">{_text(head)}</TD></TR>'
            f'<TR><TD BGCOLOR="{colour}" WIDTH="106"><FONT COLOR="{ink}"><B>{word}</B>'
            f'</FONT></TD><TD ALIGN="LEFT" WIDTH="86">{_text(target)}</TD>'
            f'<TD ALIGN="LEFT" WIDTH="44">{_text(bits)}</TD></TR></TABLE>')


def _card(lines: list[str], colour: str) -> str:
    """Widths are those of a wide font: the one that a browser takes is not known here."""
    first, *rest = lines
    width = max(round(7.4 * len(first)), *(round(6.8 * len(line)) for line in rest), 0)
    cells = f'<TR><TD ALIGN="LEFT" WIDTH="{width}"><B>{_text(first)}</B></TD></TR>'
    cells += "".join(f'<TR><TD ALIGN="LEFT">{_text(line)}</TD></TR>' for line in rest)
    return (f'<TABLE BORDER="2" STYLE="ROUNDED" CELLBORDER="0" CELLSPACING="1" CELLPADDING="2" '
            f'COLOR="{colour}">{cells}</TABLE>')


def _text(text: str) -> str:
    return html.escape(text) or " "
