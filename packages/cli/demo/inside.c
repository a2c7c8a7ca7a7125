/* SPDX-License-Identifier: Apache-2.0
 *
 * The program of the demo's image where no static busybox is at hand: tells what it sees from inside of a container.
 */
#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void show_process(const char *pid)
{
	char path[300], name[256] = "?";
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%s/comm", pid);
	file = fopen(path, "re");
	if (!file)
		return;
	if (fgets(name, sizeof(name), file))
		name[strcspn(name, "\n")] = '\0';
	fclose(file);
	printf("%5s %s\n", pid, name);
}

static void show_processes(void)
{
	DIR *proc = opendir("/proc");
	struct dirent *entry;

	if (!proc)
		return;
	puts("  PID COMMAND");
	while ((entry = readdir(proc)))
		if (isdigit((unsigned char)entry->d_name[0]))
			show_process(entry->d_name);
	closedir(proc);
}

int main(int argc, char **argv)
{
	char host[256] = "";

	/* As /bin/true it is only there to be started and to end. */
	if (argc > 0 && strcmp(argv[0], "true") == 0)
		return 0;
	(void)gethostname(host, sizeof(host) - 1);
	printf("uid=%u gid=%u\nhostname %s\n", (unsigned int)getuid(), (unsigned int)getgid(), host);
	show_processes();
	return 0;
}
