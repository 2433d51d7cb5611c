/* libzmq, push and pull over ipc: see ../other-peers for the command line. */

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <zmq.h>

/* Bytes that may wait on either side. The default, 1,000 messages, is little for small ones. */
enum { WAITING = 16 << 20 };

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec + time.tv_nsec * 1e-9;
}

static void *open_socket(void *context, int type, size_t size)
{
    void *socket = zmq_socket(context, type);
    int waiting = (int)(WAITING / size), linger = 0;
    assert(socket);
    zmq_setsockopt(socket, ZMQ_SNDHWM, &waiting, sizeof waiting);
    zmq_setsockopt(socket, ZMQ_RCVHWM, &waiting, sizeof waiting);
    zmq_setsockopt(socket, ZMQ_LINGER, &linger, sizeof linger);
    return socket;
}

static void receive(void *socket, size_t size, double seconds)
{
    /* Looking at the clock costs as much as a small message. */
    size_t between = size < 65536 ? 65536 / size : 1;
    size_t count = 0;
    char *message = malloc(size);
    int length = zmq_recv(socket, message, size, 0);
    double start = now(), elapsed;
    assert(length == (int)size);
    do {
        for (size_t i = 0; i < between; i++) {
            length = zmq_recv(socket, message, size, 0);
            assert(length == (int)size);
        }
        count += between;
        elapsed = now() - start;
    } while (elapsed < seconds);
    printf("%.0f\n", count / elapsed);
    free(message);
}

int main(int argc, char **argv)
{
    assert(argc >= 4);
    char endpoint[200];
    snprintf(endpoint, sizeof endpoint, "ipc://%s", argv[2]);
    size_t size = strtoul(argv[3], NULL, 10);
    void *context = zmq_ctx_new();
    if (strcmp(argv[1], "recv") == 0) {
        void *socket = open_socket(context, ZMQ_PULL, size);
        int bound = zmq_bind(socket, endpoint);
        assert(bound == 0 && argc == 5);
        receive(socket, size, atof(argv[4]));
        zmq_close(socket);
        zmq_ctx_destroy(context);
        return 0;
    }
    void *socket = open_socket(context, ZMQ_PUSH, size);
    int connected = zmq_connect(socket, endpoint);
    assert(connected == 0);
    char *message = calloc(size, 1);
    while (zmq_send(socket, message, size, 0) == (int)size)
        ;
    return 0;
}
