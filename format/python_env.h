/* python_env - the variable by which CPython takes each object from malloc, and none out of its arenas: --trace-python-allocators. */
#ifndef TRK_PYTHON_ENV_H
#define TRK_PYTHON_ENV_H

#define PYTHON_ENV "PYTHONMALLOC"
#define PYTHON_ENV_VALUE "malloc"

#endif
