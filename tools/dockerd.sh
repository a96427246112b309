#!/bin/sh
# Runs a Docker engine of its own in the foreground, as root: data, state, log and socket are in DIR, the network is a
# bridge of its own. It leaves the machine's firewall and routes alone and needs no other engine to be absent.
#   tools/dockerd.sh DIR &
#   DOCKER_HOST=unix://DIR/docker.sock docker info
# SIGTERM or SIGINT ends it with its containers and its bridge; DIR stays.
set -eu
dir=${1:?usage: tools/dockerd.sh DIR}
mkdir -p "$dir/data" "$dir/exec"
dir=$(cd "$dir" && pwd)
bridge=wherry$$
engine=

finish() {
  trap '' INT TERM
  if [ -n "$engine" ]; then
    kill "$engine" 2>/dev/null || true
    wait "$engine" 2>/dev/null || true
  fi
  ip link delete "$bridge" 2>/dev/null || true
}
trap finish EXIT
trap 'exit 0' INT TERM

# Overlay mounts do not work everywhere, e.g. on some file systems and inside some containers; copying does.
driver=vfs
mkdir -p "$dir/try/lower" "$dir/try/upper" "$dir/try/work" "$dir/try/merged"
if mount -t overlay overlay -o "lowerdir=$dir/try/lower,upperdir=$dir/try/upper,workdir=$dir/try/work" "$dir/try/merged" 2>/dev/null; then
  umount "$dir/try/merged"
  driver=overlay2
fi
rm -rf "$dir/try"

# The first range from a start of our own that no address of the machine is in.
n=$(($$ % 100))
while ip -o address | grep -qF " 10.$((n + 120)).77."; do n=$(((n + 1) % 100)); done
# An address of its own: a bridge without one takes the lowest of its containers', another with each that comes or goes, and
# those that are there talk to the one that is gone until they ask again.
ip link add "$bridge" address "$(printf '02:00:00:00:77:%02x' $((n + 120)))" type bridge
ip address add "10.$((n + 120)).77.1/24" dev "$bridge"
ip link set "$bridge" up

dockerd --data-root "$dir/data" --exec-root "$dir/exec" --pidfile "$dir/docker.pid" -H "unix://$dir/docker.sock" \
  --storage-driver "$driver" --bridge "$bridge" --iptables=false --ip6tables=false --ip-forward=false --ip-masq=false \
  --containerd-namespace "$bridge" --containerd-plugins-namespace "$bridge-plugins" >"$dir/dockerd.log" 2>&1 &
engine=$!
wait "$engine"
