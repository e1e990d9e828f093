#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Builds Signalbox and runs it against simulated services: the console where there is a display, else the server.
# Arguments go to the program: packaging/run.sh --help
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
. "$root/packaging/packages.sh"

# shellcheck disable=SC2086 # one word for each package
install_packages $build_packages

program=signalboxd
if [ -n "${DISPLAY:-}${WAYLAND_DISPLAY:-}" ]; then
    program=signalbox
fi
cd "$root"
say "Building $program in $root/build/run (the first time takes some minutes)"
cmake --preset run >&2
cmake --build --preset run --parallel "$(nproc)" --target "$program" >&2

if [ "$program" = signalbox ]; then
    say "
Starting the console with a simulated Slack, registry and runtime, all on this computer and thrown away at the end.
Traffic and a few faults appear by themselves. Try next: open a delivery that is dead and read its attempts and its
timeline; press Ctrl+K to jump to any id, F to freeze the table, ? for all keys.
Close the window to stop. For your own Slack and agent leave out --sandbox: build/run/bin/signalbox
"
else
    say "
There is no display, so this starts the server with a simulated Slack, registry and runtime, all on loopback and
thrown away at the end. It says below what it started and where, and which commands to try from another terminal.
Ctrl+C stops it. For your own configuration leave out --sandbox: build/run/bin/signalboxd --config FILE
"
fi
exec "build/run/bin/$program" --sandbox "$@"
