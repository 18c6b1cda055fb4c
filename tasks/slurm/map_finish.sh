#!/usr/bin/env bash
# Puts the maps of all shards together: a map of each scene, and where they are wanted statistics of zones and
# a page. What is there already is left as it is.
#
#   map_finish.sh
#
# JOB names the file of settings that `swath slurm map` has written: OUT, MODEL, SWATH, ZONES (empty for none),
# REPORT (1 for a page for each scene), STATS_OPTIONS; and PARTS, the file that lists what each scene is made of.
#
# Exit code 3 says: parts are missing; their shards stand in $OUT/missing.txt.
set -euo pipefail

source "${JOB:?names a file of settings}"
mkdir -p "$OUT/maps"

missing=()
while IFS=$'\t' read -r shard scene _; do
  [[ -e "$OUT/parts/$scene.$shard.tif" ]] || missing+=("$shard")
done < "$PARTS"
if ((${#missing[@]} > 0)); then
  printf '%s\n' "${missing[@]}" | sort -nu > "$OUT/missing.txt"
  echo "map_finish.sh: shards are not finished: $(paste -sd, "$OUT/missing.txt")" >&2
  exit 3
fi
rm -f "$OUT/missing.txt"

while IFS=$'\t' read -r scene file; do
  map="$OUT/maps/$scene.tif"
  if [[ ! -e $map ]]; then
    parts=()
    while IFS=$'\t' read -r shard name _; do
      [[ $name == "$scene" ]] && parts+=("$OUT/parts/$scene.$shard.tif")
    done < "$PARTS"
    "${SWATH[@]}" mosaic "${parts[@]}" -o "$map" < /dev/null
  fi
  page=()
  if [[ -n ${ZONES:-} ]]; then
    mkdir -p "$OUT/stats"
    # A table, and the zones themselves with their figures.
    for kind in csv geojson; do
      table="$OUT/stats/$scene.$kind"
      [[ -e $table ]] || "${SWATH[@]}" stats "$map" --zones "$ZONES" "${STATS_OPTIONS[@]}" -o "$table" < /dev/null
    done
    page+=(--zones "$OUT/stats/$scene.geojson")
  fi
  if [[ ${REPORT:-0} == 1 && ! -e "$OUT/reports/$scene.html" ]]; then
    mkdir -p "$OUT/reports"
    [[ -n $file ]] && page+=(--scene "$file")
    [[ -d $MODEL ]] && page+=(--model "$MODEL")
    "${SWATH[@]}" report "$map" --title "$scene" "${page[@]}" -o "$OUT/reports/$scene.html" < /dev/null
  fi
done < <(cut -f 2,3 "$PARTS" | awk '!seen[$0]++')
