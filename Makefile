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

.PHONY: kernel help deps all trace-run test rmap lru report cookbook doctor man install clean format

help:
	@echo 'make trace-run             install what is missing, build, run $(SCENARIO), show what happened'
	@echo 'make trace-run SCENARIO=F  the same with another scenario file'
	@echo 'make test                  all tests; ends with "N passed, N failed"'
	@echo 'make bench                 measure, compare with Linux; PARTS="micro trace pressure ingest boot looking", QUICK=1'
	@echo 'make soak PARTS="..."      hours of it: damage stress verify mutation calls fuzz faults (default: all)'
	@echo 'make fuzz FUZZ_SECONDS=N   fuzz the ingester, and N/6 s recovery; needs clang'
	@echo 'make report                report.html of the newest session (SESSION=DIR for another)'
	@echo 'make rmap | lru            draw from the newest session'
	@echo 'make all                   build only'
	@echo 'make all DEBUG=1           the same in build/debug, with KASAN, UBSAN and lock checks; so trace-run, test'
	@echo 'make deps                  install the Debian packages that are missing'
	@echo 'make schema | format       regenerate schema.sql; format the C sources'
	@echo 'make cookbook              rewrite the outputs in docs/cookbook.md'
	@echo 'make doctor                what is missing on this machine, and which package has it'
	@echo 'make man                   regenerate docs/palimpsest.1 and docs/system-calls.md'
	@echo 'make install PREFIX=DIR    palimpsest, its manual page and completions, pointing into this tree'
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

.PHONY: soak
# PARTS: damage stress verify mutation calls fuzz faults; how much of each: SOAK_TRACES, SOAK_RUNS, SOAK_BARRIERS and
# SOAK_ARBITRARY, SOAK_MUTATIONS, SOAK_CALL_SECONDS, FUZZ_SECONDS.
soak: deps
	@$(MAKE) --no-print-directory -s -j2 all
	@PYTHON=$(PYTHON) PALIMPSEST_BUILD=$(abspath $(O)) tests/run --soak $(PARTS)

rmap lru:
	@tools/palimpsest $@ $(SESSION)

report:
	@tools/palimpsest report --html $(SESSION)

# `make cookbook RECORD=1` records another reference session first.
cookbook: ingest
	@tools/cookbook $(if $(RECORD),--record)

doctor:
	@$(PYTHON) tools/doctor

man:
	$(PYTHON) tools/manual > docs/palimpsest.1.tmp && mv docs/palimpsest.1.tmp docs/palimpsest.1
	$(PYTHON) tools/system-calls > docs/system-calls.md.tmp && mv docs/system-calls.md.tmp docs/system-calls.md

# The tree stays where it is: what is installed points to it.
PREFIX ?= /usr/local
MAN_DIR := $(DESTDIR)$(PREFIX)/share/man/man1
BASH_DIR := $(DESTDIR)$(PREFIX)/share/bash-completion/completions
ZSH_DIR := $(DESTDIR)$(PREFIX)/share/zsh/site-functions
FISH_DIR := $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d

install:
	mkdir -p $(DESTDIR)$(PREFIX)/bin $(MAN_DIR) $(BASH_DIR) $(ZSH_DIR) $(FISH_DIR)
	ln -sfn $(CURDIR)/tools/palimpsest $(DESTDIR)$(PREFIX)/bin/palimpsest
	install -m 644 docs/palimpsest.1 $(MAN_DIR)/
	tools/palimpsest completion bash > $(BASH_DIR)/palimpsest
	tools/palimpsest completion zsh > $(ZSH_DIR)/_palimpsest
	tools/palimpsest completion fish > $(FISH_DIR)/palimpsest.fish

format:
	git ls-files '*.c' '*.h' | xargs clang-format -i

clean:
	rm -rf $(O)
