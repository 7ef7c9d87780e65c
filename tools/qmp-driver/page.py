"""The biography of one page as text: who allocated it, who mapped it where, what reclaim saw and
decided, its way to swap and back.

--pfn tells of the page that a frame held, from allocation to free; --pid and --va of the page at an
address, through all frames and swap slots that it was in.
"""

import json
import sqlite3
import sys
from contextlib import closing

import biography
import color
import instant
import session
from biography import OPEN, PAGE_SIZE, Biography, Event, Life
from errors import ToolError
from instant import seconds
from results import rows, value

SCHEMA_VERSION = 1
MAX_CHOICES = 6
# What the summary counts: kind of event, in words for one and for several.
COUNTED = {
    "allocated": ("frame", "frames"), "mapped": ("mapping", "mappings"),
    "accessed": ("look found it used", "looks found it used"),
    "idle": ("look found it idle", "looks found it idle"),
    "evicted": ("eviction", "evictions"), "written": ("write to swap", "writes to swap"),
    "read": ("read from swap", "reads from swap"),
}


def number(text: str) -> int:
    """Decimal, or hexadecimal after 0x."""
    try:
        return int(text, 0)
    except ValueError:
        raise ValueError(f"{text!r} is not a number such as 16234 or 0x403000") from None


def set_argparser(parser) -> None:
    parser.add_argument("session", nargs="?", metavar="SESSION", help="default: the newest")
    parser.add_argument("--pfn", metavar="N", type=parser.checked(number),
                        help="the page in this frame")
    parser.add_argument("--pid", metavar="P", type=parser.checked(number),
                        help="with --va: the page at an address of this task")
    parser.add_argument("--va", metavar="V", type=parser.checked(number), help="the address")
    parser.add_argument("--at", metavar="T", help="which one of several: the one that was there "
                        "at this moment (nanoseconds since boot, end, event#N, barrier#N or oom#N)")
    parser.add_argument("--json", action="store_true", help="JSON instead of text")


def main(args) -> int:
    by_address = args.pid is not None and args.va is not None
    if (args.pfn is not None) == by_address or (args.pid is None) != (args.va is None):
        raise ToolError("page: name a frame (--pfn N) or an address of a task (--pid P --va V)")
    with closing(session.open_database(args.session)) as database:
        at = None if args.at is None else instant.resolve(database, args.at)
        story = Biography(database)
        if by_address:
            title = _choose_address(database, story, args.pid, args.va, at)
        else:
            title = _choose_frame(database, story, args.pfn, at)
        events = story.finish()
        end = instant.end(database)
    if args.json:
        json.dump({"schema_version": SCHEMA_VERSION, "title": title, "events": [
            {"t": e.t, "where": e.where, "what": e.what, "text": e.text} for e in events]},
            sys.stdout, indent=1)
        print()
    else:
        print("\n".join([title, "", *render(events), "", *summary(events, end)]))
    return 0


def _span(begin: int, end: int) -> str:
    return f"{seconds(begin)} to {'the end' if end == OPEN else seconds(end)}"


def _choices(spans: list[tuple[int, int, str]]) -> str:
    shown = [f"{_span(begin, end)} {text}".rstrip() for begin, end, text in spans[:MAX_CHOICES]]
    more = len(spans) - MAX_CHOICES
    return "; ".join(shown + ([f"and {more} more"] if more > 0 else []))


def _choose_frame(database: sqlite3.Connection, story: Biography, pfn: int, at: int | None) -> str:
    lives = biography.lives_of_frame(database, pfn)
    if not lives:
        limit = value(database, "SELECT max_pfn FROM session_begin")
        outside = limit and pfn >= limit
        known = f"; frames are below {limit}" if outside else ": it was never allocated"
        raise ToolError(f"frame {pfn}: no such page in this session{known}")
    chosen = lives if at is None else [life for life in lives if life.t_begin <= at < life.t_end]
    spans = [(life.t_begin, life.t_end, life.kind) for life in lives]
    if not chosen:
        raise ToolError(f"frame {pfn} was free at {seconds(at)} s; it held pages from "
                        f"{_choices(spans)}")
    if len(chosen) > 1:
        raise ToolError(f"frame {pfn} held {len(lives)} pages one after another: choose one by "
                        f"--at T; {_choices(spans)}")
    story.add_frame(chosen[0], pfn)
    return f"the page in frame {pfn} from {_span(chosen[0].t_begin, chosen[0].t_end)} s"


