// SPDX-License-Identifier: Apache-2.0
/*
 * Functions that this project does not use, because each has a safer form. The build includes this header before
 * every file, so that a use fails to compile. System headers are read first: they may name what we ban.
 *
 * A C library may define any of these as a macro too (glibc's <stdio.h> with _FORTIFY_SOURCE does under Clang). Such a macro goes
 * first: poisoning one that stands is an error in some compilers, and what the library made of it so far stays as it is.
 */
#ifndef PIXMILL_BASE_BANNED_H
#define PIXMILL_BASE_BANNED_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#undef strcpy
#undef strcat
#undef strncpy
#undef strncat
#undef sprintf
#undef vsprintf
#undef gets
#undef strtok
#undef atoi
#undef atol
#undef atoll
#undef atof
#pragma GCC poison strcpy strcat strncpy strncat sprintf vsprintf gets strtok atoi atol atoll atof

#undef gmtime
#undef localtime
#undef ctime
#undef asctime
#undef tmpnam
#undef mktemp
#pragma GCC poison gmtime localtime ctime asctime tmpnam mktemp

#endif
