#!/usr/bin/env bash
# run.sh TARGET [SECONDS] [LIBFUZZER OPTIONS...] -- fuzzes one target (default: 60 seconds):
# builds it with clang, AddressSanitizer and UndefinedBehaviorSanitizer into build/fuzz, and
# runs it.  Seeds are corpus/TARGET; what the fuzzer finds is kept in build/fuzz/corpus/TARGET,
# an input that breaks something in build/fuzz/crash-...
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
source=$(dirname "$(dirname "$here")")
build=${TCET_FUZZ_BUILD:-$source/build/fuzz}
targets=$(cd "$here" && printf '%s ' fuzz_*.c | sed 's/fuzz_//g; s/\.c//g')
target=${1:?usage: run.sh TARGET [SECONDS]; targets: $targets}
seconds=${2:-60}
[ -f "$here/fuzz_$target.c" ] || { echo "run.sh: no target $target; targets: $targets" >&2; exit 2; }
shift $(($# < 2 ? $# : 2))
find_tool() { local t; for t in "$@"; do command -v "$t" && return; done; }
cc=$(find_tool clang clang-19 clang-18 clang-17 clang-16 clang-15 clang-14)
cxx=$(find_tool clang++ clang++-19 clang++-18 clang++-17 clang++-16 clang++-15 clang++-14)
[ -n "$cc" ] && [ -n "$cxx" ] || { echo "run.sh: clang is missing" >&2; exit 2; }

mkdir -p "$build/corpus/$target"
cmake -S "$source" -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Debug -DCMAKE_C_COMPILER="$cc" \
    -DCMAKE_CXX_COMPILER="$cxx" -DCMAKE_C_FLAGS_DEBUG="-O1 -g" -DTCET_FUZZ=ON \
    -DTCET_WITH_TORCH=OFF \
    -DTCET_SANITIZE=fuzzer-no-link,address,undefined,float-cast-overflow >"$build/configure.log" 2>&1 ||
    { cat "$build/configure.log" >&2; exit 2; }
ninja -C "$build" "fuzz_$target"
cd "$build"
exec env UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1 \
    ASAN_OPTIONS=detect_leaks=1:strict_string_checks=1:allocator_may_return_null=1 \
    "bin/fuzz_$target" -max_total_time="$seconds" -timeout=20 -rss_limit_mb=2048 \
    -print_final_stats=1 "$@" "corpus/$target" "$here/corpus/$target" </dev/null
