"""The three ways data changes places, as shell scripts for a helper container.

All look before they act, so that running one again after a crash goes on where it stopped. The last line they print
is the state they found or reached: before, between, after, or a word that says why they refuse.
"""

# Of PostgreSQL's data that is in place, and that nothing runs on yet, its state is told: where its folder lies is $6.
# What a folder's being full or empty means. V holds the canonical data, R the replacement, K what is kept.
#   before  V full  R full  K empty or missing
#   between V gone  R full  K full        a crash between the two renames
#   after   V full  R empty or missing    K full
# Old data that is empty (everything was deleted) gets a file that says so, so that "kept" is never an empty folder.
RENAME = r"""
set -eu
volume="/volumes/$1" replacement="/volumes/$2" keeper="/volumes/$3" mode="$4"
full() { [ -d "$1" ] && [ -n "$(ls -A "$1")" ]; }
move() {
  if [ -d "$2" ]; then rmdir "$2"; fi
  mv -T "$1" "$2"
  sync "${1%/*}" "${2%/*}" 2>/dev/null || sync
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
    mkdir -p "$volume"
    echo "The volume was empty before the recovery." > "$volume/WAS-EMPTY.txt"
  fi
  move "$volume" "$keeper"
  if [ "$mode" = stop-between ]; then echo between; exit 75; fi
  now=between
fi
if [ "$now" = between ]; then
  move "$replacement" "$volume"
  case "$2" in */_data) mkdir -p "$replacement";; esac  # a volume goes on being one
fi
if [ -n "$6" ] && [ "$(state)" = after ]; then LC_ALL=C pg_controldata -D "$volume/$6" 2>&1 || true; fi
du -sk "$keeper" | cut -f1
state
"""

# A folder that has to go whole: to the empty one that was made for it, or nowhere; with the mark of what is whole.
ASIDE = r"""
set -eu
if [ -e "/volumes/$1" ]; then
  touch "/volumes/$1/$3"
  rmdir "/volumes/$2"
  mv -T "/volumes/$1" "/volumes/$2"
  sync /volumes 2>/dev/null || sync
fi
"""

# As RENAME, but by copying: for folders, and drivers whose volumes cannot be renamed. Its marks are in the keeper.
#   between: the old data is kept in full, the canonical volume may hold anything.
COPY = r"""
set -eu
volume=/volume replacement=/replacement keeper=/keeper mode="$4"
mark=".drbot-moved-$3"
state() {
  if [ -e "$keeper/$mark-done" ]; then echo after
  elif [ -e "$keeper/$mark" ]; then echo between
  elif [ -n "$(ls -A "$replacement")" ]; then echo before
  else echo nothing-to-put-in-place; fi
}
empty() { find "$1" -mindepth 1 -delete; }
now=$(state)
if [ "$mode" = look ]; then echo "$now"; exit 0; fi
if [ "$now" = before ]; then
  empty "$keeper"
  cp -a "$volume/." "$keeper/" || { empty "$keeper"; exit 1; }  # half of it takes room that the services need
  sync
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
  cp -a "$replacement/." "$volume/"
  rm -f "$volume"/.drbot-moved-*; sync  # of what was kept, where that comes back
  touch "$keeper/$mark-done"; sync
fi
if [ -n "$6" ] && [ "$(state)" = after ]; then LC_ALL=C pg_controldata -D "$volume/$6" 2>&1 || true; fi
du -sk "$keeper" | cut -f1
state
"""

# Settings lie among other things, so only files that are not as in the replacement change places. The keeper gets what
# was there, and below .drbot-absent an empty file for each that was not: so it is a replacement itself, to go back by.
#   between: some of them have changed places; a file that was kept is never kept again.
EACH = r"""
same() {
  if [ -L "$1" ] && [ -L "$2" ]; then cmp_links "$1" "$2"; else [ -f "$1" ] && [ -f "$2" ] && cmp -s "$1" "$2"; fi
}
cmp_links() { [ "$(readlink "$1")" = "$(readlink "$2")" ]; }
there() { [ -e "$1" ] || [ -L "$1" ]; }
folders() {
  case "$1" in */*) ;; *) return 0;; esac
  folders "${1%/*}" "$2" "$3"
  if [ -d "$3/${1%/*}" ]; then return 0; fi
  mkdir "$3/${1%/*}"
  if [ -n "$2" ] && [ -d "$2/${1%/*}" ]; then
    chown --reference="$2/${1%/*}" "$3/${1%/*}"
    chmod --reference="$2/${1%/*}" "$3/${1%/*}"
  fi
}
keep() {
  if there "$keeper/$1" || there "$keeper/.drbot-absent/$1"; then return 0; fi
  if there "$volume/$1"; then
    folders "$1" "$volume" "$keeper"
    cp -a "$volume/$1" "$keeper/.drbot-part"
    mv -T "$keeper/.drbot-part" "$keeper/$1"
  else
    mkdir -p "$keeper/.drbot-absent"
    folders "$1" "" "$keeper/.drbot-absent"
    touch "$keeper/.drbot-absent/$1"
  fi
}
act=$1; shift
for path; do
  path=${path#./}
  if [ "$act" = put ]; then
    if same "$volume/$path" "$replacement/$path"; then continue; fi
    keep "$path"
    folders "$path" "$replacement" "$volume"
    cp -a "$replacement/$path" "$volume/.drbot-part"
    mv -T "$volume/.drbot-part" "$volume/$path"
  elif there "$volume/$path"; then
    keep "$path"
    rm -rf "$volume/$path"
  fi
done
"""
OVERLAID = r"""
set -eu
cd /keeper
find . ! -type d ! -path './.drbot-*' -print0
if [ -d .drbot-absent ]; then cd .drbot-absent; find . -type f -print0; fi
"""
OVERLAY = r"""
set -eu
export volume=/volume replacement=/replacement keeper=/keeper
mode="$4" each="$5" mark=.drbot-moved begun=.drbot-begun
state() {
  if [ -e "$keeper/$mark" ]; then echo after
  elif [ -e "$keeper/$begun" ]; then echo between
  elif [ -n "$(ls -A "$replacement")" ]; then echo before
  else echo nothing-to-put-in-place; fi
}
now=$(state)
if [ "$mode" = look ]; then echo "$now"; exit 0; fi
if [ "$now" = before ] || [ "$now" = between ]; then
  touch "$keeper/$begun"; sync
  rm -rf "$keeper/.drbot-part" "$volume/.drbot-part"
  cd "$replacement"
  find . ! -type d ! -path './.drbot-*' -exec sh -euc "$each" each put {} +
  if [ -d .drbot-absent ]; then
    cd .drbot-absent
    find . -type f -exec sh -euc "$each" each take {} +
  fi
  sync
  touch "$keeper/$mark"; sync
fi
du -sk "$keeper" | cut -f1
state
"""
