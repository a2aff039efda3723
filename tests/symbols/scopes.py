#!/usr/bin/env python3
"""Whole names of functions that have no linkage name, from debug information alone.

scopes.py LOOKUP builds scopes.cc and sample.cc, takes the symbol table away, and wants every function's
name with all its scopes, as nm -C printed it before: namespaces, anonymous ones, classes, local classes,
closures with their numbers. Exit status 77: a tool is missing (an error when CI is set).
"""
import os
import re
import subprocess
import sys
import tempfile

from compare import HERE, need, run

BUILDS = [('g++', '-O0 -g'), ('g++', '-O1 -g -gdwarf-4'), ('clang++', '-O0 -g')]


def functions(exe):
    """Address -> demangled names of functions that only this file can call."""
    found = {}
    for line in run('nm', '-C', exe).split('\n'):
        m = re.fullmatch(r'([0-9a-f]+) t (.*::.*)', line)
        if m and not re.search(r'\[clone|\.cold|\.part|\.isra|guard variable|std::', m.group(2)):
            found.setdefault(int(m.group(1), 16), []).append(m.group(2))
    return found


def without_templates(name):
    """Debug information has template arguments in the compiler's own words, and no return types."""
    while re.search(r'<[^<>]*>', name):
        name = re.sub(r'<[^<>]*>', '', name)
    return name


def is_whole(name, demangled):
    """As nm says, but for what comes behind the name: parameters, "const"."""
    name = without_templates(name)
    return any(without_templates(d).split(' ', '<' in d)[-1].startswith(name + '(') for d in demangled)


def main():
    lookup = os.path.abspath(sys.argv[1])
    need('g++', 'clang++', 'nm', 'objcopy', 'c++filt')
    wrong = total = 0
    with tempfile.TemporaryDirectory(prefix='tracker-scopes') as directory:
        for number, (compiler, flags) in enumerate(BUILDS):
            exe = os.path.join(directory, 'scopes%d' % number)
            subprocess.run([compiler, *flags.split(), os.path.join(HERE, 'scopes.cc'), '-o', exe], check=True)
            want = functions(exe)
            run('objcopy', '--strip-all', '--keep-section=.debug*', exe)
            out = run(lookup, exe, text_in=''.join('0x%x\n' % a for a in want))
            blocks = [b.strip('\n').split('\n')[1:] for b in out.split('\n\n') if b.strip()]
            for (address, names), frames in zip(want.items(), blocks):
                name = frames[-1].split('\t')[0] if frames else '??'
                if name.startswith('_Z'):
                    name = run('c++filt', '-p', name).strip()
                total += 1
                if not is_whole(name, names):
                    wrong += 1
                    print('%s %s: 0x%x is %s, not %s' % (compiler, flags, address, name, names))
    print('%d functions, %d with another name' % (total, wrong))
    return wrong or total < 20


if __name__ == '__main__':
    sys.exit(1 if main() else 0)
