#!/usr/bin/env bash
# Maps one shard of a catalogue of scenes; what every engine starts. It may be killed at any time and started
# again, on any machine that sees the files: finished maps are left as they are, a broken one goes on below
# its last finished row, and the bytes are always the same.
#
#   map_shard.sh [NUMBER]
#
# NUMBER counts from 1; by default it is SLURM_ARRAY_TASK_ID, or one more than the index of a Kubernetes or
# AWS job. JOB names a file of settings (see `swath slurm map`), which may also come from the
# environment: SCENES, SHARDS, MODEL, OUT, and as arrays SWATH, TILE_OPTIONS, NORMALIZE, INFER_OPTIONS.
#
# Exit code 75 says: broken off by a signal; start it again.
set -uo pipefail

[[ -n ${JOB:-} ]] && source "$JOB"
: "${SCENES:?names a catalogue of scenes}" "${MODEL:?names a model}" "${OUT:?names a folder}"
: "${SHARDS:=1}"
[[ -v SWATH ]] || SWATH=(swath)
[[ -v TILE_OPTIONS ]] || TILE_OPTIONS=()
[[ -v INFER_OPTIONS ]] || INFER_OPTIONS=()
[[ -v NORMALIZE ]] || NORMALIZE=()

index=${JOB_COMPLETION_INDEX:-${AWS_BATCH_JOB_ARRAY_INDEX:-0}}
shard=${1:-${SLURM_ARRAY_TASK_ID:-$((index + 1))}}
if ! [[ $shard =~ ^[0-9]+$ ]] || ((shard < 1 || shard > SHARDS)); then
  echo "map_shard.sh: shard \"$shard\": expected 1 to $SHARDS" >&2
  exit 2
fi

parts="$OUT/parts/{scene}.$shard.tif"
mkdir -p "$OUT/parts"
# The processes of the pipe hold the lock too: whoever outlives this script keeps others out.
exec 9> "$OUT/parts/.$shard.lock"
if ! flock --nonblock 9; then
  echo "map_shard.sh: shard $shard is being mapped by another process" >&2
  exit 75
fi

normalized() {
  if ((${#NORMALIZE[@]} == 0)); then cat; else "${SWATH[@]}" normalize "${NORMALIZE[@]}"; fi
}

# In a process group of its own, so that a signal ends all of it.
set -m
{
  # It outlives the signal, which the processes of the pipe get as well, to wait for all of them.
  trap : TERM INT HUP
  "${SWATH[@]}" tile --scenes "$SCENES" --shard "$shard/$SHARDS" --resume-from "$parts" \
    "${TILE_OPTIONS[@]}" |
    normalized |
    "${SWATH[@]}" infer "$MODEL" "${INFER_OPTIONS[@]}" |
    "${SWATH[@]}" stitch --resume -o "$parts"
  codes=("${PIPESTATUS[@]}")
  worst=0
  for code in "${codes[@]}"; do
    # Killed by a signal, or out of memory: the next try goes on from here.
    ((code >= 128)) && exit 75
    ((code != 0)) && worst=$code
  done
  exit "$worst"
} &
pipe=$!
set +m

stopping=0
stop() {
  stopping=1
  kill -TERM -- "-$pipe" 2> /dev/null
}
trap stop TERM INT HUP
wait "$pipe"
code=$?
# A trapped signal ends the wait, not the pipe.
while ((stopping)) && kill -0 "$pipe" 2> /dev/null; do wait "$pipe"; done
((stopping)) && exit 75
exit "$code"
