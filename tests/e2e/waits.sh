#!/usr/bin/env bash
# waits.sh BUILD_DIR SOURCE_DIR -- protects whoever waits: a plugin that hangs, whatever it was asked
# for and by which command, costs the config's timeout, is ended and named with what it was doing;
# and being stopped, by Ctrl-Z say, is no silence.
. "$(dirname "$0")/lib.sh"

mkdir plugins && cp "$fixtures/bad_hang.so" plugins/
cat >hang.ini <<'EOF'
[run]
space   = hang
archs   = first:4
output  = results
workers = 1
timeout = 2
retries = 0
[plugins]
path = plugins
[metric a]
saliency   = hang
aggregator = sum
[metric b]
saliency   = macs
aggregator = sum
[score r]
combiner = hang
metrics  = a, b
EOF
printf 'arch,acc\n1,10\n2,30\n3,20\n4,40\n' >table.csv
table="--table table.csv --column acc"

# hangs NAME "KIND FUNCTION" CODE ARGS...: the plugin and the function are named, in time.
hangs()
{
    local name=$1 kind=${2% *} function=${2#* } want=$3 start=$SECONDS
    local regex="no answer within 2 s \\(\\[run\\] timeout\\); the worker.* was killed"
    shift 3
    HANG=$function run "$@"
    [ ! -f results/scores.db ] || "$host" export results rows.jsonl >/dev/null 2>&1
    if [ "$code" != "$want" ]; then
        fail "$name" "exit code $code, want $want"
    elif ! grep -qE "$regex.*the plugin that ran last is $kind hang \\(in $function\\)" err; then
        fail "$name" "the plugin and what it did are not named"
    elif [ $((SECONDS - start)) -gt 40 ]; then
        fail "$name" "took $((SECONDS - start)) s"
    else
        pass "$name"
    fi
    rm -rf results
}

hangs "run: opening a plugin's file" "saliency load" 2 run hang.ini --set run.space=nats_tss
hangs "run: init" "saliency init" 2 run hang.ini
hangs "run: describe" "saliency describe" 2 run hang.ini
hangs "run: a layer" "saliency layer" 3 run hang.ini --archs first:2
hangs "run: building a network" "space build" 3 run hang.ini --archs first:2
hangs "run: a population combiner" "combiner rank" 2 run hang.ini
hangs "show: describe" "saliency describe" 2 show hang.ini
hangs "search: describe" "saliency describe" 2 search hang.ini --set search.score=a \
    --set search.evaluations=4
hangs "score: describe" "saliency describe" 2 score hang.ini 1
hangs "score: a layer" "saliency layer" 2 score hang.ini 1
run run hang.ini --output whole --quiet
# shellcheck disable=SC2086 # $table is words
hangs "correlate: building a network" "space build" 2 correlate whole $table --plugins plugins
for i in 1 2; do
    run run hang.ini --output shards --shard $i/2 --quiet
done
hangs "merge: describe" "saliency describe" 2 merge merged shards/shard-* --plugins plugins
hangs "merge: a population combiner" "combiner rank" 2 merge merged shards/shard-* --plugins plugins
HANG=describe setsid "$host" merge merged shards/shard-* --plugins plugins >out 2>err </dev/null &
pid=$!
sleep 0.5
kill -INT $pid
wait $pid
check "merge: Ctrl-C while it waits for a plugin" test $? = 130
check "merge: and that it can be repeated" said "interrupted; the same command merges again" err
run merge merged shards/shard-* --plugins plugins
check "and goes on where nothing hangs" test $code = 0
HANG=rank run run hang.ini --quiet
run run hang.ini --quiet --resume --export a.csv
check "a population that hung has lost no row" test $code = 0 -a "$(grep -c ok a.csv)" = 4

# -- Stops -----------------------------------------------------------------------------------
mkdir slow && cp "$fixtures/good_slow.so" slow/
cat >stop.ini <<'EOF'
[run]
space   = nats_tss
archs   = first:3
workers = 1
timeout = 3
retries = 0
[plugins]
path = slow
[metric a]
saliency   = slow
aggregator = sum
EOF

# stops NAME WHO: a run of some seconds is stopped, WHO of it, for longer than its timeout.
stops()
{
    local name=$1 who=$2 pid worker
    setsid "$host" run stop.ini --output "stop_$who" --quiet >out 2>err </dev/null &
    pid=$!
    until worker=$(workers_of "$pid" | head -n 1) && [ -f "stop_$who/config.ini" ]; do
        sleep 0.05
    done
    sleep 0.3 # in the middle of the first network
    case $who in
    group) kill -STOP -- "-$pid" ;;
    supervisor) kill -STOP "$pid" ;;
    worker) kill -STOP "$worker" ;;
    esac
    sleep 5
    kill -CONT -- "-$pid"
    code=0
    wait "$pid" || code=$?
    check "$name" test $code = 0
}
stops "a stop of all is no silence" group
stops "nor is one of the supervisor" supervisor
stops "nor is one of the worker" worker
check "which is said" said 'warning: worker process [0-9]+ has been stopped for 3 s and is' err
finish
