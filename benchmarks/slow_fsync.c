/* Makes every fsync and fdatasync take SLOW_FSYNC_US microseconds longer: a usual disk, on a machine with a fast one. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <unistd.h>

static void wait_a_little(void) {
    const char *microseconds = getenv("SLOW_FSYNC_US");
    if (microseconds) usleep((useconds_t)atol(microseconds));
}

int fsync(int descriptor) {
    int (*real)(int) = dlsym(RTLD_NEXT, "fsync");
    wait_a_little();
    return real(descriptor);
}

int fdatasync(int descriptor) {
    int (*real)(int) = dlsym(RTLD_NEXT, "fdatasync");
    wait_a_little();
    return real(descriptor);
}
