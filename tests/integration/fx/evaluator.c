/* evaluator - a library that runs each function of Python by C code of its own (PEP 523), as debuggers and compilers for Python do. */

/* CPython's, where the program has it. Its arguments differ by version. */
extern void *_PyEval_EvalFrameDefault(void *, void *, long) __attribute__((weak));
extern void _PyInterpreterState_SetEvalFrameFunc(void *interpreter, void *(*function)(void *, void *, long)) __attribute__((weak));

static int calls;

static __attribute__((noinline)) void *evaluate(void *a, void *b, long c)
{
	void *const value = _PyEval_EvalFrameDefault(a, b, c);

	__atomic_fetch_add(&calls, 1, __ATOMIC_RELAXED); /* so that this function stays on the stack */
	return value;
}

void begin(void *interpreter);
void begin(void *interpreter)
{
	_PyInterpreterState_SetEvalFrameFunc(interpreter, evaluate);
}
