#!/usr/bin/env bash
# A SLURM cluster of one node, this machine, for the tests: run as root on Debian or Ubuntu with slurm-wlm and munge installed.
#   scripts/setup-slurm.sh start FOLDER   starts munged, slurmctld and slurmd, their state in FOLDER; prints the line to export
#   scripts/setup-slurm.sh stop FOLDER    ends what start began
set -euo pipefail
action=$1
folder=$2

stop() {
  for name in slurmd slurmctld munged; do
    [ -f "$folder/$name.pid" ] && kill "$(cat "$folder/$name.pid")" 2> /dev/null || true
  done
}

if [ "$action" = stop ]; then
  stop
  exit 0
fi

mkdir -p "$folder/state" "$folder/spool"
chmod 755 "$folder"
host=$(hostname -s)
dd if=/dev/urandom of="$folder/munge.key" bs=128 count=1 status=none
chmod 400 "$folder/munge.key"
cat > "$folder/slurm.conf" << EOF
ClusterName=test
SlurmctldHost=$host(127.0.0.1)
SlurmUser=root
AuthType=auth/munge
# A requeued task starts again when its credential has expired: two minutes unless said otherwise.
AuthInfo=socket=$folder/munge.socket,cred_expire=6
CryptoType=crypto/munge
ProctrackType=proctrack/pgid
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SlurmctldPort=26817
SlurmdPort=26818
SlurmctldPidFile=$folder/slurmctld.pid
SlurmdPidFile=$folder/slurmd.pid
SlurmctldLogFile=$folder/slurmctld.log
SlurmdLogFile=$folder/slurmd.log
StateSaveLocation=$folder/state
SlurmdSpoolDir=$folder/spool
ReturnToService=2
MinJobAge=30
JobRequeue=1
NodeName=$host NodeAddr=127.0.0.1 CPUs=$(nproc) State=UNKNOWN
PartitionName=test Nodes=$host Default=YES MaxTime=INFINITE State=UP OverSubscribe=YES
EOF
export SLURM_CONF="$folder/slurm.conf"
munged --force --key-file="$folder/munge.key" --socket="$folder/munge.socket" --pid-file="$folder/munged.pid" \
  --log-file="$folder/munged.log" --seed-file="$folder/munge.seed"
slurmctld -c
slurmd -c
for _ in $(seq 60); do
  sinfo --noheader --format=%t 2> /dev/null | grep -qE 'idle|mix|alloc' && break
  sleep 0.5
done
sinfo --noheader --format=%t | grep -qE 'idle|mix|alloc' || { cat "$folder"/*.log >&2; exit 1; }
echo "export SLURM_CONF=$folder/slurm.conf"
