/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Plans for Tests
 */

#include "plan-fixture.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/strv.h"
#include "lib/test-util.h"
#include "tools/tool-vss.h"

#define WRITER_ID "00000000-0000-4000-8000-%012u"
#define INSTANCE_ID "11111111-0000-4000-8000-%012u"

void plan_add_writer(BackupPlan *p, unsigned number, const char *usage, unsigned schema, const char *locations) {
        IVssExamineWriterMetadata *metadata = NULL;
        _cleanup_(freep) char *text = NULL;
        _cleanup_(freep) WCHAR *wide = NULL;
        BSTR xml;

        assert_true(format_to(&text,
                              "<WRITER_METADATA xmlns=\"x-schema:#VssWriterMetadataInfo\" version=\"1.2\" backupSchema=\"%u\">"
                              "<IDENTIFICATION writerId=\"" WRITER_ID "\" instanceId=\"" INSTANCE_ID "\" instanceName=\"instance %u\""
                              " friendlyName=\"Writer %u\" usage=\"%s\" dataSource=\"OTHER\"/>"
                              "<BACKUP_LOCATIONS>%s</BACKUP_LOCATIONS></WRITER_METADATA>",
                              schema, number, number, number, number, usage, locations) >= 0);
        wide = tool_wide(text);
        xml = SysAllocString(wide);
        assert_int_equal(CreateVssExamineWriterMetadata(xml, &metadata), S_OK);
        SysFreeString(xml);

        p->writers = reallocarray(p->writers, p->n_writers + 1, sizeof(*p->writers));
        assert_non_null(p->writers);
        assert_int_equal(writer_metadata_read(metadata, &p->writers[p->n_writers]), S_OK);
        ++p->n_writers;
        IVssExamineWriterMetadata_Release(metadata);
}

char *plan_chosen(const BackupPlan *p) {
        _cleanup_(strv_freep) char **list = NULL;

        for (size_t i = 0; i < p->n_components; ++i) {
                _cleanup_(freep) char *text = NULL;

                assert_true(format_to(&text, "%s:%s", plan_writer(p, &p->components[i])->name + strlen("Writer "),
                                      p->components[i].component->full) >= 0);
                assert_int_equal(strv_append(&list, text), 0);
        }
        strv_sort(list);
        return list ? strv_join(list, " ") : strdup("");
}

PlanComponent *plan_component(const BackupPlan *p, const char *full) {
        for (size_t i = 0; i < p->n_components; ++i)
                if (strcmp(p->components[i].component->full, full) == 0)
                        return &p->components[i];
        fail_msg("'%s' was not chosen", full);
        return NULL;
}
