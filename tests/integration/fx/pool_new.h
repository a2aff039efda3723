/* pool_new - how often the operators of pool_new.cc were called. */
#ifndef POOL_NEW_H
#define POOL_NEW_H

extern unsigned long pool_allocated, pool_released;

#endif
