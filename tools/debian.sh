#!/bin/sh
# debian.sh: install the Debian packages of debian-packages.txt that are missing, as root.
# No service of theirs is started, now or at boot. Elsewhere, or without root, it says what is
# missing and succeeds: the tests that need it are then skipped with the reason.
set -eu
cd "$(dirname "$0")"

missing=
for package in $(grep -v '^#' debian-packages.txt); do
    # Another flavour of a package, such as nginx-core or vim-nox, will do: what counts is the command.
    case $package in
    nginx-light) command -v nginx >/dev/null || [ -x /usr/sbin/nginx ] || missing="$missing $package" ;;
    chromium-headless-shell) command -v chromium >/dev/null || command -v "$package" >/dev/null || missing="$missing $package" ;;
    nodejs) command -v node >/dev/null || missing="$missing $package" ;;
    npm | vim) command -v "$package" >/dev/null || missing="$missing $package" ;;
    *) dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing="$missing $package" ;;
    esac
done 2>/dev/null
[ -n "$missing" ] || exit 0
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    echo "not installed, so some tests will be skipped:$missing (on Debian, as root: make packages)" >&2
    exit 0
fi

echo "installing Debian packages (once):$missing"
policy=/usr/sbin/policy-rc.d
if [ ! -e $policy ]; then
    trap 'rm -f $policy' EXIT
    trap 'exit 1' HUP INT TERM
    printf '#!/bin/sh\nexit 101\n' >$policy
    chmod 755 $policy
fi
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
# A package that this release or machine does not have must not keep out the others.
apt-get install -y -qq --no-install-recommends $missing >/dev/null || for package in $missing; do
    apt-get install -y -qq --no-install-recommends "$package" >/dev/null || echo "no package $package here" >&2
done
for service in keepalived nginx haproxy frr prometheus; do
    case $missing in *$service*) update-rc.d $service disable 2>/dev/null || true ;; esac
done
