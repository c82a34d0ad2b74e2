/* test_store_faults.c -- core/store: kills, other processes, damaged files, read-only folders,
 * full disks.  Room: tests. */
#include "test_store_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>

/* In a child cmocka's jumps would run the parent's tests on: say so and leave. */
#define CHECK(cond, text)                                                \
    do {                                                                 \
        if (!(cond)) {                                                   \
            fprintf(stderr, "line %d: %s: %s\n", __LINE__, #cond, text); \
            _exit(1);                                                    \
        }                                                                \
    } while (0)

enum { SKIPPED = 77 };

/* Runs work in a child; 0, 1, SKIPPED, or minus the signal that ended it. */
static int in_child(void (*work)(struct fixture *f), struct fixture *f)
{
    int status;
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0) {
        work(f);
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static void db_path(const struct fixture *f, const char *tail, char out[160])
{
    snprintf(out, 160, "%s/scores.db%s", f->folder, tail);
}

/* A child that opens the store, says so, and then works until it is killed. */
static pid_t start_child(struct fixture *f, void (*work)(struct store *s, int to_parent),
                         int *from_child)
{
    int ends[2];
    pid_t pid;

    assert_int_equal(pipe(ends), 0);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        struct store *s = NULL;
        struct error err;

        CHECK(store_open(f->folder, STORE_RESUME, &s, &err) == TCET_OK, err.text);
        CHECK(store_set_columns(s, columns, COLUMNS, &err) == TCET_OK, err.text);
        CHECK(store_set_archs(s, archs, ARCHS, &err) == TCET_OK, err.text);
        work(s, ends[1]);
        _exit(0);
    }
    close(ends[1]);
    *from_child = ends[0];
    return pid;
}

static void kill_child(pid_t pid)
{
    int status;

    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

static void hold(struct store *s, int to_parent)
{
    (void)s;
    CHECK(write(to_parent, "x", 1) == 1, "pipe");
    pause();
}

/* One writer at a time; the message says which process; its death frees the folder. */
static void lock_names_its_holder(void **state)
{
    struct fixture *f = *state;
    struct store *s = NULL;
    struct error err;
    char want[64], c;
    int from_child;
    pid_t pid = start_child(f, hold, &from_child);

    assert_int_equal(read(from_child, &c, 1), 1);
    snprintf(want, sizeof want, "in use by another run (process %ld)", (long)pid);
    assert_int_equal(store_open(f->folder, STORE_RESUME, &s, &err), TCET_E_IO);
    assert_non_null(strstr(err.text, want));
    assert_non_null(strstr(err.text, f->folder));
    assert_int_equal(store_open(f->folder, STORE_FRESH, &s, &err), TCET_E_IO);
    store_close(open_store(f->folder, STORE_READ)); /* reading goes on beside it */
    kill_child(pid);
    close(from_child);
    store_close(open_store(f->folder, STORE_RESUME));
}

static void half_a_batch(struct store *s, int to_parent)
{
    struct sample x;
    struct error err;

    for (int i = 0; i < 2; i++) {
        CHECK(store_begin(s, &err) == TCET_OK, err.text);
        sample_fill(&x, i);
        CHECK(store_put(s, &x.row, &err) == TCET_OK, err.text);
        if (i == 0)
            CHECK(store_commit(s, &err) == TCET_OK, err.text);
    }
    CHECK(write(to_parent, "x", 1) == 1, "pipe");
    pause();
}

static void summary_is(struct store *s, size_t done, size_t failed, size_t missing)
{
    struct store_summary sum;
    struct error err;

    OK(store_summarise(s, &sum, &err));
    assert_int_equal(sum.done, done);
    assert_int_equal(sum.failed, failed);
    assert_int_equal(sum.missing, missing);
}

/* Killed in a batch: what was committed is there, of the open batch nothing. */
static void killed_in_a_batch(void **state)
{
    struct fixture *f = *state;
    struct store *s;
    int from_child;
    char c;
    pid_t pid = start_child(f, half_a_batch, &from_child);

    assert_int_equal(read(from_child, &c, 1), 1);
    kill_child(pid);
    close(from_child);
    s = open_store(f->folder, STORE_READ);
    summary_is(s, 1, 0, 2);
    store_close(s);
    s = open_store(f->folder, STORE_RESUME);
    summary_is(s, 1, 0, 2);
    put_sample(s, 1);
    summary_is(s, 2, 0, 1);
    store_close(s);
}

/* A journal whose database somebody removed is nobody's: nothing of it comes back. */
static void journal_without_database(void **state)
{
    struct fixture *f = *state;
    struct store *s;
    int from_child;
    char path[160], c;
    pid_t pid = start_child(f, half_a_batch, &from_child);

    assert_int_equal(read(from_child, &c, 1), 1);
    kill_child(pid);
    close(from_child);
    db_path(f, "", path);
    assert_int_equal(unlink(path), 0);
    assert_true(exists(f->folder, "scores.db-wal"));
    s = open_store(f->folder, STORE_FRESH);
    assert_int_equal(store_arch_count(s), 0);
    set_run(s);
    put_sample(s, 2);
    summary_is(s, 1, 0, 2);
    store_close(s);
}

/* Commits row after row of ever new architectures, acknowledging each. */
static void commit_for_ever(struct store *s, int to_parent)
{
    for (uint32_t n = 0;; n++) {
        struct sample x;
        struct error err;
        char arch[32];

        snprintf(arch, sizeof arch, "arch %u", n);
        sample_fill(&x, 0);
        x.row.arch = arch;
        CHECK(store_put(s, &x.row, &err) == TCET_OK, err.text);
        CHECK(write(to_parent, &n, sizeof n) == sizeof n, "pipe");
    }
}

/* Killed at any moment: every acknowledged row is there and whole. */
static void killed_anywhere(void **state)
{
    struct fixture *f = *state;

    for (int round = 0; round < 8; round++) {
        uint32_t n = 0, last = 0;
        int from_child, any = 0;
        struct arena a = {0};
        struct store *s;
        struct error err;
        pid_t pid = start_child(f, commit_for_ever, &from_child);

        any = read(from_child, &last, sizeof last) == sizeof last; /* it has begun */
        assert_true(any);
        usleep((useconds_t)(1000 + 3777 * round));
        kill_child(pid);
        while (read(from_child, &n, sizeof n) == sizeof n)
            last = n;
        close(from_child);
        s = open_store(f->folder, STORE_RESUME);
        OK(store_set_columns(s, columns, COLUMNS, &err));
        for (n = 0; n <= last; n++) {
            struct result_row row;
            char arch[32];

            snprintf(arch, sizeof arch, "arch %u", n);
            OK(store_find(s, arch, &a, &row, &err));
            assert_int_equal(row.status, RESULT_OK);
        }
        store_close(s);
        arena_free(&a);
    }
}

/* A store of 300 architectures, closed. */
static void make_big(struct fixture *f)
{
    static char names[300][32];
    const char *list[300];
    struct store *s = open_store(f->folder, STORE_FRESH);
    struct error err;

    for (int i = 0; i < 300; i++) {
        snprintf(names[i], sizeof names[i], "arch %d", i);
        list[i] = names[i];
    }
    OK(store_set_columns(s, columns, COLUMNS, &err));
    OK(store_set_archs(s, list, 300, &err));
    OK(store_begin(s, &err));
    for (int i = 0; i < 300; i++) {
        struct sample x;

        sample_fill(&x, i % ARCHS);
        x.row.arch = list[i];
        OK(store_put(s, &x.row, &err));
    }
    OK(store_commit(s, &err));
    store_close(s);
}

/* Opens to read and exports everything; TCET_OK or the error met. */
static tcet_status read_all(struct fixture *f, struct error *err)
{
    static const struct store_export layered = {.layers = 1, .times = 1};
    struct store *s = NULL;
    char path[160];
    tcet_status st;

    snprintf(path, sizeof path, "%s/out.jsonl", f->top);
    TRY(store_open(f->folder, STORE_READ, &s, err));
    st = store_export(s, path, &layered, err);
    store_close(s);
    return st;
}

static void scribble(const char *path, long at, size_t n)
{
    FILE *file = fopen(path, "r+b");

    assert_non_null(file);
    assert_int_equal(fseek(file, at, SEEK_SET), 0);
    for (size_t i = 0; i < n; i++)
        fputc((int)(i * 37 + 11) & 0xff, file);
    assert_int_equal(fclose(file), 0);
}

/* Not a database, one of somebody else's, one of the future: said so, and left alone. */
static void not_a_store(void **state)
{
    struct fixture *f = *state;
    struct store *s = NULL;
    struct error err;
    char path[160], folder_only[160];
    sqlite3 *db;

    store_close(open_store(f->folder, STORE_FRESH));
    db_path(f, "", path);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "PRAGMA user_version = 99", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    for (int mode = STORE_FRESH; mode <= STORE_READ; mode++) {
        assert_int_equal(store_open(f->folder, (enum store_mode)mode, &s, &err), TCET_E_ARG);
        assert_non_null(strstr(err.text, "newer tcet-host (format 99; this one knows format 5)"));
    }
    scribble(path, 0, 100);
    for (int mode = STORE_FRESH; mode <= STORE_READ; mode++) {
        assert_int_equal(store_open(f->folder, (enum store_mode)mode, &s, &err), TCET_E_ARG);
        assert_non_null(strstr(err.text, path));
        assert_non_null(strstr(err.text, "not a database"));
    }
    assert_int_equal(unlink(path), 0);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "CREATE TABLE mine(a)", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    for (int mode = STORE_FRESH; mode <= STORE_READ; mode++) {
        assert_int_equal(store_open(f->folder, (enum store_mode)mode, &s, &err), TCET_E_ARG);
        assert_non_null(strstr(err.text, "not one of tcet-host"));
    }
    snprintf(folder_only, sizeof folder_only, "%s/scores.db", f->folder);
    assert_int_equal(store_open(folder_only, STORE_RESUME, &s, &err), TCET_E_IO);
    assert_non_null(strstr(err.text, "not a folder"));
}

/* Cut short anywhere, or scribbled on anywhere: an error or the rows, never a crash. */
static void damaged(void **state)
{
    struct fixture *f = *state;
    char path[160], keep[176], command[400];
    struct stat info;
    struct error err;
    int refused = 0;

    make_big(f);
    db_path(f, "", path);
    snprintf(keep, sizeof keep, "%s.keep", path);
    snprintf(command, sizeof command, "cp %s %s", keep, path);
    assert_int_equal(rename(path, keep), 0);
    assert_int_equal(stat(keep, &info), 0);
    assert_true(info.st_size > 25 * 4096);
    for (long size = 1; size < info.st_size; size += 4096 * 3 + 1000) {
        assert_int_equal(system(command), 0);
        assert_int_equal(truncate(path, size), 0);
        assert_true(read_all(f, &err) < 0);
        assert_non_null(strstr(err.text, path));
    }
    for (long at = 100; at < info.st_size; at += 4096 * 2) {
        assert_int_equal(system(command), 0);
        scribble(path, at, 2000);
        if (read_all(f, &err) < 0) {
            refused++;
            assert_non_null(strstr(err.text, path));
        }
    }
    assert_true(refused > 5);
    assert_int_equal(system(command), 0);
    OK(read_all(f, &err));
}

/* root may write everywhere: become nobody. */
static void become_nobody(void)
{
    if (geteuid() == 0 && (setgroups(0, NULL) != 0 || setgid(65534) != 0 || setuid(65534) != 0))
        _exit(SKIPPED);
}

static void read_only_work(struct fixture *f)
{
    struct store *s = NULL;
    struct error err;

    become_nobody();
    CHECK(store_open(f->folder, STORE_RESUME, &s, &err) == TCET_E_IO, "opened");
    CHECK(strstr(err.text, f->folder) && strstr(err.text, "denied"), err.text);
    CHECK(read_all(f, &err) == TCET_OK, err.text);
    CHECK(store_open(f->folder, STORE_READ, &s, &err) == TCET_OK, err.text);
    CHECK(store_column_count(s) == COLUMNS && store_arch_count(s) > 0, "empty");
    {
        struct store_summary sum;

        CHECK(store_summarise(s, &sum, &err) == TCET_OK, err.text);
        CHECK(sum.done == (store_arch_count(s) == ARCHS ? 1 : 300), "rows lost");
    }
    store_close(s);
}

static void protect(struct fixture *f, int files, int folder)
{
    char command[512];

    snprintf(command, sizeof command,
             "chmod 777 %s && chmod 555 %s/runs && chmod %o %s/* && "
             "chmod %o %s",
             f->top, f->top, (unsigned)files, f->folder, (unsigned)folder, f->folder);
    assert_int_equal(system(command), 0);
}

static void skip_or_zero(int rc)
{
    if (rc == SKIPPED)
        skip();
    assert_int_equal(rc, 0);
}

/* A folder that cannot be written: exports work, runs are refused by name and cause. */
static void read_only_folder(void **state)
{
    struct fixture *f = *state;

    make_big(f);
    protect(f, 0444, 0555);
    skip_or_zero(in_child(read_only_work, f));
}

/* The same of a run that was killed: its journal holds what it committed, with the index
 * beside it and, as after a copy of the two files that matter, without. */
static void read_only_after_a_kill(void **state)
{
    struct fixture *f = *state;
    int from_child;
    char path[160], c;
    pid_t pid = start_child(f, half_a_batch, &from_child);

    assert_int_equal(read(from_child, &c, 1), 1);
    kill_child(pid);
    close(from_child);
    assert_true(exists(f->folder, "scores.db-wal"));
    protect(f, 0444, 0555);
    skip_or_zero(in_child(read_only_work, f));
    protect(f, 0444, 0755);
    db_path(f, "-shm", path);
    assert_int_equal(unlink(path), 0);
    protect(f, 0444, 0555);
    skip_or_zero(in_child(read_only_work, f));
}

static void unwritable_work(struct fixture *f)
{
    struct store *s = NULL;
    struct error err;
    char path[200];

    become_nobody();
    CHECK(store_open(f->folder, STORE_RESUME, &s, &err) == TCET_E_IO, "opened");
    CHECK(strstr(err.text, f->folder), err.text);
    CHECK(strstr(err.text, "denied") || strstr(err.text, "not writable"), err.text);
    snprintf(path, sizeof path, "%s/runs/new/deep", f->top);
    CHECK(store_open(path, STORE_FRESH, &s, &err) == TCET_E_IO, "made");
    CHECK(strstr(err.text, "cannot make the folder") && strstr(err.text, "denied"), err.text);
}

/* A writable folder with a store that is not; a parent that takes no new folder. */
static void read_only_file(void **state)
{
    struct fixture *f = *state;

    make_big(f);
    protect(f, 0444, 0777);
    skip_or_zero(in_child(unwritable_work, f));
}

/* Puts rows until the disk is full (or files may not grow): all that was committed is read
 * back.  An export to a full disk fails and leaves nothing. */
static void fill_up(struct fixture *f, const char *cause, int full)
{
    const struct store_export plain = {.layers = 1};
    struct store_summary sum;
    struct store *s = NULL;
    struct error err;
    struct sample x;
    size_t committed = 0;
    tcet_status st;
    char arch[32], **list = calloc(4000, sizeof *list), path[160];

    CHECK(store_open(f->folder, STORE_FRESH, &s, &err) == TCET_OK, err.text);
    CHECK(store_set_columns(s, columns, COLUMNS, &err) == TCET_OK, err.text);
    for (int i = 0; i < 4000; i++) {
        snprintf(arch, sizeof arch, "arch %d", i);
        list[i] = strdup(arch);
    }
    CHECK(store_set_archs(s, (const char *const *)list, 4000, &err) == TCET_OK, err.text);
    for (st = TCET_OK; st == TCET_OK && committed < 4000;) {
        size_t n = 0;

        st = store_begin(s, &err);
        for (; n < 10 && st == TCET_OK; n++) {
            sample_fill(&x, 0);
            x.row.arch = list[committed + n];
            st = store_put(s, &x.row, &err);
        }
        if (st == TCET_OK)
            st = store_commit(s, &err);
        if (st == TCET_OK)
            committed += n;
    }
    CHECK(st == TCET_E_IO, "the disk was not full");
    CHECK(strstr(err.text, f->folder) && strstr(err.text, "scores.db"), err.text);
    CHECK(strstr(err.text, cause), err.text);
    CHECK(committed > 0, "nothing fitted");
    CHECK(store_summarise(s, &sum, &err) == TCET_OK, err.text);
    CHECK(sum.done == committed, "lost while open");
    snprintf(path, sizeof path, "%s/full.jsonl", f->folder);
    if (full) {
        CHECK(store_export(s, path, &plain, &err) == TCET_E_IO, "exported to a full disk");
        CHECK(strstr(err.text, path), err.text);
        CHECK(!exists(f->folder, "full.jsonl"), "half an export");
    }
    store_close(s);
    s = NULL;
    CHECK(store_open(f->folder, STORE_READ, &s, &err) == TCET_OK, err.text);
    CHECK(store_summarise(s, &sum, &err) == TCET_OK, err.text);
    CHECK(sum.done == committed, "lost");
    store_close(s);
}

static void file_limit_work(struct fixture *f)
{
    struct rlimit limit = {700 * 1024, 700 * 1024};

    signal(SIGXFSZ, SIG_IGN);
    CHECK(setrlimit(RLIMIT_FSIZE, &limit) == 0, "setrlimit");
    fill_up(f, "File too large", 0);
}

/* A disk of its own for the store; needs the right to mount one. */
static void small_disk(const struct fixture *f, const char *size)
{
    char path[128];

    snprintf(path, sizeof path, "%s/runs", f->top);
    CHECK(mkdir(path, 0755) == 0, "mkdir");
    if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        mount("tmpfs", path, "tmpfs", 0, size) != 0)
        _exit(SKIPPED);
}

static void full_disk_work(struct fixture *f)
{
    small_disk(f, "size=1100k");
    fill_up(f, "no space left on the device", 1);
}

/* Files may grow no more. */
static void file_limit(void **state)
{
    skip_or_zero(in_child(file_limit_work, *state));
}

/* A disk that is really full; needs the right to mount one. */
static void full_disk(void **state)
{
    skip_or_zero(in_child(full_disk_work, *state));
}

static void no_room_work(struct fixture *f)
{
    char path[160];
    struct store *s = NULL;
    struct error err;
    struct stat before, now;

    small_disk(f, "size=80k");
    fixture_copy(f, "format4.db");
    snprintf(path, sizeof path, "%s/scores.db", f->folder);
    CHECK(stat(path, &before) == 0, path);
    CHECK(store_open(f->folder, STORE_RESUME, &s, &err) == TCET_E_IO, "converted without room");
    CHECK(strstr(err.text, path) && strstr(err.text, "of format 4; "), err.text);
    CHECK(stat(path, &now) == 0 && now.st_size == before.st_size, "changed");
    CHECK(store_open(f->folder, STORE_READ, &s, &err) == TCET_OK, err.text);
    store_close(s);
}

/* A store of an earlier format is not begun to be brought to this one where its disk has no room for that. */
static void no_room(void **state)
{
    skip_or_zero(in_child(no_room_work, *state));
}

static void read_on(struct fixture *f)
{
    struct store *s = NULL;
    struct error err;

    for (int i = 0; i < 30; i++) {
        CHECK(store_open(f->folder, STORE_READ, &s, &err) == TCET_OK, err.text);
        store_close(s);
    }
}

static void bring_up(struct fixture *f)
{
    struct store *s = NULL;
    struct error err;

    CHECK(store_open(f->folder, STORE_RESUME, &s, &err) == TCET_OK, err.text);
    store_close(s);
}

/* Who opens a store sees it as it was, or as it is, while another brings it to this format. */
static void reader_beside_change(void **state)
{
    struct fixture *f = *state;

    for (int round = 0; round < 10; round++) {
        int status;
        pid_t reader;

        fixture_copy(f, "format4.db");
        reader = fork();
        assert_true(reader >= 0);
        if (reader == 0) {
            read_on(f);
            _exit(0);
        }
        usleep((useconds_t)round * 1000);
        skip_or_zero(in_child(bring_up, f));
        assert_int_equal(waitpid(reader, &status, 0), reader);
        assert_int_equal(status, 0);
        fixture_empty(f);
    }
}

static void reader_beside_writer(void **state)
{
    struct fixture *f = *state;
    struct store *writer = open_store(f->folder, STORE_FRESH), *reader;
    struct error err;

    set_run(writer);
    put_sample(writer, 0);
    OK(store_begin(writer, &err));
    put_sample(writer, 1);
    reader = open_store(f->folder, STORE_READ);
    summary_is(reader, 1, 0, 2);
    OK(store_commit(writer, &err));
    summary_is(reader, 2, 0, 1);
    store_close(reader);
    put_sample(writer, 2);
    summary_is(writer, 3, 0, 0);
    store_close(writer);
}

/* Another program that holds the database (a browser of databases) is named as the cause. */
static void locked_by_another_program(void **state)
{
    struct fixture *f = *state;
    struct store *s = open_store(f->folder, STORE_FRESH);
    struct error err;
    struct sample x;
    char path[160];
    sqlite3 *db;

    set_run(s);
    put_sample(s, 0);
    db_path(f, "", path);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    sample_fill(&x, 1);
    assert_int_equal(store_put(s, &x.row, &err), TCET_E_IO);
    assert_non_null(strstr(err.text, "locked by another program"));
    sqlite3_close(db);
    put_sample(s, 1);
    summary_is(s, 2, 0, 1);
    store_close(s);
}

/* Files and folders have plain modes, less the umask; a lock that is a link is not followed:
 * in a shared folder it could point at anybody's file. */
static void modes_and_links(void **state)
{
    struct fixture *f = *state;
    struct store *s = NULL;
    struct stat info;
    struct error err;
    char path[160], victim[128], *text;
    FILE *file;
    mode_t old = umask(027);

    store_close(open_store(f->folder, STORE_FRESH));
    umask(old);
    assert_int_equal(stat(f->folder, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0750);
    db_path(f, "", path);
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0640);
    snprintf(path, sizeof path, "%s/lock", f->folder);
    snprintf(victim, sizeof victim, "%s/victim", f->top);
    file = fopen(victim, "w");
    fputs("precious", file);
    fclose(file);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(symlink(victim, path), 0);
    assert_int_equal(store_open(f->folder, STORE_RESUME, &s, &err), TCET_E_IO);
    assert_non_null(strstr(err.text, path));
    text = slurp(victim);
    assert_string_equal(text, "precious");
    free(text);
}

#define T(f) cmocka_unit_test_setup_teardown(f, fixture_make, fixture_drop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(lock_names_its_holder),
        T(killed_in_a_batch),
        T(journal_without_database),
        T(killed_anywhere),
        T(not_a_store),
        T(damaged),
        T(read_only_folder),
        T(read_only_after_a_kill),
        T(read_only_file),
        T(file_limit),
        T(full_disk),
        T(no_room),
        T(reader_beside_change),
        T(reader_beside_writer),
        T(locked_by_another_program),
        T(modes_and_links),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
