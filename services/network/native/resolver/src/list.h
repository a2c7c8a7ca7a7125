/* SPDX-License-Identifier: Apache-2.0
 *
 * Rings of links that stand in what is listed. A ring has a head; what is in none links to itself.
 */
#ifndef CAISSON_LIST_H
#define CAISSON_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct link {
	struct link *next;
	struct link *previous;
};

#define containing(pointer, type, member) ((type *)((char *)(pointer) - offsetof(type, member)))

static inline void list_init(struct link *link)
{
	link->next = link->previous = link;
}

static inline bool list_empty(const struct link *head)
{
	return head->next == head;
}

/* At the end of the ring. */
static inline void list_append(struct link *head, struct link *link)
{
	link->previous = head->previous;
	link->next = head;
	head->previous->next = link;
	head->previous = link;
}

/* Harmless for what is in none. */
static inline void list_remove(struct link *link)
{
	link->previous->next = link->next;
	link->next->previous = link->previous;
	list_init(link);
}

/* What `link` is may be removed in the body. */
#define list_each(each, head) \
	for (struct link *each = (head)->next, *each##_next = each->next; each != (head); \
	     each = each##_next, each##_next = each->next)

#endif
