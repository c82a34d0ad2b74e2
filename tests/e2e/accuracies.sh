#!/usr/bin/env bash
# accuracies.sh BUILD_DIR SOURCE_DIR -- protects who reads a run's accuracies beside its scores: exports and
# the view `accuracies` say of each architecture what the table says, by its spelling or its canonical key,
# whatever the number of workers, resumes and shards; a table that changed is read again; `export --table`
# joins any table and, as all that reads, writes nothing into the folder.
. "$(dirname "$0")/lib.sh"

known='|nor_conv_3x3~0|+|avg_pool_3x3~0|none~1|+|skip_connect~0|nor_conv_1x1~1|none~2|'
# Nodes 1 and 2, between which there is no edge, in the other order.
swapped='|avg_pool_3x3~0|+|nor_conv_3x3~0|none~1|+|skip_connect~0|none~1|nor_conv_1x1~2|'
absent='|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|none~0|none~1|nor_conv_3x3~2|'
printf '%s\n' "$known" "$swapped" "$absent" >list
cat >table.csv <<CSV
# trained = acc* params
arch;index;acc;acc_other;params
$known;1;91.25;1e400;7
|none~0|+|none~0|none~1|+|none~0|none~1|none~2|;2;10;;8
CSV
cat >mine.ini <<'INI'
[run]
space  = nats_tss
archs  = file:list
output = mine
[metric ones]
saliency   = ones
aggregator = sum
[metric m]
saliency   = macs
aggregator = sum
[score r]
combiner = rankave
metrics  = ones, m
[benchmark]
table  = table.csv
column = acc
INI

# column FILE NAME: a column of a CSV export, without its head, the lines joined by blanks.
column()
{
    awk -F, -v name="$2" 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == name) c = i; next }
        { printf "%s%s", (NR > 2 ? " " : ""), (c ? ($c == "" ? "-" : $c) : "no column") }' "$1"
}
# holds NAME FILE COLUMN VALUES
holds() { check "$1" test "$(column "$2" "$3")" = "$4"; }
# asks FOLDER SQL: rows, with | between fields, as Python's sqlite3 reads them of an untrusted file.
asks()
{
    python3 - "$1" "$2" <<'PYTHON'
import sqlite3, sys
db = sqlite3.connect("file:%s/scores.db?mode=ro" % sys.argv[1], uri=True)
db.execute("PRAGMA trusted_schema = 0")
for row in db.execute(sys.argv[2]):
    print("|".join(map(str, row)))
PYTHON
}

# -- A run ---------------------------------------------------------------------------------
run run mine.ini --export one.csv --export one.jsonl --workers 1
check "a run with a table" test $code = 0
check "of which it says how it was joined" said '^1 of 3 architectures .* 1 by their canonical key, 1 not at all' out
check "the CSV has the accuracy behind the scores" said '^arch,status,params,macs,ones,m,r,acc$' one.csv
holds "by spelling, by key, and nothing" one.csv acc '91.25 91.25 -'
check "the JSONL has it" test "$(grep -c '"scores":{"ones":[0-9]*,"m":[0-9]*,"r":[0-9.]*},"accuracies":{"acc":91.25},"guards"' one.jsonl)" = 2
check "and nothing where the table has nothing" test "$(grep -c '"accuracies":{},"guards"' one.jsonl)" = 1
run run mine.ini --output two --export two.csv --export two.jsonl --workers 2 --quiet
check "two workers: the same bytes" cmp one.csv two.csv
check "in JSON too" cmp one.jsonl two.jsonl
run run mine.ini --resume --quiet --export again.csv
check "a resume: the same bytes" cmp one.csv again.csv
run export mine again.jsonl
check "an export: the same bytes" cmp one.jsonl again.jsonl
run export mine layers.csv --layers
check "files of layers are as they were" said '^arch,layer,kind,shape,m$' layers.layers.csv

if command -v python3 >/dev/null; then
    asks mine "SELECT arch, name, value, table_name, ordinal, table_sha256 FROM accuracies ORDER BY ordinal" >rows
    digest=$(sha256sum table.csv | cut -d' ' -f1)
    printf '%s|acc|91.25|table.csv|%s|%s\n' "$known" 0 "$digest" "$swapped" 1 "$digest" >want
    check "the view has what the table has, and which table" cmp want rows
fi

# -- What changes ----------------------------------------------------------------------------
sed -i 's/91.25/91.5/' table.csv
run export mine kept.csv
check "a table that changes leaves the folder alone" cmp one.csv kept.csv
run run mine.ini --resume --quiet --export changed.csv
holds "until a resume reads it again" changed.csv acc '91.5 91.5 -'
run run mine.ini --resume --quiet --export other.csv --set benchmark.column=acc_other
holds "another column" other.csv acc_other 'inf inf -'
run run mine.ini --resume --quiet --export none.csv --export none.jsonl --set benchmark.table=
check "no table any more: no column" said '^arch,status,params,macs,ones,m,r$' none.csv
check "nor in JSON" test "$(grep -c accuracies none.jsonl)" = 0
printf '%s\n' "$absent" "$swapped" >list
run run mine.ini --resume --quiet --export list.csv
holds "another list" list.csv acc '- 91.5'
sed -i '$s/.*/&\n'"$absent;3;77;;9/" table.csv
run run mine.ini --output named --quiet --export named.csv --set benchmark.column=params
holds "a column whose name stands there already" named.csv table.params '9 7'

