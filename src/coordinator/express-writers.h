/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Express Writers
 *
 * Writers that are a document in the catalog and no process. To the rest of umbrad one is a WriterProxy like
 * any other, only without a connection: Identify is answered with the document as it was registered, everything
 * else with yes. A session that knows one keeps it to its end, registered or not.
 */

#include <stddef.h>

#include <vss.h>

#include "coordinator/coordinator-forward.h"
#include "wire/wire-names.h"

/* Those of the catalog, at the start. One whose document is not understood any more is logged and left where
 * it is. */
int express_writers_load(Manager *m);

/* In the catalog first. *ret_why: a sentence, or NULL for that of the code. VSS_E_OBJECT_ALREADY_EXISTS: the
 * class is there, or the instance. */
HRESULT express_writers_register(Manager *m,
                                 const Connection *by,
                                 const char *document,
                                 size_t size,
                                 const char **ret_why);
/* VSS_E_OBJECT_NOT_FOUND. */
HRESULT express_writers_unregister(Manager *m, const Connection *by, const GUID *writer_id);

/* What @w says to @event. @reply refers to *ret_document, which the caller frees. */
void express_writer_answer(const WriterProxy *w, WireEvent event, WriterReply *reply, char **ret_document);
