#!/usr/bin/env bash
# Maps scenes as they appear in a folder. For cron, every ten minutes:
#
#   */10 * * * * /opt/swath/tasks/cron/map_new_scenes.sh /data/inbox /data/model /data/maps >> /var/log/swath.log 2>&1
#
# It may be killed at any time, or be started while it runs: a lock keeps a second one out, finished maps are
# left as they are, and a broken one goes on below its last finished row. A scene that cannot be mapped does not
# hold up the others; its fault is said each time.
#
# SWATH is how to start swath, TILE_OPTIONS how to cut; SETTLE is how many seconds a file must have been
# left alone, as it may still be arriving.
set -uo pipefail

if (($# != 3)); then
  echo "usage: map_new_scenes.sh INBOX MODEL MAPS" >&2
  exit 2
fi
inbox=$1 model=$2 maps=$3
read -ra swath <<< "${SWATH:-swath}"
read -ra tile_options <<< "${TILE_OPTIONS:---overlap 12.5%}"

mkdir -p "$maps"
# The processes of the pipe hold the lock too: it is free once the last of them has ended.
exec 9> "$maps/.lock"
flock --nonblock 9 || exit 0

failed=0
shopt -s nullglob nocaseglob
for scene in "$inbox"/*.tif "$inbox"/*.tiff; do
  name=$(basename "$scene")
  map="$maps/${name%.*}.tif"
  [[ -e $map ]] && continue
  age=$(($(date +%s) - $(stat --format=%Y "$scene")))
  ((age < ${SETTLE:-60})) && continue
  "${swath[@]}" tile "$scene" "${tile_options[@]}" --resume-from "$map" --quiet |
    "${swath[@]}" infer "$model" --quiet |
    "${swath[@]}" stitch --resume -o "$map" || failed=1
done
exit "$failed"
