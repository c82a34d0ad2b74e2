#!/usr/bin/env bash
# tests/fresh/cuda.sh -- the torch backend with CUDA's libtorch, without a GPU: builds it on a
# bare Debian 13 as README.md says, shows what it is linked with, and that a device that is not
# there is a mistake like others; runs the tests of the backend on the CPU.  It changes the
# system: run it by `debian.sh trixie cuda`.
#
# libtorch wants cuDNN, which Debian's package fetches from its maker once the licence is agreed
# to.  Nobody here agrees: a library of its names, which must not be called, takes its place.
set -euo pipefail
cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/../.."

stand_in() # LIBRARY WHERE: for the symbols that libtorch takes from LIBRARY
{
    objdump -T "$2/libtorch_cuda.so" | awk -v version="($1)" '
        BEGIN { print "#include <stdlib.h>" }
        $5 == version { print "void " $6 "(void) { abort(); }" }' >stand_in.c
    echo "$1 { *; };" >stand_in.map
    cc -shared -fPIC -Wl,-soname,"$1" -Wl,--version-script=stand_in.map -o "$2/$1" stand_in.c
    rm stand_in.c stand_in.map
    ldconfig
}

sed -i 's/ main$/ main contrib non-free/' /etc/apt/sources.list
echo 'nvidia-cudnn nvidia-cudnn/question select I Decline' | debconf-set-selections
./setup.sh --cuda -- -DTCET_WITH_TORCH=ON -DTCET_WERROR=ON
stand_in libcudnn.so.9 "/usr/lib/$(cc -print-multiarch)"

echo "== linked with"
readelf -d build/release/lib/tcet/backend_torch_impl.so | grep NEEDED | tee needed
grep -q 'libtorch_cuda\.so' needed
grep -q 'libc10_cuda\.so' needed

echo "== a device that is not there"
code=0
./tcet-host run conf/tcet_snip.ini --set backend.device=cuda:0 >out 2>err || code=$?
cat out err
echo "exit code $code"
[ $code -eq 2 ] && [ ! -s out ] && [ "$(wc -l <err)" -eq 1 ]
rm needed out err

echo "== tests"
./test.sh -- -R 'backend_torch|e2e_errors'
