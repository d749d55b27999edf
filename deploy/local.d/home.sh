# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
#
# The data folder. `data` is what the user named, `home` where it really is. They differ for root only, where the named
# place lies below a folder that no unprivileged user may enter (such as /root): then it is a link to a folder in /var/lib.
#
#   api-key (600)   bin/   media/   log/   run/ (pid files, sockets)   pg/   redis/   settings   lock   kind
#
# As root the folder, bin/ and log/ stay root's; media/, pg/ and redis/ belong to the service user; run/ is root's, sticky and
# open to the service user's group, so that a server can make its socket there but can't forge a record that root obeys.

home_kind="pixmill data folder, version 1"
home_parts=(media pg redis run log)

# Who runs the servers and pixmill where we are root: a system user of its own, made once.
service_find() {
    service_user=$(id -un)
    service_group=$(id -gn)
    ((EUID == 0)) || return 0
    service_user=pixmill
    if ! getent passwd pixmill >/dev/null; then
        note "making the system user pixmill, which the servers run as"
        useradd --system --user-group --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin pixmill
    fi
    service_group=$(id -gn pixmill)
}

home_exists() { [[ -f $data/kind && $(<"$data/kind") == "$home_kind" ]]; }

home_find() {
    home=$(realpath -- "$data")
    service_find
    if ((EUID != 0)) && [[ ! -O $home ]]; then
        die "$data belongs to $(stat -c %U "$home"): run this as that user, or give another --data"
    fi
    if ((EUID == 0)) && [[ $(stat -c %u "$home") != 0 ]]; then
        die "$data belongs to $(stat -c %U "$home"): run this as that user, or give another --data"
    fi
}

# Moves an empty data folder to where the service user can reach it.
home_link() {
    local place
    place=$(mktemp -d "/var/lib/pixmill-XXXXXX")
    if [[ -d $data ]]; then
        rmdir -- "$data" || die "can't replace $data, which the user $service_user can't enter; give another --data"
    fi
    ln -s "$place" "$data"
    note "$data is a link to $place, since the user $service_user can't enter it"
}

home_make() {
    local part
    service_find
    if ! home_exists; then
        if [[ -e $data && ! -d $data ]] || { [[ -d $data ]] && [[ -n $(ls -A -- "$data") ]]; }; then
            die "$data has other things in it; give an empty or new folder as --data"
        fi
        [[ ! -L $data || -d $data ]] || rm -f -- "$data"
        mkdir -p -- "$data" || die "can't make $data"
        chmod 711 -- "$data"
        if ((EUID == 0)); then
            chown root:root -- "$data"
            as_service test -x "$data/." || home_link
            chmod 711 "$data/"
        else
            [[ -O $data ]] || die "$data is not yours; give another --data"
            chmod 700 -- "$data"
        fi
        printf '%s\n' "$home_kind" >"$data/kind"
    fi
    home_find
    for part in "${home_parts[@]}"; do
        mkdir -p "$home/$part"
        chmod 700 "$home/$part"
        case $EUID:$part in
        0:log) ;;
        0:run) chown "root:$service_group" "$home/run"; chmod 1770 "$home/run" ;;
        0:*) chown "$service_user:$service_group" "$home/$part" ;;
        esac
    done
    mkdir -p "$home/bin"
    chmod 755 "$home/bin"
}

# One `up`, `down` or `reset` at a time; the lock ends with this process (children do not get descriptor 9).
hold_lock() {
    exec 9>"$home/lock"
    flock -w 300 9 || die "another deploy/local works on $data"
}

# The port and the workers of the last `up`, where not given now.
settings_load() {
    local name value
    if [[ -r $home/settings ]]; then
        while IFS='=' read -r name value; do
            case $name in
            port) port=${port:-$value} ;;
            workers) workers=${workers:-$value} ;;
            sockets) sockets=$value ;;
            esac
        done <"$home/settings"
    fi
    port=${port:-8080}
    workers=${workers:-1}
    sockets=${sockets:-$home/run}
}

settings_save() {
    printf '%s\n' "port=$port" "workers=$workers" "sockets=$sockets" >"$home/settings.new"
    mv -f "$home/settings.new" "$home/settings"
}

# A socket's path holds 107 bytes. Where DIR/run is too long for that, the sockets are in a short folder of their own
# and DIR/run has links to them.
sockets_make() {
    local longest=$home/run/.s.PGSQL.5432 link
    sockets=$home/run
    if (($(LC_ALL=C; printf '%s' "${#longest}") > 107)); then
        sockets=$(sed -n 's/^sockets=//p' "$home/settings" 2>/dev/null || true)
        if [[ $sockets != /tmp/pixmill-* || ! -d $sockets ]] || is_strange "$sockets"; then
            sockets=$(mktemp -d /tmp/pixmill-XXXXXX)
        fi
        ((EUID != 0)) || chown "$service_user:$service_group" "$sockets"
        for link in redis.sock .s.PGSQL.5432; do
            ln -sfn "$sockets/$link" "$home/run/$link"
        done
    fi
    settings_save
}

# A folder in /tmp that is not the service user's alone is not trusted.
is_strange() {
    [[ -L $1 || $(stat -c '%U %a' "$1") != "$service_user 700" ]]
}

home_remove() {
    local part place=$home
    settings_load
    [[ $sockets != /tmp/pixmill-* || ! -d $sockets ]] || is_strange "$sockets" || rm -rf -- "$sockets"
    for part in "${home_parts[@]}" bin; do
        rm -rf -- "${place:?}/$part"
    done
    rm -f -- "$place/api-key" "$place/settings" "$place/lock" "$place/kind"
    rmdir -- "$place" 2>/dev/null || note "left in $place what pixmill did not make"
    [[ ! -L $data || -e $place ]] || rm -f -- "$data"
}
