// SPDX-License-Identifier: Apache-2.0
/*
 * Functions that this project does not use, because each has a safer form. The build includes this header before
 * every file, so that a use fails to compile. System headers are read first: they may name what we ban.
 */
#ifndef PIXMILL_BASE_BANNED_H
#define PIXMILL_BASE_BANNED_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#pragma GCC poison strcpy strcat strncpy strncat sprintf vsprintf gets strtok atoi atol atoll atof
#pragma GCC poison gmtime localtime ctime asctime tmpnam mktemp

#endif
