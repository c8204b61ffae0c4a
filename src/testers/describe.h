/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Components in Reports
 *
 * Everything that an IVssComponent says, as a record: the writer shows what the requester told it, the requester what the
 * writer answered.
 */

#include <jansson.h>
#include <vsbackup.h>

/* The caller owns it. What is not said in the component is not in the record. */
json_t *describe_component(IVssComponent *c);
void describe_filespec(json_t *record, IVssWMFiledesc *f);
