#!/usr/bin/env bash
# Puts Debian's oldest and newest kubectl into a folder, as kubectl.1.20 and so on, for the tests in tests/interop.
#   kubectls.sh FOLDER
# Through this machine's own apt sources; nothing is installed. What cannot be had is said and left out.
set -euo pipefail
folder=$(mkdir -p "$1" && cd "$1" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

# Downloads and unpacks PACKAGE, with OPTIONS for apt, and files its kubectl under the version that it tells.
take() { # PACKAGE [OPTION ...]
  local package=$1 minor
  shift
  rm -rf ./*.deb unpacked
  apt-get -q "$@" download "$package" >apt.log 2>&1 || return 1
  dpkg -x ./*.deb unpacked
  minor=$(unpacked/usr/bin/kubectl version --client -o json | sed -n 's/.*"minor": "\([0-9]*\).*/\1/p')
  [ -n "$minor" ] && install -m 755 unpacked/usr/bin/kubectl "$folder/kubectl.1.$minor" && echo "kubectl.1.$minor"
}

take kubernetes-client || echo "kubectls.sh: this machine's Debian has no kubernetes-client with a kubectl" >&2

# The newest is in Debian's development suite, which needs lists of its own.
mkdir -p parts lists/partial cache/archives/partial
for file in /etc/apt/sources.list.d/*.sources; do
  [ -e "$file" ] || continue
  # The first paragraph is Debian's archive, the others are its security updates.
  awk 'BEGIN { RS = "" } NR == 1' "$file" | sed 's/^Suites: .*/Suites: sid/' >"parts/$(basename "$file")"
done
newest=(
  -o Dir::Etc::sourcelist=/dev/null -o "Dir::Etc::sourceparts=$work/parts" -o "Dir::State::lists=$work/lists"
  -o Dir::State::status=/dev/null -o "Dir::Cache=$work/cache"
)
if apt-get -q "${newest[@]}" update >apt.log 2>&1 && take kubectl "${newest[@]}"; then :; else
  echo "kubectls.sh: Debian's development suite cannot be read here" >&2
fi
