/*
 * cmd.h - the commands of `kith`, each in the file that is called after it; main.c has their table.
 *
 * Results go to stdout, problems to stderr, and the exit code (fail.h) tells programs what
 * happened.
 */
#ifndef KITH_TOOLS_CMD_H
#define KITH_TOOLS_CMD_H

/* argv[0] is what getopt begins its messages with. Return an exit code. */
int kith_cmd_run(int argc, char **argv);
int kith_cmd_sim(int argc, char **argv);
int kith_cmd_members(int argc, char **argv);
int kith_cmd_join(int argc, char **argv);
int kith_cmd_leave(int argc, char **argv);
int kith_cmd_info(int argc, char **argv);
int kith_cmd_send(int argc, char **argv);
int kith_cmd_broadcast(int argc, char **argv);
int kith_cmd_monitor(int argc, char **argv);
int kith_cmd_meta(int argc, char **argv);
int kith_cmd_reload(int argc, char **argv);
int kith_cmd_keys(int argc, char **argv);
int kith_cmd_command(int argc, char **argv);
int kith_cmd_entry(const char *entry, int argc, char **argv); /* for short: cmd_command.c */
int kith_cmd_config(int argc, char **argv);
int kith_cmd_plugin(int argc, char **argv);
int kith_cmd_dissect(int argc, char **argv);

#endif
