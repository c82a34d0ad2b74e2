/* test_proc_memory.c -- protects the watch over workers' memory: what a process holds is counted as
 * it uses it, not as it reserves it, and the machine's total is what groups and users leave of it.
 * Room: tests. */
#include "proc/memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cmocka.h>

static const uint64_t MIB = 1 << 20;

static char *reserve(uint64_t size, int how)
{
    char *p = mmap(NULL, size, PROT_READ | PROT_WRITE, how | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    assert_true(p != MAP_FAILED);
    return p;
}

static void held(void **state)
{
    uint64_t before = memory_held(getpid()), now;
    char *much = reserve(MIB << 12, MAP_PRIVATE), *shared = reserve(64 * MIB, MAP_SHARED);

    (void)state;
    assert_true(before > 0 && before < 1024 * MIB);
    assert_true(memory_held(getpid()) < before + 16 * MIB);
    memset(much, 1, 64 * MIB);
    now = memory_held(getpid());
    assert_true(now > before + 60 * MIB && now < before + 90 * MIB);
    memset(shared, 1, 64 * MIB);
    assert_true(memory_held(getpid()) > now + 60 * MIB);
    munmap(much, MIB << 12);
    munmap(shared, 64 * MIB);
    assert_int_equal(memory_held(-1), 0); /* nobody */
    prctl(PR_SET_NAME, "VmSwap: 9999999");
    assert_true(memory_held(getpid()) < now + 90 * MIB);
    prctl(PR_SET_NAME, "RssAnon: 0");
    assert_true(memory_held(getpid()) >= before / 2);
}

static void total(void **state)
{
    uint64_t real = memory_total();

    (void)state;
    assert_true(real > 64 * MIB && real <= (uint64_t)sysconf(_SC_PHYS_PAGES) * 65536);
    setenv("TCET_MEMORY", "123", 1);
    assert_int_equal(memory_total(), 123 * MIB);
    setenv("TCET_MEMORY", "much", 1);
    assert_int_equal(memory_total(), real);
    unsetenv("TCET_MEMORY");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(held), cmocka_unit_test(total)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
