#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Writes both sides of the test that C and C++ understand each other (crossing.h).

Usage: make-crossing.py REFERENCE-DIR OUTPUT.c OUTPUT.cc

Parameters, types and slots come from methods.tsv alone. In C an object is its tables, laid out by number, so
the declaration of a method in the headers is on one side of each call and the table of facts on the other.
"""
import sys

sys.dont_write_bytecode = True  # the sources may be read-only

from tables import HEADERS, all_methods, read_interfaces, table_of, write_lines  # noqa: E402

POINTERS = {'BSTR', 'LPCWSTR', 'VSS_PWSZ', 'PVSSCOMPONENTINFO'}


def is_pointer(kind):
    return kind.endswith('*') or kind in POINTERS


def tables_of(interfaces, name):
    """The methods of each table of an interface, in order of their slots."""
    bases = interfaces[name].bases
    return [table_of(interfaces, name)] + [table_of(interfaces, b) for b in bases[1:]]


def say(method, kind, name, language):
    """Statements of the caller that declare one argument."""
    pointee = kind[:-1].strip()
    if kind == 'REFIID':
        if language == 'c':
            return ['const IID *%s = crossing_id();' % name]
        return ['const IID &%s = *crossing_id();' % name]
    if kind == 'bool':
        return ['bool %s = crossing_flag();' % name]
    if method.is_out[name] and kind.endswith('*'):
        return ['CROSSING_PLACE(%s, %s);' % (pointee, name),
                '%s%s = (%s) crossing_answer(&place_of_%s.value, sizeof(%s), %s);' % (
                    kind + ' ', name, kind, name, pointee, 'true' if pointee == 'bool' else 'false')]
    if is_pointer(kind):
        return ['%s %s = (%s) crossing_pointer();' % (kind, name, kind)]
    return ['%s %s;' % (kind, name), 'crossing_value(&%s, sizeof(%s));' % (name, name)]


def caller(interface, method, call, language):
    """A block that calls one method; @call is how, without the arguments."""
    is_count = 'true' if method.returns == 'ULONG' else 'false'
    yield '        {'
    yield '                crossing_begin("%s::%s", object);' % (interface, method.name)
    for kind, name in method.parameters:
        for line in say(method, kind, name, language):
            yield '                ' + line
    arguments = [name for _, name in method.parameters]
    yield '                crossing_end(%s, %s);' % (call(arguments), is_count)
    yield '        }'


def hears(interface, method, this, language):
    """The body of a method that says what arrived."""
    yield '        crossing_arrive("%s::%s", %s);' % (interface, method.name, this)
    for kind, name in method.parameters:
        if kind == 'REFIID':
            yield '        {'
            yield '                const IID *p = %s%s;' % ('' if language == 'c' else '&', name)
            yield '                crossing_take(&p, sizeof(p));'
            yield '        }'
        else:
            yield '        crossing_take(&%s, sizeof(%s));' % (name, name)
    for kind, name in method.parameters:
        if method.is_out[name] and kind.endswith('*'):
            is_flag = 'true' if kind == 'bool*' else 'false'
            yield '        crossing_give(%s, sizeof(*%s), %s);' % (name, name, is_flag)
    yield '        return crossing_%s();' % ('count' if method.returns == 'ULONG' else 'result')


def object_in_c(interfaces, name):
    tables = tables_of(interfaces, name)
    for n, table in enumerate(tables):
        for m in table:
            yield 'static %s hear_%s_%s(%s) {' % (m.returns, name, m.name,
                                                  ', '.join(['char *This'] + m.named()))
            yield from hears(name, m, 'This - %d * sizeof(void *)' % n, 'c')
            yield '}'
        yield 'static void *const table_%s_%d[] = {' % (name, n)
        for m in table:
            yield '        [%d] = (void *) hear_%s_%s,' % (m.slot, name, m.name)
        yield '};'
    yield 'static void *const *object_%s[] = { %s };' % (
        name, ', '.join('table_%s_%d' % (name, n) for n in range(len(tables))))


def callers_in_c(interfaces, name):
    yield 'static void call_%s(void *object) {' % name
    yield '        %s *p = object;' % name
    for m in all_methods(interfaces, name):
        yield from caller(name, m, lambda a, m=m: '%s_%s(%s)' % (name, m.name, ', '.join(['p'] + a)), 'c')
    yield '}'
    yield 'static void call_%s_by_slot(void *object) {' % name
    yield '        void ***tables = object;'
    for n, table in enumerate(tables_of(interfaces, name)):
        for m in table:
            kind = '%s (*)(%s)' % (m.returns, ', '.join(['void *'] + m.types()))
            yield from caller(name, m, lambda a, m=m, n=n, kind=kind: '((%s) tables[%d][%d])(%s)' % (
                kind, n, m.slot, ', '.join(['tables + %d' % n] + a)), 'c')
    yield '}'


def prologue():
    yield '/* Written by make-crossing.py. */'
    yield '#include <string.h>'
    for h in HEADERS:
        yield '#include <%s>' % h
    yield '#include "headers/crossing.h"'


def program_in_c(interfaces):
    yield from prologue()
    for name in interfaces:
        yield from object_in_c(interfaces, name)
        yield from callers_in_c(interfaces, name)
    yield 'const CrossingInterface crossing_in_c[] = {'
    for name in interfaces:
        yield '        { "%s", object_%s, call_%s, call_%s_by_slot },' % (name, name, name, name)
    yield '};'
    yield 'const size_t crossing_n_interfaces = %d;' % len(interfaces)
    yield 'const unsigned crossing_n_methods = %d;' % sum(len(all_methods(interfaces, n)) for n in interfaces)


def side_in_cc(interfaces, name):
    yield 'struct Hear_%s final : %s {' % (name, name)
    for m in all_methods(interfaces, name):
        yield '        %s %s(%s) override {' % (m.returns, m.name, ', '.join(m.named()))
        for line in hears(name, m, 'this', 'c++'):
            yield '        ' + line
        yield '        }'
    yield '};'
    yield 'static Hear_%s object_%s;' % (name, name)
    yield 'static void call_%s(void *object) {' % name
    yield '        %s *p = static_cast<%s *>(object);' % (name, name)
    for m in all_methods(interfaces, name):
        yield from caller(name, m, lambda a, m=m: 'p->%s(%s)' % (m.name, ', '.join(a)), 'c++')
    yield '}'


def program_in_cc(interfaces):
    yield from prologue()
    for name in interfaces:
        yield from side_in_cc(interfaces, name)
    yield 'extern "C" const CrossingInterface crossing_in_cpp[] = {'
    for name in interfaces:
        yield '        { "%s", static_cast<%s *>(&object_%s), call_%s, nullptr },' % (name, name, name, name)
    yield '};'


def main():
    directory, c_path, cc_path = sys.argv[1:]
    interfaces = read_interfaces(directory)
    write_lines(c_path, program_in_c(interfaces))
    write_lines(cc_path, program_in_cc(interfaces))


if __name__ == '__main__':
    main()
