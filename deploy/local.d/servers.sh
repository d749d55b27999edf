# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
#
# PostgreSQL, Redis, the api and the workers: each has a start that does nothing where it already runs.

programs=(pixmill-api pixmill-worker pixmill-codec)

# The newest PostgreSQL of the distribution, or the one that made our cluster. What else is in PATH is not used.
pg_program() {
    local version='*' found
    [[ ! -s $home/pg/data/PG_VERSION ]] || version=$(<"$home/pg/data/PG_VERSION")
    # shellcheck disable=SC2086
    found=$(printf '%s\n' /usr/lib/postgresql/$version/bin/"$1" | sort -V | tail -n 1)
    [[ -x $found ]] || die "no $1 of PostgreSQL $version in /usr/lib/postgresql"
    printf '%s\n' "$found"
}

pg_sql() {
    as_service "$(pg_program psql)" -X -h "$sockets" -U pixmill -d postgres -Atq -v ON_ERROR_STOP=1 -c "$1" </dev/null
}

pg_is_ready() {
    is_running postgres || return 0
    as_service "$(pg_program pg_isready)" -q -h "$sockets" -U pixmill -d postgres
}

postgres_start() {
    local server try
    is_running postgres && return
    if [[ ! -s $home/pg/data/PG_VERSION ]]; then
        as_service rm -rf "$home/pg/data.new"
        (cd / && as_service "$(pg_program initdb)" -D "$home/pg/data.new" --username=pixmill --auth=trust --encoding=UTF8 \
            --locale=C.UTF-8 --data-checksums) >"$home/log/initdb.log" 2>&1 </dev/null ||
            { tail -n 20 "$home/log/initdb.log" >&2; die "initdb failed"; }
        as_service mv "$home/pg/data.new" "$home/pg/data"
    fi
    server=$(pg_program postgres)
    # more than once: after a kill -9 the first start may still find the last processes of the old server
    for try in 1 2 3 4 5; do
        spawn postgres "$server" -D "$home/pg/data" -c listen_addresses= -c "unix_socket_directories=\"$sockets\"" \
            -c unix_socket_permissions=0700 -c max_connections=300 </dev/null
        until_true 60 pg_is_ready || die "PostgreSQL does not answer; see $data/log/postgres.log"
        is_running postgres && break
        ((try < 5)) || { tail -n 20 "$home/log/postgres.log" >&2; die "PostgreSQL does not start"; }
        sleep 0.5
    done
    if [[ -z $(pg_sql "SELECT 1 FROM pg_database WHERE datname = 'pixmill'") ]]; then
        pg_sql "CREATE DATABASE pixmill"
    fi
}

redis_answers() {
    is_running redis || return 0
    [[ $(as_service redis-cli -s "$sockets/redis.sock" PING 2>/dev/null </dev/null) == PONG ]]
}

redis_start() {
    is_running redis && return
    spawn redis "$(command -v redis-server)" - < <(
        cat "$root/deploy/redis.conf"
        printf 'port 0\nunixsocket "%s"\nunixsocketperm 700\ndir "%s"\n' "$sockets/redis.sock" "$home/redis"
    )
    until_true 60 redis_answers || die "Redis does not answer; see $data/log/redis.log"
    is_running redis || { tail -n 20 "$home/log/redis.log" >&2; die "Redis does not start"; }
}

