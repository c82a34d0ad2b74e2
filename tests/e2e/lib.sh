# lib.sh -- what the end-to-end scripts share; sourced, never run.  A script is called as
# SCRIPT BUILD_DIR SOURCE_DIR and tests BUILD_DIR/bin/tcet-host.
#
# Prints one PASS or FAIL line a test and, by finish, "N passed, N failed".  Each script works
# in a folder of its own, $work, which is its current folder and is removed at the end
# (TCET_E2E_KEEP=1 keeps it).
set -uo pipefail
build=$(readlink -f "${1:?usage: SCRIPT BUILD_DIR SOURCE_DIR}")
source=$(readlink -f "${2:?usage: SCRIPT BUILD_DIR SOURCE_DIR}")
host=$build/bin/tcet-host
fixtures=$build/tests/fixtures
sanitized=$(nm -D "$host" | grep -c __asan_) # 0: not under the address sanitizer
passed=0 failed=0 code=0
work=$(mktemp -d "${TMPDIR:-/tmp}/tcet-e2e.XXXXXX")
trap '[ -n "${TCET_E2E_KEEP:-}" ] || { chmod -R u+w "$work"; rm -rf "$work"; }' EXIT
cd "$work" || exit 1
# A cache of its own: the tests neither use nor change the user's.
export XDG_CACHE_HOME=$build/tests/e2e-cache
unset TCET_PLUGIN_PATH
# The tests' small programs are of the system's Python, not of a wrapper that starts another each time.
PATH=/usr/bin:$PATH
mkdir -p "$XDG_CACHE_HOME"

pass() { passed=$((passed + 1)); echo "PASS $1"; }

# fail NAME [WHY]: with what the last command said.
fail()
{
    failed=$((failed + 1))
    echo "FAIL $1${2:+: $2}"
    echo "     exit code $code; stderr:"
    head -c 2000 err | sed 's/^/     | /'
}

# run ARGS...: the host, with its exit code in $code, output in the files out and err.
run()
{
    code=0
    "$host" "$@" >out 2>err </dev/null || code=$?
}

# slow_plugin: puts a plugin into $work/slow whose "saliency = slow" takes SLOW_US microseconds a layer,
# none unless a command sets it: for a run that is met in its middle on a machine of any speed.
slow_plugin()
{
    mkdir -p "$work/slow"
    cp "$fixtures/good_slow.so" "$work/slow/"
    export SLOW_US=0
}

# check NAME COMMAND...: passes when the command succeeds.
check()
{
    local name=$1
    shift
    if "$@" >check.out 2>&1; then
        pass "$name"
    else
        fail "$name" "$* says: $(head -c 600 check.out)"
    fi
}

# Can a terminal be made here?  A bare chroot has no devices for it.
has_terminal() { command -v script >/dev/null && script -qec true /dev/null >/dev/null 2>&1 </dev/null; }

# workers_of PID: its worker processes, those of strategies too.  By name: it may have another child,
# the leak sanitizer's at its end, and waits for ever if that is killed.
workers_of() { pgrep -P "$1" -f '^tcet-host worker'; }

# said REGEX FILE: a line of FILE fits (grep -E).
said() { grep -qE -- "$1" "$2"; }

# refuses NAME REGEX ARGS...: exit code 2, nothing on stdout, and on stderr, besides what names code
# that is not built in, exactly one line of at most 500 characters, which fits REGEX (grep -E).
refuses()
{
    local name=$1 regex=$2
    shift 2
    run "$@"
    grep -v '^tcet-host: note: plugin code that is not built in: ' err >complaint
    if [ "$code" != 2 ]; then
        fail "$name" "exit code $code, want 2"
    elif [ -s out ]; then
        fail "$name" "prints on stdout: $(head -c 200 out)"
    elif [ "$(wc -l <complaint)" != 1 ]; then
        fail "$name" "$(wc -l <complaint) lines on stderr, want one"
    elif ! grep -qE -- "$regex" complaint; then
        fail "$name" "the message does not fit /$regex/"
    elif [ "$(wc -c <complaint)" -gt 500 ]; then
        fail "$name" "the message has $(wc -c <complaint) characters"
    else
        pass "$name"
    fi
}

finish()
{
    echo "$(basename "$0"): $passed passed, $failed failed"
    [ "$failed" = 0 ]
}
