#!/usr/bin/env bash
# search.sh BUILD_DIR SOURCE_DIR -- protects `tcet-host search`: that strategies find what theory, the
# official code or a table of means says they find; that search.csv has the same bytes for any number of
# workers, after kills at any moment, under mpirun, and for shards that are merged; that limits, repeats,
# ranks and warm starts do what docs/search.md says; that strategies which misbehave, and bad input, end in
# words.
# TCET_KILLS moments (50), drawn from TCET_SEED.
. "$(dirname "$0")/lib.sh"
kills=${TCET_KILLS:-50}
RANDOM=${TCET_SEED:-1}
seeds=200
[ "$sanitized" = 0 ] || kills=10 seeds=40 # all code runs slowly

tabular=$source/conf/search/tss_tabular.ini

# near FILE EVALUATIONS EXPECTED STD N: the mean in FILE, a curve.csv, is within 4 standard errors of
# what N searches elsewhere had (N = 0: within 3 of what is exact).
near()
{
    awk -F, -v at="$2" -v want="$3" -v std="$4" -v n="$5" '
        $1 == at {
            error = (n ? 4 : 3) * std * sqrt(1 / $2 + (n ? 1 / n : 0))
            printf "%d evaluations: mean %.4f, wanted %.4f +- %.4f\n", at, $3, want, error
            found = ($3 - want) ^ 2 <= error ^ 2
        }
        END { exit !found }' "$1"
}

# -- What strategies find in a table ---------------------------------------------------------
# test_cifar10 of the incumbent by val_cifar10.  Random: order statistics, exact.
run search "$tabular" --output random --set search.strategy=random --set search.seeds=1..$seeds \
    --set search.evaluations=1000
check "random search" test $code = 0
while read -r n mean std; do
    check "random search after $n" near random/curve.csv "$n" "$mean" "$std" 0
done <<'EOF'
10 93.008 .612
50 93.588 .369
100 93.740 .306
200 93.846 .269
500 93.954 .243
1000 94.027 .223
EOF
# Means of a model of NATS-Bench's aging evolution and of NASLib's local search.
run search "$tabular" --output aging --set search.seeds=1..$seeds
while read -r n mean std; do
    check "evolution, population 10, sample 3, after $n" near aging/curve.csv "$n" "$mean" "$std" 1000
done <<'EOF'
10 93.03 .59
50 93.73 .38
100 93.95 .29
200 94.09 .21
500 94.18 .16
EOF
run search "$tabular" --output large --set search.seeds=1..$seeds --set search.evaluations=1000 \
    --set strategy.evolution.population=64 --set strategy.evolution.sample=10
while read -r n mean std; do
    check "evolution, population 64, sample 10, after $n" near large/curve.csv "$n" "$mean" "$std" 500
done <<'EOF'
50 93.58 .38
100 93.90 .29
200 94.12 .20
500 94.23 .14
1000 94.28 .08
EOF
run search "$tabular" --output local --set search.seeds=1..$seeds --set search.strategy=local
while read -r n mean std; do
    check "local search after $n" near local/curve.csv "$n" "$mean" "$std" 500
done <<'EOF'
10 92.17 1.33
50 93.42 .59
100 93.85 .36
200 94.03 .24
500 94.18 .16
EOF

# All of the space: its optimum, and the exact front with the hypervolume that others computed of it.
pareto=(--set search.score= --set "search.objectives=column:val_cifar10, -column:flops"
    --set search.hypervolume_from=0,220.11969e6)
run search "$tabular" "${pareto[@]}" --output all --set search.strategy=exhaustive \
    --set search.evaluations=0 --set search.seeds=1
check "all of the space is asked for once" grep -q "^15625 asks of 1 search: 15625 scored" out
check "the exact front" test "$(cut -d, -f2 all/front.csv | tail -n +2 | tr '\n' ' ')" = \
    "91.569999999999993 91.379999999999995 91.219999999999999 91.049999999999997 91 90.819999999999993 90.75 90.75 90.680000000000007 89.430000000000007 88.590000000000003 88.349999999999994 87.829999999999998 87.150000000000006 84.439999999999998 "
volume() # of the summary, as a part of the rectangle
{
    awk '/^hypervolume/ { v = $6; sub(/,/, "", v); printf "%.6f\n", v / (100 * (220.11969e6 - 7.78305e6)) }' out
}
check "its hypervolume" test "$(volume)" = 0.907211
run search "$tabular" "${pareto[@]}" --output nsga2 --set search.strategy=nsga2 \
    --set search.evaluations=2000 --set search.seeds=1..10
