#!/usr/bin/env bash
# errors.sh BUILD_DIR SOURCE_DIR -- protects whoever makes a mistake: each is met before any
# work, with exit code 2 and one line on standard error that says where it is and what would be
# right; no results folder appears, and one that is there keeps every byte.
. "$(dirname "$0")/lib.sh"

conf=$source/conf/tcet_snip.ini
images=$source/plugins/dataset/data
data=tcet_snip.ini:$(grep -n '^\[data\]' "$conf" | cut -d: -f1)

# A store that every mistake below must leave as it is.
run run "$conf" --archs index:11 --output keep --workers 1 --quiet
check "a run to be kept" test "$code" = 0
state() { (cd keep && sha256sum scores.db config.ini; ls -A); }
state >before

# wrong NAME REGEX ARGS...: a run of the shipped config into the kept folder that must be refused.
wrong()
{
    local name=$1 regex=$2
    shift 2
    refuses "$name" "$regex" run "$conf" --archs index:3 --output keep --resume "$@"
}

# -- Files ---------------------------------------------------------------------------------
refuses "missing config" 'none.ini: No such file' run none.ini
refuses "config is a folder" "/: Is a directory|keep: Is a directory" run keep
if [ "$(id -u)" != 0 ]; then # root reads everything
    cp "$conf" locked.ini && chmod 0 locked.ini
    refuses "unreadable config" 'locked.ini: Permission denied' run locked.ini
fi
head -c 400 /dev/zero >zero.ini
refuses "config of NUL bytes" 'zero.ini:1: ' run zero.ini
printf '[run]\nspace nats_tss\n' >syntax.ini
refuses "line that is no key" 'syntax.ini:2: expected' run syntax.ini
printf '[run\nspace = nats_tss\n' >syntax.ini
refuses "section that is not closed" 'syntax.ini:1: ' run syntax.ini
printf '[run]\nspace = nats_tss\nseed = 1\nspace = nats_sss\n' >twice.ini
refuses "key given twice, both lines named" 'twice.ini:4: space .*line 2' run twice.ini
printf 'include = b.ini\n[run]\nspace = nats_tss\n' >a.ini
printf 'include = a.ini\n' >b.ini
refuses "include cycle" 'a.ini:1: .*b.ini:1: .*a.ini: the file includes itself' run a.ini
printf 'include = none.ini\n' >c.ini
refuses "include of nothing" 'c.ini:1: include: none.ini: No such file' run c.ini
: >empty.ini
refuses "empty config" 'empty.ini: \[run\] .* is missing' run empty.ini
printf '[run]\nspace = nats_tss\noutput = new\n' >bare.ini
refuses "config without a metric" 'bare.ini: nothing to compute' run bare.ini --archs index:3
sed 's/^saliency *= snip/saliency = snipp/' "$conf" >place.ini
line=$(grep -n snipp place.ini | cut -d: -f1)
refuses "file and line are named" "place.ini:$line: .*did you mean \"snip\"" run place.ini \
    --archs index:3 --output new

# -- Command line --------------------------------------------------------------------------
refuses "unknown command" 'no command "runn" \(did you mean "run"' runn
refuses "unknown option" 'unknown option --outptu \(did you mean "--output"' run "$conf" --outptu x
refuses "option without its value" '--output needs a value' run "$conf" --output
refuses "flag with a value" '--resume takes no value' run "$conf" --resume=1
refuses "missing argument" 'something is missing: tcet-host run CONFIG' run
refuses "argument too many" 'unexpected "extra"' run "$conf" extra
refuses "--retry-failed without --resume" '--retry-failed goes with --resume' run "$conf" \
    --archs index:3 --output new --retry-failed
