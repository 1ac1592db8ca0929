/*
 * Preloaded into QEMU's virtiofsd: lets it run as an ordinary user, on a socket that it inherits.
 *
 * It drops its supplementary groups at start, so that a guest cannot make set-group-id files of groups that virtiofsd
 * happened to be started with (CVE-2022-0358, a matter of virtiofsd run as root). An ordinary user may not call
 * setgroups(2), so it would give up. Ours serves one user with exactly that user's rights, his groups among them; so it
 * is told that there is nothing to drop.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

/* The descriptor of virtiofsd's option --fd. */
enum { listening_socket = 3 };

int getgroups(int size, gid_t list[]) {
	(void)size;
	(void)list;
	return 0;
}

/* Node's sockets do not block; virtiofsd takes an accept(2) that does not wait for a failure. */
__attribute__((constructor)) static void let_accept_wait(void) {
	int flags = fcntl(listening_socket, F_GETFL);
	if (flags >= 0)
		fcntl(listening_socket, F_SETFL, flags & ~O_NONBLOCK);
}

/*
 * virtiofsd itself cannot refuse writing. It runs in a mount namespace of its own, where the directory is made read-only, with all that
 * is mounted in it, before it looks there.
 */
__attribute__((constructor)) static void make_read_only(void) {
	const char *directory = getenv("VTORQUE_READ_ONLY");
	/* The programs that start it have this library, too. */
	if (directory == NULL || strcmp(program_invocation_short_name, "virtiofsd") != 0)
		return;
	/* struct mount_attr, which older headers do not have; MOUNT_ATTR_RDONLY, AT_RECURSIVE. */
	const struct {
		uint64_t set, clear, propagation, user_namespace;
	} attributes = {.set = 1};
	if (mount(directory, directory, NULL, MS_BIND | MS_REC, NULL) == 0 &&
	    syscall(442 /* mount_setattr */, AT_FDCWD, directory, 0x8000, &attributes, sizeof attributes) == 0)
		return;
	fprintf(stderr, "Cannot make \"%s\" read-only: %s\n", directory, strerror(errno));
	_exit(1);
}
