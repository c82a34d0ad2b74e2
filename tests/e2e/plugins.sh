#!/usr/bin/env bash
# plugins.sh BUILD_DIR SOURCE_DIR -- protects people who write plugins: every built-in plugin
# passes the check that theirs must pass; `new` writes folders that build as they are, pass it
# and run; the SDK's examples build against an installation alone, pass it and run.
. "$(dirname "$0")/lib.sh"

quiet_build() # FOLDER CMAKE-OPTION...
{
    cmake -S "$1" -B "$1/build" "${@:2}" && cmake --build "$1/build"
}

# -- Built-in plugins ----------------------------------------------------------------------
mkdir built_in
export host
printf '%s\0' "$build"/lib/tcet/plugins-1/*.so | xargs -0 -P "$(nproc)" -I{} \
    sh -c '"$host" check "$1" >built_in/"$(basename "$1")" 2>&1; echo "code $?" >>built_in/"$(basename "$1")"' - {}
for file in built_in/*; do
    if [ "$(tail -n 1 "$file")" = "code 0" ]; then
        pass "built-in $(basename "$file")"
    else
        fail "built-in $(basename "$file")" "$(grep -A1 '^  FAIL' "$file" | head -c 600)"
    fi
done

# -- check, as a command -------------------------------------------------------------------
run check --list
check "check --list names rules and sentences" \
    grep -qE '^calls +deterministic +The same call gives the same bits' out
run check "$fixtures/bad_layer_silent.so"
check "a broken plugin: exit code 2" test "$code" = 2
check "a broken plugin: the rule, its sentence and the reason" \
    grep -A1 -qE '^  FAIL  ordinary .*a failure says why by host->fail' out
check "a broken plugin: the reason" grep -q 'it failed (numeric) without a message' out
check "a broken plugin: what could not be tried is counted" \
    grep -qE '^  skip  [0-9]+ more rules: not tried after ordinary' out
check "a broken plugin: totals" grep -qE '^9 passed|^[0-9]+ passed, 1 failed, [0-9]+ not tried' out
run check --json --only quiet "$fixtures/bad_layer_print.so"
check "check --json" grep -qE '^\{"file":".*","plugin":"saliency print","rule":"quiet","group":"state","verdict":"FAIL","sentence":".*","reason":"it prints: printed by stem.0"\}$' out
run check --only ordinary --timeout 1 "$fixtures/bad_layer_sleep.so"
check "check --timeout" grep -q 'it did not come back within 1 seconds' out
run check --set file=/dev/null "$fixtures/good_required.so"
check "check --set" test "$code" = 0
refuses "check: no such rule" 'no rule or group "quite" \(did you mean "quiet"\?\); .*check --list' \
    check --only quite "$fixtures/good_minimal.so"
refuses "check: no file" 'which file' check
refuses "check: missing file" 'none.so: No such file' check none.so
refuses "check: a time that is none" 'want a number of seconds' \
    check --timeout soon "$fixtures/good_minimal.so"
refuses "check: a file that is no library" 'CMakeLists.txt: is no ELF file' \
    check "$source/CMakeLists.txt"

# -- new -----------------------------------------------------------------------------------
for kind in saliency aggregator combiner space dataset strategy; do
    name=my_$kind
    one=(--archs index:11) # a search has no list of architectures
    [ $kind != strategy ] || one=()
    run new $kind $name
    check "new $kind" test "$code" = 0
    check "new $kind: three commands" test "$(grep -cE '^(build|check|run):  ' out)" = 3
    # The commands are as good as they say: they are run to the letter.
    check "new $kind: build" bash -c "$(sed -n 's/^build:  //p' out)"
    check "new $kind: check" bash -c "$(sed -n 's/^check:  //p' out)"
    check "new $kind: its own test" ctest --test-dir $name/build
    sed -n 's/^run:    //p' out >command
    rm out # the templates' results go to a folder of this name
    ls $name >sources
    check "new $kind: run" bash -c "$(cat command) ${one[*]} --workers 1 --quiet"
    check "new $kind: run again" bash -c "$(cat command) ${one[*]} --workers 1 --quiet"
    check "new $kind: the source folder holds no results" cmp sources <(ls $name)
    check "new $kind: the results have one of their own" test -f out/${name}_results/scores.db
    rm -rf out
done
check "a saliency is under 40 lines" test "$(wc -l <my_saliency/saliency_my_saliency.c)" -lt 40
run space my_space --plugins my_space/build --random 2
check "space: an out-of-tree one, too" test "$(wc -l <out)" = 2
refuses "new: the folder is there" 'my_space: is there already' new space my_space
check "new: what was there is untouched" test -f my_space/build/space_my_space.so
refuses "new: a bad name" '"My-Proxy" is no name for a plugin: want \[a-z0-9_\]\+' \
    new saliency My-Proxy
refuses "new: a path for a name" 'is no name' new saliency ../up
refuses "new: no such kind" 'no template for "salience" \(did you mean "saliency"\?\)' \
    new salience x
refuses "new: no name" 'something is missing' new saliency
refuses "new: no such folder" 'none/x: No such file' new saliency x --dir none
mkdir "a b"
run new saliency test --dir "a b"
check "new --dir, blanks, a name that CMake keeps for itself" \
    bash -c "$(sed -n 's/^build:  //p' out)"
if [ "$(id -u)" != 0 ]; then # root may write anywhere
    mkdir locked && chmod 555 locked
    refuses "new: no permission" 'locked/x: Permission denied' new saliency x --dir locked
fi

# -- The examples, against an installation -------------------------------------------------
check "install" cmake --install "$build" --prefix "$work/prefix"
cp -r "$source/sdk/examples" examples
for example in examples/*/; do
    name=$(basename "$example")
    check "example $name builds" quiet_build "examples/$name" -DCMAKE_PREFIX_PATH="$work/prefix" \
        -DCMAKE_C_FLAGS="-Wall -Wextra -Wpedantic -Werror"
    code=0
    "$work/prefix/bin/tcet-host" check "examples/$name/build/$name.so" >out 2>err || code=$?
    check "example $name passes" test "$code" = 0
    code=0
    "$work/prefix/bin/tcet-host" run "examples/$name/$name.ini" --archs sample:3 --workers 1 \
        --quiet --output "out_$name" >out 2>err || code=$?
    check "example $name runs" test "$code" = 0
done

finish
