#!/usr/bin/env python3
"""The resolver against llvm-symbolizer and addr2line on sampled code addresses.

compare.py LOOKUP VARIANT builds sample.cc and sample.c in the way VARIANT says,
samples 1,000 instruction addresses and wants the same functions, files, lines
and inlined frames. Known differences, all taken out before comparing:

* llvm-symbolizer names the outermost function as the symbol table does: clones
  (".cold", ".isra.0", ".0" of nested functions) and the complete-object variant of constructors (C1, D1)
  where DWARF has the base-object one (C2, D2);
* paths: ours are cleaned of "." and "..";
* both give the symbol table's file name ("crtstuff.c") to symbols without lines;
* of several names for one address any will do where only the symbol table knows;
* functions without a linkage name have their scopes in ours alone (scopes.py holds those against nm);
* where nobody has a name, ours says where the function begins, which must be the start of an entry
  of the unwind table (readelf).

Programs with split DWARF are compared with the same code built without: neither
of the two reads all of it.

Exit status 77: a tool is missing (an error when CI is set).
"""
import os, random, re, shutil, subprocess, sys, tempfile

SAMPLES = 1000
HERE = os.path.dirname(os.path.abspath(__file__))
CLONE = re.compile(r'\.(cold|part|isra|constprop|localalias|lto_priv|llvm|[0-9]+)\b.*')
VARIANT_LETTER = re.compile(r'(?<=[^0-9])([CD])[0-9](?=[EI])')

# name: (C++ compiler, C compiler, flags, what happens to the program afterwards)
VARIANTS = {
    'gcc-O2': ('g++', 'gcc', '-O2 -g', None),
    'gcc-O0': ('g++', 'gcc', '-O0 -g', None),
    'gcc-O3-lto': ('g++', 'gcc', '-O3 -g -flto', None),
    'gcc-dwarf4': ('g++', 'gcc', '-O2 -gdwarf-4', None),
    'gcc-split': ('g++', 'gcc', '-O2 -g -gsplit-dwarf', None),
    'gcc-split-dwarf4': ('g++', 'gcc', '-O2 -gdwarf-4 -gsplit-dwarf', None),
    'gcc-compressed': ('g++', 'gcc', '-O2 -g -gz=zlib', None),
    'gcc-zstd': ('g++', 'gcc', '-O2 -g', 'zstd'),
    'gcc-zstd-debuglink': ('g++', 'gcc', '-O2 -g', 'zstd-debuglink'),
    'gcc-static-nopie': ('g++', 'gcc', '-O2 -g -static -no-pie', None),
    'gcc-sections': ('g++', 'gcc', '-O2 -g -ffunction-sections -Wl,--gc-sections', None),
    'gcc-dwz': ('g++', 'gcc', '-O2 -g', 'dwz'),
    'gcc-debuglink': ('g++', 'gcc', '-O2 -g', 'debuglink'),
    'gcc-symtab': ('g++', 'gcc', '-O2', None),
    'gcc-dynsym': ('g++', 'gcc', '-O2 -rdynamic', 'strip'),
    'gcc-minidebug': ('g++', 'gcc', '-O2', 'minidebug'),
    'clang-O2': ('clang++', 'clang', '-O2 -g', None),
    'clang-O0': ('clang++', 'clang', '-O0 -g', None),
    'clang-dwarf4': ('clang++', 'clang', '-O2 -gdwarf-4', None),
    'clang-split': ('clang++', 'clang', '-O2 -g -gsplit-dwarf', None),
    'clang-lines': ('clang++', 'clang', '-O2 -g1', None),
}

# binutils 2.40 does not see inlined frames in clang's DWARF 5, and takes the file of some header's
# functions without inlining for the unit's own (line 517 of a file with 90; "<artificial>" with LTO).
NOT_FOR_ADDR2LINE = {'clang-O2', 'clang-O0', 'clang-split', 'clang-lines', 'gcc-O0', 'gcc-O3-lto'}


def run(*command, text_in=None):
    return subprocess.run(command, input=text_in, capture_output=True, text=True, check=True).stdout


