#!/bin/sh
# node.sh DIR: install the npm packages that DIR/package-lock.json names, with which its tests are run.
# Without npm it says so and succeeds: the tests that need it are then skipped with the reason.
set -eu
cd "$1"
command -v npm >/dev/null || {
    echo "npm is missing, so the tests of $1 will be skipped (on Debian, as root: make packages)" >&2
    exit 0
}
echo "installing npm packages into $1/node_modules (once)"
npm ci --no-audit --no-fund --ignore-scripts --loglevel=error >/dev/null
touch node_modules/.package-lock.json
