#!/usr/bin/env bash
# disk.sh BUILD_DIR SOURCE_DIR -- protects results from the disk: when it is full, or files may grow no
# more, or nothing may be written, the run ends with exit code 2 and one line that says so; rows
# committed before stay readable there, and --resume with room ends with the usual bytes.
. "$(dirname "$0")/lib.sh"
trap 'umount "$work/disk" 2>/dev/null; rm -rf "$work"' EXIT

slow_plugin
cat >disk.ini <<'EOF'
[run]
space   = nats_tss
archs   = sample:1600
workers = 1
[plugins]
path = slow
[metric params]
saliency   = slow
aggregator = sum
[metric macs]
saliency   = macs
aggregator = snr
EOF
# Where room ends, networks take their time: rows are committed twice a second, and a fast machine might
# score all that fit before the first commit.
slowly() { SLOW_US=20 "$@"; }
run run disk.ini --output whole --export whole.jsonl --layers --quiet
check "with room" test $code = 0
# Less than the store itself needs, whatever the log beside it takes, which depends on the machine's speed.
less=$(($(stat -c %s whole/scores.db) * 6 / 10 / 1024))

# one_line REGEX: the last run failed with exit code 2 and one line that fits (but for the plugin's note).
one_line() { [ $code = 2 ] && [ "$(grep -vc 'note: plugin code' err)" = 1 ] && grep -qE "$1" err; }

# survives NAME FOLDER: what was committed can be read, and the rest be added.
survives()
{
    local rows
    run export "$2" part.jsonl
    rows=$(grep -c '"status":"ok"' part.jsonl)
    check "$1: the $rows rows committed before can be read" test "$code" = 3 -a "$rows" -gt 0
    "${room[@]}"
    run run disk.ini --output "$2" --export after.jsonl --layers --quiet --resume
    check "$1: with room, the same bytes" cmp whole.jsonl after.jsonl
}

# -- Files may not grow to the store's size ------------------------------------------------------
code=0
(ulimit -f "$less" && slowly exec "$host" run disk.ini --output limited --quiet) >out 2>err </dev/null || code=$?
check "file size limit: one line, exit code 2" one_line 'limited/scores.db: (File too large|no space)'
room=(true)
survives "file size limit" limited

# Every command meets the limit as an error of the write, not as a signal.
at_limit() # NAME BLOCKS ARGS...
{
    local name=$1 blocks=$2
    shift 2
    code=0
    (ulimit -f "$blocks" && slowly exec "$host" "$@") >out 2>err </dev/null || code=$?
    check "file size limit: $name: one line, exit code 2" one_line 'File too large'
}
at_limit export 1 export limited limited.jsonl --layers
check "file size limit: nothing half-written stays" test ! -e limited.jsonl
at_limit merge 60 merge merged limited
# A search's lines end at one of them, and a resume has the usual bytes.
cat disk.ini - >search.ini <<'EOF'
[search]
score       = params
evaluations = 1500
repeat      = score
[strategy evolution]
population = 20
sample     = 5
EOF
run search search.ini --output searched --quiet
at_limit search 400 search search.ini --output limited_search --quiet
check "file size limit: what was asked before is kept" test "$(wc -l <limited_search/search.csv)" -gt 1
run search search.ini --output limited_search --quiet --resume
check "file size limit: a search resumed has the same bytes" cmp searched/search.csv limited_search/search.csv

# -- Damage after a look: a store that is as it was is not looked at again, one that is not is --------
export XDG_CACHE_HOME=$work/cache
run export whole again.jsonl
check "a store that was looked at stands in the user's list" \
    grep -q "^[0-9]* $(stat -c '%i %s' whole/scores.db) " cache/tcet-host/stores-1
run export whole again.jsonl --layers
check "and is read as before" cmp whole.jsonl again.jsonl
at=$(grep -abom1 'nor_conv_3x3' whole/scores.db | head -n 1 | cut -d: -f1)
printf x | dd of=whole/scores.db bs=1 seek="$at" conv=notrunc 2>/dev/null
refuses "a letter that changed since" 'damaged' export whole again.jsonl
stat -c '%d %i %s %.9Z' whole/scores.db | tr . ' ' >cache/tcet-host/stores-1
sleep 0.1 # the file's last change is older than a tick
run export whole again.jsonl
check "a list that knows it so is believed" test $code = 0
chmod g+w cache/tcet-host/stores-1
refuses "but not one that others can write" 'damaged' export whole again.jsonl
rm cache/tcet-host/stores-1
refuses "without a list all is looked at" 'damaged' export whole again.jsonl
printf n | dd of=whole/scores.db bs=1 seek="$at" conv=notrunc 2>/dev/null
run export whole again.jsonl --layers
check "and no more when it is put right" cmp whole.jsonl again.jsonl

# -- A disk on which the store has no room ------------------------------------------------------
mkdir disk
if ! mount -t tmpfs -o size="${less}k" tmpfs disk 2>/dev/null; then
    echo "SKIP full disk, read-only disk: no right to mount one here"
else
    slowly run run disk.ini --output disk/run --quiet
    check "full disk: one line, exit code 2" one_line 'no space left on the device'
    room=(mount -o remount,size=20m disk)
    survives "full disk" disk/run
    mount -o remount,ro disk
    run export disk/run read.jsonl --layers
    check "read-only disk: results can be read" cmp whole.jsonl read.jsonl
    refuses "read-only disk: a run that goes on" 'Read-only file system|not writable' run disk.ini \
        --output disk/run --resume --quiet
    refuses "read-only disk: a new run" 'Read-only file system' run disk.ini --output disk/new --quiet
fi
finish
