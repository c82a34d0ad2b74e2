#!/usr/bin/env bash
# sdk/abi/check.sh [CC] -- protects binary plugins: the headers keep the layout of every
# version in sdk/abi, and the layout file of the version under development is complete.
set -uo pipefail
here=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
cc=${1:-cc}
failures=0

for file in "$here"/layout_*.c; do
    "$cc" -std=c11 -Wall -Wextra -Wpedantic -Werror -fsyntax-only -I"$here/../include" "$file" || {
        echo "FAILED: the headers break ${file##*/}" >&2
        failures=$((failures + 1))
    }
done
# Every assertion of the headers as they are stands in a file, and no file says more.
assertions() { grep -hE '^(FIELD|VALUE)\(' "$@" | sort; }
newest=$(find "$here" -name 'layout_*.c' | sort -V | tail -n 1)
if ! all=$(CC=$cc "$here/make_layout.sh" --all) ||
    ! diff <(assertions "$here"/layout_*.c) <(assertions - <<<"$all"); then
    echo "FAILED: ${newest##*/} is not the headers' layout; write it with sdk/abi/make_layout.sh" >&2
    failures=$((failures + 1))
fi
[ $failures -eq 0 ]