check "nsga2: the front within .1 %" awk -v v="$(volume)" 'BEGIN { print v; exit !(v >= .9063) }'

# -- ZenNAS's loop ----------------------------------------------------------------------------
# 480,000 iterations accepted 187,049 and 170,737 by size, 382,848 and 370,101 by N(0, 1).
cat >zennas.ini <<'EOF'
[run]
space   = zennas
classes = 100
[space]
max_size   = 0
max_layers = 0
[search]
strategy   = evolution
score      = count:size
iterations = 480000
max_size   = 1000000
max_layers = 18
window     = 1
[strategy evolution]
population = 512
initial    = 11
sample     = 1
evict      = worst
EOF
accepted() { sed -n 's/^480000 asks of 1 search: \([0-9]*\) scored.*/\1/p' out; }
between() { [ "$1" -ge "$2" ] && [ "$1" -le "$3" ]; }
if [ "$sanitized" = 0 ]; then
    run search zennas.ini --output size
    check "by size: accepted of 480,000" between "$(accepted)" 136000 224500
    check "by size: the budget is filled" awk -F, 'NR == 2 { print $2; exit !($2 >= 999900) }' size/top.csv
    sum=$(cksum <size/search.csv)
    TIMEFORMAT='%U %S' # of all its processes: the machine may have other work
    { time run search zennas.ini --output size --resume; } 2>spent
    check "480,000 asks replayed in less than 30 s" awk '{ print; exit !($1 + $2 < 30) }' spent
    check "and nothing was added" test "$sum" = "$(cksum <size/search.csv)"
    rm -rf size
    run search zennas.ini --output noise --set search.score=noise
    check "by noise: accepted of 480,000" between "$(accepted)" 296000 459500
    rm -rf noise
fi

# -- The same bytes ---------------------------------------------------------------------------
# No pass, so no libtorch: rows come by the millisecond, and most moments hit work.
cat >work.ini <<'EOF'
[run]
space   = nats_tss
workers = 2
retries = 2
[metric params]
saliency   = ones
aggregator = sum
[metric macs]
saliency   = macs
aggregator = snr
[metric unneeded]
saliency   = snip
aggregator = sum
[score joined]
combiner = layerdot
metrics  = macs, params
[score rank]
combiner = rankave
metrics  = params, macs
[search]
score       = joined
evaluations = 400
seeds       = 1..2
[strategy evolution]
population = 20
sample     = 5
[benchmark]
table  = nats_tss
column = test_cifar10
EOF
began=$(date +%s%N)
run search work.ini --output whole --quiet
span=$(($(date +%s%N) - began))
check "a search" test $code = 0
run export whole whole.jsonl
check "only what the score needs is computed" test \
    "$(sed -n '1s/.*"scores":{\([^}]*\)}.*/\1/p' whole.jsonl | grep -o '"[a-z]*":' | tr -d '":\n')" = paramsmacsjoined
for workers in 1 5; do
    run search work.ini --output workers$workers --quiet --workers $workers
    check "$workers workers: the same search.csv" cmp whole/search.csv workers$workers/search.csv
    run export workers$workers workers$workers.jsonl
    check "$workers workers: the same export" cmp whole.jsonl workers$workers.jsonl
done
refuses "a folder with a search needs --resume" "use --resume to go on" search work.ini --output whole
run search work.ini --output whole --resume
check "a search resumed at its end computes nothing" grep -q "; 0 scores computed now" out
refuses "another search into the folder" "this is another search than the folder's" \
    search work.ini --output whole --resume --set strategy.evolution.sample=6
refuses "a smaller budget" "goes on where this one has ended, by \"2," \
    search work.ini --output whole --resume --set search.seeds=1
run search work.ini --output whole --resume --set search.seeds=1..3 --quiet
run search work.ini --output three --set search.seeds=1..3 --quiet
check "a third seed afterwards is as at once" cmp whole/search.csv three/search.csv

