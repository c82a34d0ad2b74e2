/* error.c -- see error.h.  Room: core/base. */
#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

tcet_status error_set(struct error *err, tcet_status code, const char *format, ...)
{
    va_list ap;

    va_start(ap, format);
    vsnprintf(err->text, sizeof err->text, format, ap);
    va_end(ap);
    err->status = code;
    return code;
}

tcet_status error_prefix(struct error *err, const char *format, ...)
{
    char rest[sizeof err->text];
    va_list ap;
    int n;

    memcpy(rest, err->text, sizeof rest);
    va_start(ap, format);
    n = vsnprintf(err->text, sizeof err->text, format, ap);
    va_end(ap);
    if (n >= 0 && (size_t)n < sizeof err->text)
        snprintf(err->text + n, sizeof err->text - (size_t)n, "%s", rest);
    return err->status;
}

const char *error_name(tcet_status status)
{
    switch (status) {
    case TCET_OK: return "ok";
    case TCET_E_ARG: return "bad input";
    case TCET_E_MEMORY: return "out of memory";
    case TCET_E_UNSUPPORTED: return "unsupported";
    case TCET_E_NUMERIC: return "numeric";
    case TCET_E_IO: return "input/output";
    case TCET_E_BACKEND: return "backend";
    case TCET_E_CANCELLED: return "cancelled";
    case TCET_E_PLUGIN: return "plugin";
    default: return "unknown status";
    }
}
