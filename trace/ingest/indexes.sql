
-- INDEXES: created when all rows are in.
CREATE INDEX page_life_pfn ON page_life(pfn, t_begin);
CREATE INDEX page_flags_span_pfn ON page_flags_span(pfn, t_begin);
CREATE INDEX pte_span_va ON pte_span(mm_id, va, t_begin);
CREATE INDEX pte_span_slot ON pte_span(slot, t_begin) WHERE slot IS NOT NULL;
CREATE INDEX rmap_span_pfn ON rmap_span(pfn, t_begin);
CREATE INDEX lru_span_pfn ON lru_span(pfn, t_begin);
CREATE INDEX swap_span_slot ON swap_span(slot, t_begin);
CREATE INDEX swap_cache_span_pfn ON swap_cache_span(pfn, t_begin);
CREATE INDEX swap_io_pfn ON swap_io(pfn, t_begin);
CREATE INDEX swap_io_slot ON swap_io(slot, t_begin);
CREATE INDEX vma_span_mm ON vma_span(mm_id, va_start);
CREATE INDEX avc_span_anon_vma ON avc_span(anon_vma_id);
CREATE INDEX cache_span_pfn ON cache_span(pfn, t_begin) WHERE pfn IS NOT NULL;
CREATE INDEX cache_span_slot ON cache_span(slot, t_begin) WHERE slot IS NOT NULL;
CREATE INDEX cache_span_place ON cache_span(mapping_id, pgoff, t_begin);
CREATE INDEX fault_t ON fault(t);
CREATE INDEX eviction_slot ON eviction(slot, t);
CREATE INDEX refault_eviction ON refault(eviction_id);
CREATE INDEX live_ids_k ON live_ids(k, table_id);
CREATE INDEX reclaim_decision_pfn ON reclaim_decision(pfn, id);
