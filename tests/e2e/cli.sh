#!/usr/bin/env bash
# cli.sh BUILD_DIR SOURCE_DIR -- protects whoever meets the program for the first time: help
# with an example everywhere, lists and descriptions from the plugins themselves, and commands
# that score nothing and so need no backend.
. "$(dirname "$0")/lib.sh"

succeeds() { check "$1" test "$code" = 0 -a -s out -a ! -s err; }

run --help
succeeds "--help"
check "it names the main job" said 'tcet-host run conf/tcet_snip.ini' out
commands=$(sed -n 's/^  \([a-z][a-z]*\)  *[^ ].*/\1/p' out)
check "there are at least eight commands" test "$(wc -w <<<"$commands")" -ge 8
for command in $commands; do
    run "$command" --help
    check "$command --help: usage and an example" test "$code" = 0 -a ! -s err \
        -a "$(grep -c "^usage: tcet-host $command" out)" = 1 \
        -a "$(grep -A 1 '^example' out | grep -c "tcet-host $command")" = 1
done
run run --help && cp out run.help
run help run
check "help COMMAND is COMMAND --help" cmp out run.help
refuses "help of no command" 'no command "rnu" \(did you mean "run"' help rnu
run
check "without a command: the help on stderr, exit code 2" test "$code" = 2 -a ! -s out -a -s err
refuses "unknown command" 'no command "lst" \(did you mean "list"' lst
refuses "a word that is no command at all" 'no command "frobnicate"' frobnicate

run version
succeeds "version"
check "it says the plugins' ABI" said '^plugin ABI 1\.' out
run --version
succeeds "--version"

run list
succeeds "list"
for kind in saliency aggregator combiner space dataset strategy; do
    check "list has the kind $kind" said "^$kind$" out
done
run list saliencies
succeeds "list saliencies"
check "only those" test "$(grep -c '^[a-z]' out)" = 1
run list saliency --json
check "list --json: every line an object with its parameters" test "$code" = 0 \
    -a "$(grep -cv '^{"kind":"saliency","id":".*"parameters":\[.*\]}$' out)" = 0

# Every plugin that is listed is described.
run list --json
sed 's/.*"id":"\([^"]*\)".*/\1/' out | sort -u >ids
: >undescribed
while read -r id; do
    "$host" info "$id" >info 2>&1 && [ "$(wc -l <info)" -ge 3 ] || echo "$id" >>undescribed
done <ids
check "info describes each of the $(wc -l <ids) plugins" test ! -s undescribed -a -s ids
run info snr
check "info prints defaults and ranges" said 'ddof = 1' out
check "and choices" said 'sum \| skip' out

run info snr --json
check "info --json: types, ranges and choices" said \
    '"name":"ddof","type":"integer","min":0,"max":1,"required":false,"default":"1"' out
check "info --json: choices" said '"type":"choice","choices":\["sum","skip"\]' out

# Folders of plugins given by hand; broken ones are named and the rest is listed.
mkdir mine && cp "$fixtures/good_minimal.so" "$fixtures/bad_no_symbol.so" mine/
run list --plugins mine
check "list --plugins: the good one" said '^  good_weight .*\[not built in\]' out
check "and a warning for the bad one" said 'bad_no_symbol.so: is no tcet plugin' err
TCET_PLUGIN_PATH=$work/mine run info good_mean
succeeds "\$TCET_PLUGIN_PATH"

run tables
succeeds "tables"
check "tables: a shipped one, its rows and accuracies" \
    said '^nats_tss +15625 +[0-9]+ +test_cifar10, test_cifar100, .* and [0-9]+ more' out
run tables nb_macro
check "tables TABLE: its source and columns" said "^Source: xiusu" out
check "tables TABLE: a column" said '^test_cifar10 +yes +6561 +[0-9.]+ +[0-9.]+' out
run tables nb_macro --json
check "tables --json" said '"name":"test_cifar10","trained":true,"numbers":6561,"texts":0,"min":' out
refuses "tables: no such one" 'no table "nats_ts".*did you mean "nats_tss"' tables nats_ts

# A space as a command: every one of them says what it is, and takes what it draws.
"$host" list space | sed -n 's/^  \([a-z0-9_]*\) .*/\1/p' >spaces.txt
check "there are spaces" test "$(wc -l <spaces.txt)" -gt 15
while read -r name; do
    run space "$name"
    check "space $name: size, task, example" said '^  example: +.' out
    [ "$name" != onnx ] || continue # of one's own files: none is drawn (onnx.sh), none has accuracies
    check "space $name: where its accuracies come from" said '^  (table: .* architectures|more: )' out
    run space "$name" --random 3 --seed 7
    cp out drawn.txt
    run space "$name" --mutate "$(head -1 drawn.txt)"
    check "space $name: another one" test "$(cat out)" != "$(head -1 drawn.txt)"
    cat out >>drawn.txt
    run space "$name" --list drawn.txt
    check "space $name: what it draws is of it" said '^4 architectures, 0 bad$' out
