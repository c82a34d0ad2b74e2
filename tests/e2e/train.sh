#!/usr/bin/env bash
# train.sh BUILD_DIR SOURCE_DIR -- protects `tcet-host train`: its losses are PyTorch's, its files depend on
# the config alone however often it is killed and resumed, what cannot be is refused in words, and what
# was trained can be measured and taken out.
. "$(dirname "$0")/lib.sh"
if [ ! -e "$build"/lib/tcet/plugins-1/backend_torch.so ]; then
    echo "SKIP: built without libtorch"
    exit 77
fi
conf=$source/conf/train
kills=${TCET_KILLS:-$((sanitized ? 8 : 50))}

# within TOLERANCE FILE NUMBER...: column 4 of the lines after the header, relatively.
within()
{
    local tolerance=$1 file=$2
    shift 2
    awk -F, -v t="$tolerance" -v all="$*" 'BEGIN { n = split(all, want, " ") }
        NR > 1 { d = $4 / want[NR - 1] - 1; if (d < 0) d = -d; if (!(d <= t)) { bad = 1; print NR, $4, d } }
        END { exit bad || NR != n + 1 }' "$file"
}
last() { tail -n 1 "$1/train.csv" | cut -d, -f"$2"; } # FOLDER FIELD
near() { awk -v a="$1" -v b="$2" -v t="$3" 'BEGIN { d = a / b - 1; exit !(d <= t && d >= -t) }'; }

# -- Check figures -------------------------------------------------------------------------------
losses_a=(3.082567362729 3.737334849477 3.600316354678 3.230983838323 3.183957837961 2.513247885163
    2.90083327758 2.57679734575 2.509780202552 2.42107775243 2.27457945794 2.429904367002 2.199854048826
    2.242281864313 2.313454782007 2.199546482408 2.282255453608 2.137508463336 2.147809533599
    2.273726968077)
losses_b=(2.245086562234 2.416193001618 2.568373532849 2.354807928801 2.312964414192 2.180501672521
    2.471029417905 2.281545094955 2.169709313816 2.217517887358)
if [ "$sanitized" = 0 ]; then # else figure B is enough
    run train "$conf/check_a.ini" --output a --quiet
    check "figure A runs" test "$code" = 0
    check "figure A: PyTorch's losses" within 1e-9 a/train.csv "${losses_a[@]}"
    check "its learning rates" near "$(sed -n 7p a/train.csv | cut -d, -f3)" 0.02471827468679 1e-12
    check "its last one" near "$(last a 3)" 6.693247879205e-08 1e-9
    check "what the network is worth then" near "$(last a 6)" 57.65982257599417 1e-9
    check "28 of 320 are right" test "$(last a 7)" = 8.75
    run train "$conf/check_a.ini" --output a32 --quiet --set backend.precision=f32
    check "figure A in float32" within 2e-3 a32/train.csv "${losses_a[@]}"
fi
run train "$conf/check_b.ini" --output b --quiet
check "figure B: PyTorch's losses" within 1e-9 b/train.csv "${losses_b[@]}"
check "what the network is worth then" near "$(last b 6)" 16.001834882933295 1e-9

# -- The same bytes ------------------------------------------------------------------------------
cat >small.ini <<'EOF'
[run]
space   = zennas
classes = 10
[space]
reslink    = 1
max_size   = 0
max_layers = 0
[data]
plugin = cifar10
[train]
arch   = SuperConvK3BNRELU(3,8,2,1)SuperResK3K3(8,16,2,8,1)SuperConvK1BNRELU(16,32,1,1)
epochs = 6
batch  = 16
images = 96
test   = train
test_images     = 32
lr_per_256      = 0.4
warmup          = 1
label_smoothing = 0.1
mixup  = 0.2
crop   = 4
flip   = yes
erase  = yes
auto_augment = yes
ema    = 0.9
eval_every = 2
EOF
same() { cmp "$1/train.csv" "$2/train.csv" && cmp "$1/last.ckpt" "$2/last.ckpt" && cmp "$1/best.ckpt" "$2/best.ckpt"; }
start=$(date +%s%N)
run train small.ini --output whole
span=$((($(date +%s%N) - start) / 1000))
check "a training ends" test "$code" = 0
check "says what became of it" said '^seed 1: last \(epoch 6\) train top-1 [0-9.]+ %.*; best: selected on train \(epoch [246]\) top-1 [0-9.]+ %$' out
check "a line an epoch" test "$(wc -l <whole/train.csv)" = 7
check "measured every second epoch" test "$(awk -F, 'NR > 1 && $7 != ""' whole/train.csv | wc -l)" = 3
for threads in 0 3; do
    run train small.ini --output threads$threads --quiet --set train.threads=$threads
    check "$threads threads make the images: the same bytes" same whole threads$threads
