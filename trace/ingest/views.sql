
-- ===================================================================================================================
-- Views: the usual questions by name. Percentiles are by nearest rank: SQLite has no function for them.
-- ===================================================================================================================

-- Times at which the whole machine stood still: n, t, event id.
CREATE VIEW barrier AS
SELECT n, t, id FROM trace_barrier;

-- Faults by kind and result: how many, and their latency in ns.
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

-- Faults by kind whatever their result.
CREATE VIEW fault_kind_latency AS
WITH ranked AS (
	SELECT kind, latency_ns, row_number() OVER (PARTITION BY kind ORDER BY latency_ns) AS place,
		count(*) OVER (PARTITION BY kind) AS n
	FROM fault WHERE latency_ns IS NOT NULL
)
SELECT kind, n, max(latency_ns) FILTER (WHERE place <= (n * 50 + 99) / 100) AS p50_ns,
	max(latency_ns) FILTER (WHERE place <= (n * 99 + 99) / 100) AS p99_ns, max(latency_ns) AS max_ns
FROM ranked GROUP BY kind ORDER BY n DESC;

-- What kswapd and direct reclaim looked at, and what came of it. efficiency: evicted per scanned.
CREATE VIEW reclaim_efficiency AS
SELECT kind, count(*) AS passes, sum(nr_scanned) AS scanned, sum(nr_freed) AS freed, sum(nr_written) AS written,
	sum(nr_activated) AS activated, sum(nr_deactivated) AS deactivated,
	(SELECT count(*) FROM eviction WHERE eviction.kind = reclaim_pass.kind) AS evicted,
	round(1.0 * (SELECT count(*) FROM eviction WHERE eviction.kind = reclaim_pass.kind)
		/ nullif(sum(nr_scanned), 0), 3) AS efficiency,
	sum(t_end - t_begin) FILTER (WHERE nr_scanned IS NOT NULL) AS total_ns
FROM reclaim_pass GROUP BY kind;

-- Reclaim decisions by who took them and verdict.
CREATE VIEW reclaim_verdicts AS
SELECT reclaim_pass.kind, lists.name AS list, verdicts.name AS verdict, count(*) AS n, verdicts.doc AS meaning
FROM reclaim_decision JOIN reclaim_pass USING (pass_id)
JOIN enum_name AS verdicts ON verdicts.enum = 'reclaim_verdict' AND verdicts.value = verdict
JOIN enum_name AS lists ON lists.enum = 'lru_list' AND lists.value = reclaim_decision.list
GROUP BY reclaim_pass.kind, lists.name, verdicts.name ORDER BY n DESC;

-- How far back evicted pages came: refaults by distance, in powers of two (distance_from <= distance < distance_to).
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
-- so a better choice would have kept it.
CREATE VIEW eviction_regretted AS
SELECT eviction.id AS eviction_id, eviction.t, eviction.pfn, eviction.slot, eviction.reason, eviction.kind,
	eviction.pass_id, refault.t - eviction.t AS gone_ns, distance_pages, latency_ns, refault.pid
FROM eviction JOIN refault ON refault.eviction_id = eviction.id
WHERE refault.latency_ns IS NOT NULL
AND distance_pages < (SELECT value FROM session WHERE key = 'nr_frames');

-- Pages with the most mappings at the time in table moment.
CREATE VIEW most_shared_at_moment AS
SELECT pfn, count(*) AS mappings, count(DISTINCT mm_id) AS address_spaces, min(mapping_id) AS anon_vma_id,
	printf('0x%x', min(va)) AS va
FROM rmap_span, moment
WHERE t_begin <= moment.t AND moment.t < t_end
GROUP BY pfn ORDER BY mappings DESC, pfn;

-- The most mappings that each page ever had at once, and when that was.
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

-- LRU lists at the time in table moment, head to tail.
CREATE VIEW lru_at_moment AS
SELECT list, row_number() OVER (PARTITION BY list ORDER BY pos DESC) AS place, pfn, pos, why_in,
	moment.t - t_begin AS age_ns
FROM lru_span, moment
WHERE t_begin <= moment.t AND moment.t < t_end
ORDER BY list, place;

