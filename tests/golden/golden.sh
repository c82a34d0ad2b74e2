#!/usr/bin/env bash
# golden.sh BUILD_DIR SOURCE_DIR -- protects fidelity: with the same seeds the scores are those
# of the official PyTorch code, layer by layer, in float64 (tests/data/golden); and protects the
# fast path: float32 stays near our own float64.
# TCET_GOLDEN_DEVICE, TCET_GOLDEN_KERNELS: the backend's, in place of auto.
# TCET_GOLDEN_LIGHT: float64 alone, of one task and one beginning.
. "$(dirname "$0")/../e2e/lib.sh"

reference=$source/tests/data/golden/nats_tss.jsonl
compare=$build/bin/golden_compare
on=(--set "backend.device=${TCET_GOLDEN_DEVICE:-auto}"
    --set "backend.kernels=${TCET_GOLDEN_KERNELS:-auto}")
light=${TCET_GOLDEN_LIGHT:-}

# The architectures of the reference with that number of classes.
archs_of() { grep "\"C\": $1," "$reference" | sed 's/^{"arch": "\([^"]*\)".*/\1/'; }

# scores CLASSES RESOLUTION PRECISION OUT.jsonl
scores()
{
    run run "$source/conf/golden.ini" --set run.space=nats_tss --set "run.classes=$1" \
        --set "data.resolution=$2" --set data.batch=64 --set "backend.precision=$3" \
        "${on[@]}" --archs "file:archs.$1" --output "out.$1.$3" --layers --export "$4" --quiet
}

# within NAME WANT GOT RULE...: the comparer's table is printed.
within()
{
    local name=$1
    shift
    if "$compare" "$@" >table; then
        pass "$name"
    else
        fail "$name"
    fi
    sed 's/^/     /' table
}

tasks=('10 32' '100 32' '120 16')
[ -z "$light" ] || tasks=("${tasks[0]}")
for task in "${tasks[@]}"; do
    read -r classes resolution <<<"$task"
    archs_of "$classes" >"archs.$classes"
    check "there are references of $classes classes" test -s "archs.$classes"
    scores "$classes" "$resolution" f64 "$classes.jsonl"
    check "$classes classes in float64" test "$code" = 0
    # zen and nwot* were recorded in float32.  nwot_relu: zero-cost-proxies' function, its
    # view() a reshape(), since the inputs' strides do not allow the former.
    within "the reference's values, $classes classes, ${resolution}x$resolution" "$reference" \
        "$classes.jsonl" \
        'total:zen=1e-4' 'total:nwot*=1e-5' \
        'total:*=1e-6' 'layer:*=1e-6'
    [ -z "$light" ] || continue
    scores "$classes" "$resolution" f32 "$classes.f32.jsonl"
    check "$classes classes in float32" test "$code" = 0
    # docs/proxies.md, "Precision", says why GraSP and ZiCo need more room.
    within "float32 near float64, $classes classes" "$classes.jsonl" "$classes.f32.jsonl" \
        'total:grasp=5e-2' 'total:snr_grasp_*=1e-2' 'layer:*grasp*=3e-1' \
        'total:zico*=6e-2' 'layer:zico*=2' \
        'total:fisher*=5e-3' 'layer:fisher*=2e-2' 'total:jacob_cov=1e-3' \
        'total:nwot*=1e-5' 'total:zen=1e-5' \
        'total:snr_snip_*=1e-3' 'total:snr_synflow_*=1e-3' \
        'total:snip*=3e-3' 'total:synflow*=3e-3' 'total:g*norm=3e-3' 'total:lnwot=3e-3' \
        'total:tcet_*=3e-3' 'layer:snip*=3e-2' 'layer:synflow*=3e-2' 'layer:gnorm=3e-2' \
        'layer:lnwot=3e-2' 'layer:snr_snip_*=3e-2' 'layer:snr_synflow_*=3e-2'
done

# The readings of other references, of the weights that they begin with.  grasp_* cancel: their
# layers do not.
inits='none gaussian kaiming_fan_out'
[ -z "$light" ] || inits=none
for init in $inits; do
    bias=zero
    [ "$init" != none ] || bias=none
    sed 's/^{"arch": "\([^"]*\)".*/\1/' "$source/tests/data/golden/readings.$init.jsonl" >archs.init
    run run "$source/tests/golden/readings.ini" --set "run.init=$init" --set "run.init_bias=$bias" \
        "${on[@]}" --archs file:archs.init --output "out.$init" --export "$init.jsonl" --quiet
    check "readings with init = $init" test "$code" = 0
    within "the references' values, init = $init" "$source/tests/data/golden/readings.$init.jsonl" \
        "$init.jsonl" 'total:thin_*=0' 'total:grasp_*=1e-9' 'total:*=1e-10'
done
if [ -n "$light" ]; then
    finish
    exit
fi

# The comparer itself must notice a wrong count, a value just outside, and one that is missing.
notices() { ! "$compare" "$1" "$2" 'total:*=1e-6' >table && grep -q "^FAIL.*$3" table; }
sed 's/"params":/"params":1/' 120.jsonl >other.jsonl
check "another count of parameters is noticed" notices 120.jsonl other.jsonl params
sed 's/"snip":\([0-9]\)/"snip":1\1/' 120.jsonl >other.jsonl
check "another score is noticed" notices 120.jsonl other.jsonl total:snip
sed 's/"snip":/"snap":/' 120.jsonl >other.jsonl
check "a score that is missing is noticed" notices 120.jsonl other.jsonl total:snip
finish
