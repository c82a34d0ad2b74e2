#!/usr/bin/env bash
# hostile.sh BUILD_DIR SOURCE_DIR -- protects a run from a plugin that crashes, aborts, exits, hangs,
# eats memory, writes past its memory or gives NaN: each costs the architectures it meets and no
# others, the row says which plugin it was and what it did, and the run goes on to its end.
. "$(dirname "$0")/lib.sh"

# Crashes must end as they do without the address sanitizer.
export ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}handle_segv=0

# A network without a convolution in its cells, and one with many.
cat >two.txt <<'EOF'
|none~0|+|none~0|none~1|+|none~0|skip_connect~1|none~2|
|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|nor_conv_3x3~0|nor_conv_3x3~1|nor_conv_3x3~2|
EOF
macs=('"macs":7783040' '"macs":220119680') # of them

config() # PLUGIN [TIMEOUT]
{
    rm -rf plugins results
    mkdir plugins && cp "$fixtures/bad_layer_$1.so" plugins/ 2>/dev/null
    cat >hostile.ini <<EOF
[run]
space   = nats_tss
archs   = file:two.txt
output  = results
workers = 1
timeout = ${2:-60}
retries = 0
[plugins]
path = plugins
[metric macs]
saliency   = macs
aggregator = sum
[metric bad]
saliency   = $1
aggregator = sum
EOF
}

# fails_twice REGEX: two rows of rows.jsonl failed with such an error; else prints theirs.
fails_twice()
{
    [ "$(grep -cE "\"status\":\"failed\",\"error\":\"$1" rows.jsonl)" = 2 ] && return
    grep -oE '"error":"[^"]*"' rows.jsonl
    return 1
}

# costs PLUGIN REGEX [OPTION...]: both rows fail for that reason, exit code 3.  Only what hangs
# has a short time: a sanitizer's report of a crash may take longer.
costs()
{
    local plugin=$1 regex=$2
    shift 2
    config "$plugin" "$(case $plugin in spin | sleep) echo 2 ;; esac)"
    run run hostile.ini --export rows.jsonl --quiet "$@"
    check "$plugin: the run ends with exit code 3" test $code = 3
    check "$plugin: each row says why" fails_twice "$regex"
}

died='the worker was killed by signal'
last='the plugin that ran last is saliency'
costs crash "$died 11 .*$last crash"
costs abort "$died 6 .*$last abort"
costs exit "the worker exited with code 0; $last exit"
costs spin "no answer within 2 s .*$last spin"
costs sleep "no answer within 2 s .*$last sleep"
costs overrun "saliency overrun: misbehaves: it writes past the end"
costs silent "saliency silent: misbehaves"
costs throw ".*nobody catches this.*$last throw"
# Whoever falls over a spoilt heap, the one that may have spoilt it is named.
[ "$sanitized" != 0 ] || costs heap ".*(ran last is|not built in) saliency heap"
if [ "$sanitized" != 0 ]; then
    echo "SKIP hog: the address sanitizer needs all address space"
else
    # enough for libtorch, and soon used up
    costs hog "$died .*$last hog" --set run.memory=8000
fi
# Without a limit in the config: what the machine has, here said to be little, is one.
TCET_MEMORY=1000 costs eat "the worker was ended: .* memory = 90% allows 900 MiB; .*$last eat"
TCET_MEMORY=100000 costs eat "the worker was ended: .* memory = 1% allows 1000 MiB; .*$last eat" \
    --set run.memory=1%
TCET_MEMORY=1000 run run hostile.ini --quiet --resume --retry-failed --set run.memory=0
check "eat: memory = 0 is no limit" test $code = 0
TCET_MEMORY=1000 run score hostile.ini index:1 --set plugins.path=plugins
check "eat: a single architecture meets the limit too" \
    said "error: .*was ended: .*$last eat" err

config deep
run run hostile.ini --export rows.jsonl --quiet --set run.workers=2 --set run.retries=1
check "deep: the run ends with exit code 3" test $code = 3
check "deep: the shallow network is well" \
    grep -qE "${macs[0]}.*\"status\":\"ok\"" rows.jsonl
check "deep: the deep one is named" \
    grep -qE "nor_conv_3x3.*\"status\":\"failed\",\"error\":\"$died 6 .*$last deep" rows.jsonl
check "deep: one try and one retry" test "$(grep -c 'warning: the worker' err)" = 1
run run hostile.ini --resume --quiet --export again.jsonl
check "deep: a failed row is not tried again" cmp rows.jsonl again.jsonl
run run hostile.ini --resume --retry-failed --quiet --export again.jsonl
check "deep: unless asked for" test $code = 3

