# The ingester, the generators of what follows from events.def, and their tests. Included by the Makefile at the top; paths
# are relative to it. Everything built goes below $(O)/ingest, the two files that every session holds into $(O)/ctf.

O ?= build
HOSTCC ?= gcc
HOST_CFLAGS ?= -O2 -g
PYTHON ?= /usr/bin/python3

INGEST_OUT := $(O)/ingest
INGEST_CFLAGS := $(HOST_CFLAGS) -std=gnu11 -D_GNU_SOURCE -I. -MMD -MP -fno-strict-aliasing \
	-Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes

# The contract as data, shared by generators, ingester and tests.
INGEST_CONTRACT_SRC := trace/gen/event_info.c

# From packets to merged events, from events to rows, from rows to a database.
INGEST_SRC := \
	trace/ingest/error.c \
	trace/ingest/layout.c \
	trace/ingest/reader.c \
	trace/ingest/merge.c \
	trace/ingest/target.c \
	trace/ingest/db.c \
	trace/ingest/btree.c \
	trace/ingest/keyframe.c \
	trace/ingest/inserter.c \
	trace/ingest/tables.c \
	trace/ingest/map.c \
	trace/ingest/sparse.c \
	trace/ingest/model.c \
	trace/ingest/model_task.c \
	trace/ingest/model_vma.c \
	trace/ingest/model_anon_vma.c \
	trace/ingest/model_rmap.c \
	trace/ingest/model_pte.c \
	trace/ingest/model_pgtable.c \
	trace/ingest/model_pmd.c \
	trace/ingest/model_compact.c \
	trace/ingest/model_frame.c \
	trace/ingest/model_lru.c \
	trace/ingest/model_swap.c \
	trace/ingest/model_cache.c \
	trace/ingest/model_fault.c \
	trace/ingest/model_look.c \
	trace/ingest/model_reclaim.c \
	trace/ingest/model_oom.c \
	trace/ingest/model_block.c \
	trace/ingest/model_slab.c \
	trace/ingest/model_signal.c \
	trace/ingest/model_check.c \
	trace/ingest/replay.c \
	trace/ingest/summary.c \
	trace/ingest/follow.c \
	trace/ingest/load.c \
	trace/ingest/seal.c \
	trace/ingest/schema.S \
	trace/ingest/main.c

INGEST_TEST_SRC := \
	tests/ingest/writer.c \
	tests/ingest/guest.c \
	tests/ingest/guest_memory.c \
	tests/ingest/rings.c \
	tests/ingest/check.c \
	trace/ingest/btree.c \
	trace/ingest/error.c \
	tests/ingest/test_btree.c \
	tests/ingest/test_good.c \
	tests/ingest/test_damage.c \
	tests/ingest/test_disk.c \
	tests/ingest/test_memory.c \
	tests/ingest/test_follow.c \
	tests/ingest/test_keyframe.c \
	tests/ingest/test_layout.c \
	tests/ingest/test_pause.c \
	tests/ingest/test_violation.c \
	tests/ingest/test_pmd.c \
	tests/ingest/test_cache.c \
	tests/ingest/test_loss.c \
	tests/ingest/test_recover.c \
	tests/ingest/test_babeltrace.c \
	tests/ingest/main.c

INGEST := $(O)/palimpsest-ingest
# What appends the rings of a crashed guest to its streams.
RECOVER := $(O)/palimpsest-recover
RECOVER_SRC := $(addprefix trace/ingest/,error.c layout.c reader.c recover.c recover_main.c)
INGEST_SESSION_FILES := $(O)/ctf/metadata $(O)/ctf/events.tsv
# What is built for tests stops at the first undefined or invalid access.
INGEST_SANITIZE := -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all

ingest-objects = $(patsubst %,$(INGEST_OUT)/$(1)/%.o,$(basename $(2)))

.PHONY: ingest schema schema-check ingest-test
ingest: $(INGEST) $(RECOVER) $(INGEST_SESSION_FILES)

$(INGEST): $(call ingest-objects,plain,$(INGEST_CONTRACT_SRC) $(INGEST_SRC))
	$(HOSTCC) $(HOST_CFLAGS) -o $@ $^ -lsqlite3

$(RECOVER): $(call ingest-objects,plain,$(INGEST_CONTRACT_SRC) $(RECOVER_SRC))
	$(HOSTCC) $(HOST_CFLAGS) -o $@ $^

$(INGEST_OUT)/plain/%.o: %.c
	@mkdir -p $(@D)
	$(HOSTCC) $(INGEST_CFLAGS) -c -o $@ $<

$(INGEST_OUT)/sanitized/%.o: %.c
	@mkdir -p $(@D)
	$(HOSTCC) $(INGEST_CFLAGS) $(INGEST_SANITIZE) -c -o $@ $<

$(INGEST_OUT)/plain/%.o: %.S schema.sql
	@mkdir -p $(@D)
	$(HOSTCC) -DSCHEMA_SQL='"schema.sql"' -c -o $@ $<

$(INGEST_OUT)/sanitized/%.o: %.S schema.sql
	@mkdir -p $(@D)
	$(HOSTCC) -DSCHEMA_SQL='"schema.sql"' -c -o $@ $<

