#!/usr/bin/env bash
# How fast a backlog of the journal goes into CouchDB, and in how much memory, beside the server's own replication of the
# database that came of it. Tried with pouchdb-server, and with Apache CouchDB where COUCHDB_URL names one
# (http://user:password@host:port). `./dev bench audit` builds and installs what this needs.
#
#   benches/audit.sh [EVENTS]    1,000,000 unless given
#   SERVERS='couchdb'            only these: pouchdb-server, couchdb
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

events=${1:-1000000}
target=$(realpath -m "${CARGO_TARGET_DIR:-target}")
program=$target/release/pxelator
backlog=$target/release/examples/backlog
read -r -a servers <<< "${SERVERS:-pouchdb-server ${COUCHDB_URL:+couchdb}}"
database=pxelator-bench-$$
server=''
made=()

fail() {
    echo "audit.sh: $*" >&2
    exit 1
}
for file in "$program" "$backlog" "$target/couchdb/node"; do
    [[ -x $file ]] || fail "$file is not there; call ./dev bench audit"
done

work=$(mktemp -d)
# Ends and deletes what this script started and made, by name.
end_server() {
    local name
    for name in "${made[@]}"; do ask "/$name" -X DELETE > /dev/null || true; done
    made=()
    [[ -z $server ]] || kill "$server" 2> /dev/null || true
    [[ -z $server ]] || wait "$server" 2> /dev/null || true
    server=''
}
clean_up() {
    end_server
    rm -rf "$work"
}
trap clean_up EXIT

# A request to the server: path, then further words for curl.
ask() {
    local path=$1
    shift
    curl -sS --noproxy '*' --config "$work/login" "$@" "$url$path"
}
# How many documents a database has, design documents left out.
documents() {
    local all designs
    all=$(ask "/$1" 2> /dev/null | jq -r '.doc_count // 0')
    designs=$(ask "/$1/_all_docs?startkey=%22_design%2F%22&endkey=%22_design0%22" 2> /dev/null | jq -r '.rows // [] | length')
    echo $((all - designs))
}
now() { echo "${EPOCHREALTIME/./}"; }
since() { awk -v us=$(($(now) - $1)) 'BEGIN { printf "%.1f", us / 1000000 }'; }
each_second() { awk -v n="$1" -v s="$2" 'BEGIN { printf "%.0f", n / s }'; }
# The most memory that a process had so far, in MiB; nothing where it has ended.
peak() { awk '/^VmHWM:/ { printf "%.1f", $2 / 1024 }' "/proc/$1/status" 2> /dev/null || true; }

# Sets $url, $login and $name for a kind of server, and starts it where it is ours.
serve() {
    login=''
    case $1 in
        pouchdb-server)
            local port=$((20000 + $$ % 10000))
            url=http://127.0.0.1:$port
            name="pouchdb-server 4.2.0"
            mkdir "$work/data"
            (cd "$work/data" && exec "$target/couchdb/node" "$target/couchdb/node_modules/pouchdb-server/bin/pouchdb-server" \
                --host 127.0.0.1 --port "$port" --dir . -n > ../server 2>&1) &
            server=$!
            ;;
        couchdb)
            [[ ${COUCHDB_URL:-} =~ ^(https?://)(([^@/]+)@)?([^@/]+)/?$ ]] ||
                fail "COUCHDB_URL is to be http://user:password@host:port"
            url=${BASH_REMATCH[1]}${BASH_REMATCH[4]}
            login=${BASH_REMATCH[3]}
            name="Apache CouchDB"
            ;;
        *) fail "$1 is no server that this knows" ;;
    esac
    # Not in the list of processes.
    : > "$work/login"
    [[ -z $login ]] || printf 'user = "%s"\n' "$login" > "$work/login"
    for _ in $(seq 300); do
        ask / > "$work/hello" 2> /dev/null && break
        [[ -z $server ]] || kill -0 "$server" 2> /dev/null || fail "$1 ended: $(cat "$work/server")"
        sleep 0.1
    done
    jq -e . "$work/hello" > /dev/null || fail "$url does not answer as CouchDB does"
    [[ $1 != couchdb ]] || name+=" $(jq -r .version "$work/hello")"
}

# Ships the journal to the server, and prints the table's row.
ship() {
    rm -rf "$work/conf" "$work"/shipped*
    mkdir -p "$work/conf/10.77.0.1"
    echo "$url/$database" > "$work/conf/10.77.0.1/couchdb"
    [[ -z $login ]] || (umask 077 && echo "$login" > "$work/conf/10.77.0.1/couchdb.secret")
    # How far it came is in the journal.
    cp "$work/journal" "$work/shipped"
    made+=("$database" "$database-copy")
    local began process rss at=0 there took
    local -A memory=()
    began=$(now)
    "$program" --conf "$work/conf" --journal "$work/shipped" audit ship > "$work/said" 2>&1 &
    process=$!
    while rss=$(peak $process) && [[ -n $rss ]]; do
        memory[100]=$rss
        # Asking for the count costs the server something: four times a second is little beside what it does else.
        there=$(documents "$database" || true)
        for at in 10 50; do
            [[ -n ${memory[$at]:-} ]] || ((${there:-0} * 100 < all * at)) || memory[$at]=$rss
        done
        sleep 0.25
    done
    wait $process || fail "\`audit ship\` failed: $(tail -n 5 "$work/said")"
    took=$(since "$began")
    there=$(documents "$database")
    ((there == all)) || fail "$name has $there documents of $all"
    echo "audit.sh: $name: $events events, $there documents in $took s" >&2

    local answer copied
    local -a side
    for copied in "$database" "$database-copy"; do
        side+=("$(jq -n --arg url "$url/$copied" --arg login "$login" \
            '{ url: $url } + if $login == "" then {} else { headers: { Authorization: ("Basic " + ($login | @base64)) } } end')")
    done
    # pouchdb-server takes names, CouchDB takes URLs.
    [[ -z $server ]] || side=("\"$database\"" "\"$database-copy\"")
    began=$(now)
    answer=$(jq -n --argjson source "${side[0]}" --argjson target "${side[1]}" \
        '{ source: $source, target: $target, create_target: true }' | ask /_replicate -H 'Content-Type: application/json' -d @-)
    local peer
    peer=$(since "$began")
    copied=$(documents "$database-copy")
    ((copied == all)) || fail "$name replicated $copied documents of $all: $answer"
    echo "audit.sh: $name: its own replication of $copied documents in $peer s" >&2
    echo "| $name | $events | $there | $megabytes | $took | $(each_second "$events" "$took") | $(each_second "$there" "$took") |" \
        "${memory[10]:--} / ${memory[50]:--} / ${memory[100]} | $(each_second "$copied" "$peer") |"
}

echo "audit.sh: writing a journal of $events events" >&2
made_of=$("$backlog" "$work/journal" "$events")
[[ $made_of =~ ^([0-9]+)\ events,\ ([0-9]+)\ documents,\ ([0-9]+)\ bytes$ ]] || fail "backlog says: $made_of"
all=${BASH_REMATCH[2]}
megabytes=$((BASH_REMATCH[3] / 1000000))
for kind in "${servers[@]}"; do
    serve "$kind"
    ship >> "$work/rows"
    end_server
done
echo "A backlog of $events events shipped, $(nproc) cores"
echo
echo "| server | events | documents | MB | seconds | events/s | documents/s | peak MiB at 10 / 50 / 100 % | its own replication, documents/s |"
echo "| --- | --- | --- | --- | --- | --- | --- | --- | --- |"
cat "$work/rows"
