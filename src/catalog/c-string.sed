# SPDX-License-Identifier: LGPL-2.1-or-later
# Each line of a text as a C string literal.
s/["\\]/\\&/g
s/.*/"&\\n"/
