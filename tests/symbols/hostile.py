#!/usr/bin/env python3
"""The resolver on damaged files: whatever is in them, it ends well and soon.

hostile.py LOOKUP builds the sample, damages copies of it (bytes of headers,
symbol tables and every debug section, cut tails, other files altogether) and
looks up 50 addresses in each. The damage is the same in every run.
"""
import os, random, re, subprocess, sys, tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import compare

ROUNDS = 120


def interesting(exe):
    """(offset, size) of what is worth damaging."""
    size = os.path.getsize(exe)
    parts = [(0, 64), (64, 800), (size - 2600, 2600)]  # ELF, program and section headers
    table = compare.run('readelf', '-SW', exe)
    for name, offset, length in re.findall(r'\]\s+(\.\S+)\s+\S+\s+[0-9a-f]+\s+([0-9a-f]+)\s+([0-9a-f]+)', table):
        if name.startswith('.debug') or name in ('.symtab', '.strtab', '.dynsym', '.note.gnu.build-id'):
            parts.append((int(offset, 16), int(length, 16)))
    return parts


def damage(data, parts, rng):
    b = bytearray(data)
    offset, size = rng.choice(parts)
    for _ in range(rng.choice([1, 3, 20, 200])):
        at = offset + rng.randrange(size)
        if at < len(b):
            b[at] = rng.choice([0, 255, 0x7f, 0x80, rng.randrange(256)])
    return b[:rng.randrange(len(b))] if rng.randrange(10) == 0 else b


def doubled(directory):
    """A program of blocks inside each other, of which the debug information says that what is in a block also stands behind it: 2^40 entries."""
    exe = os.path.join(directory, 'blocks')
    source = ''.join('{ volatile int v%d = 0; ' % i for i in range(40)) + '{ volatile int a = 0; } ' + '} { volatile int b = 0; } ' * 40
    subprocess.run(['gcc', '-g', '-gdwarf-5', '-O0', '-w', '-xc', '-', '-o', exe], input=b'int main(void) { %s return 0; }' % source.encode(), check=True)
    with open(exe, 'rb') as f:
        data = bytearray(f.read())
    table = compare.run('readelf', '-SW', exe)
    start = int(re.search(r'\]\s+\.debug_info\s+\S+\s+[0-9a-f]+\s+([0-9a-f]+)', table).group(1), 16)
    sibling, changed = None, 0
    for line in compare.run('readelf', '--debug-dump=info', exe).splitlines():
        entry = re.match(r'\s*<[0-9a-f]+><([0-9a-f]+)>: Abbrev Number: [1-9].*', line)
        if entry and sibling:
            data[start + sibling:start + sibling + 4] = int(entry.group(1), 16).to_bytes(4, 'little')
            changed += 1
        at = re.match(r'\s*<([0-9a-f]+)>\s+DW_AT_sibling', line)
        sibling = int(at.group(1), 16) if at else None if entry else sibling
    assert changed >= 40, changed
    path = exe + '.doubled'
    with open(path, 'wb') as f:
        f.write(data)
    main = int(re.search(r'([0-9a-f]+) T main', compare.run('nm', exe)).group(1), 16)
    return path, b'0x%x\n' % (main + 40)


def look_up(lookup, path, text_in):
    """None when all is well, otherwise what went wrong."""
    try:
        result = subprocess.run([lookup, path], input=text_in, capture_output=True, timeout=600)
    except subprocess.TimeoutExpired:
        return 'took more than a minute'
    if result.returncode:
        return 'status %d: %s' % (result.returncode, result.stderr.decode(errors='replace')[:500])
    if result.stdout.count(b'0x') < text_in.count(b'0x'):
        return 'not every address was answered'
    return None


def main():
    lookup = os.path.abspath(sys.argv[1])
    rng = random.Random(5)
    wrong = 0
    with tempfile.TemporaryDirectory(prefix='tracker-symbols') as directory:
        for variant in ('gcc-O2', 'clang-O2'):
            exe, _ = compare.build(os.path.realpath(directory), variant)
            text_in = ''.join('0x%x\n' % a for a in compare.sample_addresses(exe)[::20]).encode()
            data, parts = open(exe, 'rb').read(), interesting(exe)
            path = exe + '.damaged'
            cases = [b'', b'\x7fELF', b'text\n' * 100, data[:64], data[:4096]]
            cases += [damage(data, parts, rng) for _ in range(ROUNDS // 2)]
            for i, case in enumerate(cases):
                with open(path, 'wb') as f:
                    f.write(case)
                problem = look_up(lookup, path, text_in)
                if problem:
                    wrong += 1
                    print('%s, case %d: %s' % (variant, i, problem))
            os.unlink(exe)
        problem = look_up(lookup, *doubled(directory))
        if problem:
            wrong += 1
            print('doubled: %s' % problem)
        for other in (directory, '/dev/null', '/dev/zero', directory + '/none', 'relative', '[vdso]', ''):
            if look_up(lookup, other, b'0x1000\n'):
                wrong += 1
                print('%s: %s' % (other, look_up(lookup, other, b'0x1000\n')))
    return 1 if wrong else 0


if __name__ == '__main__':
    sys.exit(main())
