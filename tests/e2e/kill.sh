#!/usr/bin/env bash
# kill.sh BUILD_DIR SOURCE_DIR -- protects hours of work: kill -9 of the supervisor, of a worker or of
# all at once, at any moment, loses no committed row and leaves no process behind, and after
# --resume the export has the bytes of an undisturbed run.  TCET_KILLS moments (100; 40 under the
# address sanitizer), drawn from TCET_SEED, up to five a run.
. "$(dirname "$0")/lib.sh"
rounds=${TCET_KILLS:-$((sanitized ? 40 : 100))} # a sanitized run takes three times as long
RANDOM=${TCET_SEED:-1}

# No pass, so no libtorch: rows come by the millisecond, and most moments hit work.
cat >kill.ini <<'EOF'
[run]
space   = nats_tss
archs   = sample:200
workers = 2
retries = 2
[metric params]
saliency   = ones
aggregator = sum
[metric macs]
saliency   = macs
aggregator = snr
[score joined]
combiner = layerdot
metrics  = macs, params
[score rank]
combiner = rankave
metrics  = params, macs
EOF
run run kill.ini --output whole --export whole.jsonl --layers --quiet
check "the undisturbed run" test $code = 0
began=$(date +%s%N)
run run kill.ini --output timed --quiet
span=$(($(date +%s%N) - began)) # nanoseconds of a run

depth=1 # architectures in flight in a worker

# start FOLDER OPTION...: a run in a session of its own, in the background; its id in $pid.
start()
{
    local folder=$1
    shift
    setsid "$host" run kill.ini --output "$folder" --quiet --resume --in-flight $depth "$@" \
        >out 2>err </dev/null &
    pid=$!
}

# Sleeps for PERCENT hundredths of a run.
wait_for() { sleep "$(awk -v s="$span" -v p="$1" 'BEGIN { printf "%.4f", s * p / 1e11 }')"; }

all_gone() # within 5 seconds
{
    local i
    for i in $(seq 100); do
        pgrep -s "$pid" >/dev/null || return 0
        sleep 0.05
    done
    return 1
}

same() { cmp whole.jsonl "$1.jsonl"; }

# ended NAME: the run in $folder is at its end, and as the undisturbed one; the next is another.
ended()
{
    if [ $code = 0 ]; then
        check "$1, the same bytes" same "$folder"
    else
        fail "$1" "exit code $code"
    fi
    rm -rf "$folder"
    folder=kill$((${folder#kill} + 1)) kills=0
}

declare -A hits=()
folder=kill1 kills=0
for round in $(seq "$rounds"); do
    depth=$((1 + round % 3))
    whom=$((RANDOM % 3)) percent=$((RANDOM % 110)) nth=$RANDOM
    start "$folder" --export "$folder.jsonl" --layers
    wait_for $percent
    case $whom in
    0) whom=supervisor
        kill -KILL $pid 2>/dev/null ;;
    1) whom=group
        kill -KILL -- -$pid 2>/dev/null || kill -KILL $pid 2>/dev/null ;;
    2) whom=worker
        mapfile -t workers < <(workers_of $pid)
        [ ${#workers[@]} = 0 ] || kill -KILL "${workers[nth % ${#workers[@]}]}" 2>/dev/null ;;
    esac
    wait $pid 2>/dev/null
    code=$?
    kills=$((kills + 1))
    name="round $round: $whom killed at $percent % of a run with $depth in flight"
    if [ $code != 137 ]; then
        ended "$name"
        continue
    fi
    hits[$whom]=$((${hits[$whom]:-0} + 1))
    check "$name, nothing left behind" all_gone
    if [ $kills = 5 ] || [ "$round" = "$rounds" ]; then
        run run kill.ini --output "$folder" --quiet --resume --export "$folder.jsonl" --layers
        ended "after $kills kills"
    fi
done
echo "killed: supervisor ${hits[supervisor]:-0}, all ${hits[group]:-0} times"

# -- Ctrl-C ---------------------------------------------------------------------------------
start stopped --archs sample:6000
wait_for 150
kill -INT -- -$pid # as a terminal does: to all
wait $pid
code=$?
check "Ctrl-C: exit code 130" test $code = 130
check "Ctrl-C: says what is kept and how to go on" \
    grep -qE 'interrupted; [1-9][0-9]* of 6000 .* kept .*' err
check "Ctrl-C: names --resume" grep -q 'run kill.ini --output stopped --quiet --resume .*--archs sample:6000$' err
check "Ctrl-C: nothing left behind" all_gone
run export stopped part.jsonl
check "Ctrl-C: what is done can be read" \
    test "$(grep -c '"status":"ok"' part.jsonl)" -gt 0
run run kill.ini --output stopped --quiet --resume --export stopped.jsonl --layers
check "Ctrl-C: a resume with fewer architectures has the same bytes" same stopped

# -- Two at once ----------------------------------------------------------------------------
start shared --archs sample:6000
for _ in $(seq 200); do
    [ -s shared/lock ] && break
    sleep 0.05
done
refuses "a second run on one folder" "shared is in use by another run \(process $pid\)" \
    run kill.ini --output shared --resume --quiet
refuses "nor without --resume" "shared is in use by another run \(process $pid\)" \
    run kill.ini --output shared --quiet
for _ in $(seq 200); do # its list is stored a moment after the lock is taken
    run export shared beside.jsonl
    said "holds no architectures yet" err || break
    sleep 0.05
done
check "an export beside a run, which says that it lacks something" \
    said "shared is incomplete: [0-9]+ of 6000 architectures" err
check "with exit code 3" test $code = 3
kill -KILL $pid
wait $pid 2>/dev/null
run run kill.ini --output shared --quiet --resume --export shared.jsonl --layers
check "a dead run's lock does not block" same shared
finish
