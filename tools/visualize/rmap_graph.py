"""
The reverse map of some pages at one instant, as the kernel would walk it: of an anonymous page
page -> anon_vma -> chain links -> VMAs -> PTEs, of a file's page
page -> mapping -> tree of VMAs (i_mmap) -> VMAs -> PTEs.

Every VMA that a walk would visit is here, mapped or not: that is what a walk costs. A PTE of such a
VMA is

  present  the page itself
  swapped  the slot that the page also has in the swap cache: a fault brings the same page back
  copy     another page: copy-on-write took this mapping away
  other    another slot: a copy, swapped out since
  gone     nothing, or the zero page

A page of 2 MiB is one page, known by its first frame, and its PTE one entry of level 2: what takes a
part of it makes 512 pages of it first.
"""

import sqlite3
from collections import Counter
from dataclasses import asdict, dataclass, field
from itertools import accumulate
from typing import Any, Sequence

from .session_db import Moment, SessionDb, SessionError, hexadecimal

MAX_NODES = 170  # for VMAs, tasks and links; pages and labels bring a picture to 200 at most
PAGE_SIZE = 4096
HUGE_ORDER, MAX_ORDER = 9, 10


@dataclass
class Page:
    pfn: int
    tag: str  # the letter that stands for it beside its PTEs
    kind: str
    born: int
    mapcount: int
    nr_frames: int  # 512: a page of 2 MiB, pfn is its first
    anon_vma_id: int  # 0: nobody maps it, or it is a file's
    mapping_id: int  # of its file; 0: it is anonymous
    pgoff: int | None  # where in the file
    list: str | None
    slot: int | None  # in the swap cache
    addresses: list[int]


@dataclass
class AnonVma:
    anon_vma_id: int
    root_id: int
    links: int  # chain links, drawn or not


@dataclass
class Mapping:
    """The cached content of one file."""

    mapping_id: int
    links: int  # VMAs in its tree, drawn or not
    pages: int  # in memory
    slots: int  # in swap


@dataclass
class Pte:
    tag: str
    va: int
    state: str
    refers_to: int | None  # pfn or slot
    flags: list[str]
    uncertain: bool  # events were lost since it is what it is
    level: int = 1  # 2: one entry for 2 MiB


@dataclass
class Vma:
    vma_id: int
    mm_id: int
    va_start: int
    va_end: int
    flags: list[str]
    pid: int | None
    comm: str | None
    threads: int  # that the address space has
    pgoff: int | None  # where in its file it begins
    anon_vma_ids: list[int] = field(default_factory=list)  # the chain links that lead here
    mapping_ids: list[int] = field(default_factory=list)  # the same: trees that it is in
    ptes: list[Pte] = field(default_factory=list)


@dataclass
class RmapGraph:
    moment: Moment
    why: str  # how the pages were chosen
    pages: list[Page]
    anon_vmas: list[AnonVma]
    mappings: list[Mapping]
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
    """First frames; a page of 2 MiB counts once."""
    pfns: list[int] = []
    for row in db.rows("SELECT pfn FROM rmap_span WHERE t_begin <= ? AND ? < t_end "
                       "GROUP BY pfn ORDER BY count(*) DESC, pfn", t, t):
        pfn = _block(db, t, row["pfn"])[0]
        if pfn not in pfns:
            pfns.append(pfn)
        if len(pfns) == limit:
            break
    if not pfns:
        raise SessionError("no page is mapped at this instant")
    return pfns


def page_at_address(db: SessionDb, t: int, pid: int, va: int) -> int:
    """The frame that a task's address translates to."""
    task = db.spans_at("task_span", t, "pid = ?", pid)
    if not task:
        raise SessionError(f"no task {pid} at this instant")
    mm_id, va = task[0]["mm_id"], va & -PAGE_SIZE
    entry = db.spans_at("pte_span", t, "mm_id = ? AND va = ?", mm_id, va)
    kind = entry[0]["kind"] if entry else "none"
    if kind == "page":
        return entry[0]["pfn"]
    if kind == "swap":
        raise SessionError(f"{hexadecimal(va)} of task {pid} is in swap slot {entry[0]['slot']}, "
                           "in no frame: choose another --at")
    cached = _cached_at_address(db, t, mm_id, va) if kind == "none" else None
    if cached is None:
        raise SessionError(f"{hexadecimal(va)} of task {pid} maps no page of its own ({kind})")
    if cached["kind"] == "swap":
        raise SessionError(f"{hexadecimal(va)} of task {pid} is page {cached['pgoff']} of mapping "
                           f"{cached['mapping_id']}, which is in swap slot {cached['slot']}, in no frame: "
                           "choose another --at")
    return cached["pfn"]  # in the page cache, and this task has not touched it


