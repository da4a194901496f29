// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/mount.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "cgroup.h"

#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71
#endif

enum {
	ROOT_INODE = 1, /* of every hierarchy (kernfs_create_root) */
	LINE_BYTES = 4096,
	PATH_BYTES = 1024,
};

static int check_version(int fd)
{
	struct statfs filesystem;

	if (fstatfs(fd, &filesystem) < 0)
		return -errno;
	return filesystem.f_type == CGROUP2_SUPER_MAGIC ? 0 : -ENOTDIR;
}

static int check_root(int fd)
{
	struct stat directory;

	if (fstat(fd, &directory) < 0)
		return -errno;
	return directory.st_ino == ROOT_INODE ? 0 : -EXDEV;
}

/* Returns the descriptor, or closes it and returns why it will not do. */
static int close_unless(int fd, int err)
{
	if (!err)
		return fd;
	close(fd);
	return err;
}

static int open_directory(const char *path)
{
	int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? -errno : close_unless(fd, check_version(fd));
}

/* Where the root is mounted, if it is: beside version 1 that is anywhere. See proc_pid_mountinfo(5). */
static int open_mounted_root(void)
{
	FILE *mounts = fopen("/proc/self/mountinfo", "re");
	char line[LINE_BYTES], path[PATH_BYTES];
	int found = -ENOENT;

	while (mounts && found < 0 && fgets(line, sizeof(line), mounts)) {
		int end = 0;

		/* A path with a blank is written otherwise there, and then it is not found. */
		if (sscanf(line, "%*d %*d %*s %*s %1023s %*[^-]- cgroup2 %n", path, &end) != 1 ||
		    !end)
			continue;
		int fd = open_directory(path);
		if (fd >= 0)
			found = close_unless(fd, check_root(fd));
	}
	if (mounts)
		fclose(mounts);
	return found;
}

/* A mount that nobody else sees and that goes with its descriptor. By number: glibc has names for these since 2.36. */
static int mount_root(void)
{
	int filesystem = syscall(SYS_fsopen, "cgroup2", FSOPEN_CLOEXEC), fd = -1, err = 0;

	if (filesystem < 0)
		return -errno;
	if (syscall(SYS_fsconfig, filesystem, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0 ||
	    (fd = syscall(SYS_fsmount, filesystem, FSMOUNT_CLOEXEC, 0)) < 0)
		err = -errno;
	close(filesystem);
	return fd < 0 ? err : close_unless(fd, check_root(fd));
}

int cgroup_open(const char *path)
{
	int fd = *path ? open_directory(path) : open_mounted_root();

	return fd < 0 && !*path ? mount_root() : fd;
}

unsigned long long cgroup_own_netns(void)
{
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	unsigned long long cookie = 0;
	socklen_t size = sizeof(cookie);

	if (fd < 0)
		return 0;
	if (getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &size) < 0)
		cookie = 0;
	close(fd);
	return cookie;
}
