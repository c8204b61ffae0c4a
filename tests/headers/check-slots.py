#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Compares the public headers with the tables of facts.

Usage: check-slots.py REFERENCE-DIR OUTPUT.c OUTPUT.cc

Writes two programs. Most of what they check is checked by compiling them: that every method is in its slot
with its types, that enums, structures, results and functions are as the tables say, that every call macro of
C exists and fits. Running them checks the rest: the IIDs, the slots that a C++ compiler uses, and the
default arguments.
"""
import re
import sys

sys.dont_write_bytecode = True  # the sources may be read-only

from tables import HEADERS, all_methods, read_interfaces, read_table, table_of, write_lines  # noqa: E402

def documented_functions(directory):
    """Name, return type and parameter types of the functions that programs may call."""
    for row in read_table(directory, 'functions'):
        notes = row['notes']
        if row['function'].startswith('(') or 'undocumented' in notes or 'reserved for system' in notes:
            continue
        m = re.fullmatch(r'(\w+)(?: (?:STDAPICALLTYPE|APIENTRY))? (\w+)\((.*)\)', row['signature'])
        assert m and m.group(2) == row['function'], row
        types = [re.sub(r'^(in|out) ', '', p.strip()) for p in m.group(3).split(',')]
        yield row['function'], m.group(1), [re.sub(r'\w+$', '', t).strip() for t in types]


def guid_initializer(text):
    digits = text.replace('-', '')
    tail = ', '.join('0x' + digits[i:i + 2] for i in range(16, 32, 2))
    return '{ 0x%s, 0x%s, 0x%s, { %s } }' % (digits[0:8], digits[8:12], digits[12:16], tail)


def constants(directory):
    for row in read_table(directory, 'enums'):
        yield row['symbol'], row['value'], None if row['enum'].startswith('(') else row['enum']


def c_assert(condition, why):
    return '_Static_assert(%s, "%s");' % (condition, why)


def same_type(a, b):
    return '__builtin_types_compatible_p(%s, %s)' % (a, b)


def slots_in_c(interfaces):
    for name, i in interfaces.items():
        table = table_of(interfaces, name)
        if name == 'IVssWriterComponentsExt':
            continue
        for n, m in enumerate(table):
            assert n == m.slot, 'the tables themselves are wrong'
            member = '((%sVtbl *) 0)->%s' % (name, m.name)
            signature = '%s (*)(%s)' % (m.returns, ', '.join([name + ' *'] + m.types()))
            yield c_assert('offsetof(%sVtbl, %s) == %d * sizeof(void *)' % (name, m.name, m.slot),
                           '%s::%s is in slot %d' % (name, m.name, m.slot))
            yield c_assert(same_type('typeof(%s)' % member, signature),
                           '%s::%s has its types' % (name, m.name))
        yield c_assert('sizeof(%sVtbl) == %d * sizeof(void *)' % (name, len(table)),
                       '%s has no other slots' % name)
        yield c_assert('offsetof(%s, lpVtbl) == 0' % name, 'the table comes first')
        yield c_assert('sizeof(%s) == %d * sizeof(void *)' % (name, max(1, len(i.bases))),
                       '%s has one table for each base' % name)
    for name in ('IVssWriterComponentsExt', 'IVssCreateWriterMetadataEx'):
        yield c_assert('offsetof(%s, unknown) == sizeof(void *)' % name, 'IUnknown is the second base')
    yield c_assert('offsetof(IVssWriterComponentsExt, components) == 0',
                   'IVssWriterComponents is the first base')


def macros_in_c(interfaces):
    for name in interfaces:
        for m in all_methods(interfaces, name):
            parameters = ', '.join(['%s *This' % name] + m.named())
            arguments = ', '.join(['This'] + [p for _, p in m.parameters])
            yield '#ifndef %s_%s' % (name, m.name)
            yield '#  error "%s_%s() is missing"' % (name, m.name)
            yield '#endif'
            yield '__attribute__((unused))'
            yield 'static %s call_%s_%s(%s) {' % (m.returns, name, m.name, parameters)
            yield '        return %s_%s(%s);' % (name, m.name, arguments)
            yield '}'


def enums_in_c(directory):
    for symbol, value, enum in constants(directory):
        if value.startswith('0x'):
            yield c_assert('(uint32_t) %s == %s' % (symbol, value), symbol)
        else:
            yield c_assert('(int64_t) %s == %s' % (symbol, value), symbol)
    for enum in sorted({e for _, _, e in constants(directory) if e}):
        yield c_assert('sizeof(%s) == 4' % enum, '%s has 32 bits' % enum)


def structs_in_c(directory):
    members = {}
    for row in read_table(directory, 'structs'):
        if row['struct'].startswith('(type) '):
            yield c_assert(same_type(row['member'], row['member_type']), row['member'])
        else:
            members.setdefault(row['struct'], []).append((row['member_type'], row['member']))
    for struct, list_ in members.items():
        end = '(size_t) 0'
        for kind, member in list_:
            where = 'offsetof(%s, %s)' % (struct, member)
            yield c_assert(same_type('typeof(((%s *) 0)->%s)' % (struct, member), kind),
                           '%s.%s has its type' % (struct, member))
            if struct.endswith('_UNION'):
                yield c_assert(where + ' == 0', '%s is a union' % struct)
                continue
            yield c_assert('%s == ALIGN_TO(%s, _Alignof(%s))' % (where, end, kind),
                           '%s.%s follows its predecessor' % (struct, member))
            end = '%s + sizeof(%s)' % (where, kind)
        if not struct.endswith('_UNION'):
            yield c_assert('sizeof(%s) == ALIGN_TO(%s, _Alignof(%s))' % (struct, end, struct),
                           '%s ends there' % struct)


def results_in_c(directory):
    for row in read_table(directory, 'hresults'):
        yield c_assert('%s == (HRESULT) %s' % (row['symbol'], row['value']), row['symbol'])


def functions_in_c(directory):
    for name, returns, types in documented_functions(directory):
        signature = '%s (*)(%s)' % (returns, ', '.join(types))
        yield c_assert(same_type('typeof(&%s)' % name, signature), '%s() is declared' % name)


def iids_in_c(interfaces):
    yield 'static const struct {'
    yield '        const char *name;'
    yield '        const IID *declared;'
    yield '        IID value;'
    yield '} iids[] = {'
    for name, i in interfaces.items():
        if i.iid != '-':
            yield '        { "%s", &IID_%s, %s },' % (name, name, guid_initializer(i.iid))
    yield '        { "VSSCoordinator", &CLSID_VSSCoordinator, %s },' % guid_initializer(
        'e579ab5f-1cc4-44b4-bed9-de0991ff0623')
    yield '        { "VssSnapshotMgmt", &CLSID_VssSnapshotMgmt, %s },' % guid_initializer(
        '0b5a2c52-3eb9-470a-96e2-6c6d4570e40f')
    yield '};'
    yield ''
    yield 'int main(void) {'
    yield '        int r = 0;'
    yield ''
    yield '        for (size_t i = 0; i < sizeof(iids) / sizeof(iids[0]); ++i)'
    yield '                if (!IsEqualIID(iids[i].declared, &iids[i].value)) {'
    yield '                        fprintf(stderr, "the id of %s is not as in the table\\n", iids[i].name);'
    yield '                        r = 1;'
    yield '                }'
    yield ''
    yield '        return r;'
    yield '}'


def program_in_c(directory, interfaces):
    yield '/* Written by check-slots.py. */'
    yield '#include <stdio.h>'
    for h in HEADERS:
        yield '#include <%s>' % h
    yield '#define ALIGN_TO(n, alignment) (((n) + (alignment) - 1) / (alignment) * (alignment))'
    yield from slots_in_c(interfaces)
    yield from macros_in_c(interfaces)
    yield from enums_in_c(directory)
    yield from structs_in_c(directory)
    yield from results_in_c(directory)
    yield from functions_in_c(directory)
    yield from iids_in_c(interfaces)


CC_PROLOGUE = '''
#include <cstdio>
#include <cstring>

static int failures;

#define CHECK(what)                                                  \\
        do {                                                         \\
                if (!(what)) {                                       \\
                        std::fprintf(stderr, "not so: %s\\n", #what); \\
                        ++failures;                                  \\
                }                                                    \\
        } while (0)

/* The slot of a virtual method, as the Itanium C++ ABI keeps it in a pointer to member. */
template <typename Pointer> static long slot_of(Pointer method) {
        std::ptrdiff_t words[2];

        static_assert(sizeof(method) == sizeof(words), "a pointer to member has two words");
        std::memcpy(words, &method, sizeof(words));
#if defined(__aarch64__) || defined(__arm__)
        return words[0] / (long) sizeof(void *);
#else
        return (words[0] - 1) / (long) sizeof(void *);
#endif
}
'''


def fake_in_cc(interfaces, name):
    """A class that implements the interface and looks at the arguments that have defaults."""
    yield 'struct Fake_%s final : %s {' % (name, name)
    for m in all_methods(interfaces, name):
        yield '        %s %s(%s) override {' % (m.returns, m.name, ', '.join(m.named()))
        for _, p in m.parameters:
            if p in m.defaults:
                yield '                CHECK(%s == (%s));' % (p, m.defaults[p])
            else:
                yield '                (void) %s;' % p
        yield '                return 0;'
        yield '        }'
    yield '};'


def checks_in_cc(interfaces, name):
    i = interfaces[name]
    yield 'static void check_%s() {' % name
    yield '        Fake_%s fake;' % name
    yield '        %s *p = &fake;' % name
    yield ''
    for m in i.methods:
        kind = '%s (%s::*)(%s)' % (m.returns, name, ', '.join(m.types()))
        yield '        CHECK(slot_of(static_cast<%s>(&%s::%s)) == %d);' % (kind, name, m.name, m.slot)
    yield '        CHECK(sizeof(*p) == %d * sizeof(void *));' % max(1, len(i.bases))
    for n, b in enumerate(i.bases):
        yield ('        CHECK(reinterpret_cast<char *>(static_cast<%s *>(p)) == '
               'reinterpret_cast<char *>(p) + %d * sizeof(void *));' % (b, n))
    for m in all_methods(interfaces, name):
        if m.defaults:
            given = ['zero<%s>()' % t for t, p in m.parameters if p not in m.defaults]
            yield '        p->%s(%s);' % (m.name, ', '.join(given))
    yield '}'


def program_in_cc(interfaces):
    yield '/* Written by check-slots.py. */'
    for h in HEADERS:
        yield '#include <%s>' % h
    yield CC_PROLOGUE
    yield 'template <typename T> static T zero() { return T(); }'
    for name in interfaces:
        yield from fake_in_cc(interfaces, name)
        yield from checks_in_cc(interfaces, name)
    yield 'int main() {'
    for name in interfaces:
        yield '        check_%s();' % name
    yield '        return failures != 0;'
    yield '}'


def main():
    directory, c_path, cc_path = sys.argv[1:]
    interfaces = read_interfaces(directory)
    write_lines(c_path, program_in_c(directory, interfaces))
    write_lines(cc_path, program_in_cc(interfaces))


if __name__ == '__main__':
    main()
