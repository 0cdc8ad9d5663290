# Sourced by tools/setup and tools/smoke: find a Python >= 3.11, and make environments with it.

# Prints the interpreter: $PYTHON if given, else the first that starts (a pyenv shim may be there and not start).
find_python() {
    for name in ${PYTHON:-python3.11 python3.12 python3.13 python3.14 python3 python}; do
        if "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then
            echo "$name"
            return 0
        fi
    done
    echo "setup: no Python 3.11 or newer was found${PYTHON:+ at $PYTHON}. Install one, or say make PYTHON=/path/to/python" >&2
    return 1
}

# ensure_venv DIR: an environment with pip. Debian splits ensurepip off into python3-venv; the system's pip will do too.
ensure_venv() {
    if [ -x "$1/bin/python" ] && "$1/bin/python" -m pip --version >/dev/null 2>&1; then
        return 0
    fi
    python=$(find_python) || exit 1
    if "$python" -c 'import ensurepip, venv' >/dev/null 2>&1; then
        "$python" -m venv --clear "$1"
        return 0
    fi
    echo "setup: $python comes without ensurepip (Debian and Ubuntu keep it in the package python3-venv)" >&2
    if "$python" -m pip --version >/dev/null 2>&1 && "$python" -m venv --clear --without-pip "$1" 2>/dev/null; then
        echo "setup: using the system's pip to fill the environment instead" >&2
        "$python" -m pip -q --python "$1/bin/python" install pip && return 0
    fi
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
        echo "setup: installing python$version-venv" >&2
        { apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq install -y "python$version-venv"; } >/dev/null 2>&1 &&
            "$python" -m venv --clear "$1" && return 0
    fi
    echo "setup: no environment could be made. Install python3-venv (or pip for $python) and run make again" >&2
    exit 1
}