def need(*tools):
    missing = [t for t in tools if not shutil.which(t)]
    if missing:
        print('missing:', *missing)
        sys.exit(1 if os.environ.get('CI') else 77)


def compile_and_link(directory, variant, exe, flags):
    cxx, cc = variant[:2]
    objects = []
    for compiler, name in ((cc, 'sample.c'), (cxx, 'sample.cc')):
        objects.append('%s.%s.o' % (os.path.basename(exe), name))
        subprocess.run([compiler, *flags, '-c', os.path.join(HERE, name), '-o', objects[-1]],
                       cwd=directory, check=True)
    subprocess.run([cxx, *flags, *objects, '-o', exe], cwd=directory, check=True)


def listing(exe):
    text = run('objdump', '-d', '--no-show-raw-insn', '-j', '.text', exe)
    return [int(m.group(1), 16) for m in re.finditer(r'^\s*([0-9a-f]+):\t', text, re.M)]


def build(directory, variant):
    """The program to look up and the one that the other symbolizers read."""
    cxx, cc, flags, after = VARIANTS[variant]
    exe = os.path.join(directory, 'sample')
    whole = exe + '.whole'
    need(cxx, cc, 'objdump', 'objcopy', 'nm', 'llvm-symbolizer', 'addr2line', *(['dwz'] if after == 'dwz' else []))
    compile_and_link(directory, VARIANTS[variant], exe, flags.split())
    if '-gsplit-dwarf' in flags:
        compile_and_link(directory, VARIANTS[variant], whole, flags.replace('-gsplit-dwarf', '').split())
        assert listing(exe) == listing(whole), 'split DWARF changed the code'
    else:
        shutil.copy(exe, whole)
    if after == 'dwz':
        run('dwz', exe)
    elif after == 'strip':
        run('strip', exe)
    elif after == 'zstd':
        run('objcopy', '--compress-debug-sections=zstd', exe)
    elif after in ('debuglink', 'zstd-debuglink'):
        os.mkdir(os.path.join(directory, '.debug'))
        debug = os.path.join(directory, '.debug', 'sample.debug')
        run('objcopy', '--only-keep-debug', exe, debug)
        if after == 'zstd-debuglink':
            run('objcopy', '--compress-debug-sections=zstd', debug)
        run('objcopy', '--strip-all', '--add-gnu-debuglink=' + debug, exe)
    elif after == 'minidebug':
        mini = os.path.join(directory, 'mini')
        need('xz')
        run('objcopy', '--only-keep-debug', exe, mini)
        run('strip', exe)
        run('xz', mini)
        run('objcopy', '--add-section', '.gnu_debugdata=' + mini + '.xz', exe)
    return exe, whole


def sample_addresses(exe):
    addresses = listing(exe)
    return sorted(random.Random(1).sample(addresses, min(SAMPLES, len(addresses))))


def aliases(exe):
    """Function name -> the first of all names of its address."""
    names = {}
    for line in run('nm', exe).split('\n'):
        address, kind, name = (line.split(' ', 2) + ['', ''])[:3]
        if kind.lower() in ('t', 'w', 'i'):
            names.setdefault(address, []).append(name.split('@')[0])
    return {name: min(group) for group in names.values() for name in group}


def ours(lookup, exe, text_in):
    blocks = run(lookup, exe, text_in=text_in).split('\n\n')
    return [[tuple(line.split('\t')) for line in b.strip('\n').split('\n')[1:]] for b in blocks if b.strip()]


def llvm(exe, text_in):
    out = run('llvm-symbolizer', '--obj=' + exe, '--functions=linkage', '--no-demangle', '--inlines', text_in=text_in)
    stacks = []
    for block in out.split('\n\n'):
        lines = block.strip('\n').split('\n')
        if lines != ['']:
            stacks.append([(f, *place.rsplit(':', 2)[:2]) for f, place in zip(lines[::2], lines[1::2])])
    return stacks