$(INGEST_OUT)/gen-%: $(INGEST_OUT)/plain/trace/gen/gen-%.o $(call ingest-objects,plain,$(INGEST_CONTRACT_SRC))
	$(HOSTCC) $(HOST_CFLAGS) -o $@ $^ -lsqlite3

$(O)/ctf/metadata: $(INGEST_OUT)/gen-metadata
	@mkdir -p $(@D)
	$< > $@.tmp && mv $@.tmp $@

$(O)/ctf/events.tsv: $(INGEST_OUT)/gen-events-tsv
	@mkdir -p $(@D)
	$< > $@.tmp && mv $@.tmp $@

# schema.sql is committed; `schema` regenerates it, `schema-check` fails when it is stale.
INGEST_SCHEMA_SQL := trace/ingest/state.sql trace/ingest/views.sql trace/ingest/indexes.sql

$(INGEST_OUT)/schema.sql: $(INGEST_OUT)/gen-schema trace/ingest/head.sql $(INGEST_SCHEMA_SQL)
	{ cat trace/ingest/head.sql && $< && cat $(INGEST_SCHEMA_SQL); } > $@.tmp && mv $@.tmp $@

schema: $(INGEST_OUT)/schema.sql
	cp $< schema.sql

schema-check: $(INGEST_OUT)/schema.sql
	@cmp $< schema.sql || { echo "schema.sql is stale: run make schema"; exit 1; }

$(INGEST_OUT)/palimpsest-ingest-sanitized: $(call ingest-objects,sanitized,$(INGEST_CONTRACT_SRC) $(INGEST_SRC))
	$(HOSTCC) $(INGEST_SANITIZE) -o $@ $^ -lsqlite3

$(INGEST_OUT)/palimpsest-recover-sanitized: $(call ingest-objects,sanitized,$(INGEST_CONTRACT_SRC) $(RECOVER_SRC))
	$(HOSTCC) $(INGEST_SANITIZE) -o $@ $^

$(INGEST_OUT)/test: $(call ingest-objects,sanitized,$(INGEST_CONTRACT_SRC) $(INGEST_TEST_SRC))
	$(HOSTCC) $(INGEST_SANITIZE) -o $@ $^ -lsqlite3

$(INGEST_OUT)/faulty_disk.so: tests/ingest/faulty_disk.c
	@mkdir -p $(@D)
	$(HOSTCC) $(INGEST_CFLAGS) -shared -fPIC -o $@ $< -ldl

INGEST_TEST_WITH := $(INGEST_OUT)/palimpsest-ingest-sanitized $(INGEST) $(INGEST_OUT)/faulty_disk.so \
	$(INGEST_OUT)/palimpsest-recover-sanitized

# Fuzzing needs clang; that what it is made of still compiles is seen here.
INGEST_FUZZ_OBJ := $(call ingest-objects,sanitized,$(addprefix tests/ingest/,fuzz.c fuzz_trace.c fuzz_recover.c))

ingest-test: $(INGEST_OUT)/test $(INGEST_TEST_WITH) $(INGEST_SESSION_FILES) $(INGEST_FUZZ_OBJ) schema-check
	$< $(INGEST_TEST_WITH) $(O)/ctf

# Each mutation of a small real trace: noticed by the replay, or listed in mutation.def. MUTATION_INSTANCES of each kind.
MUTATION_INSTANCES ?= 3
MUTATION_SRC := $(INGEST_CONTRACT_SRC) $(filter-out trace/ingest/main.c,$(INGEST_SRC)) tests/ingest/mutation.c
MUTATION_SESSIONS := $(INGEST_OUT)/mutation $(INGEST_OUT)/compaction

# Without sanitizers: it forks for each mutation, and their shadow memory makes that ten times as dear.
$(INGEST_OUT)/mutation-test: $(call ingest-objects,plain,$(MUTATION_SRC))
	$(HOSTCC) $(HOST_CFLAGS) -o $@ $^ -lsqlite3

$(MUTATION_SESSIONS:=/events.tsv): $(INGEST_OUT)/%/events.tsv: tests/golden/%.tar.xz
	@mkdir -p $(@D)
	tar -xf $< -m -C $(@D)

$(INGEST_OUT)/pmd-session/events.tsv: $(INGEST_OUT)/test $(INGEST_SESSION_FILES)
	@mkdir -p $(@D)
	$< --pmd-session $(O)/ctf $(@D)

.PHONY: mutation-test
mutation-test: $(INGEST_OUT)/mutation-test $(MUTATION_SESSIONS:=/events.tsv) $(INGEST_OUT)/pmd-session/events.tsv
	$< $(MUTATION_INSTANCES) $(MUTATION_SESSIONS) $(INGEST_OUT)/pmd-session

# DAMAGE_CUTS and DAMAGE_FLIPS in the environment: how many.
.PHONY: ingest-damage-test
ingest-damage-test: $(INGEST_OUT)/test $(INGEST_TEST_WITH) $(INGEST_SESSION_FILES)
	$< $(INGEST_TEST_WITH) $(O)/ctf "truncated anywhere" "bit flips"

