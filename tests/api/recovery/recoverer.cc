/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A Writer That Has Work to Do in the Copies
 */

#include "api/recovery/recoverer.h"

static std::string narrow(LPCWSTR wide) {
        std::string text;

        while (*wide)
                text += static_cast<char>(*wide++); /* paths of tests are ASCII */
        return text;
}

HRESULT Recoverer::Start(const wchar_t *name) {
        static const VSS_ID id = { 0x0c11a55e, 0x3d7a, 0x4a52, { 0x8b, 0x01, 0x72, 0x65, 0x63, 0x6f, 0x76, 0x65 } };
        HRESULT hr = InitializeEx(id, name, 1, 0, VSS_UT_USERDATA, VSS_ST_OTHER);

        return FAILED(hr) ? hr : Subscribe();
}

bool Recoverer::OnIdentifyEx(IVssCreateWriterMetadataEx *metadata) {
        const std::wstring data = volume + L"data";
        HRESULT hr = metadata->AddComponent(VSS_CT_FILEGROUP, nullptr, L"data", nullptr, nullptr, 0, false, true, true, true,
                                            flags);

        if (SUCCEEDED(hr))
                hr = metadata->AddFilesToFileGroup(nullptr, L"data", data.c_str(), L"*", true, nullptr, 0xF0F);
        for (const Excluded &x : excluded)
                if (SUCCEEDED(hr))
                        hr = metadata->AddExcludeFilesFromSnapshot(x.path.c_str(), x.pattern.c_str(), x.recursive);
        return SUCCEEDED(hr);
}

bool Recoverer::OnPostSnapshot(IVssWriterComponents *) {
        LPCWSTR name = nullptr;

        context = GetContext();
        if (FAILED(GetSnapshotDeviceName(volume.c_str(), &name)))
                return false;
        device = narrow(name);
        return !in_the_copy || in_the_copy(this, device);
}
