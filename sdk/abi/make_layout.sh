#!/usr/bin/env bash
# sdk/abi/make_layout.sh [FILE | --all] -- writes the layout of the stable headers, as they are now, as
# C assertions: one a field of every struct, one an enumerator, less what the files of older versions
# say already.  FILE defaults to sdk/abi/layout_MAJOR_MINOR.c; --all prints every assertion.  Run it
# when the ABI under development changes; the file of a released version is never written again.
set -euo pipefail
here=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
include=$(readlink -f "$here/../include")
cc=${CC:-cc}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

number() # MAJOR or MINOR
{
    sed -n "s/^#define TCET_ABI_$1 \([0-9]*\)$/\1/p" "$include/tcet/plugin.h"
}

version=$(number MAJOR)_$(number MINOR)
file=${1:-$here/layout_$version.c}

# "field STRUCT FIELD" and "value ENUMERATOR" lines, in the headers' order.
declared()
{
    sed -n 's/^#include <\(tcet\/.*\)>$/\1/p' "$include/tcet/tcet.h" |
        while IFS= read -r header; do
            cat "$include/$header"
        done | awk '
        directive || /^#/ { directive = /\\$/; next } # macros, with their continuation lines
        { text = text " " $0 }
        END {
            while (match(text, /\/\*([^*]|\*+[^*\/])*\*+\//))
                text = substr(text, 1, RSTART - 1) " " substr(text, RSTART + RLENGTH)
            while (match(text, /(enum|struct [a-z_]+)[ ]*[{][^{}]*[}]/)) {
                found = substr(text, RSTART, RLENGTH)
                text = substr(text, RSTART + RLENGTH)
                block(found)
            }
        }
        function block(b,    head, body, part, n, i)
        {
            head = b
            sub(/[ ]*[{].*/, "", head)
            body = b
            sub(/^[^{]*[{]/, "", body)
            sub(/[}]$/, "", body)
            n = split(body, part, head == "enum" ? "," : ";")
            for (i = 1; i <= n; i++) {
                if (head == "enum")
                    enumerator(part[i])
                else
                    declaration(substr(head, 8), part[i])
            }
        }
        function enumerator(text)
        {
            if (match(text, /[A-Z_0-9]+/))
                print "value", substr(text, RSTART, RLENGTH)
        }
        function declaration(type, text,    part, n, i)
        {
            if (match(text, /\(\*[A-Za-z_0-9]+\)/)) { # a function pointer: its commas are inside
                print "field", type, substr(text, RSTART + 2, RLENGTH - 3)
                return
            }
            n = split(text, part, ",")
            for (i = 1; i <= n; i++) {
                sub(/\[.*/, "", part[i])
                if (match(part[i], /[A-Za-z_0-9]+[ ]*$/)) {
                    sub(/[ ]+$/, "", part[i])
                    sub(/.*[^A-Za-z_0-9]/, "", part[i])
                    print "field", type, part[i]
                }
            }
        }'
}

# The compiler knows the numbers: a program that prints the assertions.
{
    cat <<'HEAD'
#include <stddef.h>
#include <stdio.h>
#include <tcet/tcet.h>
#define FROZEN(type) \
    printf("_Static_assert(sizeof(" #type ") == %zu, \"" #type " grew\");\n", sizeof(type))
#define FIELD(type, field) \
    printf("FIELD(" #type ", " #field ", %zu, %zu);\n", offsetof(type, field), \
           sizeof(((type *)0)->field))
#define VALUE(name) printf("VALUE(" #name ", %lld);\n", (long long)name)
int main(void)
{
FROZEN(tcet_view);
FROZEN(tcet_param);
HEAD
    declared | awk '
        $2 != last && !($1 == "value" && was == "value") { print "puts(\"\");" }
        { last = $2; was = $1 }
        $1 == "field" { printf "FIELD(%s, %s);\n", $2, $3 }
        $1 == "value" { printf "VALUE(%s);\n", $2 }'
    echo 'return 0; }'
} >"$work/print.c"
"$cc" -std=c11 -I"$include" -o "$work/print" "$work/print.c"

older=()
for layout in $(find "$here" -name 'layout_*.c' | sort -V); do
    [ "$layout" = "$here/layout_$version.c" ] || older+=("$layout")
done
if [ "$file" = --all ]; then
    "$work/print"
    exit
fi
{
    printf '/* What plugin ABI %s adds: a binary plugin built against it relies on every line here and in the\n' "${version/_/.}"
    printf ' * older ones.  Written by sdk/abi/make_layout.sh, checked by sdk/abi/check.sh.  Room: sdk. */\n'
    printf '#include "%s"\n' "$(basename "${older[-1]}")"
    "$work/print" | grep -vxFf <(cat "${older[@]}") | grep -v '^_Static_assert' | cat -s
} >"$file"
