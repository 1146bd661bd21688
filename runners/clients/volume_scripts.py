"""The two ways data changes places, as shell scripts for a helper container.

Both look before they act, so that running one again after a crash goes on where it stopped. The last line they print
is the state they found or reached: before, between, after, or a word that says why they refuse.
"""

# What a folder's being full or empty means. V holds the canonical data, R the replacement, K what is kept.
#   before  V full  R full  K empty or missing
#   between V gone  R full  K full        a crash between the two renames
#   after   V full  R empty or missing    K full
# Old data that is empty (everything was deleted) gets a file that says so, so that "kept" is never an empty folder.
RENAME = r"""
set -eu
volume="/volumes/$1" replacement="/volumes/$2" keeper="/volumes/$3" mode="$4"
full() { [ -d "$1/_data" ] && [ -n "$(ls -A "$1/_data")" ]; }
move() {
  if [ -d "$2/_data" ]; then rmdir "$2/_data"; fi
  mv -T "$1/_data" "$2/_data"
  sync "$1" "$2" 2>/dev/null || sync
}
state() {
  if full "$keeper"; then
    if ! full "$volume"; then echo between
    elif full "$replacement"; then echo three-full
    else echo after; fi
  elif full "$replacement"; then echo before
  else echo nothing-to-put-in-place; fi
}
now=$(state)
if [ "$mode" = look ]; then echo "$now"; exit 0; fi
if [ "$now" != after ] && ! full "$replacement"; then echo nothing-to-put-in-place; exit 0; fi
if [ "$now" = before ]; then
  if ! full "$volume"; then
    mkdir -p "$volume/_data"
    echo "The volume was empty before the recovery." > "$volume/_data/WAS-EMPTY.txt"
  fi
  move "$volume" "$keeper"
  if [ "$mode" = stop-between ]; then echo between; exit 75; fi
  now=between
fi
if [ "$now" = between ]; then
  move "$replacement" "$volume"
  mkdir -p "$replacement/_data"
fi
du -sk "$keeper/_data" | cut -f1
state
"""

# The same by copying, for drivers whose volumes cannot be renamed. A mark in each copy is written last.
#   between: the old data is kept in full, the canonical volume may hold anything.
COPY = r"""
set -eu
volume=/volume replacement=/replacement keeper=/keeper mode="$4"
mark=".drbot-moved-$3"
state() {
  if [ -e "$volume/$mark" ]; then echo after
  elif [ -e "$keeper/$mark" ]; then echo between
  elif [ -n "$(ls -A "$replacement")" ]; then echo before
  else echo nothing-to-put-in-place; fi
}
empty() { find "$1" -mindepth 1 -delete; }
now=$(state)
if [ "$mode" = look ]; then echo "$now"; exit 0; fi
if [ "$now" = before ]; then
  empty "$keeper"
  cp -a "$volume/." "$keeper/"; sync
  touch "$keeper/$mark"; sync
  if [ "$mode" = stop-between ]; then echo between; exit 75; fi
  now=between
fi
if [ "$now" = between ]; then
  # Emptying was announced, or nothing was written there since the old data was kept: else somebody started it.
  if [ ! -e "$keeper/$mark-emptying" ] && [ -n "$(find "$volume" -newer "$keeper/$mark" | head -1)" ]; then
    echo three-full; exit 0
  fi
  touch "$keeper/$mark-emptying"; sync
  empty "$volume"
  cp -a "$replacement/." "$volume/"; sync
  touch "$volume/$mark"; sync
fi
du -sk "$keeper" | cut -f1
state
"""