-- Sizes of the LRU lists after each change.
CREATE VIEW lru_size AS
WITH change AS (
	SELECT list, t_begin AS t, 1 AS step FROM lru_span
	UNION ALL
	SELECT list, t_end, -1 FROM lru_span WHERE t_end < 9223372036854775807
), per_time AS (
	SELECT list, t, sum(step) AS step FROM change GROUP BY list, t
)
SELECT t, list, sum(step) OVER (PARTITION BY list ORDER BY t) AS size FROM per_time ORDER BY t;

-- Free frames after each allocation and free, from the first baseline on.
CREATE VIEW free_memory AS
WITH start AS (
	SELECT min(state_end.id) AS id, min(state_end.t) AS t FROM state_end
), change AS (
	SELECT start.id, start.t, (SELECT sum(1 << "order") FROM state_free WHERE id < start.id) AS step FROM start
	UNION ALL
	SELECT mm_page_alloc.id, mm_page_alloc.t, -(1 << "order") FROM mm_page_alloc, start WHERE mm_page_alloc.id > start.id
	UNION ALL
	SELECT mm_page_free.id, mm_page_free.t, 1 << "order" FROM mm_page_free, start WHERE mm_page_free.id > start.id
)
SELECT t, sum(step) OVER (ORDER BY id) AS nr_free FROM change WHERE step IS NOT NULL ORDER BY id;

-- Lives of swap slots: one row from allocation to free. lifetime_ns is NULL while it lasts.
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

-- Lifetimes of swap slots: how many, and how long they lived.
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

-- OOM decisions with every candidate, the highest score first; fate says who died.
CREATE VIEW oom_scoreboard AS
SELECT oom_candidate.kill_id, oom_candidate.pid, comm, score, resident, swapped, page_tables, eligible,
	CASE WHEN oom_kill.pid = oom_candidate.pid THEN 'killed' ELSE '' END AS fate,
	CASE WHEN oom_kill.pid = oom_candidate.pid THEN predicted_pages END AS predicted_pages,
	CASE WHEN oom_kill.pid = oom_candidate.pid THEN freed_pages END AS freed_pages
FROM oom_candidate LEFT JOIN oom_kill USING (kill_id)
ORDER BY oom_candidate.kill_id, score DESC, oom_candidate.pid;

-- Who slept in direct reclaim, how often and how long.
CREATE VIEW direct_reclaim_sleepers AS
SELECT direct_reclaim.pid,
	(SELECT comm FROM task_span WHERE task_span.pid = direct_reclaim.pid
		AND task_span.t_begin <= direct_reclaim.t_begin ORDER BY task_span.t_begin DESC LIMIT 1) AS comm,
	count(*) AS n, sum(t_end - t_begin) AS total_ns, max(t_end - t_begin) AS max_ns,
	sum(nr_reclaimed) AS reclaimed
FROM direct_reclaim GROUP BY direct_reclaim.pid ORDER BY total_ns DESC;

-- The kernel's own counters against the events, between the first and the last time that it told them. The kernel counts at
-- other places than it emits; each row must say equal = 1.
CREATE VIEW vmstat_check AS
WITH told AS (
	SELECT item, min(id) AS first_id, max(id) AS last_id FROM vmstat GROUP BY item HAVING count(*) > 1
), kernel AS (
	SELECT told.item, first_id, last_id, last.value - first.value AS n
	FROM told JOIN vmstat AS first ON first.id = first_id JOIN vmstat AS last ON last.id = last_id
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
	UNION ALL SELECT 10, id, 1 FROM reclaim_decision WHERE verdict = 2 -- pgactivate
	UNION ALL SELECT 11, id, 1 FROM reclaim_decision WHERE verdict = 8 -- pgdeactivate
	UNION ALL SELECT 12, id, 1 FROM mark_victim -- oom_kill
	UNION ALL SELECT 13, id, 1 FROM mm_vmscan_direct_reclaim_begin -- allocstall
	UNION ALL SELECT 14, id, 1 FROM mm_vmscan_kswapd_wake -- pageoutrun
), events AS (
	SELECT kernel.item, coalesce(sum(counted.n), 0) AS n
	FROM kernel LEFT JOIN counted ON counted.item = kernel.item AND counted.id > first_id AND counted.id < last_id
	GROUP BY kernel.item
)
SELECT enum_name.name AS item, kernel.n AS kernel, events.n AS events, kernel.n = events.n AS equal
FROM kernel JOIN events USING (item) JOIN enum_name ON enum = 'vmstat_item' AND enum_name.value = kernel.item
ORDER BY kernel.item;
