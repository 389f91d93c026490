# How the files of a recipe are compared with those of the machine, and put there. Read by the harness and by the recipe's own shell,
# in which `put_files` puts them where that is not to happen before `apply`. POSIX sh; fit for `set -e` and `set -u`.

px_tell() { printf '%s %s\n' "$px_marker" "$*" >&3; }

# px_why KIND MODE OWNERS FORMAT PATH SOURCE: prints what differs, nothing where nothing does.
px_why() {
    case $1 in
    link) if [ ! -L "$5" ]; then px_other "$5"; elif ! readlink -n -- "$5" | cmp -s - "$6"; then echo content; else px_rights "$@"; fi ;;
    folder) if [ -L "$5" ] || [ ! -d "$5" ]; then px_other "$5"; else px_rights "$@"; fi ;;
    *) if [ -L "$5" ] || [ ! -f "$5" ]; then px_other "$5"; elif ! cmp -s "$6" "$5"; then echo content; else px_rights "$@"; fi ;;
    esac
}
px_other() { if [ -L "$1" ] || [ -e "$1" ]; then echo kind; else echo missing; fi; }
px_rights() { if [ "$(stat -c "$4" "$5")" != "$2 $3" ]; then echo rights; fi; }

# px_put WHY KIND MODE OWNERS FORMAT PATH SOURCE: what is there before appears whole, or not at all.
px_put() {
    px_at=${6%/*} px_new=${6%/*}/.pxelator-$$
    if [ -d "$6" ] && [ ! -L "$6" ] && [ "$2" != folder ]; then
        echo "$6 is a folder" >&2
        return 1
    fi
    [ -d "$px_at/" ] || mkdir -p -- "$px_at" || return 1
    if [ "$1" != rights ]; then
        rm -f -- "$px_new" || return 1
        case $2 in
        folder)
            if [ "$1" = kind ]; then
                echo "$6 is no folder" >&2
                return 1
            fi
            mkdir -- "$6" || return 1 ;;
        link)
            px_target=$(cat "$7" && echo .) && ln -s -- "${px_target%.}" "$px_new" && chown -h "$4" "$px_new" || px_undo || return 1 ;;
        *)
            (umask 077 && cat "$7" > "$px_new") && chown "$4" "$px_new" && chmod "$3" "$px_new" || px_undo || return 1 ;;
        esac
        if [ "$2" != folder ]; then
            # Without -T a link to a folder would be followed into it; busybox may not have it.
            mv -fT -- "$px_new" "$6" 2> /dev/null || { { [ ! -L "$6" ] || rm -f -- "$6"; } && mv -f -- "$px_new" "$6"; } || px_undo || return 1
            return 0
        fi
    fi
    if [ "$2" = link ]; then
        chown -h "$4" "$6"
        return
    fi
    # chown(2) takes set-user-id bits away: the mode comes after it.
    chown "$4" "$6" && chmod "$3" "$6"
}
px_undo() {
    rm -f -- "$px_new"
    return 1
}

# Each file of the recipe; px_each is in the plan.
px_put_one() {
    px_is_meant "$6" || return 0
    px_reason=$(px_why "$2" "$3" "$4" "$5" "$6" "$PX_DIR/f/$1")
    [ -n "$px_reason" ] || return 0
    if px_put "$px_reason" "$2" "$3" "$4" "$5" "$6" "$PX_DIR/f/$1"; then
        px_tell put "$1" "$px_reason"
        PXE_PUT=${PXE_PUT:+$PXE_PUT
}$6
        export PXE_PUT
    else
        px_tell unput "$1"
        return 1
    fi
}
# put_files [BEGIN...]: all, or those whose paths begin so.
put_files() {
    px_begins=$*
    px_each px_put_one
}
px_is_meant() {
    [ -n "$px_begins" ] || return 0
    for px_begin in $px_begins; do
        case $1 in "$px_begin"*) return 0 ;; esac
    done
    return 1
}