def _cached_at_address(db: SessionDb, t: int, mm_id: int, va: int) -> sqlite3.Row | None:
    """What the page cache has for an address of a VMA of a file."""
    for vma in db.spans_at("vma_span", t, "mm_id = ? AND va_start <= ? AND ? < va_end", mm_id, va, va):
        for link in db.spans_at("i_mmap_span", t, "vma_id = ?", vma["vma_id"]):
            pgoff = link["pgoff"] + (va - vma["va_start"]) // PAGE_SIZE
            for cached in db.spans_at("cache_span", t, "mapping_id = ? AND pgoff = ?",
                                      link["mapping_id"], pgoff):
                return cached
    return None


def build(db: SessionDb, moment: Moment, pfns: list[int], why: str) -> RmapGraph:
    t = moment.t
    slots = db.swap_cache_at(t)
    blocks = dict.fromkeys(_block(db, t, pfn) for pfn in pfns)
    mapped = [_mapped(db, t, pfn, nr) for pfn, nr, _, _ in blocks]
    pages = [_page(db, t, block, chr(ord("A") + i), slots.get(block[0]), mapped[i])
             for i, block in enumerate(blocks)]
    links, anon_vmas = _chain(db, t, pages)
    trees, mappings = _trees(db, t, pages)
    vmas, visited = _vmas(db, t, pages, links, trees)
    unreached = [(row["pfn"], row["mm_id"], row["va"]) for page, rows in zip(pages, mapped)
                 for row in rows if (page.tag, row["mm_id"], row["va"]) not in visited]
    shown = _how_many_fit(vmas)
    return RmapGraph(moment, why, pages, anon_vmas, mappings, vmas[:shown], len(vmas) - shown, unreached)


def _how_many_fit(vmas: list[Vma]) -> int:
    nodes = accumulate(2 + len(vma.anon_vma_ids) + len(vma.mapping_ids) for vma in vmas)
    return sum(1 for total in nodes if total <= MAX_NODES)


def _marks(values: Sequence[int]) -> str:
    return ", ".join("?" * len(values))


def _block(db: SessionDb, t: int, pfn: int) -> tuple[int, int, str, int]:
    """The page that a frame belongs to: first frame, number of frames, kind, since when."""
    heads = sorted({pfn >> order << order for order in range(MAX_ORDER + 1)})
    life = db.spans_at("page_life", t, f'pfn IN ({_marks(heads)}) AND ? < pfn + (1 << "order")', *heads, pfn)
    if not life:
        raise SessionError(f"frame {hexadecimal(pfn)} is free at this instant")
    first, order, kind, born = (life[0][name] for name in ("pfn", "order", "kind", "t_begin"))
    # Other blocks are no page of a program, but frames that were asked for together.
    return (first, 1 << order, kind, born) if order == HUGE_ORDER else (pfn, 1, kind, born)


def _mapped(db: SessionDb, t: int, pfn: int, nr: int) -> list[sqlite3.Row]:
    return db.spans_at("rmap_span", t, "pfn >= ? AND pfn < ?", pfn, pfn + nr)


def _page(db: SessionDb, t: int, block: tuple[int, int, str, int], tag: str, slot: int | None,
          mapped: list[sqlite3.Row]) -> Page:
    pfn, nr, kind, born = block
    lists = db.spans_at("lru_span", t, "pfn = ?", pfn)
    cached = db.spans_at("cache_span", t, "pfn = ?", pfn)
    anon_vma_id = mapped[0]["mapping_id"] if mapped and not cached else 0
    places = {(row["mm_id"], row["va"] - (row["pfn"] - pfn) * PAGE_SIZE) for row in mapped}
    return Page(pfn=pfn, tag=tag, kind=kind, born=born, mapcount=len(places), nr_frames=nr,
                anon_vma_id=anon_vma_id, mapping_id=cached[0]["mapping_id"] if cached else 0,
                pgoff=cached[0]["pgoff"] if cached else None,
                list=lists[0]["list"] if lists else None, slot=slot,
                addresses=sorted({va for _, va in places}))


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


