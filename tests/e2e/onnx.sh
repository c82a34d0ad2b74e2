#!/usr/bin/env bash
# onnx.sh BUILD_DIR SOURCE_DIR -- protects the space `onnx` as a user meets it: paths, lists and folders,
# what identifies a file, drawn weights, what is said of a folded batch norm, and that whatever is not
# read is refused with file, node and operation.
. "$(dirname "$0")/lib.sh"

data=$source/tests/data/onnx conf=$source/conf/own/onnx.ini
small=(--set data.batch=4 --set backend.precision=f64)
cp "$data"/mlp.onnx one.onnx
digest=$(sha256sum one.onnx | cut -c 1-16)

# -- paths and identity
run score "$conf" one.onnx "${small[@]}"
check "a path on the command line is scored" test "$code" = 0
check "... under its name and digest" said "^one.onnx@$digest$" out
cp out first
run score "$conf" "one.onnx@$digest" "${small[@]}"
check "the listed encoding is read again" cmp -s first out
refuses "another content is another architecture" 'one.onnx: its content is no more .* the file has changed' \
    score "$conf" "one.onnx@0123456789abcdef"
mkdir nets && cp "$data/mlp.onnx" nets/b.onnx && cp "$data/mlp.onnx" nets/a.onnx && : >nets/other.txt
run run "$conf" --set space.folder="$work/nets" --archs all --output folder --export folder.csv --quiet "${small[@]}"
check "a folder's files are numbered by name" said "^a.onnx@$digest,$" <(sed -n 2p folder.csv | cut -d, -f1 | sed 's/"//g; s/$/,/')
printf 'nets/a.onnx\nnets/b.onnx\n' >list
run run "$conf" --archs file:list --output list.out --export list.csv --quiet "${small[@]}"
check "a list of paths runs" test "$(wc -l <list.csv)" = 3
cp "$data/cnn1d.onnx" nets/b.onnx
run run "$conf" --archs file:list --output list.out --quiet --resume "${small[@]}"
check "a file that has changed is not taken for what it was" said 'nets/b.onnx.*2x1x40' err

# -- images: input and classes are the network's own
for class in a b c; do
    mkdir -p "three/$class" && cp "$source"/tests/data/dataset/{gray,rgb}.png "three/$class/"
done
pictures=$source/conf/own/onnx_images.ini
images=(--set data.path=three --set data.batch=4)
run export-net "$source/conf/tcet_snip.ini" index:1462 three.onnx --set run.classes=3 --set data.resolution=8
run score "$pictures" three.onnx "${images[@]}" --layers
check "a network is scored on a folder of images" said '^tcet_snip +[0-9]' out
refuses "images of fewer classes" 'images of dataset images 3; score networks of 3, or' \
    score "$pictures" "$data/resnet18.onnx" "${images[@]}"
refuses "a run without a network" '\[run\] archs is missing: name the networks of space onnx \(--archs PATH' \
    run "$pictures" "${images[@]}"
refuses "... also where nothing depends on its classes" '\[run\] archs is missing: name the networks' run "$conf"
refuses "fewer images than a batch" 'three has 6; set \[data\] path to a larger set, batch to at most 6,' \
    score "$pictures" three.onnx "${images[@]}" --set data.batch=32
run score "$pictures" three.onnx "${images[@]}" --set run.classes=5 --set data.fewer_classes=allow
check "a network of another task fails" test "$code" = 3
check "... without numbers" test "$(grep -c parameters out)" = 0
run train "$pictures" --arch three.onnx --set data.path=three --set train.batch=4 --set train.epochs=1 --output three.out --quiet
check "... is trained with the file's classes" test "$code" = 0
cp three.onnx kept.onnx
run export-net "$source/conf/tcet_snip.ini" index:1462 three.onnx --set run.classes=3 --set data.resolution=8 --set run.seed=2
cmp -s three.onnx kept.onnx || cp three.onnx other.onnx
check "the same network with other weights" test -s other.onnx
refuses "a training does not go on with another file of that name" 'another training: .*three.onnx@' \
    train "$pictures" --arch three.onnx --set data.path=three --set train.batch=4 --set train.epochs=1 \
    --output three.out --resume
