# Carries a recipe through on the machine that it was sent to: sh harness DIR check|dry-run|apply|again
# In DIR lie the plan (what is wanted, as assignments and functions), the recipe, `files`, and f/0, f/1 … with the content of its files.
# What it finds is told in lines that begin with the plan's marker; all else is the output of the recipe. POSIX sh.

PX_DIR=$1 px_mode=$2
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
export PX_DIR PATH
exec 3>&1
. "$PX_DIR/plan"
. "$PX_DIR/files"
export px_marker
cd /
umask 022
px_receipts=/var/lib/pxelator/recipes
px_receipt=$px_receipts/$px_name
# dpkg asks nobody, and keeps what the recipe or the operator wrote.
export DEBIAN_FRONTEND=noninteractive DPKG_FORCE=security-mac,downgrade,confdef,confold

# Runs a function of the recipe, or all of it, in a process of its own. Its errors go the way of its output, so that the order is kept; the
# lock is not handed on to what goes on running.
px_run() {
    px_tell begin "$1"
    if [ "$px_whole" = 1 ]; then
        "$px_shell" -e "$PX_DIR/recipe" < /dev/null 2>&1 9>&-
    else
        "$px_shell" -ec '. "$PX_DIR/plan"; . "$PX_DIR/files"; . "$0"; "$1"' "$PX_DIR/recipe" "$1" < /dev/null 2>&1 9>&-
    fi
}
px_has() { case " $px_functions " in *" $1 "*) return 0 ;; *) return 1 ;; esac; }

px_look_one() {
    px_reason=$(px_why "$2" "$3" "$4" "$5" "$6" "$PX_DIR/f/$1")
    [ -n "$px_reason" ] || return 0
    px_tell "$px_word" "$1" "$px_reason"
    px_differs=1
}

# Where a recipe cannot be asked, it is there if it was applied as it is now, and what it changed is as it was afterwards.
px_look_at_receipt() {
    [ "$px_known" = same ] || return 1
    px_drifts=$(sed -e 1d -e '/^$/d' "$px_receipt" | LC_ALL=C sha256sum -c - 2> /dev/null | sed -n 's/: FAILED.*$//p')
    [ -z "$px_drifts" ] && return 0
    echo "$px_drifts" | while IFS= read -r px_path; do px_tell drift "$px_path"; done
    return 1
}

# Says what differs; px_word is the word for it.
px_look() {
    px_differs=0 px_word=$1
    px_each px_look_one
    if px_has check; then
        px_run check
        px_code=$?
        px_tell "$2" "$px_code"
        [ "$px_code" = 0 ] || px_differs=1
    fi
}

px_diff_one() {
    px_reason=$(px_why "$2" "$3" "$4" "$5" "$6" "$PX_DIR/f/$1")
    case $2-$px_reason in
    *-) ;;
    file-content | file-missing)
        px_now=$6
        [ -f "$6" ] || px_now=/dev/null
        case $3 in
        # What others may not read is not shown: all that is said here is kept.
        *0 | ?) echo "$6: its content differs; it is not shown, since not everybody may read it" ;;
        *)
            if command -v diff > /dev/null; then
                diff -u -L "$6 (as it is)" -L "$6 (as the recipe has it)" "$px_now" "$PX_DIR/f/$1" | head -n 400
            else
                echo "$6: its content differs; there is no diff on the machine to show how"
            fi ;;
        esac ;;
    link-content | link-missing) echo "$6: is to be a link to $(cat "$PX_DIR/f/$1")" ;;
    *-rights) echo "$6: $(stat -c "$5" "$6") is to be $3 $4" ;;
    *) echo "$6: is to be a $2 ($px_reason)" ;;
    esac
}

