/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What thin_dump says of a pool, and how much of it snapshots take. The snapshots are 7 and 8; a block has 64 KiB.
 */

#include "providers/lvm/lvm-blocks.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "lib/test-util.h"

#define POOL(content) "<superblock uuid=\"\" time=\"1\" transaction=\"4\" version=\"2\" data_block_size=\"128\" nr_data_blocks=\"0\">\n" content "</superblock>\n"
#define DEVICE(id, content) "<device dev_id=\"" id "\" mapped_blocks=\"1\" transaction=\"0\" creation_time=\"0\" snap_time=\"1\">\n" content "</device>\n"
#define ONE(block) "<single_mapping origin_block=\"5\" data_block=\"" block "\" time=\"0\"/>\n"
#define MANY(begin, n) "<range_mapping origin_begin=\"0\" data_begin=\"" begin "\" length=\"" n "\" time=\"0\"/>\n"

static const uint64_t snapshots[] = { 7, 8 };

static int count(const char *text, size_t piece, uint64_t *ret_bytes) {
        _cleanup_(lvm_blocks_freep) LvmBlocks *b = NULL;
        size_t size = strlen(text);
        int r;

        assert_int_equal(lvm_blocks_new(snapshots, ELEMENTSOF(snapshots), &b), 0);
        for (size_t i = 0; i < size; i += piece) {
                r = lvm_blocks_feed(b, text + i, MIN(piece, size - i));
                if (r < 0) {
                        assert_int_equal(lvm_blocks_count(b, ret_bytes), r); /* it does not forget */
                        return r;
                }
        }

        return lvm_blocks_count(b, ret_bytes);
}

static void test_that_what_only_snapshots_have_is_counted_once(void **state) {
        static const struct {
                const char *what, *text;
                int r;
                uint64_t blocks;
        } cases[] = {
                { "nothing",                     "",                                                                          -EBADMSG, 0 },
                { "words",                       "thin_dump: No such device\n",                                               -EBADMSG, 0 },
                { "half of it",                  "<superblock data_block_size=\"128\"><device dev_id=\"7\">" ONE("1"),        -EBADMSG, 0 },
                { "no block size",               "<superblock>" DEVICE("7", ONE("1")) "</superblock>",                        -EBADMSG, 0 },
                { "a block size of nothing",     "<superblock data_block_size=\"0\"/>",                                       -EBADMSG, 0 },
                { "a document type",             "<!DOCTYPE a [<!ENTITY b \"1\">]>" POOL(""),                                 -EBADMSG, 0 },
                { "what nobody has",             POOL(ONE("1")),                                                              -EBADMSG, 0 },
                { "what is not known",           POOL(DEVICE("7", "<triple_mapping data_block=\"1\"/>")),                     -EBADMSG, 0 },
                { "a block without a number",    POOL(DEVICE("7", ONE(""))),                                                  -EBADMSG, 0 },
                { "a negative one",              POOL(DEVICE("7", ONE("-1"))),                                                -EBADMSG, 0 },
                { "a number with something",     POOL(DEVICE("7", ONE("1x"))),                                                -EBADMSG, 0 },
                { "more than numbers can say",   POOL(DEVICE("7", ONE("99999999999999999999999"))),                           -EBADMSG, 0 },
                { "more than a pool has",        POOL(DEVICE("7", ONE("18446744073709551615"))),                              -E2BIG,   0 },
                { "a range of that kind",        POOL(DEVICE("7", MANY("1", "18446744073709551615"))),                        -E2BIG,   0 },
                { "what was not defined",        POOL(DEVICE("7", "<ref name=\"1\"/>")),                                      -EBADMSG, 0 },
                { "what was defined otherwise",  POOL("<def name=\"2\">" ONE("1") "</def>" DEVICE("7", "<ref name=\"1\"/>")), -EBADMSG, 0 },
                { "an empty pool",               POOL(""),                                                                    0,        0 },
                { "a volume only",               POOL(DEVICE("1", MANY("0", "100"))),                                         0,        0 },
                { "a fresh snapshot",            POOL(DEVICE("1", MANY("0", "100")) DEVICE("7", MANY("0", "100"))),           0,        0 },
                { "a volume that was removed",   POOL(DEVICE("7", MANY("0", "100"))),                                         0,        100 },
                { "one block was overwritten",   POOL(DEVICE("1", MANY("1", "99") ONE("100")) DEVICE("7", MANY("0", "100"))), 0,        1 },
                { "the snapshot comes first",    POOL(DEVICE("7", MANY("0", "100")) DEVICE("9", MANY("1", "99"))),            0,        1 },
                { "both have it, the volume not", POOL(DEVICE("7", MANY("0", "9")) DEVICE("1", MANY("20", "9"))
                                                       DEVICE("8", MANY("0", "10"))),                                         0,        10 },
                { "a snapshot of somebody else", POOL(DEVICE("7", MANY("0", "9")) DEVICE("70", MANY("0", "4"))),              0,        5 },
                { "what is shared has a name",   POOL("<def name=\"3\">" MANY("0", "9") "</def><def name=\"2\">" ONE("50") ONE("51") "</def>"
                                                      DEVICE("1", "<ref name=\"3\"/>" ONE("60"))
                                                      DEVICE("7", "<ref name=\"2\"/><ref name=\"3\"/>")
                                                      DEVICE("8", "<ref name=\"2\"/>" ONE("61"))),                            0,        3 },
                { "a name that nobody uses",     POOL("<def name=\"3\">" MANY("0", "9") "</def>" DEVICE("7", ONE("1"))),      0,        1 },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); ++i)
                for (size_t piece = 1; piece < 4096; piece += 1023) {
                        uint64_t bytes = 0;
                        int r = count(cases[i].text, piece, &bytes);

                        if (r != cases[i].r || bytes != cases[i].blocks * 64 * 1024)
                                fail_msg("%s, by %zu: %d, %" PRIu64, cases[i].what, piece, r, bytes);
                }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_that_what_only_snapshots_have_is_counted_once),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
