# SPDX-License-Identifier: Apache-2.0
# Writes OUT, a C table of the migrations FILES (NNNN_what.sql) in order of their numbers.
set(arrays "")
set(rows "")
list(SORT FILES)
foreach(file ${FILES})
    get_filename_component(name ${file} NAME_WE)
    if(NOT name MATCHES "^([0-9][0-9][0-9][0-9])_[a-z0-9_]+$")
        message(FATAL_ERROR "${file} is not named NNNN_what.sql")
    endif()
    set(number ${CMAKE_MATCH_1})
    math(EXPR decimal "1${number} - 10000")
    file(READ ${file} hex HEX)
    string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${hex}")
    string(APPEND arrays "static const unsigned char sql_${number}[] = {${bytes}0};\n")
    string(APPEND rows "    {${decimal}, \"${name}\", (const char *)sql_${number}},\n")
endforeach()
file(WRITE ${OUT}.new
    "/* made from deploy/migrations */\n#include \"common/db/db_migrate_table.h\"\n\n${arrays}\n"
    "const struct db_migration db_migrations[] = {\n${rows}    {0, NULL, NULL},\n};\n")
file(RENAME ${OUT}.new ${OUT})
