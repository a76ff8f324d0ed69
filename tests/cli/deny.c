/*
 * deny.c - runs a command for which system calls fail, as under a seccomp filter of a container:
 *
 *     deny eventfd2 COMMAND ARGUMENTS       ENOSYS
 *     deny eventfd2=EPERM COMMAND ...
 */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static const struct {
    const char *name;
    unsigned number;
} calls[] = {{"epoll_create1", SYS_epoll_create1},
             {"epoll_ctl", SYS_epoll_ctl},
             {"eventfd2", SYS_eventfd2},
             {"pipe2", SYS_pipe2},
             {"recvmmsg", SYS_recvmmsg},
             {"sendmmsg", SYS_sendmmsg},
             {"recvmsg", SYS_recvmsg},
             {"sendmsg", SYS_sendmsg},
             {"accept4", SYS_accept4}};

static int deny(unsigned number, unsigned code)
{
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | code),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
    struct sock_fprog program = {sizeof filter / sizeof *filter, filter};
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
           prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

int main(int argc, char **argv)
{
    if (argc < 3) return 2;
    char *code = strchr(argv[1], '=');
    if (code) *code++ = 0;
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        if (strcmp(calls[i].name, argv[1]) != 0) continue;
        if (deny(calls[i].number, code && !strcmp(code, "EPERM") ? EPERM : ENOSYS)) {
            perror("deny: no seccomp here");
            return 77;
        }
        execvp(argv[2], argv + 2);
        return 127;
    }
    return 2;
}
