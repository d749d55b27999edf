// SPDX-License-Identifier: Apache-2.0
/*
 * Errors as clients see them: application/problem+json (RFC 9457) with our stable word in `code`, and for invalid fields
 * `errors: {field: [text, ...]}`. Everything comes from err_codes.def; the sentence of an err goes to our log only.
 */
#ifndef PIXMILL_ROUTE_PROBLEM_H
#define PIXMILL_ROUTE_PROBLEM_H

#include "common/base/err.h"

#include <jansson.h>

struct request;

/* Adds a text to the list of a field in *errors, which is made where it is NULL. The caller owns *errors. */
void problem_add(json_t **errors, const char *field, const char *text);

/* The body of an answer about a code. Takes over errors; NULL for none. The caller owns what is returned. */
json_t *problem_json(enum err_code code, json_t *errors);

/* Answers a request with an error, with WWW-Authenticate or Retry-After where its status asks for one. */
void problem_answer(struct request *request, const struct err *err);

/* As problem_answer, with field errors, which are taken over; NULL for none. */
void problem_answer_fields(struct request *request, const struct err *err, json_t *errors);

/* As problem_answer for a 503 or 429 whose cause is over in about retry_s seconds. */
void problem_answer_retry(struct request *request, const struct err *err, int retry_s);

/* As problem_answer for a code that has nothing more to tell. */
void problem_answer_code(struct request *request, enum err_code code);

#endif
