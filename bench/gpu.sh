#!/usr/bin/env bash
# bench/gpu.sh [OPTION ...] [PART ...] -- how right and how fast a build is on a GPU, beside plain PyTorch on the
# same one; each part, by default all, prints a Markdown table:
#   golden  scores beside the official code's (tests/golden/golden.sh): the largest relative difference of each set
#           of values, of those recorded in float64 where there are such
#   tcet    ms an architecture of T-CET(SNIP) (conf/tcet_snip.ini, float32, 64 images) after the first 20: by workers
#           and networks in flight, without and with CUDA's MPS where it can be started, and of one process of
#           bench/reference/tcet_snip.py; the scores of all ours must be the same
#   train   images a second of a training step, and their ratio to PyTorch's (bench/reference/train.py, channels last or
#           not, the faster) over the rounds, median (smallest to largest): float32 without TensorFloat-32, with
#           it, and with bfloat16 convolutions (PyTorch: autocast)
# Options:
#   --build DIR    with a torch backend that has CUDA, tests and benchmarks (default build/release)
#   --device NAME  (default cuda:0)
#   --kernels NAME [backend] kernels (default auto; aten: libtorch's operations alone)
#   --archs N      that tcet times, each time (default 180)
#   --rounds N     of train (default 3)
#   --steps N      a measurement of train (default 10)
#   --seconds N    after which train begins no other measurement (default 240)
#   --quick        golden in float64 and of one task; tcet with two in flight alone; train with one format, that in which
#                  cuDNN's convolutions are the faster: float32 plain, others channels last
# Needs python3 with PyTorch and NumPy, and a machine with nothing else to do.
set -euo pipefail
cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.."
. bench/lib.sh
build=build/release device=cuda:0 kernels=auto archs=180 rounds=3 steps=10 seconds=240 quick="" flights="1 2" parts=()

while [ $# -gt 0 ]; do
    case $1 in
        --help)
            sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//;p}' bench/gpu.sh
            exit ;;
        --quick) quick=1 flights=2 ;;
        --build | --device | --kernels | --archs | --rounds | --steps | --seconds)
            declare "${1#--}=${2:?$1 needs a value}"
            shift ;;
        golden | tcet | train) parts+=("$1") ;;
        *)
            echo "gpu.sh: \"$1\"? --help says what there is" >&2
            exit 2 ;;
    esac
    shift
