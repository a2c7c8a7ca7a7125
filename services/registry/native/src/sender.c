/* SPDX-License-Identifier: Apache-2.0 */
#include "sender.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "near.h"

#define THREADS 2
#define STACK_BYTES (128 * 1024)
#define SLICE_BYTES (1 << 20)
#define BUFFER_BYTES (128 * 1024)
#define EVENTS 64
/* How often idle transfers are looked for. */
#define LOOK_MS 500

/* One thread: those that can go on, in a queue; those that wait for their clients, in epoll and a list. */
struct worker {
	int epoll;
	int wake;
	pthread_mutex_t lock;
	struct transfer *arrived; /* under the lock */
	struct transfer *ready_first;
	struct transfer *ready_last;
	struct transfer *waiting;
	int64_t looked_ms;
	char buffer[BUFFER_BYTES];
};

static struct worker workers[THREADS];
static pthread_once_t started = PTHREAD_ONCE_INIT;
static int start_failure;
static atomic_uint turn;

static int64_t now_ms(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

static void push_ready(struct worker *worker, struct transfer *transfer)
{
	transfer->next = NULL;
	if (worker->ready_last)
		worker->ready_last->next = transfer;
	else
		worker->ready_first = transfer;
	worker->ready_last = transfer;
}

static struct transfer *pop_ready(struct worker *worker)
{
	struct transfer *transfer = worker->ready_first;

	worker->ready_first = transfer->next;
	if (!worker->ready_first)
		worker->ready_last = NULL;
	return transfer;
}

static void leave_waiting(struct worker *worker, struct transfer *transfer)
{
	if (transfer->previous)
		transfer->previous->next = transfer->next;
	else
		worker->waiting = transfer->next;
	if (transfer->next)
		transfer->next->previous = transfer->previous;
	transfer->is_waiting = 0;
}

static void finish(struct worker *worker, struct transfer *transfer, int error)
{
	/* The socket lives on in its other descriptor, so closing ours would leave it in epoll. */
	epoll_ctl(worker->epoll, EPOLL_CTL_DEL, transfer->socket, NULL);
	close(transfer->socket);
	close(transfer->file);
	transfer->error = error;
	transfer->done(transfer);
}

/* Until the client takes more. */
static void wait_for_room(struct worker *worker, struct transfer *transfer)
{
	struct epoll_event event = { .events = EPOLLOUT | EPOLLONESHOT, .data.ptr = transfer };

	transfer->deadline_ms = now_ms() + transfer->idle_ms;
	transfer->previous = NULL;
	transfer->next = worker->waiting;
	if (worker->waiting)
		worker->waiting->previous = transfer;
	worker->waiting = transfer;
	transfer->is_waiting = 1;
	if (epoll_ctl(worker->epoll, EPOLL_CTL_MOD, transfer->socket, &event) < 0) {
		leave_waiting(worker, transfer);
		finish(worker, transfer, errno);
	}
}

/* As sendfile(2), in steps that stay in the processor's caches. */
static ssize_t copy(struct worker *worker, struct transfer *transfer, size_t wanted)
{
	size_t done = 0;

	while (done < wanted) {
		size_t step = wanted - done < BUFFER_BYTES ? wanted - done : BUFFER_BYTES;
		ssize_t count = pread(transfer->file, worker->buffer, step, transfer->offset);

		step = count > 0 ? (size_t)count : 0;
		if (count > 0)
			count = send(transfer->socket, worker->buffer, step, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (count <= 0)
			return done > 0 ? (ssize_t)done : count;
		done += (size_t)count;
		transfer->offset += count;
		if ((size_t)count < step)
			break;
	}
	return (ssize_t)done;
}

/*
 * A client on this machine would have to wait for memory that nobody has touched: it gets what was just read. One that is
 * elsewhere has a network card that fetches the bytes by itself: sendfile copies nothing.
 */
static ssize_t send_some(struct worker *worker, struct transfer *transfer, size_t wanted)
{
	if (transfer->is_near)
		return copy(worker, transfer, wanted);
	return sendfile(transfer->socket, transfer->file, &transfer->offset, wanted);
}

/* One slice. */
static void go_on(struct worker *worker, struct transfer *transfer)
{
	size_t wanted = transfer->left < SLICE_BYTES ? (size_t)transfer->left : SLICE_BYTES;
	ssize_t sent = send_some(worker, transfer, wanted);

	if (sent > 0) {
		transfer->left -= (uint64_t)sent;
		if (transfer->left == 0)
			finish(worker, transfer, 0);
		else
			push_ready(worker, transfer);
	} else if (sent == 0) {
		/* The file is shorter than was said. */
		finish(worker, transfer, EIO);
	} else if (errno == EAGAIN) {
		wait_for_room(worker, transfer);
	} else if (errno == EINTR) {
		push_ready(worker, transfer);
	} else {
		finish(worker, transfer, errno);
	}
}

static void take_arrived(struct worker *worker)
{
	struct transfer *list;
	uint64_t count;

	while (read(worker->wake, &count, sizeof(count)) < 0 && errno == EINTR)
		;
	pthread_mutex_lock(&worker->lock);
	list = worker->arrived;
	worker->arrived = NULL;
	pthread_mutex_unlock(&worker->lock);
	while (list) {
		struct transfer *transfer = list;
		struct epoll_event event = { .events = 0, .data.ptr = transfer };

		list = list->next;
		if (epoll_ctl(worker->epoll, EPOLL_CTL_ADD, transfer->socket, &event) < 0)
			finish(worker, transfer, errno);
		else if (transfer->left == 0)
			finish(worker, transfer, 0);
		else
			push_ready(worker, transfer);
	}
}

static void give_up_idle(struct worker *worker)
{
	int64_t now = now_ms();
	struct transfer *next;

	if (now - worker->looked_ms < LOOK_MS)
		return;
	worker->looked_ms = now;
	for (struct transfer *transfer = worker->waiting; transfer; transfer = next) {
		next = transfer->next;
		if (transfer->deadline_ms > now)
			continue;
		leave_waiting(worker, transfer);
		finish(worker, transfer, ETIMEDOUT);
	}
}

static int patience(const struct worker *worker)
{
	if (worker->ready_first)
		return 0;
	return worker->waiting ? LOOK_MS : -1;
}

static void *work(void *argument)
{
	struct worker *worker = argument;
	struct epoll_event events[EVENTS];

	for (;;) {
		int count = epoll_wait(worker->epoll, events, EVENTS, patience(worker));

		for (int i = 0; i < count; i++) {
			struct transfer *transfer = events[i].data.ptr;

			if (!transfer) {
				take_arrived(worker);
			} else if (transfer->is_waiting) {
				/* Errors show when it goes on. One that did not wait has a client that hung up: it shows then too. */
				leave_waiting(worker, transfer);
				push_ready(worker, transfer);
			}
		}
		give_up_idle(worker);
		if (worker->ready_first)
			go_on(worker, pop_ready(worker));
	}
	return NULL;
}

static int start_worker(struct worker *worker)
{
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = NULL };
	pthread_attr_t attributes;
	pthread_t thread;
	sigset_t all, before;
	int failure;

	worker->epoll = epoll_create1(EPOLL_CLOEXEC);
	worker->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (worker->epoll < 0 || worker->wake < 0)
		return errno;
	if (epoll_ctl(worker->epoll, EPOLL_CTL_ADD, worker->wake, &event) < 0)
		return errno;
	pthread_mutex_init(&worker->lock, NULL);
	failure = pthread_attr_init(&attributes);
	if (failure)
		return failure;
	pthread_attr_setstacksize(&attributes, STACK_BYTES);
	pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	failure = pthread_create(&thread, &attributes, work, worker);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attributes);
	return failure;
}

static void start(void)
{
	for (int i = 0; i < THREADS && start_failure == 0; i++)
		start_failure = start_worker(&workers[i]);
}

int sender_begin(struct transfer *transfer)
{
	static const uint64_t one = 1;
	struct worker *worker = &workers[atomic_fetch_add(&turn, 1) % THREADS];
	ssize_t written;

	pthread_once(&started, start);
	if (start_failure)
		return start_failure;
	transfer->is_waiting = 0;
	transfer->error = 0;
	transfer->is_near = is_near(transfer->socket);
	pthread_mutex_lock(&worker->lock);
	transfer->next = worker->arrived;
	worker->arrived = transfer;
	pthread_mutex_unlock(&worker->lock);
	do {
		written = write(worker->wake, &one, sizeof(one));
	} while (written < 0 && errno == EINTR);
	return 0;
}
