/* SPDX-License-Identifier: Apache-2.0 */
/* Where a program that is to see the packets of a cgroup's sockets is attached. */
#ifndef KERNELCAST_CGROUP_H
#define KERNELCAST_CGROUP_H

/*
 * Opens the directory of a cgroup of version 2; an empty path names the root, to which every socket of the host belongs,
 * whether it is mounted or not. Returns a descriptor; -ENOTDIR: path is no such directory; -EXDEV: only a part of the
 * hierarchy is in sight, as in a container with a cgroup namespace of its own; or another negative errno.
 */
int cgroup_open(const char *path);

/* Number of the network namespace of this process, as bpf_get_netns_cookie() has it; 0: the kernel does not say. */
unsigned long long cgroup_own_netns(void);

#endif
