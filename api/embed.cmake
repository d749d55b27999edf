# SPDX-License-Identifier: Apache-2.0
# Writes OUT, a C file with the bytes of IN.
file(READ ${IN} hex HEX)
string(LENGTH "${hex}" digits)
math(EXPR size "${digits} / 2")
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${hex}")
file(WRITE ${OUT} "// SPDX-License-Identifier: Apache-2.0
#include \"api/openapi_text.h\"

const char openapi_text[] = {${bytes}};
const size_t openapi_text_bytes = ${size};
")
