/* abi - abi.c as C++11: the header is that, too. */
#include "abi.c"