def _choose_address(database: sqlite3.Connection, story: Biography, pid: int, va: int,
                    at: int | None) -> str:
    tasks = rows(database, "SELECT mm_id, comm, t_begin, t_end FROM task_span WHERE pid = :pid "
                           "ORDER BY t_begin", pid=pid)
    if not tasks:
        raise ToolError(f"pid {pid}: no such task in this session; "
                        "`query 'SELECT * FROM task_span'` lists them")
    if at is not None:
        tasks = [task for task in tasks if task[2] <= at < task[3]]
        if not tasks:
            raise ToolError(f"pid {pid} did not exist at {seconds(at)} s")
    page = va & -PAGE_SIZE
    # A task may run several programs in one address space only by never calling exec.
    found = {}
    for mm_id, comm, begin, end in tasks:
        if mm_id and value(database, "SELECT count(*) FROM pte_span WHERE mm_id = :mm AND va = :va",
                           mm=mm_id, va=page):
            found[mm_id] = (begin, end, comm)
    if not found:
        raise ToolError(f"pid {pid}: nothing was ever mapped at 0x{va:x}; "
                        f"{_near(database, tasks, va)}")
    if len(found) > 1:
        raise ToolError(f"pid {pid} had 0x{va:x} in {len(found)} address spaces: choose one by "
                        f"--at T; {_choices(list(found.values()))}")
    mm_id, (begin, end, comm) = next(iter(found.items()))
    story.add_address(mm_id, page)
    return f"the page at 0x{page:x} of pid {pid} ({comm}), address space {mm_id}"


def _near(database: sqlite3.Connection, tasks: list[tuple], va: int) -> str:
    """What the task has at the address, to tell a wrong address from an untouched one."""
    for mm_id, *_ in tasks:
        inside = rows(database, "SELECT va_start, va_end FROM vma_span WHERE mm_id = :mm "
                      "AND va_start <= :va AND :va < va_end LIMIT 1", mm=mm_id, va=va)
        if inside:
            return "it lies in a VMA from 0x{:x} to 0x{:x} and was not touched".format(*inside[0])
    return "no VMA held it"


def render(events: list[Event]) -> list[str]:
    """One line an event; the frame or slot only where it changes."""
    lines, previous = [], None
    for event in events:
        where = event.where if event.where != previous else ""
        lines.append(f"{color.paint(f'{seconds(event.t):>18}', 'dim')}  "
                     f"{color.paint(f'{where:<14}', 'bold')}{event.text}")
        previous = event.where
    return lines


def summary(events: list[Event], end: int) -> list[str]:
    """How often what happened, and how long it was in memory and in swap."""
    counts = [(sum(event.what == what for event in events), words)
              for what, words in COUNTED.items()]
    told = ", ".join(f"{n:,} {words[n != 1]}" for n, words in counts if n)
    places = {}
    for kind, opening, closing_kinds in (("in memory", ("allocated", "split"), ("freed",)),
                                         ("in swap", ("evicted",), ("read", "dropped"))):
        since, total = None, 0
        for event in events:
            if event.what in opening and since is None:
                since = event.t
            elif event.what in closing_kinds and since is not None:
                total, since = total + event.t - since, None
        if since is not None and kind == "in memory":
            total += end - since
        if total:
            places[kind] = total
    times = ", ".join(f"{total / 1e9:.3f} s {kind}" for kind, total in places.items())
    return [f"{len(events):,} events: {told}" if told else f"{len(events):,} events",
            *([times] if times else [])]
