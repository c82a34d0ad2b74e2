#!/usr/bin/env bash
# onnx.sh BUILD_DIR SOURCE_DIR -- protects fidelity of networks read from ONNX files: modules, parameters,
# weights, running statistics and scores are PyTorch's, layer by layer, in float64
# (tests/data/onnx/expected.jsonl, by make.py there).
. "$(dirname "$0")/../e2e/lib.sh"

compare=$build/bin/golden_compare
data=$source/tests/data/onnx

while IFS= read -r record; do
    arch=$(sed 's/^{"arch": "\([^"]*\)".*/\1/' <<<"$record")
    name=${arch%.onnx@*}
    echo "$arch" >arch
    run run "$source/conf/golden.ini" --set run.space=onnx --set "space.folder=$data" \
        --set data.batch=8 --set space.buffers=mean,std,attn_mask --archs file:arch --output "out.$name" --layers --export got.jsonl --quiet
    check "$name is scored" test "$code" = 0
    echo "$record" >want.jsonl
    if "$compare" want.jsonl got.jsonl 'total:*=1e-6' 'layer:*=1e-6' >table; then
        pass "$name: PyTorch's values"
    else
        fail "$name: PyTorch's values"
        grep -v '^ok' table | cut -c 1-300 | sed 's/^/     /'
    fi
done <"$data/expected.jsonl"
finish
