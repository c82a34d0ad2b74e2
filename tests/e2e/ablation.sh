#!/usr/bin/env bash
# ablation.sh BUILD_DIR SOURCE_DIR -- protects [ablation] and repeats: cells expand inside one
# run, passes are shared, what cannot be is listed with its reason, and the run's folder is one
# that every other command can read.
. "$(dirname "$0")/lib.sh"

small=(--set data.batch=8 --set data.resolution=8)
conf=$source/conf

run show "$conf/ablation/tss.ini"
check "the plan of an ablation can be shown" test "$code" = 0
check "five passes asked for, three run" said '^passes: 5 asked for, 3 will run per architecture' out
check "a cell that cannot be is listed with its reason" \
    said '^  snip_logdet +aggregator logdet reduces .* but snip gives a vector' out

check "names longer than most keep the columns" test \
    "$(sed -n '/^scores/,/^$/s/^\(  [^ ]* *\).*/\1/p' out | awk '{ print length }' | sort -u | wc -l)" = 1

cat >forms.ini <<'INI'
[run]
space = nats_tss
[data]
plugin     = gaussian
batch      = 4
resolution = 8
[ablation]
saliency   = fisher, jacob, epe, nwot
aggregator = logdet, regions, cond, zico, sum
INI
run show forms.ini
for cell in fisher_logdet fisher_zico jacob_logdet jacob_regions epe_logdet epe_cond; do
    check "what is no kernel and no rows is skipped: $cell" \
        said "^  $cell +aggregator .* but .* gives a form of its own" out
done
check "and nothing else" test "$(sed -n '/^skipped/,/^$/p' out | grep -c '^  ')" = 13
run run forms.ini --archs first:2 --output forms --quiet
check "what is left has values" test "$code" = 0
line() { grep -n "$1" forms.ini | cut -d: -f1; }
sed -i 's/cond, zico/cnod, zico/' forms.ini
refuses "a misspelt aggregator: file, line and the nearest" \
    "forms.ini:$(line ^aggregator): .*no aggregator \"cnod\" .did you mean \"cond\"" show forms.ini
sed -i -e 's/cnod, zico/cond, zico/' -e 's/epe, nwot/eep, nwot/' forms.ini
refuses "a misspelt saliency too" \
    "forms.ini:$(line ^saliency): .*no saliency \"eep\" .did you mean \"epe\"" show forms.ini
sed -i 's/eep, nwot/epe, nwot/' forms.ini
refuses "a seed that is none too" 'ablation.seed: seed = "x"' show forms.ini --set ablation.seed=1,x
refuses "one such metric is refused" 'm.aggregator: aggregator logdet .* fisher gives a form of its own' \
    run forms.ini --archs first:2 --output no --set metric.m.saliency=fisher \
    --set metric.m.aggregator=logdet

run show "$conf/paper/table2_tss.ini"
check "all proxies of the paper share their passes" \
    said "^passes: 8 asked for, 5 will run" out
check "one training pass serves GraSP, SNIP, its SNR and the gradient norm" \
    said 'for grasp \(grasp\), grad \(grad_norm\), snip \(snip, snip_snr\)' out

run run "$conf/ablation/tss.ini" "${small[@]}" --archs first:6 --output cells --export cells.csv
check "an ablation runs" test "$code" = 0
check "every cell has a column" test "$(head -1 cells.csv | tr , '\n' | grep -c '^layerdot_')" = 16
run correlate cells --format markdown
check "and a line in the table of proxies" said '^\| layerdot_snip_snr ' out
run run cells/config.ini --output again "${small[@]}" --export again.csv --quiet
check "the resolved config is one to run again" cmp cells.csv again.csv

run run "$conf/ablation/seeds.ini" "${small[@]}" --set run.repeats=3 --archs first:6 --output seeds \
    --export seeds.csv
check "a run repeated over seeds" test "$code" = 0
check "says how the seeds' rankings agree" said '^rank stability of tcet_snip over seeds: .*3 pairs' out
check "ranks by the mean" said '^best by tcet_snip@mean' out
mean=$(awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i }
    NR > 1 { m = ($at["tcet_snip"] + $at["tcet_snip@2"] + $at["tcet_snip@3"]) / 3
             d = $at["tcet_snip@mean"] - m; if (d < 0) d = -d
             if (d > 1e-9 * (m + 1)) bad++ } END { print bad + 0 }' seeds.csv)
check "which is the mean" test "$mean" = 0
run correlate seeds
check "its folder can be read" test "$code" = 0
run run seeds/config.ini --output seeds --resume
check "and gone on with" said '0 scored now' out

