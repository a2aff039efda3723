#!/usr/bin/env python3
"""programs - names, files, lines and inlined calls at a thousand return addresses of each of eight programs, against llvm-symbolizer
and addr2line. Each difference must have an explanation that is proved at its address; exit status 1: one has none. Run by
hand (a minute); docs/PROGRAMS.md has the figures, and says what the explanations are.

The addresses are where calls return to, drawn at random from all calls of the program's own code. Rust, Go and clang are used where
they are installed.

usage: programs.py BUILD_DIR [--only PROGRAM] [--show N]
"""
import argparse
import collections
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, '..', 'bench')]
import compare
from compare import run
from naming import UNIT

SAMPLES = 1000
RUST = """use std::collections::{BTreeMap, HashMap};
trait Shape { fn area(&self) -> u64; }
struct Square(u64);
impl Shape for Square { fn area(&self) -> u64 { self.0 * self.0 } }
fn words(n: u64) -> HashMap<String, Vec<u64>> {
    let mut m: HashMap<String, Vec<u64>> = HashMap::new();
    for i in 0..n { m.entry(format!("word {}", i % 17)).or_default().push(i); }
    m
}
fn main() {
    let shapes: Vec<Box<dyn Shape>> = (1..20).map(|n| Box::new(Square(n)) as Box<dyn Shape>).collect();
    let tree: BTreeMap<u64, String> = shapes.iter().map(|s| (s.area(), s.area().to_string())).collect();
    let mut all: Vec<_> = words(1000).into_iter().collect();
    all.sort_by(|a, b| b.1.len().cmp(&a.1.len()).then_with(|| a.0.cmp(&b.0)));
    println!("{} {}", tree.values().map(|s| s.len()).sum::<usize>(), all[0].0);
}
"""
GO = """package main

// #include <stdlib.h>
// static void *alloc(int n) { return malloc(n); }
import "C"
import (
	"fmt"
	"sort"
	"strings"
)

type shape interface{ area() int }
type square struct{ n int }

func (s square) area() int { return s.n * s.n }

type pair[K comparable, V any] struct { key K; value V }

func pairs[K comparable, V any](m map[K]V) []pair[K, V] {
	var out []pair[K, V]
	for k, v := range m {
		out = append(out, pair[K, V]{k, v})
	}
	return out
}

func main() {
	m := map[string]int{}
	for i := 0; i < 100; i++ {
		var s shape = square{i}
		m[strings.Repeat("x", i%7)] += s.area()
		C.free(C.alloc(C.int(i + 1)))
	}
	all := pairs(m)
	sort.Slice(all, func(i, j int) bool { return all[i].key < all[j].key })
	fmt.Println(len(all), all[0].value)
}
"""


def cxx(compiler, *flags):
    def build(folder, _):
        exe = os.path.join(folder, 'program')
        with open(os.path.join(folder, 'unit.cc'), 'w', encoding='ascii') as f:
            f.write(UNIT.replace('TEMPLATES', '8') + 'int main(int argc, char **argv) { return (int)u0001::run((size_t)argc * 20); }\n')
        subprocess.run([compiler, '-std=c++17', *flags, 'unit.cc', '-o', exe], cwd=folder, check=True)
        return exe, exe
    return build


def rust(folder, _):
    exe = os.path.join(folder, 'program')
    with open(exe + '.rs', 'w', encoding='ascii') as f:
        f.write(RUST)
    subprocess.run(['rustc', '-g', '-O', '-o', exe, exe + '.rs'], check=True)
    return exe, exe


def go(folder, _):
    with open(os.path.join(folder, 'program.go'), 'w', encoding='ascii') as f:
        f.write(GO)
    subprocess.run(['go', 'build', '-o', 'program', 'program.go'], cwd=folder, check=True,
                   env={**os.environ, 'GOCACHE': os.path.join(folder, 'cache'), 'GOFLAGS': '', 'CGO_ENABLED': '1'})
    return (os.path.join(folder, 'program'),) * 2


def debug_file(library):
    """A stripped file, and the one that Debian's debug package has for it."""
    def build(*_):
        path = os.path.realpath(library)
        build_id = re.search(r'Build ID: (..)(\S+)', run('readelf', '-n', path))
        return path, '/usr/lib/debug/.build-id/%s/%s.debug' % build_id.groups()
    return build


PROGRAMS = {
    'C, gcc -O2 (tracker-record)': ('gcc', lambda _, build: (os.path.join(build, 'tools', 'tracker-record'),) * 2),
    'C++, g++ -O0': ('g++', cxx('g++', '-O0', '-g')),
    'C++, g++ -O2': ('g++', cxx('g++', '-O2', '-g')),
    'C++, clang++ -O0': ('clang++', cxx('clang++', '-O0', '-g')),
    'C++, clang++ -O2': ('clang++', cxx('clang++', '-O2', '-g')),
    'C++, g++ -O2, split DWARF': ('g++', cxx('g++', '-O2', '-g', '-gsplit-dwarf')),
    'Rust, rustc -O': ('rustc', rust),
    'Go with C': ('go', go),
    'stripped, debug package (libc.so.6)': ('gcc', debug_file('/lib/x86_64-linux-gnu/libc.so.6')),
}


