/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A Writer That Has Work to Do in the Copies
 *
 * In C++, as most writers are that recover anything. What it says of itself and what it does in OnPostSnapshot
 * is the test's; what it saw there is kept.
 */

#include <functional>
#include <string>
#include <vector>

#include <vswriter.h>

class Recoverer : public CVssWriterEx {
public:
        struct Excluded {
                std::wstring path, pattern;
                bool recursive;
        };

        /* Set before Start(). */
        DWORD flags = 0; /* VSS_COMPONENT_FLAGS of its component "data" */
        std::vector<Excluded> excluded;
        std::wstring volume; /* with a slash at its end */

        std::function<bool(Recoverer *, const std::string &device)> in_the_copy;

        LONG context = 0; /* as OnPostSnapshot was told it */
        std::string device;

        HRESULT Start(const wchar_t *name);

        bool Fail(HRESULT hr) {
                return SUCCEEDED(SetWriterFailure(hr)) && false;
        }

private:
        bool STDMETHODCALLTYPE OnIdentifyEx(IVssCreateWriterMetadataEx *metadata) override;
        bool STDMETHODCALLTYPE OnPrepareSnapshot() override {
                return true;
        }
        bool STDMETHODCALLTYPE OnFreeze() override {
                return true;
        }
        bool STDMETHODCALLTYPE OnThaw() override {
                return true;
        }
        bool STDMETHODCALLTYPE OnAbort() override {
                return true;
        }
        bool STDMETHODCALLTYPE OnPostSnapshot(IVssWriterComponents *components) override;
};
