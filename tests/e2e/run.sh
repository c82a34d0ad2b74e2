#!/usr/bin/env bash
# run.sh BUILD_DIR SOURCE_DIR -- protects the main job: one command scores a list, keeps what is
# done whatever happens, gives the same bytes whatever the way there, and says in its last lines
# how the scores agree with accuracies.
. "$(dirname "$0")/lib.sh"

conf=$source/conf/tcet_snip.ini
# Small images make small work; everything else is the shipped config.
small=(--set data.batch=16 --set data.resolution=8)

# No image, no network: what needs numbers of parameters alone.
cat >count.ini <<'INI'
[run]
space = nats_tss
[data]
plugin = gaussian
batch  = 2
[metric count]
saliency   = ones
aggregator = sum
INI

# score OUT FOLDER ARGS...: a run with all exports, OUT.jsonl (with layers) and OUT.csv.
score()
{
    local out=$1 folder=$2
    shift 2
    run run "$conf" "${small[@]}" --archs first:6 --output "$folder" --layers \
        --export "$out.jsonl" --export "$out.csv" "$@"
}
same() { cmp "$1.jsonl" "$2.jsonl" && cmp "$1.csv" "$2.csv" && cmp "$1.layers.csv" "$2.layers.csv"; }
forward_is() { # FILE 0|more: the seconds spent in forward passes of every row
    if [ "$2" = 0 ]; then
        ! grep -v '"forward":0.000000,"backward":0.000000' "$1"
    else
        ! grep '"forward":0.000000' "$1"
    fi
}

# Two metrics, then scores that join them by layers and by weights.
cat >two.ini <<'INI'
[run]
space = nats_tss
archs = index:1462
[data]
plugin     = gaussian
batch      = 2
resolution = 8
[metric a]
saliency   = snip
aggregator = sum
[metric b]
saliency   = grad
aggregator = sum
INI
cat >joined.ini <<'INI'
include = two.ini
[score p]
combiner   = param_product
metrics    = a, b
aggregator = sum
[score l]
combiner = layerdot
metrics  = a, b
INI

# -- A first run ---------------------------------------------------------------------------
score fresh fresh
check "the main job succeeds" test "$code" = 0
check "nothing stands on stderr without a terminal" test ! -s err
check "the summary says what was scored" said '6 architectures: 6 scored now .* 0 failed' out
check "and nothing of values that were stored" test "$(grep -c 'only in' out)" = 0
check "the summary says which data were used" said '^data: cifar10: 320 images' out
check "the best architectures are listed" said '^1 .*\|nor_conv_3x3~0\|' out
cp out first.out
check "every architecture is a line of the JSONL" test "$(grep -c '"status":"ok"' fresh.jsonl)" = 6
check "every architecture is a line of the CSV" test "$(grep -c ',ok,' fresh.csv)" = 6
check "the CSV has a column each score, and the accuracy" said \
    '^arch,status,params,macs,snip_snr,lnwot,tcet_snip,cifar10_test$' fresh.csv
printf '[run]\nspace = nats_tss\n[data]\nplugin = ones\n[metric params]\nsaliency = ones\naggregator = sum\n' >named.ini
run run named.ini --archs index:3 --output named --quiet --export named.csv
check "a score that bears the name of a column of ours has one of its own" \
    said '^arch,status,params,macs,score.params$' named.csv
run correlate --table named.csv --column params
check "and the file is a table that can be read" test "$code" = 0
check "layers are exported" said '"name":"cells.0.layers.1.op.1","kind":"conv","shape":\[16,16,1,1\]' \
    fresh.jsonl

# The last line that names Kendall's tau carries the figure of the score.
run correlate fresh --format csv
check "correlate reads the folder" test "$code" = 0
tau=$(awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == "tau" || $i == "Kendall") c = i }
               $1 == "tcet_snip" { printf "%.4f", $c }' out)
last=$(grep -i kendall first.out | tail -n 1)
check "tau of the score is known" test -n "$tau"
check "the last line with Kendall is the score's" said "^tcet_snip: .*Kendall tau $tau " \
    <(echo "$last")

run run "$conf" "${small[@]}" --archs first:6 --output quiet --quiet
check "--quiet says nothing" test "$code" = 0 -a ! -s out -a ! -s err
run run "$conf" "${small[@]}" --archs first:6 --output top --top 2
check "--top 2 lists two" test "$(grep -c '^[0-9][0-9]* .*|$' out)" = 2
run run "$conf" "${small[@]}" --archs first:6 --output top --resume --top 0
check "--top 0 has no list of the best" test "$code" = 0 -a "$(grep -c '^best by' out)" = 0

