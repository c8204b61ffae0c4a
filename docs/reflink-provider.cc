// SPDX-License-Identifier: LGPL-2.1-or-later

// A provider in C++: its shadow copies are clones of the files, in .shadow on the volume itself.
//
//     c++ -std=c++17 -shared -fPIC reflink-provider.cc $(pkg-config --cflags --libs vssapi) -o reflink-provider.so
//     install reflink-provider.so $LIBDIR/umbra/providers/0d15ea5e-0000-4000-8000-000000000002.so
//     umbra provider register "Clones" --class 0d15ea5e-0000-4000-8000-000000000002
//
// It writes to the volume while the shadow copy is made, so the volume must not be held then: GetTraits() says so. Where
// the file system cannot clone, files are copied.

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <oleauto.h>
#include <umbra-provider.h>
#include <vsserror.h>

namespace fs = std::filesystem;

static std::string text(VSS_ID id) {
        WCHAR wide[39];

        StringFromGUID2(id, wide, 39);
        return fs::path(std::wstring(wide)).string();
}

// Which volumes have shadow copies: any process must find them again.
static fs::path catalog() {
        const char *dir = getenv("REFLINK_PROVIDER");

        return dir ? dir : "/var/lib/reflink-provider";
}

static fs::path place(const std::string &snapshot) {
        std::error_code error;
        fs::path link = catalog() / snapshot;

        return fs::is_symlink(link, error) ? fs::read_symlink(link, error) : fs::path();
}

static HRESULT clone_tree(const fs::path &volume, const fs::path &target) {
        std::vector<std::string> words = { "cp", "-a", "--reflink=auto", "-t", target };
        std::vector<char *> argv;
        int status;
        pid_t pid;

        for (const auto &entry : fs::directory_iterator(volume))
                if (entry.path().filename() != ".shadow")
                        words.push_back(entry.path());
        if (words.size() == 5)
                return S_OK; // an empty volume
        for (auto &word : words)
                argv.push_back(word.data());
        argv.push_back(nullptr);

        pid = fork();
        if (pid == 0) {
                execvp("cp", argv.data());
                _exit(127);
        }
        return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0 ? S_OK : VSS_E_PROVIDER_VETO;
}

// Exceptions stay here: what leaves a method is an HRESULT.
template <typename F> static HRESULT guarded(F f) {
        try {
                return f();
        } catch (const std::bad_alloc &) {
                return E_OUTOFMEMORY;
        } catch (const fs::filesystem_error &e) {
                return e.code() == std::errc::no_space_on_device ? VSS_E_INSUFFICIENT_STORAGE : VSS_E_PROVIDER_VETO;
        } catch (...) {
                return VSS_E_PROVIDER_VETO;
        }
}

class List final : public IVssEnumObject {
public:
        explicit List(std::vector<VSS_ID> found) : ids(std::move(found)) {}

        HRESULT QueryInterface(REFIID, void **) override { return E_NOINTERFACE; }
        ULONG AddRef() override { return ++n_ref; }
        ULONG Release() override {
                ULONG left = --n_ref;
                if (left == 0)
                        delete this;
                return left;
        }
        HRESULT Next(ULONG n, VSS_OBJECT_PROP *prop, ULONG *n_fetched) override {
                for (*n_fetched = 0; *n_fetched < n && next < ids.size(); ++*n_fetched) {
                        memset(&prop[*n_fetched], 0, sizeof(*prop));
                        prop[*n_fetched].Type = VSS_OBJECT_SNAPSHOT;
                        prop[*n_fetched].Obj.Snap.m_SnapshotId = ids[next++];
                }
                return *n_fetched == n ? S_OK : S_FALSE;
        }
        HRESULT Skip(ULONG n) override {
                next = std::min<size_t>(next + n, ids.size());
                return S_OK;
        }
        HRESULT Reset() override {
                next = 0;
                return S_OK;
        }
        HRESULT Clone(IVssEnumObject **clone) override {
                *clone = new List(ids);
                return S_OK;
        }

private:
        virtual ~List() = default;
        std::vector<VSS_ID> ids;
        size_t next = 0;
        ULONG n_ref = 1;
};

struct Provider final : IVssSoftwareSnapshotProvider, IVssProviderCreateSnapshotSet, IUmbraProviderTraits {
        HRESULT QueryInterface(REFIID iid, void **ppv) override {
                auto is = [&](const IID &other) { return memcmp(&iid, &other, sizeof(iid)) == 0; };

                *ppv = is(IID_IUnknown) || is(IID_IVssSoftwareSnapshotProvider) ?
                               static_cast<IVssSoftwareSnapshotProvider *>(this) :
                       is(IID_IVssProviderCreateSnapshotSet) ?
                               static_cast<void *>(static_cast<IVssProviderCreateSnapshotSet *>(this)) :
                       is(IID_IUmbraProviderTraits) ? static_cast<void *>(static_cast<IUmbraProviderTraits *>(this)) :
                                                      nullptr;
                return *ppv ? S_OK : E_NOINTERFACE;
        }
        ULONG AddRef() override { return 1; } // there is one, and it stays
        ULONG Release() override { return 1; }

        HRESULT SetContext(LONG) override { return S_OK; }