refuses "score of many" 'takes one architecture' score "$conf" all
wrong "--set without value" '--set needs a value' --set
wrong "--set without section" '--set foo: expected SECTION.KEY=VALUE' --set foo
wrong "--set without equals sign" '--set run.seed: expected' --set run.seed
wrong "--set of an unknown key" '--set run.spcae: .*did you mean "space"' --set run.spcae=x
wrong "--set of an unknown section" 'unknown section .*rnu.*did you mean "run"' --set rnu.space=x
wrong "--export without an ending" '--export x.txt: .*\.csv or \.jsonl' --export x.txt
wrong "--export to no folder" '--export no/x.csv: cannot write' --export no/x.csv
wrong "[export] file without an ending" '\[?export.*x.txt.*\.csv or \.jsonl' --set export.files=x.txt
wrong "--top of text" 'top = "many": expected an integer' --top many
wrong "workers out of range" 'workers = "0": expected an integer from 1' --workers 0
wrong "a share of memory above all of it" 'memory = "120%": expected an integer .* percentage' --set run.memory=120%
wrong "none in flight" 'in_flight = "0": expected an integer from 1 to 8' --in-flight 0
wrong "too many in flight" 'in_flight = "9": expected an integer from 1 to 8' --in-flight 9
wrong "processors that are neither" 'cpu = "foo" .*same, any' --set run.cpu=foo
if [ "$sanitized" = 0 ]; then # the address sanitizer needs all address space
    wrong "memory too small to load the backend" \
        '^tcet-host: error: --set run.memory: memory = 100 may be too little.*libtorch' \
        --set run.memory=100
    wrong "memory too small for anything" '--set run.memory: memory = 5 may .* \(did you mean 5%\?\)' \
        --set run.memory=5
    refuses "enough memory, and another mistake" '^tcet-host: error: --set backend.device: ' run \
        "$conf" --archs index:3 --output new --set run.memory=16000 --set backend.device=tpu
fi

# -- Names ---------------------------------------------------------------------------------
wrong "unknown space" 'no space "nats_ts" \(did you mean "nats_tss"' --set run.space=nats_ts
wrong "unknown saliency" 'no saliency "snipp" \(did you mean "snip"' \
    --set metric.snip_snr.saliency=snipp
wrong "unknown aggregator" 'no aggregator "snrr" \(did you mean "snr"' \
    --set metric.snip_snr.aggregator=snrr
wrong "unknown combiner" 'no combiner "layerdott" \(did you mean "layerdot"' \
    --set score.tcet_snip.combiner=layerdott
wrong "unknown dataset" 'no dataset "cifar11" \(did you mean "cifar10' --set data.plugin=cifar11
wrong "unknown backend" 'no backend "torhc" \(did you mean "torch"' --set backend.plugin=torhc
wrong "unknown metric" 'no metric "lnwott" \(did you mean "lnwot"' \
    --set score.tcet_snip.metrics=snip_snr,lnwott
wrong "unknown key of a metric" '"agregator" \(did you mean "aggregator"' \
    --set metric.snip_snr.agregator=snr
wrong "a key of another section" 'no key "init" \(it is a key of \[run\]\)' \
    --set metric.snip_snr.init=zero
wrong "unknown parameter" 'no parameter "dof" \(did you mean "ddof"' \
    --set metric.snip_snr.aggregator.dof=1
wrong "defaults of an unknown plugin" 'no saliency "sniip"' --set saliency.sniip.mode=eval
refuses "info of an unknown plugin" 'no plugin or proxy "snrr" \(did you mean "snr"' info snrr
refuses "list of an unknown kind" '"salincy" is no kind' list salincy

# -- Values --------------------------------------------------------------------------------
wrong "parameter out of range" 'ddof = "7": .*integer from 0 to 1' \
    --set metric.snip_snr.aggregator.ddof=7
wrong "parameter of a wrong type" 'ddof = "one": .*integer from 0 to 1' \
    --set metric.snip_snr.aggregator.ddof=one
wrong "parameter that is no choice" 'mode = "evil": .*did you mean "eval"' \
    --set saliency.snip.mode=evil
wrong "batch of text" 'batch = "many": expected an integer' --set data.batch=many
wrong "batch of zero" 'batch = "0": expected an integer from 1' --set data.batch=0
wrong "precision that is none" 'precision = "f16".*did you mean "f32"' --set backend.precision=f16
wrong "partition that is none" 'partition = "both".*layer, network' \
    --set metric.snip_snr.partition=both
wrong "negative seed" 'seed = "-1": expected an integer from 0' --set run.seed=-1
wrong "thin network of a space without one" '--set metric.m: .*thin network .*space nats_sss does not build; set saliency.network = full' \
    --set run.space=nats_sss --set metric.m.saliency=pattern --set metric.m.aggregator=distinct \
    --set metric.m.partition=network --set metric.m.saliency.network=thin
