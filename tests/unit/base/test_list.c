// SPDX-License-Identifier: Apache-2.0
#include "common/base/list.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

struct item {
    int number;
    struct list link;
};

static int shift(struct list *list)
{
    struct list *link = list_shift(list);
    return link == NULL ? -1 : list_owner(link, struct item, link)->number;
}

static void items_come_out_in_order(void **state)
{
    struct list list;
    struct item items[3] = {{.number = 0}, {.number = 1}, {.number = 2}};
    (void)state;
    list_init(&list);
    assert_true(list_is_empty(&list));
    assert_int_equal(shift(&list), -1);
    for (int i = 0; i < 3; i++) {
        list_append(&list, &items[i].link);
    }
    assert_false(list_is_empty(&list));
    for (int i = 0; i < 3; i++) {
        assert_int_equal(shift(&list), i);
        assert_true(list_is_empty(&items[i].link));
    }
    assert_int_equal(shift(&list), -1);
}

static void any_item_can_be_taken_out_also_twice(void **state)
{
    struct list list;
    struct item items[3] = {{.number = 0}, {.number = 1}, {.number = 2}};
    (void)state;
    list_init(&list);
    for (int i = 0; i < 3; i++) {
        list_append(&list, &items[i].link);
    }
    list_remove(&items[1].link);
    list_remove(&items[1].link);
    assert_int_equal(shift(&list), 0);
    list_append(&list, &items[1].link);
    assert_int_equal(shift(&list), 2);
    assert_int_equal(shift(&list), 1);
    assert_true(list_is_empty(&list));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(items_come_out_in_order),
        cmocka_unit_test(any_item_can_be_taken_out_also_twice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
