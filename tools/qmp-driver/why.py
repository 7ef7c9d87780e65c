"""Why a page was evicted: the chain of causes from the watermark that was crossed to the task that wanted the content back.

--pfn tells of the last eviction from a frame, --pid and --va of the last one of the content at an address, at or before --at.
"""

import json
import sqlite3
import sys
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import causes
import color
import instant
import session
from biography import PAGE_SIZE
from causes import Causes, Chain, Fault, Mapping
from errors import ToolError
from instant import seconds
from page import number
from results import rows, value
from visualize import why_picture
from visualize.drawing import DrawingError
from visualize.why_picture import since

SCHEMA_VERSION = 1
PICTURE = "why.svg"
MAX_MAPPINGS = 12  # told one by one


@dataclass(frozen=True)
class Step:
    """One link. mapping: whose lane it stands in, None for the page itself; what: names its kind."""

    t: int
    what: str
    text: str
    mapping: int | None = None


def set_argparser(parser) -> None:
    parser.add_argument("session", nargs="?", metavar="SESSION", help="default: the newest")
    parser.add_argument("--pfn", metavar="N", type=parser.checked(number),
                        help="the page that left this frame")
    parser.add_argument("--pid", metavar="P", type=parser.checked(number),
                        help="with --va: the page at an address of this task")
    parser.add_argument("--va", metavar="V", type=parser.checked(number), help="the address")
    parser.add_argument("--at", metavar="T", default="end",
                        help="the last eviction at or before this moment (nanoseconds since boot, "
                             "end, event#N, barrier#N or oom#N; default: end)")
    parser.add_argument("-o", "--output", metavar="FILE.svg", type=Path,
                        help="draw the chain, too; the DOT source goes beside it")
    parser.add_argument("--picture", action="store_true", help=f"draw it as {PICTURE} in the session")
    parser.add_argument("--json", action="store_true", help="JSON instead of text")


def main(args) -> int:
    by_address = args.pid is not None and args.va is not None
    if (args.pfn is not None) == by_address or (args.pid is None) != (args.va is None):
        raise ToolError("why: name a frame (--pfn N) or an address of a task (--pid P --va V)")
    with closing(session.open_database(args.session)) as database:
        at = instant.resolve(database, args.at)
        if by_address:
            title, eviction = of_address(database, args.pid, args.va, at)
        else:
            title, eviction = of_frame(database, args.pfn, at)
        chain = Causes(database).chain(eviction)
    if chain.mapping_id is not None:
        title += f": page {chain.pgoff} of mapping {chain.mapping_id}"
    told = steps(chain)
    if args.json:
        json.dump({"schema_version": SCHEMA_VERSION, "kind": "why", "title": title, **chain.as_json(),
                   "steps": [vars(step) for step in told]}, sys.stdout, indent=1)
        print()
    else:
        print("\n".join([title, "", *render(told, chain)]))
    path = args.output or (args.session / PICTURE if args.picture else None)
    if path:
        try:
            why_picture.draw(title, chain, told).save(path)
        except (DrawingError, OSError) as error:
            raise ToolError(f"why: {error}") from error
        print(path, file=sys.stderr if args.json else sys.stdout)
    return 0


# ---- which eviction ----

def _last(evictions: list[dict], at: int, what: str) -> dict:
    before = [eviction for eviction in evictions if eviction["t"] <= at]
    if before:
        return before[-1]
    if evictions:
        raise ToolError(f"{what} was not evicted by {seconds(at)} s; {_count(len(evictions), 'eviction')} "
                        f"later, the first at {seconds(evictions[0]['t'])} s")
    raise ToolError(f"{what} was never evicted in this session; `palimpsest page` tells what happened to it")


def of_frame(database: sqlite3.Connection, pfn: int, at: int) -> tuple[str, dict]:
    """Title and eviction: the last one from the frame at or before a moment."""
    limit = value(database, "SELECT max_pfn FROM session_begin")
    if pfn < 0 or (limit and pfn >= limit):
        raise ToolError(f"frame {pfn}: no such frame in this session; frames are below {limit}")
    eviction = _last(causes.evictions_of_frame(database, pfn), at, f"frame {pfn}: a page in it")
    return f"why the page in frame {pfn} was evicted at {seconds(eviction['t'])} s", eviction


