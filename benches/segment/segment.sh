# A segment of a bench's own: a network namespace with a bridge `br0` that has 10.77.0.1, and a folder. For benches to source. At
# the end all is gone, also each process whose number stands in `started`.
#
#   space, work    the namespace's name; the folder
#   inside WORD... runs a command there
#   end_started    ends what was started so far

[[ $(id -u) -eq 0 ]] || { echo "${0##*/}: only root can make a network namespace" >&2; exit 1; }

space=pxelator-bench-$$
started=()
work=$(mktemp -d)
# Ends what this script started, by number.
end_started() {
    local pid
    for pid in "${started[@]}"; do kill "$pid" 2> /dev/null || true; done
    for pid in "${started[@]}"; do wait "$pid" 2> /dev/null || true; done
    started=()
}
clean_up() {
    end_started
    ip netns delete "$space" 2> /dev/null || true
    rm -rf "$work"
}
trap clean_up EXIT
inside() { ip netns exec "$space" "$@"; }

ip netns add "$space"
inside ip link set lo up
inside ip link add br0 type bridge forward_delay 0 mcast_snooping 0
inside ip address add 10.77.0.1/24 broadcast + dev br0
inside ip link set br0 up
