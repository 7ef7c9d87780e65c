
-- ===================================================================================================================
-- Views: the usual questions by name. Percentiles are by nearest rank: SQLite has no function for them.
-- ===================================================================================================================

-- Times at which the whole machine stood still: n (number, as --at barrier#n), t (ns), event id.
CREATE VIEW barrier AS
SELECT n, t, id FROM trace_barrier;

-- Where the state is not certain, because events are missing: from t_begin until t_end, what lives with span.t_begin < before may have
-- changed or ended, and what was made before may be unknown. An event about an object makes a new, certain span; a baseline confirms
-- or ends all.
CREATE VIEW uncertain AS
WITH baseline AS (
	SELECT t FROM state_begin WHERE id < (SELECT max(id) FROM state_end)
), point(t) AS (
	SELECT t_from FROM loss_window UNION SELECT t FROM baseline
), doubt AS (
	SELECT t AS t_begin, lead(t, 1, 9223372036854775807) OVER (ORDER BY t) AS t_end, (
		SELECT max(t_to) FROM loss_window WHERE t_from <= point.t
		AND t_to > coalesce((SELECT max(t) FROM baseline WHERE t <= point.t), -1)) AS before
	FROM point
)
SELECT t_begin, t_end, before FROM doubt WHERE before IS NOT NULL ORDER BY t_begin;

-- When tracing was paused: from t_begin, where all spans end, until t_end, where a baseline begins new ones. What happened meanwhile is
-- not known.
CREATE VIEW pause AS
SELECT t AS t_begin,
	coalesce((SELECT min(state_begin.t) FROM state_begin WHERE state_begin.id > trace_off.id), 9223372036854775807) AS t_end
FROM trace_off;

-- The spans that live at a keyframe: k, table_id, span_id (rowid in that table, see span_table).
CREATE VIEW live AS
SELECT k, table_id, value AS span_id FROM live_ids, json_each(ids);

-- Faults by kind and result: n, and the median, 99th percentile and maximum of their latency in ns, from the trap to its end:
-- waiting for the disk, for a lock, for a CPU and for the trace are in it (fault.stalled_ns is the last). Faults that the
-- trace saw no end of are left out.
CREATE VIEW fault_latency AS
WITH ranked AS (
	SELECT kind, result, latency_ns,
		row_number() OVER (PARTITION BY kind, result ORDER BY latency_ns) AS place,
		count(*) OVER (PARTITION BY kind, result) AS n
	FROM fault WHERE latency_ns IS NOT NULL
)
SELECT kind, result, n,
	max(latency_ns) FILTER (WHERE place <= (n * 50 + 99) / 100) AS p50_ns,
	max(latency_ns) FILTER (WHERE place <= (n * 99 + 99) / 100) AS p99_ns,
	max(latency_ns) AS max_ns
FROM ranked GROUP BY kind, result ORDER BY n DESC;

-- The same by kind whatever the result.
CREATE VIEW fault_kind_latency AS
WITH ranked AS (
	SELECT kind, latency_ns, row_number() OVER (PARTITION BY kind ORDER BY latency_ns) AS place,
		count(*) OVER (PARTITION BY kind) AS n
	FROM fault WHERE latency_ns IS NOT NULL
)
SELECT kind, n, max(latency_ns) FILTER (WHERE place <= (n * 50 + 99) / 100) AS p50_ns,
	max(latency_ns) FILTER (WHERE place <= (n * 99 + 99) / 100) AS p99_ns, max(latency_ns) AS max_ns
FROM ranked GROUP BY kind ORDER BY n DESC;

-- What kswapd and direct reclaim looked at, and what came of it, from reclaim_pass and eviction: kind, passes, and in pages
-- scanned, freed (at once), written, activated, deactivated, evicted (left memory in the end); efficiency: evicted per
-- scanned; total_ns: time in passes, of which several may run at once. A pass that the trace saw no end of counts
-- only in passes.
CREATE VIEW reclaim_efficiency AS
SELECT kind, count(*) AS passes, sum(nr_scanned) AS scanned, sum(nr_freed) AS freed, sum(nr_written) AS written,
	sum(nr_activated) AS activated, sum(nr_deactivated) AS deactivated,
	(SELECT count(*) FROM eviction WHERE eviction.kind = reclaim_pass.kind) AS evicted,
	round(1.0 * (SELECT count(*) FROM eviction WHERE eviction.kind = reclaim_pass.kind)
		/ nullif(sum(nr_scanned), 0), 3) AS efficiency,
	sum(t_end - t_begin) FILTER (WHERE nr_scanned IS NOT NULL) AS total_ns
FROM reclaim_pass GROUP BY kind;

-- Reclaim decisions by who took them (kind), the list the page came from, and verdict: n, and what the verdict means.
CREATE VIEW reclaim_verdicts AS
SELECT reclaim_pass.kind, lists.name AS list, verdicts.name AS verdict, count(*) AS n, verdicts.doc AS meaning
FROM reclaim_decision JOIN reclaim_pass USING (pass_id)
JOIN enum_name AS verdicts ON verdicts.enum = 'reclaim_verdict' AND verdicts.value = verdict
JOIN enum_name AS lists ON lists.enum = 'lru_list' AND lists.value = reclaim_decision.list
GROUP BY reclaim_pass.kind, lists.name, verdicts.name ORDER BY n DESC;

-- How far back evicted pages came: refaults by distance, in powers of two (distance_from <= distance <
-- distance_to, in evictions between the two). nobody_waited: read ahead and not faulted on.
CREATE VIEW refault_distance AS
WITH RECURSIVE bucket(distance_from, distance_to) AS (
	SELECT 0, 1 UNION ALL
	SELECT distance_to, distance_to * 2 FROM bucket
	WHERE distance_to <= (SELECT max(distance_pages) FROM refault)
)
SELECT distance_from, distance_to, count(refault.t) AS n,
	count(refault.t) FILTER (WHERE latency_ns IS NULL) AS nobody_waited
FROM bucket LEFT JOIN refault ON distance_pages >= distance_from AND distance_pages < distance_to
GROUP BY distance_from ORDER BY distance_from;

-- Evictions that were a mistake: their content was wanted again before as many pages were evicted as the machine has frames,
-- so a better choice would have kept it. When (t) and where (pfn, slot), reason, kind and pass_id of the decision, gone_ns (until
-- it was read back), latency_ns of the fault that wanted it and pid of its task. What read-ahead brought back and nobody
-- faulted on is not listed.
CREATE VIEW eviction_regretted AS
SELECT eviction.id AS eviction_id, eviction.t, eviction.pfn, eviction.slot, eviction.reason, eviction.kind,
	eviction.pass_id, refault.t - eviction.t AS gone_ns, distance_pages, latency_ns, refault.pid
FROM eviction JOIN refault ON refault.eviction_id = eviction.id
WHERE refault.latency_ns IS NOT NULL
AND distance_pages < (SELECT value FROM session WHERE key = 'nr_frames');

-- Pages with the most mappings at the time in table moment: pfn, mappings, address_spaces, mapping_id (the page's anon_vma, or
-- the mapping of its file), va (the lowest). The zero page is not counted; of a page of 2 MiB each frame is.
CREATE VIEW most_shared_at_moment AS
SELECT pfn, count(*) AS mappings, count(DISTINCT mm_id) AS address_spaces, min(mapping_id) AS mapping_id,
	printf('0x%x', min(va)) AS va
FROM rmap_span, moment
WHERE t_begin <= moment.t AND moment.t < t_end
GROUP BY pfn ORDER BY mappings DESC, pfn;

-- The most mappings that each frame ever had at once, and when (t, ns) that was; a frame may hold many pages one after another.
CREATE VIEW most_shared_ever AS
WITH change AS (
	SELECT pfn, t_begin AS t, 1 AS step FROM rmap_span
	UNION ALL
	SELECT pfn, t_end, -1 FROM rmap_span
), counted AS (
	SELECT pfn, t, sum(step) OVER (PARTITION BY pfn ORDER BY t, step ROWS UNBOUNDED PRECEDING) AS mappings
	FROM change
)
SELECT pfn, max(mappings) AS mappings, t FROM counted GROUP BY pfn ORDER BY mappings DESC, pfn;

-- LRU lists at the time in table moment, head (place 1) to tail: why_in (how it came there), age_ns (since then), nr_frames
-- (512: a page of 2 MiB).
CREATE VIEW lru_at_moment AS
SELECT list, row_number() OVER (PARTITION BY list ORDER BY pos DESC) AS place, pfn, pos, why_in,
	moment.t - t_begin AS age_ns, nr_frames
FROM lru_span, moment
WHERE t_begin <= moment.t AND moment.t < t_end
ORDER BY list, place;

-- Sizes of the LRU lists after each change, list by list: t (ns), list, size (pages). Changes of one list at the same
-- nanosecond have one row each, with the size after all of them.
CREATE VIEW lru_size AS
WITH change AS (
	SELECT list, t_begin AS t, nr_frames AS step FROM lru_span
	UNION ALL
	SELECT list, t_end, -nr_frames FROM lru_span WHERE t_end < 9223372036854775807
)
SELECT t, list, sum(step) OVER (PARTITION BY list ORDER BY t) AS size FROM change;

-- Free frames after each allocation and free, in their order: event id, t (ns), nr_free (frames). It begins with the first
-- baseline; every further one is counted anew, so that what happened while tracing was off is in it.
CREATE VIEW free_memory AS
WITH change AS (
	SELECT id, t, 1 AS baseline, (
		SELECT sum(1 << "order") FROM state_free WHERE state_free.id < state_end.id
		AND state_free.id > (SELECT max(id) FROM state_begin WHERE state_begin.id < state_end.id)) AS step
	FROM state_end
	UNION ALL
	SELECT id, t, 0, -(1 << "order") FROM mm_page_alloc
	UNION ALL
	SELECT id, t, 0, 1 << "order" FROM mm_page_free
), epoch AS (
	SELECT id, t, step, sum(baseline) OVER (ORDER BY id ROWS UNBOUNDED PRECEDING) AS baselines FROM change
)
SELECT id, t, sum(step) OVER (PARTITION BY baselines ORDER BY id ROWS UNBOUNDED PRECEDING) AS nr_free
FROM epoch WHERE baselines > 0;

-- Free memory against the watermarks, in 100 steps of equal length: from t_begin until t_end (ns), the fewest and the most
-- free frames, the three watermarks (frames), and where the fewest lie: below min (an allocation reclaims directly),
-- below low (kswapd is woken), below high (kswapd goes on), enough.
CREATE VIEW free_memory_watermarks AS
WITH RECURSIVE clock AS (
	SELECT min(t) AS t_first, (max(t) - min(t)) / 100 + 1 AS length FROM free_memory
), step(n) AS (
	SELECT 0 UNION ALL SELECT n + 1 FROM step WHERE n < 99
), value AS MATERIALIZED (
	SELECT (t - t_first) / length AS n, (lead(t, 1, t) OVER (ORDER BY id) - t_first) / length AS n_until, nr_free
	FROM free_memory, clock
), held AS (
	SELECT n, nr_free FROM value
	UNION ALL -- a value that holds over the border of steps is one of the later ones too
	SELECT step.n, nr_free FROM value JOIN step ON step.n > value.n AND step.n <= n_until WHERE n_until > value.n
)
SELECT t_first + n * length AS t_begin, t_first + (n + 1) * length AS t_end, min(nr_free) AS fewest, max(nr_free) AS most,
	watermark_min, watermark_low, watermark_high,
	CASE WHEN min(nr_free) < watermark_min THEN 'below min' WHEN min(nr_free) < watermark_low THEN 'below low'
		WHEN min(nr_free) < watermark_high THEN 'below high' ELSE 'enough' END AS fewest_is
FROM held, clock, session_begin GROUP BY n ORDER BY n;

-- Where free memory was how long: zone (as in free_memory_watermarks), stays (times it was entered), total_ns, share of the
-- time from the first baseline to the last change, longest_ns, fewest (free frames).
CREATE VIEW watermark_time AS
WITH value AS (
	SELECT m.id, m.t, lead(m.t, 1, m.t) OVER (ORDER BY m.id) AS t_until, nr_free,
		CASE WHEN nr_free < watermark_min THEN 0 WHEN nr_free < watermark_low THEN 1
			WHEN nr_free < watermark_high THEN 2 ELSE 3 END AS zone
	FROM free_memory AS m, session_begin
), entered AS (
	SELECT *, zone IS NOT lag(zone) OVER (ORDER BY id) AS enters FROM value
), stay AS (
	SELECT zone, max(t_until) - min(t) AS ns, min(nr_free) AS fewest
	FROM (SELECT *, sum(enters) OVER (ORDER BY id ROWS UNBOUNDED PRECEDING) AS n FROM entered) GROUP BY n
)
SELECT CASE zone WHEN 0 THEN 'below min' WHEN 1 THEN 'below low' WHEN 2 THEN 'below high' ELSE 'enough' END AS zone,
	count(*) AS stays, sum(ns) AS total_ns, round(1.0 * sum(ns) / nullif(sum(sum(ns)) OVER (), 0), 4) AS share,
	max(ns) AS longest_ns, min(fewest) AS fewest
FROM stay GROUP BY stay.zone ORDER BY stay.zone;

-- Lives of swap slots: one row from allocation to free: life_id (names the content), max_refs (entries and the swap cache),
-- lifetime_ns (NULL while it lasts), evictions (times the content left memory for this slot).
CREATE VIEW swap_slot_life AS
WITH life AS (
	SELECT life_id, slot, min(t_begin) AS t_begin, max(t_end) AS t_end, max(refs) AS max_refs
	FROM swap_span GROUP BY life_id
), evicted AS (
	SELECT content_id, count(*) AS n FROM eviction GROUP BY content_id
)
SELECT life_id, slot, t_begin, t_end, max_refs,
	CASE WHEN t_end < 9223372036854775807 THEN t_end - t_begin END AS lifetime_ns,
	coalesce(evicted.n, 0) AS evictions
FROM life LEFT JOIN evicted ON content_id = life_id ORDER BY life_id;

-- Lifetimes of swap slots: n that came to an end, and median, 99th percentile and maximum in ns.
CREATE VIEW swap_slot_lifetimes AS
WITH life AS (
	SELECT max(t_end) - min(t_begin) AS lifetime_ns FROM swap_span
	GROUP BY life_id HAVING max(t_end) < 9223372036854775807
), ranked AS (
	SELECT lifetime_ns, row_number() OVER (ORDER BY lifetime_ns) AS place, count(*) OVER () AS n FROM life
)
SELECT n, max(lifetime_ns) FILTER (WHERE place <= (n * 50 + 99) / 100) AS p50_ns,
	max(lifetime_ns) FILTER (WHERE place <= (n * 99 + 99) / 100) AS p99_ns, max(lifetime_ns) AS max_ns
FROM ranked GROUP BY n;

-- OOM decisions with every candidate, the highest first: the terms of the score in frames (swapped: in entries), its oom_score_adj
-- and the points that this makes, whether it was eligible, and fate, which says who died.
CREATE VIEW oom_scoreboard AS
SELECT oom_candidate.kill_id, oom_candidate.pid, comm, score, resident, swapped, page_tables, oom_score_adj, points, eligible,
	CASE WHEN oom_kill.pid = oom_candidate.pid THEN 'killed' ELSE '' END AS fate,
	CASE WHEN oom_kill.pid = oom_candidate.pid THEN predicted_pages END AS predicted_pages,
	CASE WHEN oom_kill.pid = oom_candidate.pid THEN freed_pages END AS freed_pages
FROM oom_candidate LEFT JOIN oom_kill USING (kill_id)
ORDER BY oom_candidate.kill_id, points DESC, oom_candidate.pid;

-- Who stalled in direct reclaim: pid, comm (its name at its first stall), n (stalls), total_ns, max_ns, reclaimed (frames
-- that came free meanwhile, whoever freed them), faults (page faults that contain a stall) and fault_ns (what those spent
-- in it, in ns; the rest of total_ns was spent in system calls).
CREATE VIEW direct_reclaim_sleepers AS
WITH stall AS (
	SELECT pid, min(t_begin) AS t_first, count(*) AS n, sum(t_end - t_begin) AS total_ns,
		max(t_end - t_begin) AS max_ns, sum(nr_reclaimed) AS reclaimed
	FROM direct_reclaim GROUP BY pid
), waiting AS (
	SELECT pid, count(*) AS faults, sum(reclaim_ns) AS fault_ns FROM fault WHERE reclaim_ns > 0 GROUP BY pid
)
SELECT pid, (SELECT comm FROM task_span WHERE task_span.pid = stall.pid AND t_begin <= t_first
		ORDER BY t_begin DESC LIMIT 1) AS comm,
	n, total_ns, max_ns, reclaimed, coalesce(faults, 0) AS faults, coalesce(fault_ns, 0) AS fault_ns
FROM stall LEFT JOIN waiting USING (pid) ORDER BY total_ns DESC;

-- The kernel's own counters against the events, between the first and the last time that it told them, pauses of the trace left out. The kernel counts at
-- other places than it emits; each row must say equal = 1.
CREATE VIEW vmstat_check AS
WITH told AS (
	SELECT item, min(id) AS first_id, max(id) AS last_id FROM vmstat GROUP BY item HAVING count(*) > 1
), kernel AS (
	SELECT item, first_id, last_id, sum(value - before) AS n FROM (
		SELECT item, id, value, lag(value) OVER item AS before, lag(id) OVER item AS id_before
		FROM vmstat WINDOW item AS (PARTITION BY item ORDER BY id)
	) AS step JOIN told USING (item)
	WHERE id_before IS NOT NULL AND NOT EXISTS (SELECT 1 FROM trace_off WHERE trace_off.id > id_before AND trace_off.id < step.id)
	GROUP BY item
), counted(item, id, n) AS (
	SELECT 0, id, 1 FROM page_fault_end WHERE result IN (0, 1) -- pgfault: minor, major
	UNION ALL SELECT 1, id, 1 FROM page_fault_end WHERE result = 1 -- pgmajfault
	UNION ALL SELECT 2, id, 1 << "order" FROM mm_page_alloc -- pgalloc
	UNION ALL SELECT 3, id, 1 << "order" FROM mm_page_free -- pgfree
	UNION ALL SELECT 4, id, 1 FROM swap_in_begin -- pswpin
	UNION ALL SELECT 5, id, 1 FROM swap_out_begin -- pswpout
	UNION ALL SELECT CASE kind WHEN 'kswapd' THEN 6 ELSE 7 END, id, 1 -- pgscan_kswapd, pgscan_direct
		FROM reclaim_decision JOIN reclaim_pass USING (pass_id) WHERE list IN (0, 2) AND kind <> 'madvise'
	UNION ALL SELECT CASE kind WHEN 2 THEN 15 ELSE 8 + kind END, id, 1 -- pgsteal_kswapd, pgsteal_direct, pgsteal_madvise
		FROM page_evicted
	UNION ALL SELECT 10, id, 1 FROM reclaim_decision WHERE verdict = 2 -- pgactivate: by a look
	UNION ALL SELECT 10, id, 1 FROM lru_insert WHERE why = 15 -- pgactivate: by a use
	UNION ALL SELECT 11, id, 1 FROM reclaim_decision WHERE verdict = 8 -- pgdeactivate
	UNION ALL SELECT 16, id, 1 FROM reclaim_decision WHERE verdict = 12 -- unevictable_pgs_culled
	UNION ALL SELECT 17, id, 1 FROM lru_remove WHERE list = 4 AND why = 11 -- unevictable_pgs_rescued
	UNION ALL SELECT 18, id, 1 FROM lru_insert WHERE list = 4 AND why IN (0, 10) -- unevictable_pgs_mlocked
	UNION ALL SELECT 19, id, 1 FROM lru_remove WHERE list = 4 AND why = 11 -- unevictable_pgs_munlocked
	UNION ALL SELECT 20, id, 1 FROM page_flags WHERE "set" & 16384 -- pglazyfree
	UNION ALL SELECT 21, id, 1 FROM reclaim_decision WHERE verdict = 13 -- pglazyfreed
	UNION ALL SELECT 12, id, 1 FROM mark_victim -- oom_kill
	UNION ALL SELECT 13, id, 1 FROM mm_vmscan_direct_reclaim_begin -- allocstall
	UNION ALL SELECT 14, id, 1 FROM mm_vmscan_kswapd_wake -- pageoutrun
	UNION ALL SELECT 22, id, 1 FROM pmd_set WHERE why = 0 -- thp_fault_alloc: fault
	UNION ALL SELECT 23, id, 1 FROM thp_fault_fallback
	UNION ALL SELECT 24, id, 1 FROM page_split -- thp_split_page
	UNION ALL SELECT 25, id, 1 FROM pmd_split -- thp_split_pmd
	UNION ALL SELECT 26, id, 1 FROM page_split WHERE pos_last < pos -- thp_swpout_fallback: to the tail
	UNION ALL SELECT 27, id, 1 FROM mm_compaction_begin -- compact_stall
	UNION ALL SELECT 29 - status, id, 1 FROM mm_compaction_end -- compact_success, compact_fail
	UNION ALL SELECT 30, id, 1 FROM lru_remove WHERE why = 14 -- pgmigrate_success
	UNION ALL SELECT 31, id, failed FROM mm_migrate_pages -- pgmigrate_fail
), events AS (
	SELECT kernel.item, coalesce(sum(counted.n), 0) AS n
	FROM kernel LEFT JOIN counted ON counted.item = kernel.item AND counted.id > first_id AND counted.id < last_id
	GROUP BY kernel.item
)
SELECT enum_name.name AS item, kernel.n AS kernel, events.n AS events, kernel.n = events.n AS equal
FROM kernel JOIN events USING (item) JOIN enum_name ON enum = 'vmstat_item' AND enum_name.value = kernel.item
ORDER BY kernel.item;

-- Copy-on-write by task: pid, comm (its last name), copied (writes to a page that others mapped too), reused (writes to one
-- that nobody else mapped any more: made writable in place), copied_bytes, total_ns and max_ns (latency of both). A write
-- that a system call made for the task is among them.
CREATE VIEW cow_breaks AS
SELECT pid, (SELECT comm FROM task_span WHERE task_span.pid = fault.pid ORDER BY t_begin DESC LIMIT 1) AS comm,
	count(*) FILTER (WHERE kind = 'cow') AS copied, count(*) FILTER (WHERE kind = 'reuse') AS reused,
	4096 * count(*) FILTER (WHERE kind = 'cow') AS copied_bytes, sum(latency_ns) AS total_ns, max(latency_ns) AS max_ns
FROM fault WHERE kind IN ('cow', 'reuse') AND result IN ('minor', 'major') GROUP BY pid ORDER BY copied DESC, pid;

-- Why predicted and freed differ, exactly: kill_id, t (ns), pid, predicted_pages, alone_pages (what only the victim had at the
-- kill by the trace: frames of its own that nobody else mapped, and its page tables), freed_pages, shared_pages (predicted
-- minus alone: in a fork the victim holds its mmap_lock, so that only the counters can be read, and they count what it shares
-- too), later_pages (freed minus alone: others gave up what they shared, a child that its fork did not finish among them, or began
-- to share; a fault or fork under way still got a page or a table).
CREATE VIEW oom_prediction_error AS
SELECT kill_id, t, pid, predicted_pages, alone_pages, freed_pages, predicted_pages - alone_pages AS shared_pages,
	freed_pages - alone_pages AS later_pages
FROM (
	SELECT *, (
		SELECT ifnull(sum(1 << "order"), 0) FROM rmap_span AS own JOIN page_life AS life
			ON life.pfn = own.pfn AND life.t_begin <= oom_kill.t AND oom_kill.t < life.t_end
		WHERE own.mm_id = oom_kill.mm_id AND own.t_begin <= oom_kill.t AND oom_kill.t < own.t_end
			AND own.mapping_id NOT IN (SELECT mapping_id FROM mapping_span)
			AND NOT EXISTS (SELECT * FROM rmap_span AS other WHERE other.pfn = own.pfn AND other.rowid <> own.rowid
				AND other.t_begin <= oom_kill.t AND oom_kill.t < other.t_end)
	) + (
		SELECT count(*) + 1 FROM pgtable_span
		WHERE mm_id = oom_kill.mm_id AND t_begin <= oom_kill.t AND oom_kill.t < t_end
	) AS alone_pages
	FROM oom_kill) ORDER BY kill_id;

-- Predicted against freed of each OOM kill: kill_id, t (ns), pid and comm of the victim, predicted_pages (frames that only it
-- mapped), freed_pages (that came free; NULL: not over when the trace ended), error_pages (freed minus predicted: its
-- page tables and swap cache add, a page that somebody began to share takes away), error_share (of predicted),
-- reap_ns (from the kill until its memory was taken).
CREATE VIEW oom_prediction AS
SELECT kill_id, t, oom_kill.pid, comm, predicted_pages, freed_pages, freed_pages - predicted_pages AS error_pages,
	round(1.0 * (freed_pages - predicted_pages) / nullif(predicted_pages, 0), 4) AS error_share, t_done - t AS reap_ns
FROM oom_kill LEFT JOIN oom_candidate USING (kill_id, pid) ORDER BY kill_id;

-- Everything the trace tells of the use of pages of programs and files: event id, t (ns), pfn, what. swapin: content is read from swap into
-- the frame; fault: a page fault mapped it, so it was used at t; accessed: a reclaim pass, or who removed a mapping, found an
-- accessed bit set, so it was used since the event before; idle: a pass found none; evict: a pass decided to evict it;
-- free: the frame is given up. Uses between two looks count as one; what a system call does by the kernel's own mapping
-- sets no accessed bit. A page of 2 MiB is its first frame.
CREATE VIEW page_use AS
SELECT id, t, pfn, 'swapin' AS what FROM swap_in_begin
UNION ALL SELECT id, t, value, 'fault' FROM pte_set WHERE kind = 1 AND why IN (0, 1, 6)
UNION ALL SELECT id, t, pfn, 'fault' FROM pmd_set WHERE why IN (0, 1)
UNION ALL SELECT id, t, pfn, CASE WHEN referenced THEN 'accessed' ELSE 'idle' END FROM lru_referenced
UNION ALL SELECT id, t, value, 'accessed' FROM pte_clear WHERE old_kind = 1 AND old_flags & 4
UNION ALL SELECT id, t, pfn, 'accessed' FROM pmd_clear WHERE old_flags & 4
UNION ALL SELECT id, t, pfn, 'evict' FROM reclaim_decision WHERE verdict IN (0, 1)
UNION ALL SELECT id, t, pfn, 'free' FROM mm_page_free WHERE kind IN (3, 4, 9);

-- Evictions against the order of use: a page was evicted although another one, kept at that moment, had not been used for
-- longer. t (ns) of the decision, pfn and accessed_from: it was used at or after that; kept_pfn, kept_list (where that
-- page was then), kept_accessed_to: it was used before that, and then not until kept_until (ns), where a pass saw its accessed
-- bits clear or evicted it. Of several such pages the one that stayed unused the longest is named. Uses are known as in
-- page_use: a page that no pass looked at again is not known to be unused, so that the true number may be higher. A page on the
-- active list that is older than an evicted inactive one counts too; WHERE kept_list = 'inactive_anon' asks for the same list.
CREATE VIEW lru_inversion AS
WITH sighting AS (
	SELECT id, t, pfn, what, lag(t) OVER page AS t_before,
		sum(what NOT IN ('idle', 'evict')) OVER (page ROWS UNBOUNDED PRECEDING) AS n
	FROM page_use WINDOW page AS (PARTITION BY pfn ORDER BY id)
), quiet AS ( -- from one use of a page to the next: when that use was, and what came of the page
	SELECT pfn, max(CASE what WHEN 'fault' THEN t WHEN 'accessed' THEN t_before END) AS accessed_from,
		max(t) FILTER (WHERE what IN ('fault', 'accessed')) AS accessed_to,
		max(t) FILTER (WHERE what = 'idle') AS idle_until, max(t) FILTER (WHERE what = 'evict') AS t_evict
	FROM sighting GROUP BY pfn, n
), place AS ( -- both kinds of pages in the order of their use; of equals the evicted one first, as it was not used later
	SELECT accessed_from AS t_use, 0 AS kept, pfn, t_evict, NULL AS idle_until FROM quiet WHERE t_evict IS NOT NULL
	UNION ALL
	SELECT accessed_to, 1, pfn, NULL, idle_until FROM quiet WHERE idle_until > accessed_to
), inversion AS MATERIALIZED (
	SELECT t_evict, pfn, t_use, kept_until FROM (
		SELECT *, max(idle_until) OVER (ORDER BY t_use, kept ROWS UNBOUNDED PRECEDING) AS kept_until FROM place)
	WHERE kept = 0 AND kept_until > t_evict
), named AS (
	SELECT inversion.*, place.pfn AS kept_pfn, max(place.t_use) AS kept_accessed_to
	FROM inversion JOIN place ON idle_until = kept_until AND place.t_use < inversion.t_use
	GROUP BY inversion.pfn, inversion.t_evict
)
SELECT t_evict AS t, pfn, t_use AS accessed_from, kept_pfn,
	(SELECT list FROM lru_span WHERE lru_span.pfn = kept_pfn AND t_begin <= t_evict AND t_evict < t_end) AS kept_list,
	kept_accessed_to, kept_until
FROM named ORDER BY t;

-- Pages that were read from swap and not used again before they were evicted or freed: t (ns) of the read, pfn, slot, pid (whose
-- fault caused it), readahead (1: nobody had asked for it), used: never (nobody mapped it) or once (only by the fault that
-- wanted it: the first look after it sees that use, and no later one saw another), t_out (ns) and how it went: evicted, or
-- freed. Pages still there when the trace ended are not listed; reads that failed are. Uses are known as in page_use.
CREATE VIEW swapin_unused AS
WITH sighting AS (
	SELECT id, t, pfn, what, sum(what IN ('swapin', 'free')) OVER page - (what = 'free') AS stay
	FROM page_use WINDOW page AS (PARTITION BY pfn ORDER BY id ROWS UNBOUNDED PRECEDING)
), life AS (
	SELECT pfn, max(id) FILTER (WHERE what = 'swapin') AS id, sum(what = 'fault') AS faults,
		sum(what = 'accessed') AS accessed, max(t) FILTER (WHERE what = 'free') AS t_out, sum(what = 'evict') AS evicted
	FROM sighting GROUP BY pfn, stay
)
SELECT swap_in_begin.t, life.pfn, slot, pid, readahead, CASE WHEN faults THEN 'once' ELSE 'never' END AS used, t_out,
	CASE WHEN evicted THEN 'evicted' ELSE 'freed' END AS how
FROM life JOIN swap_in_begin USING (id) WHERE t_out IS NOT NULL AND faults <= 1 AND accessed <= 1 ORDER BY swap_in_begin.t;

-- Who mapped which file, over the whole session: mapping_id, pid and comm (of the leader), vmas, pages (different ones that it mapped),
-- t_begin, t_end (ns), executable, writable and shared (1: one of the VMAs was).
CREATE VIEW file_user AS
WITH used AS (
	SELECT mapping_id, mm_id, count(DISTINCT vma_id) AS vmas, min(link.t_begin) AS t_begin, max(link.t_end) AS t_end,
		max(flags & 4) > 0 AS executable, max(flags & 2) > 0 AS writable, max(flags & 8) > 0 AS shared
	FROM i_mmap_span AS link JOIN vma_span USING (vma_id)
	WHERE vma_span.t_begin < link.t_end AND link.t_begin < vma_span.t_end GROUP BY mapping_id, mm_id
), mapped AS (
	SELECT mapping_id, mm_id, count(DISTINCT va) AS pages FROM rmap_span JOIN mapping_span USING (mapping_id)
	GROUP BY mapping_id, mm_id
), owner AS (
	SELECT mm_id, pid, comm, min(t_begin) AS t_first FROM task_span WHERE mm_id <> 0 AND pid = tgid GROUP BY mm_id
)
SELECT mapping_id, pid, comm, vmas, coalesce(pages, 0) AS pages, t_begin, t_end, executable, writable, shared
FROM used LEFT JOIN mapped USING (mapping_id, mm_id) LEFT JOIN owner USING (mm_id) ORDER BY mapping_id, t_begin, pid;

-- Pages of files that left memory: eviction_id, t (ns), mapping_id and pgoff (which page of which file), pfn, slot, reason and kind (who
-- decided), gone_ns (until it was read back; NULL: it was not), latency_ns (of the fault that wanted it; NULL: none did).
CREATE VIEW file_eviction AS
SELECT eviction.id AS eviction_id, eviction.t, mapping_id, pgoff, eviction.pfn, eviction.slot, reason, eviction.kind,
	refault.t - eviction.t AS gone_ns, latency_ns
FROM eviction JOIN cache_span ON cache_span.slot = eviction.slot AND t_begin <= eviction.t AND eviction.t < t_end
LEFT JOIN refault ON eviction_id = eviction.id ORDER BY eviction.id;

-- Pages of 2 MiB of programs: pfn (the first of 512), t_begin, t_end (ns), pid and comm of who mapped it first, va there, address_spaces
-- (that ever mapped it), fate: split_reclaim (in order to evict it), split_fault (a write to a part that others share), split_call (a
-- system call gave up, protected or advised a part), freed, or lives.
CREATE VIEW huge_page AS
WITH page AS (
	SELECT pfn, t_begin, t_end FROM page_life WHERE "order" = 9 AND kind = 'anon'
), split AS (
	SELECT id, t, pfn, pos_last < pos AS by_reclaim,
		(SELECT next_pid FROM sched_switch AS run WHERE run.cpu = page_split.cpu AND run.id < page_split.id
			ORDER BY run.id DESC LIMIT 1) AS pid
	FROM page_split
), first AS (
	SELECT page.pfn, page.t_begin, mm_id, va, min(pmd_span.t_begin) AS t, count(DISTINCT mm_id) AS address_spaces
	FROM page JOIN pmd_span ON pmd_span.pfn = page.pfn AND pmd_span.t_begin >= page.t_begin AND pmd_span.t_begin < page.t_end
	GROUP BY page.pfn, page.t_begin
)
SELECT page.pfn, page.t_begin, page.t_end, task.pid, task.comm, va, coalesce(address_spaces, 0) AS address_spaces,
	CASE WHEN split.by_reclaim THEN 'split_reclaim'
		WHEN split.id AND EXISTS (SELECT 1 FROM fault WHERE fault.pid = split.pid AND fault.t <= split.t
			AND fault.t + latency_ns >= split.t) THEN 'split_fault'
		WHEN split.id THEN 'split_call' WHEN page.t_end < 9223372036854775807 THEN 'freed' ELSE 'lives' END AS fate
FROM page LEFT JOIN first USING (pfn, t_begin) LEFT JOIN split ON split.pfn = page.pfn AND split.t = page.t_end
LEFT JOIN task_span AS task ON task.mm_id = first.mm_id AND task.pid = task.tgid AND task.t_begin <= first.t AND first.t < task.t_end
ORDER BY page.t_begin, page.pfn;

-- Compactions: t_begin, t_end (ns), pid and comm of who wanted a page of 2 MiB, result (NULL: the trace saw no end), blocks that it
-- emptied or tried to, and pages moved and failed.
CREATE VIEW compaction AS
WITH run AS (
	SELECT id, t, pid, (SELECT min(id) FROM mm_compaction_end AS over WHERE over.pid = begun.pid AND over.id > begun.id) AS id_end
	FROM mm_compaction_begin AS begun
)
SELECT run.t AS t_begin, over.t AS t_end, run.pid, (SELECT comm FROM task_span WHERE task_span.pid = run.pid
		AND t_begin <= run.t AND run.t < t_end) AS comm,
	enum_name.name AS result, count(block.id) AS blocks, coalesce(sum(succeeded), 0) AS moved, coalesce(sum(failed), 0) AS failed
FROM run LEFT JOIN mm_compaction_end AS over ON over.id = id_end
LEFT JOIN enum_name ON enum = 'compact_result' AND enum_name.value = over.status
LEFT JOIN mm_migrate_pages AS block ON block.pid = run.pid AND block.id > run.id AND (id_end IS NULL OR block.id < id_end)
GROUP BY run.id ORDER BY run.id;

-- Pages that compaction moved: t (ns), from_pfn, to_pfn, kind (anon or file), mapping_id and pgoff (of a file's page, else NULL),
-- mappings (page-table entries that were changed for it; those of a file's page are emptied before, and it is faulted on again: NULL).
CREATE VIEW page_move AS
SELECT min(after.t_begin) AS t, before.pfn AS from_pfn, after.pfn AS to_pfn, 'anon' AS kind, NULL AS mapping_id, NULL AS pgoff,
	count(*) AS mappings
FROM lru_span AS old JOIN pte_span AS after ON after.pfn <> old.pfn AND after.why_in = 'migrate'
	AND after.t_begin BETWEEN old.t_begin AND old.t_end
JOIN pte_span AS before ON before.mm_id = after.mm_id AND before.va = after.va AND before.t_end = after.t_begin
	AND before.pfn = old.pfn
WHERE old.why_out = 'migrate' GROUP BY old.pfn, old.t_end, after.pfn
UNION ALL
SELECT after.t_begin, old.pfn, after.pfn, 'file', after.mapping_id, after.pgoff, NULL
FROM lru_span AS old JOIN cache_span AS before ON before.pfn = old.pfn AND before.t_end BETWEEN old.t_begin AND old.t_end
JOIN cache_span AS after ON after.mapping_id = before.mapping_id AND after.pgoff = before.pgoff
	AND after.t_begin BETWEEN before.t_end AND old.t_end
WHERE old.why_out = 'migrate' AND after.kind = 'page' ORDER BY t;