done
[ ${#parts[@]} -gt 0 ] || parts=(golden tcet train)
python=python3
"$python" -c 'import importlib.util as u; exit(not u.find_spec("torch"))' || python=/usr/bin/python3
work=$(mktemp -d "${TMPDIR:-/tmp}/tcet-gpu.XXXXXX")
trap 'mps_stop; kill $(jobs -p) 2>/dev/null || true; rm -rf "$work"' EXIT
trap '' PIPE

golden()
{
    TCET_GOLDEN_DEVICE=$device TCET_GOLDEN_KERNELS=$kernels TCET_GOLDEN_LIGHT=$quick \
        tests/golden/golden.sh "$build" . >"$work/golden" || true
    echo "| set | verdict | largest relative difference |"
    echo "| --- | --- | --- |"
    awk '
        function row() { if (name && quantity) printf "| %s | %s | %.1e, %s |\n", name, verdict, worst, quantity }
        function begin() { verdict = $1; name = substr($0, 6); quantity = ""; worst = strict = -1 }
        /^(PASS|FAIL)/ { row(); begin(); next }
        / of .* values/ {
            exact = $5 + 0 <= 1e-6
            if (exact > strict || exact == strict && $3 + 0 > worst) { strict = exact; worst = $3 + 0; quantity = $2 }
        }
        END { row() }' "$work/golden"
    tail -n 1 "$work/golden"
    grep -A 3 '^ *FAIL' "$work/golden" | cut -c 1-300 || true
}

mps_start()
{
    command -v nvidia-cuda-mps-control >"$work/mps.log" || return 1
    export CUDA_MPS_PIPE_DIRECTORY=$work/mps CUDA_MPS_LOG_DIRECTORY=$work/mps
    mkdir "$work/mps"
    nvidia-cuda-mps-control -d >>"$work/mps.log" 2>&1
}

mps_stop()
{
    [ -n "${CUDA_MPS_PIPE_DIRECTORY:-}" ] || return 0
    echo quit | timeout 10 nvidia-cuda-mps-control >>"$work/mps.log" 2>&1 || true
    unset CUDA_MPS_PIPE_DIRECTORY CUDA_MPS_LOG_DIRECTORY
}

score() # MPS WORKERS IN_FLIGHT: a row of the table.
{
    local rows=$work/rows.jsonl ms same
    rm -rf "$work/out" "$rows"
    timeout 120 "$build/bin/tcet-host" run conf/tcet_snip.ini --set "backend.device=$device" \
        --set "backend.kernels=$kernels" --progress 0 \
        --archs "sample:$((archs + 20))" --workers "$2" --in-flight "$3" --output "$work/out" \
        --export "$rows" --times >"$work/run.log" 2>&1 || tail -n 3 "$work/run.log" >&2
    ms=$([ ! -s "$rows" ] || awk -F '"total":' -v "w=$2" \
        'NR > 20 { s += $2 } END { if (NR > 20) printf "%.1f", 1000 * s / (NR - 20) / w }' "$rows")
    sed -i 's/,"times".*//' "$rows" 2>/dev/null || true
    [ -e "$work/first.jsonl" ] || cp "$rows" "$work/first.jsonl" || true
    same=$(cmp -s "$rows" "$work/first.jsonl" && echo yes || echo no)
    echo "| $1 | $2 | $3 | ${ms:--} | $same |"
}

reference() # A row of the table: the mean of one process.
{
    sed 's/.*"arch":"\([^"]*\)".*/\1/' "$work/first.jsonl" |
        "$python" bench/reference/tcet_snip.py --device "$device" |
        awk 'NR > 20 { s += $2 } END { if (NR > 20) printf "| reference | 1 | 1 | %.1f | |\n", 1000 * s / (NR - 20) }'
}

tcet()
{
    local mps workers flight
    echo "| MPS | workers | in flight | ms an architecture | same scores |"
    echo "| --- | --- | --- | --- | --- |"
    for mps in no yes; do
        if [ $mps = yes ] && ! mps_start; then
            echo "no MPS: $(head -c 200 "$work/mps.log" | grep . || echo no nvidia-cuda-mps-control)" >&2
            break
        fi
        for workers in 1 2 4; do
            for flight in $flights; do
                score $mps $workers "$flight"
            done
        done
        [ $mps = yes ] || reference
    done
    mps_stop
    grep '^backend:' "$work/run.log" || true
}

# ask IN OUT REQUEST: the answer of a process that serves, "-" where there is none.
ask()
{
    local answer=-
    { echo "$3" >&"$1"; } 2>/dev/null || true
    read -r -t 120 answer <&"$2" || true
    echo "${answer:--}"
}

train()
{
    local ours theirs begun=$SECONDS precisions=(f32 tf32 bf16) formats format round batch name arch
    local precision
    [ "$device" != cpu ] || precisions=(f32)
    mkfifo "$work"/{ours,theirs}.{in,out}
    "$build/bin/bench-train" --serve "$device" "$kernels" 1 <"$work/ours.in" >"$work/ours.out" &
    "$python" bench/reference/train.py --serve "$device" "$(nproc)" <"$work/theirs.in" >"$work/theirs.out" &
    exec 3>"$work/ours.in" 4<"$work/ours.out" 5>"$work/theirs.in" 6<"$work/theirs.out"
    : >"$work/steps"
    for ((round = 0; round < rounds; round++)); do
        for batch in 64 256; do
            for precision in "${precisions[@]}"; do
                while IFS='|' read -r name _ arch; do
                    [ $((SECONDS - begun)) -lt "$seconds" ] || break 4
                    ours=$(ask 3 4 "$arch $batch $steps $precision")
                    formats="last plain"
                    [ -z "$quick" ] || formats=$([ "$precision" = f32 ] && echo plain || echo last)
                    theirs=$(for format in $formats; do
                        ask 5 6 "$arch $batch $steps $precision $format"
                    done | grep -v '^-$' | least)
                    echo "$name|$batch|$precision|$ours|${theirs:--}" | tee -a "$work/steps" >&2
                done < <(structures)
            done
        done
    done
    exec 3>&- 4<&- 5>&- 6<&-
    echo "| structure | batch | numbers | images a second | PyTorch's | ours over PyTorch's |"
    echo "| --- | --- | --- | --- | --- | --- |"
    cut -d '|' -f 1-3 "$work/steps" | awk '!seen[$0]++' | while IFS='|' read -r name batch precision; do
        of()
        {
            awk -F '|' -v "k=$name|$batch|$precision" \
                "\$1 FS \$2 FS \$3 == k && \$4 > 0 && \$5 > 0 { print $1 }" "$work/steps"
        }
        printf '| %s | %s | %s | %.0f | %.0f | %s |\n' "$name" "$batch" "$precision" \
            "$(of "$batch / \$4" | spread | cut -d ' ' -f 1)" "$(of "$batch / \$5" | spread | cut -d ' ' -f 1)" \
            "$(of '$5 / $4' | spread)"
    done
}

echo "load average $(cut -d' ' -f1 /proc/loadavg), $(nproc) cores," \
    "$(nvidia-smi --query-gpu=name,driver_version --format=csv,noheader 2>/dev/null || echo no GPU)," \
    "PyTorch $("$python" -c 'import importlib.metadata as m; print(m.version("torch"))')"
for part in "${parts[@]}"; do
    echo
    "$part"
done
