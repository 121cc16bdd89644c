#!/bin/bash
#SBATCH --nodes=4 --ntasks-per-node=1 --cpus-per-task=32 --gpus-per-node=4 --time=24:00:00
# A command on a Ray cluster of all nodes of a job; what sbatch is given wins over the line above:
#   sbatch --nodes=2 slurm.sh run --recipe paper-resnet164-se-share --device cuda --data …
set -euo pipefail

port=$((20000 + SLURM_JOB_ID % 5000 * 2)) # another job may have a cluster on this node too
address=$(hostname -I | cut -d' ' -f1):$port
export RAY_AUTH_MODE=token RAY_AUTH_TOKEN RAY_USAGE_STATS_ENABLED=0
RAY_AUTH_TOKEN=$(python -c 'import secrets; print(secrets.token_hex(32))') # steps inherit it
node=(--num-cpus="${SLURM_CPUS_PER_TASK:?say --cpus-per-task}" --num-gpus="${SLURM_GPUS_ON_NODE:-0}"
    --object-store-memory=100000000 --min-worker-port=0 --max-worker-port=0 --block)

joined() { # so many nodes, by so many steps
    local here until=$((SECONDS + 120))
    while [ "$SECONDS" -lt "$until" ]; do
        here=$(ray status --address="$address" 2>/dev/null | grep -c '^ 1 node_' || true)
        [ "$here" -lt "$1" ] || return 0
        if [ "$(jobs -pr | wc -l)" -lt "$2" ]; then
            echo "a node ended instead of joining the cluster at $address" >&2
            return 1
        fi
        sleep 2
    done
    echo "$here of $1 nodes joined the cluster at $address in two minutes" >&2
    return 1
}

stop() {
    mapfile -t running < <(jobs -p)
    kill "${running[@]}" 2>/dev/null || true
    wait || true
}
trap stop EXIT

ray start --head --node-ip-address="${address%:*}" --port="$port" \
    --ray-client-server-port="$((port + 1))" --include-dashboard=false "${node[@]}" &
joined 1 1
others=$((SLURM_NNODES - 1))
if [ "$others" -gt 0 ]; then
    # From Slurm 22.05 on a step gets one CPU unless it asks for more.
    srun --export=ALL --nodes="$others" --ntasks="$others" --cpus-per-task="$SLURM_CPUS_PER_TASK" \
        --exclude="$SLURMD_NODENAME" ray start --address="$address" "${node[@]}" &
    joined "$SLURM_NNODES" 2
fi
python -m benchmark "$@" --ray "$address"