# -- Exports -------------------------------------------------------------------------------
run export fresh again.jsonl --layers
check "export gives the run's JSONL" cmp fresh.jsonl again.jsonl
run export fresh again.csv --layers
check "export gives the run's CSV" cmp fresh.csv again.csv
check "export gives the run's CSV of layers" cmp fresh.layers.csv again.layers.csv
run export fresh plain.jsonl
check "without --layers there are none" test "$code" = 0 -a "$(grep -c layers plain.jsonl)" = 0
check "no place or time stands in an export" test "$(grep -c -e "$work" -e times again.jsonl)" = 0

# -- Workers -------------------------------------------------------------------------------
for n in 1 2 5; do
    score "w$n" "workers$n" --workers "$n"
    check "$n workers give the same bytes" same fresh "w$n"
done

for k in 1 2 4; do
    for n in 1 2; do
        score "k$k" "flight$k$n" --workers $n --in-flight $k
        check "$n workers with $k in flight give the same bytes" same fresh "k$k"
    done
done

# -- Resume --------------------------------------------------------------------------------
refuses "a used folder is refused without --resume" 'fresh.*--resume' run "$conf" "${small[@]}" \
    --archs first:6 --output fresh
score resumed fresh --resume
check "--resume of a finished run scores nothing" said '0 scored now .* 6 from the store' out
check "and changes nothing" same fresh resumed
score missing missing/deep/folder --resume
check "--resume starts a missing folder" same fresh missing
mkdir empty
score empty empty --resume
check "--resume starts an empty folder" same fresh empty
mkdir half && : >half/scores.db && echo 99999999 >half/lock
score half half --resume
check "--resume starts a half-made folder" same fresh half
mkdir half2 && cp fresh/config.ini half2/ && echo rubbish >half2/config.ini.new
score half2 half2 --resume
check "--resume starts a folder with nothing but a config" same fresh half2
run run "$conf" "${small[@]}" --archs first:3 --output grow --quiet
score grow grow --resume
check "--resume with more architectures scores those" said '3 scored now .* 3 from the store' out
check "and ends as a fresh run" same fresh grow

check "which is no change that is mentioned" test ! -s err
score shrunk grow --resume --archs index:5
check "architectures that leave the list are mentioned" \
    said 'note: the list has changed: 5 of the folder.s 6 architectures are not in it' err
score regrown grow --resume
check "and are there when they come back" said '0 scored now .* 6 from the store' out
refuses "a folder of another space is refused" 'grow holds results of space nats_tss, .* nats_sss' \
    run count.ini --set run.space=nats_sss --archs first:2 --output grow --resume
run export grow kept.jsonl --layers
check "and keeps what it holds" cmp kept.jsonl fresh.jsonl

# A killed run keeps what it had, leaves no process, and resumes to the same bytes.
slow_plugin
slow=(--set plugins.path="$work/slow" --set metric.slow.saliency=slow --set metric.slow.aggregator=sum)
long=first:$((sanitized ? 24 : 100))
pace=SLOW_US=$((sanitized ? 15000 : 3000)) # to be killed in the middle
env $pace "$host" run "$conf" "${small[@]}" "${slow[@]}" --archs "$long" --output killed --workers 2 >/dev/null 2>&1 &
pid=$!
rows() { rm -f rows.csv; "$host" export "$1" rows.csv 2>/dev/null; grep -cs ',ok,' rows.csv; }
await_rows() # FOLDER: until more than four are kept
{
    for _ in $(seq 300); do
        [ "$(rows "$1" || true)" ] && [ "$(rows "$1")" -gt 4 ] && break
        sleep 0.1
    done
}
await_rows killed
workers=$(workers_of "$pid" || true)
kill -9 "$pid" && wait "$pid" 2>/dev/null
gone() { for _ in $(seq 100); do ps -p "$1" >/dev/null || return 0; sleep 0.1; done; return 1; }
check "the killed run had workers" test -n "$workers"
for w in $workers; do
    check "a worker dies with its supervisor" gone "$w"
done
kept=$(rows killed)
check "rows outlive a kill" test "$kept" -gt 4
run run "$conf" "${small[@]}" "${slow[@]}" --archs "$long" --output killed --resume --quiet \
    --export killed.jsonl --layers
