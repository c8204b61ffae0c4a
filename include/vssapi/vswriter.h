/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef UMBRA_VSWRITER_H
#define UMBRA_VSWRITER_H
#include "vswriter-interfaces.h"
#endif
