# title: A web server with one page
# about: nginx as Debian has it, and a first page to be replaced: conf/recipes/nginx/var/www/html/index.html.
# needs: apt-get
# files: /var/www/html/index.html 0644 root:root

is_installed() { dpkg-query -W -f '${db:Status-Status}\n' nginx 2> /dev/null | grep -qx installed; }

check() {
    is_installed
    systemctl is-enabled --quiet nginx
}

apply() {
    if ! is_installed; then
        apt-get -q update
        apt-get -q -y install nginx
    fi
    systemctl enable nginx
    if [ -d /run/systemd/system ]; then systemctl reload-or-restart nginx; fi
}

verify() {
    nginx -t
    [ ! -d /run/systemd/system ] || systemctl is-active --quiet nginx
}