# Other mini-batches of the same images: `[ablation] data_seed`.
run run "$conf/ablation/batch.ini" "${small[@]}" --set ablation.batch=8 --set ablation.data=cifar10 \
    --set ablation.aggregator=snr --set ablation.data_seed=0,5 --archs first:12 --output draws --export draws.csv
check "an ablation over mini-batches" test "$code" = 0
check "whose scores differ" awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next }
    { differ += $at["snip_snr@draw0"] != $at["snip_snr@draw5"] } END { exit !(differ > 5) }' draws.csv
run run "$conf/ablation/batch.ini" "${small[@]}" --set ablation.batch=8 --set ablation.data=cifar10 \
    --set ablation.aggregator=snr --set ablation.data_seed= --set data.seed=5 --archs first:12 --output drawn \
    --export drawn.csv
check "and are those of [data] seed" awk -F, 'FNR == 1 { delete at; for (i = 1; i <= NF; i++) at[$i] = i; next }
    NR == FNR { score[$1] = $at["snip_snr@draw5"]; next }
    { n++; same += score[$1] == $at["snip_snr"] } END { exit !(n && same == n) }' draws.csv drawn.csv
run report draws -o draws.html
check "a report has a box a score" said 'Tau over mini-batches' draws.html

# An ablation over seeds: its cells are proxies, not repeats of something else.
cat >grid.ini <<'EOF'
[run]
space = nats_tss
[data]
plugin = gaussian
[ablation]
saliency   = snip
aggregator = sum, snr
seed       = 1, 2
combiner   = product
with       = wg
[metric wg]
saliency   = weight
aggregator = l2
[benchmark]
table  = nats_tss
column = cifar10_test
EOF
run run grid.ini "${small[@]}" --archs first:6 --output grid
check "an ablation over seeds" test "$code" = 0
run correlate grid --format csv
cp out lines.csv
for cell in snip_sum@1 snip_sum@2 snip_snr@1 snip_snr@2; do
    check "$cell stands in the table of all columns" said "^$cell," lines.csv
done
run correlate grid --cells --format csv
check "the ablation's table has a column a factor" \
    said '^rank,combiner,aggregator,Kendall,std,seeds,Spearman,nan,ms/arch$' out
check "and a line a cell, seeds apart" test "$(wc -l <out)" = 5
check "mean and deviation are those of the seeds' taus" awk -F, '
    NR == FNR { tau[$1] = $2; next }
    FNR > 1 { n++
        name = ($2 == "" ? "" : $2 "_") "snip_" $3
        x = tau[name "@1"]; y = tau[name "@2"]; d = (x - y) / sqrt(2); if (d < 0) d = -d
        if ($4 - (x + y) / 2 > 1e-12 || (x + y) / 2 - $4 > 1e-12) bad++
        if ($5 - d > 1e-9 || d - $5 > 1e-9 || $6 != 2) bad++
        if (n > 1 && $4 > last) bad++
        last = $4 }
    END { exit !(n == 4 && !bad) }' lines.csv out
run correlate grid --cells --format json
check "the same as JSON" said '"combiner":null,"saliency":"snip","aggregator":"s[un][mr]",.*"seeds":2' out
run run grid.ini "${small[@]}" --archs first:2 --output tied
run correlate tied --cells --format csv # taus of two architectures: 1, 0 and -1
check "equal cells share their rank" awk -F, '
    NR == 2 && $1 != 1 { bad = 1 }
    NR > 2 { equal += $4 == tau; bad = bad || ($1 == rank) != ($4 == tau) }
    NR > 1 { rank = $1; tau = $4 } END { exit bad || !equal }' out
run run grid.ini "${small[@]}" --archs first:6 --resume --output grid
check "the best cell is the headline" said "^best of 4 cells, (as good as [0-9]+ more, )?$(awk -F, 'NR == 1 { next }
    { n = split($1, at, "@"); if (at[2] && at[1] !~ /^wg/) { sum[at[1]] += $2; if (!(at[1] in first)) first[at[1]] = $1 } }
    END { for (k in sum) if (best == "" || sum[k] > sum[best]) best = k; print first[best] }' lines.csv): " out
check "each value of a factor has its mean" said '^aggregator +(sum|snr) +-?[0-9.]+ +2$' out
check "what is no cell keeps its line" said '^wg@1 ' out
refuses "--cells without an ablation" '--cells: the run.s config has no \[ablation\]' \
    correlate seeds --cells
refuses "two tables at once" '--pairs, --matrix, --cells and --values are four tables' \
    correlate grid --cells --matrix
run run grid.ini "${small[@]}" --archs first:6 --resume --output grid
check "its seeds are compared, each once" said '^rank stability of snip_snr over seeds: .*1 pair)' out
check "a metric that stands alone is not one of them" \
    said '^rank stability of wg over seeds: .*1 pair)' out

