#!/usr/bin/env bash
# degenerate.sh BUILD_DIR SOURCE_DIR -- protects runs that meet networks which compute nothing:
# every score is defined, what is not a finite number is flagged, nothing stops the run.
. "$(dirname "$0")/lib.sh"

line() { sed -n "$1p" "$2.jsonl"; }
has() { line "$2" "$1" | grep -qE -- "$3"; } # FILE LINE REGEX

cat >list <<'LIST'
|none~0|+|none~0|none~1|+|none~0|none~1|none~2|
|skip_connect~0|+|skip_connect~0|skip_connect~1|+|skip_connect~0|skip_connect~1|skip_connect~2|
|avg_pool_3x3~0|+|avg_pool_3x3~0|avg_pool_3x3~1|+|avg_pool_3x3~0|avg_pool_3x3~1|avg_pool_3x3~2|
|nor_conv_3x3~0|+|none~0|none~1|+|none~0|none~1|none~2|
|none~0|+|none~0|nor_conv_3x3~1|+|none~0|none~1|nor_conv_1x1~2|
|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|nor_conv_3x3~0|nor_conv_3x3~1|nor_conv_3x3~2|
LIST
# The config with the most metrics: jacob_cov and zen of a constant network are not finite.
all() # OUT ARGS...
{
    local out=$1
    shift
    run run "$source/conf/golden.ini" --set data.batch=16 --set data.resolution=8 \
        --set score.rank.combiner=rankave --set score.rank.metrics=snr_snip_none,jacob_cov \
        --set benchmark.table=nats_tss --set benchmark.column=cifar10_test \
        --archs file:list --output "$out" --export "$out.jsonl" --export "$out.csv" --layers "$@"
}

all keep
check "degenerate networks do not stop the run" test "$code" = 0
check "nor make it warn" test ! -s err
check "every one has a row" test "$(grep -c '"status":"ok"' keep.jsonl)" = 6
check "numbers alone, or nan and inf by name" test "$(grep -cE ':-?(nan|inf)|null' keep.jsonl)" = 0
for n in 1 4 5; do
    check "no path from input to output, line $n: snip, synflow, their SNR and T-CET are 0" \
        has keep $n '"snip_sum":0,.*"snr_snip_none":0,.*"snip":0,"synflow":0,.*"tcet_snip_none":0,'
    check "and it is counted that sigma was 0, line $n" has keep $n '"guards":{.*"zero_sigma":[1-9]'
    check "what is not finite is counted, line $n" has keep $n \
        '"jacob_cov":"nan".*"zen":"-inf".*"guards":{.*"nonfinite":[1-9]'
    check "NaN ranks worst in a population, line $n" has keep $n '"rank":2,?[}]|"rank":2[,}]'
done
for n in 2 3 6; do
    check "a network that computes has finite values, line $n" test \
        "$(line $n keep | grep -cE '"(nan|inf|-inf)"|"nonfinite"')" = 0
    check "and a T-CET score, line $n" has keep $n '"tcet_snip_none":[1-9]'
done
check "the CSV names them too" test "$(grep -c ',nan,.*,-inf,' keep.csv)" = 3
check "the table says how many NaN there were" said '^jacob_cov .* 6 +3 ' out
check "the last line is the score's" said '^rank: .*Kendall tau' out

all drop --set run.on_nonfinite=drop
check "on_nonfinite = drop: a layer that is not finite counts as 0" test "$code" = 0 \
    -a "$(grep -cE '"(inf|-inf)"' drop.jsonl)" = 0
check "and a network of nothing else has no value, rather than a 0 that would rank best" test \
    "$(grep -c '"jacob_cov":"nan"' drop.jsonl)" = 3
check "and still counts it" has drop 1 '"nonfinite":[1-9]'

all fail --set run.on_nonfinite=fail
check "on_nonfinite = fail: the run ends, exit code 3" test "$code" = 3
check "what failed is not counted as scored" said '^6 architectures: 3 scored now .* 3 failed;' out
check "and stderr says how many" said '^tcet-host: 3 architectures failed' err
check "and why, each reason once" test "$(grep -c "^tcet-host:   " err)" = 1
check "with how many share it" said '^tcet-host:   3: metric [a-z_]* is -?(nan|inf)' err
check "and how to try them again" said "^tcet-host: to try them again: .*--resume --retry-failed$" err
check "their rows say which metric" test \
    "$(grep -c '"status":"failed","error":"metric [a-z_]* is -\?\(nan\|inf\)' fail.jsonl)" = 3
check "the others are scored" test "$(grep -c '"status":"ok"' fail.jsonl)" = 3
strip() { sed -n "$2p" "$1.jsonl" | sed 's/"rank":[0-9.]*//'; }
for n in 2 3 6; do
    check "as they would be without them, line $n" cmp <(strip keep $n) <(strip fail $n)
done
all fail --set run.on_nonfinite=fail --resume
check "failed ones are not tried again" said '0 scored now .* 3 failed .0 now.' out
check "nor forgotten: exit code 3 again" test "$code" = 3
check "nor is the reason" said '^tcet-host:   3: metric ' err
all fail --set run.on_nonfinite=fail --resume --retry-failed
check "unless asked for" said '0 scored now .* 3 failed .3 now.' out

# A metric that fails on S^l that others read, too: one row has no deviation over the rows.
cat >alone.ini <<'INI'
[run]
space = nats_tss
[data]
plugin     = gaussian
batch      = 1
resolution = 8
[saliency snip]
rows = sample
[metric zico]
saliency   = snip
aggregator = zico
[metric snr]
saliency   = snip
aggregator = snr
[metric size]
saliency   = ones
aggregator = sum
[score fails]
combiner = product
metrics  = zico, size
[score holds]
combiner = product
metrics  = snr, size
INI
run run alone.ini --archs file:list --output alone --export alone.csv --quiet
check "a metric that cannot reduce fails its architectures" test "$code" = 3
check "but takes neither the others nor their scores with it" test \
    "$(grep -cE ',failed,[0-9]+,[0-9]+,,[-0-9.e+]+,[0-9]+,,[-0-9.e+]+$' alone.csv)" = 6

# One image: no statistics over images.
run run "$source/conf/tcet_snip.ini" --set data.batch=1 --set data.resolution=8 --archs file:list \
    --output one --export one.jsonl
check "a batch of one image" test "$code" = 0 -a "$(grep -c '"status":"ok"' one.jsonl)" = 6
run score "$source/conf/tcet_snip.ini" --set data.batch=1 --set data.resolution=4 index:1462
check "a training batch norm over one value a channel is refused, exit code 3" test "$code" = 3
check "and is named" \
    said 'failed: cells\.11\.conv_a\.op\.2: of one image the batch norm gets one value a channel' err
run score "$source/conf/tcet_synflow.ini" --set space.reading=zero_cost_nas --set data.resolution=4 index:1462
check "a norm that a pass without norms keeps, too" test "$code" = 3
check "and is named" \
    said 'failed: reduction2\.conv_a\.op\.2: of one image the batch norm gets one value a channel' err
finish
