#!/usr/bin/env bash
# Prints the path of a Chromium for the tests of the customer's page:
#
#   infra/chromium.sh
#
# It is CHROMIUM, or one that is installed. Where there is none it is installed by apt, as Debian keeps it: that is the
# one version which gets security updates, so that no other can be pinned.
set -euo pipefail

find_chromium() {
    for candidate in "${CHROMIUM:-}" chromium chromium-browser google-chrome; do
        if [[ -n $candidate ]] && command -v "$candidate"; then
            return
        fi
    done
    return 1
}

if ! find_chromium; then
    if [[ $EUID -ne 0 ]] || ! command -v apt-get >/dev/null; then
        echo "error: the tests of the page need Chromium: install it (Debian: apt-get install chromium), or set" >&2
        echo "CHROMIUM to its path" >&2
        exit 1
    fi
    echo "installing chromium by apt (once)" >&2
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq >&2
    apt-get install -y -qq --no-install-recommends chromium fonts-liberation >&2
    find_chromium
fi