        HRESULT GetSnapshotProperties(VSS_ID id, VSS_SNAPSHOT_PROP *prop) override {
                return guarded([&] {
                        std::wstring tree = (place(text(id)) / "tree").wstring();
                        size_t size = (tree.size() + 1) * sizeof(WCHAR);

                        if (!fs::exists(tree))
                                return VSS_E_OBJECT_NOT_FOUND;
                        prop->m_SnapshotId = id;
                        prop->m_pwszSnapshotDeviceObject = static_cast<WCHAR *>(CoTaskMemAlloc(size));
                        if (!prop->m_pwszSnapshotDeviceObject)
                                return E_OUTOFMEMORY;
                        memcpy(prop->m_pwszSnapshotDeviceObject, tree.c_str(), size);
                        return S_OK;
                });
        }

        HRESULT Query(VSS_ID, VSS_OBJECT_TYPE, VSS_OBJECT_TYPE, IVssEnumObject **list) override {
                return guarded([&] {
                        std::vector<VSS_ID> ids;
                        VSS_ID id;

                        if (fs::exists(catalog()))
                                for (const auto &entry : fs::directory_iterator(catalog()))
                                        if (SUCCEEDED(CLSIDFromString(entry.path().filename().wstring().c_str(), &id)))
                                                ids.push_back(id);
                        *list = new List(std::move(ids));
                        return S_OK;
                });
        }

        HRESULT DeleteSnapshots(VSS_ID id, VSS_OBJECT_TYPE, BOOL, LONG *n_deleted, VSS_ID *nondeleted) override {
                *n_deleted = 0;
                *nondeleted = id;
                return guarded([&] {
                        fs::path where = place(text(id));

                        if (where.empty())
                                return VSS_E_OBJECT_NOT_FOUND;
                        forget(where, text(id));
                        *n_deleted = 1;
                        *nondeleted = GUID_NULL;
                        return S_OK;
                });
        }

        HRESULT BeginPrepareSnapshot(VSS_ID set, VSS_ID id, VSS_PWSZ volume, LONG) override {
                return guarded([&] {
                        fs::path where = fs::path(volume) / ".shadow" / text(id);

                        // First the name by which it is found again, then what there is to find.
                        fs::create_directories(catalog());
                        fs::create_directory_symlink(where, catalog() / text(id));
                        fs::create_directories(where / "tree");
                        std::ofstream(where / "set") << text(set);
                        return S_OK;
                });
        }

        HRESULT IsVolumeSupported(VSS_PWSZ volume, BOOL *supported) override {
                *supported = access(fs::path(volume).c_str(), W_OK) == 0;
                return S_OK;
        }

        HRESULT IsVolumeSnapshotted(VSS_PWSZ volume, BOOL *present, LONG *compatibility) override {
                std::error_code error;

                *present = fs::exists(fs::path(volume) / ".shadow", error);
                *compatibility = 0;
                return S_OK;
        }

        HRESULT SetSnapshotProperty(VSS_ID, VSS_SNAPSHOT_PROPERTY_ID, VARIANT) override { return S_OK; }
        HRESULT RevertToSnapshot(VSS_ID) override { return E_NOTIMPL; }
        HRESULT QueryRevertStatus(VSS_PWSZ, IVssAsync **) override { return E_NOTIMPL; }

        HRESULT EndPrepareSnapshots(VSS_ID) override { return S_OK; }
        HRESULT PreCommitSnapshots(VSS_ID) override { return S_OK; }

        HRESULT CommitSnapshots(VSS_ID set) override {
                return each_of(set, [](const fs::path &where, const std::string &) {
                        return clone_tree(where.parent_path().parent_path(), where / "tree");
                });
        }

        HRESULT PostCommitSnapshots(VSS_ID, LONG) override { return S_OK; }
        HRESULT PreFinalCommitSnapshots(VSS_ID) override { return S_OK; }
        HRESULT PostFinalCommitSnapshots(VSS_ID) override { return S_OK; }

        HRESULT AbortSnapshots(VSS_ID set) override {
                return each_of(set, [](const fs::path &where, const std::string &id) {
                        forget(where, id);
                        return S_OK;
                });
        }

        HRESULT GetTraits(VSS_PWSZ, UMBRA_PROVIDER_TRAITS *traits) override {
                traits->bWritesToVolume = TRUE;
                traits->lAttributes = VSS_VOLSNAP_ATTR_DIFFERENTIAL;
                return S_OK;
        }

private:
        static void forget(const fs::path &where, const std::string &id) {
                std::error_code error;

                fs::remove_all(where);
                fs::remove(where.parent_path(), error); // not while there are others
                fs::remove(catalog() / id);
        }

        template <typename F> static HRESULT each_of(VSS_ID set, F f) {
                return guarded([&] {
                        std::vector<std::string> ids;
                        HRESULT hr = S_OK;

                        if (fs::exists(catalog()))
                                for (const auto &entry : fs::directory_iterator(catalog()))
                                        ids.push_back(entry.path().filename());
                        for (const auto &id : ids) {
                                std::string its;

                                std::ifstream(place(id) / "set") >> its;
                                if (its == text(set) && hr == S_OK)
                                        hr = f(place(id), id);
                        }
                        return hr;
                });
        }
};

extern "C" HRESULT CreateVssProvider(REFCLSID, REFIID iid, void **ppv) {
        static Provider provider;

        return provider.QueryInterface(iid, ppv);
}