done
run train small.ini --output whole --quiet --resume
check "a finished one is not trained again" test "$code" = 0
cp -r whole again
rm again/best.ckpt again/times.csv
run train small.ini --output again --resume
check "and says what it was" said 'all of it was done before' out
hits=0
for round in $(seq "$kills"); do
    [ $((round % 10)) != 1 ] || rm -rf killed
    "$host" train small.ini --output killed --resume --quiet >out 2>err &
    pid=$!
    sleep "$(awk -v s="$span" -v p=$((RANDOM % 110)) 'BEGIN { printf "%.4f", s * p / 1e8 }')"
    if kill -KILL "$pid" 2>/dev/null; then
        hits=$((hits + 1))
    fi
    wait "$pid" 2>/dev/null
    # the lock goes when the last process that holds it has ended
    for _ in $(seq 100); do pgrep -f "^tcet-host worker" -P 1 >/dev/null || break; sleep 0.05; done
    if [ $((round % 10)) = 0 ] || [ "$round" = "$kills" ]; then
        run train small.ini --output killed --resume --quiet
        check "after $round kills ($hits hit): the same bytes" same whole killed
    fi
done

# -- Damage --------------------------------------------------------------------------------------
run train small.ini --output cut --quiet --set train.epochs=6
printf x | dd of=cut/last.ckpt bs=1 seek=900 conv=notrunc 2>/dev/null
run train small.ini --output cut --resume --quiet
check "a damaged checkpoint: the one before is gone on with" test "$code" = 0
check "which is said" said 'last.ckpt: it is damaged: its SHA-256 is another; going on from .*previous.ckpt' err
check "and gives the same bytes" same whole cut
rm cut/last.ckpt
run train small.ini --output cut --resume --quiet
check "a lost checkpoint: the same" same whole cut
for f in last previous; do printf x | dd of=cut/$f.ckpt bs=1 seek=900 conv=notrunc 2>/dev/null; done
refuses "two damaged checkpoints" 'last.ckpt: it is damaged.*; .*previous.ckpt: it is damaged' \
    train small.ini --output cut --resume --quiet
cp -r whole short
head -n 2 whole/train.csv >short/train.csv
refuses "a train.csv that was cut off" 'train.csv has [0-9]+ bytes, and the checkpoint was made when it had' \
    train small.ini --output short --resume --quiet
rm short/train.csv
refuses "a train.csv that is lost" 'train.csv: there is no such file, with whose [0-9]+ bytes' \
    train small.ini --output short --resume --quiet
check "which is not made anew" test ! -e short/train.csv
refuses "a used folder without --resume" 'holds an earlier training; use --resume' \
    train small.ini --output whole --quiet
refuses "another training" 'holds another training: it has "lr=[0-9.]+" where this one has "lr=' \
    train small.ini --output whole --quiet --resume --set train.lr_per_256=0.3
check "what was refused changed nothing" grep -q '^lr_per_256 = 0.4$' whole/config.ini
run train small.ini --output wild --quiet --set train.lr_per_256=1e6 --set train.warmup=0
check "a loss that is no number: exit code 2" test "$code" = 2
check "with epoch and step" said 'the loss is (no number|infinite) in epoch [0-9]+, step [0-9]+ \(lr' err

for schedule in cosine linear constant; do
    run train small.ini --output "warm-$schedule" --quiet --set train.epochs=2 --set train.warmup=2 \
        --set train.schedule=$schedule
    check "all epochs of warm-up, $schedule: the last rate is the peak" \
        near "$(last "warm-$schedule" 3)" 0.025 1e-12
done

# -- A folder that another command filled --------------------------------------------------------
printf '[run]\nspace = nats_tss\narchs = sample:2\n[metric m]\nsaliency = macs\naggregator = sum\n' >counts.ini
run run counts.ini --output scores --quiet
refuses "a training in a run's folder" 'scores holds a run or a search; choose another run.output' \
    train small.ini --output scores --quiet
refuses "a run in a training's folder" 'whole holds a training; choose another run.output' \
    run counts.ini --output whole --quiet
refuses "scores of a training" 'whole.csv: a network goes into a .safetensors, .pth or .onnx file' export whole whole.csv
check "which changed nothing" grep -q '^lr_per_256 = 0.4$' whole/config.ini

