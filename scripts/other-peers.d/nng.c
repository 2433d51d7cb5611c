/* nng, push and pull over ipc: see ../other-peers for the command line. */

#include <assert.h>
#include <nng/nng.h>
#include <nng/protocol/pipeline0/pull.h>
#include <nng/protocol/pipeline0/push.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Messages that may wait, the most that nng takes. */
enum { WAITING = 8192 };

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec + time.tv_nsec * 1e-9;
}

static void receive_one(nng_socket socket, size_t size)
{
    nng_msg *message;
    int failed = nng_recvmsg(socket, &message, 0);
    assert(!failed && nng_msg_len(message) == size);
    nng_msg_free(message);
}

static void receive(nng_socket socket, size_t size, double seconds)
{
    /* Looking at the clock costs as much as a small message. */
    size_t between = size < 65536 ? 65536 / size : 1;
    size_t count = 0;
    receive_one(socket, size);
    double start = now(), elapsed;
    do {
        for (size_t i = 0; i < between; i++)
            receive_one(socket, size);
        count += between;
        elapsed = now() - start;
    } while (elapsed < seconds);
    printf("%.0f\n", count / elapsed);
}

int main(int argc, char **argv)
{
    assert(argc >= 4);
    char url[200];
    snprintf(url, sizeof url, "ipc://%s", argv[2]);
    size_t size = strtoul(argv[3], NULL, 10);
    nng_socket socket;
    int failed;
    if (strcmp(argv[1], "recv") == 0) {
        failed = nng_pull0_open(&socket);
        assert(!failed && argc == 5);
        nng_socket_set_int(socket, NNG_OPT_RECVBUF, WAITING);
        failed = nng_listen(socket, url, NULL, 0);
        assert(!failed);
        receive(socket, size, atof(argv[4]));
        nng_close(socket);
        return 0;
    }
    failed = nng_push0_open(&socket);
    assert(!failed);
    nng_socket_set_int(socket, NNG_OPT_SENDBUF, WAITING);
    failed = nng_dial(socket, url, NULL, 0);
    assert(!failed);
    char *payload = calloc(size, 1);
    while (nng_send(socket, payload, size, 0) == 0)
        ;
    return 0;
}