run run "$conf" "${small[@]}" "${slow[@]}" --archs "$long" --output whole --quiet --export whole.jsonl --layers
check "a killed run resumes to the same bytes" cmp killed.jsonl whole.jsonl

# An interrupted one says how to go on, by the name that it was called by.
env $pace TCET_LAUNCHER=./tcet-host "$host" run "$conf" "${small[@]}" "${slow[@]}" --archs first:400 \
    --output stopped >out 2>err &
pid=$!
await_rows stopped
kill -INT "$pid"
code=0
wait "$pid" || code=$?
check "an interrupted run exits with 130" test "$code" = 130
check "and says how to go on" said "to go on: ./tcet-host run .*tcet_snip.ini .* --archs first:400 --output stopped --resume\$" err
check "and prints no half summary" test ! -s out

# The line that says how to go on can be given to a shell as it stands, and a log has lines of
# progress.
many=600
env $pace "$host" run count.ini "${slow[@]}" --archs first:$many --output "a b's" --set data.batch=3 \
    --progress 0.2 >out 2>err &
pid=$!
for _ in $(seq 300); do
    grep -qs ' gone, .*/s, .* to go' err && break
    sleep 0.1
done
kill -INT "$pid"
wait "$pid"
check "progress without a terminal has the rate and what is to go" \
    said "^tcet-host: [0-9]+/$many architectures, [0-9:]+ gone, ([0-9.]+/s|[0-9.]+ s each), [0-9:]+ to go\$" err
sed -n 's/^tcet-host: to go on: //p' err >again.sh
code=0
sh ./again.sh >out 2>err || code=$?
check "the line to go on does so" test "$code" = 0
check "in the same folder" said "$many architectures: .* from the store, 0 failed; .*/a b's$" out

# People get what fits their terminal, with the best in bold; programs get all of it, plain.
if has_terminal; then
    seen() { # OUT [VARIABLE=VALUE]: the summary of a whole run, as a terminal of 80 columns gets it
        script -qec "stty cols 80; env TERM=xterm ${*:2} $host run count.ini --archs sample:20 \
            --output shown --resume --set benchmark.table=nats_tss \
            --set benchmark.column=cifar10_test 2>/dev/null" /dev/null </dev/null | tr -d '\r' >"$1"
    }
    run run count.ini --archs sample:20 --output shown --quiet
    seen seen
    check "a terminal's summary fits 80 columns" test -s seen -a -z "$(sed 's/\x1b\[[0-9]*m//g' seen |
        awk '{ gsub(/…/, "."); if (length > 80) print }')"
    check "the best architecture is in bold" test "$(grep -c $'^\x1b\\[1m1 .*\x1b\\[0m$' seen)" = 1
    check "the others are not" test "$(grep -c $'\x1b' seen)" = 1
    check "long architectures are shortened" test "$(grep -c '…' seen)" -ge 10
    seen plain NO_COLOR=1
    check "NO_COLOR is respected" test -s plain -a "$(grep -c $'\x1b' plain)" = 0
    run run count.ini --archs sample:20 --output shown --resume --set benchmark.table=nats_tss \
        --set benchmark.column=cifar10_test
    check "a pipe gets whole architectures" test "$(grep -c '…' out)" = 0 \
        -a "$(grep -cE '^[0-9]+ .*\|$' out)" = 10
fi

# -- Weights that nothing reads ---------------------------------------------------------------
snip=(--set metric.snip.saliency=snip --set metric.snip.aggregator=sum)
run run count.ini --archs first:4 --output undrawn --quiet --export counts.jsonl
check "counts alone: no weights are drawn" test "$(grep -c '"w_sum":"nan"' counts.jsonl)" = 4
run run count.ini --archs first:4 --output undrawn --quiet --resume --export later.jsonl "${snip[@]}"
run run count.ini --archs first:4 --output drawn --quiet --export once.jsonl "${snip[@]}"
check "a metric that draws them comes later: as at once" cmp later.jsonl once.jsonl
check "and they are summed" test "$(grep -c '"w_sum":[-0-9]' once.jsonl)" = 4

# Runs side by side, with accuracies or without.
run run count.ini --archs first:30 --output one --quiet
run run count.ini --archs first:50 --output two --quiet --set metric.macs.saliency=macs \
    --set metric.macs.aggregator=sum