mv kept.onnx three.onnx
refuses "colour for a gray network" 'images of 3 channels, these have 1; set \[data\] colour = rgb' \
    score "$pictures" three.onnx "${images[@]}" --set data.colour=gray

# -- weights
for seed in 1 2; do
    run score "$conf" one.onnx "${small[@]}" --set space.weights=draw --set run.seed=$seed
    sed '/seconds/d' out >"draw.$seed"
    run score "$conf" one.onnx "${small[@]}" --set run.seed=$seed
    sed '/seconds/d' out >"file.$seed"
done
check "weights of the file depend on no seed" cmp -s file.1 file.2
check "drawn ones do" test "$(cmp -s draw.1 draw.2; echo $?)" = 1
check "... and are not the file's" test "$(cmp -s draw.1 file.1; echo $?)" = 1
run space onnx --arch "$data/resnet18.onnx"
check "modules bear the names of the initializers" said '^layer2.0.downsample.0 +conv2d +6x3x1x1 ' out
run space onnx --arch "$data/merged.onnx"
check "equal initializers that are merged: each norm is a module" said '^blocks.1.1 +batch_norm +4 +8 ' out
check "... and that is said" said 'note: .*merged.onnx: 12 initializers \("[a-z0-9.]*"\) are equal to others' err
check "... as is a layer that is used twice" said 'used again, 1 times, .*"twice.weight"' err
run space onnx --arch "$data/shared.onnx"
check "a norm with shared scale is named after its statistics" said '^bn2 +batch_norm +6 +12 ' out
check "a layer with shared weight is named after its bias" said '^c +linear +6x6 +42 ' out
check "... and both are said" said 'shared.onnx: 3 initializers \("conv1.bias"\) are of several layers or norms' err

# -- numbers of modules' own
run score "$conf" "$data/mha.onnx" --set data.batch=8 --set backend.precision=f64 --json
check "PyTorch's attention: parameters and gradients" said '"params":5038,.*"grad_norm":4\.449614978994' out
run score "$conf" "$data/swin.onnx" "${small[@]}"
check "an initializer is learned" said '^3558 parameters' out
run score "$conf" "$data/swin.onnx" "${small[@]}" --set space.buffers=attn_mask
check "... unless it is named as a buffer" said '^2534 parameters' out
run export-net "$conf" "$data/vit_token.onnx" token.pth
check "they are exported under their names" grep -q 'class_token' token.pth
for network in vit_token swin; do
    run export-net "$conf" "$data/$network.onnx" again.onnx --set space.buffers=attn_mask
    for file in "$data/$network.onnx" again.onnx; do
        run score "$conf" "$file" "${small[@]}" --set space.buffers=attn_mask
        sed '/onnx\|seconds/d' out >"again.${file##*/}"
    done
    check "$network, written and read again, scores as before" \
        cmp "again.$network.onnx" again.again.onnx
done
run train "$pictures" --arch "$data/vit_token.onnx" --set data.path=three --set data.resolution=32 \
    --set train.batch=4 --set train.epochs=1 --set data.fewer_classes=allow --output token.out --quiet
check "a network with a class token is trained" test "$code" = 0

# -- #params
printf '[run]\nspace = onnx\nproxy = params\noutput = out\n[data]\nplugin = gaussian\n' >params.ini
for file in "$data"/*.onnx; do
    [[ $file == */unet.onnx || $file == */log_softmax.onnx ]] && continue # they are refused
    run score params.ini "$file" --json --set space.buffers=mean,std
    check "$(basename "$file"): the proxy params is #params" grep -q '"params":\([0-9]*\),.*{"params":\1}' out
done

# -- what this program writes it reads, to the bit
sed '/^\[space\]/,/^weights/d' "$conf" >plain.ini
own=(--set run.space=nats_tss --set data.resolution=8)
run export-net plain.ini index:1462 own.onnx "${own[@]}"
scores() { run score "$@" "${small[@]}" --json && grep -o '"params.*"guards' out; }
scores plain.ini index:1462 "${own[@]}" >want
scores "$conf" own.onnx >got
check "a network that export-net wrote has the same scores" cmp want got
check "... which are there" said '"tcet_snip":[0-9]' got

