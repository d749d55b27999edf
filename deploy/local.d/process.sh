# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
#
# Processes by record: run/NAME.pid holds "PID START", START being the process' start time from /proc. A process is only
# believed to be ours, and only ever signalled, where both agree; so a recycled id is never hit.

# start_time PID: in clock ticks since boot; fails where there is no such process or it is a zombie.
start_time() {
    local stat
    local -a fields
    [[ -r /proc/$1/stat ]] || return 1
    { stat=$(<"/proc/$1/stat"); } 2>/dev/null || return 1
    read -r -a fields <<<"${stat##*) }"
    [[ ${fields[0]:-Z} != Z && -n ${fields[19]:-} ]] || return 1
    printf '%s\n' "${fields[19]}"
}

# recorded_pid NAME: the id in the record where that process still lives.
recorded_pid() {
    local pid start now
    [[ -f $home/run/$1.pid && -O $home/run/$1.pid && ! -L $home/run/$1.pid ]] || return 1
    read -r pid start <"$home/run/$1.pid" || return 1
    [[ $pid =~ ^[0-9]+$ ]] || return 1
    now=$(start_time "$pid") || return 1
    [[ $now == "$start" ]] || return 1
    printf '%s\n' "$pid"
}

is_running() { recorded_pid "$1" >/dev/null; }

# as_service COMMAND...: runs it as the user that owns the data: ourselves, or an unprivileged one where we are root.
as_service() {
    if ((EUID == 0)); then
        setpriv --reuid="$service_user" --regid="$service_group" --clear-groups -- "$@"
    else
        "$@"
    fi
}

# spawn NAME COMMAND...: starts a process of its own session and records it. Standard input is ours. Leaves in log_before
# where the process' part of its log begins.
spawn() {
    local name=$1 log=$home/log/$1.log pid start record
    local -a prefix=()
    shift
    if ((EUID == 0)); then
        prefix=(setpriv --reuid="$service_user" --regid="$service_group" --clear-groups --)
    fi
    if [[ -f $log && $(stat -c %s "$log") -gt 67108864 ]]; then
        mv -f "$log" "$log.1"
    fi
    log_before=$(stat -c %s "$log" 2>/dev/null || echo 0)
    (
        cd /
        umask 077
        # shellcheck disable=SC3045
        ulimit -n "$(ulimit -Hn)" 2>/dev/null || true
        exec setsid "${prefix[@]}" "$@" 9>&-
    ) <&0 >>"$log" 2>&1 &
    pid=$!
    disown
    start=$(start_time "$pid") || { tail -n 20 "$log" >&2; die "$name did not start; see $log"; }
    record=$(mktemp "$home/run/.record-XXXXXX")
    printf '%s %s\n' "$pid" "$start" >"$record"
    mv -fT "$record" "$home/run/$name.pid"
}

# stop NAME SIGNAL SECONDS: asks the recorded process to end and waits until it is gone; kills it after SECONDS.
stop() {
    local name=$1 signal=$2 pid i
    if pid=$(recorded_pid "$name"); then
        kill "-$signal" "$pid" 2>/dev/null || true
        for ((i = 0; i < $3 * 20; i++)); do
            is_running "$name" || break
            sleep 0.05
        done
        if is_running "$name"; then
            note "$name ($pid) did not end within $3 s: killing it"
            kill -KILL "$pid" 2>/dev/null || true
            for ((i = 0; i < 200; i++)); do
                is_running "$name" || break
                sleep 0.05
            done
            ! is_running "$name" || die "$name ($pid) can't be killed"
        fi
    fi
    rm -f "$home/run/$name.pid"
}

# until_true SECONDS COMMAND...: waits for the condition; fails after SECONDS.
until_true() {
    local tries=$(($1 * 20))
    shift
    while ! "$@"; do
        ((tries-- > 0)) || return 1
        sleep 0.05
    done
}

# names PREFIX: the recorded names that start so, e.g. worker-1 worker-2.
names() {
    local file
    for file in "$home/run/$1"*.pid; do
        [[ -e $file ]] || continue
        file=${file##*/}
        printf '%s\n' "${file%.pid}"
    done | sort -V
}