wrong "rows of images over several mini-batches" 'rows = sample is for one mini-batch' \
    --set metric.m.saliency=grasp --set metric.m.aggregator=snr --set metric.m.saliency.rows=sample \
    --set metric.m.saliency.batches=2
wrong "images of every class in a batch that they do not divide" 'batch that is a multiple of 10, not 64' \
    --set data.plugin=cifar10 --set data.balance=1
wrong "metric without an aggregator" '\[metric m\] has no "aggregator ="' --set metric.m.saliency=snip
wrong "metric misspelt by --set" 'metric.snipsnr: .*did you mean "snip_snr"' \
    --set metric.snipsnr.aggregator=sum
wrong "score misspelt by --set" 'score.tcetsnip: .*did you mean "tcet_snip"' \
    --set score.tcetsnip.combiner=product
wrong "metric of forms that do not fit" 'logdet .*kernel.*snip gives a vector' \
    --set metric.m.saliency=snip --set metric.m.aggregator=logdet
wrong "combiner of too few" 'joins at least 2 metrics; 1 given' \
    --set score.tcet_snip.metrics=snip_snr
wrong "parts that do not divide the batch" '--set metric.m: .*7 parts, which do not divide the batch of 64' --set metric.m.saliency=zico \
    --set metric.m.aggregator=zico --set metric.m.saliency.source=halves \
    --set metric.m.saliency.batches=7

wrong "more images than a mini-batch has" '--set metric.m: .*80 images of a mini-batch of 64: set batch = 80 in \[metric m\]' \
    --set metric.m.saliency=pattern --set metric.m.aggregator=distinct \
    --set metric.m.partition=network --set metric.m.saliency.images=80
refuses "fewer than each of several has" 'wants 8 images of a mini-batch of 64: set batch = 8' run \
    "$conf" --archs index:3 --output new --set metric.m.saliency=pattern \
    --set metric.m.aggregator=distinct --set metric.m.saliency.images=8 --set metric.m.saliency.batches=2
run show "$conf" --set metric.m.saliency=pattern --set metric.m.aggregator=distinct \
    --set metric.m.partition=network --set metric.m.saliency.input=gaussian --set metric.m.batch=1000
check "noise as large as a batch that the dataset does not have" test "$code" = 0

# -- Devices -------------------------------------------------------------------------------
wrong "no such device" 'device = tpu: .*auto, cpu, cuda' --set backend.device=tpu
if [ ! -e /dev/nvidiactl ]; then
    wrong "cuda:0 without a GPU" 'device = cuda:0: .*no CUDA' --set backend.device=cuda:0
fi

# -- Architectures -------------------------------------------------------------------------
bad='|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_7x7~1|+|skip_connect~0|nor_conv_3x3~1|none~2|'
wrong "malformed architecture, position shown" 'position 34: unknown operation "nor_conv_7x7"' \
    --archs "$bad"
refuses "malformed architecture: no word of lists, which score takes none of" \
    'unknown operation "nor_conv_7x7".*avg_pool_3x3\)$' score "$conf" "$bad"
wrong "mistyped kind of list" 'archs is all, first:N' --archs sampel:3
wrong "empty architecture" 'position 1: ' --archs ''
wrong "architecture number too large" 'index:15625.*15624' --archs index:15625
wrong "first: too many" '20000 architectures asked for, space nats_tss has 15625' --archs first:20000
wrong "table: none" '"table" is of the table that \[benchmark\] table names: it names none' --archs table \
    --set benchmark.table=
wrong "table: too many" '20000 architectures asked for, table .*nats_tss.tsv has 15625' --archs table:20000
wrong "table: no number" '"0" is not a number of architectures' --archs table:0
wrong "table: another space's" 'nb301.tsv: architecture .*: space nats_tss: position [0-9]+: ' --archs table \
    --set benchmark.table=nb301 --set benchmark.column=val_cifar10
refuses "table: no one architecture" 'score takes one architecture' score "$conf" table:1
wrong "all of a space with numbers, but too many" 'nb301 is too large for all; use sample:N' \
    --archs all --set run.space=nb301
mkdir unordered && cp "$fixtures/good_unordered.so" unordered/
unordered() { wrong "$@" --set run.space=unordered --set plugins.path=unordered; }
unordered "all of a space without numbers" 'unordered is too large for all; use sample:N' --archs all
unordered "a sample larger than a space without numbers" \
    '9 architectures asked for, space unordered has 8' --archs sample:9