# Files that were changed since the stamp, a line each.
px_find() {
    px_newer=-cnewer
    find "$PX_DIR/stamp" -cnewer "$PX_DIR/stamp" > /dev/null 2>&1 || px_newer=-newer
    px_within=
    for px_folder in "$@"; do [ ! -d "$px_folder" ] || px_within="$px_within $px_folder"; done
    px_bound=
    ! command -v timeout > /dev/null || px_bound="timeout 120"
    # Words that are to be several.
    # shellcheck disable=SC2086
    $px_bound find $px_within -xdev \( -path /var/lib/dpkg -o -path /var/lib/apt -o -path /var/lib/pxelator -o -path /var/lib/systemd \
        -o -path /var/lib/ucf -o -path /etc/ld.so.cache -o -name .cache -o -name '.pxelator-*' \) -prune \
        -o \( -type f -o -type l \) $px_newer "$PX_DIR/stamp" -print0 2> /dev/null | tr '\n\000' '\001\n'
}
px_tell_changed() {
    px_find /etc /usr/local /opt /srv /root /home /var/lib | head -n 500 | while IFS= read -r px_path; do px_tell changed "$px_path"; done
}

# What was changed, with digests; what an earlier run of the same recipe changed stays in it.
px_write_receipt() {
    mkdir -p "$px_receipts" || return 1
    {
        echo "digest $px_digest"
        {
            [ "$px_known" != same ] || sed -e 1d -e '/^\\/d' -e 's/^.\{66\}//' "$px_receipt"
            px_find /etc /usr/local /opt /srv /root
        } | sort -u | head -n 5000 | while IFS= read -r px_path; do
            [ ! -f "$px_path" ] || [ -L "$px_path" ] || sha256sum "$px_path"
        done
    } > "$px_receipts/.$px_name.new" && mv -f "$px_receipts/.$px_name.new" "$px_receipt"
}

px_end() {
    px_tell end
    exit 0
}

for px_command in $px_needs; do
    command -v "$px_command" > /dev/null || { px_tell lacks "$px_command"; px_lacks=1; }
done
[ -z "${px_lacks-}" ] || px_end

case $px_mode in
apply | again)
    if command -v flock > /dev/null && (: >> /run/pxelator-recipe.lock) 2> /dev/null; then
        exec 9>> /run/pxelator-recipe.lock
        flock -n 9 || { echo "waiting for another recipe on this machine"; flock -w 3600 9; } || { px_tell busy; px_end; }
    fi ;;
esac

px_known=none
if [ -f "$px_receipt" ]; then
    if [ "$(head -n 1 "$px_receipt")" = "digest $px_digest" ]; then px_known=same; else px_known=older; fi
fi
px_tell receipt "$px_known"
px_look differs check
px_verify_first=0
if ! px_has check && px_has apply; then
    if px_look_at_receipt; then
        px_verify_first=1
    else
        px_differs=1
        px_tell unasked
    fi
elif ! px_has check; then
    px_verify_first=1
fi
if [ "$px_verify_first" = 1 ] && px_has verify; then
    px_run verify
    px_code=$?
    px_tell check "$px_code"
    [ "$px_code" = 0 ] || px_differs=1
fi

case $px_mode in
check) px_end ;;
dry-run)
    [ "$px_differs" = 0 ] || {
        px_each px_diff_one
        ! px_has apply || echo "apply would be run"
    }
    px_end ;;
again) ;;
*) [ "$px_differs" = 1 ] || px_end ;;
esac

px_tell going
# From here on each change is newer than the stamp: the clock of files has gone on.
: > "$PX_DIR/stamp"
px_tries=0
while [ "$px_tries" -lt 1000 ]; do
    : > "$PX_DIR/later"
    [ -z "$(find "$PX_DIR/later" -newer "$PX_DIR/stamp")" ] || break
    px_tries=$((px_tries + 1))
done
if [ "$px_puts_itself" = 0 ]; then
    px_tell begin files
    put_files 2>&1 || { px_tell_changed; px_end; }
fi
if px_has apply; then
    px_run apply
    px_code=$?
    px_tell apply "$px_code"
    [ "$px_code" = 0 ] || { px_tell_changed; px_end; }
fi
if px_has verify; then
    px_run verify
    px_code=$?
    px_tell verify "$px_code"
    [ "$px_code" = 0 ] || { px_tell_changed; px_end; }
fi
px_look still recheck
px_tell_changed
[ "$px_differs" = 1 ] || px_write_receipt || px_tell unkept
px_end
