#!/usr/bin/env bash
# Prints the folder of a Python environment that holds what a requirements file names:
#
#   infra/venv.sh NAME REQUIREMENTS
#
# Environments live outside the clone, named after what is in them, so that every clone shares them and a changed
# requirements file gets a new one. A stamp is written last: an installation that was interrupted is made again.
set -euo pipefail

name=$1 requirements=$2

python=
for candidate in "${PYTHON:-}" python3.11 python3.12 python3.13 python3; do
    if [[ -n $candidate ]] && "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
        python=$candidate
        break
    fi
done
if [[ -z $python ]]; then
    echo "error: Python 3.11 or newer is needed; set PYTHON to its path" >&2
    exit 1
fi

hash=$("$python" - "$requirements" <<'PYTHON'
import hashlib, pathlib, sys
version = "%d.%d" % sys.version_info[:2]
print(hashlib.sha256(version.encode() + pathlib.Path(sys.argv[1]).read_bytes()).hexdigest()[:12])
PYTHON
)
environments=${XDG_CACHE_HOME:-$HOME/.cache}/drawbridge
environment=$environments/venv-$name-$hash

ready() {
    # The interpreter it was made with may have been removed since.
    [[ -e $environment/.complete ]] && "$environment/bin/python" -c '' 2>/dev/null
}

if ! ready; then
    mkdir -p "$environments"
    # Two clones may want the same environment at once.
    exec 9>"$environment.lock"
    if command -v flock >/dev/null; then
        flock 9
    fi
    if ! ready; then
        echo "installing $requirements into $environment (once)" >&2
        rm -rf "$environment"
        "$python" -m venv "$environment" >&2
        "$environment/bin/python" -m pip install --quiet --disable-pip-version-check --no-input \
            --requirement "$requirements" >&2
        touch "$environment/.complete"
    fi
fi
echo "$environment"
