# title: A greeting with the machine's name
# about: Who logs in sees which machine it is. What stands in it are the machine's own values of the conf tree.
# variables: GREETING=Welcome to

wanted() { printf '%s %s (%s)\n' "$PXE_GREETING" "$PXE_FQDN" "$PXE_ADDRESS"; }

check() { [ "$(cat /etc/motd)" = "$(wanted)" ]; }

apply() {
    wanted > /etc/.motd.new
    mv -f /etc/.motd.new /etc/motd
}

verify() { grep -qF "$PXE_FQDN" /etc/motd; }