done <spaces.txt
run space nats_tss --arch index:1462
check "space --arch: the counts" said '^1531546 parameters, 220119680 multiply-accumulates; no dead edge, depth 6$' out
check "space --arch: a convolution" \
    said '^cells.16.layers.1.op.1 +conv2d +64x64x3x3 +36864 +2359296 +64x8x8$' out
run space nats_tss --arch index:1462 --json
check "space --arch --json" said '"name":"stem.0","operation":"conv2d","shape":\[16,3,3,3\],"params":432' out
run space nats_tss --canonical '|none~0|+|none~0|none~1|+|nor_conv_1x1~0|none~1|none~2|' --json
check "space --canonical --json" said '^\{"key":"\(0\)@nor_conv_1x1","index":[0-9]+,"arch":"' out
printf 'index:3\n\n|conv~0|\r\nindex:15625\n' >list.txt
run space nats_tss --list list.txt
check "space --list: bad lines are an error" test "$code" = 2
check "space --list: each is named" test "$(grep -c '^list.txt:[34]: ' out)" = 2
check "space --list: how many" said '^3 architectures, 2 bad$' out
run space nds_resnet --set "space.file=$source/tests/data/table/nds.json" --json
check "space --set: a parameter" said '^\{"size":4,"numbered":true,' out
refuses "space: an unknown one" 'no space "nats_ts" \(did you mean "nats_tss"' space nats_ts
refuses "space: two questions" 'one of --arch, --random' space nats_tss --arch index:1 --random 1
refuses "space: --random 0" '"0" is no number of architectures, 1 to 100000' space nats_tss --random 0
refuses "space: --seed alone" '--seed is of --random and --mutate' space nats_tss --seed 1
refuses "space: no list" 'nowhere.txt' space nats_tss --list nowhere.txt

# Networks as files; what other programs read of them is test_net_python's to show.
printf '[run]\nspace = nats_tss\n' >net.ini
for ending in pth safetensors onnx; do
    run export-net net.ini index:1462 "net.$ending"
    check "export-net .$ending: says what" said "^net.$ending: 1531546 parameters of \\|nor_conv_3x3~0\\|\\+" out
    check "export-net .$ending: all parameters" test "$(wc -c <"net.$ending")" -gt $((4 * 1531546))
done
run export-net net.ini index:1462 again.pth
check "export-net: the same bytes" cmp -s net.pth again.pth
run export-net net.ini index:1462 again.pth --set run.seed=2
check "export-net: another seed" test "$(cmp -s net.pth again.pth; echo $?)" = 1
refuses "export-net: an ending" 'a .safetensors, .pth or .onnx file' export-net net.ini index:1 net.bin
refuses "export-net: no folder" 'nowhere/net.pth: cannot write: No such file' export-net net.ini index:1 nowhere/net.pth
refuses "export-net: no architecture" 'has index:0 to index:15624' export-net net.ini index:15625 net.pth
refuses "export-net: a section" '\[bench\]' export-net net.ini index:1 net.pth --set bench.table=x

# NDS: the benchmark's file as the space and as the table.
cat >nds.ini <<INI
[run]
space  = nds_resnet
archs  = all
[space]
file   = $source/tests/data/table/nds.json
[data]
plugin = gaussian
batch  = 2
[metric params]
saliency   = macs
aggregator = sum
[benchmark]
table  = $source/tests/data/table/nds.json
column = test_best
INI
run run nds.ini --output nds
check "a file of NDS: its entries are scored" said '^4 architectures: 4 scored now' out
check "a file of NDS: the first of two counts" said '^1 row of the table is of an architecture above and left out' out
check "a file of NDS: entries of another spelling are joined" said '^0 of 4 .* spelt, 4 by their canonical key' out
run tables "$source/tests/data/table/nds.json"
check "a file of NDS as a table" said '^test +yes +2 ' out

# What people read fits 80 columns; what programs read is whole.
for command in $commands; do
    run $command --help
    check "$command --help fits 80 columns" test -z "$(awk 'length > 80' out)"
done
run info snr
check "info in a pipe: a line a text" said 'the plain sum, or 0\.  Counted as guard zero_sigma\.$' out
if has_terminal; then
    script -qec "$host info snr" /dev/null >out </dev/null
    check "info on a terminal: the same text within 80 columns" test -z "$(tr -d '\r' <out |
        grep -v '^  file:' | awk 'length > 80')" -a "$(grep -c 'Counted as guard' out)" = 1