def of_address(database: sqlite3.Connection, pid: int, va: int, at: int) -> tuple[str, dict]:
    """The same for the content at an address, whatever frame it was in."""
    spaces = [row[0] for row in rows(
        database, "SELECT DISTINCT mm_id FROM task_span WHERE pid = :pid AND mm_id <> 0", pid=pid)]
    if not spaces:
        if value(database, "SELECT count(*) FROM task_span WHERE pid = :pid", pid=pid):
            raise ToolError(f"pid {pid} is a kernel thread: it has no pages of its own")
        raise ToolError(f"pid {pid}: no such task in this session; "
                        "`query 'SELECT * FROM task_span'` lists them")
    page = va & -PAGE_SIZE
    if not any(value(database, "SELECT count(*) FROM pte_span WHERE mm_id = :mm AND va = :va", mm=mm_id, va=page)
               for mm_id in spaces):
        raise ToolError(f"pid {pid}: nothing was ever mapped at 0x{va:x}")
    found = [eviction for mm_id in spaces for eviction in causes.evictions_of_address(database, mm_id, page)]
    eviction = _last(sorted(found, key=lambda e: e["id"]), at, f"pid {pid}: the page at 0x{page:x}")
    return (f"why the page at 0x{page:x} of pid {pid} was evicted at {seconds(eviction['t'])} s, "
            f"from frame {eviction['pfn']}"), eviction


# ---- the chain in words ----

def steps(chain: Chain) -> list[Step]:
    """The links in the order of time; of those at one moment the cause first."""
    told = [*_short_of_memory(chain), *_pass(chain), *_mappings(chain), *_out(chain), *_back(chain)]
    return sorted(told, key=lambda step: step.t)


def _count(n: int, word: str) -> str:
    return f"{n:,} {word}{'s' * (n != 1)}"


def _in_fault(fault: Fault | None) -> str:
    return f", in its {fault.kind or 'unfinished'} fault at 0x{fault.va:x}" if fault else ""


def _waited(fault: Fault) -> str:
    if fault.latency_ns is None:
        return "and still waited when the trace ended"
    return f"and waited {since(fault.latency_ns)} ({fault.result})"


def _short_of_memory(chain: Chain) -> list[Step]:
    cause, kind = chain.trigger, chain.trigger.kind
    if kind == "madvise":
        return [Step(cause.t, "asked", f"{cause.task} gave up pages by madvise: no watermark was crossed")]
    if cause.t is None:
        began = [Step(cause.t_begin, "kswapd", "kswapd began to work")] if cause.t_begin else []
        return began or [Step(chain.reclaim.t_begin, "kswapd", "kswapd was at work when tracing began")]
    wanted = f"{cause.task} wanted memory{_in_fault(cause.fault)}"
    # What was counted a moment later may lie above the mark again.
    free = f"free memory was {cause.nr_free:,} frames, {cause.watermark} is {cause.watermark_frames:,}"
    if kind == "kswapd":
        return [Step(cause.t, "watermark", f"{free}: {wanted}, and woke kswapd"),
                Step(cause.t_begin, "kswapd", "kswapd began to work")]
    return [Step(cause.t, "direct", f"{free}: {wanted}, and had to reclaim itself")]


def _pass(chain: Chain) -> list[Step]:
    reclaim, look = chain.reclaim, chain.look
    scanned = "" if reclaim.nr_scanned is None else f", {_count(reclaim.nr_scanned, 'inactive page')} looked at"
    told = [Step(reclaim.t_begin, "pass", f"pass {reclaim.pass_id} of {reclaim.task} begins: priority "
                 f"{reclaim.priority}, {reclaim.nr_free:,} frames free{scanned}")]
    if chain.t_isolated is not None:
        there = f", where it was since {seconds(chain.t_listed)} ({chain.why_listed})" if chain.from_list else ""
        told.append(Step(chain.t_isolated, "isolated", f"from {chain.from_list or 'its list'}{there}"))
    if look:
        told.append(Step(look.t, "looked", f"asked {_count(look.mappings, 'mapping')}: accessed bit set in {look.referenced}"))
    return told


