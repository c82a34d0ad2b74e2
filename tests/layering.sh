#!/usr/bin/env bash
# tests/layering.sh SOURCE_DIR [BUILD_DIR] -- protects the rooms of docs/architecture.md: who
# includes whom, and nobody in a circle, that libtorch and BLAS stay in their own modules, that a
# plugin exports its entry and nothing else, and that the executable itself carries none of them.
set -uo pipefail
source_dir=${1:?usage: layering.sh SOURCE_DIR [BUILD_DIR]}
build_dir=${2:-}
failures=0

fail()
{
    echo "layering: $*" >&2
    failures=$((failures + 1))
}

iso='assert|complex|ctype|errno|fenv|float|immintrin|inttypes|limits|math|setjmp|signal|stdalign'
iso+='|stdarg|stdatomic|stdbool|stddef|stdint|stdio|stdlib|stdnoreturn|string|time|wchar'
posix='dirent|dlfcn|elf|fcntl|fnmatch|ftw|getopt|glob|libgen|link|locale|malloc|poll|pthread|regex|sched'
posix+='|spawn|strings|termios|unistd|sys/[a-z]+'
sdk='<tcet/[a-z/]+\.h>'
libc="<($iso|$posix)\.h>"

# Every #include in FOLDER's FILES, but for those named BUT, must match ALLOWED, an extended regular
# expression.
room() # FOLDER FILES ALLOWED [BUT]
{
    local folder=$1 files=$2 allowed=$3 but=${4:-} line
    while IFS= read -r line; do
        fail "$folder may not include this: $line"
    done < <(cd "$source_dir" && find "$folder" -name "$files" ! -name "$but" -type f -print0 2>/dev/null |
        xargs -0r grep -HnE '^[[:space:]]*#[[:space:]]*include' |
        grep -vE "include[[:space:]]*($allowed)")
}

core() # ROOM "ROOMS IT MAY INCLUDE" [FOREIGN HEADERS]
{
    local name=$1 own="\"($1/)?[a-z0-9_]+\.([ch]|def)\"" others=${2// /|}
    room "core/$name" '*.[ch]' "$sdk|$libc|$own${others:+|\"($others)/[a-z0-9_]+\.h\"}${3:+|$3}"
    ruled+=" core/$name "
}

ruled=""
room sdk/include '*.h' "$sdk|<std(def|int)\.h>" failf.h
room sdk/include 'failf.h' "$sdk|<std(arg|io)\.h>"
core base ""
core result "base"
core config "base" '<ini\.h>'
core num "base"
core linalg "" '"(num/linalg|base/error)\.h"|<(cblas|lapacke)\.h>'
core mpi "" '"(proc/mpi|base/error)\.h"|<mpi\.h>'
core plugin "result config num base" '<jansson\.h>'
core graph "num base"
core net "graph num base"
core table "base" '<zlib\.h>'
core train "net plan plugin result config graph num base"
core store "result base" '<sqlite3\.h>'
core proc "base"
core report "result num base"
core plan "plugin result config graph table num base"
core score "plan plugin result config graph num base"
core search "score plan plugin result config graph table num base"
core run "net search score train plan plugin result config graph table store proc num base"
core check "plugin result config graph proc num base"
core cli "net run search score plan report check plugin result config graph table train store proc num base"
for kind in saliency aggregator combiner strategy; do
    room plugins/$kind '*.[ch]' "$sdk|$libc"
done
room plugins/dataset '*.[ch]' "$sdk|$libc|\"common/[a-z]+\.h\"|<(zlib|png|jpeglib|jerror)\.h>"
room plugins/backend '*.c' "$sdk|$libc|\"[a-z0-9_]+\.(h|inc)\""
room plugins/backend '*.inc' "$sdk|$libc|\"[a-z0-9_]+\.inc\""
room plugins/backend '*.h' "$sdk|$libc|\"[a-z0-9_]+\.h\""
room plugins/backend '*.cc' "$sdk|$libc|\"[a-z0-9_]+\.h\"|<[a-z_]+>|<(torch|ATen|c10)/[A-Za-z0-9_/]+\.h>"
room spaces '*.[ch]' "$sdk|$libc|\"((family|onnx)/)?[a-z0-9_]+\.(h|inc)\""

# Python stands on its standard library; what else it reads it asks for where it needs it.
python='argparse|array|collections|copy|csv|functools|inspect|json|mmap|numbers|os|queue|re|shutil|signal|socket'
python+='|struct|subprocess|sys|tempfile|threading|traceback|warnings|weakref'
while IFS= read -r line; do
    fail "sdk/python may not import this: $line"
done < <(cd "$source_dir" && grep -HnE '^[[:space:]]*(import|from) ' sdk/python/tcet/*.py |
    grep -vE ":[0-9]+:(import ($python)|from ($python)(\.[a-z]+)?  *import .*|from \.[a-z_]* import .*)$" |
    grep -vE ':[0-9]+:[[:space:]]+import (numpy|pandas|torch)$')

# No circles: neither of rooms, nor of files of core that have a source and a header, counted as
# one.  Headers without a source (internal.h) are a room's own, and go through to all its files.
includes() # lines "room/file room/file"
{
    local from to
    while read -r from to; do
        [[ $to == */* ]] || to=${from%/*}/$to
        [ "$from" = "$to" ] || [ ! -f "$source_dir/core/$to.c" ] || echo "$from $to"
    done < <(cd "$source_dir/core" &&
        grep -HoE '^[[:space:]]*#[[:space:]]*include[[:space:]]*"[a-z0-9_/]+\.h"' -- */*.[ch] |
        sed -E 's/^([^:]*)\.[ch]:.*"([^"]*)\.h"/\1 \2/')
}

