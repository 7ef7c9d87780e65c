# The measurements: the instruction counter (a QEMU plugin), the programs of the measured machines, the loop that ingest is
# compared with. Included by the Makefile at the top; paths are relative to it. Everything built goes below $(O)/bench.

BENCH_OUT := $(O)/bench
BENCH_PLUGIN := $(BENCH_OUT)/count.so
BENCH_GUESTS := $(BENCH_OUT)/step $(BENCH_OUT)/micro
BENCH_WARNINGS := -Wall -Wextra -Werror -Wstrict-prototypes -Wmissing-prototypes

bench_sources = $(filter %.c,$^)
bench_guest = $(USER_CC) -std=gnu11 $(USER_CFLAGS) -fno-pie $(USER_WARNINGS) -static -no-pie -o $@ $(bench_sources)

.PHONY: bench bench-deps bench-tools

# PARTS="micro trace" measures some; QUICK=1 takes fewer rounds.
bench: bench-deps
	@$(MAKE) --no-print-directory -s -j2 all
	@bench/run $(PARTS)

bench-deps: deps
	@command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null || \
		{ echo "bench: apt-get and dpkg-deb are needed to fetch Debian's kernel" >&2; exit 1; }

bench-tools: $(BENCH_PLUGIN) $(BENCH_GUESTS) $(BENCH_OUT)/sqlite_loop

$(BENCH_OUT):
	@mkdir -p $@

$(BENCH_PLUGIN): bench/plugin/count.c bench/plugin/symbols.c bench/plugin/symbols.h bench/plugin/qemu_plugin.h | $(BENCH_OUT)
	$(HOSTCC) $(HOST_CFLAGS) -std=gnu11 -D_GNU_SOURCE $(BENCH_WARNINGS) -fPIC -shared -fvisibility=hidden -o $@ $(bench_sources)

$(BENCH_GUESTS): $(BENCH_OUT)/%: bench/guest/%.c bench/guest/marker.h user/lib/print.c user/lib/print.h | $(BENCH_OUT)
	$(bench_guest)
$(BENCH_OUT)/micro: bench/guest/vdso.c bench/guest/section.h

$(BENCH_OUT)/sqlite_loop: bench/sqlite_loop.c | $(BENCH_OUT)
	$(HOSTCC) $(HOST_CFLAGS) -std=gnu11 -D_GNU_SOURCE $(BENCH_WARNINGS) -o $@ $< -lsqlite3
