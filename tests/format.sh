#!/usr/bin/env bash
# tests/format.sh SOURCE_DIR -- protects the one style of the code: every C and C++ file reads as
# clang-format writes it by .clang-format.  `tests/format.sh SOURCE_DIR --fix` writes it so.
# Data of tests, and the generated sdk/abi/layout_*.c, are as they are.  Debian 12's clang-format 14
# decides, as other versions differ in details.
set -euo pipefail
cd "${1:?usage: format.sh SOURCE_DIR [--fix]}"

format=$(command -v clang-format-14 || command -v clang-format) ||
    { echo "format: clang-format is not installed" >&2; exit 1; }
[[ $("$format" --version) == *' 14.'* ]] ||
    { echo "format: $("$format" --version): version 14 is needed" >&2; exit 1; }
mode=(--dry-run --Werror)
[ "${2:-}" != --fix ] || mode=(-i)
find bench core plugins sdk spaces tests -path tests/data -prune -o -path 'sdk/abi/layout_*' -prune -o \
    \( -name '*.[ch]' -o -name '*.cc' -o -name 'kernels_*.inc' \) -print0 |
    xargs -0 "$format" --style=file "${mode[@]}"
