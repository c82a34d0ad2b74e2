#!/usr/bin/env bash
# tests/headertest/headers.sh INCLUDE_DIR [CC [CXX]] -- protects plugin authors: every SDK
# header compiles alone, included twice, without a warning, in every language level that the
# SDK promises.
set -uo pipefail
include=${1:?usage: headers.sh INCLUDE_DIR [CC [CXX]]}
cc=${2:-cc}
cxx=${3:-c++}
warnings=(-Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror)
headers=0
failures=0

check() # COMPILER LANGUAGE STANDARD HEADER
{
    printf '#include <%s>\n#include <%s>\n' "$4" "$4" |
        "$1" -x "$2" -std="$3" "${warnings[@]}" -fsyntax-only -I"$include" - || {
        echo "FAILED: <$4> as $3" >&2
        failures=$((failures + 1))
    }
}

while IFS= read -r header; do
    headers=$((headers + 1))
    for standard in c11 c17; do
        check "$cc" c $standard "$header"
    done
    for standard in c++11 c++17 c++20; do
        check "$cxx" c++ $standard "$header"
    done
done < <(cd "$include" && find tcet -name '*.h' | sort)

# tcet.h is the stable whole: it includes every header but the drafts, and failf.h, which is no part
# of the ABI and needs stdio.
while IFS= read -r header; do
    printf '#include <tcet/tcet.h>\n' | "$cc" -x c -std=c11 -I"$include" -M - |
        grep -qF "$include/$header" || {
        echo "FAILED: <tcet/tcet.h> lacks <$header>" >&2
        failures=$((failures + 1))
    }
done < <(cd "$include" && find tcet -maxdepth 1 -name '*.h' ! -name failf.h | sort)
if printf '#include <tcet/tcet.h>\n' | "$cc" -x c -std=c11 -I"$include" -M - | grep -qF /draft/; then
    echo "FAILED: <tcet/tcet.h> includes a draft" >&2
    failures=$((failures + 1))
fi

echo "$headers headers, $failures failures"
[ $headers -gt 0 ] && [ $failures -eq 0 ]