hits=0
folder=kill1
for round in $(seq "$kills"); do
    setsid "$host" search work.ini --output $folder --quiet --resume >out 2>err </dev/null &
    pid=$!
    sleep "$(awk -v s="$span" -v p=$((RANDOM % 100)) 'BEGIN { printf "%.4f", s * p / 1e11 }')"
    if [ $((RANDOM % 3)) = 0 ]; then # a worker, or the process of the strategy
        victims=($(workers_of $pid))
        [ ${#victims[@]} = 0 ] || kill -KILL "${victims[RANDOM % ${#victims[@]}]}" 2>/dev/null
        wait $pid 2>/dev/null
        code=$?
    else
        kill -KILL $pid 2>/dev/null && hits=$((hits + 1))
        wait $pid 2>/dev/null
        code=$?
    fi
    [ $code = 0 ] || continue
    check "kill $round: at its end, the same bytes" cmp workers1/search.csv $folder/search.csv
    folder=kill$((${folder#kill} + 1))
done
run search work.ini --output $folder --quiet --resume
check "after $hits kills of $kills, the same bytes" cmp workers1/search.csv $folder/search.csv
run export $folder killed.jsonl
check "and the same export" cmp workers1.jsonl killed.jsonl
check "some of the kills hit" test "$hits" -gt 0

# begun FILE: waits until a search has written 20 lines.
begun()
{
    local _
    for _ in $(seq 1200); do
        [ "$(cat "$1" 2>/dev/null | wc -l)" -lt 20 ] || break
        sleep 0.05
    done
}

# -- Repeats, ranks, limits, warm starts ------------------------------------------------------
one=(--set search.seeds=1 --set search.evaluations=100)
column() { cut -d, -f"$2" "$1/search.csv" | tail -n +2; } # FOLDER FIELD
run search work.ini --output again "${one[@]}" --set search.repeat=score --quiet
check "repeat = score: every ask is scored" test "$(column again 6 | sort -u)" = scored
run search work.ini --output again "${one[@]}" --set search.repeat=score --resume
check "repeat = score: a resume computes nothing" grep -q "; 0 scores computed now" out
run search work.ini --output reused "${one[@]}" --set search.repeat=reuse --quiet
check "repeat = reuse: a key met again is not scored" test "$(column reused 6 | grep -c reused)" -gt 0
run search work.ini --output limited "${one[@]}" --set search.max_params=500000 --quiet
check "reject = count: rejected ones have lines" grep -q ",over:params,," limited/search.csv
check "and none above the limit a score" awk -F, 'NR > 1 && $6 == "scored" && $8 > 500000 { bad = 1 }
    END { exit bad }' limited/search.csv
run search work.ini --output redrawn "${one[@]}" --set search.max_params=500000 --quiet \
    --set search.reject=redraw
check "reject = redraw: rejected ones have none" test "$(column redrawn 6 | grep -c over)" = 0
for strategy in local nsga2 evolution; do
    run search "$tabular" --output "redrawn_$strategy" --set search.strategy=$strategy --set search.seeds=1 \
        --set search.reject=redraw --set search.max_flops=8e7 --set search.window=8 --set search.evaluations=200
    check "reject = redraw: $strategy goes on" grep -q "^ended: 200 architectures were scored" out
done
check "reject = redraw: the initial population is random all the same" test \
    "$(head -n 11 redrawn_evolution/search.csv | grep -c ',random,')" = 10
for reject in count redraw; do # evolution: what is within the limits is reused, what is not is rejected
    run search work.ini --output "few_$reject" --set search.seeds=1 --set search.max_params=80000 \
        --set search.reject=$reject
    check "reject = $reject: a search ends where there is nothing more" \
        said "^ended: the last 100[0-9]* asks brought nothing new" out
done
for ranks in reference:40 history; do
    for workers in 1 3; do
        run search work.ini --output "$ranks$workers" "${one[@]}" --workers $workers --quiet \
            --set search.score=rank --set search.ranks=$ranks
        check "ranks = $ranks with $workers workers" test $code = 0
    done
    check "ranks = $ranks: the same bytes" cmp "${ranks}1/search.csv" "${ranks}3/search.csv"
done
check "ranks of a reference population of 40: the best is among 1 and 41" awk -F, '
    NR > 1 && ($7 < 1 || $7 > 41) { bad = 1 } END { exit bad }' reference:401/search.csv
run export history1 history1.csv
check "ranks: the export has those among all that were scored" test "$code" = 0
setsid "$host" search work.ini --output stopped --set search.evaluations=1000000 --set search.seeds=1 \
    --set search.repeat=score >out 2>err </dev/null &
pid=$!
begun stopped/search.csv
kill -INT $pid
wait $pid
check "interrupted: exit code 130" test $? = 130
check "interrupted: how to go on" grep -q "to go on: .*search work.ini .*--resume" err
lines=$(wc -l <stopped/search.csv)
run search work.ini --output stopped --resume --set search.repeat=score --set search.seeds=1 \
    --set search.evaluations=$((lines + 20))
# 21 more, less those of a window that were computed and not told yet
check "interrupted: a resume goes on" grep -q "^$((lines + 20)) asks of 1 search: .*; [12][0-9] scores" out
tail -n +2 reused/top.csv | cut -d, -f10 >warm.txt
run search work.ini --output warm "${one[@]}" --set search.warm=warm.txt --quiet
check "a warm start asks for the file first" diff <(column warm 3 | head -n 10) warm.txt
run search work.ini --output warm2 "${one[@]}" --set search.warm=warm --quiet
check "a warm start from a folder" test "$(column warm2 5 | grep -c warm)" -ge 10
cat >zennas_few.ini <<'EOF'
[run]
space = zennas
archs = sample:3
[metric params]
saliency   = ones
aggregator = sum
[search]
score       = params
evaluations = 12
[strategy evolution]
population = 5
sample     = 2
EOF
run run zennas_few.ini --output zennas_run --quiet
check "a run" test $code = 0
refuses "a warm start from a folder of another space" "\[search\] warm: \"Super.*: space nats_tss: " \
    search work.ini --output none "${one[@]}" --set search.warm=zennas_run
refuses "a search into a run's folder" "holds the results of a run" \
    search zennas_few.ini --output zennas_run --resume
run search work.ini --output patient "${one[@]}" --set search.evaluations=0 --set search.patience=30
check "patience ends it" grep -q "^ended: no better one among the last 30" out

# -- Shards: whole seeds ----------------------------------------------------------------------
# cut NAME SHARDS OPTIONS...: a search at once, and in shards that are merged, leave the same bytes.
cut()
{
    local name=$1 n=$2 i file
    shift 2
    run search work.ini --output "cut_$name" --quiet --set search.evaluations=60 "$@"
    check "$name: a search that is not cut" test $code = 0
    for i in $(seq "$n"); do
        run search work.ini --output "cut_$name/parts" --quiet --set search.evaluations=60 "$@" \
            --shard "$i/$n" --workers "$i"
        check "$name: shard $i/$n in a folder of its own" test $code = 0 -a -s "cut_$name/parts/shard-$i-of-$n/search.csv"
    done
    run merge "merged_$name" "cut_$name"/parts/shard-*
    check "$name: merged" test $code = 0
    for file in search.csv best.txt top.csv curve.csv; do
        check "$name: merged, the same $file" cmp "cut_$name/$file" "merged_$name/$file"
    done
    run export "cut_$name" cut.jsonl
    run export "merged_$name" merged.jsonl
    check "$name: merged, the same export" cmp cut.jsonl merged.jsonl
    run search work.ini --output "merged_$name" --set search.evaluations=60 "$@" --resume
    check "$name: a resume of what was merged computes nothing" grep -q "; 0 scores computed now" out
}
five=(--set search.seeds=3..7)
cut plain 3 "${five[@]}"
cut again 2 "${five[@]}" --set search.repeat=score
cut ranks 2 "${five[@]}" --set search.score=rank --set search.ranks=reference:20
run search "$tabular" --output tables --quiet --set search.seeds=1..3
for i in 1 2; do
    run search "$tabular" --output tables/parts --quiet --set search.seeds=1..3 --shard $i/2
done
run merge merged_tables tables/parts/shard-*
check "a search in a table: merged, the same search.csv" cmp tables/search.csv merged_tables/search.csv
check "a search in a table: merged, the same curve" cmp tables/curve.csv merged_tables/curve.csv
run merge copied cut_plain
check "a search that was never cut is a shard too" cmp cut_plain/search.csv copied/search.csv
parts=cut_plain/parts/shard
refuses "a shard too few" 'no folder is shard 2/3$' merge x $parts-1-of-3 $parts-3-of-3
refuses "a shard twice" 'both hold seed 0: shards 1/3 and 1/3' merge x $parts-[123]-of-3 $parts-1-of-3
refuses "shards of other searches" '\[search\] evaluations is "60" in the first' merge x $parts-1-of-3 whole
cp -r cut_plain/parts damaged
sed -i 5d damaged/shard-2-of-3/search.csv
refuses "a shard that lacks a line" 'search.csv:[0-9]*: no line of a search' merge x damaged/shard-*
refuses "and again" 'search.csv:[0-9]*: no line of a search' merge x damaged/shard-*
cp $parts-2-of-3/search.csv damaged/shard-2-of-3/
run merge x damaged/shard-*
check "what was mended is merged" cmp cut_plain/search.csv x/search.csv
rm -rf x
refuses "a shard without a seed" '6/9 has no search: whole seeds are handed out, of which there are 5' \
    search work.ini "${five[@]}" --output none --shard 6/9
refuses "a shard that is none" 'expected I/N' search work.ini --output none --shard 3
# One that was interrupted: what goes before its end is merged, and a resume makes the rest.
long=(--set search.seeds=1..3 --set search.evaluations=700 --set search.repeat=score)
run search work.ini --output long --quiet "${long[@]}"
run search work.ini --output parts --quiet "${long[@]}" --shard 1/2
setsid "$host" search work.ini --output parts --quiet "${long[@]}" --shard 2/2 --workers 1 \
    >out 2>err </dev/null &
pid=$!
begun parts/shard-2-of-2/search.csv
kill -INT $pid
wait $pid
check "a shard is interrupted" test $? = 130
run merge rest parts/shard-*
check "merged all the same, exit code 3" test $code = 3
check "and how to go on" said "tcet-host search CONFIG --resume --output rest" err
check "what is merged is the beginning" cmp -n "$(wc -c <rest/search.csv)" long/search.csv rest/search.csv
run search work.ini --output rest --quiet --resume "${long[@]}"
check "a resume of what was merged: the same bytes" cmp long/search.csv rest/search.csv
check "and the same best" cmp long/top.csv rest/top.csv

# -- Bad input --------------------------------------------------------------------------------
bad()
{
    rm -rf bad
    refuses "$1" "$2" search work.ini --output bad "${@:3}"
}
bad "an unknown strategy" 'no strategy "evolutoin" \(did you mean "evolution"' \
    --set search.strategy=evolutoin
bad "an unknown score" '"jioned" is no metric or score of the config' --set search.score=jioned
bad "an unknown objective" '"foo" is no metric' --set search.score= --set "search.objectives=params, foo"
bad "an unknown column" 'no column "val_cifar"' --set search.score=column:val_cifar
bad "an unknown count" 'there is no count "sise" \(did you mean "size"' --set search.score=count:sise
bad "score and objectives" "both given" --set "search.objectives=params, -macs"
bad "a limit that is no number" "max_size = \"much\": expected a number from 0" --set search.max_size=much
bad "limits that exclude each other" "min_params is above max_params" --set search.min_params=9 \
    --set search.max_params=8
bad "a budget that nothing satisfies" "100000 asks in a row were rejected: max_params = 10 " \
    --set search.max_params=10
bad "and redrawn" "100000 asks in a row were rejected: max_params = 10 " --set search.max_params=10 \
    --set search.reject=redraw
bad "a search without end" "never ends: give evaluations" --set search.evaluations=0
bad "a parameter of the strategy" 'sample = "0"|sample' --set strategy.evolution.sample=0
bad "parents of the strategy" "expected tournament, or best:K" --set strategy.evolution.parents=best:99
bad "a budget without measure" "evaluations = \"9223372036854775807\"" --set search.seeds=1..3 \
    --set search.evaluations=9223372036854775807
bad "seeds" "expected a number, or FIRST..LAST" --set search.seeds=3..1
bad "ranks" "expected history, or reference:N" --set search.ranks=none
bad "a window" "window = \"0\"" --set search.window=0
bad "a key of [search]" '\[search\] has no key "evalutions" \(did you mean "evaluations"' \
    --set search.evalutions=3
echo "no such cell" >>warm.txt
bad "a warm file with a bad line" "warm.txt:11: " --set search.warm=warm.txt
refuses "no [search]" "there is no \[search\]" search "$source/conf/tcet_snip.ini" --output bad
run search work.ini --output reused --resume "${one[@]}" --set search.repeat=reuse
check "nothing of a search is lost by them" grep -q "; 0 scores computed now" out

# -- Strategies that misbehave ----------------------------------------------------------------
mkdir plugins && cp "$fixtures/bad_strategies.so" plugins/
patience=3
[ "$sanitized" = 0 ] || patience=120 # nothing hangs there
sed -e "/^workers/a timeout = $patience" work.ini >hostile.ini
printf '[plugins]\npath = plugins\n' >>hostile.ini
hostile() # STRATEGY EXIT_CODE REGEX
{
    run search hostile.ini --output "hostile_$1" --set search.seeds=1 --set search.strategy="$1" \
        --set search.evaluations=60
    if [ $code != "$2" ]; then
        fail "strategy $1" "exit code $code, want $2"
    else
        check "strategy $1" said "$3" $([ "$2" = 0 ] && echo out || echo err)
    fi
}
hostile garbage 2 'ask 1 gives "a conv or two", which is no architecture'
hostile endless 2 'ask 1 gives "xxxx'
hostile ends 2 "ended before its first architecture"
hostile waits 2 "waits for outcomes, though all 0 asks were told"
hostile unknown 2 "answered by 77, which is none of TCET_ASK_"
hostile same 0 "the last 100000 asks brought nothing new"
hostile fails 2 "the fixture has had enough"
hostile crashes 2 "the plugin that ran last is strategy crashes"
[ "$sanitized" != 0 ] || hostile hangs 2 "no answer within .*\[run\] timeout.*strategy hangs"
hostile fickle 0 "architectures were scored"
run search hostile.ini --output hostile_fickle --resume --set search.seeds=1 \
    --set search.strategy=fickle --set search.evaluations=60
check "strategy fickle is not resumed" said "this is another search" err

# -- Plugins that no architecture outlives ------------------------------------------------------
# spoils PLUGIN REGEX OPTIONS...: a search by such a score ends soon, and says why.
spoils()
{
    cp "$fixtures/bad_layer_$1.so" plugins/
    printf '[metric bad]\nsaliency = %s\naggregator = sum\n' "$1" >metric
    cat hostile.ini metric >spoilt.ini
    run search spoilt.ini --output "spoilt_$1" --set search.seeds=1 --set search.score=bad "${@:3}"
    check "score of $1: exit code 2" test $code = 2
    check "score of $1: the error says why" said "^tcet-host: error: .*$2" err
    check "score of $1: what was tried is kept" grep -q ",failed," "spoilt_$1/search.csv"
}
lost='none of the first 10 architectures has a score, .*the plugin that ran last is saliency'
spoils crash "$lost crash" --set run.retries=0 --set run.timeout=60
[ "$sanitized" != 0 ] || spoils sleep "$lost sleep" --set run.retries=0 --set run.timeout=1
spoils fail 'the first 1[0-9][0-9] architectures all failed: .*layer 2 is not to my taste' \
    --set search.repeat=score

# One that some outlive: it goes on, and says at its end what the others met.
cp "$fixtures/bad_layer_deep.so" plugins/
printf '[metric bad]\nsaliency = deep\naggregator = sum\n' >metric
cat hostile.ini metric >deep.ini
printf '|%s~0|+|%s~0|%s~1|+|%s~0|%s~1|%s~2|\n' none none none none none none \
    none none none skip_connect none none >shallow.txt
run search deep.ini --output deep --set search.seeds=1 --set search.score=bad --set search.warm=shallow.txt \
    --set search.strategy=random --set search.evaluations=0 --set search.iterations=20 --set run.retries=0 \
    --set run.timeout=60
check "score of deep: the search goes on" test $code = 0
check "score of deep: failures are counted with their reason" \
    said "^tcet-host:   [0-9]+: .*the plugin that ran last is saliency deep" err

# -- Ranks of MPI -----------------------------------------------------------------------------
if ! [ -f "$build/lib/tcet/tcet-mpi.so" ] || ! command -v mpirun >/dev/null; then
    echo "SKIP ranks: no MPI here"
    finish
    exit
fi
export OMPI_MCA_btl_vader_single_copy_mechanism=none
export ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0
code=0
mpirun --allow-run-as-root --oversubscribe -n 3 "$host" search work.ini --output ranks --workers 1 \
    --quiet >out 2>err </dev/null || code=$?
check "mpirun -n 3" test $code = 0
check "mpirun -n 3: the same search.csv" cmp workers1/search.csv ranks/search.csv
finish
