/* result.c -- see result.h.  Room: core/result. */
#include "result/result.h"

struct result_row result_failure(const char *arch, const char *message)
{
    return (struct result_row){.arch = arch,
                               .status = RESULT_FAILED,
                               .message = message,
                               .params = -1,
                               .macs = -1,
                               .x_sum = __builtin_nan(""),
                               .w_sum = __builtin_nan("")};
}

const char *result_status_name(enum result_status status)
{
    static const char *const names[] = {
        [RESULT_MISSING] = "missing", [RESULT_OK] = "ok", [RESULT_FAILED] = "failed"};

    return names[status];
}
