/* SPDX-License-Identifier: Apache-2.0
 *
 * Exchanges pairs of paths as fast as it can, for ever: swap A B [C D ...].
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	if (write(1, "swapping\n", 9) < 0)
		return 1;
	for (;;)
		for (int i = 1; i + 1 < argc; i += 2)
			if (renameat2(AT_FDCWD, argv[i], AT_FDCWD, argv[i + 1], RENAME_EXCHANGE) < 0) {
				perror(argv[i]);
				return 1;
			}
}