# Puts the built programs where the service user can reach them; newer ones take the place of running ones.
programs_install() {
    local program
    local -a changed=()
    for program in "${programs[@]}"; do
        cmp -s "$root/build/release/bin/$program" "$home/bin/$program" || changed+=("$program")
    done
    ((${#changed[@]} > 0)) || return 0
    pixmill_stop
    for program in "${changed[@]}"; do
        cp "$root/build/release/bin/$program" "$home/bin/.$program.new"
        chmod 755 "$home/bin/.$program.new"
        mv -f "$home/bin/.$program.new" "$home/bin/$program"
    done
}

# The environment of the programs: what the caller set of PIXMILL_*, and what must be so here.
programs_env() {
    local name
    env_words=(env -i PATH=/usr/bin:/bin LANG=C.UTF-8)
    while read -r name; do
        env_words+=("$name=${!name}")
    done < <(compgen -e PIXMILL_ || true)
    env_words+=(
        "PIXMILL_LISTEN=127.0.0.1:$port"
        "PIXMILL_DATABASE_URL=host='$sockets' user=pixmill dbname=pixmill"
        "PIXMILL_REDIS_URL=unix:$sockets/redis.sock"
        "PIXMILL_STORAGE_DIR=$home/media"
    )
}

api_run() { (cd / && as_service "${env_words[@]}" "$home/bin/pixmill-api" "$@") </dev/null; }

port_is_taken() { (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; }

# One line of HTTP, so that neither curl nor anything else is needed.
api_is_ready() {
    local line=''
    is_running api || return 0
    line=$(
        exec 2>/dev/null 3<>"/dev/tcp/127.0.0.1/$port" || exit 0
        printf 'GET /readyz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n' >&3
        timeout 5 cat <&3 | head -n 1
    ) || true
    [[ $line == 'HTTP/1.'?' 200'* ]]
}

key_make() {
    local key new=$data/api-key.new
    [[ ! -s $home/api-key ]] || return 0
    key=$(api_run --create-key "local-$(date +%Y%m%d-%H%M%S)" --scope upload,operate,admin) || die "could not make a key"
    (umask 077 && printf '%s\n' "$key" >"$new")
    mv -f "$new" "$home/api-key"
}

api_start() {
    if ! is_running api; then
        if port_is_taken; then
            die "port $port of 127.0.0.1 is taken by another program; give another --port"
        fi
        spawn api "${env_words[@]}" "$home/bin/pixmill-api" </dev/null
    fi
    until_true 60 api_is_ready || { tail -n 20 "$home/log/api.log" >&2; die "the api does not get ready; see $data/log"; }
    is_running api || { tail -n 20 "$home/log/api.log" >&2; die "the api does not start"; }
}

workers_start() {
    local name i
    local -a new=()
    while read -r name; do
        [[ -n $name ]] || continue
        if ((${name#worker-} > workers)); then stop "$name" TERM 30; fi
    done < <(names worker-)
    for ((i = 1; i <= workers; i++)); do
        is_running "worker-$i" && continue
        spawn "worker-$i" "${env_words[@]}" "$home/bin/pixmill-worker" </dev/null
        new+=("worker-$i:$log_before")
    done
    # a worker says so when its first codec has come up; at other log levels it would not
    [[ ${PIXMILL_LOG_LEVEL:-info} == info || $PIXMILL_LOG_LEVEL == debug ]] || return 0
    for name in "${new[@]}"; do
        until_true 30 worker_is_settled "${name%:*}" "${name#*:}" || true
        ! is_running "${name%:*}" || worker_said "${name%:*}" "${name#*:}" ready >/dev/null && continue
        tail -n 5 "$home/log/${name%:*}.log" >&2
        die "${name%:*} runs, but no codec of it comes up; see $data/log/${name%:*}.log"
    done
}

# worker_said NAME OFFSET MESSAGE: how often, in its log after OFFSET.
worker_said() { tail -c "+$(($2 + 1))" "$home/log/$1.log" | grep -c "\"message\":\"$3\""; }

# It is ready, or its codecs die one after the other, or it is gone.
worker_is_settled() {
    ! is_running "$1" || worker_said "$1" "$2" ready >/dev/null || (($(worker_said "$1" "$2" "a codec died") >= 6))
}

# Ends with a fault where something that was started did not last.
all_must_run() {
    local name
    for name in postgres redis api $(names worker-); do
        is_running "$name" || { tail -n 20 "$home/log/$name.log" >&2; die "$name ended; see $data/log/$name.log"; }
    done
}

servers_up() {
    local old_port
    [[ $home != *[\"\'\\,]* && $home != *$'\n'* ]] || die "no quotes, commas or backslashes in the data folder's path, please"
    old_port=$(sed -n 's/^port=//p' "$home/settings" 2>/dev/null || true)
    sockets_make
    if [[ -n $old_port && $old_port != "$port" ]]; then
        stop api TERM 30
    fi
    postgres_start
    redis_start
    programs_install
    programs_env
    api_run --migrate >>"$home/log/migrate.log" 2>&1 || { tail -n 20 "$home/log/migrate.log" >&2; die "the migration failed"; }
    key_make
    api_start
    workers_start
    all_must_run
}

pixmill_stop() {
    local name
    # all get the signal before the first is waited for
    for name in $(names worker-) api; do
        kill -TERM "$(recorded_pid "$name" || echo none)" 2>/dev/null || true
    done
    for name in $(names worker-) api; do
        stop "$name" TERM 30
    done
}

servers_down() {
    settings_load
    pixmill_stop
    stop redis TERM 30
    # INT is PostgreSQL's fast shutdown: it does not wait for clients to leave
    stop postgres INT 60
}

servers_are_up() {
    local i
    for i in postgres redis api; do
        is_running "$i" || return 1
    done
    for ((i = 1; i <= workers; i++)); do
        is_running "worker-$i" || return 1
    done
    api_is_ready
}

servers_status() {
    local name pid up ticks is_whole=1 memory
    ticks=$(getconf CLK_TCK)
    read -r up _ </proc/uptime
    printf '%-10s %8s %10s %12s\n' part pid memory "up for"
    for name in postgres redis api $(for ((i = 1; i <= workers; i++)); do printf 'worker-%d ' "$i"; done); do
        if pid=$(recorded_pid "$name"); then
            memory=$(awk '/^VmRSS:/ { printf "%.0f MB", $2 / 1024 }' "/proc/$pid/status")
            printf '%-10s %8d %10s %10d s\n' "$name" "$pid" "$memory" "$((${up%.*} - $(start_time "$pid") / ticks))"
        else
            printf '%-10s %8s\n' "$name" "not running"
            is_whole=''
        fi
    done
    printf 'URL      http://127.0.0.1:%s/  %s\n' "$port" "$(is_running api && api_is_ready && echo ready || echo 'not ready')"
    printf 'API key  %s\n' "$data/api-key"
    [[ -n $is_whole ]]
}
