/* SPDX-License-Identifier: Apache-2.0
 *
 * Executing a program found by its name.
 */
#ifndef CAISSON_EXEC_SEARCH_H
#define CAISSON_EXEC_SEARCH_H

/*
 * Executes argv[0]: as it is when it has a slash, otherwise from the directories of PATH in `envp`. Returns only when that
 * failed, with the errno that says most: ENOENT when it is nowhere, EACCES when it is somewhere and may not be executed.
 */
int exec_search(char *const argv[], char *const envp[]);

#endif