# -- Bad input -----------------------------------------------------------------------------------
bad() { # NAME REGEX SET...
    local name=$1 regex=$2 sets=()
    shift 2
    for s in "$@"; do sets+=(--set "$s"); done
    refuses "$name" "$regex" train small.ini --output bad --quiet "${sets[@]}"
}
bad "no test images" 'dataset cifar10 has no test images here; set \[train\] holdout' train.test=test
bad "all held out" 'holdout = 320 leaves nothing of 320 images' train.holdout=320 train.test=test
bad "held out, and not measured" 'holdout = 64: .* test = test' train.holdout=64
bad "a batch that is too large" 'the 96 training images make no batch' train.batch=97
bad "an architecture of another space" 'position 1: unknown block "foo"' train.arch=foo
bad "no folder of a search" 'nowhere holds neither a search nor a run.*tcet-host search CONFIG --output FOLDER' \
    train.arch=best:nowhere
refuses "the paper's, before its search" 'out/table5_search holds neither .* search .*/table5_search.ini makes it' \
    train "$source/conf/paper/table5_train_c10.ini"
bad "two learning rates" 'lr and lr_per_256 are both given' train.lr=0.1
bad "too much warm-up" 'warmup = 7: more epochs than the 6' train.warmup=7
bad "steps without their schedule" 'steps = "3": expected .* with schedule = step' train.steps=3
bad "a schedule without its steps" 'schedule = step needs steps' train.schedule=step
bad "an unknown optimizer" 'optimizer = "lion" is not a choice.*sgd, adamw' train.optimizer=lion
bad "an unknown key" '\[train\] has no key "epoch" \(did you mean "epochs"\?\)' train.epoch=3
bad "bfloat16 on a CPU" 'bf16|CUDA' train.precision=bf16
bad "images without bytes" 'dataset gaussian has no images to train on|no images to train on' data.plugin=gaussian
bad "an infinite number" 'weight_decay = "inf": expected a number' train.weight_decay=inf
check "nothing is left of what was refused" test ! -e bad/last.ckpt
printf '[run]\nspace = transnas_micro\n[space]\ntask = room_layout\n[train]\narch = index:5\n' >room.ini
refuses "a loss that training does not know" 'the loss of classes alone.*transnas_micro has 9 numbers' \
    train room.ini --output bad
refuses "no [train]" 'there is no \[train\]' train "$source/conf/tcet_snip.ini" --output bad

# -- Every space ---------------------------------------------------------------------------------
sed '/^\[space\]/,/^max_layers/d' small.ini >any.ini
mapfile -t spaces < <("$host" list spaces --names)
[ "$sanitized" = 0 ] || spaces=(nats_tss nb_macro nds_darts) # all code runs slowly
check "there are spaces" test ${#spaces[@]} -ge 3
for space in "${spaces[@]}"; do
    case $space in
    nds_resnet) net='{"block_type":"res_basic_block","ds":[1,1,2,1],"ss":[1,1,2,2],"ws":[16,8,8,16]}' ;;
    nds_resnext) net='{"block_type":"res_bottleneck_block","ds":[1,1,2,1],"ss":[1,1,2,2],"ws":[16,16,16,16],"bot_muls":[0.0,0.5,0.5,0.5],"num_gs":[1,2,1,2]}' ;;
    onnx) net=$source/tests/data/onnx/mobilenet_v2.onnx ;;
    *) net=$("$host" space "$space" --random 1 --seed 3) ;;
    esac
    run train any.ini --set run.space="$space" --arch "$net" --output "of_$space" \
        --quiet --set data.resolution=32 --set train.images=4 --set train.batch=2 --set train.epochs=2 \
        --set train.test_images=2
    check "networks of $space are trained" test "$code" = 0
    check "$space: losses are numbers" awk -F, 'NR > 1 && !($4 > 0 && $4 < 1e6) { bad = 1 } END { exit bad || NR != 3 }' \
        "of_$space/train.csv"
done

# -- From a search or run, to other programs -----------------------------------------------------
cat >found.ini <<'EOF'
[run]
space  = nats_tss
archs  = sample:3
output = found
[data]
plugin = cifar10
batch  = 8
resolution = 8
[metric params]
saliency   = ones
aggregator = sum
[train]
arch   = best:found
epochs = 1
batch  = 8
images = 16
test   = none
optimizer = adamw
lr     = 0.001
schedule = constant
EOF
run run found.ini --quiet --export found.csv
best=$(tail -n +2 found.csv | awk -F, '{ print $NF, $1 }' | sort -g | tail -1)
run train found.ini --output of_run
check "the best of a run is trained" test "$code" = 0
check "it is that one" said "^trained $(grep -oE '\|.*\|' <<<"$best" | sed 's/[|+]/\\&/g')\$" out
check "not measured" said '^seed 1: 1 epochs, not measured$' out
run export-net found.ini best:found drawn.pth
check "the best of a run with drawn weights" said "^drawn.pth: .* $(grep -oE '\|.*\|' <<<"$best" | sed 's/[|+]/\\&/g')\$" out
refuses "export-net: no folder of a search" '^tcet-host: error: nowhere holds neither a search nor a run' \
    export-net found.ini best:nowhere drawn.pth
