/* mpi.c -- tcet-mpi.so: messages between ranks by the MPI library.
 *
 * Room: core/mpi, the only one that may see MPI.  Stands on proc/mpi.h (the table it fills) and
 * <mpi.h>; exports MPI_SYMBOL and nothing else.  Sends are started and looked after later, so
 * that two ranks that send to each other at once never wait for each other. */
#include "proc/mpi.h"

#include <mpi.h>
#include <stdlib.h>
#include <string.h>

enum { TAG = 1 };

/* A message on its way, and its bytes. */
struct sending {
    struct sending *next;
    MPI_Request request;
    char data[];
};
static struct sending *under_way;

static int start(int *rank, int *ranks)
{
    if (MPI_Init(NULL, NULL) != MPI_SUCCESS)
        return -1;
    MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
    return MPI_Comm_rank(MPI_COMM_WORLD, rank) == MPI_SUCCESS &&
                   MPI_Comm_size(MPI_COMM_WORLD, ranks) == MPI_SUCCESS
               ? 0
               : -1;
}

/* Frees what has left; a message that failed is lost like its receiver. */
static void look_after(void)
{
    for (struct sending **at = &under_way, *s; (s = *at) != NULL;) {
        int done = 0;

        if (MPI_Test(&s->request, &done, MPI_STATUS_IGNORE) == MPI_SUCCESS && !done) {
            at = &s->next;
            continue;
        }
        *at = s->next;
        free(s);
    }
}

static int send(int rank, const void *data, size_t n)
{
    struct sending *s = malloc(sizeof *s + n);

    if (!s)
        return -1;
    memcpy(s->data, data, n);
    if (MPI_Isend(s->data, (int)n, MPI_BYTE, rank, TAG, MPI_COMM_WORLD, &s->request) !=
        MPI_SUCCESS) {
        free(s);
        return -1;
    }
    s->next = under_way;
    under_way = s;
    look_after();
    return 0;
}

static int take(int *rank, void **data, size_t *n)
{
    MPI_Status status;
    MPI_Message message;
    int have = 0, bytes = 0;

    look_after();
    if (MPI_Improbe(MPI_ANY_SOURCE, TAG, MPI_COMM_WORLD, &have, &message, &status) != MPI_SUCCESS)
        return -1;
    if (!have)
        return 0;
    MPI_Get_count(&status, MPI_BYTE, &bytes);
    *data = malloc((size_t)bytes + 1);
    if (!*data)
        return -1;
    if (MPI_Mrecv(*data, bytes, MPI_BYTE, &message, &status) != MPI_SUCCESS) {
        free(*data);
        return -1;
    }
    *rank = status.MPI_SOURCE;
    *n = (size_t)bytes;
    return 1;
}

static void finish(void)
{
    while (under_way)
        look_after();
    MPI_Finalize();
}

__attribute__((visibility("default"))) const struct mpi *tcet_mpi_v1(void);

const struct mpi *tcet_mpi_v1(void)
{
    static const struct mpi table = {start, send, take, finish};

    return &table;
}
