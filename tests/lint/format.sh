#!/bin/bash
# Whether every C file is formatted as .clang-format says. *.def files are lists, laid out by hand.
set -euo pipefail
cd "$(dirname "$0")/../.."
git ls-files -z --cached --others --exclude-standard -- '*.c' '*.h' |
	xargs -0 --no-run-if-empty clang-format --dry-run -Werror