run correlate one
check "a run without a table: taus between its scores" said '^count +1.0000 +[0-9.]+ +' out
check "and that it has none" said 'names no \[benchmark\] table' out
run correlate one two --matrix --format csv
check "two runs: columns of one name are told apart" \
    said '^tau,one/count,two/count,macs,#params,FLOPs,depth$' out
check "the same column agrees with itself" said '^one/count,1,1,' out
run correlate one two --table nats_tss --column cifar10_test
check "with accuracies they stand in one table" said '^macs +[0-9.]+ ' out
run correlate one --table nats_tss --column cifar10_test --values --format csv
check "joined values: an architecture a line" test "$(wc -l <out)" = 31
check "with its accuracy and scores" said '^arch,cifar10_test,count,#params,FLOPs,depth$' out
run correlate one --table nats_tss --column cifar10_test --values --format zc
check "NAS-Bench-Suite-Zero's JSON: task, architecture, score, time, which accuracy" /usr/bin/python3 -c '
import json
rows = json.load(open("out"))["cifar10"]
assert len(rows) == 30
for arch, row in rows.items():
    assert row["arch"] == arch and row["count"]["score"] > 0 and row["count"]["time"] >= 0
    assert 0 < row["test_accuracy"] < 100 and "val_accuracy" not in row'
refuses "--format zc of anything else" 'goes with --values' correlate one --format zc
refuses "--format zc without accuracies" 'give --table and --column' correlate one --values --format zc
run correlate one --values --format json
check "without a table there is no accuracy" said '^{"accuracy":null,.*,"accuracy":"nan","scores":{"count":[0-9]+,' out
refuses "--pairs without accuracies" '^tcet-host: error: --pairs .*give --table' correlate one --pairs
run run count.ini --set run.space=nats_sss --archs first:3 --output sss --quiet
refuses "runs of two spaces" 'one is of space nats_tss, sss of space nats_sss' correlate one sss
run run count.ini --archs index:15000 --output apart --quiet
run run count.ini --archs index:15000 --output apart --resume --set benchmark.table=nats_tss \
    --set benchmark.column=cifar10_test
check "one architecture is not ranked, and the summary says so" said '^a single architecture: ' out
check "in place of a table" test "$(grep -c Kendall out)" = 0
refuses "runs without a common architecture" 'no architecture is scored in all of the 2 folders' \
    correlate one apart

# What a run would be: how many architectures, and how long they take.
run show count.ini --archs first:5
check "show takes --archs as run does" said '^architectures: 5 \(first:5\)$' out
run show count.ini --archs first:5 --proxy zen
check "and --proxy" said 'zen' out
refuses "a picture with --archs" 'it goes without --archs' show count.ini --archs first:5 --graph index:0 \
    -o count.svg
# A picture of an encoding alone: of the space that reads it, as that builds it by itself.
cell='|avg_pool_3x3~0|+|nor_conv_1x1~0|skip_connect~1|+|nor_conv_1x1~0|skip_connect~1|skip_connect~2|'
run space nats_tss --arch "$cell" -o as_built.svg
run show --graph "$cell" -o net.svg
check "show draws an encoding without a config" cmp as_built.svg net.svg
run show --graph '(3, 0, 3, 1, 2, 3)' --space transnas_micro -o net.svg
check "of a space that is named" test "$code" = 0
run show --graph "$cell" --space nats_tss --set run.classes=100 -o net.svg
check "with its keys" test "$code" = 0 -a "$(cmp -s as_built.svg net.svg; echo $?)" = 1
refuses "what several read names them" '--space which it is: .*nats_tss.*transnas_micro' \
    show --graph '(3, 0, 3, 1, 2, 3)' -o none.svg
refuses "what none reads" '"hello": no space reads it' show --graph hello -o none.svg
refuses "a space beside a config" '--space goes without CONFIG' show count.ini --graph "$cell" --space nats_tss -o x.svg
refuses "a space without a picture" '--space is of --graph' show count.ini --space nats_tss
refuses "a picture of nothing" 'something is missing: CONFIG, or --graph' show
run show count.ini --set run.archs=sample:7
check "show says how many architectures" said '^architectures: 7 \(sample:7\)$' out
run show count.ini --set run.space=zennas
check "and where they cannot be counted, why" test "$code" = 0 -a \
    "$(grep -c '^architectures: .*archs is missing; space zennas is too large' out)" = 1