acyclic() # WHAT: edges on standard input
{
    local found
    found=$(tsort 2>&1 >/dev/null | sed -n 's/^tsort: //p' | grep -v 'contains a loop' | tr '\n' ' ')
    [ -z "$found" ] || fail "$1 that include each other in a circle: $found"
}
acyclic files < <(includes | sort -u)
acyclic rooms < <(includes | sed -E 's,/[^ ]*,,g' | awk '$1 != $2' | sort -u)

# A new room must get its rule here and its line in the table.
for folder in "$source_dir"/core/*/; do
    name=core/$(basename "$folder")
    [[ $ruled == *" $name "* ]] || fail "$name has no rule in tests/layering.sh"
    grep -qF "| \`$name\` |" "$source_dir/docs/architecture.md" ||
        fail "$name is not in the table of docs/architecture.md"
done

needed() # FILE: the libraries it asks for
{
    readelf -dW "$1" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p'
}

exported() # FILE: the symbols it defines for others, less what the linker itself adds
{
    nm -D --defined-only "$1" | awk '$2 != "A" { print $3 }'
}

check_executable()
{
    local host=$build_dir/bin/tcet-host lib symbols
    [ -x "$host" ] || { fail "$host is not built"; return; }
    for lib in $(needed "$host"); do
        [[ $lib =~ blas|lapack|mpi|torch|c10|stdc\+\+|gomp|omp ]] && fail "tcet-host needs $lib"
    done
    # Plugins reach the host by its table alone.
    symbols=$(nm -D --defined-only "$host" | awk '$2 == "T" && $3 !~ /^_/ { print $3 }' | tr '\n' ' ')
    [ -z "$symbols" ] || fail "tcet-host exports $symbols"
}

check_plugins()
{
    local plugin count=0 symbols lib called allowed
    for plugin in "$build_dir"/lib/tcet/plugins-1/*.so; do
        [ -f "$plugin" ] || continue
        count=$((count + 1))
        symbols=$(exported "$plugin" | tr '\n' ' ')
        [ "$symbols" = "tcet_module_v1 " ] ||
            fail "$(basename "$plugin") exports '$symbols', not tcet_module_v1 alone"
        allowed=pthread_create # what no plugin may call, but for the one that decodes in threads
        [[ $plugin != */dataset_images.so ]] || allowed=-
        for lib in $(needed "$plugin"); do
            [[ $plugin == */dataset_* && $lib =~ ^lib(z|png16|jpeg)\.so ]] && continue
            [[ $lib =~ ^(libc|libm|libasan|libubsan|libtsan|libgcc_s|ld-linux.*)\.so ]] ||
                fail "$(basename "$plugin") needs $lib"
        done
        called=$(nm -D --undefined-only "$plugin" | awk '{ sub(/@.*/, "", $2); print $2 }' |
            grep -xE '(__)?(v?printf|puts|putchar|perror)(_chk)?|exit|_exit|abort|fork|system|'$allowed |
            tr '\n' ' ')
        [ -z "$called" ] || fail "$(basename "$plugin") calls $called"
    done
    [ $count -gt 0 ] || fail "no plugins in $build_dir/lib/tcet/plugins-1"
}

check_entry() # MODULE SYMBOL: a private module, where it is built, exports its entry alone
{
    local module=$build_dir/lib/tcet/$1
    [ ! -f "$module" ] || [ "$(exported "$module")" = "$2" ] || fail "$1 exports more than $2"
}

if [ -n "$build_dir" ]; then
    check_executable
    check_plugins
    check_entry tcet-linalg.so tcet_linalg_v1
    check_entry tcet-mpi.so tcet_mpi_v1
    check_entry backend_torch_impl.so tcet_torch_impl_v1
fi
[ $failures -eq 0 ] && echo "layering: the rooms are kept"
[ $failures -eq 0 ]
