# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh disable=SC2034
# Sourced by run.sh and test.sh: what Signalbox needs from Debian 12, and how to get what is missing. Needs only a
# POSIX shell, dpkg and apt.

build_packages="ca-certificates git cmake ninja-build g++ ccache pkg-config qt6-base-dev qt6-websockets-dev
    qt6-svg-dev qt6-tools-dev qt6-l10n-tools libgl1-mesa-dev qcoro-qt6-dev libboost1.81-dev libtomlplusplus-dev
    libexpected-dev prometheus-cpp-dev qtkeychain-qt6-dev libsystemd-dev libssl-dev libcurl4-openssl-dev
    libsqlite3-dev libpq-dev libqt6sql6-sqlite libqt6sql6-psql libqt6svg6"
test_packages="postgresql xvfb xauth openbox imagemagick dbus dbus-x11 at-spi2-core python3-pyatspi
    gir1.2-atspi-2.0 gnome-keyring libsecret-1-0 qt6-translations-l10n fonts-dejavu-core fonts-vlgothic
    lintian desktop-file-utils appstream dpkg-dev binutils clang-format-14"

say() {
    printf '%s\n' "$*" >&2
}

# Prints those of its arguments that dpkg does not know as installed.
missing_packages() {
    for package in "$@"; do
        state=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
        if [ "$state" != installed ]; then
            printf '%s ' "$package"
        fi
    done
}

as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    elif command -v sudo >/dev/null 2>&1; then
        sudo "$@"
    else
        say "Installing packages needs root, and there is no sudo. As root, run: $*"
        exit 69
    fi
}

# Installs what is missing of its arguments, and says so; makes no call of apt when nothing is.
install_packages() {
    missing=$(missing_packages "$@")
    if [ -z "$missing" ]; then
        return 0
    fi
    if ! command -v apt-get >/dev/null 2>&1; then
        say "This is not Debian. Signalbox needs what these Debian packages hold: $missing"
        exit 69
    fi
    say "Installing from Debian: $missing"
    as_root apt-get update -qq
    # shellcheck disable=SC2086 # one word for each package
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >&2
}

# Node is whatever the machine has: Debian's npm cannot be installed beside another vendor's nodejs.
install_node() {
    if ! command -v node >/dev/null 2>&1; then
        install_packages nodejs npm
    elif ! command -v npm >/dev/null 2>&1; then
        install_packages npm
    fi
}
