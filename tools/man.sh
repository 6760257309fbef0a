#!/bin/sh
# man.sh DIR: make the manual pages in DIR of docs/man/*.md.
set -eu
command -v go-md2man >/dev/null || {
    echo "go-md2man is missing. On Debian, as root: apt-get install go-md2man" >&2
    exit 1
}
mkdir -p "$1"
for page in "$(dirname "$0")"/../docs/man/*.md; do
    # A minus sign, not a hyphen: options are there to be copied, and searched for. Lines with a dot in front are requests.
    go-md2man -in="$page" -out=/dev/stdout | sed '/^\./!s/-/\\-/g' >"$1/$(basename "$page" .md)"
done
