/* folder.c -- see folder.h.  Room: core/base. */
#include "base/folder.h"

#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static int is_folder(const char *path)
{
    struct stat info;

    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

tcet_status folder_make(const char *folder, struct error *err)
{
    char *path = mem_strdup(folder);
    tcet_status st = TCET_OK;

    for (char *p = path + 1; st >= 0; p++) {
        char c = *p;

        if (c != '/' && c != '\0')
            continue;
        *p = '\0';
        if (!is_folder(path) && mkdir(path, 0755) != 0 && errno != EEXIST)
            st = error_set(err, TCET_E_IO, "cannot make the folder %s: %s", path, strerror(errno));
        *p = c;
        if (c == '\0')
            break;
    }
    free(path);
    if (st >= 0 && !is_folder(folder))
        st = error_set(err, TCET_E_IO, "%s: not a folder", folder);
    return st;
}

/* Only into a file of ours: with no other name, and nothing but a process in it.  On a full disk the
 * text may fail; the lock holds all the same. */
static void write_pid(int lock)
{
    char pid[32];
    struct stat info;
    ssize_t n = pread(lock, pid, sizeof pid, 0);

    if (n < 0 || n == sizeof pid || fstat(lock, &info) != 0 || info.st_nlink != 1 ||
        !S_ISREG(info.st_mode))
        return;
    for (ssize_t i = 0; i < n; i++) {
        if (!strchr("0123456789\n", pid[i]) || !pid[i])
            return;
    }
    n = snprintf(pid, sizeof pid, "%ld\n", (long)getpid());
    if (pwrite(lock, pid, (size_t)n, 0) == n)
        (void)!ftruncate(lock, n);
}

tcet_status folder_lock(const char *folder, int *out, struct error *err)
{
    struct buf path = {0};
    tcet_status st = TCET_OK;
    char pid[32] = "";
    ssize_t n;
    int fd;

    buf_printf(&path, "%s/lock", folder);
    fd = open(path.data, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
    if (fd < 0) {
        st = error_set(err, TCET_E_IO, "%s: %s", path.data, strerror(errno));
    } else if (flock(fd, LOCK_EX | LOCK_NB) == 0) {
        write_pid(fd);
        *out = fd;
    } else if (errno != EWOULDBLOCK) {
        st = error_set(err, TCET_E_IO, "%s: cannot lock: %s", path.data, strerror(errno));
    } else {
        n = pread(fd, pid, sizeof pid - 1, 0);
        pid[n > 0 ? n : 0] = '\0';
        pid[strspn(pid, "0123456789")] = '\0';
        st = error_set(err, TCET_E_IO, "%s is in use by another run (process %s)", folder,
                       pid[0] ? pid : "unknown");
    }
    if (st < 0 && fd >= 0)
        close(fd);
    buf_free(&path);
    return st;
}
