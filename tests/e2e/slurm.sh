#!/usr/bin/env bash
# slurm.sh BUILD_DIR SOURCE_DIR -- protects the Slurm recipes of docs/cluster.md: a job array of shards,
# merged, gives the bytes of a run on one machine, and so do the ranks of one job under mpirun.
# Starts a cluster of this one machine from Debian's slurm-wlm and munge, as the user who calls
# it, with files in a folder of its own; skips, saying why, where that cannot be.
. "$(dirname "$0")/lib.sh"

skip()
{
    echo "SKIP slurm: $*"
    exit 0
}

for tool in munged slurmctld slurmd sbatch; do
    PATH=$PATH:/usr/sbin command -v $tool >/dev/null || skip "no $tool (apt-get install slurm-wlm munge)"
done
PATH=$PATH:/usr/sbin

daemons=()
stop_all()
{
    local d
    for d in "${daemons[@]}"; do
        kill "$d" 2>/dev/null
    done
    wait 2>/dev/null
    rm -rf "$work"
}
trap stop_all EXIT

# -- Credentials ------------------------------------------------------------------------------
chmod 755 "$work"
mkdir -m 755 munge state spool
head -c 128 /dev/urandom >munge/key && chmod 600 munge/key
munged --foreground --force --key-file="$work/munge/key" --socket="$work/munge/socket" \
    --pid-file="$work/munge/pid" --seed-file="$work/munge/seed" --log-file="$work/munge/log" \
    >munged.out 2>&1 &
daemons+=($!)
for _ in $(seq 100); do
    [ -S munge/socket ] && break
    sleep 0.05
done
[ -S munge/socket ] || skip "munged does not start: $(tail -n 1 munge/log munged.out 2>/dev/null)"

# -- The cluster ------------------------------------------------------------------------------
# Two ports that nobody listens on.
port=$((20000 + $$ % 20000))
cat >slurm.conf <<EOF
ClusterName=tcet
SlurmctldHost=$(hostname -s)(127.0.0.1)
SlurmctldPort=$port
SlurmdPort=$((port + 1))
SlurmUser=$(id -un)
SlurmdUser=$(id -un)
AuthInfo=socket=$work/munge/socket
StateSaveLocation=$work/state
SlurmdSpoolDir=$work/spool
SlurmctldPidFile=$work/slurmctld.pid
SlurmdPidFile=$work/slurmd.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerParameters=sched_interval=1
MpiDefault=none
ReturnToService=2
SlurmdParameters=config_overrides
NodeName=$(hostname -s) NodeAddr=127.0.0.1 CPUs=4 Boards=1 SocketsPerBoard=1 CoresPerSocket=4 ThreadsPerCore=1 State=UNKNOWN
PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP
EOF
export SLURM_CONF=$work/slurm.conf
slurmctld -D >slurmctld.log 2>&1 &
daemons+=($!)
slurmd -D >slurmd.log 2>&1 &
daemons+=($!)
for _ in $(seq 100); do
    [ "$(sinfo -h -o %t 2>/dev/null)" = idle ] && break
    sleep 0.2
done
[ "$(sinfo -h -o %t 2>/dev/null)" = idle ] ||
    skip "no idle node: $(grep -hE 'error|fatal' slurmctld.log slurmd.log | tail -n 1)"

# -- A job array ------------------------------------------------------------------------------
cat >run.ini <<'EOF'
[run]
space  = nats_tss
archs  = sample:30
output = results
[metric macs]
saliency   = macs
aggregator = sum
[metric weights]
saliency   = weight
aggregator = snr
[score rank]
combiner = rankave
metrics  = macs, weights
EOF
run run run.ini --output whole --export whole.jsonl --layers --quiet
check "a run on one machine" test $code = 0

cat >array.sh <<EOF
#!/bin/sh
#SBATCH --array=1-4 --cpus-per-task=1 --output=array-%a.log
exec "$host" run run.ini --shard auto --quiet
EOF
timeout 300 sbatch --wait array.sh >out 2>err
code=$?
check "job array: all tasks succeed" test $code = 0
check "job array: four shards" test -d results/shard-1-of-4 -a -d results/shard-4-of-4
run merge results results/shard-*-of-4
check "job array: merged" test $code = 0
run export results array.jsonl --layers
check "job array: the same bytes" cmp whole.jsonl array.jsonl

# -- Ranks in a job ---------------------------------------------------------------------------
# What the MPI library leaks is not ours.
export ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0
if [ -f "$build/lib/tcet/tcet-mpi.so" ] && command -v mpirun >/dev/null; then
    cat >ranks.sh <<EOF
#!/bin/sh
#SBATCH --ntasks=3 --output=ranks.log
export OMPI_MCA_btl_vader_single_copy_mechanism=none
exec mpirun --allow-run-as-root "$host" run run.ini --output ranks --export ranks.jsonl --layers
EOF
    timeout 300 sbatch --wait ranks.sh >out 2>err
    code=$?
    cat ranks.log >>err
    check "ranks in a job: exit code 0" test $code = 0
    check "ranks in a job: as many as it has tasks" grep -q '(3 workers)' ranks.log
    check "ranks in a job: the same bytes" cmp whole.jsonl ranks.jsonl
fi
finish