fi

if has_terminal; then
    for words in list 'list proxies' "show $source/conf/tcet_snip.ini" 'tables nats_tss' 'info naswot' \
        'check --list'; do
        script -qec "stty cols 80; $host $words" /dev/null >out </dev/null
        check "$words on a terminal: lines end at 80 columns where they can" \
            test -z "$(tr -d '\r' <out | awk 'length > 80 && $0 ~ /[^ ] +[^ ]+ [^ ]/')" -a -s out
    done
fi
refuses "an architecture of a space without an option" "goes with an option: --arch 'index:3'" \
    space nats_tss index:3

# Shells complete what the program has, and its manual page shows it.
run completion bash
succeeds "completion bash"
complete_words() # WORD...: what bash offers for the last one
{
    bash -c '. ./out; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _tcet_host; echo "${COMPREPLY[*]}"' \
        - "$@" | tr '\n' ' '
}
check "bash completes commands" test "$(complete_words tcet-host corr)" = "correlate "
check "and options" test "$(complete_words tcet-host run conf.ini --res)" = "--resume "
check "and names of spaces" test "$(complete_words "$host" space nats_t)" = "nats_tss "
check "and of tables" test "$(complete_words "$host" tables nats_s)" = "nats_sss "
check "and of proxies" test "$(complete_words "$host" run c.ini --proxy nasw)" = "naswot "
touch "a name.ini"
check "and files, also as an option's value" test "$(complete_words tcet-host run --export "a n")" \
    = "a name.ini "
for command in $commands; do
    check "bash knows the options of $command" test -n "$(complete_words tcet-host "$command" --he)"
done
run completion zsh
succeeds "completion zsh"
if command -v zsh >/dev/null; then
    check "zsh can read it" zsh -n out
fi
run completion man
succeeds "completion man"
for command in $commands; do
    check "the manual page has $command" said "^\.SS \"$command " out
done
if command -v groff >/dev/null; then
    check "it is a page without a complaint" test -z "$(groff -man -Tutf8 -ww out 2>&1 >/dev/null)"
fi
refuses "completion of another shell" 'no completion for "fish"; one of bash, zsh, man' completion fish

# Proxies by name: each is a config that can be planned, and means what it says.
run list proxies
succeeds "list proxies"
check "list proxies: a line each" said '^naswot +NASWOT: log-determinant of the kernel' out
names=$(awk '{ printf "%s%s", sep, $1; sep = "," }' out)
run info tcet
check "info of a proxy: its sections" test "$(grep -cE '^\[(metric (snip_snr|lnwot)|score tcet)\]$' out)" = 3
refuses "a proxy that is none" '--set run.proxy: there is no proxy "naswoot" \(did you mean "naswot"\?' \
    show "$source/conf/ssnr.ini" --set run.proxy=naswoot
printf '[run]\nspace = nats_tss\narchs = first:2\n[metric lnwot]\nsaliency = snip\naggregator = sum\n' \
    >other.ini
refuses "a section of a proxy's name that is another" 'other.ini:4: \[metric lnwot\] is another than' \
    show other.ini --set run.proxy=tcet
if [ -f "$build/lib/tcet/plugins-1/backend_torch.so" ]; then
    run show "$source/conf/ssnr.ini" --set "run.proxy=$names"
    succeeds "all proxies can be planned"
    run run "$source/conf/tcet_snip.ini" --proxy tcet,params --archs first:2 --output proxies --quiet \
        --set data.batch=8 --export proxies.csv
    check "run --proxy" test "$code" = 0
    check "run --proxy: the score of that name" test "$(awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i }
        NR > 1 && $at["tcet"] == $at["tcet_snip"] && $at["tcet"] != "" { n++ } END { print n }' proxies.csv)" = 2
    run run "$source/conf/tcet_snip.ini" --proxy tcet,params --archs first:2 --output proxies --quiet \
        --set data.batch=8 --resume
    check "run --proxy --resume" test "$code" = 0
fi

# Statistics need a table alone.
cat >table.csv <<'CSV'
arch,acc,score,cost
a,1,10,3
b,2,20,2
c,3,40,1
d,4,30,4
CSV
run correlate --table table.csv --column acc --scores score,-cost
succeeds "correlate of a table"
check "tau of 5 of 6 pairs in order" said '^score +0\.6667' out
check "a score of which less is better: tau of 3 pairs against 3" said '^cost +-?0\.0000' out
run correlate --table table.csv --column acc --scores score --format json
check "correlate --format json" said '"(tau|kendall)": *0\.666' out
run correlate --table table.csv --column acc
check "without --scores: every column but the accuracy" test "$(grep -cE '^(score|cost) ' out)" = 2 \
    -a "$(grep -c '^acc  *[-0-9]' out)" = 0
