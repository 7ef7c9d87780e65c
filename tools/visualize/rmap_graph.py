"""
The reverse map of some pages at one instant, as the kernel would walk it:
page -> anon_vma -> chain links -> VMAs -> PTEs.

Every VMA that a walk would visit is here, mapped or not: that is what a walk costs. A PTE of such a
VMA is

  present  the page itself
  swapped  the slot that the page also has in the swap cache: a fault brings the same page back
  copy     another page: copy-on-write took this mapping away
  other    another slot: a copy, swapped out since
  gone     nothing, or the zero page
"""

import sqlite3
from dataclasses import asdict, dataclass, field
from itertools import accumulate
from typing import Any, Sequence

from .session_db import Moment, SessionDb, SessionError, hexadecimal

MAX_NODES = 170  # for VMAs, tasks and links; pages and labels bring a picture to 200 at most


@dataclass
class Page:
    pfn: int
    tag: str  # the letter that stands for it beside its PTEs
    kind: str
    born: int
    mapcount: int
    anon_vma_id: int
    list: str | None
    slot: int | None  # in the swap cache
    addresses: list[int]


@dataclass
class AnonVma:
    anon_vma_id: int
    root_id: int
    links: int  # chain links, drawn or not


@dataclass
class Pte:
    tag: str
    va: int
    state: str
    refers_to: int | None  # pfn or slot
    flags: list[str]
    uncertain: bool  # events were lost since it is what it is


@dataclass
class Vma:
    vma_id: int
    mm_id: int
    va_start: int
    va_end: int
    flags: list[str]
    pid: int | None
    comm: str | None
    anon_vma_ids: list[int] = field(default_factory=list)  # the chain links that lead here
    ptes: list[Pte] = field(default_factory=list)


@dataclass
class RmapGraph:
    moment: Moment
    why: str  # how the pages were chosen
    pages: list[Page]
    anon_vmas: list[AnonVma]
    vmas: list[Vma]
    hidden_vmas: int  # beyond MAX_NODES
    unreached: list[tuple[int, int, int]]  # (pfn, mm_id, va) mapped, but on no VMA of the chain

    def as_json(self) -> dict[str, Any]:
        data = asdict(self)
        data["t"] = self.moment.t
        data["at"] = self.moment.asked
        del data["moment"]
        return data


def peak_sharing(db: SessionDb) -> int:
    """The first instant at which any page has as many mappings as a page ever had."""
    t = db.value("""
        WITH change(pfn, t, delta) AS (
            SELECT pfn, t_begin, 1 FROM rmap_span UNION ALL SELECT pfn, t_end, -1 FROM rmap_span),
        total AS (SELECT t, sum(delta) OVER (PARTITION BY pfn ORDER BY t, delta) AS n FROM change)
        SELECT t FROM total ORDER BY n DESC, t LIMIT 1""")
    if t is None:
        raise SessionError("no page was ever mapped in this session")
    return t


def most_shared(db: SessionDb, t: int, limit: int) -> list[int]:
    rows = db.rows("SELECT pfn FROM rmap_span WHERE t_begin <= ? AND ? < t_end AND mapping_id <> 0 "
                   "GROUP BY pfn ORDER BY count(*) DESC, pfn LIMIT ?", t, t, limit)
    if not rows:
        raise SessionError("no anonymous page is mapped at this instant")
    return [row["pfn"] for row in rows]


def page_at_address(db: SessionDb, t: int, pid: int, va: int) -> int:
    """The frame that a task's address translates to."""
    task = db.spans_at("task_span", t, "pid = ?", pid)
    if not task:
        raise SessionError(f"no task {pid} at this instant")
    entry = db.spans_at("pte_span", t, "mm_id = ? AND va = ?", task[0]["mm_id"], va & ~0xfff)
    kind = entry[0]["kind"] if entry else "none"
    if kind == "swap":
        raise SessionError(f"{hexadecimal(va)} of task {pid} is in swap slot {entry[0]['slot']}, "
                           "in no frame: choose another --at")
    if kind != "page":
        raise SessionError(f"{hexadecimal(va)} of task {pid} maps no page of its own ({kind})")
    return entry[0]["pfn"]


