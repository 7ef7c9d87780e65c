# Palimpsest: the commands. `make` prints them.
#
# Everything that is built goes to $(O), the debug build to a directory of its own. What is built from which files stands in
# sources.mk (kernel), user/user.mk, trace/ingest/ingest.mk and tests/unit/unit.mk.

O ?= $(if $(filter 1,$(DEBUG)),build/debug,build)
PYTHON ?= /usr/bin/python3
SCENARIO ?= scenarios/default.toml
SESSION ?=
# Of tests/run. What a debug kernel changes is seen by the system tests alone.
TEST_GROUPS ?= $(if $(filter 1,$(DEBUG)),system)

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules

include sources.mk
include kernel/kernel.mk
include user/user.mk
include trace/ingest/ingest.mk
include tests/unit/unit.mk
include bench/bench.mk

.PHONY: kernel help deps all trace-run test rmap lru report cookbook clean format

help:
	@echo 'make trace-run             install what is missing, build, run $(SCENARIO), show what happened'
	@echo 'make trace-run SCENARIO=F  the same with another scenario file'
	@echo 'make test                  all tests; ends with "N passed, N failed"'
	@echo 'make bench                 measure, compare with Linux; PARTS="micro trace pressure ingest boot", QUICK=1'
	@echo 'make rmap | lru | report   draw or print from the newest session (SESSION=DIR for another)'
	@echo 'make all                   build only'
	@echo 'make all DEBUG=1           the same in build/debug, with KASAN, UBSAN and lock checks; so trace-run, test'
	@echo 'make deps                  install the Debian packages that are missing'
	@echo 'make schema | format       regenerate schema.sql; format the C sources'
	@echo 'make cookbook              rewrite the outputs in docs/cookbook.md'
	@echo 'make clean                 remove $(O)'

deps:
	@tools/deps

all: kernel user ingest bench-tools

kernel: $(O)/kernel.elf

trace-run: deps
	@$(MAKE) --no-print-directory -s -j2 all
	@PALIMPSEST_BUILD=$(abspath $(O)) tools/palimpsest run $(SCENARIO)

test: deps
	@$(MAKE) --no-print-directory -s -j2 all
	@PYTHON=$(PYTHON) PALIMPSEST_BUILD=$(abspath $(O)) tests/run $(TEST_GROUPS)

rmap lru report:
	@tools/palimpsest $@ $(SESSION)

# `make cookbook RECORD=1` records another reference session first.
cookbook: ingest
	@tools/cookbook $(if $(RECORD),--record)

format:
	git ls-files '*.c' '*.h' | xargs clang-format -i

clean:
	rm -rf $(O)
