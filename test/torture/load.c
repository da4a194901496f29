// SPDX-License-Identifier: Apache-2.0
/*
 * load PID SECONDS EVENTS RATE PROGRESS BITS: asks the torture programs that process PID has loaded for events, on all
 * CPUs and from all contexts at once, in bursts, RATE a second together, until SECONDS have passed, EVENTS were attempted
 * or SIGTERM comes.
 *
 * Says "running" when all threads run. Meanwhile the file PROGRESS holds one 64-bit count per source: the events whose
 * enqueue had returned 0 when last looked at. At the end one line per source says what became of its events, and the
 * file BITS gets a bit for each event whose enqueue returned 0.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "programs.h"

enum {
	IN_FLIGHT_MAX = 256, /* events of one source in packets that the filter has not seen */
	REPEAT_MAX = 8,
	BURST_MAX = 256,
	PAUSE_MICROS_MAX = 400,
	SETTLE_MILLIS = 5000,
	TICK_MILLIS = 10,
};

struct worker;

struct context {
	const char *name;
	int (*run)(struct worker *worker, struct torture_request *request);
};

struct worker {
	pthread_t thread;
	const struct context *context;
	int source;
	int cpu;	/* on which the thread runs */
	int target_cpu; /* on which its events are made */
	int socket_fd;
	int err;
	__u64 asked; /* events, by packets */
	unsigned int seed;
};

static struct programs programs;
static struct torture_setup setup;
static struct sockaddr_in sink;
static volatile __u64 *progress;
static struct worker workers[TORTURE_SOURCES];
static int worker_count;
static pthread_barrier_t all_ready;
static volatile sig_atomic_t stopping;
static double rate; /* events a second of one source */
static __u64 started_millis;

static void stop(int number)
{
	(void)number;
	stopping = 1;
}

static __u64 now_millis(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000ull + t.tv_nsec / 1000000;
}

static void pause_micros(long micros)
{
	struct timespec t = {.tv_nsec = micros * 1000};

	nanosleep(&t, NULL);
}

/* Its first instructions carry the uprobe. */
__attribute__((noinline)) void torture_target(__u64 magic, __u64 source, __u64 first, __u64 count)
{
	asm volatile("" ::"r"(magic), "r"(source), "r"(first), "r"(count) : "memory");
}

static int run_uprobe(struct worker *worker, struct torture_request *request)
{
	(void)worker;
	torture_target(request->magic, request->source, request->first, request->count);
	return 0;
}

static int run_process(struct worker *worker, struct torture_request *request)
{
	return programs_run_raw(programs.process_fd, request, worker->target_cpu);
}

static int run_interrupt(struct worker *worker, struct torture_request *request)
{
	return programs_run_raw(programs.irq_fd, request, worker->target_cpu);
}

static int run_filter(struct worker *worker, struct torture_request *request)
{
	request->first = TORTURE_WHATEVER_IS_NEXT;
	return programs_run_filter(&programs, request, 1 + rand_r(&worker->seed) % REPEAT_MAX);
}

/* Waits until so few events are under way that no queue of the kernel can overflow. */
static bool await_packets(const struct worker *worker, __u64 in_flight, __u64 deadline_millis)
{
	while (worker->asked - programs.sources[worker->source].next > in_flight) {
		if (now_millis() > deadline_millis)
			return false;
		sched_yield();
	}
	return true;
}

static int run_packet(struct worker *worker, struct torture_request *request)
{
	request->first = worker->asked;
	if (sendto(worker->socket_fd, request, sizeof(*request), 0, (struct sockaddr *)&sink,
		   sizeof(sink)) < 0)
		return -errno;
	worker->asked += request->count;
	return await_packets(worker, IN_FLIGHT_MAX, now_millis() + SETTLE_MILLIS) ? 0 : -ETIMEDOUT;
}

/* Several threads of a CPU in uprobe context, so that where the kernel preempts, one meets another half-way. */
static const struct context contexts[] = {
	{"packet", run_packet},	      {"filter", run_filter}, {"process", run_process},
	{"interrupt", run_interrupt}, {"uprobe", run_uprobe}, {"uprobe", run_uprobe},
	{"uprobe", run_uprobe},
};

enum {
	CONTEXTS = sizeof(contexts) / sizeof(*contexts)
};

static int run_once(struct worker *worker)
{
	struct torture_request request = {
		.magic = setup.magic,
		.source = worker->source,
		.first = programs.sources[worker->source].next,
		.count = 1 + rand_r(&worker->seed) % TORTURE_RUN_MAX,
		.flush = rand_r(&worker->seed) % 4 == 0,
	};
	int err = worker->context->run(worker, &request);

	progress[worker->source] = programs.sources[worker->source].accepted;
	return err;
}

static void pin_to(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	sched_setaffinity(0, sizeof(set), &set);
}

/* Bursts are as fast as can be; between them a source waits, at random, until it is no more ahead of its rate. */
static void pause_between(struct worker *worker)
{
	const volatile struct torture_source *source = &programs.sources[worker->source];

	do
		pause_micros(1 + rand_r(&worker->seed) % PAUSE_MICROS_MAX);
	while (!stopping && source->next > rate * (now_millis() - started_millis) / 1000);
}

static void *work(void *argument)
{
	struct worker *worker = argument;
	const volatile struct torture_source *source = &programs.sources[worker->source];

	pin_to(worker->cpu);
	pthread_barrier_wait(&all_ready);
	while (!stopping && !worker->err) {
		int burst = rand_r(&worker->seed) % BURST_MAX;

		while (!stopping && !worker->err && burst-- >= 0) {
			if (source->next + IN_FLIGHT_MAX + REPEAT_MAX * TORTURE_RUN_MAX >=
			    setup.ids_per_source)
				return NULL;
			worker->err = run_once(worker);
		}
		pause_between(worker);
	}
	if (worker->asked && !await_packets(worker, 0, now_millis() + SETTLE_MILLIS))
		worker->err = -ETIMEDOUT;
	return NULL;
}