def addr2line(exe, text_in):
    """Only files and lines: its names of inlined C++ functions are its own."""
    stacks = []
    lines = run('addr2line', '-a', '-i', '-e', exe, text_in=text_in).split('\n')
    for line in lines[:-1]:
        if line.startswith('0x'):
            stacks.append([])
        else:
            file, number = line.split(' (')[0].rsplit(':', 1)
            stacks[-1].append((file, number))
    return stacks


def normal_file(file):
    # A name without a directory is the symbol table's STT_FILE.
    return os.path.normpath(file) if file.startswith('/') else '??'


def normal_line(line):
    return line if line.isdigit() else '0'


def normal(stack, same):
    stack = stack or [('??', '??', '0')]
    if stack[-1][1:] == ('??', '0'):
        stack = [(same.get(stack[-1][0], stack[-1][0]), '??', '0')]
    return [(VARIANT_LETTER.sub(r'\1x', CLONE.sub('', f)), normal_file(file), normal_line(line))
            for f, file, line in stack]


def places(stack):
    return [(normal_file(s[-2]), normal_line(s[-1])) for s in stack or [('??', '0')]]


def bare(ours, theirs):
    """Our stack with those names shortened that have scopes where theirs have none."""
    if len(ours) != len(theirs):
        return ours
    return [(t[0], *o[1:]) if o[0].endswith('::' + t[0]) else o for o, t in zip(ours, theirs)]


def placeholders(stacks, addresses, exe):
    """Our stacks without placeholders for names; each of those must be where the function begins, or the code that is in none."""
    table = subprocess.run(['readelf', '--debug-dump=frames', exe], capture_output=True, text=True, check=False).stdout
    ranges = sorted(tuple(int(x, 16) for x in m) for m in re.findall(r'FDE cie=\S+ pc=([0-9a-f]+)\.\.([0-9a-f]+)', table))
    wrong, out = 0, []
    for stack, address in zip(stacks, addresses):
        m = re.fullmatch(r'sample!0x([0-9a-f]+)', stack[0][0]) if stack else None
        if m:
            start, end = max(r for r in ranges if r[0] <= address)
            if int(m.group(1), 16) != (start if address < end else end):
                print('0x%x is in %x..%x, not %s' % (address, start, end, m.group(1)))
                wrong += 1
        out.append([] if m else stack)
    return out, wrong


def differences(title, addresses, a, b):
    assert len(a) == len(b) == len(addresses), (title, len(a), len(b), len(addresses))
    wrong = [(x, y, z) for x, y, z in zip(addresses, a, b) if y != z]
    for address, x, y in wrong[:5]:
        print('%s: 0x%x' % (title, address))
        for name, stack in (('ours', x), ('theirs', y)):
            for frame in stack:
                print('   %-7s %s' % (name, ' '.join(frame)))
    return len(wrong)


def main():
    lookup, variant = os.path.abspath(sys.argv[1]), sys.argv[2]
    with tempfile.TemporaryDirectory(prefix='tracker-symbols') as directory:
        exe, whole = build(os.path.realpath(directory), variant)
        addresses = sample_addresses(whole)
        text_in = ''.join('0x%x\n' % a for a in addresses)
        mine, wrong = placeholders(ours(lookup, exe, text_in), addresses, exe)
        theirs = exe if VARIANTS[variant][3] == 'strip' else whole
        same = aliases(theirs) if VARIANTS[variant][3] != 'strip' else {}
        named = [normal(s, same) for s in llvm(theirs, text_in)]
        wrong += differences('llvm-symbolizer', addresses, [bare(normal(s, same), n) for s, n in zip(mine, named)],
                             named)
        if variant not in NOT_FOR_ADDR2LINE:
            wrong += differences('addr2line', addresses, [places(s) for s in mine],
                                 [places(s) for s in addr2line(theirs, text_in)])
        frames = sum(len(s) for s in mine)
        known = sum(s[0][1] != '??' for s in mine if s)
        print('%s: %d addresses, %d frames, %d with lines; %d differences'
              % (variant, len(addresses), frames, known, wrong))
        return wrong


if __name__ == '__main__':
    sys.exit(1 if main() else 0)
