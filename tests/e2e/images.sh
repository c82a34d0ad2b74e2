#!/usr/bin/env bash
# images.sh BUILD_DIR SOURCE_DIR -- protects scoring and training on one's own images, as folders, arrays
# and numbers: the same images have the same scores in whichever file they are, by any number of
# threads and workers; and a file that is damaged, or made to take all memory, ends the command with
# a message that names it.
. "$(dirname "$0")/lib.sh"

data=$source/tests/data/dataset
conf=$source/conf/own
mkdir -p set/cat set/dog
cp "$data"/{rgb,rgba,gray,palette}.png set/cat/
cp "$data"/{rgb,gray,progressive}.jpg set/dog/

# scores NAME OPTION...: T-CET(SNIP) and the rest of one small network, into NAME.json.
scores()
{
    local name=$1
    shift
    run score "$1" index:1462 --json --set run.classes=2 --set data.batch=4 "${@:2}"
    cp out "$name.json"
    check "$name is scored" test $code = 0
    check "$name has a T-CET score" grep -qE '"tcet_snip":-?[0-9]' "$name.json"
}

images=("$conf/images.ini" --set data.path=set --set data.resolution=16)
scores folder "${images[@]}"
scores one_thread "${images[@]}" --set data.threads=1
check "threads change nothing" grep -qF "$(grep -oE '"scores":\{[^}]*\}' folder.json)" one_thread.json
scores wide "$conf/images.ini" --set data.path=set --set data.resolution=12x20
check "images need not be square" test "$(grep -oE '"macs":[0-9]*' wide.json)" != \
    "$(grep -oE '"macs":[0-9]*' folder.json)"
scores gray "${images[@]}" --set data.colour=rgb --set data.alpha=white --set data.fit=stretch

run run "${images[@]}" --archs sample:3 --set run.classes=2 --set data.batch=4 --output here \
    --export here.csv --quiet --set run.workers=2
check "a run on a folder" test $code = 0
mkdir elsewhere && mv set elsewhere/
run run "${images[@]}" --archs sample:3 --set run.classes=2 --set data.batch=4 --output here \
    --set data.path=elsewhere/set --resume
check "the same images elsewhere are the same" said '0 scored now .* 3 from the store' out
mv elsewhere/set .

# -- Arrays ----------------------------------------------------------------------------------------
arrays=("$conf/npy.ini" --set data.resolution=8x12)
scores plain "${arrays[@]}" --set "data.path=$data/own.npy" --set "data.labels=$data/own_labels.npy"
scores deflated "${arrays[@]}" --set "data.path=$data/own.npz"
check "an archive is the same" grep -qF "$(grep -oE '"scores":\{[^}]*\}' plain.json)" deflated.json
tail -c 1152 "$data/own.npy" >numbers.bin
echo 0 1 1 0 >labels.txt
scores raw "${arrays[@]}" --set data.plugin=raw --set data.path=numbers.bin \
    --set data.labels=labels.txt --set data.type=uint8 --set data.shape=3x8x12
check "... and without a header too" grep -qF "$(grep -oE '"scores":\{[^}]*\}' plain.json)" raw.json

# Signals of two channels, to a network of an input [batch, 2, 40]: the same in whichever form.
array() # SHAPE: the bytes on standard input as an array of numpy
{
    printf "\x93NUMPY\x01\x00\x76\x00%-117s\n" "{'descr': '|u1', 'fortran_order': False, 'shape': ($1), }"
    cat
}
head -c 1120 numbers.bin >signals.bin
array '14, 2, 40' <signals.bin >signals.npy
array '14, 2, 1, 40' <signals.bin >images.npy
array '14, 80' <signals.bin >rows.npy
signals=(score "$conf/onnx.ini" "$source/tests/data/onnx/cnn1d.onnx" --json --set data.batch=6
    --set data.classes=5 --set data.plugin=npy)
if [ -f "$build/lib/tcet/plugins-1/space_onnx.so" ]; then
    run "${signals[@]}" --set data.path=signals.npy
    check "signals are scored" test $code = 0
    cp out signals.json
    same() # NAME OPTION...
    {
        run "${signals[@]}" "${@:2}"
        check "$1 are the same" grep -qF "$(grep -oE '"scores":\{[^}]*\}' signals.json)" out
    }
    same "channels and a length" --set data.path=signals.npy --set data.layout=ncl
    same "images of one row" --set data.path=images.npy --set data.layout=nchw
    same "rows of a shape" --set data.path=rows.npy --set data.shape=2x1x40
    same "numbers without a header" --set data.plugin=raw --set data.path=signals.bin \
        --set data.type=uint8 --set data.shape=2x1x40
    refuses "rows of pixels" 'wants images of 2 channels, these have 1; .*\[n, c, length\] \(ncl\)' \
        "${signals[@]}" --set data.path=signals.npy --set data.layout=nhw
    refuses "a layout of other arrays" 'layout = nhwc is of arrays of 4 dimensions, this has 3' \
        "${signals[@]}" --set data.path=signals.npy --set data.layout=nhwc
    refuses "a shape of other arrays" 'shape = 2x1x40 is of arrays of 2 dimensions' \
        "${signals[@]}" --set data.path=signals.npy --set data.shape=2x1x40
    refuses "features of another number" 'wants images of 2 channels, these have 80; .*set \[data\] shape' \
        "${signals[@]}" --set data.path=rows.npy
