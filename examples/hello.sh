#!/bin/bash
#PBS -N hello
# An ordinary batch script: it does not know that it runs in a virtual machine.
cd "$PBS_O_WORKDIR" || exit 1
hypervisor=none
grep -qw hypervisor /proc/cpuinfo && hypervisor=$(cat /sys/class/dmi/id/sys_vendor)

echo "kernel        $(uname -r)"
echo "hypervisor    $hypervisor ($(cat /sys/class/dmi/id/product_name))"
echo "host name     $(hostname)"
echo "user          $(id -un), uid $(id -u), gid $(id -g)"
echo "directory     $PWD"
echo "cores, memory $(nproc), $(awk '/MemTotal/ { print int($2 / 1024) }' /proc/meminfo) MiB"
echo "job           $PBS_JOBID on $(sort -u "$PBS_NODEFILE" | tr '\n' ' ')"

echo "written in $(hostname) with kernel $(uname -r) by uid $(id -u)" > hello.txt
