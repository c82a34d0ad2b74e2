#!/usr/bin/env bash
# cluster.sh BUILD_DIR SOURCE_DIR -- protects runs on many machines: shards merged, or ranks under
# mpirun, give the bytes of a run on one machine; what does not belong together is not merged; a
# worker that dies on another rank is replaced, a rank that dies is made good by --resume.
. "$(dirname "$0")/lib.sh"

cat >deep.ini <<'EOF'
[run]
space  = nats_tss
archs  = sample:31
output = deep
[metric macs]
saliency   = macs
aggregator = sum
[metric weights]
saliency   = weight
aggregator = snr
[score joined]
combiner = layerdot
metrics  = weights, macs
[score rank]
combiner = rankave
metrics  = macs, weights
EOF
slow_plugin
sed -e "s/31/900/; s/= weight\$/= slow/; s/= deep/= flat/" deep.ini >flat.ini # no pass: fast
printf '[plugins]\npath = slow\n' >>flat.ini
pace=SLOW_US=300 # to be met in the middle
whole=(--export whole.jsonl --layers --quiet)

# until_ COMMAND...: waits until it succeeds, 10 seconds at most.
until_()
{
    local i
    for i in $(seq 200); do
        "$@" >/dev/null 2>&1 && return
        sleep 0.05
    done
    return 1
}
some_rows() { rm -f part.jsonl; "$host" export "$1" part.jsonl 2>/dev/null; grep -qs '"ok"' part.jsonl; } # incomplete as it is

# -- Shards ----------------------------------------------------------------------------------
run run deep.ini --output one "${whole[@]}"
check "a run that is not cut" test $code = 0
for i in 1 2 3; do
    run run deep.ini --shard $i/3 --quiet --workers $i
    check "shard $i/3 in a folder of its own" test $code = 0 -a -s deep/shard-$i-of-3/scores.db
done
run merge deep deep/shard-*-of-3
check "merged, into the folder above" test $code = 0
check "merge says what it has" grep -q '^31 architectures: 31 scored, 0 failed, 0 missing' out
run export deep merged.jsonl --layers
check "merged: the same bytes" cmp whole.jsonl merged.jsonl
run run deep.ini --resume --quiet --export again.jsonl --layers
check "a resume of the merged folder finds all done" cmp whole.jsonl again.jsonl
run merge copy one
check "a folder that was never cut is a shard too" test $code = 0
run export copy copy.jsonl --layers
check "and its copy has the same bytes" cmp whole.jsonl copy.jsonl
run run deep.ini --shard 3/50 --quiet --output many
check "a shard may be one architecture" test $code = 0
run run deep.ini --shard 50/50 --quiet --output many
check "or none" test $code = 0

# -- What cannot be merged -------------------------------------------------------------------
s=deep/shard-
refuses "a shard too few" 'no folder is shard 2/3$' merge x ${s}1-of-3 ${s}3-of-3
refuses "a shard twice" 'both hold architecture 0: shards 1/3 and 1/3' merge x ${s}[123]-of-3 ${s}1-of-3
refuses "shards of two cuts" 'both hold architecture' merge x ${s}[123]-of-3 many/shard-3-of-50
run run deep.ini --shard 2/3 --quiet --output seed --set run.seed=7
refuses "another seed" '\[run\] seed is (not set|"7")' merge x ${s}1-of-3 seed/shard-2-of-3 ${s}3-of-3
run run deep.ini --shard 2/3 --quiet --output columns --set metric.weights.aggregator=sum
refuses "another metric" '\[metric weights\] aggregator is "snr" in the first, "sum" in the second' \
    merge x ${s}1-of-3 columns/shard-2-of-3 ${s}3-of-3
printf '%s\n' '|none~0|+|none~0|none~1|+|none~0|skip_connect~1|none~2|' \
    '|none~0|+|none~0|none~1|+|none~0|none~1|skip_connect~2|' >list.txt