def _trees(db: SessionDb, t: int, pages: list[Page]) -> tuple[dict[int, tuple[int, int]], list[Mapping]]:
    """vma_id -> the mapping, among those of these pages, whose tree it is in, and where in the file
    it begins; and those mappings."""
    trees: dict[int, tuple[int, int]] = {}
    mappings = []
    for mapping_id in sorted({page.mapping_id for page in pages} - {0}):
        linked = db.spans_at("i_mmap_span", t, "mapping_id = ?", mapping_id)
        kinds = Counter(row["kind"] for row in db.spans_at("cache_span", t, "mapping_id = ?", mapping_id))
        mappings.append(Mapping(mapping_id, len(linked), kinds["page"], kinds["swap"]))
        trees.update({row["vma_id"]: (mapping_id, row["pgoff"]) for row in linked})
    return trees, mappings


def _vmas(db: SessionDb, t: int, pages: list[Page], links: dict[int, list[int]],
          trees: dict[int, tuple[int, int]]) -> tuple[list[Vma], set[tuple[str, int, int]]]:
    """The linked VMAs that cover one of the pages, in order of process; and the places that a walk
    comes to: tag, address space and address of each frame."""
    owners, threads = db.owners_at(t), db.threads_at(t)
    reader = _Entries(db, t)
    vmas, visited = [], set()
    for row in db.spans_at("vma_span", t):
        vma_id, mm_id = row["vma_id"], row["mm_id"]
        if vma_id not in links and vma_id not in trees:
            continue
        mapping_id, pgoff = trees.get(vma_id, (0, None))
        pid, comm = owners.get(mm_id, (None, None))
        vma = Vma(vma_id, mm_id, row["va_start"], row["va_end"],
                  db.flag_names("vma_flags", row["flags"]), pid, comm, threads.get(mm_id, 0), pgoff)
        for page in pages:
            for va in _addresses(page, vma, links.get(vma_id, []), mapping_id):
                if vma.va_start <= va < vma.va_end:
                    vma.ptes.append(reader.pte(mm_id, va, page))
                    visited.update((page.tag, mm_id, va + n * PAGE_SIZE) for n in range(page.nr_frames))
        if vma.ptes:
            tags = {pte.tag for pte in vma.ptes}
            owned = [page for page in pages if page.tag in tags]
            vma.anon_vma_ids = [one for one in links.get(vma_id, [])
                                if any(page.anon_vma_id == one for page in owned)]
            vma.mapping_ids = [mapping_id] if any(page.mapping_id for page in owned) else []
            vmas.append(vma)
    return sorted(vmas, key=lambda vma: (vma.pid is None, vma.pid or 0, vma.va_start)), visited


def _addresses(page: Page, vma: Vma, anon_vma_ids: list[int], mapping_id: int) -> list[int]:
    """Where a walk looks for a page in a VMA."""
    if page.mapping_id:
        return [vma.va_start + (page.pgoff - vma.pgoff) * PAGE_SIZE] if page.mapping_id == mapping_id else []
    return page.addresses if page.anon_vma_id in anon_vma_ids else []


class _Entries:
    """What the page tables hold at one instant."""

    def __init__(self, db: SessionDb, t: int) -> None:
        self._db, self._t = db, t
        self._before = db.uncertain_before(t)

    def pte(self, mm_id: int, va: int, page: Page) -> Pte:
        place = (self._t, "mm_id = ? AND va = ?", mm_id, va)
        whole = self._db.spans_at("pmd_span", *place) if page.nr_frames > 1 else []
        entry = next(iter(whole or self._db.spans_at("pte_span", *place)), None)
        kind = "page" if whole else entry["kind"] if entry else "none"
        # That there is no entry is as uncertain as one made before the loss.
        doubt = self._before is not None and (entry is None or entry["t_begin"] < self._before)
        flags = self._db.flag_names("pte_flags", entry["flags"]) if entry else []
        if kind == "page":
            pfn = entry["pfn"]
            return Pte(page.tag, va, "present" if pfn == page.pfn else "copy", pfn, flags, doubt,
                       level=2 if whole else 1)
        if kind == "swap":
            slot = entry["slot"]
            return Pte(page.tag, va, "swapped" if slot == page.slot else "other", slot, flags, doubt)
        return Pte(page.tag, va, "gone", None, flags, doubt)
