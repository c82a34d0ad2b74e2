#!/usr/bin/env bash
# untrusted.sh BUILD_DIR SOURCE_DIR -- protects who runs a config, a table, images or results that
# came from elsewhere: foreign code is named before it runs, comes from no folder by surprise
# and from none that anyone may write to; files are bounded, and a device or a pipe in the
# place of a file keeps nothing waiting.
. "$(dirname "$0")/lib.sh"
# shellcheck disable=SC2086 # $use is words

conf=$source/conf/tcet_snip.ini
arch=index:11

# told NAME REGEX: the last command succeeded and its stderr has one such line.
told()
{
    if [ "$code" != 0 ]; then
        fail "$1" "exit code $code"
    elif [ "$(grep -cE -- "$2" err)" != 1 ]; then
        fail "$1" "$(grep -cE -- "$2" err) lines fit /$2/, want one"
    else
        pass "$1"
    fi
}

# bounded NAME REGEX ARGS...: refuses, within 20 seconds.
bounded()
{
    local start=$SECONDS name=$1
    refuses "$@"
    [ $((SECONDS - start)) -lt 20 ] || fail "$name" "took $((SECONDS - start)) s"
}

# -- Foreign code is named -------------------------------------------------------------------
mkdir -p site/mine site/twin
cp "$fixtures/good_minimal.so" site/mine/good_mean.so
cat >site/mine.ini <<EOF
include = $conf
[plugins]
path = mine
[metric foreign]
saliency = snip
aggregator = good_mean
EOF
use="--set metric.m.saliency=snip --set metric.m.aggregator=good_mean"
note="note: plugin code that is not built in: $work/site/mine/good_mean.so$"

run show site/mine.ini
told "show names a plugin file that is not built in" "$note"
run run site/mine.ini --archs first:4 --workers 2 --output said
told "run names it once, whatever the workers" "$note"
run score site/mine.ini "$arch"
told "score names it" "$note"
run show "$conf"
check "built-in plugins are not named" test ! -s err
TCET_PLUGIN_PATH=$work/site/mine run show "$conf"
check "a folder whose plugins are not used is not named" test ! -s err

mkdir site/snip && cp "$fixtures/good_snip.so" site/snip/
replaced="note: saliency snip: the one in $work/site/snip/good_snip.so replaces the built-in one$"
run show "$conf" --set plugins.path=site/snip
told "show says that a plugin replaces a built-in one" "$replaced"
run run "$conf" --set plugins.path=site/snip --archs first:2 --workers 2 --output replaced
told "run says so once" "$replaced"
check "no plugin but that replaces any" test "$(grep -c replaces err)" = 1

# -- A stranger's folder ----------------------------------------------------------------------
# Its config names plugins; $MARK tells whether their code ran.
cat >mine.ini <<EOF
[run]
space  = nats_tss
archs  = first:9
output = stranger
[metric a]
saliency   = ones
aggregator = sum
[metric b]
saliency   = macs
aggregator = sum
[score r]
combiner = rankave
metrics  = a, b
[benchmark]
table  = nats_tss
column = cifar10_test
EOF
run run mine.ini --quiet
mkdir stranger/q && cp "$fixtures/good_mark.so" stranger/q/
printf '[plugins]\npath = q\n' >>stranger/config.ini
for i in 1 2; do
    run run mine.ini --output shards --shard $i/2 --quiet
    mkdir shards/shard-$i-of-2/q && cp "$fixtures/good_mark.so" shards/shard-$i-of-2/q/
    printf '[plugins]\npath = q\n' >>shards/shard-$i-of-2/config.ini
done
export MARK=$work/ran

