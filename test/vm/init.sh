#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Process 1 of the virtual machine: puts a writable layer over the host's root file system (shared read-only by 9p), mounts
# what a distribution mounts, control groups v2 alone among it, runs the command from the kernel's command line there,
# tells its exit code on the console and powers off.
set -u
export PATH=/bin
busybox mount -t proc proc /proc
busybox --install -s /bin
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
for module in $(cat /modules/order); do
	insmod "/modules/$module" || echo "vm: cannot load $module"
done
mkdir -p /host /layer /root
mount -t 9p -o trans=virtio,version=9p2000.L,msize=262144,cache=loose,ro host /host || exec poweroff -f
mount -t tmpfs -o size=75% layer /layer
mkdir -p /layer/upper /layer/work
mount -t overlay -o lowerdir=/host,upperdir=/layer/upper,workdir=/layer/work,xino=off,metacopy=off root /root || exec poweroff -f
mount -t proc proc /root/proc
mount -t sysfs sys /root/sys
mount -t cgroup2 cgroup2 /root/sys/fs/cgroup
mount -t devtmpfs dev /root/dev
mkdir -p /root/dev/pts /root/dev/shm /root/dev/mqueue
mount -t devpts -o mode=620,ptmxmode=666 devpts /root/dev/pts
mount -t tmpfs shm /root/dev/shm
mkdir -p /root/vm-tmp
mount -t ext4 /dev/vda /root/vm-tmp || exec poweroff -f
chmod 1777 /root/vm-tmp
mount -t tmpfs -o mode=755 run /root/run
mkdir -p /root/run/lock
hostname caisson-vm
ip link set lo up
ulimit -n 65536
# A process in a chroot may make no user namespace: the root is changed for good.
cat >/root/vm-tmp/command <<END
export TMPDIR=/vm-tmp
cd / && $(cat /host-command)
END
exec switch_root /root /bin/sh -c '/bin/sh /vm-tmp/command </dev/null; echo "vm: exit code $?"; sync; exec /bin/busybox poweroff -f'
