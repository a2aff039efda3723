#!/usr/bin/env python3
"""Names of Ada and Go as their own tools print them.

languages.py LOOKUP builds a program in each: Ada's functions are named as addr2line --demangle=gnat says, with debug
information and with the symbol table alone, and a C function of a spelling as GNAT's is left alone; Go's
are named as go tool addr2line says, also where the program is stripped of all but the table of its own runtime.
Exit status 77: a tool is missing (an error when CI is set).
"""
import os
import re
import subprocess
import sys
import tempfile

from compare import need, run

ADA = {
    'shapes.ads': """package Shapes is
   type Base is tagged record N : Integer := 1; end record;
   procedure Make (N : Integer);
   procedure Make (N : Float);
   function "+" (A, B : Base) return Base;
   function "<=" (A, B : Base) return Boolean;
   package Inner is
      procedure Deep;
      generic type T is private; procedure Gen (X : T);
   end Inner;
   protected Prot is
      procedure Hit;
   private
      C : Integer := 0;
   end Prot;
   Kept : Integer := 0;
end Shapes;
""",
    'shapes.adb': """package body Shapes is
   procedure Make (N : Integer) is begin Kept := N; end Make;
   procedure Make (N : Float) is
      procedure Nested is begin Kept := Integer (N); end Nested;
   begin Nested; end Make;
   function "+" (A, B : Base) return Base is begin Kept := B.N; return A; end "+";
   function "<=" (A, B : Base) return Boolean is begin return A.N <= B.N; end "<=";
   package body Inner is
      procedure Deep is begin Kept := 3; end Deep;
      procedure Gen (X : T) is begin Kept := 4; end Gen;
   end Inner;
   protected body Prot is
      procedure Hit is begin C := C + 1; end Hit;
   end Prot;
begin
   Kept := Kept + 5;
end Shapes;
""",
    'main_prog.adb': """with Shapes;
procedure Main_Prog is
   procedure My_Gen is new Shapes.Inner.Gen (Integer);
   B : Shapes.Base; C : Shapes.Base;
   use type Shapes.Base;
   procedure Local is begin Shapes.Make (3); end Local;
begin
   Local; Shapes.Make (1.0); C := B + B; Shapes.Inner.Deep; My_Gen (3); Shapes.Prot.Hit;
   if B <= C then Local; end if;
end Main_Prog;
""",
}
C = "void shapes__make__2(void) {} void _ada_something_else(void) {} int main(void) { shapes__make__2(); return 0; }\n"
GO = """package main

type T[K any] struct{ k K }

//go:noinline
func (t *T[K]) Do(n int) int { return n * 2 }

//go:noinline
func Gen[K any](k K, n int) int { return n + 1 }

type Shape interface{ Area() int }
type Sq struct{ n int }

//go:noinline
func (s Sq) Area() int { return s.n }

func main() {
	var s Shape = Sq{2}
	f := func(n int) int { return Gen("x", n) + Gen(2.5, n) + s.Area() }
	println((&T[map[string]int]{}).Do(3), f(4))
}
"""


def write(directory, files):
    for name, text in files.items():
        with open(os.path.join(directory, name), 'w', encoding='ascii') as f:
            f.write(text)


def functions(exe, pattern):
    """Addresses of the functions of such names, that have code of their own."""
    found = {}
    for line in run('nm', exe).split('\n'):
        m = re.fullmatch(r'([0-9a-f]+) [tT] (.*)', line)
        if m and re.search(pattern, m.group(2)):
            found.setdefault(int(m.group(1), 16), m.group(2))
    return found


def ours(lookup, exe, addresses):
    """The outermost function at each address."""
    out = run(lookup, exe, text_in=''.join('0x%x\n' % a for a in addresses))
    blocks = [b.strip('\n').split('\n')[1:] for b in out.split('\n\n') if b.strip()]
    return [b[-1].split('\t')[0] if b else '??' for b in blocks]


def compare(what, addresses, want, got, least):
    wrong = [(hex(a), w, g) for a, w, g in zip(addresses, want, got) if w != g]
    print('%s: %d functions, %d with another name' % (what, len(want), len(wrong)))
    for w in wrong[:10]:
        print('  %s: theirs %s, ours %s' % w)
    return bool(wrong) or len(want) < least or len(want) != len(got)


def ada(lookup, directory):
    write(directory, ADA)
    subprocess.run(['gnatmake', '-q', '-g', 'main_prog.adb'], cwd=directory, check=True)
    exe, bad = os.path.join(directory, 'main_prog'), 0
    found = functions(exe, r'^(shapes_|main_prog|_ada_)')
    lines = run('addr2line', '-f', '--demangle=gnat', '-e', exe, text_in=''.join('0x%x\n' % a for a in found)).split('\n')
    # binutils puts names into <> that it does not know: of what the compiler makes
    want = dict(zip(found, lines[::2]))
    symbols = dict(zip(found, run('c++filt', '--format=gnat', text_in='\n'.join(found.values())).split('\n')))
    named = [a for a in found if not want[a].startswith('<') and not symbols[a].startswith('<')]
    bad |= compare('Ada, debug information', named, [want[a] for a in named], ours(lookup, exe, named), 12)
    run('strip', '--strip-debug', exe)
    bad |= compare('Ada, symbol table', named, [symbols[a] for a in named], ours(lookup, exe, named), 12)
    write(directory, {'c.c': C})
    exe = os.path.join(directory, 'c')
    subprocess.run(['gcc', '-g', os.path.join(directory, 'c.c'), '-o', exe], check=True)
    found = functions(exe, r'shapes__|_ada_')
    bad |= compare('C of such names', list(found), list(found.values()), ours(lookup, exe, found), 2)
    return bad


def go(lookup, directory):
    write(directory, {'p.go': GO})
    env = {**os.environ, 'CGO_ENABLED': '0', 'GO111MODULE': 'off', 'GOFLAGS': '', 'GOCACHE': os.path.join(directory, 'cache')}
    bad, whole = 0, os.path.join(directory, 'whole')
    subprocess.run(['go', 'build', '-o', whole, 'p.go'], cwd=directory, env=env, check=True)
    found = sorted(functions(whole, r'^(main|runtime|sync)\.[^:]*$'))
    for what, command in (('whole', None), ('no debug information', ['strip', '-g']), ('stripped', ['strip', '-s'])):
        exe = whole + '.copy'
        run('cp', whole, exe)
        if command:
            run(*command, exe)
        at = [a + 1 for a in found]
        theirs = subprocess.run(['go', 'tool', 'addr2line', exe], input=''.join('0x%x\n' % a for a in at), env=env,
                                capture_output=True, text=True, check=True).stdout.split('\n')[::2]
        # types for which code was made stand in debug information only; what begins behind the last function is none
        mine = [re.sub(r'\[.*\]', '[...]', name).replace('??', '?') for name in ours(lookup, exe, at)]
        bad |= compare('Go, ' + what, at, theirs[:len(at)], mine, 900)
    return bad


def main():
    lookup = os.path.abspath(sys.argv[1])
    need('gnatmake', 'gcc', 'go', 'nm', 'strip', 'addr2line', 'c++filt')
    with tempfile.TemporaryDirectory(prefix='tracker-languages') as directory:
        return ada(lookup, directory) | go(lookup, directory)


if __name__ == '__main__':
    sys.exit(1 if main() else 0)