run show count.ini --set run.archs=sample:7 --set run.workers=3 --estimate
check "show --estimate" said '^estimate: [0-9.e-]+ s an architecture \(5 scored now, .*, 0:0[0-9] at best in 3$' out
run show count.ini --set run.archs=index:7 --estimate
check "of a single one it scores no more" said '^estimate: .* \(1 scored now' out

# An architecture that a list names twice is scored once, and that is said.
printf 'index:3\nindex:4\n\nindex:3\nindex:3\n' >twice.txt
run run count.ini --archs file:twice.txt --output twice --export twice.csv
check "a list that repeats itself says so" said 'note: .*twice.txt: 2 of its 4 lines repeat' err
check "and is scored once each" test "$(grep -c ',ok,' twice.csv)" = 2
check "as the summary says" said '^2 architectures: 2 scored now' out

# What the folder lacks takes no part in its correlations, and they say so.
kept=$(rows stopped)
run correlate stopped
check "correlate of a part of a run says how much is scored" \
    said "^$kept of 400 architectures are scored" out
check "and correlates those alone" said "^tcet_snip .* $kept +0 " out
check "the baselines' figures are of the same ones" said "^\\(FLOPs\\) .* $kept +0 " out
run correlate stopped --format csv
check "in other formats the note is on stderr" said "$kept of 400 architectures are scored" err
run correlate fresh
check "of a whole run there is no such note" test "$(cat out err | grep -c 'are scored')" = 0

# Before there is anything to go on with, it does not speak of it: listing takes seconds here.
"$host" run count.ini --set run.space=nb301 --archs first:1000000 --output early >out 2>err &
pid=$!
sleep 1
kill -INT "$pid"
code=0
wait "$pid" || code=$?
check "a run interrupted before its first architecture says so" said 'interrupted before the first' err
check "exits with 130 and leaves no folder" test "$code" = 130 -a ! -e early

# -- More metrics later --------------------------------------------------------------------
more=(--set metric.count.saliency=ones --set metric.count.aggregator=sum)
score later fresh --resume --times "${more[@]}"
check "a metric that needs no pass, added later, runs none" forward_is later.jsonl 0
check "the summary says that it alone was computed" \
    said '6 scored now .*, 6 of them only in count \(the rest was stored\), 0 from' out
more+=(--set metric.syn.saliency=synflow --set metric.syn.aggregator=snr
    --set score.tcet_syn.combiner=layerdot --set score.tcet_syn.metrics=syn,lnwot
    --set score.rank.combiner=rankave --set score.rank.metrics=syn,lnwot)
score later fresh --resume "${more[@]}"
check "more metrics and scores: only rows that lack them" said '6 scored now' out
score once once "${more[@]}"
check "added later or at once: the same bytes" same once later
score times fresh --resume --times "${more[@]}" --set score.tcet_mean.combiner=product \
    --set score.tcet_mean.metrics=snip_snr,syn
check "a score of stored metrics needs no pass" forward_is times.jsonl 0
run run "$conf" "${small[@]}" --archs first:6 --output costs --quiet
run run "$conf" "${small[@]}" --archs first:6 --output costs --quiet --resume \
    --set metric.snip_snr.aggregator=log_snr
run correlate costs --format csv
check "a score's time has the passes of its stored parts too" awk -F, '
    NR == 1 { for (i = 1; i <= NF; i++) if ($i == "ms/arch") c = i }
    NR > 1 { ms[$1] = $c }
    END { exit !(ms["tcet_snip"] > ms["snip_snr"] && ms["tcet_snip"] > ms["lnwot"]) }' out
score fewer fresh --resume
check "fewer metrics again: their export as before" same fresh fewer
score wider fresh --resume --set data.batch=32
check "another batch is computed anew" said '6 scored now' out

# -- Elsewhere -----------------------------------------------------------------------------
mkdir -p elsewhere/deep && cp "$conf" elsewhere/deep/my.ini
(cd elsewhere && "$host" run deep/my.ini "${small[@]}" --archs first:6 --layers \
    --export a.jsonl) >out 2>err
check "a config copied elsewhere runs" cmp fresh.jsonl elsewhere/a.jsonl
check "its relative output starts from the current folder" test -f elsewhere/out/tcet_snip/scores.db
{ echo arch,acc; cut -d, -f1 fresh.csv | sed -n '2,$p' | awk '{ print $0 "," NR }'; } \
    >elsewhere/deep/acc.csv
