#!/usr/bin/env bash
# test.sh -- builds and runs all tests; the last line counts them.
set -euo pipefail
cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")"

usage()
{
    cat <<'USAGE'
usage: ./test.sh [--asan | --valgrind] [--no-install] [-j N] [-- CTEST-OPTION...]

Installs the packages that are missing, as ./setup.sh does, builds build/release with its tests and runs
them all.

  --asan         the same under the address and undefined-behaviour sanitizers (build/asan)
  --valgrind     the unit tests of core, without libtorch, under valgrind (build/no-torch)
  --no-install   do not touch packages
  -j N           N compilers or tests at a time (default: the number of cores)
  -- OPTION...   options for ctest, such as -R torch
USAGE
}

die()
{
    printf 'test.sh: %s\n' "$*" >&2
    exit 1
}

preset=release
install=1
jobs=$(nproc)
while [ $# -gt 0 ]; do
    case $1 in
    --asan) preset=asan ;;
    --valgrind) preset=no-torch ;;
    --no-install) install=0 ;;
    -j) [ $# -gt 1 ] || die "-j needs a number"
        jobs=$2
        shift ;;
    -j*) jobs=${1#-j} ;;
    -h | --help) usage; exit 0 ;;
    --) shift; break ;;
    *) die "unknown option '$1'; see ./test.sh --help" ;;
    esac
    shift
done
[[ $jobs =~ ^[1-9][0-9]*$ ]] || die "-j needs a number, not '$jobs'"

summary() # PASSED FAILED SKIPPED: the closing line; false when a test failed or none ran
{
    printf '%d passed, %d failed' "$1" "$2"
    if [ "$3" -gt 0 ]; then
        printf ', %d skipped' "$3"
    fi
    echo
    [ "$2" -eq 0 ] && [ "$1" -gt 0 ]
}

run_ctest()
{
    local report=$PWD/build/$preset/test-report.xml tests failed skipped
    rm -f "$report"
    ctest --preset "$preset" -j "$jobs" --output-junit "$report" "$@" || true
    [ -s "$report" ] || die "ctest ran no tests"
    reported() { sed -n "s/.*[[:space:]]$1=\"\([0-9]*\)\".*/\1/p" "$report" | head -n 1; }
    tests=$(reported tests) failed=$(reported failures)
    skipped=$(($(reported skipped) + $(reported disabled)))
    summary $((tests - failed - skipped)) "$failed" "$skipped"
}

under_valgrind() # TEST: a line with its result, and what it said when it failed
{
    local said
    if said=$(valgrind -q --error-exitcode=99 --leak-check=full --errors-for-leak-kinds=definite \
        --suppressions=tests/valgrind.supp "$1" 2>&1); then
        printf 'passed %s\n' "$1"
    else
        printf 'FAILED %s\n%s\n' "$1" "$said"
    fi
}
export -f under_valgrind

run_valgrind()
{
    local results=$PWD/build/$preset/valgrind.log skipped=0 room test tests=()
    for room in base num config plugin graph net table store proc report run train; do
        for test in "build/$preset/bin/test_${room}_"*; do
            [ -x "$test" ] || continue
            # valgrind's posix_spawn() hides that a program is missing, which the first tests; the second
            # computes whole networks by plain loops, for half a minute without valgrind.
            if [[ $test == */test_plugin_registry || $test == */test_net_python ]]; then
                skipped=$((skipped + 1))
                continue
            fi
            tests+=("$test")
        done
    done
    [ ${#tests[@]} -gt 0 ] || die "there are no tests in build/$preset/bin"
    printf '%s\0' "${tests[@]}" | xargs -0 -n 1 -P "$jobs" bash -c 'under_valgrind "$0"' | tee "$results"
    local passed
    passed=$(grep -c "^passed build/" "$results" || true)
    summary "$passed" $((${#tests[@]} - passed)) $skipped
}

[ $install -eq 0 ] || ./setup.sh --packages || die "the packages that tests need could not be installed"
command -v cmake >/dev/null || die "cmake is missing; run ./setup.sh first"
cmake --preset "$preset" -DTCET_TESTS=ON || die "cmake could not configure build/$preset"
cmake --build --preset "$preset" -j "$jobs" || die "the build failed"
if [ $preset = no-torch ]; then
    command -v valgrind >/dev/null || die "valgrind is missing: apt-get install valgrind"
    run_valgrind
else
    run_ctest "$@"
fi