def build(db: SessionDb, moment: Moment, pfns: list[int], why: str) -> RmapGraph:
    t = moment.t
    slots = db.swap_cache_at(t)
    mappings = db.spans_at("rmap_span", t, f"pfn IN ({_marks(pfns)})", *pfns)
    pages = [_page(db, t, pfn, chr(ord("A") + i), slots.get(pfn),
                   [row for row in mappings if row["pfn"] == pfn]) for i, pfn in enumerate(pfns)]
    links, anon_vmas = _chain(db, t, pages)
    vmas = _vmas(db, t, pages, links)
    reached = {(vma.mm_id, pte.va) for vma in vmas for pte in vma.ptes}
    unreached = [(row["pfn"], row["mm_id"], row["va"]) for row in mappings
                 if (row["mm_id"], row["va"]) not in reached]
    shown = _how_many_fit(vmas)
    return RmapGraph(moment, why, pages, anon_vmas, vmas[:shown], len(vmas) - shown, unreached)


def _how_many_fit(vmas: list[Vma]) -> int:
    nodes = accumulate(2 + len(vma.anon_vma_ids) for vma in vmas)
    return sum(1 for total in nodes if total <= MAX_NODES)


def _marks(values: Sequence[int]) -> str:
    return ", ".join("?" * len(values))


def _page(db: SessionDb, t: int, pfn: int, tag: str, slot: int | None,
          mappings: list[sqlite3.Row]) -> Page:
    life = db.spans_at("page_life", t, 'pfn <= ? AND ? < pfn + (1 << "order")', pfn, pfn)
    if not life:
        raise SessionError(f"frame {hexadecimal(pfn)} is free at this instant")
    lists = db.spans_at("lru_span", t, "pfn = ?", pfn)
    return Page(pfn=pfn, tag=tag, kind=life[0]["kind"], born=life[0]["t_begin"],
                mapcount=len(mappings), anon_vma_id=mappings[0]["mapping_id"] if mappings else 0,
                list=lists[0]["list"] if lists else None, slot=slot,
                addresses=sorted({row["va"] for row in mappings}))


def _chain(db: SessionDb, t: int, pages: list[Page]) -> tuple[dict[int, list[int]], list[AnonVma]]:
    """vma_id -> the anon_vmas, among those of these pages, that link to it; and those anon_vmas."""
    links: dict[int, list[int]] = {}
    anon_vmas = []
    for anon_vma_id in sorted({page.anon_vma_id for page in pages} - {0}):
        spans = db.spans_at("anon_vma_span", t, "anon_vma_id = ?", anon_vma_id)
        if not spans:
            continue
        linked = db.spans_at("avc_span", t, "anon_vma_id = ?", anon_vma_id)
        anon_vmas.append(AnonVma(anon_vma_id, spans[0]["root_id"], len(linked)))
        for row in linked:
            links.setdefault(row["vma_id"], []).append(anon_vma_id)
    return links, anon_vmas


def _vmas(db: SessionDb, t: int, pages: list[Page], links: dict[int, list[int]]) -> list[Vma]:
    """The linked VMAs that cover an address of one of the pages, in order of process."""
    owners = db.owners_at(t)
    before = db.uncertain_before(t)
    addresses = sorted({va for page in pages for va in page.addresses})
    entries = {(row["mm_id"], row["va"]): row
               for row in db.spans_at("pte_span", t, f"va IN ({_marks(addresses)})", *addresses)}
    vmas = []
    for row in db.spans_at("vma_span", t):
        if row["vma_id"] not in links:
            continue
        pid, comm = owners.get(row["mm_id"], (None, None))
        vma = Vma(row["vma_id"], row["mm_id"], row["va_start"], row["va_end"],
                  db.flag_names("vma_flags", row["flags"]), pid, comm, links[row["vma_id"]])
        vma.ptes = [_pte(db, entries.get((vma.mm_id, va)), va, page, before)
                    for page in pages if page.anon_vma_id in vma.anon_vma_ids
                    for va in page.addresses if vma.va_start <= va < vma.va_end]
        if vma.ptes:
            vmas.append(vma)
    return sorted(vmas, key=lambda vma: (vma.pid is None, vma.pid or 0, vma.va_start))


def _pte(db: SessionDb, entry: sqlite3.Row | None, va: int, page: Page, before: int | None) -> Pte:
    # That there is no entry is as uncertain as one made before the loss.
    uncertain = before is not None and (entry is None or entry["t_begin"] < before)
    kind = entry["kind"] if entry else "none"
    flags = db.flag_names("pte_flags", entry["flags"]) if entry else []
    if kind == "page":
        pfn = entry["pfn"]
        return Pte(page.tag, va, "present" if pfn == page.pfn else "copy", pfn, flags,
                   uncertain)
    if kind == "swap":
        slot = entry["slot"]
        return Pte(page.tag, va, "swapped" if slot == page.slot else "other", slot, flags,
                   uncertain)
    return Pte(page.tag, va, "gone", None, flags, uncertain)
