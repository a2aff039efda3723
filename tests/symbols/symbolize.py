#!/usr/bin/env python3
"""tracker-symbolize on captures without names, against llvm-symbolizer.

symbolize.py STACKS MKCAPTURE TRACKER_SYMBOLIZE: makes captures of
sampled return addresses in a program built on the spot, adds names, takes the
program away and wants llvm-symbolizer's frames from the capture alone.
"""
import json, os, shutil, subprocess, sys, tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import compare

STACKS, MKCAPTURE, SYMBOLIZE = map(os.path.abspath, sys.argv[1:4])


def symbolize(*arguments, status=0):
    result = subprocess.run([SYMBOLIZE, *arguments], capture_output=True, text=True)
    assert result.returncode == status, (arguments, result)
    assert status == 0 or (result.stderr.count('\n') == 1 and result.stderr.startswith('tracker-symbolize: ')), result
    return result


def build_id(exe):
    notes = compare.run('readelf', '-n', exe)
    return notes.split('Build ID: ')[1].split()[0]


def capture(path, exe, addresses, end=''):
    """One node per address; the recorded offset is the address after the call."""
    lines = ['module 1 %s build-id=%s main' % (exe, build_id(exe)), 'module 2 /nowhere/lib.so',
             'module 3 %s build-id=00112233' % exe, 'module 4 [vdso] vdso']
    for i, address in enumerate(addresses, 1):
        lines.append('frame %d - 0 as=- module=1 offset=%d bare' % (i, address + 1))
    after = len(addresses) + 1
    lines.append('frame %d - 0 as=- module=2 offset=100 bare' % after)
    lines.append('frame %d - 0 as=- module=3 offset=%d bare' % (after + 1, addresses[0] + 1))
    lines.append('frame %d - 0 as=- module=4 offset=300 bare' % (after + 2))
    lines.append('frame %d known.c 7 as=known module=1 offset=1' % (after + 3))
    for i in range(1, after + 4):
        lines.append('stack %d %d' % (i, i))
        lines.append('malloc b%d 16 %d' % (i, i))
    with_text = '\n'.join(lines) + '\n' + end
    subprocess.run([MKCAPTURE, path], input=with_text, text=True, check=True)


def stacks(path):
    blocks = compare.run(STACKS, path).split('\n\n')
    complete = blocks[0] == 'complete 1'
    return complete, [[tuple(line.split('\t')) for line in b.split('\n')] for b in blocks[1:] if b]


def same_places(addresses, mine, exe):
    """Files, lines and inlined frames; names are compared by the other tests."""
    theirs = [compare.places(s) for s in compare.llvm(exe, ''.join('0x%x\n' % a for a in addresses))]
    mine = [[('??', '0') if line == '0' else (file, line) for _, file, line in s] for s in mine]
    return compare.differences('llvm-symbolizer', addresses, mine, theirs)


def check_contents(path, exe, addresses):
    complete, mine = stacks(path)
    assert len(mine) == len(addresses) + 4, len(mine)
    assert same_places(addresses, mine[:len(addresses)], exe) == 0
    assert mine[-4] == [('', '/nowhere/lib.so', '0')], mine[-4]
    assert len(mine[-3]) == 1 and mine[-3][0][0] == '' and mine[-3][0][2] == '0', mine[-3]
    assert mine[-2] == [('', '[vdso]', '0')], mine[-2]
    assert mine[-1] == [('known', 'known.c', '7')], mine[-1]
    return complete


def main():
    with tempfile.TemporaryDirectory(prefix='tracker-symbols') as directory:
        directory = os.path.realpath(directory)
        os.chdir(directory)
        exe, whole = compare.build(directory, 'gcc-O2')
        text_in = compare.sample_addresses(exe)[::5]
        # Addresses that llvm-symbolizer gives a line: the others have only a module.
        addresses = [a for a, s in zip(text_in, compare.llvm(exe, ''.join('0x%x\n' % a for a in text_in)))
                     if s[0][2].isdigit() and s[0][2] != '0' and s[0][1].startswith('/')]
        assert len(addresses) > 100
        capture('bare.bin', exe, addresses)

        # Reports look names up while the program is there.
        assert check_contents('bare.bin', whole, addresses)

        os.chmod('bare.bin', 0o600)
        result = symbolize('-o', 'named.bin', 'bare.bin')
        assert os.stat('named.bin').st_mode & 0o777 == 0o600
        assert 'named %d of %d locations: named.bin' % (len(addresses), len(addresses) + 3) in result.stderr, result
        assert '/nowhere/lib.so: No such file' in result.stderr, result
        assert 'binary changed since capture' in result.stderr and '[vdso]' not in result.stderr, result
        listed = json.loads(symbolize('--json', '-o', 'named2.bin', 'bare.bin').stdout)
        assert [m['state'] for m in listed['modules']] == ['debug information', 'missing', 'changed', 'missing'], listed
        assert open('named.bin', 'rb').read() == open('named2.bin', 'rb').read()

        golden = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'golden', 'good', 'clear.bin')
        assert 'already has all names: they are copied to all.bin' in symbolize('-o', 'all.bin', golden).stderr

        # Nothing is overwritten unasked; usage errors; what is no capture.
        symbolize('-o', 'named.bin', 'bare.bin', status=1)
        symbolize('bare.bin', status=2)
        symbolize('-o', '-', '--json', 'bare.bin', status=2)
        symbolize('-o', 'x.bin', 'nowhere.bin', status=1)
        symbolize('-o', 'x.bin', os.path.abspath(__file__), status=1)
        symbolize('-o', '/nowhere/x.bin', 'bare.bin', status=1)
        assert not os.path.exists('x.bin')

        # stdout, and in place; a second run finds nothing to do but what was missing.
        assert subprocess.run([SYMBOLIZE, '-o', '-', 'bare.bin'], capture_output=True).stdout == \
            open('named.bin', 'rb').read()
        shutil.copy('bare.bin', 'place.bin')
        symbolize('--force', 'place.bin')
        assert open('place.bin', 'rb').read() == open('named.bin', 'rb').read()
        assert 'named 0 of 3 locations' in symbolize('--force', 'place.bin').stderr

        # A capture without an end gets names, but is not made to look whole; nor is a torn one.
        capture('cut.bin', exe, addresses, end='cut\n')
        with open('cut.bin', 'ab') as f:
            f.write(b'TRKB torn block')
        symbolize('-o', 'cut-named.bin', 'cut.bin')

        os.unlink(exe)
        assert check_contents('named.bin', whole, addresses)
        assert check_contents('place.bin', whole, addresses)
        assert not check_contents('cut-named.bin', whole, addresses)
        _, bare = stacks('bare.bin')
        assert bare[0] == [('', exe, '0')], bare[0]
        assert 'named 0 of' in symbolize('-o', 'gone.bin', 'bare.bin').stderr
    print('%d addresses' % len(addresses))


if __name__ == '__main__':
    main()
