/*
 * Preloaded into QEMU's virtiofsd: lets it run as an ordinary user, on a socket that it inherits.
 *
 * It drops its supplementary groups at start, so that a guest cannot make set-group-id files of groups that virtiofsd
 * happened to be started with (CVE-2022-0358, a matter of virtiofsd run as root). An ordinary user may not call
 * setgroups(2), so it would give up. Ours serves one user with exactly that user's rights, his groups among them; so it
 * is told that there is nothing to drop.
 */
#include <fcntl.h>
#include <sys/types.h>

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