unordered "a sample that draws would not end" 'unordered has 8, .* draws at most 2' --archs sample:8
unordered "first: of a space without numbers" 'unordered have no order; use sample:N' --archs first:3
wrong "first: more than a run can hold" '2000000 architectures asked for, a run takes at most' \
    --archs first:2000000 --set run.space=nb301
wrong "sample: of text" '"x" is not a number' --archs sample:x
printf '|none~0|+|none~0|none~1|+|none~0|none~1|none~2|\n\n|none~0|+\n' >bad.txt
wrong "list with a bad line, line and position shown" 'bad.txt:3: .*position ' --archs file:bad.txt
wrong "list that is not there" 'cannot open .*none.txt: No such file' --archs file:none.txt
: >empty.txt
printf 'index:1\rindex:2\r' >cr.txt
wrong "list whose lines end by CR alone" 'cr.txt:1: a carriage return within the line' \
    --archs file:cr.txt
printf '\357\273\277index:1\r\nindex:x\r\n' >bom.txt
wrong "list with a byte order mark: the first line is read" 'bom.txt:2: "index:x"' --archs file:bom.txt
wrong "empty list" 'empty.txt holds no architecture' --archs file:empty.txt

# -- Data and tables -----------------------------------------------------------------------
wrong "batch larger than the shipped images" "$data: .*needs 400 images.*has 320; set \[data\] path .*data = gaussian" \
    --set data.batch=400
head -c 200000 "$images/cifar10_train_320.bin" >short.bin
wrong "dataset file truncated" "$data: .*short.bin: truncated: .*byte 199745" \
    --set data.path=short.bin
wrong "dataset file missing" "$data: .*none.bin: No such file" --set data.path=none.bin
wrong "dataset file of another kind" 'label 10, want one below 10; is this' \
    --set "data.path=$images/cifar100_test_100.bin"
mkdir -p py/cifar-10-batches-py old
{ printf '\200\002}'; head -c 5000 /dev/zero; } >py/cifar-10-batches-py/data_batch_1
printf '\200\002}cos\nsystem\n' >evil
cp py/cifar-10-batches-py/data_batch_1 old/train_data_batch_1
wrong "CIFAR-10 for Python, damaged" \
    "$data: .*py/cifar-10-batches-py/data_batch_1: byte 3: opcode 0x00, which no file .* nothing was run" \
    --set data.path=py
wrong "a pickle that calls a function" "$data: .*evil: byte 3: names os.system, .*nothing was run" \
    --set data.path=evil
wrong "ImageNet16 for CIFAR" "$data: .*old: holds neither data_batch_%d.bin .*data_batch_%d, nor" \
    --set data.path=old
wrong "ImageNet16-120 that is not shipped" "$data: .*set path to the folder with train_data_batch" \
    --set data.plugin=imagenet16_120
wrong "networks of more classes than the images have" \
    'tcet_snip.ini:[0-9]+: .*nats_tss have 100 classes.*cifar10 10; set \[run\] classes = 10.*fewer_classes' \
    --set run.classes=100
wrong "a loss of numbers on images that have classes" \
    'transnas_micro takes 9 numbers, which the images of dataset cifar10 do not have.*= npy' \
    --set run.space=transnas_micro --set space.task=room_layout --set data.resolution=32
wrong "fewer_classes of another word" 'fewer_classes = "yes".*error, allow' \
    --set run.classes=100 --set data.fewer_classes=yes
run score "$conf" index:3 --set run.classes=100 --set data.fewer_classes=allow
check "networks of more classes where that is meant" test $code = 0
wrong "resolution that cannot be made" \
    'images of 33 x 33.*\[data\] resolution to 32.*plugin to gaussian' --set data.resolution=33
wrong "space of larger images" 'images of 256 x 256.*\[data\] resolution' \
    --set run.space=transnas_micro
wrong "images that are no tiles" 'cifar10: the network wants images of 27 channels, these have 3' \
    --set run.space=transnas_micro --set space.task=jigsaw
printf 'arch,acc\nx,1\n' >table.csv
wrong "table without the column" 'table.csv: no column "ac" \(did you mean "acc"' \
    --set benchmark.table=table.csv --set benchmark.column=ac
