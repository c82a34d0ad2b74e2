#!/usr/bin/env bash
# tests/tidy.sh BUILD_DIR [NODES] -- protects the code from faults that a compiler lets pass and from
# functions of more than 80 lines: clang-tidy with the short list of .clang-tidy over all C that is
# shipped.  BUILD_DIR is configured, and has a compile_commands.json.
# NODES bounds the states that clang's analyzer visits in a function; its own bound, 225000, takes
# seven times as long.
set -euo pipefail
build=$(readlink -f "${1:?usage: tidy.sh BUILD_DIR [NODES]}")
nodes=${2:-20000}
cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.."

command -v run-clang-tidy >/dev/null || { echo "tidy: clang-tidy is not installed" >&2; exit 1; }
said=$(mktemp)
trap 'rm -f "$said"' EXIT
run-clang-tidy -quiet -p "$build" -j "$(nproc)" -extra-arg=-Xclang -extra-arg=-analyzer-config \
    -extra-arg=-Xclang -extra-arg=max-nodes="$nodes" "^$PWD/(core|plugins|spaces)/.*\.c$" >"$said" 2>/dev/null || true
[ -s "$said" ] || { echo "tidy: run-clang-tidy said nothing of $build" >&2; exit 1; }
if grep -E 'warning:|error:' "$said" | sort -u | grep .; then
    echo "tidy: the above must be mended" >&2
    exit 1
fi
echo "tidy: nothing found"
