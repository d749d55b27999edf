// SPDX-License-Identifier: Apache-2.0
/*
 * What absolute URLs in an answer start with: the operator's PIXMILL_PUBLIC_URL, else what the request says of itself.
 */
#ifndef PIXMILL_ROUTE_BASE_URL_H
#define PIXMILL_ROUTE_BASE_URL_H

struct config;
struct request;

/* "https://shop.example" or "https://shop.example/pixmill", without a last slash; in the request's arena. Never NULL. */
const char *base_url(struct request *request, const struct config *config);

#endif
