// SPDX-License-Identifier: Apache-2.0
#include "worker/codec/memory.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

enum { STATUS_BYTES = 4096 };

int memory_open(void)
{
    return open("/proc/self/status", O_RDONLY | O_CLOEXEC);
}

int64_t memory_peak_bytes(int status_fd)
{
    static const char name[] = "\nVmHWM:";
    char text[STATUS_BYTES];
    if (status_fd >= 0 && lseek(status_fd, 0, SEEK_SET) == 0) {
        ssize_t bytes = read(status_fd, text, sizeof text - 1);
        text[bytes > 0 ? bytes : 0] = '\0';
        const char *line = strstr(text, name);
        if (line != NULL) {
            return (int64_t)strtol(line + sizeof name - 1, NULL, 10) * 1024;
        }
    }
    struct rusage usage;
    return getrusage(RUSAGE_SELF, &usage) == 0 ? (int64_t)usage.ru_maxrss * 1024 : 0;
}