fi

# -- Training --------------------------------------------------------------------------------------
mkdir -p split/train split/val && cp -r set/* split/train/ && cp -r set/cat split/val/
run train "$source/conf/train/quick.ini" --output trained --quiet --set data.plugin=images \
    --set data.path=split --set run.classes=2 --set train.batch=4 --set train.epochs=1 \
    --set train.warmup=0 --set train.test=test --set data.resolution=16
check "a folder is trained on" test $code = 0
check "... and measured on val" test -s trained/train.csv

# -- What is refused -------------------------------------------------------------------------------
# wrong NAME REGEX OPTION...: scoring the set is refused so.
wrong()
{
    local name=$1 regex=$2
    shift 2
    refuses "$name" "$regex" score "$conf/images.ini" index:1462 --set run.classes=2 \
        --set data.path=set --set data.batch=4 --set data.resolution=16 "$@"
}

wrong "more images than there are" 'needs 8 images .*set has 7' --set data.batch=8
wrong "networks of more classes" 'have 10 classes.*images 2; set \[run\] classes = 2' --set run.classes=10
wrong "networks of fewer classes" 'has 1 classes, .*labels 0 to 1; score networks of 2' --set run.classes=1
wrong "resize below the network's input" 'cannot be made 16 x 16: scaled \(resize\)' --set data.resize=8 \
    --set data.mean=0 --set data.std=1
wrong "a resolution that is none" 'resolution = "16x": want a whole number .*HEIGHTxWIDTH' \
    --set data.resolution=16x
wrong "no folder" 'none: No such file' --set data.path=none
wrong "a folder without classes" 'set/cat: has 0 sub-folders; want a folder for each class' \
    --set data.path=set/cat

cut() { head -c "$2" "$data/$1" >"set/dog/bad.$3"; }
all=(--set data.batch=8 --set data.mean=0 --set data.std=1)
cut rgb.jpg 600 jpg
wrong "a JPEG that is cut" 'set/dog/bad.jpg: Premature end' "${all[@]}"
rm set/dog/bad.jpg
cut rgb.png 100 png
wrong "a PNG that is cut" 'set/dog/bad.png: the file is cut; .* broken = skip leaves' "${all[@]}"
run score "${images[@]}" index:1462 --set run.classes=2 --set data.batch=7 --set data.broken=skip
check "... or left out" test $code = 0
check "... and counted" said 'set: 1 of 8 files cannot be decoded and are left out.*dog/bad.png' err
echo 'GIF89a' >set/dog/bad.png
wrong "a file of another kind" 'set/dog/bad.png: is neither PNG nor JPEG' "${all[@]}"
# 60000 x 60000 pixels, which would take 10 GiB; header and checksum are right
printf '\211PNG\r\n\032\n\0\0\0\015IHDR\0\0\352\140\0\0\352\140\010\2\0\0\0\017\260\342\025\0\0\0\0IDAT\065\257\006\036' >set/dog/bad.png
wrong "a bomb" 'set/dog/bad.png: 60000 x 60000 pixels; at most 50000000' "${all[@]}"
rm set/dog/bad.png
mkfifo set/dog/bad.png pipe.npy # which nothing writes: opening them would wait for ever
wrong "a pipe" 'set/dog/bad.png: is no file' "${all[@]}"
rm set/dog/bad.png

npy() # NAME REGEX OPTION...
{
    local name=$1 regex=$2
    shift 2
    refuses "$name" "$regex" score "$conf/npy.ini" index:1462 --set run.classes=2 --set data.batch=2 \
        --set data.resolution=4x5 "$@"
}
head -c 900 "$data/own.npz" >cut.npz
npy "an archive that is cut" 'cut.npz: is an archive .* is the file cut' --set data.path=cut.npz
npy "a pipe for an array" 'pipe.npy: is no file' --set data.path=pipe.npy
npy "an array that is not there" 'stored.npz: holds no array "z"; it has: x, y' \
    --set "data.path=$data/stored.npz" --set data.x=z
npy "numbers of another machine" 'big_endian.npy: holds big-endian numbers' \
    --set "data.path=$data/big_endian.npy" --set data.classes=2
npy "labels out of range" 'image 0: label 1, want 0 to 0' --set "data.path=$data/stored.npz" \
    --set data.classes=1
refuses "a pickle that runs a program" 'evil.pickle: byte .*posix.system.*nothing was run' \
    score "$source/conf/tcet_snip.ini" index:1462 --set "data.path=$data/evil.pickle"
finish