wrong "shipped table without the column" 'nats_tss.tsv: no column "cifar10_tset" \(did you mean "cifar10_test"' \
    --set benchmark.column=cifar10_tset
refuses "table of another space" \
    'tcet_snip.ini:[0-9]+: table nats_tss has a value of cifar10_test for none of the 5 .*nats_sss' \
    run "$conf" --archs sample:5 --output new --set run.space=nats_sss
printf 'arch,acc\nx,1\n%s,\n' '|none~0|+|none~0|none~1|+|none~0|none~1|none~2|' >table.csv
wrong "table of one's own of other architectures" 'table .*/table.csv has a value of acc for none' \
    --set benchmark.table=table.csv --set benchmark.column=acc
wrong "table that is not there" 'none.csv: No such file' --set benchmark.table=./none.csv
wrong "unknown shipped table" 'no table "nats_tts" \(did you mean "nats_tss"' \
    --set benchmark.table=nats_tts
printf 'arch,acc\nx,1,2\n' >table.csv
wrong "table with a bad line" 'table.csv:2: 3 fields' --set benchmark.table=table.csv
wrong "unknown population" 'population = "alive".*all, live' --set benchmark.population=alive

# -- What is needed at the end is refused at the start, by run and show ----------------------
# late NAME SECTION.KEY=VALUE REGEX
late()
{
    wrong "$1" "$3" --set "$2"
    refuses "$1, shown" "$3" show "$conf" --set "$2"
}
late "reference of no metric" reference.lnwott=0.5 'reference.lnwott: .*did you mean "lnwot"'
late "reference that is no number" reference.lnwot=high 'lnwot = "high": expected a number'
late "[export] layers of no truth value" export.layers=maybe 'layers = "maybe": expected 0, 1'
late "[export] times of no truth value" export.times=maybe 'times = "maybe": expected 0, 1'
late "[export] file with a folder" export.files=a/x.csv 'without folders'
late "population of no name" benchmark.population=liv 'liv.*did you mean "live"'
late "table without the column" benchmark.column=cifar10_tset 'did you mean "cifar10_test"'
printf 'include = %s\n[reference]\nlnwott = 0.5\n' "$conf" >late.ini
printf 'include = %s\n[reference_hours]\nlnwott = 3\n' "$conf" >hours.ini
refuses "hours of no metric" 'hours.ini:3: .*\[reference_hours\] names "lnwott"' show hours.ini
refuses "reference of no metric, file and line" '^tcet-host: error: late.ini:3: ' show late.ini

refuses "correlate without the column" 'no column "test_cifar1"' correlate --table nats_tss \
    --column test_cifar1

# -- Plugin files --------------------------------------------------------------------------
# plugin NAME ID REGEX: the fixture bad_ID.so, asked for by [plugins] path.
plugin()
{
    mkdir -p "plugins_$2" && cp "$fixtures/bad_$2.so" "plugins_$2/"
    wrong "$1" "no saliency \"$2\".*bad_$2.so: $3" --set "plugins.path=plugins_$2" \
        --set "metric.m.saliency=$2" --set metric.m.aggregator=sum
}
plugin "plugin of another ABI major" other_major 'built for tcet ABI 2, .*1\.2: rebuild'
plugin "plugin of a newer ABI minor" newer_minor 'built for tcet ABI 1\.[0-9]+, .*1\.2: rebuild'
plugin "plugin without its symbol" no_symbol 'is no tcet plugin: it lacks the symbol'
plugin "plugin without a function" missing_op '.*must have the function layer'
plugin "plugin that crashes when opened" ctor_crash 'crashed when it was opened'
plugin "plugin whose parameters do not fit" param_size ''
mkdir junk && echo 'not a library' >junk/junk.so
wrong "a .so that is none" 'no saliency "junk".*junk.so: ' --set plugins.path=junk \
    --set metric.m.saliency=junk --set metric.m.aggregator=sum
wrong "a .so that is none, under another name than the plugin's" \
    'no saliency "energy".*unusable: .*junk.so: ' --set plugins.path=junk \
    --set metric.m.saliency=energy --set metric.m.aggregator=sum