sed -e 's/^table .*/table = acc.csv/' -e 's/^column .*/column = acc/' "$conf" >elsewhere/deep/acc.ini
run run elsewhere/deep/acc.ini "${small[@]}" --archs first:6 --output acc
check "a table of one's own is found beside the config" said 'acc of table .*acc.csv' out
(cd / && "$host" correlate "$work/acc") >out 2>err
check "and by correlate from anywhere" said '^tcet_snip' out
run run acc/config.ini --output acc2 --layers --export acc.jsonl
sed -i 's/"accuracies":{"acc":[1-6]}/"accuracies":{}/' acc.jsonl
sed 's/"accuracies":{"cifar10_test":[0-9.]*}/"accuracies":{}/' fresh.jsonl >bare.jsonl
check "the folder's own config repeats the run" cmp acc.jsonl bare.jsonl

run run "$conf" "${small[@]}" --archs first:2 --set run.space=nats_sss --set benchmark.table= \
    --output notable
check "an empty table is none: scores without correlations" test "$code" = 0 \
    -a "$(grep -c Kendall out)" = 0

# -- Lists of architectures ----------------------------------------------------------------
arch='|nor_conv_3x3~0|+|none~0|nor_conv_1x1~1|+|skip_connect~0|none~1|avg_pool_3x3~2|'
printf '  %s \r\n\n%s\n%s' "$arch" "$arch" '|none~0|+|none~0|none~1|+|none~0|none~1|nor_conv_1x1~2|' >list
run run "$conf" "${small[@]}" --archs file:list --output list.out --quiet --export list.jsonl
check "a line stands in the export byte for byte" grep -qF "\"arch\":\"  $arch \"" list.jsonl
check "blank lines are skipped, a last line may be open" test "$(wc -l <list.jsonl)" = 3
run score "$conf" index:3 --json "${small[@]}"
value=$(sed 's/.*"tcet_snip":\([^,}]*\).*/\1/' out)
check "score prints one architecture as the run scores it" grep -q "\"tcet_snip\":$value[,}]" fresh.jsonl

run score "$conf" index:3 --json --layers "${small[@]}"
check "score --json: guards, and layers as in an export" said \
    '"guards":\{.*"name":"[^"]*","kind":"conv","shape":\[16,3,3,3\],"metrics":\{"snip_snr"' out
run score "$source/conf/tcet_snip.ini" '|none~0|+|none~0|none~1|+|none~0|none~1|none~2|' --json \
    "${small[@]}"
check "score --json: guards by metric" said '"guards":\{.*"snip_snr":\{"zero_sigma":[1-9]' out

# -- Samples -------------------------------------------------------------------------------
sampled() # SPACE N [ARGS...]: the architectures of sample:N, one a line
{
    rm -rf sampled sampled.csv
    run run count.ini --set "run.space=$1" --archs "sample:$2" --output sampled --quiet \
        --export sampled.csv "${@:3}"
    sed -e 1d -e 's/,ok,.*//' sampled.csv
}
digest() { sha256sum | cut -c1-16; }
check "a sample of nats_tss is what it always was" \
    test "$(sampled nats_tss 4 | digest)" = f1791df57a12e711
check "one of nats_sss too" test "$(sampled nats_sss 4 | digest)" = d0fae59119285b75
check "and one of nb101" test "$(sampled nb101 4 | digest)" = 9a3d6f39f8076de7
sampled nb301 12 >large
check "1e18 architectures can be sampled: distinct ones" test "$(sort -u large | wc -l)" = 12
check "the same ones again" cmp large <(sampled nb301 12)
check "a smaller sample is part of it" test "$(sampled nb301 5 | grep -cxFf large)" = 5
check "others under another sample_seed" \
    test "$(sampled nb301 12 --set run.sample_seed=2 | grep -cxFf large)" = 0


# The architectures of a benchmark's table: all in its order, a sample that the larger one holds.
from_table() # ARCHS [ARGS...]: the architectures, one a line
{
    rm -rf sampled sampled.csv
    run run count.ini --set run.space=nb301 --set benchmark.table=nb301 --set benchmark.column=val_cifar10 \
        --archs "$1" --output sampled --quiet --export sampled.csv "${@:2}"
    sed -e 1d -e 's/,ok,.*//' sampled.csv | tr -d '"'
}
rows() { grep -v '^#' "$source/spaces/tables/nb301.tsv" | tail -n +2 | cut -f1; }
check "archs = table: all of it, in its order" cmp <(from_table table) <(rows)
from_table table:6 >some
check "table:N: N of them" test "$(rows | grep -cxFf some)" = 6
check "a smaller part is part of it" test "$(from_table table:3 | grep -cxFf some)" = 3
check "with their accuracies" test "$(grep -c ',9[0-9]\.[0-9]*$' sampled.csv)" = 3
run show count.ini --set run.archs=table:2 --set run.space=nb301 --set benchmark.table=nb301 \
    --set benchmark.column=val_cifar10
