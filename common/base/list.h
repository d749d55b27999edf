// SPDX-License-Identifier: Apache-2.0
/*
 * An intrusive, circular, doubly linked list. A `struct list` is both the head and the link inside an element; it owns
 * nothing. A link that is in no list points at itself.
 */
#ifndef PIXMILL_BASE_LIST_H
#define PIXMILL_BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct list {
    struct list *next;
    struct list *previous;
};

/* The element that holds `link` as its member `member`. */
#define list_owner(link, type, member) ((type *)(void *)((char *)(link)-offsetof(type, member)))

/* Makes an empty head, or a link that is in no list. */
static inline void list_init(struct list *list)
{
    list->next = list;
    list->previous = list;
}

/* True where a head has no elements, or a link is in no list. */
static inline bool list_is_empty(const struct list *list)
{
    return list->next == list;
}

/* Adds a link at the end. The link must be in no list. */
static inline void list_append(struct list *list, struct list *link)
{
    link->previous = list->previous;
    link->next = list;
    list->previous->next = link;
    list->previous = link;
}

/* Takes a link out of the list it is in; harmless where it is in none. */
static inline void list_remove(struct list *link)
{
    link->previous->next = link->next;
    link->next->previous = link->previous;
    list_init(link);
}

/* The first link, taken out; NULL from an empty list. */
static inline struct list *list_shift(struct list *list)
{
    struct list *first = list->next;
    if (first == list) {
        return NULL;
    }
    list_remove(first);
    return first;
}

#endif
