#!/usr/bin/env bash
# A virtual machine with systemd, cgroups of version 2 and Docker's systemd driver, for machines that are otherwise.
#   tools/vm.sh make DIR           Debian (SUITE, trixie) in DIR, as root; needs mmdebstrap, e2fsprogs and OpenSSH's client
#   tools/vm.sh start DIR          starts it with qemu-system-x86 and waits for it; PORT (7022) of this machine leads to it
#   tools/vm.sh put DIR            brings what is built here to /root/wherry there
#   tools/vm.sh run DIR COMMAND    runs a command line there
#   tools/vm.sh stop DIR           shuts it down
# It reaches no network, has 4 GiB (MEMORY) and ends by itself after 3 hours (LIFE, seconds). Where KVM does not work, ACCEL=tcg.
set -euo pipefail
verb=${1:?usage: tools/vm.sh make|start|put|run|stop DIR} dir=$(mkdir -p "${2:?}" && cd "$2" && pwd)
shift 2
port=${PORT:-$(cat "$dir/port" 2>/dev/null || echo 7022)}
packages=systemd-sysv,libpam-systemd,dbus-user-session,udev,docker.io,docker-cli,linux-image-amd64,iproute2,procps,psmisc,util-linux
packages+=,busybox-static,python3,openssh-server,nodejs,ca-certificates,curl,strace

there() {
  ssh -q -i "$dir/key" -p "$port" -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o ConnectTimeout=30 root@127.0.0.1 "$@"
}

case $verb in
make)
  rm -rf "$dir/root" "$dir/key" "$dir/key.pub"
  ssh-keygen -q -t ed25519 -N '' -f "$dir/key"
  mmdebstrap --variant=apt --include="$packages" "${SUITE:-trixie}" "$dir/root"
  cd "$dir/root"
  install -D -m 600 "$dir/key.pub" root/.ssh/authorized_keys
  printf '[Match]\nName=e*\n[Network]\nDHCP=ipv4\n' >etc/systemd/network/any.network
  echo '/dev/vda / ext4 defaults 0 1' >etc/fstab
  echo vm >etc/hostname
  echo '127.0.0.1 localhost vm' >etc/hosts
  chroot . systemctl enable systemd-networkd
  chroot . useradd -m -s /bin/bash user
  cp boot/vmlinuz-* "$dir/vmlinuz"
  cp boot/initrd.img-* "$dir/initrd"
  rm -f "$dir/disk.img"
  mke2fs -q -t ext4 -d . "$dir/disk.img" 10G
  cd / && rm -rf "$dir/root"
  ;;
start)
  echo "$port" >"$dir/port"
  accel=(-accel kvm -cpu host)
  [ "${ACCEL:-kvm}" = kvm ] || accel=(-accel tcg,thread=multi -cpu max)
  timeout "${LIFE:-10800}" qemu-system-x86_64 "${accel[@]}" -m "${MEMORY:-4096}" -smp 2 -display none -monitor none \
    -kernel "$dir/vmlinuz" -initrd "$dir/initrd" -append "root=/dev/vda rw console=ttyS0" \
    -drive "file=$dir/disk.img,if=virtio,format=raw" -serial "file:$dir/console.log" \
    -nic "user,restrict=on,model=virtio-net-pci,hostfwd=tcp:127.0.0.1:$port-:22" </dev/null >"$dir/qemu.log" 2>&1 &
  echo $! >"$dir/pid"
  for _ in $(seq 150); do
    there true && exit 0
    kill -0 "$(cat "$dir/pid")" 2>/dev/null || break
    sleep 2
  done
  cat "$dir/qemu.log" >&2
  tail -5 "$dir/console.log" >&2
  exit 1
  ;;
put)
  cd "$(dirname "$0")/.."
  there mkdir -p wherry
  tar --exclude=.git --exclude=node_modules/deno -cf - . | there tar -C wherry --no-same-owner -xf -
  ;;
run) there "cd wherry 2>/dev/null; $*" ;;
stop) there systemctl poweroff || kill "$(cat "$dir/pid")" ;;
*) sed -n '2,8p' "$0" && exit 1 ;;
esac
