/*
 * test_control_access.c - who is heard on the control socket, whatever its mode lets through. Only
 * root can be somebody else.
 */
#include "control_rig.h"
#include <grp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SOMEBODY = 65534, OPERATORS = 4242, MANY = 200 };

static const char *path(void) { return nodes[0].k->config->control; }

/* What somebody in these groups is told, who connects to the node. */
static const char *told(gid_t group, const gid_t *groups, size_t count)
{
    gid_t own[256];
    int fd = client_socket(), owns = getgroups(256, own);
    CU_ASSERT_FATAL(owns >= 0 && setgroups(count, groups) == 0);
    CU_ASSERT_FATAL(setegid(group) == 0 && seteuid(SOMEBODY) == 0);
    dial_with(fd); /* this is when the kernel notes who it is */
    CU_ASSERT_FATAL(seteuid(0) == 0 && setegid(0) == 0);
    CU_ASSERT_FATAL(setgroups((size_t)owns, own) == 0);
    ask(fd, "{\"cmd\":\"meta\"}\n");
    const char *code = code_of(next_line(fd));
    close(fd);
    return code;
}

static void begin_open(void)
{
    begin_alone("");
    CU_ASSERT_EQUAL(chmod(dir, 0711), 0);
    CU_ASSERT_EQUAL(chmod(path(), 0666), 0);
}

static bool can_be_somebody_else(void)
{
    if (geteuid() == 0) return true;
    printf("(not tested: only root can be somebody else) ");
    return false;
}

static void test_mode_alone_lets_nobody_in(void)
{
    if (!can_be_somebody_else()) return;
    begin_open();
    CU_ASSERT_STRING_EQUAL(told(SOMEBODY, NULL, 0), "access");
    CU_ASSERT_EQUAL(control()->refused, 1);
    CU_ASSERT_EQUAL(control()->count, 0);
    int root = dial();
    CU_ASSERT(answers(root));
    close(root);
    end();
}

static void test_group_of_the_socket_is_heard(void)
{
    if (!can_be_somebody_else()) return;
    gid_t many[MANY];
    for (gid_t i = 0; i < MANY; i++) many[i] = OPERATORS - MANY + 1 + i;
    begin_open();
    CU_ASSERT_EQUAL(chown(path(), 0, OPERATORS), 0);
    CU_ASSERT_STRING_EQUAL(told(OPERATORS, NULL, 0), "ok");
    CU_ASSERT_STRING_EQUAL(told(SOMEBODY, many + MANY - 2, 2), "ok");
    CU_ASSERT_STRING_EQUAL(told(SOMEBODY, many, MANY), "ok");
    CU_ASSERT_STRING_EQUAL(told(SOMEBODY, many, MANY - 1), "access");
    end();
}

KITH_TESTS("runtime/control_access",
           {"the mode alone lets nobody in", test_mode_alone_lets_nobody_in},
           {"the group of the socket is heard", test_group_of_the_socket_is_heard})
