#!/usr/bin/env bash
# conf.sh BUILD_DIR SOURCE_DIR -- protects the shipped configs: each runs with the shipped images,
# those of other references with their own batches, on one network of small images.
. "$(dirname "$0")/lib.sh"

cd "$source/conf" && mapfile -t configs < <(find . -name '*.ini' | sort) && cd "$work" || exit 1
check "there are configs" test "${#configs[@]}" -gt 15
# All code runs slowly there: those of other references, and one each of the others' parts.
[ "$sanitized" = 0 ] || mapfile -t configs < <(printf '%s\n' "${configs[@]}" |
    grep -E '^./(references|train|search)/|^./tcet_snip')
for config in "${configs[@]}"; do
    small=(--archs index:1462 --set data.resolution=8)
    case $config in
    ./own/images.ini) # of two classes
        mkdir -p own/a own/b && cp "$source"/tests/data/dataset/{gray,rgb}.png own/a/ &&
            cp "$source"/tests/data/dataset/{rgb,gray}.jpg own/b/
        small+=(--set data.batch=4 --set data.path=own --set run.classes=2)
        ;;
    ./own/onnx_images.ini) # of ten classes, as the network has
        for class in 0 1 2 3 4 5 6 7 8 9; do
            mkdir -p "ten/$class" && cp "$source"/tests/data/dataset/{gray,rgb}.png "ten/$class/"
        done
        net=$source/tests/data/onnx/resnet18.onnx
        small=(--archs "$net" --set data.batch=8 --set data.path=ten)
        run train "$source/conf/$config" --arch "$net" --set data.path=ten --set train.batch=8 \
            --set train.images=16 --set train.epochs=1 --output own_trained --quiet
        check "conf/own/onnx_images.ini trains" test "$code" = 0
        check "... and measures" test "$(wc -l <own_trained/train.csv)" = 2
        ;;
    ./own/npy.ini)
        small=(--archs index:1462 --set data.resolution=8x12 --set data.batch=4 --set run.classes=2
            --set "data.path=$source/tests/data/dataset/own.npz")
        ;;
    ./references/*) ;;
    *) small+=(--set data.batch=16) ;;
    esac
    name=${config#./} name=${name%.ini}
    mkdir -p "$(dirname "$name")" # as in conf: two folders may have a config of one name
    if [ "$config" = ./proxies.ini ]; then # no run, but metrics for the runs of others
        small+=(--proxy "$(sed -n 's/^\[metric \(.*\)\]$/\1/p' "$source/conf/$config" | paste -sd,)")
        config=./tcet_snip.ini
    fi
    if grep -q '^\[search\]' "$source/conf/$config"; then # ten asks
        run search "$source/conf/$config" --set data.resolution=8 --set data.batch=16 --output "$name" \
            --set search.evaluations=0 --set search.iterations=10 --set search.seeds=1 --quiet
        check "conf/$name.ini searches" test "$code" = 0
        check "conf/$name.ini finds something" test -s "$name/best.txt"
        continue
    fi
    if grep -q '^\[train\]' "$source/conf/$config" && [ "$config" != ./own/onnx_images.ini ]; then # two steps
        net=()
        case $name in paper/table5*)
            net=(--arch 'SuperConvK3BNRELU(3,8,1,1)SuperResK3K3(8,16,1,8,1)SuperConvK1BNRELU(16,32,1,1)') ;;
        esac
        run train "$source/conf/$config" "${net[@]}" --set train.batch=8 --set train.images=16 \
            --set train.epochs=1 --set train.warmup=0 --set train.test=none --output "$name" --quiet
        check "conf/$name.ini trains" test "$code" = 0
        check "conf/$name.ini has a checkpoint" test -s "$name/last.ckpt"
        continue
    fi
    case $name in
    *_nds_*) small[1]=sample:1 ;; # no numbers without a file of NDS
    *nb301 | measured/nb101 | best/nb101_scores) small[1]=table:1 ;; # no number is in the table
    own/onnx) small=(--archs "$source/tests/data/onnx/resnet18.onnx" --set data.batch=16) ;;
    esac
    run run "$source/conf/$config" "${small[@]}" --output "$name" --export "$name.csv" --quiet
    check "conf/$name.ini runs" test "$code" = 0
    check "conf/$name.ini has values" test "$(tail -n +2 "$name.csv" | grep -c ',.*[0-9]')" = 1
done
finish