# -- Any table ---------------------------------------------------------------------------------
run run mine.ini --output bare --quiet --set benchmark.table=
before=$(sha256sum bare/scores.db)
run export bare joined.csv --table ./table.csv --column acc --column params
check "a table for a run without one" said '^arch,status,params,macs,ones,m,r,acc,table.params$' joined.csv
holds "by spelling and key" joined.csv acc '77 91.5'
run export bare joined.jsonl --table ./table.csv --column acc --column params
check "in JSON under their own names" said '"accuracies":{"acc":77,"params":9}' joined.jsonl
run export bare trained.csv --table ./table.csv
check "all that are trained" said '^arch,status,params,macs,ones,m,r,acc,acc_other,table.params$' trained.csv
holds "with what the table lacks" trained.csv acc_other '- inf'
run export bare mapped.csv --table ./table.csv --column acc --key index
check "--key is the table's" test $code = 2 -a ! -e mapped.csv
run correlate bare --table ./table.csv --column acc
check "what reads writes nothing" test "$before" = "$(sha256sum bare/scores.db)"
refuses "--column of a run without a table" 'names no \[benchmark\] table; give --table' export bare x.csv --column acc
refuses "a column that is not there" 'no column "accu".*did you mean "acc"' export bare x.csv --table ./table.csv --column accu
refuses "a column twice" '--column acc twice' export bare x.csv --table ./table.csv --column acc --column acc
refuses "a table of another space" 'table nb_macro has none of the 2 arch' export bare x.csv --table nb_macro
printf 'arch,acc\nx,1\n' >silent.csv
refuses "a table that does not say what is trained" 'silent.csv: .*--column' export bare x.csv --table ./silent.csv
refuses "--key alone" '--key and --duplicates go with --table' export bare x.csv --key arch
refuses "--table of a network" '--table and --column are of scores' export bare x.pth --table nats_tss
check "nothing was written" test ! -e x.csv -a ! -e x.pth

# -- Shards, and an end that is none -----------------------------------------------------------
sed -e 's/^archs .*/archs = sample:40/' -e 's/^table .*/table = nats_tss/' -e 's/= acc$/= cifar10_test/' mine.ini >many.ini
run run many.ini --output many --quiet --export many.csv --export many.jsonl
for i in 1 2 3; do
    run run many.ini --output cut --shard $i/3 --quiet --export shard$i.csv
done
holds "a shard has its own" shard2.csv cifar10_test "$(column many.csv cifar10_test | tr ' ' '\n' | sed -n '2~3p' | paste -sd' ')"
run merge cut cut/shard-*-of-3
run export cut cut.csv
check "merged: the bytes of a run that was not cut" cmp many.csv cut.csv
run export cut cut.jsonl
check "in JSON too" cmp many.jsonl cut.jsonl
run run many.ini --output cut --resume --quiet --export resumed.csv
check "and a resume finds them" cmp many.csv resumed.csv
# One shard read the table after it had changed.
sed '$d' "$build/share/tcet/tables/nats_tss.tsv" >shorter.tsv
sed 's/^table .*/table = own.tsv/' many.ini >own.ini
for i in 1 2; do
    cp "$([ $i = 1 ] && echo "$build/share/tcet/tables/nats_tss.tsv" || echo shorter.tsv)" own.tsv
    run run own.ini --output apart --shard $i/2 --quiet
done
run merge apart apart/shard-*-of-2
check "shards of two tables are merged" test $code = 0
check "without accuracies, which is said" said 'accuracies are not of one table' err
run export apart apart.csv
check "in exports too" said '^arch,status,params,macs,ones,m,r$' apart.csv
run run own.ini --output apart --resume --quiet --export apart.csv
check "and a resume puts them" cmp many.csv apart.csv

cat >slow.ini <<'INI'
include = many.ini
[metric slow]
saliency   = snip
aggregator = snr
INI
"$host" run slow.ini --output slow --quiet --workers 1 >out 2>err &
slow=$!
for _ in $(seq 200); do
    "$host" export slow part.csv >/dev/null 2>&1
    grep -qs ',ok,' part.csv && break
    sleep 0.05
done
kill -INT $slow
wait $slow
run export slow part.csv
check "an interrupted run has the accuracies of all" test \
    "$(column part.csv cifar10_test)" = "$(column many.csv cifar10_test)"
finish
