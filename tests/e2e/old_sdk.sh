#!/usr/bin/env bash
# old_sdk.sh BUILD_DIR SOURCE_DIR -- protects people who have built plugins already: what was built
# against the headers of ABI 1.1 loads as it is, passes the check, and gives the values that it gave.
. "$(dirname "$0")/lib.sh"

old=$source/tests/data/sdk_1_1

# same_numbers OLD NEW: CSV whose first columns are OLD's, but for differences of 1e-9 in numbers; an export
# of today has accuracies behind them.
same_numbers()
{
    awk -F, 'NR == FNR { line[FNR] = $0; lines = FNR; next }
             { n = split(line[FNR], want, ",")
               if (n < 5 || n > NF) exit 1
               for (i = 1; i <= n; i++) {
                   far = $i - want[i]; size = want[i] < 0 ? -want[i] : want[i]
                   if ($i != want[i] && (far < 0 ? -far : far) > 1e-9 * size) exit 1
               } }
             END { if (FNR != lines) exit 1 }' "$1" "$2"
}

cp -r "$source/sdk/examples" examples
for example in examples/*/; do
    name=$(basename "$example")
    mkdir "examples/$name/build"
    check "example $name builds with the old headers" cc -std=c11 -O2 -fPIC -shared \
        -fvisibility=hidden -I"$old" -o "examples/$name/build/$name.so" "examples/$name/$name.c" -lm
    run check "examples/$name/build/$name.so"
    check "example $name passes" test "$code" = 0
    run run "examples/$name/$name.ini" --archs first:2 --workers 1 --quiet --output "out_$name" \
        --set backend.precision=f64
    check "example $name runs" test "$code" = 0
    run export "out_$name" "$name.csv"
    check "example $name gives its old values" same_numbers "$old/$name.csv" "$name.csv"
done

finish
