# SPDX-License-Identifier: LGPL-2.1-or-later
"""The interfaces of tests/reference/, for those who write programs out of them."""
import csv
import os
import re

HEADERS = ['vsadmin.h', 'vsbackup.h', 'vsmgmt.h', 'vsprov.h', 'vss.h', 'vswriter.h']
UNKNOWN = 'IUnknown'


def read_table(directory, name):
    with open(os.path.join(directory, name + '.tsv'), encoding='utf-8') as f:
        return list(csv.DictReader(f, delimiter='\t', quoting=csv.QUOTE_NONE))


class Method:
    def __init__(self, row):
        self.interface = row['interface']
        self.name = row['method']
        self.slot = int(row['slot'])
        self.returns = 'ULONG' if self.name in ('AddRef', 'Release') else 'HRESULT'
        self.parameters = []  # (type, name)
        self.is_out = {}  # by name; what is "in,out" counts
        if row['parameters'] != '-':
            for p in row['parameters'].split(';'):
                direction, kind, name = re.fullmatch(r'(in,out|in|out) (.*) (\w+)', p.strip()).groups()
                self.parameters.append((kind, name))
                self.is_out[name] = 'out' in direction
        self.defaults = {}
        # "meaning when never called" describes the state of a session, not an argument.
        if row['default_arguments'] != '-' and 'when never called' not in row['default_arguments']:
            for d in re.sub(r'\([^)]*\)', '', row['default_arguments']).split(';'):
                name, value = d.strip().split('=', 1)
                self.defaults[name] = value.strip()

    def types(self):
        return [t for t, _ in self.parameters]

    def named(self):
        return ['%s %s' % p for p in self.parameters]


class Interface:
    def __init__(self, row):
        self.name = row['interface']
        self.iid = row['iid']
        self.bases = [] if row['base'] == '-' else row['base'].split(' + ')
        self.methods = []  # its own


def read_interfaces(directory):
    interfaces = {UNKNOWN: Interface({'interface': UNKNOWN, 'base': '-',
                                      'iid': '00000000-0000-0000-c000-000000000046'})}
    for row in read_table(directory, 'interfaces'):
        if not row['interface'].startswith('CVss'):
            interfaces[row['interface']] = Interface(row)
    for row in read_table(directory, 'methods'):
        if row['interface'] in interfaces and row['slot'] != '-':
            interfaces[row['interface']].methods.append(Method(row))
    return interfaces


def table_of(interfaces, name):
    """All methods of the first table of an interface, the inherited ones first."""
    i = interfaces[name]
    inherited = table_of(interfaces, i.bases[0]) if i.bases else []
    return inherited + i.methods


def all_methods(interfaces, name):
    """Those of all tables."""
    i = interfaces[name]
    return [m for b in i.bases for m in all_methods(interfaces, b)] + i.methods


def write_lines(path, lines):
    with open(path, 'w', encoding='utf-8') as f:
        f.writelines(line + '\n' for line in lines)
