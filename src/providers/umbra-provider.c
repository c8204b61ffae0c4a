/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * umbra-provider
 *
 * The program in which one provider does its work for one snapshot set. It may hang or die, and umbrad can
 * still answer, thaw and clean up.
 */

#include "provider/provider-worker.h"
#include "providers/providers.h"

int main(int argc, char **argv) {
        return provider_worker_main(provider_find, argc, argv);
}
