#!/usr/bin/env bash
# discover.sh BUILD_DIR SOURCE_DIR -- protects `discover`: it chooses on one part of the networks and
# measures on the other, or on another run; and what it cannot do it says.
. "$(dirname "$0")/lib.sh"

# Metrics by layer that need no image and no pass.
cat >counts.ini <<'INI'
[run]
space = nats_tss
archs = sample:60
[data]
plugin = gaussian
batch  = 2
[metric norm]
saliency   = weight
aggregator = l2
[metric macs]
saliency   = macs
aggregator = sum
[score both]
combiner = layerdot
metrics  = norm, macs
[benchmark]
table  = nats_tss
column = cifar10_test
INI
run run counts.ini --output tss --quiet
run run counts.ini --output other --quiet --set run.sample_seed=7
run run counts.ini --output sss --quiet --set run.space=nats_sss --set benchmark.table=nats_sss \
    --set benchmark.column=val_cifar10
run run counts.ini --output none --quiet --set benchmark.table= --set benchmark.column=

found() { run discover "$@" && [ $code = 0 ]; }
json() { /usr/bin/python3 -c "import json; d = json.load(open('out')); assert $1, d"; }

check 'a run alone: chosen and held out' found tss --column cifar10_test --also cifar100_test
check '... the choosing tau is called in-sample' said 'chosen \(in-sample\)' out
check '... a column a target with intervals' said 'held out: cifar100_test' out
check '... the run'"'"'s own score beside' said '^\(both\)' out
check '... and the counts' said '^\(depth\)' out
check 'JSON' found tss --format json --most 2 --weights 1 --keep 3
# two alone, one pair by four forms
check '... every combination was tried' json 'd["tried"] == 6 and len(d["scores"]) == 7'
check '... and the parts are parts of the whole' \
    json '10 <= d["chosen_on"] <= 50 and all(-1 <= m["tau"] <= 1 for s in d["scores"] for m in s["measured"])'
cp out first
check 'the same again' found tss --format json --most 2 --weights 1 --keep 3
check '... gives the same bytes' cmp out first
check 'another seed chooses on others' found tss --format json --most 2 --weights 1 --keep 3 --seed 5
check '... which shows' bash -c '! cmp -s out first'
check 'on all of one run, measured on another space' found tss --share 1 --test sss --format csv
check '... its column stands there' said 'sss: val_cifar10' out
check '... 17 digits' said '[0-9]\.[0-9]{14}' out
check 'one form of two metrics' found tss --forms layerdot
check '... is a section for a config' said '^combiner = layerdot$' out
check 'one form of one metric' found tss --forms single --metrics macs --format markdown
check '... is its line' said '^\| macs ' out

check 'near to a score, of those within the noise of the first' \
    found tss --share 1 --test sss --near both --format json --keep 3
check '... they come by agreement with it' \
    json '[s["agreement"] for s in d["scores"][:3]] == sorted([s["agreement"] for s in d["scores"][:3]], reverse=True)'
check '... and say so' found tss --near both
check '... in words' said 'the best is not better .*agree most with both' out
refuses 'layers that are not there' '--forms layerdot wants two with values by layer' \
    discover nats_tss_scores --metrics params,flow --forms layerdot
refuses 'near to nothing' '--near: there is no "nothing"' discover tss --near nothing

# A table of scores in the place of a folder: an export, or a file whose comments say the rest.
cat >tidy.py <<'PY'
import csv, gzip
rows = list(csv.DictReader(open("tss.csv")))
with gzip.open("scores.tsv.gz", "wt") as f:
    f.write("# space = nats_tss\n# table = nats_tss\n# column = cifar10_test\n# scores = both\n# less = cost\n# group = twin\n")
    f.write("\t".join(["arch", "twin", "norm", "macs", "both", "cost", "test_cifar10"]) + "\n")
    for i, r in enumerate(rows):
        cost = -float(r["macs"])
        f.write("\t".join(map(str, [r["arch"], i // 2, r["norm"], r["score.macs"], r["both"], cost, 1])) + "\n")
PY
run export tss tss.csv
/usr/bin/python3 tidy.py
run correlate scores.tsv.gz --format csv
cp out table.csv
run correlate tss --format csv
check 'a table of scores has the taus of its run' /usr/bin/python3 -c '
import csv
a, b = ({r["proxy"]: float(r["Kendall"]) for r in csv.DictReader(open(f))} for f in ("table.csv", "out"))
for name in ("norm", "macs", "both", "(#params)"):
    assert abs(a[name] - b[name]) < 1e-12, (name, a, b)
assert abs(a["cost"] - b["macs"]) < 1e-12, a
assert "twin" not in a and "test_cifar10" not in a, a'
run correlate tss.csv --table nats_tss --column cifar10_test --space nats_tss --format csv
check 'an export, its table given' said '^both,' out
check '... baselines of the space' said '^\(#params\),' out
check 'discover of a table' found scores.tsv.gz --format json --most 2 --weights 1 --keep 9
check '... the scores it has are not combined, layers are not there' \
    json 'd["tried"] == 12 and not any("layerdot" in s["score"] or "both" == s["score"] for s in d["scores"][:9])'
check 'on a table, measured on a run' found scores.tsv.gz --metrics norm,macs --share 1 --test other
check 'on a run, measured on a table' found tss --metrics norm,macs --share 1 --test scores.tsv.gz
refuses 'a table without accuracies' 'give --table and --column' discover tss.csv
head -c 200 scores.tsv.gz >cut.tsv.gz
refuses 'a table that is cut' 'cut.tsv.gz: cut' correlate cut.tsv.gz

# Ranks among a population that a file holds: a score of one network, in the order of its ranks there.
mkdir -p conf
printf 'include = ../counts.ini\n[score placed]\ncombiner  = refrank\nmetrics   = norm, macs\nreference = ref.csv\n' \
    >conf/placed.ini
run export tss conf/ref.csv
check 'a run as reference' test $code = 0
run run conf/placed.ini --output placed --quiet --export placed.jsonl
check '... by a path from the config' test $code = 0
check '... places its own networks as they rank' /usr/bin/python3 -c '
import json, math
rows = [json.loads(line)["scores"] for line in open("placed.jsonl")]
def rank(name, v):
    x = [r[name] for r in rows]
    return sum(y < v for y in x) + (1 + sum(y == v for y in x)) / 2
for r in rows:
    want = sum(math.log(rank(n, r[n]) / (len(rows) + 1)) for n in ("norm", "macs"))
    assert abs(r["placed"] - want) < 1e-12, (r, want)'
run run conf/placed.ini --archs index:15624 --output alone --quiet
check '... and one alone' test $code = 0
sed -i 's/^reference.*//' conf/placed.ini
refuses 'no reference' 'reference' run conf/placed.ini --output none2 --quiet
sed -i 's/^metrics.*/&\nreference = nowhere.csv/' conf/placed.ini
refuses 'a reference that is not there' 'nowhere.csv' run conf/placed.ini --output none2 --quiet

refuses 'nothing to measure on' '--test' discover tss --share 1
refuses 'no accuracies' 'give --table and --column' discover none
refuses 'a metric that it has not' 'has no "snip"' discover tss --metrics snip
refuses 'a form that is none' 'single, layerdot' discover tss --forms product
refuses 'weights of nothing' 'no number above 0' discover tss --weights 0,1
refuses 'too few networks' 'at least 10' discover tss --share 0.01
refuses 'a column that the table has not' 'no column "cifar_test"' discover tss --column cifar_test
refuses '--also alone' 'goes with --column' discover tss --also cifar100_test
refuses 'no folder' 'nowhere' discover nowhere
finish
