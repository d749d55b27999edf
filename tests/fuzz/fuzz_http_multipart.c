// SPDX-License-Identifier: Apache-2.0
/*
 * A form through the reader, twice: whole, and in pieces whose lengths the input's first byte chooses, with events that say stop. Both
 * must tell the same. The first line of the input is the Content-Type; where it is none, a usual one is taken.
 */
#include "api/http/multipart.h"
#include "common/base/arena.h"
#include "common/base/buf.h"
#include "common/base/text.h"

#include <assert.h>
#include <stdint.h>

enum { TOLD_BYTES = 1 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

struct told {
    struct buf text;
    enum { OUTSIDE, INSIDE } place;
    unsigned events;
    bool may_stop;
    enum err_code code;
};

static void tell(struct told *told, const char *word, const char *text, size_t bytes)
{
    int status = buf_add(&told->text, word, strlen(word));
    status |= buf_add(&told->text, text, bytes);
    assert(status == 0);
}

static bool goes_on(struct told *told)
{
    return !told->may_stop || ++told->events % 3 != 0;
}

static bool on_part(void *owner, const struct multipart_part *part)
{
    struct told *told = owner;
    assert(told->place == OUTSIDE);
    assert(text_is_utf8(part->name, strlen(part->name)));
    told->place = INSIDE;
    tell(told, "\npart ", part->name, strlen(part->name));
    if (part->file_name != NULL) {
        assert(text_is_utf8(part->file_name, strlen(part->file_name)));
        assert(strpbrk(part->file_name, "/\\\r\n") == NULL);
        tell(told, " file ", part->file_name, strlen(part->file_name));
    }
    if (part->content_type != NULL) {
        tell(told, " type ", part->content_type, strlen(part->content_type));
    }
    tell(told, "\n", "", 0);
    return goes_on(told);
}

static bool on_data(void *owner, const char *data, size_t bytes)
{
    struct told *told = owner;
    assert(told->place == INSIDE && bytes > 0);
    tell(told, "", data, bytes);
    return goes_on(told);
}

static bool on_part_end(void *owner)
{
    struct told *told = owner;
    assert(told->place == INSIDE);
    told->place = OUTSIDE;
    tell(told, "\nend", "", 0);
    return goes_on(told);
}

static struct told run(const char *type, const char *data, size_t bytes, size_t piece)
{
    static const struct multipart_events events = {on_part, on_data, on_part_end};
    struct told told = {.may_stop = piece < bytes};
    struct err err = {.code = ERR_NONE};
    struct arena *arena = arena_new();
    buf_init(&told.text, TOLD_BYTES);
    struct multipart *multipart = multipart_new(arena, type, &events, &told, &err);
    int status = multipart == NULL ? -1 : 0;
    for (size_t at = 0; status == 0 && at < bytes;) {
        size_t here = bytes - at < piece ? bytes - at : piece;
        size_t taken = 0;
        char *exact = malloc(here);
        assert(exact != NULL);
        memcpy(exact, data + at, here);
        status = multipart_feed(multipart, exact, here, &taken, &err);
        assert(status != 0 || (taken <= here && (taken == here || told.may_stop)));
        at += taken;
        free(exact);
    }
    if (status == 0 && multipart_end(multipart, &err) == 0) {
        assert(told.place == OUTSIDE);
    }
    told.code = err.code;
    arena_free(arena);
    return told;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    char type[256] = "multipart/form-data; boundary=b";
    if (bytes < 2 || bytes > 16384) {
        return 0;
    }
    size_t piece = (size_t)data[0] % 32 + 1;
    const char *text = (const char *)data + 1;
    size_t left = bytes - 1;
    const char *line_end = memchr(text, '\n', left);
    size_t line = line_end == NULL ? 0 : (size_t)(line_end - text);
    if (line >= 10 && line < sizeof type && memcmp(text, "multipart/", 10) == 0) {
        memcpy(type, text, line);
        type[line] = '\0';
        text += line + 1;
        left -= line + 1;
    }
    struct told whole = run(type, text, left, left + 1);
    struct told cut = run(type, text, left, piece);
    assert(whole.code == cut.code);
    /* of a form that is refused, how much was told before may differ by a carried start of a boundary */
    assert(whole.code != ERR_NONE ||
           (whole.text.used == cut.text.used &&
            (whole.text.used == 0 || memcmp(whole.text.data, cut.text.data, whole.text.used) == 0)));
    buf_release(&whole.text);
    buf_release(&cut.text);
    return 0;
}
