#!/bin/sh
# The three commands that the document has for people on call, made of Bellwether's own.
#
#   monitor.sh check-alerts     how many fire, how many of them are critical, and which; exit code 1 while one is critical
#   monitor.sh alerts           opens the page of alerts, or says where it is
#   monitor.sh logs SERVICE     follows the log of one part of the system; LINES only, without following, if it is set
#
# BELLWETHER is the program, SERVER its address, LOGS the folder in which each part writes SERVICE.log.
set -eu

BELLWETHER=${BELLWETHER:-bellwether}
SERVER=${SERVER:-http://127.0.0.1:9999}
LOGS=${LOGS:-logs}

check_alerts() {
    "$BELLWETHER" alerts --server "$SERVER" --check
}

open_alerts() {
    for opener in xdg-open open; do
        if [ -n "${DISPLAY:-}${WAYLAND_DISPLAY:-}" ] && command -v "$opener" >/dev/null 2>&1; then
            "$opener" "$SERVER/alerts"
            return
        fi
    done
    echo "$SERVER/alerts"
}

services() {
    for log in "$LOGS"/*.log; do
        if [ -f "$log" ]; then basename "$log" .log; fi
    done
}

logs() {
    service=${1:-}
    if [ -z "$service" ] || ! services | grep -qxF -- "$service"; then
        echo "no log of \"$service\"; in $LOGS there are:" >&2
        services >&2
        exit 1
    fi
    if [ -n "${LINES:-}" ]; then
        tail -n "$LINES" "$LOGS/$service.log"
    else
        exec tail -n 100 -f "$LOGS/$service.log"
    fi
}

case "${1:-}" in
check-alerts) check_alerts ;;
alerts) open_alerts ;;
logs) logs "${2:-}" ;;
*)
    echo "usage: monitor.sh check-alerts | alerts | logs SERVICE" >&2
    exit 2
    ;;
esac