# ---- fuzzing: make fuzz FUZZ_SECONDS=N; findings and the grown corpora stay in $(FUZZ_OUT) ----
#
# FUZZ_SECONDS are the ingester's; recovery gets a sixth of that on top. It writes a session for each input: in memory.

CLANG ?= clang
FUZZ_SECONDS ?= 60
FUZZ_OUT := $(INGEST_OUT)/fuzz
FUZZ_SANITIZE := -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all
FUZZ_CFLAGS := $(FUZZ_SANITIZE) -fsanitize=fuzzer-no-link -std=gnu11 -D_GNU_SOURCE -I. -MMD -MP -fno-strict-aliasing \
	-Wall -Wextra -Werror
FUZZ_SRC := $(INGEST_CONTRACT_SRC) $(filter-out trace/ingest/main.c,$(INGEST_SRC)) tests/ingest/fuzz_trace.c
FUZZ_SEED_SRC := tests/ingest/fuzz_seeds.c tests/ingest/rings.c tests/ingest/guest.c tests/ingest/guest_memory.c tests/ingest/writer.c \
	tests/ingest/check.c

$(INGEST_OUT)/clang/%.o: %.c
	@mkdir -p $(@D)
	$(CLANG) $(FUZZ_CFLAGS) -c -o $@ $<

$(INGEST_OUT)/clang/%.o: %.S schema.sql
	@mkdir -p $(@D)
	$(CLANG) -DSCHEMA_SQL='"schema.sql"' -c -o $@ $<

$(FUZZ_OUT)/fuzz: $(call ingest-objects,clang,$(FUZZ_SRC) tests/ingest/fuzz.c)
	@mkdir -p $(@D)
	$(CLANG) $(FUZZ_SANITIZE) -fsanitize=fuzzer -o $@ $^ -lsqlite3

$(FUZZ_OUT)/fuzz-recover: $(call ingest-objects,clang,$(FUZZ_SRC) trace/ingest/recover.c tests/ingest/fuzz_recover.c)
	@mkdir -p $(@D)
	$(CLANG) $(FUZZ_SANITIZE) -fsanitize=fuzzer -o $@ $^ -lsqlite3

$(INGEST_OUT)/small/%.o: %.c
	@mkdir -p $(@D)
	$(HOSTCC) $(INGEST_CFLAGS) $(INGEST_SANITIZE) -DSMALL_GUEST -c -o $@ $<

$(FUZZ_OUT)/seeds: $(call ingest-objects,small,$(FUZZ_SEED_SRC))
	@mkdir -p $(@D)
	$(HOSTCC) $(INGEST_SANITIZE) -o $@ $^ -lsqlite3

# Seeds: toy guests on 1 to 4 CPUs, and a small real trace.
FUZZ_SESSION := $(FUZZ_OUT)/session
$(FUZZ_SESSION)/session.db: | all
	rm -rf $(@D)
	tools/palimpsest record --build $(O) --memory 20M --swap 8M --cpus 3 -o $(@D) -- \
		forkshare --size 64K --children 3 --rounds 1 > /dev/null

$(FUZZ_OUT)/corpus/.made: $(FUZZ_OUT)/seeds $(INGEST_SESSION_FILES) $(FUZZ_SESSION)/session.db
	@mkdir -p $(@D) $(FUZZ_OUT)/scratch $(FUZZ_OUT)/recover-corpus
	$< $(O)/ctf $(FUZZ_OUT)/scratch $(@D) $(FUZZ_OUT)/recover-corpus $(FUZZ_SESSION)
	@touch $@

.PHONY: fuzz clang-check
clang-check:
	@command -v $(CLANG) >/dev/null || { echo "fuzz: $(CLANG) not found: apt-get install clang libclang-rt-dev"; exit 1; }

FUZZ_OPTIONS := -timeout=60 -rss_limit_mb=2048 -max_len=65536 -print_final_stats=1
fuzz: clang-check $(FUZZ_OUT)/fuzz $(FUZZ_OUT)/fuzz-recover $(FUZZ_OUT)/corpus/.made
	FUZZ_EVENTS=$(O)/ctf/events.tsv $(FUZZ_OUT)/fuzz -max_total_time=$(FUZZ_SECONDS) $(FUZZ_OPTIONS) \
		-artifact_prefix=$(FUZZ_OUT)/ $(FUZZ_OUT)/corpus
	scratch=$$(mktemp -d -p $(wildcard /dev/shm)) && trap 'rm -rf "$$scratch"' EXIT && \
	FUZZ_SCRATCH=$$scratch FUZZ_EVENTS=$(O)/ctf/events.tsv $(FUZZ_OUT)/fuzz-recover \
		-max_total_time=$$((($(FUZZ_SECONDS) + 5) / 6)) $(FUZZ_OPTIONS) \
		-artifact_prefix=$(FUZZ_OUT)/recover- $(FUZZ_OUT)/recover-corpus

-include $(wildcard $(INGEST_OUT)/*/trace/*/*.d $(INGEST_OUT)/*/tests/*/*.d)
