#!/usr/bin/env bash
# share.sh BUILD_DIR SOURCE_DIR -- protects [run] share and prune: sharing among equal networks changes no
# byte of an export, whatever the way there, and computes less; a pruned network scores as the live
# one it equals.
. "$(dirname "$0")/lib.sh"

# Cells of nats_tss that repeat in several ways, and one that does not look at its input.
s=skip_connect c=nor_conv_1x1 p=avg_pool_3x3 n=none
cell() { echo "|$1~0|+|$2~0|$3~1|+|$4~0|$5~1|$6~2|"; }
{
    cell $c $n $s $n $n $s # 1: one convolution, then skips
    cell $n $c $n $n $n $s # the same in another place: equal
    cell $n $n $n $c $n $n # and another
    cell $s $s $c $n $n $s # 2: x + conv(x)
    cell $s $c $s $n $n $s # terms change places
    cell $c $n $n $s $n $c # 3: two dead convolutions
    cell $n $n $n $s $n $n # its live network
    cell $n $n $n $n $n $n # 4: constant
    cell $p $n $s $n $n $c # 5: alone
} >cells.txt
cat >tss.ini <<'INI'
[run]
space   = nats_tss
archs   = file:cells.txt
workers = 1
proxy   = tcet, params, live_params, live_flops, live_depth
[data]
plugin     = cifar10
batch      = 4
resolution = 8
[score ranks]
combiner = rankave
metrics  = snip_snr, lnwot
INI

# score NAME ARGS...: a run into NAME with its exports.
score()
{
    local name=$1
    shift
    run run "$@" --output "$name" --layers --export "$name.jsonl" --export "$name.csv"
}
same() { cmp "$1.jsonl" "$2.jsonl" && cmp "$1.csv" "$2.csv" && cmp "$1.layers.csv" "$2.layers.csv"; }
counted() { said ": $1 scored now .*, $2 of them taken from the $3 that were run, whose networks they have" out; } # DONE SHARED OWN

# -- Equal networks ------------------------------------------------------------------------
score none tss.ini --set run.share=none
check "without sharing nothing is shared" test "$(grep -c 'same network' out)" = 0
score equal tss.ini --workers 2
check "equal networks are scored once" counted 9 3 6
check "and sharing changes no byte" same none equal
head -n 1 cells.txt >first.txt
score more tss.ini --archs file:first.txt
score more tss.ini --resume
check "a resume shares with what is stored" counted 8 3 5
check "with the same bytes" same none more
score columns tss.ini --set run.proxy=snip_snr,lnwot
score columns tss.ini --resume --set run.proxy=tcet,params,live_params,live_flops,live_depth,grasp
check "a metric of H g, for which sums count term by term, shares none of these" \
    test "$(grep -c 'same network' out)" = 0
score columns_none tss.ini --set run.proxy=tcet,params,live_params,live_flops,live_depth,grasp \
    --set run.share=none
check "with the same bytes, too" same columns_none columns

# -- The live network ------------------------------------------------------------------------
score dead tss.ini --set run.prune=dead --set run.share=none
values() { sed -n "$(($1 + 1))p" "$2.csv" | cut -d, -f3-; } # of the architecture on line N
check "a network scores as its live one" test "$(values 6 dead)" = "$(values 7 dead)"
check "which loses nothing" test "$(values 7 dead)" = "$(values 7 none)"
check "without pruning it does not" test "$(values 6 none)" != "$(values 7 none)"
check "its live counts are there without pruning" test \
    "$(cut -d, -f8-10 none.csv | sed -n 7p)" = \
    "$(cut -d, -f8-10 none.csv | sed -n 8p)"
check "a network that does not look at its input keeps its head, and says so" \
    said '"arch":".none~0.\+.none~0.none~1.\+.none~0.none~1.none~2.","params":650,"macs":640.*"constant_network":' \
    dead.jsonl
score shared tss.ini --set run.prune=dead
check "what is left is shared" counted 9 4 5
check "byte for byte" same dead shared
run run tss.ini --resume --set run.prune=dead --output none
check "values of whole networks are not taken for those of live ones" said ': 9 scored now' out

# -- Isomorphic networks ----------------------------------------------------------------------
score iso tss.ini --set run.share=canonical --set run.prune=dead
check "isomorphic networks are scored once" counted 9 4 5
check "with the values of the first in the list" test "$(values 5 iso)" = "$(values 4 dead)"
for i in 1 2; do
    run run tss.ini --set run.share=canonical --set run.prune=dead --shard $i/2 --output isoparts
done
run merge isojoined isoparts/shard-1-of-2 isoparts/shard-2-of-2
run export isojoined isoparts.jsonl --layers
check "also where that one is in another shard" cmp iso.jsonl isoparts.jsonl
run run tss.ini --resume --output iso --set run.prune=dead
check "copied values are not taken for own ones" said ': 9 scored now' out

# -- Another space ------------------------------------------------------------------------------
sed 's/^space.*/space = nb1shot1_1/; s/^archs.*/archs = first:8/' tss.ini >shot.ini
score shot_none shot.ini --set run.share=none
score shot_equal shot.ini
check "cells of nb1shot1 repeat" said 'of them taken from' out
check "and sharing changes no byte there" same shot_none shot_equal

# -- What is not shared --------------------------------------------------------------------------
mkdir own && cp "$fixtures/good_snip.so" own
score foreign tss.ini --set plugins.path=own
check "what is not built in may look at names: nothing is shared" \
    test "$(grep -c 'same network' out)$code" = 00
refuses "another word for share" 'tss.ini|run.share.*"some".*none, equal, canonical' run tss.ini \
    --set run.share=some --output no
refuses "another word for prune" 'run.prune.*none, dead' run tss.ini --set run.prune=some --output no

finish
