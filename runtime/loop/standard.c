/*
 * standard.c - see standard.h.
 */
#include "standard.h"
#include <fcntl.h>
#include <unistd.h>

void kith_standard_hold(void)
{
    /* stdin and stdout the wrong way round: who was to read or print something is told that it
     * can't. What goes to stderr, nobody wanted to see. */
    static const int how[] = {O_WRONLY, O_RDONLY, O_WRONLY};
    for (int i = 0; i <= STDERR_FILENO; i++) {
        if (fcntl(i, F_GETFD) >= 0) continue;
        int fd = open("/dev/null", how[i]); /* gets the lowest number that is free */
        if (fd < 0) fd = open("/", O_PATH); /* no devices here; nobody reads or writes this */
        if (fd > i) close(fd);
    }
}