printf 'id,net,-s,"t, raw",acc,note\nx,a,1,2,90,p\ny,b,2,3,91,q\nz,c,3,1,92,r\ny,b,4,3,93,q\n' >names.csv
refuses "rows of one architecture" 'names.csv:5: architecture "b" stands in line 3 already' \
    correlate --table names.csv --column acc --key net
run correlate --table names.csv --column acc --key net --duplicates mean
check "correlate --key, --duplicates mean" test "$code" = 0
check "a column that begins with -, and one with a comma" test "$(grep -cE '^(-s|t, raw) ' out)" = 2
check "a column of text is left out, and that is said" \
    said 'names.csv:2: column "note" holds text \("p"\) and is left out' err
run correlate --table names.csv --column acc --key net --duplicates mean --scores 't, raw,-s'
check "--scores of names with commas" test "$(grep -cE '^(-s|t, raw) ' out)" = 2
refuses "text for a number" 'names.csv:2: column "note": "p" is no number, nor are others below' \
    correlate --table names.csv --column acc --key net --duplicates mean --scores note
refuses "a table of another space's architectures" \
    '3 of 3 architectures cannot be read: "a": space nats_tss: position 1: ' \
    correlate --table names.csv --column acc --key net --duplicates mean --scores -s --space nats_tss
printf 'arch,s,acc\n"(4, 0, 3, 1, 4, 3)",1,90\n"(2, 3, 0, 4, 1, 2)",2,91\nno,3,92\n' >naslib.csv
run correlate --table naslib.csv --column acc --space nats_tss --population live
check "architectures as NASLib writes them" test "$code" = 0
check "one that is none of the space is named" \
    said '1 of 3 architectures cannot be read: "no": space nats_tss: position 1: ' err
cat >cells <<'EOF'
(0,1,1,1,0,1,0, 0,0,0,0,0,0,1, 0,0,0,0,0,0,1, 0,0,0,0,1,0,0, 0,0,0,0,0,0,1, 0,0,0,0,0,0,1, 0,0,0,0,0,0,0, 0,3,4,4,4,2,1)
(0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 3, 1)
(0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 3, 1)
EOF
cat >isomorphic.csv <<'EOF'
arch,acc
"(0,1,1,1,1,0,0, 0,0,0,0,0,0,1, 0,0,0,0,0,0,1, 0,0,0,0,0,0,1, 0,0,0,0,0,1,0, 0,0,0,0,0,0,1, 0,0,0,0,0,0,0, 0,4,3,2,4,4,1)",0.93
"(0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 3, 1)",0.80
EOF
run run "$source/conf/tcet_snip.ini" --set run.space=nb101 --set data.resolution=8 --set data.batch=4 \
    --archs file:cells --set "benchmark.table=$work/isomorphic.csv" --set benchmark.column=acc \
    --output joined
check "architectures that the table spells otherwise are joined by their key" said \
    '^1 of 3 architectures stand in the table as they are spelt, 1 by their canonical key, 1 not at all' out
run correlate joined --format json
check "and are covered" said '"covered":2' out
run correlate --table nats_tss --column cifar10_test --format csv
check "nor accuracies, under whatever name" test "$(grep -cE '^(test|val)_' out)" = 0 \
    -a "$(grep -c '^nbsz_snip_cifar10,' out)" = 1
run correlate --table nats_tss --column cifar10_test --scores nbsz_synflow_cifar10
check "a table's own counts are baselines beside its scores" said '^\(depth\) +0\.578' out
run correlate --table nats_tss --column test_cifar10 --scores val_cifar10
check "unless asked for" said '^val_cifar10 +0\.8790' out
refuses "a table of accuracies alone" 'holds accuracies alone; name columns by --scores' \
    correlate --table nats_sss --column val_cifar10
run correlate --table nats_tss --column cifar10_test --scores nbsz_synflow_cifar10 --population live \
    --space nats_tss
succeeds "correlate of a shipped table, live cells"
check "it says the population" said 'live \(9445 of 15625\)' out
check "with the trivial baselines" said '^\(#params\)' out

# Commands that score nothing start at once: reported, since machines differ.
for words in version 'list' 'info snr'; do
    start=$(date +%s%N)
    # shellcheck disable=SC2086 # words
    run $words
    echo "     tcet-host $words: $((($(date +%s%N) - start) / 1000000)) ms"
done
finish
