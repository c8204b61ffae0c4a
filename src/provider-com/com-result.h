/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What a Provider Returns
 *
 * A provider of others may return what is documented and nothing else. The documented codes go to the
 * requester as they are; any other becomes VSS_E_UNEXPECTED_PROVIDER_ERROR, with the method's name and what it
 * returned in the sentence that goes with it. [MS: error-handling-in-shadow-copy-providers]
 */

#include <stdbool.h>

#include <umbra-provider.h>

/* Who is asked for the words of what failed, from now on; NULL: nobody. */
void com_result_ask(IUmbraProviderReason *r);
/* 0 for S_OK, else what provider_fail_with() returns. @method without brackets: "CommitSnapshots". */
int com_result(const char *method, HRESULT hr);
/* A method said S_OK, and with it what cannot be; @what: "gave no device". */
int com_nonsense(const char *method, const char *what);
