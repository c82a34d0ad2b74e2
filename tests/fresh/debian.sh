#!/usr/bin/env bash
# tests/fresh/debian.sh SUITE [TRIAL [FOLDER]] -- a day on a bare Debian (bookworm, trixie):
# debootstraps it, clones this repository's HEAD into it, and there runs, as TRIAL says,
#   newcomer  the main job, which sets itself up, and test.sh (the default);
#   ci        .ci/run;
#   cuda      cuda.sh: the torch backend with CUDA's libtorch;
# prints the seconds of each.  Root only; needs debootstrap, git and Debian's archive.  FOLDER
# (default /var/tmp/tcet-fresh) keeps SUITE, the bare system, for the next trial, and
# SUITE.TRIAL.log; the system of the trial itself is removed.
set -euo pipefail
suite=${1:?usage: debian.sh SUITE [newcomer | ci | cuda [FOLDER]]}
trial=${2:-newcomer}
folder=${3:-/var/tmp/tcet-fresh}
repo=$(git -C "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")" rev-parse --show-toplevel)

die()
{
    printf 'debian.sh: %s\n' "$*" >&2
    exit 1
}

[ "$(id -u)" -eq 0 ] || die "needs root (debootstrap, chroot)"
[[ $suite =~ ^[a-z]+$ ]] || die "'$suite' is no name of a Debian suite"
[[ $trial =~ ^(newcomer|ci|cuda)$ ]] || die "'$trial' is no trial: newcomer, ci, cuda"

# A mount namespace and a pid namespace of our own: nothing stays mounted or running.
if [ -z "${TCET_FRESH_INSIDE:-}" ]; then
    mkdir -p "$folder"
    if [ ! -e "$folder/$suite/etc/debian_version" ]; then
        command -v debootstrap >/dev/null || die "debootstrap is missing"
        debootstrap --variant=minbase "$suite" "$folder/$suite.part"
        mv "$folder/$suite.part" "$folder/$suite"
    fi
    TCET_FRESH_INSIDE=1 exec unshare --mount --pid --fork --kill-child \
        "$0" "$suite" "$trial" "$folder"
fi

root=$folder/$suite.$trial
rm -rf --one-file-system "$root"
cp -a "$folder/$suite" "$root"
cp /etc/resolv.conf "$root/etc/resolv.conf"
mount -t proc proc "$root/proc"
for tree in dev sys; do # of sys, slurmd wants the control groups
    mount --rbind /$tree "$root/$tree"
done
git clone -q "file://$repo" "$root/root/tcet-host"

seconds=()
timed() # NAME COMMAND: runs it in the clone, inside
{
    local start=$SECONDS
    printf '\n==== %s: %s\n' "$1" "$2"
    chroot "$root" env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin TERM=dumb \
        bash -c "cd /root/tcet-host && $2" </dev/null || die "$1 failed"
    seconds+=("$(printf '%-10s %5d s   %s' "$1" $((SECONDS - start)) "$2")")
}

{
    case $trial in
    newcomer)
        timed job './tcet-host run conf/tcet_snip.ini'
        timed again './tcet-host run conf/tcet_snip.ini --resume'
        timed tests ./test.sh
        ;;
    ci) timed ci .ci/run ;;
    cuda) timed cuda tests/fresh/cuda.sh ;;
    esac
    printf '\n==== Debian %s (%s), %s cores, commit %s\n' "$(cat "$root/etc/debian_version")" "$suite" \
        "$(nproc)" "$(git -C "$repo" rev-parse --short HEAD)"
    printf '%s\n' "${seconds[@]}"
} 2>&1 | tee "$folder/$suite.$trial.log"
umount -R "$root/dev" "$root/sys" "$root/proc"
rm -rf --one-file-system "$root"
