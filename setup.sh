#!/usr/bin/env bash
# setup.sh -- from a bare Debian (12 or later) to a program that ./tcet-host can start: installs the
# packages that are missing and builds build/release.  Safe to repeat.
set -euo pipefail
cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")"

# What CMake asks for.  libtorch-dev brings what its own CMake files look for (glog, gflags,
# protobuf).
packages=(build-essential cmake ninja-build pkgconf libtorch-dev libopenblas-dev liblapacke-dev
          libinih-dev libsqlite3-dev libjansson-dev libpng-dev libjpeg-dev zlib1g-dev)
tests=(libcmocka-dev)
# What docs/cluster.md uses: its MPI module, which is left out where there is no MPI, and tests.
cluster=(libopenmpi-dev openmpi-bin parallel slurm-wlm munge)

usage()
{
    cat <<USAGE
usage: ./setup.sh [--cluster] [--cuda] [--no-install | --packages] [-j N] [-- CMAKE-OPTION...]

Installs what is missing of these Debian packages (as root, or by sudo):
  ${packages[*]}
then configures and builds build/release, which ./tcet-host starts.  ./tcet-host runs this by itself
where nothing is built yet, and ./test.sh adds what tests need.

  --cluster      also ${cluster[*]}:
                 the MPI module is built, and no test of clusters is skipped
  --cuda         for GPUs: libtorch-cuda-dev instead of libtorch-dev, and nvidia-cuda-toolkit,
                 for which its CMake files ask; Debian 13 or later, and contrib and non-free
                 in apt's sources
  --no-install   do not touch packages; build with what is here
  --packages     packages alone, and ${tests[*]} for the tests; nothing is built
  -j N           N compilers at a time (default: the number of cores)
  -- OPTION...   options for cmake, such as -DTCET_WITH_TORCH=OFF
USAGE
}

die()
{
    printf 'setup.sh: %s\n' "$*" >&2
    exit 1
}

# Those of the packages given that apt's lists do not have.
unknown_packages()
{
    local p
    for p; do
        [[ $(LC_ALL=C apt-cache policy "$p" 2>/dev/null) == *"Candidate: "[^\(]* ]] || printf '%s ' "$p"
    done
}

install=1
build=1
jobs=$(nproc)
while [ $# -gt 0 ]; do
    case $1 in
    --cluster) packages+=("${cluster[@]}") ;;
    --cuda) packages=("${packages[@]/libtorch-dev/libtorch-cuda-dev}" nvidia-cuda-toolkit) ;;
    --no-install) install=0 ;;
    --packages) build=0; packages+=("${tests[@]}") ;;
    -j) [ $# -gt 1 ] || die "-j needs a number"
        jobs=$2
        shift ;;
    -j*) jobs=${1#-j} ;;
    -h | --help) usage; exit 0 ;;
    --) shift; break ;;
    *) die "unknown option '$1'; see ./setup.sh --help" ;;
    esac
    shift
done
[[ $jobs =~ ^[1-9][0-9]*$ ]] || die "-j needs a number, not '$jobs'"

missing_packages()
{
    local p
    for p in "${packages[@]}"; do
        case $(dpkg-query -W -f '${db:Status-Status}' "$p" 2>/dev/null) in
        installed) ;;
        *) echo "$p" ;;
        esac
    done
}

install_packages()
{
    local -a missing root=(env)
    local unknown
    command -v apt-get >/dev/null ||
        die "no apt-get here: install the equivalents of '${packages[*]}', then use --no-install;" \
            "see docs/install.md"
    mapfile -t missing < <(missing_packages)
    if [ ${#missing[@]} -eq 0 ]; then
        echo "setup.sh: all packages are installed"
        return
    fi
    if [ "$(id -u)" -ne 0 ]; then
        command -v sudo >/dev/null ||
            die "not root and no sudo: as root, run" \
                "'apt-get install --no-install-recommends ${missing[*]}'; or see docs/install.md"
        root=(sudo env)
    fi
    echo "setup.sh: installing ${missing[*]}"
    root+=(DEBIAN_FRONTEND=noninteractive apt-get -q -y
           -o Acquire::Retries=3 -o DPkg::Lock::Timeout=600)
    # One unreachable source (a third party's, say) need not stop us: install tells.
    "${root[@]}" update || echo "setup.sh: apt-get update failed; trying with the lists at hand" >&2
    unknown=$(unknown_packages "${missing[@]}")
    [ -z "$unknown" ] ||
        die "apt has no ${unknown% } here; docs/install.md says how to take libtorch from elsewhere"
    echo "setup.sh: these are, with what they need:"
    LC_ALL=C apt-get --assume-no --no-install-recommends install "${missing[@]}" 2>/dev/null |
        grep -E '^(Need to get|After this operation|[0-9]+ upgraded)' | sed 's/^/setup.sh:   /' || true
    "${root[@]}" install --no-install-recommends "${missing[@]}" ||
        die "apt-get could not install ${missing[*]} (Debian 12 or later is needed)"
}

[ $install -eq 0 ] || install_packages
[ $build -eq 1 ] || exit 0
command -v cmake >/dev/null || die "cmake is missing; run ./setup.sh without --no-install"
command -v ninja >/dev/null || die "ninja is missing; run ./setup.sh without --no-install"

echo "setup.sh: building build/release with $jobs compilers; on two cores that takes a minute or two"
cmake --preset release -DTCET_TESTS=OFF "$@" || die "cmake could not configure build/release"
cmake --build --preset release -j "$jobs" || die "the build failed"
[ -x build/release/bin/tcet-host ] || die "the build made no build/release/bin/tcet-host"
echo "setup.sh: ready: ./tcet-host"