def returns(exe):
    """Last bytes of the calls in the file's code, which is what a return address less one is."""
    calls, was_call = [], False
    for line in run('objdump', '-d', '-w', '--no-show-raw-insn', '-j', '.text', exe).split('\n'):
        m = re.match(r'\s*([0-9a-f]+):\t(\S+)', line)
        if m and was_call:
            calls.append(int(m.group(1), 16) - 1)
        was_call = bool(m) and m.group(2).startswith('call')
    return sorted(random.Random(1).sample(calls, min(SAMPLES, len(calls))))


def groups(exe):
    """Name -> the address where a function of that name begins, by nm; of each version of it."""
    starts = collections.defaultdict(set)
    for line in run('nm', exe).split('\n'):
        address, kind, name = (line.split(' ', 2) + ['', ''])[:3]
        if kind.lower() in ('t', 'w', 'i'):
            starts[name.split('@')[0]].add(address)
    return starts


INHERITED = re.compile(r'(?<=C)I[1-5]')


class Differing:
    """One address: what we say, and what llvm-symbolizer and addr2line say. Each explanation proves what it claims."""

    def __init__(self, mine, llvm, addr2line, starts):
        self.mine, self.llvm, self.addr2line, self.starts = mine, llvm, addr2line, starts

    def functions(self):
        return [(m[0], t[0]) for m, t in zip(self.mine, self.llvm) if m[0] != t[0]]

    def only_functions(self):
        return len(self.mine) == len(self.llvm) and [m[1:] for m in self.mine] == [t[1:] for t in self.llvm]

    def inherited_constructor(self):
        """CI1 and CI4 of one constructor."""
        return self.only_functions() and all(INHERITED.sub('I', m) == INHERITED.sub('I', t) for m, t in self.functions())

    def go_suffix(self):
        return self.only_functions() and all(t == m + '.abi0' for m, t in self.functions())

    def one_address(self):
        """nm has both names at one address: another name of the function, or another function of the same code."""
        return self.only_functions() and all(
            self.starts.get(m, set()) & self.starts.get(t.split('@')[0], set()) for m, t in self.functions())

    def no_inlined_calls(self):
        """addr2line has less frames; llvm-symbolizer has ours."""
        return compare.places(self.mine) == compare.places(self.llvm) and len(self.addr2line) < len(self.mine)

    def other_file(self):
        """addr2line names another file; llvm-symbolizer has ours."""
        return compare.places(self.mine) == compare.places(self.llvm) and len(self.addr2line) == len(self.mine)


EXPLANATIONS = {
    'llvm-symbolizer': ('inherited_constructor', 'go_suffix', 'one_address'),
    'addr2line': ('no_inlined_calls', 'other_file'),
}


def tell(title, tool, found, show):
    kinds = collections.Counter(why for why, _, _, _ in found)
    print('%s, %s: %s' % (title, tool, ', '.join('%d %s' % (n, k) for k, n in kinds.most_common()) or 'none differs'))
    for why, address, mine, theirs in [f for f in found if f[0] == 'NOT EXPLAINED'] + found[:show]:
        print('   0x%x: %s' % (address, why))
        for name, stack in (('ours', mine), ('theirs', theirs)):
            for frame in stack:
                print('     %-7s %s' % (name, ' '.join(map(str, frame))))
    return kinds['NOT EXPLAINED']


def one(title, lookup, exe, whole, show):
    """How many differences nothing explains."""
    addresses = returns(exe)
    text_in = ''.join('0x%x\n' % a for a in addresses)
    same, starts = compare.aliases(whole), groups(whole)
    mine = compare.ours(lookup, exe, text_in)
    found = {'llvm-symbolizer': [], 'addr2line': []}
    print('%s: %d addresses, %d frames' % (title, len(addresses), sum(map(len, mine))))
    for address, m, t, a in zip(addresses, mine, compare.llvm(whole, text_in), compare.addr2line(whole, text_in)):
        t = compare.normal(t, same)
        m = compare.bare(compare.normal(m, same), t)
        it = Differing(m, t, a, starts)
        for tool, ours, theirs in (('llvm-symbolizer', m, t), ('addr2line', compare.places(m), compare.places(a))):
            if ours != theirs:
                why = next((w for w in EXPLANATIONS[tool] if getattr(it, w)()), 'NOT EXPLAINED')
                found[tool].append((why, address, ours, theirs))
    return sum(tell(title, tool, found[tool], show) for tool in found)


def main():
    p = argparse.ArgumentParser()
    p.add_argument('build')
    p.add_argument('--only')
    p.add_argument('--show', type=int, default=0)
    options = p.parse_args()
    build, wrong = os.path.abspath(options.build), 0
    for title, (tool, make) in PROGRAMS.items():
        if options.only and options.only not in title:
            continue
        if not shutil.which(tool):
            print('%s: %s is not installed' % (title, tool))
            continue
        with tempfile.TemporaryDirectory(prefix='tracker-programs') as folder:
            wrong += one(title, os.path.join(build, 'tests', 'symbols', 'symbols_lookup'), *make(os.path.realpath(folder), build), options.show)
    return wrong


if __name__ == '__main__':
    sys.exit(1 if main() else 0)