static int add_worker(const struct context *context, int cpu, int target_cpu)
{
	struct worker *worker = &workers[worker_count];

	*worker = (struct worker){.context = context,
				  .source = worker_count,
				  .cpu = cpu,
				  .target_cpu = target_cpu,
				  .socket_fd = -1};
	worker_count++;
	if (context->run == run_packet) {
		worker->socket_fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
		if (worker->socket_fd < 0)
			return -errno;
	}
	programs.sources[worker->source].cpu = target_cpu;
	return getrandom(&worker->seed, sizeof(worker->seed), 0) < 0 ? -errno : 0;
}

static int add_workers(void)
{
	int cpus[CPU_SETSIZE], count = 0, err = 0;
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set) < 0)
		return -errno;
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET(cpu, &set) && count < TORTURE_SOURCES / CONTEXTS)
			cpus[count++] = cpu;
	for (int i = 0; i < count; i++) {
		for (int c = 0; c < CONTEXTS && !err; c++) {
			bool remote = contexts[c].run == run_interrupt;
			err = add_worker(&contexts[c], cpus[i], cpus[(i + remote) % count]);
		}
	}
	return err;
}

/* A socket that nobody reads: its queue overflows and the packets end there, after the filter has seen them. */
static int open_sink(void)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), bytes = 1;
	socklen_t length = sizeof(sink);

	sink = (struct sockaddr_in){.sin_family = AF_INET,
				    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes)) < 0 ||
	    bind(fd, (struct sockaddr *)&sink, sizeof(sink)) < 0 ||
	    getsockname(fd, (struct sockaddr *)&sink, &length) < 0)
		return -errno;
	return 0;
}

static int open_progress(const char *path)
{
	size_t bytes = TORTURE_SOURCES * sizeof(*progress);
	int fd = open(path, O_RDWR | O_CLOEXEC);
	void *memory;

	if (fd < 0 || ftruncate(fd, bytes) < 0)
		return -errno;
	memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (memory == MAP_FAILED)
		return -errno;
	progress = memory;
	return 0;
}

static int write_setup(void)
{
	__u32 zero = 0;

	setup.ids_per_source = (1ull << TORTURE_BITS_LOG2) / worker_count / 64 * 64;
	if (getrandom(&setup.magic, sizeof(setup.magic), 0) < 0)
		return -errno;
	return bpf_map_update_elem(programs.setup_fd, &zero, &setup, BPF_ANY) < 0 ? -errno : 0;
}

static __u64 attempted(void)
{
	__u64 sum = 0;

	for (int i = 0; i < worker_count; i++)
		sum += programs.sources[i].next;
	return sum;
}

static int run_all(double seconds, __u64 events)
{
	int err = 0;

	started_millis = now_millis();
	pthread_barrier_init(&all_ready, NULL, worker_count + 1);
	for (int i = 0; i < worker_count; i++)
		if (pthread_create(&workers[i].thread, NULL, work, &workers[i]))
			return -EAGAIN;
	pthread_barrier_wait(&all_ready);
	puts("running");
	fflush(stdout);
	while (!stopping && now_millis() < started_millis + seconds * 1000 && attempted() < events)
		pause_micros(TICK_MILLIS * 1000);
	stopping = 1;
	for (int i = 0; i < worker_count; i++) {
		pthread_join(workers[i].thread, NULL);
		if (workers[i].err) {
			fprintf(stderr, "%s on CPU %d: %s\n", workers[i].context->name,
				workers[i].cpu, strerror(-workers[i].err));
			err = workers[i].err;
		}
	}
	return err;
}

static int write_bits(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	size_t bytes = setup.ids_per_source / 8 * worker_count;
	const char *from = (const char *)programs.bits;

	if (fd < 0)
		return -errno;
	for (size_t done = 0; done < bytes;) {
		ssize_t count = write(fd, from + done, bytes - done);
		if (count < 0)
			return -errno;
		done += count;
	}
	return close(fd) < 0 ? -errno : 0;
}

static void report(void)
{
	for (int i = 0; i < worker_count; i++) {
		const volatile struct torture_source *source = &programs.sources[i];

		printf("{\"context\":\"%s\",\"cpu\":%u,\"attempted\":%llu,\"accepted\":%llu,"
		       "\"pagesFull\":%llu,\"contended\":%llu,\"other\":%llu,\"misplaced\":%llu}\n",
		       workers[i].context->name, source->cpu, source->next, source->accepted,
		       source->pages_full, source->contended, source->other, source->misplaced);
	}
}

int main(int argc, char **argv)
{
	struct sigaction action = {.sa_handler = stop};
	int err;

	if (argc != 7) {
		fprintf(stderr, "usage: load PID SECONDS EVENTS RATE PROGRESS BITS\n");
		return 2;
	}
	sigaction(SIGTERM, &action, NULL);
	err = programs_find(&programs, atoi(argv[1]));
	err = err ?: open_progress(argv[5]);
	err = err ?: open_sink();
	err = err ?: add_workers();
	err = err ?: write_setup();
	err = err ?: programs_attach_uprobe(&programs, torture_target);
	rate = worker_count ? atof(argv[4]) / worker_count : 0;
	err = err ?: run_all(atof(argv[2]), strtoull(argv[3], NULL, 10));
	err = err ?: write_bits(argv[6]);
	if (err) {
		fprintf(stderr, "the load cannot run: %s\n", strerror(-err));
		return 1;
	}
	report();
	return 0;
}
