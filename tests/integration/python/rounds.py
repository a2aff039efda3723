"""rounds - allocates by many functions, again and again."""


def make(n):
    names = {}
    exec("def f_%d(k):\n    return [bytes(40 + k + i) for i in range(20)]\n" % n, names)
    return names["f_%d" % n]


functions = [make(n) for n in range(50)]
for n in range(250):
    kept = [f(n) for f in functions]