run run flat.ini --shard 1/2 --archs file:list.txt --quiet --output list
sed -i '2s/skip_connect/nor_conv_1x1/' list.txt
run run flat.ini --shard 2/2 --archs file:list.txt --quiet --output list
refuses "a list that changed" 'lists of architectures differ' merge x list/shard-*
refuses "into a folder with results" 'one holds results' merge one ${s}[123]-of-3
refuses "a folder that is no run" 'nowhere holds no run' merge x ${s}1-of-3 nowhere
check "nothing was made" test ! -e x
mkdir -p plugins && cp "$fixtures/good_minimal.so" plugins/
for i in 1 2; do
    run run deep.ini --set plugins.path=plugins --set metric.m.saliency=good_weight \
        --set metric.m.aggregator=sum --shard $i/2 --archs first:4 --quiet --output edited
    printf ' ' >>plugins/good_minimal.so # another file, though it does the same
done
refuses "an edited plugin" 'different things as m \(another plugin, backend, data or processor\)' merge x edited/*

for bad in 0/3 4/3 1/0 -1/3 3 1/ /3 1/3/5 a/b ''; do
    refuses "--shard \"$bad\"" 'expected I/N' run deep.ini --shard "$bad"
done
refuses "--shard auto outside of Slurm" 'not in a Slurm job array' run deep.ini --shard auto
export SLURM_ARRAY_TASK_ID=14 SLURM_ARRAY_TASK_COUNT=3 SLURM_ARRAY_TASK_MIN=10 SLURM_ARRAY_TASK_STEP=2
run run deep.ini --shard auto --quiet --output slurm
check "--shard auto: the place in a Slurm job array" test $code = 0 -a -d slurm/shard-3-of-3
SLURM_ARRAY_TASK_ID=13 refuses "--shard auto: no plain range" 'no plain range' run deep.ini --shard auto
SLURM_ARRAY_TASK_ID=10 SLURM_ARRAY_TASK_MAX=20 refuses "--shard auto: an array with gaps" \
    'no plain range' run deep.ini --shard auto
unset SLURM_ARRAY_TASK_ID SLURM_ARRAY_TASK_COUNT SLURM_ARRAY_TASK_MIN SLURM_ARRAY_TASK_STEP

# -- A shard that was interrupted ------------------------------------------------------------
run run flat.ini --output flatone "${whole[@]}"
env $pace "$host" run flat.ini --shard 1/2 --quiet --workers 1 >out 2>err &
shard=$!
until_ some_rows flat/shard-1-of-2
kill -INT $shard
wait $shard
check "one shard interrupted" test $? = 130
run run flat.ini --shard 2/2 --quiet
run merge flat flat/shard-* --plugins slow
check "merged all the same, exit code 3" test $code = 3
check "and it says what is missing and how to go on" \
    grep -q 'tcet-host run CONFIG --resume --output flat' err
run run flat.ini --resume --quiet --export merged.jsonl --layers
check "a resume of what was merged: the same bytes" cmp whole.jsonl merged.jsonl

# -- Ranks -----------------------------------------------------------------------------------
mpi=(mpirun --allow-run-as-root --oversubscribe -n)
if ! [ -f "$build/lib/tcet/tcet-mpi.so" ] || ! command -v mpirun >/dev/null; then
    echo "SKIP ranks: no MPI here"
    finish
    exit
fi
# Docker forbids what OpenMPI would like to do between processes, and it complains.
export OMPI_MCA_btl_vader_single_copy_mechanism=none

# What the MPI library leaks is not ours.
export ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0

# of_rank N PID: the process of that rank under an mpirun.
of_rank()
{
    local p
    for p in $(pgrep -P "$2"); do
        tr '\0' '\n' <"/proc/$p/environ" 2>/dev/null | grep -qx "OMPI_COMM_WORLD_RANK=$1" && echo "$p"
    done
}

# worker_of N: into $worker the process of a worker of that rank of $run; false where it has none.
worker_of()
{
    worker=$(workers_of "$(of_rank "$1" $run)" | head -n 1)
    [ -n "$worker" ]
}

no_ranks() { ! pgrep -f "$host run flat.ini --output lost"; }

cp whole.jsonl flat.jsonl
run run deep.ini --output one --resume "${whole[@]}"
"${mpi[@]}" 4 "$host" run deep.ini --output ranks --export ranks.jsonl --layers >out 2>err </dev/null
code=$?
check "four ranks: exit code 0" test $code = 0
check "four ranks: a worker on each" grep -q '(4 workers)' out
check "four ranks: the same bytes" cmp whole.jsonl ranks.jsonl
"${mpi[@]}" 3 "$host" run deep.ini --output ranks2 --workers 2 --export ranks.jsonl --layers >out 2>err </dev/null
check "three ranks of two workers" grep -q '(6 workers)' out
check "three ranks of two workers: the same bytes" cmp whole.jsonl ranks.jsonl
"${mpi[@]}" 2 "$host" run deep.ini --output ranks3 --in-flight 3 --export ranks.jsonl --layers >out 2>err </dev/null
check "two ranks with three in flight in each worker: the same bytes" cmp whole.jsonl ranks.jsonl
"${mpi[@]}" 3 "$host" run deep.ini --output ranks --resume --quiet >out 2>err </dev/null
code=$?
check "nothing left to do: ranks go all the same" test $code = 0
"${mpi[@]}" 2 "$host" run none.ini >out 2>err </dev/null
code=$?
check "ranks: a mistake is exit code 2" test $code = 2
check "ranks: and said once" test "$(grep -c 'none.ini: No such file' err)" = 1

for i in 1 2 3; do
    "${mpi[@]}" 2 "$host" run flat.ini --shard $i/3 --output both --quiet >out 2>err </dev/null
done
run merge both both/shard-* --plugins slow
run export both both.jsonl --layers
check "shards of ranks: the same bytes" cmp flat.jsonl both.jsonl

env $pace "${mpi[@]}" 3 "$host" run flat.ini --output lost --quiet --export lost.jsonl --layers >out 2>err </dev/null &
run=$!
until_ some_rows lost
until_ worker_of 2 # which may start late
kill -KILL "$worker"
wait $run
code=$?
check "a worker on another rank killed: exit code 0" test $code = 0
check "a worker on another rank killed: tried again" grep -q 'worker was killed by signal 9' err
check "a worker on another rank killed: the same bytes" cmp flat.jsonl lost.jsonl

for rank in 0 1 2; do
    rm -rf lost
    env $pace "${mpi[@]}" 3 "$host" run flat.ini --output lost --quiet >out 2>err </dev/null &
    run=$!
    until_ some_rows lost
    ranks=$(of_rank "$rank" $run)
    kill -KILL "$ranks"
    wait $run
    code=$?
    check "rank $rank killed: not taken for success" test $code != 0
    check "rank $rank killed: nothing left behind" until_ no_ranks
    run run flat.ini --output lost --resume --quiet --export lost.jsonl --layers
    check "rank $rank killed: a resume has the same bytes" cmp flat.jsonl lost.jsonl
done

# Two ranks on a machine have half of its memory each.
sed 's/sample:31/first:2/; s/= weight$/= eat/' deep.ini >eat.ini
TCET_MEMORY=2000 "${mpi[@]}" 2 "$host" run eat.ini --output eaten --set plugins.path="$fixtures" --set run.retries=0 \
    --export eaten.jsonl --quiet >out 2>err </dev/null
code=$?
check "a worker without memory, on any rank: exit code 3" test $code = 3
check "and each row says why" test 2 = "$(grep -c \
    'was ended: .* memory = 90% allows 900 MiB; .* ran last is saliency eat' eaten.jsonl)"

rm -rf lost
env $pace "${mpi[@]}" 3 "$host" run flat.ini --output lost --quiet >out 2>err </dev/null &
run=$!
until_ some_rows lost
kill -INT $run
wait $run
code=$?
check "mpirun interrupted: not taken for success" test $code != 0
"${mpi[@]}" 3 "$host" run flat.ini --output lost --resume --quiet --export lost.jsonl --layers >out 2>err </dev/null
check "mpirun interrupted: a resume has the same bytes" cmp flat.jsonl lost.jsonl

sed "s|^output = flat|&\ntimeout = 2\nretries = 0|; s|^path = slow|path = $fixtures|" flat.ini >spin.ini
"${mpi[@]}" 3 "$host" run spin.ini --archs first:3 --output spin --quiet --set metric.m.saliency=spin \
    --set metric.m.aggregator=sum --export spin.jsonl >out 2>err </dev/null
code=$?
check "a plugin that hangs on a rank: exit code 3" test $code = 3
check "a plugin that hangs on a rank: named" \
    test "$(grep -c 'no answer within 2 s .*ran last is saliency spin' spin.jsonl)" = 3
finish