def _place(mapping: Mapping) -> str:
    return f"0x{mapping.va:x} of {mapping.task}"


def _mappings(chain: Chain) -> list[Step]:
    told = []
    for lane, mapping in enumerate(chain.mappings):
        if mapping.looked_at:
            used = mapping.t_accessed is not None
            told.append(Step(mapping.t_accessed if used else chain.look.t, "accessed" if used else "idle",
                             "used since the last look" if used else "not used since the last look", lane))
        if mapping.t_unmapped is not None:
            how = {"pass": f"the entry names slot {chain.eviction['slot']} now",
                   "cleared": "the entry is empty now: the page cache names the slot",
                   "an earlier pass": "was unmapped by an earlier pass",
                   "fork_child": "copied by fork as a swap entry",
                   "baseline": "named the slot when tracing began"}.get(
                       mapping.unmapped_by, f"went by itself: {mapping.unmapped_by}")
            told.append(Step(mapping.t_unmapped, "unmapped", how, lane))
        if mapping.back_by in ("swapin", "fault") and mapping.fault:
            told.append(Step(mapping.t_back, "back", f"at {seconds(mapping.fault.t)} "
                             f"({mapping.fault.kind}), {_waited(mapping.fault)}", lane))
        elif mapping.t_back is not None:
            told.append(Step(mapping.t_back, "dropped", f"{mapping.back_by}", lane))
    return told


def _out(chain: Chain) -> list[Step]:
    slot, clean = chain.eviction["slot"], chain.t_write_begin is None
    told = []
    if chain.t_slot is not None:
        told.append(Step(chain.t_slot, "slot", f"given slot {slot}"))
    if not clean:
        told.append(Step(chain.t_write_begin, "written", f"written to slot {slot}: "
                         f"{since(chain.t_write_end - chain.t_write_begin)}"))
    how = f"slot {slot} has its content already: nothing to write" if clean else "the write has ended"
    told.append(Step(chain.eviction["t"], "evicted", how))
    if chain.t_freed is not None:
        told.append(Step(chain.t_freed, "freed", f"frame {chain.eviction['pfn']} is free"))
    return told


def _back(chain: Chain) -> list[Step]:
    told, refault, t_evicted = [], chain.refault, chain.eviction["t"]
    if refault:
        ahead = "read ahead" if refault.readahead else "read back"
        took = "" if refault.t_end is None else f", {since(refault.t_end - refault.t_begin)}"
        told.append(Step(refault.t_begin, "read", f"{ahead} into frame {refault.pfn} for pid {refault.reader}{took}; "
                         f"gone for {since(refault.t_begin - t_evicted)} and "
                         f"{_count(refault.distance_pages, 'eviction')}"))
    if chain.t_next_eviction is not None:
        told.append(Step(chain.t_next_eviction, "again", "the content left memory once more"))
    return told


def conclusion(chain: Chain) -> str:
    """The end of the story in one sentence."""
    refault = chain.refault
    if refault and refault.latency_ns is not None:
        return (f"pid {refault.pid} wanted it back {since(refault.t_begin - chain.eviction['t'])} later "
                f"and waited {since(refault.latency_ns)}")
    if refault:
        return "it was read back, and nobody waited for it"
    return "it was not read back in this session"


def render(told: list[Step], chain: Chain) -> list[str]:
    """One line a step, with the time since the step before."""
    hidden = max(len(chain.mappings) - MAX_MAPPINGS, 0)
    lines, previous = [], None
    for step in told:
        if step.mapping is not None and step.mapping >= MAX_MAPPINGS:
            continue
        later = "" if previous is None else f"+{since(step.t - previous)}"
        place = "" if step.mapping is None else f"{_place(chain.mappings[step.mapping])}: "
        lines.append(f"{color.paint(f'{seconds(step.t):>18}', 'dim')}  {later:>10}  "
                     f"{color.paint(f'{step.what:<10}', 'bold')}{place}{step.text}")
        previous = step.t
    if hidden:
        lines.append(f"and {_count(hidden, 'more mapping')}")
    return [*lines, "", conclusion(chain)]
