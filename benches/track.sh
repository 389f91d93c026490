#!/usr/bin/env bash
# What keeping machines' files costs, on this disk alone: 200 machines of 500 files, one file changed on each. In each round, alternately:
#   rsync      the change brought into a mirror, and no more: what a copy without a history costs
#   pxelator   what the program does when the mirror is there: compare, a commit a machine, the files of hosts/ as they are now
#   etckeeper  the same mirrors, each a git repository of its own with `git add -A; git commit`, as etckeeper does it on a machine
#   full       a full copy of each mirror beside the last one, as a backup without a history of files keeps it (cp -a)
# Then the time of questions after 10,000 commits. `./dev bench track` builds what this needs.
#
#   benches/track.sh [MACHINES [FILES [ROUNDS]]]   200, 500 and 3 unless given
#   COMMITS=10000                                  commits before the questions; 0 for none
#   AT=2                                           machines kept at the same time
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

machines=${1:-200} files=${2:-500} rounds=${3:-3} commits=${COMMITS:-10000} at=${AT:-2}
target=$(realpath -m "${CARGO_TARGET_DIR:-target}")
track=${TRACK:-$target/release/examples/track}
[[ -x $track ]] || { echo "track.sh: $track is not there; call ./dev bench track" >&2; exit 1; }
for needed in git rsync; do
    command -v $needed > /dev/null || { echo "track.sh: $needed is not installed" >&2; exit 1; }
done

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM
export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_SYSTEM=/dev/null
export GIT_AUTHOR_NAME=x GIT_AUTHOR_EMAIL=x@y GIT_COMMITTER_NAME=x GIT_COMMITTER_EMAIL=x@y

# Seconds of a command, and the most memory of it or of one of its children.
measure() { /usr/bin/env python3 - "$@" << 'END'
import resource, subprocess, sys, time
begun = time.monotonic()
subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL)
peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
print(f"{time.monotonic() - begun:8.2f} s  {peak // 1024:5d} MiB")
END
}

names=()
for ((at_machine = 0; at_machine < machines; at_machine++)); do names+=("m$at_machine"); done
# Each has the same names and contents of its own, some KiB each, as /etc has.
python3 - "$work/live" "$files" "${names[@]}" << 'END'
import os, random, sys
root, files, names = sys.argv[1], int(sys.argv[2]), sys.argv[3:]
words = [f"word{i}" for i in range(500)]
for name in names:
    dice = random.Random(name)
    for at in range(files):
        path = f"{root}/{name}/etc/d{at % 40}/f{at}.conf"
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as file:
            for line in range(dice.choice((5, 20, 60, 200))):
                file.write(f"{dice.choice(words)} = {dice.choice(words)}\n")
END

pull() { for name in "${names[@]}"; do rsync -aHAX --delete "$work/live/$name/" "$1/$name/"; done; }
change() { for name in "${names[@]}"; do echo "round $1" >> "$work/live/$name/etc/d1/f1.conf"; done; }
etckeeper() {
    for name in "${names[@]}"; do
        (cd "$work/keeper/$name" && { [[ -d .git ]] || git init -q -b main .; } && git add -A && git commit -q -m "$1")
    done
}
full() { for name in "${names[@]}"; do mkdir -p "$work/full/$1" && cp -a "$work/run/track/$name" "$work/full/$1/$name"; done; }
keep() { "$track" record "$work/hosts" "$work/run" "$at" "${names[@]}"; }
export -f pull change etckeeper full keep
export work track at
NAMES="${names[*]}"
export NAMES
# A function of this script in a shell of its own, so that it is measured.
call() { measure bash -c 'read -ra names <<< "$NAMES"; "$@"' call "$@"; }

mkdir -p "$work/run/track" "$work/keeper"
echo "$machines machines of $files files ($(du -sm "$work/live" | cut -f 1) MiB on the disk), one changed on each; seconds, and the most memory of a process"
for ((round = 0; round <= rounds; round++)); do
    [[ $round -eq 0 ]] && echo "the first look:" || { echo "round $round:"; change "$round"; }
    echo "  rsync alone               $(call pull "$work/run/track")"
    # The same change for the other, unmeasured.
    for name in "${names[@]}"; do rsync -aHAX --delete --exclude=/.git "$work/live/$name/" "$work/keeper/$name/"; done
    if ((round % 2)); then
        echo "  etckeeper-like            $(call etckeeper "$round")"
        echo "  pxelator keeps            $(call keep)"
    else
        echo "  pxelator keeps            $(call keep)"
        echo "  etckeeper-like            $(call etckeeper "$round")"
    fi
    echo "  full copies               $(call full "$round")"
    rm -rf "$work/full/$((round - 1))"
done
echo "nothing changed:"
echo "  pxelator keeps            $(call keep)"
echo "  etckeeper-like (status)   $(measure bash -c 'for name in $NAMES; do git -C "$work/keeper/$name" status --porcelain; done')"
echo "on the disk, MiB: pxelator $(du -sm "$work/hosts" | cut -f 1) (.git $(du -sm "$work/hosts/.git" | cut -f 1)), \
etckeeper-like $(du -sm "$work/keeper" | cut -f 1) (.git $(du -smc "$work"/keeper/*/.git | tail -n 1 | cut -f 1)), one set of full copies $(du -sm "$work/full" | cut -f 1)"

[[ $commits -gt 0 ]] || exit 0
echo "$commits more commits of one machine: $("$track" many "$work/hosts" "$work/run" m0 "$commits" | awk '{ printf "%s s, %s of memory", $1, $4 }')"
echo "then, with $(git -C "$work/hosts" rev-list --count main) commits in all ($(du -sm "$work/hosts/.git" | cut -f 1) MiB):"
"$track" ask "$work/hosts" "$work/run" m0 etc/changing | sed 's/^/  /'
