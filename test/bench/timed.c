/* SPDX-License-Identifier: Apache-2.0
 *
 * timed N PROGRAM ARG...: runs a program N times, one after the other, and prints how many microseconds each run took.
 * An argument "{}" becomes the number of the run. Small and static, so that starting the program costs what it costs.
 */
#define _GNU_SOURCE
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static long long now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000ll + t.tv_nsec / 1000;
}

int main(int argc, char **argv, char **env)
{
	int runs = argc > 2 ? atoi(argv[1]) : 0;

	for (int run = 0; run < runs; run++) {
		char number[24];
		char *args[64];
		long long begun;
		int status;
		pid_t pid;
		int n = 0;

		snprintf(number, sizeof(number), "bench-%d-%d", (int)getpid(), run);
		for (int i = 2; i < argc && n < 63; i++)
			args[n++] = strcmp(argv[i], "{}") ? argv[i] : number;
		args[n] = NULL;
		begun = now_us();
		if (posix_spawnp(&pid, args[0], NULL, NULL, args, env) != 0 || waitpid(pid, &status, 0) < 0)
			return 1;
		if (status != 0) {
			fprintf(stderr, "%s ended with status %d\n", args[0], status);
			return 1;
		}
		printf("%lld\n", now_us() - begun);
	}
	return 0;
}