check "show counts them" said '^architectures: 2 \(table:2\)$' out

# -- One S for the whole network -----------------------------------------------------------
cat >network.ini <<'INI'
[run]
space = nats_tss
[data]
plugin = gaussian
batch = 4
resolution = 8
[metric layers]
saliency = grad
aggregator = l2
[metric network]
saliency = grad
aggregator = l2
partition = network
INI
run score network.ini index:1462 --json --layers
check "the network's norm is the root of the layers' squares" awk '
    match($0, /"network":[^,}]*/) { want = substr($0, RSTART + 10, RLENGTH - 10) }
    { sub(/.*"layers":\[/, "") }
    { while (match($0, /"layers":[^,}]*/)) {
          sum += substr($0, RSTART + 9, RLENGTH - 9) ^ 2; n++
          $0 = substr($0, RSTART + RLENGTH)
      } }
    END { d = sqrt(sum) / want - 1; exit !(n > 80 && d * d < 1e-18) }' out

# -- Initialisation ------------------------------------------------------------------------
cat >init.ini <<'INI'
[run]
space = nats_tss
archs = first:2
[data]
plugin = gaussian
batch = 16
resolution = 8
[metric snip]
saliency = snip
aggregator = sum
[metric zen]
saliency = zen
aggregator = sum
INI
values() { grep -o "\"$1\":[^,}]*" "$2.jsonl"; }
run run init.ini --output init --quiet --export own.jsonl
for set in init=kaiming init=xavier init_bias=zero; do
    run run init.ini --output init --quiet --resume --export again.jsonl --set "run.$set"
    check "[run] $set: other values than those in the store" test "$code" = 0 \
        -a "$(values snip own)" != "$(values snip again)"
    check "but not where a metric draws its own weights" test "$(values zen own)" = \
        "$(values zen again)"
done
run run init.ini --output zero --quiet --export zero.jsonl --set run.init=zero
check "[run] init = zero: no weight is left" test "$(values snip zero | sort -u)" = '"snip":0' \
    -a "$(values w_sum zero | sort -u)" = '"w_sum":0'
run run init.ini --output init --quiet --resume --export again.jsonl
check "the space's own values are still in the store" cmp own.jsonl again.jsonl
run show init.ini --set run.init=xavier
check "show says how weights are drawn" said '^weights +seed 1 init=xavier init_bias=none' out
refuses "an unknown initialisation" 'init = "kaimin".*kaiming' show init.ini --set run.init=kaimin

# -- Where output goes ---------------------------------------------------------------------
refuses "an output that config.ini could not hold" 'a value holds no ; or #' run "$conf" \
    --archs first:2 --output 'a ;b' "${small[@]}"
refuses "nor one that begins with a blank" 'neither begins nor ends with a blank' run "$conf" \
    --archs first:2 --output ' a' "${small[@]}"
refuses "nor one that is a comment" 'begins with no ; or #' run "$conf" --archs first:2 \
    --output ';a' "${small[@]}"
if [ -w /dev/full ]; then
    for command in version list 'info snr' "show $conf" "score $conf index:3 --json ${small[*]}"; do
        code=0
        # shellcheck disable=SC2086 # words of a command
        "$host" $command >/dev/full 2>err || code=$?
        check "$command: a lost output is no success" said '^tcet-host: error: cannot write to standard output' err
    done
    code=0
    "$host" run "$conf" "${small[@]}" --archs first:6 --output full >/dev/full 2>err || code=$?
    check "a summary that cannot be written is an error" test "$code" != 0
    check "and named" said 'standard output' err
    run export full full.jsonl --layers
    check "and the results are kept" cmp full.jsonl fresh.jsonl