for seed in 1 2; do
    run run "$conf/tcet_snip.ini" "${small[@]}" --archs sample:5 --set run.seed=$seed \
        --output seed$seed --export seed$seed.csv --quiet
    cut -d, -f1 seed$seed.csv >archs$seed
done
check "another seed of the weights scores the same sample" cmp archs1 archs2


# -- Sharing changes no bit -------------------------------------------------------------------
proxies() # NAME...: a config of these proxies alone
{
    local name aggregator
    printf '[run]\nspace = nats_tss\narchs = sample:3\n[backend]\nplugin = torch\n'
    printf '[data]\nplugin = gaussian\nbatch = 8\nresolution = 16\n'
    for name; do
        case $name in
        snip) aggregator=snr ;;
        jacob) aggregator=jacob_cov ;;
        nwot) aggregator=logdet ;;
        zico) aggregator=$'zico\nsaliency.source = halves' ;;
        ntk) aggregator=$'cond\npartition = network\nbatch = 4' ;;
        *) aggregator=sum ;;
        esac
        printf '[metric m_%s]\nsaliency = %s\naggregator = %s\n' "$name" "$name" "$aggregator"
    done
}

column() # NAME FILE.csv: the values of that column
{
    awk -F, -v name="$1" 'NR == 1 { for (i = 1; i <= NF; i++) at = $i == name ? i : at; next }
                          { print $at }' "$2"
}

all=(jacob epe snip grasp fisher synflow zico zen nwot ntk)
proxies "${all[@]}" >all.ini
run show all.ini
check "passes that differ in their backward share a forward" \
    said 'its backward alone, on the forward of pass 1' out
check "and what has a gradient serves first" said '^  pass 1: .* loss=cross_entropy .* hvp' out
run run all.ini --output together --export together.csv --quiet
check "ten proxies together" test "$code" = 0
for name in "${all[@]}"; do
    proxies "$name" >one.ini
    rm -rf alone
    run run one.ini --output alone --export alone.csv --quiet
    check "$name alone gives the same bits" \
        cmp <(column "m_$name" together.csv) <(column "m_$name" alone.csv)
    check "$name has values" test "$(column "m_$name" alone.csv | grep -c '[0-9]')" = 3
done

# -- GraSP of single images -------------------------------------------------------------------
cat >rows.ini <<'INI'
[run]
space = nats_tss
archs = sample:2
[backend]
plugin = torch
precision = f64
[data]
plugin = cifar10
batch = 4
resolution = 8
[metric batch]
saliency = grasp
aggregator = snr
[metric sample]
saliency = grasp
saliency.rows = sample
aggregator = snr
[metric snip]
saliency = snip
saliency.rows = sample
aggregator = snr
INI
near() # the columns batch and sample of a CSV are equal to rounding
{
    paste <(column batch "$1") <(column sample "$1") | awk '{
        d = $1 - $2; if (d < 0) d = -d
        if (!(d <= 1e-8 * ($1 < 0 ? -$1 : $1))) bad++ } END { exit bad || NR != 2 }'
}
far() { ! near "$1"; }
run show rows.ini
check "rows of GraSP and SNIP are of one pass" said 'for grasp \(sample\), snip \(snip\)' out
run run rows.ini --output rows4 --export rows4.csv --quiet
check "GraSP of single images" test "$code" = 0
check "is not that of their mean loss" far rows4.csv
run run rows.ini --set data.batch=1 --output rows1 --export rows1.csv --quiet
check "but is for a batch of one" near rows1.csv

# -- What a proxy costs alone -----------------------------------------------------------------
proxies grasp snip jacob ones >costs.ini
cat >>costs.ini <<'INI'
[score pair]
combiner = sum
metrics = m_snip, m_jacob
[benchmark]
table = nats_tss
column = cifar10_test
INI
run run costs.ini --output costs --quiet
run correlate costs --format json
check "the table of proxies as JSON" test "$code" = 0
seconds() { tr '{' '\n' <out | sed -n "s/^\"name\":\"$1\".*\"seconds\":\([^,}]*\).*/\1/p"; }
costs() # CONDITION: of the seconds of grasp, snip, jacob, ones (what every proxy pays) and pair
{
    echo "$(seconds m_grasp) $(seconds m_snip) $(seconds m_jacob) $(seconds m_ones)" \
        "$(seconds pair)" | awk "{ grasp = \$1; snip = \$2; jacob = \$3; ones = \$4; pair = \$5
            print; exit !(NF == 5 && ($1)) }"
}
check "SNIP does not pay for GraSP's product, which is part of its pass" costs 'snip < .9 * grasp'
check "jacob_cov pays for the forward that it shares with SNIP" \
    costs 'snip + jacob - pair > 1.05 * ones'
check "both together pay for it once" costs 'pair > snip && pair > jacob'
finish
