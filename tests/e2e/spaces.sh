#!/usr/bin/env bash
# spaces.sh BUILD_DIR SOURCE_DIR -- protects that every space, under each of its tasks and readings, has
# T-CET(SNIP) and T-CET(Synflow) of random architectures: build, weights, both passes and the joining of
# layers.  The numbers themselves are golden values' (tests/golden).
. "$(dirname "$0")/lib.sh"

cat >both.ini <<'EOI'
[run]
archs   = sample:2
workers = 1
[data]
plugin = gaussian
batch  = 4
[metric snip_snr]
saliency   = snip
aggregator = snr
[metric synflow_snr]
saliency   = synflow
aggregator = snr
[metric lnwot]
saliency   = nwot
aggregator = logdet
[score tcet_snip]
combiner = layerdot
metrics  = snip_snr, lnwot
[score tcet_synflow]
combiner = layerdot
metrics  = synflow_snr, lnwot
EOI
archs=2
[ "$sanitized" = 0 ] || archs=1 # all code runs slowly

seen=" "
# scored SPACE [OPTION...]: both scores of its architectures are numbers.
scored()
{
    local name=$1 options=() o rows
    shift
    [[ $sanitized = 0 || $seen != *" $name "* ]] || return # there each space once
    seen+="$name "
    for o in "$@"; do options+=(--set "$o"); done
    rm -rf out.d both.jsonl
    run run both.ini --output out.d --export both.jsonl --quiet --set "run.space=$name" \
        --set "run.archs=sample:$archs" "${options[@]}"
    rows=$(grep -cE '"tcet_snip":-?[0-9].*"tcet_synflow":-?[0-9].*"status":"ok"' both.jsonl)
    check "$name${*:+ ($*)}" test "$code" = 0 -a "$rows" = "$archs"
}

for dataset in cifar10 cifar100 ImageNet16-120; do
    scored nats_tss space.dataset=$dataset
    scored nats_sss space.dataset=$dataset
done
scored nats_tss space.reading=zero_cost_nas
scored nats_tss space.reading=naslib
for space in nb101 nb1shot1_1 nb1shot1_2 nb1shot1_3 nb_macro blox zennas; do
    scored $space data.resolution=16
done
scored zennas data.resolution=16 space.reslink=1
scored nb301 data.resolution=16
scored nb301 data.resolution=16 space.reading=naslib
for space in nds_amoeba nds_darts nds_enas nds_nasnet nds_pnas nds_resnet nds_resnext; do
    scored $space data.resolution=16
done
for space in transnas_micro transnas_macro; do
    for task in class_scene class_object jigsaw_tile room_layout; do
        scored $space space.task=$task data.resolution=32
    done
    scored $space data.soft=1 data.resolution=32
    for task in segmentsemantic autoencoder normal; do
        scored $space space.task=$task data.resolution=64
    done
    scored $space space.task=jigsaw data.resolution=32
    scored $space space.reading=naslib data.resolution=32
done
mkdir -p pictures/all && cp "$source"/tests/data/dataset/{rgb,rgba,gray,palette}.png pictures/all/
scored transnas_micro space.task=jigsaw data.plugin=images data.path=pictures data.jigsaw=1 \
    data.resolution=32
run score both.ini index:5 --set run.space=transnas_micro --set space.task=autoencoder \
    --set data.resolution=48
check "images that a decoder cannot make are refused in words" test "$code" != 0 -a \
    "$(grep -c 'makes 2 x 2 of images of 48 x 48, .*resolution to a multiple of 32' err)" = 1
scored transnas_micro space.task=autoencoder data.plugin=cifar10 data.resolution=32 # labels go unread
run score both.ini index:5 --set run.space=transnas_micro --set space.task=jigsaw \
    --set data.plugin=cifar10 --set data.resolution=32
check "tiles that nobody cuts are refused with the key that cuts them" said 'by \[data\] jigsaw = 1' err

# A list is read by one rule, whoever reads it.
printf '\xef\xbb\xbf(4, 0, 3, 1, 4, 3)\r\n' >mark.txt
printf '(4, 0, 3, 1, 4, 3)\0\n(4, 0, 3, 1, 4, 9)\n' >nul.txt
run space nats_tss --list mark.txt
check "a byte order mark is no mistake" test $code = 0
run space nats_tss --list nul.txt
check "a NUL byte and a wrong number are, each named" \
    test $code = 2 -a "$(grep -c '^nul.txt:1: a NUL byte\|^nul.txt:2: .*position 17' out)" = 2
run run both.ini --set run.space=nats_tss --archs file:mark.txt --output marked --quiet
check "for a run neither is the mark" test $code = 0
refuses "but the NUL byte is" 'nul.txt:1: a NUL byte' run both.ini --set run.space=nats_tss \
    --archs file:nul.txt --output nul --quiet
for ask in index:-1 index: index:15625; do
    refuses "number $ask" 'has index:0 to index:15624' space nats_tss --arch $ask
done
archs=1 # of files there is no random one
mkdir models && cp "$source"/tests/data/onnx/resnet18.onnx models/
scored onnx space.folder=models run.archs=all

for space in $("$host" list spaces --names); do
    check "$space is among them" grep -q " $space " <<<"$seen"
done
finish