wrong "plugin folder that is not there" 'plugin folder .*nowhere: No such file' \
    --set plugins.path=nowhere

# -- Output --------------------------------------------------------------------------------
echo text >file
refuses "output folder below a file" 'output: .*file/new' run "$conf" --archs index:3 \
    --output file/new
refuses "output folder that is a file" 'output: .*file' run "$conf" --archs index:3 --output file
if [ "$(id -u)" != 0 ]; then
    mkdir locked && chmod a-w locked
    refuses "output folder that cannot be written" 'output: .*locked/new.*Permission denied' \
        run "$conf" --archs index:3 --output locked/new
fi
refuses "used folder without --resume" 'keep.*--resume' run "$conf" --archs index:3 --output keep
refuses "format that is none" '--format "xml" is not one of: text, csv, markdown, json, latex' correlate keep \
    --format xml
refuses "treatment of NaN that is none" '--nan "foo" is not one of: lowest, drop' correlate keep \
    --nan foo
refuses "one resample" '--bootstrap "1" is no number of resamples \(100 to' correlate keep \
    --bootstrap 1
refuses "export to no folder names the file" '^tcet-host: error: no/x.csv: No such file' export keep \
    no/x.csv
refuses "correlate of a run with --space" "--space goes with tables of scores; keep is a run's" \
    correlate keep --space nats_tss
for option in --mask --scores; do
    refuses "correlate of a run with $option" "$option goes with a table alone" correlate keep \
        $option nats_tss
done
refuses "correlate of nothing" "give a run's folder, or --table and --column; see .*--help" correlate
refuses "correlate of no run" 'no such file; .* holds no run' correlate nowhere
refuses "export of no run" 'no such file; .* holds no run' export nowhere x.csv
refuses "export without an ending" '\.csv or \.jsonl' export keep x.txt

# -- A current folder that is gone ---------------------------------------------------------
mkdir gone && cd gone && rmdir "$work/gone" || exit 1
# A command may write its own lines to no file here: they go to the folder above.
vanished() # NAME ARGS...
{
    local name=$1 code=0
    shift
    "$host" "$@" >"$work/out" 2>"$work/err" </dev/null || code=$?
    if [ $code = 2 ] && [ "$(wc -l <"$work/err")" = 1 ] && [ ! -s "$work/out" ] &&
        grep -q '^tcet-host: error: the current folder is gone: ' "$work/err"; then
        pass "the current folder is gone: $name"
    else
        failed=$((failed + 1))
        echo "FAIL the current folder is gone: $name: exit code $code, $(head -c 300 "$work/err")"
    fi
}
vanished run run "$conf" --output tcet_stray --quiet
vanished "run of all absolute names" run "$conf" --archs index:3 --output "$work/new"
vanished score score "$conf" index:3
vanished show show "$conf"
vanished list list
vanished info info snr
vanished correlate correlate "$work/keep"
vanished tables tables
vanished space space nats_tss
vanished search search "$conf" --output "$work/new"
vanished export export "$work/keep" "$work/new.csv"
vanished merge merge "$work/new" "$work/keep"
vanished new new saliency own
vanished check check "$build/lib/tcet/plugins-1/saliency_snip.so"
vanished version version
"$host" run --help >"$work/out" 2>"$work/err" </dev/null
helped=$?
cd "$work" || exit 1
check "but help is given" test $helped = 0 -a -s out
check "nothing was put elsewhere" test ! -e /tcet_stray -a ! -e new -a ! -e new.csv
# During a run: its folder has its name from before, and keeps all.
mkdir leaves && cd leaves || exit 1
"$host" run "$conf" --archs first:3 --output "$work/left" --export last.csv --quiet >"$work/out" \
    2>"$work/err" </dev/null &
pid=$!
until [ -f "$work/left/config.ini" ]; do sleep 0.05; done
rmdir "$work/leaves"
code=0
wait $pid || code=$?
cd "$work" || exit 1
check "gone during a run: an error names the export" test $code = 2 -a "$(wc -l <err)" = 1 -a \
    "$(grep -c 'last.csv: No such file' err)" = 1
run export left left.csv
check "and the folder of results has them all" test $code = 0 -a "$(grep -c ok left.csv)" = 3
rm -rf left leaves

state >after
check "the kept store has every byte" cmp before after
check "no folder was made" test ! -e new
finish