# opens NAME TIMES FILE ARGS...: the command is well; the code of FILE runs, having been named so
# many times (0: never).  Nothing is cached.
opens()
{
    local name=$1 times=$2 file=$3
    shift 3
    rm -f ran && mkdir -p fresh && rm -rf fresh/*
    XDG_CACHE_HOME=$work/fresh run "$@"
    if [ "$code" != 0 ]; then
        fail "$name" "exit code $code"
    elif [ "$times" = 0 ] && [ -e ran ]; then
        fail "$name" "the code ran"
    elif [ "$times" != 0 ] && [ ! -e ran ]; then
        fail "$name" "the code did not run: nothing is tested"
    elif [ "$(grep -cF "note: plugin code that is not built in: $file" err)" != "$times" ]; then
        fail "$name" "it is not named $times times"
    else
        pass "$name"
    fi
}
q=$work/stranger/q/good_mark.so
opens "show names what it scans" 1 "$q" show stranger/config.ini
opens "score too" 1 "$q" score stranger/config.ini "$arch"
opens "run too" 1 "$q" run stranger/config.ini --output rerun --quiet
opens "list too" 1 "$q" list --plugins stranger/q
opens "info too" 1 "$q" info snip --plugins stranger/q
opens "check too" 1 "$q" check stranger/q/good_mark.so
opens "check names no built-in plugin" 0 "" check "$build/lib/tcet/plugins-1/saliency_snip.so"
opens "correlate opens no plugin that a folder's config names" 0 "" correlate stranger
opens "but one of --plugins, which is named" 1 "$q" correlate stranger --plugins stranger/q
opens "nor does merge" 0 "" merge merged shards/shard-*
"$host" export merged merged.jsonl
check "which still makes the scores over the population" grep -q '"r":' merged.jsonl
opens "but one of --plugins" 1 "$q" merge merged2 shards/shard-* --plugins stranger/q
opens "nor does export" 0 "" export stranger stranger.csv
opens "with accuracies of its table either" 0 "" export stranger stranger.csv --column cifar10_test
opens "nor does tables" 0 "" tables nats_tss
opens "space names it" 1 "$q" space nats_tss --plugins stranger/q
mkdir own && cp "$fixtures/bad_hang.so" own/
cat >own.ini <<EOF
[run]
space  = hang
archs  = first:2
output = foreign
[plugins]
path = own
[metric a]
saliency   = macs
aggregator = sum
EOF
run run own.ini --quiet
printf 'arch,acc\n1,10\n2,30\n' >own.csv
refuses "where a folder needs its plugins the error says how" \
    "no space \"hang\".*; plugins in $work/own, .* config of foreign names, are opened with --plug" \
    correlate foreign --table own.csv --column acc
run correlate foreign --table own.csv --column acc --plugins own
check "which helps" test $code = 0
printf 'arch,acc\n3,10\n' >else.csv
refuses "an export that needs keys opens none either" \
    "no space \"hang\".*; plugins in $work/own, .* are opened with --plug" \
    export foreign foreign.csv --table else.csv --column acc
refuses "but those of --plugins, for the keys" 'table else.csv has none of the 2 arch' \
    export foreign foreign.csv --table else.csv --column acc --plugins own
refuses "--plugins with a colon" "--plugins $work/own:b: .*colon" correlate foreign --plugins own:b

# -- Where plugins come from -----------------------------------------------------------------
# The config's folder, not the current one.
(cd site/twin && mkdir -p mine && echo junk >mine/good_mean.so)
cd site/twin && run show ../mine.ini && cp err out "$work" && cd "$work" || exit 1
told "[plugins] path starts at the config, not at the current folder" "$note"
mkdir here && cp "$fixtures/good_minimal.so" here/ && cd here || exit 1
refuses "plugins of the current folder are not found" 'no aggregator "good_mean"' show "$conf" $use
cp err "$work" && cd "$work" || exit 1
TCET_PLUGIN_PATH=here refuses "a relative part of \$TCET_PLUGIN_PATH" \
    'TCET_PLUGIN_PATH: "here" is no absolute path' show "$conf"
TCET_PLUGIN_PATH=$work/site/mine:. refuses "a dot in \$TCET_PLUGIN_PATH" \
    'TCET_PLUGIN_PATH: "\." is no absolute path' show "$conf"
TCET_PLUGIN_PATH=::$work/site/mine: run show "$conf" $use
told "empty parts of \$TCET_PLUGIN_PATH are no folder" "$note"

# -- Files that anyone may write -------------------------------------------------------------
chmod o+w site/mine
refuses "a plugin folder that anyone may write to" 'site/mine: anyone may write to it' \
    show site/mine.ini
TCET_PLUGIN_PATH=$work/site/mine refuses "the same in \$TCET_PLUGIN_PATH" \
    'site/mine: anyone may write to it' show "$conf"
chmod o-w site/mine && chmod o+w site/mine/good_mean.so
refuses "a plugin file that anyone may write to" \
    'no aggregator "good_mean".*good_mean.so: anyone may write to it' show site/mine.ini
chmod o-w site/mine/good_mean.so
mkdir site/linked && ln -s ../open.so site/linked/good_mean.so
cp "$fixtures/good_minimal.so" site/open.so && chmod o+w site/open.so
refuses "a link to such a file" 'no aggregator "good_mean".*good_mean.so: anyone may write' \
    show "$conf" --set plugins.path=site/linked $use
# Whoever may rename a folder above puts another in the place of what is below.
chmod o+w site
refuses "a plugin folder below one that anyone may write to" \
    "site/mine: anyone may write to $work/site; code .* is not opened \(chmod o-w $work/site\)" \
    show site/mine.ini
chmod +t site && run show site/mine.ini
told "unless they may not rename what is not theirs" "$note"
chmod o-w,-t site

mkdir -p open/deep && chmod o+w open && printf '[run]\nseed = 7\n' >open/deep/part.ini
printf 'include = %s\ninclude = open/deep/part.ini\n' "$conf" >whole.ini
refuses "an include from below a folder that anyone may write to" \
    "whole.ini:2: include: open/deep/part.ini: anyone may write to $work/open; not read \(chmod" \
    show whole.ini
cp whole.ini open/ && sed -i 's/open\///' open/whole.ini && run show open/whole.ini
check "unless the including file is there too, and was named" test $code = 0
chmod o-w open && chmod o+w open/deep/part.ini
refuses "an include that anyone may write to" 'part.ini: anyone may write to it; not read' \
    show whole.ini
refuses "also beside the including file" 'part.ini: anyone may write to it; not read' \
    show open/whole.ini

# -- Bounds ----------------------------------------------------------------------------------
mkfifo pipe
big() { rm -f "$1" && truncate -s "$2" "$1"; }
wrong() { local n=$1 r=$2; shift 2; bounded "$n" "$r" run "$conf" --archs "$arch" --output new "$@"; }

big big.ini 20M
bounded "a config of 20 MiB" 'big.ini: larger than 16 MiB' show big.ini
printf 'include = /dev/zero\n' >zero.ini
bounded "a config that includes a device" '/dev/zero: is no file' show zero.ini
printf 'include = big.ini\n' >outer.ini
bounded "a config that includes 20 MiB" 'big.ini: larger than 16 MiB' show outer.ini

bounded "a list of architectures without end" '/dev/zero: not a regular file' \
    run "$conf" --archs file:/dev/zero --output new
bounded "a list that is a pipe" 'pipe: not a regular file' run "$conf" --archs file:pipe --output new
big list.txt 300M
bounded "a list of 300 MiB" 'list.txt: larger than 256 MiB' run "$conf" --archs file:list.txt \
    --output new
head -c 5000 /dev/zero | tr '\0' x >long.txt
bounded "a list of one long line" 'long.txt:1: too long' run "$conf" --archs file:long.txt \
    --output new

big table.csv 1025M
wrong "a table of more than 1 GiB" 'table.csv: larger than 1 GiB' --set benchmark.table=table.csv
wrong "a table that is a device" '/dev/zero: not a regular file' \
    --set benchmark.table=/dev/zero --set benchmark.column=x
wrong "a table that is a pipe" 'pipe: not a regular file' --set benchmark.table=./pipe
rm -f table.csv

mkdir sparse && big sparse/x.so 1T
wrong "a plugin folder with a file of 1 TiB" 'sparse/x.so: larger than 1 GiB' \
    --set plugins.path=sparse
bounded "check of such a file" 'sparse/x.so: larger than 1 GiB' check sparse/x.so
bounded "check of a pipe" 'pipe: not a regular file' check pipe
rm -r sparse

big images.bin 1025M
wrong "images of more than 1 GiB" 'images.bin: has 1074790400 bytes, at most 1073741824' \
    --set data.path=images.bin
wrong "images from a device" '/dev/zero: neither a file nor a folder' --set data.path=/dev/zero
wrong "images from a pipe" 'pipe: neither a file nor a folder' --set data.path=pipe
rm -f images.bin

# -- Results from elsewhere ------------------------------------------------------------------
if command -v python3 >/dev/null; then
    cp -r said evil
    python3 - evil/scores.db <<'EOF'
import sqlite3, sys
db = sqlite3.connect(sys.argv[1])
db.execute("DROP TABLE meta")
db.execute("CREATE VIEW meta AS WITH RECURSIVE r(name) AS (SELECT 'x' UNION ALL SELECT name"
           " FROM r) SELECT name, name AS value FROM r")
db.commit()
EOF
    bounded "a store with a view without end" 'tcet-host did not make' export evil out.csv
fi
# -- Results that were changed ---------------------------------------------------------------
cat >ranked.ini <<'EOF'
[run]
space = nats_tss
archs = first:6
output = ranked
[metric p]
saliency = ones
aggregator = sum
[metric q]
saliency = macs
aggregator = snr
[score j]
combiner = layerdot
metrics = q, p
[score r]
combiner = rankave
metrics = p, q
[benchmark]
table = nats_tss
column = cifar10_test
EOF
run run ranked.ini --quiet --export ranked.jsonl --layers
check "a run to be changed" test $code = 0
run export ranked plain.jsonl
against="--table nats_tss --column cifar10_test"

# edit FOLDER SQL: as with the sqlite3 program; flip FILE OFFSET: one bit.
cat >edit.py <<'EOF'
import sqlite3, sys
db = sqlite3.connect(sys.argv[1] + "/scores.db")
db.execute("PRAGMA ignore_check_constraints = 1")
db.execute(sys.argv[2])
db.commit()
EOF
cat >flip.py <<'EOF'
import sys
with open(sys.argv[1], "r+b") as f:
    f.seek(int(sys.argv[2]))
    byte = f.read(1)[0]
    f.seek(int(sys.argv[2]))
    f.write(bytes([byte ^ 4]))
EOF

# changed NAME REGEX SQL: every command that reads the folder says so; a resume mends it.
changed()
{
    rm -rf changed into && cp -r ranked changed && python3 edit.py changed "$3"
    refuses "$1: export" "changed/scores.db: damaged \(($2)" export changed out.jsonl
    refuses "$1: correlate" "changed/scores.db: damaged \(($2)" correlate changed $against
    refuses "$1: merge" "changed/scores.db: damaged \(($2)" merge into changed
    run run ranked.ini --output changed --resume --quiet --export mended.jsonl --layers
    check "$1: a resume computes it anew" cmp ranked.jsonl mended.jsonl
}

if command -v python3 >/dev/null; then
    changed "a score that is another" 'table value, row .1,3' \
        'UPDATE value SET value = -value WHERE arch = 1 AND key = 3'
    check "which says so" said 'scores.db was damaged: [0-9]+ rows? .* computed anew' err
    changed "layers that are fewer" 'table value_block' \
        'UPDATE value_block SET data = substr(data, 9) WHERE arch = 2'
    changed "layers that are gone" 'table value, row .2,1' \
        'DELETE FROM value_block WHERE arch = 2'
    changed "an architecture that is another" 'table arch, row 1' \
        "UPDATE arch SET text = replace(text, '3x3', '1x1') WHERE id = 1"
    changed "an architecture in another's place" 'table run_arch, row 0' \
        'UPDATE run_arch SET arch = 2 WHERE ordinal = 0'
    changed "a list that ends early" 'table run_size' 'DELETE FROM run_arch WHERE ordinal = 5'
    changed "values that are gone" 'table value_block' 'DELETE FROM value WHERE arch = 3'
    changed "a score that is gone" 'values that an outcome is about' \
        'DELETE FROM value WHERE arch = 3 AND layers IS NULL'
    changed "an end that is another" 'table outcome, row 4' \
        "UPDATE outcome SET status = 'failed' WHERE arch = 4"
    changed "a name that is nothing" 'table run_column' \
        "UPDATE run_column SET name = '' WHERE ordinal = 1"
    changed "a space that is another" 'table meta' \
        "UPDATE meta SET value = 'nats_sss' WHERE name = 'space'"
    changed "an accuracy that is another" 'table accuracy, row .1,2' \
        'UPDATE accuracy SET value = value + 5 WHERE arch = 2'
    changed "an accuracy of no architecture" 'table accuracy, row' \
        'UPDATE accuracy SET arch = 99 WHERE arch = 1'
    changed "an accuracy that is gone" 'table accuracy_column, row 1' \
        'DELETE FROM accuracy WHERE arch = 3'
    changed "accuracies of no column" 'table accuracy, row' 'DELETE FROM accuracy_column'
    changed "accuracies of another table" 'table accuracy_column, row 1' \
        "UPDATE accuracy_column SET table_name = 'theirs'"
    changed "a shard of 2^61" 'table meta' \
        "UPDATE meta SET value = '1/1 of 2305843009213693952, list x' WHERE name = 'shard'"
    # Forged: the checksums fit, and still nothing is read or written where it should not be.
    cat >forge.py <<'EOF'
import sqlite3, struct, sys
def tcet_sum(*cells):
    data = b""
    for c in cells:
        if c is None:
            data += bytes([5])
        elif isinstance(c, int):
            data += bytes([1]) + struct.pack("<q", c)
        elif isinstance(c, float):
            data += bytes([2]) + struct.pack("<d", c)
        else:
            raw = c.encode() if isinstance(c, str) else c
            data += bytes([3 if isinstance(c, str) else 4]) + struct.pack("<Q", len(raw)) + raw
    h = 0xcbf29ce484222325
    for byte in data:
        h = (h ^ byte) * 0x100000001b3 % 2**64
    return h - 2**64 if h >= 2**63 else h
db = sqlite3.connect(sys.argv[1] + "/scores.db")
db.create_function("tcet_sum", -1, tcet_sum)
for sql in sys.argv[2:]:
    db.execute(sql)
for (table,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
    columns = ", ".join(r[1] for r in db.execute("PRAGMA table_info(%s)" % table) if r[1] != "sum")
    db.execute("UPDATE %s SET sum = tcet_sum('%s', %s)" % (table, table, columns))
db.commit()
EOF
    forged()
    {
        rm -rf changed into && cp -r ranked changed && python3 forge.py changed "$@"
    }
    forged 'SELECT 1'
    run export changed out.jsonl --layers
    check "what a forger did not change is read" cmp ranked.jsonl out.jsonl
    forged "UPDATE meta SET value = '1/1 of 2305843009213693952, list ' || hex(zeroblob(32))
        WHERE name = 'shard'"
    refuses "a forged shard of 2^61" 'changed: damaged \(shard "1/1 of 2305' merge into changed
    forged "UPDATE meta SET value = '999999999999/1 of 6, list x' WHERE name = 'shard'"
    refuses "a forged shard that is no number" 'changed: damaged \(shard' merge into changed
    forged "UPDATE meta SET value = '1/1 of 6, list ' || lower(hex(zeroblob(32)))
        WHERE name = 'shard'"
    refuses "a forged list" 'changed: damaged \(the architectures are not' merge into changed
    # Layers that a score added later joins: not of this network, and so computed anew.
    sed '/^\[score/,$d' ranked.ini >fewer.ini
    run run fewer.ini --quiet --output fewer
    for data in 'substr(data, 9)' 'substr(data, 1, 8)' 'zeroblob(1600000)' \
        "CAST(data || data AS BLOB)" "x''"; do
        rm -rf changed && cp -r fewer changed
        python3 forge.py changed "UPDATE value_block SET data = $data" "UPDATE value SET place = 0,
            layers = (SELECT length(b.data) / 8 FROM value_block b WHERE b.id = value.block)
            WHERE layers IS NOT NULL"
        refuses "an export of layers $data" 'not one for each layer' \
            export changed out.jsonl --layers
        run run ranked.ini --output changed --resume --quiet --export mended.jsonl
        check "a score of layers $data" cmp plain.jsonl mended.jsonl
    done
    # What a terminal would obey.
    forged "UPDATE run_column SET name = char(27) || '[31mred' || char(7) WHERE ordinal = 0"
    run correlate changed $against
    cat out err >said.txt
    check "a column's name with an escape is shown" said '^\\x1b\[31mred\\x07 ' said.txt
    check "without it" test "$(LC_ALL=C tr -d '\n\t -~' <said.txt | wc -c)" = 0
    # One bit anywhere: an error, or the same bytes.
    wrong=0 found=0
    for at in $(seq 100 787 "$(stat -c %s ranked/scores.db)"); do
        cp ranked/scores.db changed/ && python3 flip.py changed/scores.db "$at"
        run export changed out.jsonl --layers
        if [ $code = 2 ]; then
            found=$((found + 1))
        elif [ $code != 0 ] || ! cmp -s out.jsonl ranked.jsonl; then
            wrong=$((wrong + 1)) && echo "bit at $at: exit code $code"
        fi
    done
    check "a flipped bit is found ($found), or is of no value" test $wrong = 0 -a $found -gt 10
fi

# -- A merge that is killed ------------------------------------------------------------------
run run ranked.ini --quiet --output cut --shard 1/2
run export cut/shard-1-of-2 out.csv
check "an export of a shard is whole without scores over the population" test $code = 0
run run ranked.ini --quiet --output cut --shard 2/2
failures=$failed
for ms in 01 02 03 04 06 08 10 12 14 16 18 20 22 25 30 35 40 50 60 80; do
    rm -rf merged
    timeout -s KILL 0.0$ms "$host" merge merged cut/shard-*-of-2 >/dev/null 2>&1
    if [ -e merged/scores.db ]; then
        run export merged half.jsonl --layers
        case $code in
            0) cmp -s half.jsonl ranked.jsonl || fail "exported after $ms ms" "other bytes" ;;
            2) said 'no results yet' err || fail "exported after $ms ms" ;;
            *) said 'merged is incomplete: ' err || fail "exported after $ms ms" ;;
        esac
    fi
    run merge merged cut/shard-*-of-2
    [ $code = 0 ] || fail "merged again after $ms ms"
    run export merged again.jsonl --layers
    cmp -s again.jsonl ranked.jsonl || fail "merged again after $ms ms" "other bytes"
done
check "a merge that is killed is repeated by the same command" test $failures = $failed
run run ranked.ini --quiet --output some --archs first:3
run run ranked.ini --quiet --output some --resume --set run.timeout=1 --set metric.q.aggregator=l2
run export some out.csv
check "a run of other columns is whole" test $code = 0

# -- What a terminal would obey --------------------------------------------------------------
printf 'arch,acc\033[31m,t\na\033]0;x\007,1,2\nb,2,3\n' >escapes.csv
refuses "a table's columns" 'columns: acc\\x1b\[31m, t' correlate --table escapes.csv --column nosuch
run tables ./escapes.csv
check "a table's columns when listed" test "$code $(LC_ALL=C tr -d '\n\t -~' <out | wc -c)" = "0 0"

# -- Files in the place of ours --------------------------------------------------------------
mkdir linked && echo precious >theirs && ln theirs linked/lock
run run ranked.ini --quiet --output linked
check "a lock that is another file's name leaves its text" test "$code $(cat theirs)" = "0 precious"

# -- Files that are no store -----------------------------------------------------------------
head -c 4096 /dev/urandom >noise && mkdir noisy && cp noise noisy/scores.db
bounded "a store of noise" 'scores.db: not a database' export noisy out.csv
cp -r said planted && echo mine >precious && ln -s ../precious planted/config.ini.new
run run planted/config.ini --output planted --resume --quiet
check "a resume does not write through somebody's link" \
    test "$code" = 0 -a "$(cat precious)" = mine -a ! -L planted/config.ini
mkdir piped && mkfifo piped/scores.db
bounded "a store that is a pipe" 'scores.db: is no file' export piped out.csv
printf 'include = pipe\n' >including.ini
bounded "an include that is a pipe" 'pipe: is no file' show including.ini
check "no folder was made" test ! -e new
finish
