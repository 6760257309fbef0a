#!/bin/sh
# venv.sh PYTHON DIR: make the virtual environment DIR and install the project in it, editable.
# Where python3-venv is missing it is installed as root; without root, one line says what to do.
set -eu
python=$1 venv=$2

"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
    echo "kaltwisted needs Python 3.11 or newer; '$python' is $("$python" -V). Try: make PYTHON=python3.11" >&2
    exit 1
}
if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        echo "installing python3-venv (once)"
        apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq python3-venv >/dev/null
    else
        echo "python3-venv is missing. As root: apt-get install python3-venv" >&2
        exit 1
    fi
fi
[ -x "$venv/bin/python" ] || "$python" -m venv "$venv"
echo "installing Python packages into $venv (once)"
# The compat mode puts our folder on the path, which is how Twisted finds twisted/plugins/.
"$venv/bin/python" -m pip install -q --disable-pip-version-check --config-settings editable_mode=compat -e '.[test,lint,docs]' 2>&1 |
    grep -v 'is ignored: it is neither a file nor a directory' || true
"$venv/bin/python" -c 'import kaltwisted, twisted, OpenSSL, pyroute2, pytest' || {
    echo "the Python packages could not be installed; see the messages above" >&2
    exit 1
}