run train found.ini --output all_images --set train.images=400
check "fewer images than asked for are said" said 'train. images = 400: there are 320' err
refuses "the best of another space" 'found is of space nats_tss, this config of space nb_macro' \
    train found.ini --output elsewhere --set run.space=nb_macro
run train found.ini --output shorter --set space.reading=naslib
check "other parameters of the space are said" said 'note: \[space\] reading is naslib here, and was \(not set\) where .*found chose' err
run train small.ini --output seeds --set train.seeds=1..2 --set train.epochs=2
check "two seeds" said '^2 seeds: last train top-1 [0-9.]+ % \(std [0-9.]+\), best: selected on train' out
check "each in a folder" test -s seeds/seed-1/last.ckpt -a -s seeds/seed-2/last.ckpt
cp seeds/seed-2/train.csv second.csv
run train small.ini --output seeds --set train.seeds=2 --set train.epochs=2 --resume
check "one of them goes on in its own folder" test "$code" = 0 -a ! -e seeds/train.csv
check "... and was done" cmp seeds/seed-2/train.csv second.csv
check "which differ" test "$(cmp seeds/seed-1/train.csv seeds/seed-2/train.csv | wc -l)" = 1
run train small.ini --output seeds --set train.seeds=1..3 --set train.epochs=2 --resume
check "a third seed is trained, which is said" said '96 training images, .* images a second' out
refuses "the network of several seeds" 'seeds holds a training of several seeds; name the folder of one' \
    export seeds seeds.pth

for format in safetensors pth onnx; do
    run export whole net.$format
    check "export to .$format" test "$code" = 0 -a -s net.$format
    check ".$format: says what" said "^net.$format: [0-9]+ parameters of SuperConv.*, after epoch 6 of 6\$" out
    cp net.$format first.$format
    run export whole net.$format
    check "the same bytes again" cmp net.$format first.$format
done
run evaluate net.safetensors small.ini --json
check "evaluate gives what was measured" said "\"top1\":$(last whole 7),\"top5\":" out
loss=$(sed -n 's/.*"loss":\([0-9.e+-]*\).*/\1/p' out)
check "also its loss" near "$loss" "$(last whole 6)" 1e-12
check "the file says after which epoch" grep -aq '"epoch":"6"' net.safetensors
run export whole best.safetensors --best
check "the best epoch's, too" grep -aq "\"epoch\":\"$(sed -nE 's/.*after epoch ([246]) of 6$/\1/p' out)\"" best.safetensors
run evaluate best.safetensors small.ini
check "the best epoch's network" said "^top-1 $(printf '%.2f' "$(awk -F, 'NR > 1 && $7 + 0 > best { best = $7 } END { print best }' whole/train.csv)") %" out
# What was trained, as PyTorch and OpenCV compute it from the files.
run train "$conf/quick.ini" --output quick --set train.epochs=2 --quiet
for format in safetensors pth onnx; do
    run export quick quick/net.$format
done
run evaluate quick/net.safetensors "$conf/quick.ini" --json
read -r loss top1 < <(sed -nE 's/.*"top1":([0-9.]+),.*"loss":([0-9.e+-]+).*/\2 \1/p' out)
/usr/bin/python3 "$source/tests/unit/net_check.py" --trained quick \
    "$source/plugins/dataset/data/cifar10_train_320.bin" "$loss" "$top1" >out 2>&1
code=$?
if [ $code = 77 ] || [ $code = 127 ]; then
    echo "not compared with PyTorch: wants python3-torch and python3-onnx"
else
    check "the files' networks have the loss and the top-1 that were measured" test $code = 0
fi

refuses "a file that is not read" 'only .safetensors files are read' evaluate net.pth small.ini
cp net.pth no.safetensors
refuses "a file that is no network" 'no safetensors file' evaluate no.safetensors small.ini
refuses "a network of another space" 'holds a network of space zennas, and .* has \[run\] space = nats_tss' \
    evaluate net.safetensors found.ini
refuses "no training there" 'no training was saved there' export found none.pth

"$host" train small.ini --output stopped --set train.epochs=100000 >out 2>err &
pid=$!
for _ in $(seq 300); do [ -s stopped/last.ckpt ] && break; sleep 0.1; done
kill -INT "$pid"
code=0
wait "$pid" || code=$?
check "interrupted: exit code 130" test "$code" = 130
check "and how to go on" said 'to go on: .*train small.ini --output stopped .*--resume' err
finish
