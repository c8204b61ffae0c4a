/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The Answers of Operations
 *
 * Encodes what an operation of a session has come to. Each settles and frees @op.
 */

#include "coordinator/coordinator-forward.h"
#include "wire/wire-types.h"

void session_answer_metadata(Session *s, Operation *op);
void session_answer_document(Session *s, Operation *op);
void session_answer_status(Session *s, Operation *op);
void session_answer_added(Session *s, Operation *op, const SetSnapshot *added);
void session_answer_snapshotted(Operation *op, bool present, int32_t compatibility);
void session_answer_bool(Operation *op, bool value);
void session_answer_volumes(Operation *op, const WireVolume *volumes, size_t n);
void session_answer_deleted(Operation *op, int32_t deleted, const GUID *nondeleted, HRESULT hr);
void session_answer_text(Operation *op, const char *text);
void session_answer_result(Operation *op, HRESULT hr);
