#!/usr/bin/env bash
# tests/consumer/consumer.sh BUILD_DIR CC [SANITIZERS] -- protects people who install: the
# installation works after it was moved, and a project that knows nothing but the installed SDK
# builds a plugin for it by CMake and by one cc command, which the installed host loads.
set -euo pipefail
here=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
build=${1:?usage: consumer.sh BUILD_DIR CC [SANITIZERS]}
cc=${2:?usage: consumer.sh BUILD_DIR CC [SANITIZERS]}
sanitize=${3:-}
flags=(-Wall -Wextra -Wpedantic -Werror)
[ -z "$sanitize" ] || flags+=("-fsanitize=$sanitize")

fail()
{
    echo "consumer: $*" >&2
    exit 1
}

work=$build/consumer
rm -rf "$work"
mkdir -p "$work/home" "$work/by_cc"
export XDG_CACHE_HOME=$work/home
unset TCET_PLUGIN_PATH

cmake --install "$build" --prefix "$work/first" >"$work/install.log"
mv "$work/first" "$work/prefix"
prefix=$work/prefix
for part in bin/tcet-host lib/tcet/tcet-linalg.so include/tcet/tcet.h lib/pkgconfig/tcet-sdk.pc \
    lib/cmake/tcet-sdk/TcetPlugin.cmake lib/cmake/tcet-sdk/plugin.map \
    share/tcet/conf share/tcet/tables share/tcet/data share/tcet/templates \
    lib/python3/dist-packages/tcet/__init__.py share/doc/tcet-host/writing-a-plugin.md; do
    [ -e "$prefix/$part" ] || fail "the installation lacks $part"
done
if command -v python3 >/dev/null; then
    found=$(PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=$prefix/lib/python3/dist-packages \
        python3 -c 'import tcet; print(tcet.host())')
    [ "$found" = "$prefix/bin/tcet-host" ] || fail "the installed Python package starts $found"
fi
if grep -rIlF "$build" "$prefix/lib/cmake" "$prefix/lib/pkgconfig"; then
    fail "these files of the installation name the build folder"
fi

cmake -G Ninja -S "$here" -B "$work/by_cmake" -DCMAKE_PREFIX_PATH="$prefix" \
    -DCMAKE_C_COMPILER="$cc" -DCMAKE_C_FLAGS="${flags[*]}" -DTCET_SANITIZE="$sanitize" >"$work/cmake.log"
cmake --build "$work/by_cmake" >>"$work/cmake.log"

export PKG_CONFIG_PATH=$prefix/lib/pkgconfig
pkg-config --atleast-version=1.0 tcet-sdk || fail "pkg-config knows no tcet-sdk 1.0"
[ -d "$(pkg-config --variable=plugindir tcet-sdk)" ] || fail "tcet-sdk.pc: plugindir is no folder"
# shellcheck disable=SC2046 # the flags are words
"$cc" "${flags[@]}" -shared -fPIC $(pkg-config --cflags tcet-sdk) \
    -o "$work/by_cc/saliency_tiny.so" "$here/saliency_tiny.c" -lm

for way in by_cmake by_cc; do
    TCET_PLUGIN_PATH=$work/$way "$prefix/bin/tcet-host" info tiny >"$work/info" ||
        fail "the installed host does not know the plugin built $way"
    grep -q power "$work/info" || fail "info does not print the parameter of the plugin built $way"
done

# Installed like a plugin of the host's own, it needs no variable.
cmake --install "$work/by_cmake" >>"$work/install.log"
"$prefix/bin/tcet-host" info tiny >/dev/null || fail "an installed plugin is not found"

# |w|^0 summed counts the weights: 71,... are all those of the network.
if [ -f "$prefix/lib/tcet/backend_torch_impl.so" ]; then
    "$prefix/bin/tcet-host" score --json "$here/tiny.ini" index:0 >"$work/score"
    cat "$work/score"
fi
echo "consumer: ok"