# -- Several in flight ------------------------------------------------------------------------
# A deep network among shallow ones, all of them in one worker's hands.
cells='|none~0|+|none~0|%s~1|+|none~0|skip_connect~1|%s~2|\n'
{
    printf "$cells" none none none skip_connect none avg_pool_3x3
    tail -n 1 two.txt
    printf "$cells" skip_connect none skip_connect skip_connect skip_connect avg_pool_3x3
} >seven.txt
for how in abort crash exit sleep; do
    config deep "$([ $how != sleep ] || echo 3)"
    for k in 1 3; do
        run run hostile.ini --archs file:seven.txt --set metric.bad.saliency.how=$how --in-flight $k \
            --output deep$k --export deep$k.jsonl --quiet
        check "deep: $how with $k in flight: exit code 3" test $code = 3
    done
    check "deep: $how costs one of seven and is named" test \
        "$(grep -c '"status":"ok"' deep1.jsonl)" = 6 -a \
        "$(grep -cE "\"status\":\"failed\",\"error\":\".*$last deep" deep1.jsonl)" = 1
    check "deep: $how with 3 in flight: the same bytes" cmp deep1.jsonl deep3.jsonl
    check "deep: $how with 3 in flight: a warning says that all it had are tried again" \
        said '^tcet-host: warning: .*each of the [234] architectures that it had is tried again alone' err
    rm -rf deep1 deep3
done
for plugin in crash exit sleep; do # in every network
    costs $plugin ".*$last $plugin" --in-flight 3
done

config nan
run run hostile.ini --export rows.jsonl --quiet
check "nan: a value like others" test $code = 0
check "nan: shown and counted" \
    test "$(grep -cE '"bad":"nan".*"guards":\{"nonfinite":[0-9]+\},"status":"ok"' rows.jsonl)" = 2
rm -rf results
run run hostile.ini --export rows.jsonl --quiet --set run.on_nonfinite=fail
check "nan: a failure where the config says so" test $code = 3

config fork
run run hostile.ini --export rows.jsonl --quiet
check "fork: the plugin's copy of the worker costs nothing" test "$code" = 0 \
    -a "$(grep -c '"status":"ok"' rows.jsonl)" = 2
strays() # processes of the host that still stand in this folder
{
    local p
    for p in /proc/[0-9]*; do
        [ "$(readlink "$p/exe")" != "$host" ] || readlink "$p/cwd"
    done 2>/dev/null | grep -cx "$work"
}
check "fork: and does not go on with its work" test "$(strays)" = 0
config offspring
run run hostile.ini --export rows.jsonl --quiet
check "offspring: the run ends with exit code 3, and no sleeper delays that" \
    test "$code" = 3 -a "$(grep -c "$died 11 .*$last offspring" rows.jsonl)" = 2
for _ in $(seq 40); do # the kernel ends it when it gets to it
    [ "$(strays)" != 0 ] || break
    sleep 0.05
done
check "offspring: the sleeper ends with the worker" test "$(strays)" = 0
for how in rounding sse; do
    config $how
    run run hostile.ini --export rows.jsonl --quiet
    check "$how: other plugins compute as ever, and it is named" \
        test "$(grep -c "saliency $how: misbehaves: it changed the rounding mode" rows.jsonl)" = 2
done
config denormals # which its opening changes, not a call
cp "$fixtures/bad_ctor_denormals.so" plugins/
run run hostile.ini --export rows.jsonl --quiet
check "denormals: what opening a file changes is put back, and the file is named" \
    test "$code" = 0 -a "$(grep -c 'bad_ctor_denormals.so: opening it changed' err)" = 1

config print
run run hostile.ini --export rows.jsonl --quiet
check "print: results are no place for what a plugin prints" test ! -s out
check "print: nor is it an error, however much it is" test $code = 0

config close
rm -f closed
"$host" run hostile.ini --quiet >out 2>err &
host_pid=$!
for ((i = 0; i < 600; i++)); do
    [ ! -e closed ] || break
    sleep 0.1
done
sleep 0.2
before=$(cut -d' ' -f1 /proc/$host_pid/schedstat)
sleep 1
after=$(cut -d' ' -f1 /proc/$host_pid/schedstat)
wait $host_pid
code=$?
check "close: a worker without stdout and stderr computes as ever" test $code = 0
check "close: and nobody looks for what it prints without end" test $((after - before)) -lt 500000000
finish
