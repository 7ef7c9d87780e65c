"""
The LRU lists at one instant, head to tail, and their sizes over the session.

A page's state is what decides its fate at the tail: whether a PTE of it has the accessed bit (it
gets another round), and whether swap holds its content (it can be dropped) or not (it must be
written first). The accessed and dirty bits are as the kernel last read them: the CPU sets them
silently. On the unevictable list nothing decides: its pages are locked into memory.

A page of 2 MiB stands on its list once, by the first of its 512 frames.
"""

from dataclasses import dataclass
from typing import Any

from .session_db import OPEN_END, Moment, SessionDb, SessionError

STATES = ("accessed_unsaved", "accessed_saved", "idle_unsaved", "idle_saved", "unmapped",
          "locked")
ALWAYS_SHOWN = ("active_anon", "inactive_anon")
UNEVICTABLE = "unevictable"


@dataclass(frozen=True)
class Page:
    pfn: int
    pos: int
    state: str
    owner: str  # task, "shared", of a file's page that nobody maps its mapping, or "nobody"
    mappings: int
    slot: int | None  # in the swap cache
    uncertain: bool = False  # events were lost since it came here
    nr_frames: int = 1


@dataclass(frozen=True)
class Lists:
    moment: Moment
    lists: dict[str, list[Page]]  # name -> pages from head to tail

    def as_json(self) -> dict[str, Any]:
        lists = {name: [vars(page) for page in pages] for name, pages in self.lists.items()}
        return {"t": self.moment.t, "at": self.moment.asked, "lists": lists}


def peak_length(db: SessionDb) -> int:
    """The first instant at which the shorter of an active and an inactive list is longest; while
    one of them stays empty, that at which they are longest together."""
    t = db.value(f"""
        WITH change(t, active, inactive) AS (
            SELECT t_begin, (list LIKE 'active%') * nr_frames, (list LIKE 'inactive%') * nr_frames FROM lru_span
            UNION ALL SELECT t_end, -(list LIKE 'active%') * nr_frames, -(list LIKE 'inactive%') * nr_frames
                FROM lru_span WHERE t_end < {OPEN_END}),
        step(t, active, inactive) AS (SELECT t, sum(active), sum(inactive) FROM change GROUP BY t)
        SELECT t FROM (SELECT t, sum(active) OVER (ORDER BY t) AS a,
                              sum(inactive) OVER (ORDER BY t) AS i FROM step)
        ORDER BY min(a, i) DESC, a + i DESC, t LIMIT 1""")
    if t is None:
        raise SessionError("no page was ever on an LRU list in this session")
    return t


def lists_at(db: SessionDb, moment: Moment) -> Lists:
    t = moment.t
    owners = db.owners_at(t)
    slots = db.swap_cache_at(t)
    bits = db.flags("pte_flags")
    mapped = {row["pfn"]: row for row in db.rows(
        "SELECT pfn, count(*) AS n, min(mm_id) AS mm_id, max(flags & ?) AS accessed, "
        "max(flags & ?) AS dirty FROM pte_span "
        "WHERE t_begin <= ? AND ? < t_end AND pfn IS NOT NULL GROUP BY pfn",
        bits["a"], bits["d"], t, t)}
    before = db.uncertain_before(t) or 0
    lists: dict[str, list[Page]] = {name: [] for name in ALWAYS_SHOWN}
    files = {row["pfn"]: row["mapping_id"] for row in db.spans_at("cache_span", t, "kind = 'page'")}
    for row in db.rows("SELECT pfn, list, pos, t_begin, nr_frames FROM lru_span "
                       "WHERE t_begin <= ? AND ? < t_end ORDER BY list, pos DESC", t, t):
        pfn = row["pfn"]
        mapping, slot = mapped.get(pfn), slots.get(pfn)
        state = "locked" if row["list"] == UNEVICTABLE else _state(mapping, slot)
        lists.setdefault(row["list"], []).append(
            Page(pfn, row["pos"], state, _owner(mapping, owners, files.get(pfn)),
                 mapping["n"] if mapping else 0, slot, row["t_begin"] < before, row["nr_frames"]))
    return Lists(moment, lists)


def _state(mapping: Any, slot: int | None) -> str:
    if mapping is None:
        return "unmapped"
    saved = slot is not None and not mapping["dirty"]
    return ("accessed_" if mapping["accessed"] else "idle_") + ("saved" if saved else "unsaved")


def _owner(mapping: Any, owners: dict[int, tuple[int, str]], file: int | None) -> str:
    if mapping is None:
        return "nobody" if file is None else f"mapping {file}"
    if mapping["n"] > 1:
        return "shared"
    pid, comm = owners.get(mapping["mm_id"], (0, f"mm {mapping['mm_id']}"))
    return f"{comm} {pid}" if pid else comm


@dataclass(frozen=True)
class Sizes:
    """The frames on each list at evenly spaced instants."""

    times: list[int]
    lists: dict[str, list[int]]
    kills: list[tuple[int, int]]  # (t, kill_id)


def sizes(db: SessionDb, samples: int) -> Sizes:
    first = db.value("SELECT min(t_begin) FROM lru_span")
    if first is None:
        raise SessionError("no page was ever on an LRU list in this session")
    step = max(1, -(-(db.last_instant() - first + 1) // samples))
    changes = db.rows(f"""
        SELECT list, (t - ?) / ? AS sample, sum(delta) AS delta FROM (
            SELECT list, t_begin AS t, nr_frames AS delta FROM lru_span
            UNION ALL SELECT list, t_end, -nr_frames FROM lru_span WHERE t_end < {OPEN_END})
        GROUP BY list, sample""", first, step)
    deltas: dict[str, list[int]] = {name: [0] * samples for name in ALWAYS_SHOWN}
    for row in changes:
        deltas.setdefault(row["list"], [0] * samples)[row["sample"]] += row["delta"]
    lists = {}
    for name, changed in deltas.items():
        length = 0
        lists[name] = [length := length + delta for delta in changed]
    kills = db.rows("SELECT t, kill_id FROM oom_kill ORDER BY t")
    return Sizes([first + (i + 1) * step - 1 for i in range(samples)], lists,
                 [(row["t"], row["kill_id"]) for row in kills])
