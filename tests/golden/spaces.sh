#!/usr/bin/env bash
# spaces.sh BUILD_DIR SOURCE_DIR -- protects fidelity in every space: the networks, their weights and
# their scores are those of the official PyTorch code, layer by layer, in float64
# (tests/data/golden/SPACE.jsonl, or SPACE.KEY=VALUE[,KEY=VALUE...].jsonl of a space with those parameters, or
# with `data.` before the key, of the images).
. "$(dirname "$0")/../e2e/lib.sh"

compare=$build/bin/golden_compare

# The value of a number's key in a record.
number_of() { sed 's/.*"'"$1"'": \([0-9]*\).*/\1/' <<<"$2"; }

# TCET_GOLDEN_LIGHT: the first record of each alone, and of the two TransNAS spaces, whose tasks have the same
# heads, micro's tasks alone, for builds in which all code runs slowly.
for file in "$source"/tests/data/golden/*.jsonl; do
    name=$(basename "$file" .jsonl) n=0
    case $name in
    readings.* | nats_tss) continue ;; # golden.sh's
    transnas_macro.*) [ -z "${TCET_GOLDEN_LIGHT:-}" ] || continue ;;
    esac
    while IFS= read -r record; do
        n=$((n + 1))
        [ -z "${TCET_GOLDEN_LIGHT:-}" ] || [ $n = 1 ] || break
        sed 's/^{"arch": "\(\([^"\\]\|\\.\)*\)".*/\1/; s/\\"/"/g' <<<"$record" >arch
        options=()
        IFS=, read -ra settings <<<"${name#"${name%%.*}"}"
        for setting in "${settings[@]#.}"; do
            [[ $setting = data.* ]] || setting=space.$setting
            options+=(--set "$setting")
        done
        run run "$source/conf/golden.ini" --set "run.space=${name%%.*}" \
            --set "run.classes=$(number_of C "$record")" \
            --set "data.resolution=$(number_of R "$record")" \
            --set "data.batch=$(number_of batch "$record")" "${options[@]}" \
            --archs file:arch --output "out.$name.$n" --layers --export got.jsonl --quiet
        check "$name, record $n, is scored" test "$code" = 0
        echo "$record" >want.jsonl
        digits=6
        [[ $record != *'"digits"'* ]] || digits=$(number_of digits "$record")
        if "$compare" want.jsonl got.jsonl 'total:zen=1e-4' "total:*=1e-$digits" "layer:*=1e-$digits" >table; then
            pass "$name, record $n: the official code's values"
        else
            fail "$name, record $n: the official code's values"
            grep -v '^ok' table | cut -c 1-300 | sed 's/^/     /'
        fi
    done <"$file"
done
finish