# -- what is said
cp "$source/tests/fuzz/corpus/onnx/folded" folded.onnx
run score "$conf" folded.onnx "${small[@]}"
check "a folded batch norm is noticed" said 'folded.onnx: batch norms are folded into 1 of its convolutions' err
run space onnx
check "the space says what an architecture is" said 'an architecture is the path of an ONNX file' out
refuses "none is drawn" 'networks of your own are files: none is drawn' space onnx --random 1
refuses "none is changed" 'networks of your own are files: none is changed' space onnx --mutate one.onnx

sed 's/Gemm/Gxmm/g' "$data/mlp.onnx" >odd.onnx
run score "$conf" "$data/layer_scale.onnx" "${small[@]}"
check "a divisor that could be learned: what to do is said" \
    said 'initializer "std", which counts as learned, .*set \[space\] buffers = std' err
refuses "an error of the one network that is scored begins with the space, not with a key" \
    'error: space onnx: odd.onnx: node' score "$conf" odd.onnx
for end in Softmax Sigmoid; do
    sed "s/Softmax/$end/g" "$data/softmax.onnx" >ends.onnx
    run score "$conf" ends.onnx "${small[@]}"
    check "an output that is no logits is warned of: $end" \
        said "warning: .*ends.onnx: its output is that of a $end \\(node [0-9]+\\), and proxies take it for logits" err
    check "... and scored" test "$code" = 0
done
run score "$conf" "$data/vit.onnx" "${small[@]}"
check "... which a softmax within is not" test "$(grep -c logits err)" = 0
run score "$conf" "$data/log_softmax.onnx" "${small[@]}"
check "an output that is no logits is not read: LogSoftmax" \
    said 'LogSoftmax\): this operation is not read; export the network without it' err

# -- what is not read
refuses "another name" '"model.pt" is no path of an ONNX file' score "$conf" model.pt
check "... and PyTorch's own gets the way" said 'torch.onnx.export makes one' err
refuses "a file that is not there" 'none.onnx: No such file' score "$conf" none.onnx
head -c 5000 one.onnx >cut.onnx
refuses "a file cut short" 'cut.onnx: the model is no protobuf message' score "$conf" cut.onnx
: >empty.onnx
refuses "an empty file" 'empty.onnx: it holds no graph' score "$conf" empty.onnx
refuses "a network without a head" \
    'unet.onnx: its output "scores" has shape \[2, 2, 16, 16\]; a network is scored' \
    score "$conf" "$data/unet.onnx"
sed 's/Softmax/Softmix/g' "$data/vit.onnx" >mixed.onnx
refuses "an operation that is not read, by file, node and name" \
    'mixed.onnx: node [0-9]+ "[^"]*Softmix" \(Softmix\): this operation is not read' \
    score "$conf" mixed.onnx "${small[@]}"
sed 's/nearest/linear\x20/g' "$data/unet_head.onnx" >linear.onnx
run score "$conf" linear.onnx "${small[@]}"
check "a Resize that is not to the nearest" said '\(Resize\): to the nearest it is read, not by mode' err
refuses "a network where a list belongs" \
    'one.onnx:1: a control character: this is no list, .* a network is an architecture itself: archs = ' \
    run "$conf" --archs file:one.onnx
mkdir mixed
cp "$data/mobilenet_v3.onnx" mixed/a.onnx
cp "$data/mlp.onnx" mixed/b.onnx
run run "$conf" --set space.folder=mixed --archs all --output mixed.out --set data.batch=4
check "a folder of several tasks: the first one's, and others say so" said \
    'b.onnx: it is for images of 3x8x8 .*first architecture \(with archs = all a.onnx\).*list networks of one input' err
check "dropout is off" said 'a.onnx: dropout is off' err
run report mixed.out -o mixed.html
check "... which a report does not say again" test "$(grep -c dropout err)" = 0
refuses "a folder without a model" 'no file in it ends in .onnx' \
    run "$conf" --set space.folder="$work/folder" --archs all
finish