fi
if has_terminal; then
    script -qec "'$host' run '$conf' ${small[*]} --archs first:6 --output tty >tty.out" /dev/null \
        >tty.err </dev/null
    check "progress is shown on a terminal" said '6/6 architectures' tty.err
    check "no rate and no end before anything is scored" test \
        "$(tr '\r' '\n' <tty.err | grep -c '0/6 architectures, 0:00 gone$')" -ge 1
    check "and not on stdout" test "$(grep -c '6/6' tty.out)" = 0
fi
# Weights' products need what is not stored, also where another score takes what is.
run run joined.ini --output joined --export joined.csv
run run two.ini --output later
run run joined.ini --output later --resume --export later.csv
check "scores of stored metrics are those of a fresh run" cmp joined.csv later.csv

# Metrics of a thin network that are stored still have its modules and names, and what a saliency
# sees of a layer is not what others of its pass want of it.
mkdir -p views && cp "$fixtures/good_views.so" views/
cat >thin.ini <<'INI'
[run]
space = nats_tss
archs = index:15624
[plugins]
path = views
[data]
plugin = gaussian
batch  = 2
[metric a]
saliency         = pattern
saliency.network = thin
saliency.input   = gaussian
aggregator       = distinct
[metric b]
saliency         = pattern
saliency.network = thin
aggregator       = distinct
[metric o]
saliency   = outputs
aggregator = sum
INI
printf 'include = thin.ini\n[score m]\ncombiner = modules\nmetrics = a, b\n' >modules.ini
printf 'include = thin.ini\n[metric n]\nsaliency = norm_outputs\naggregator = sum\n' >norms.ini
run run modules.ini --output modules --export modules.csv
run run thin.ini --output thin --export thin.csv
run run modules.ini --output thin --resume --export later.csv
check "scores of a thin network's stored metrics are those of a fresh run" cmp modules.csv later.csv
run run norms.ini --output norms --export norms.csv
check "outputs are seen by who wants them" test "$(tail -n 1 thin.csv | cut -d , -f 7)" = \
    "$(tail -n 1 norms.csv | cut -d , -f 7)"

# -- Instruction sets -------------------------------------------------------------------------
# As on another processor: what libtorch and oneDNN choose can be told by the environment.
cat >cpu.ini <<'EOF'
[run]
space   = nats_tss
archs   = first:2
workers = 1
[data]
batch = 4
[metric p]
saliency   = snip
aggregator = snr
[metric macs]
saliency   = macs
aggregator = sum
EOF
elsewhere() { ATEN_CPU_CAPABILITY=default ONEDNN_MAX_CPU_ISA=SSE41 run "$@"; }
run run cpu.ini --output cpu_here --archs first:1 --quiet
elsewhere run cpu.ini --output cpu_there --export there.jsonl --quiet
elsewhere run cpu.ini --output cpu_here --resume --export here.jsonl --quiet
check "a resume on another processor says so" \
    said "warning: the folder's values are of other instruction sets .*\\(aten=.* there, aten=" err
check "and mixes no values" cmp there.jsonl here.jsonl
run run cpu.ini --output cpu_shards --shard 1/2 --quiet
elsewhere run cpu.ini --output cpu_shards --shard 2/2 --quiet
refuses "shards of two kinds of processor" \
    "different things as p \\(another plugin, backend, data or processor\\): .*aten=" \
    merge cpu_merged cpu_shards/shard-*
rm -rf cpu_shards
run run cpu.ini --output cpu_shards --shard 1/2 --quiet --set run.cpu=any
elsewhere run cpu.ini --output cpu_shards --shard 2/2 --quiet --set run.cpu=any
run merge cpu_merged cpu_shards/shard-*
check "which cpu = any allows" test $code = 0
# Another's spelling is read, and said once.
printf 'arch,acc,size\n"(4, 0, 3, 1, 4, 3)",1,3\n"(2, 4, 0, 0, 3, 2)",2,4\n' >tuples.csv
run correlate --table tuples.csv --column acc --space nats_tss
check "NASLib's tuples are read" test $code = 0
check "... and that is said once, with the order of the edges" \
    test "$(grep -c 'is not the space.s own spelling: .* position .* 0-1, 0-2, 0-3, 1-2, 1-3, 2-3$' err)" = 1
run correlate --table tuples.csv --column acc --scores size --values --format zc
cp out zc.json
run import zc zc.json back.tsv
check "what is written as NAS-Bench-Suite-Zero's is read as its" \
    test "$(grep -F '(4, 0, 3, 1, 4, 3)' back.tsv | cut -f 2)" = 3
finish
