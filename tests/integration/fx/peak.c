/* peak - the same 5000 live bytes are reached twice: the later moment is the peak. */
#include <stdlib.h>

#include "truth.h"

int main(void)
{
	void *p;

#line 10 "/src/peak.c"
	p = keep(malloc(5000));
	free(p);
#line 20 "/src/peak.c"
	p = keep(malloc(5000));
	free(p);
	churn(4999, 1);
	return 0;
}
